//! SavedModels that TensorFlow wrote, loaded as models.

use std::path::{Path, PathBuf};

use kerox::layers::registry::LayerEntry;
use kerox::layers::{Args, Base, Build, Call, Forward, Initializer, Result as LayerResult, WeightSpec};
use kerox::prelude::*;
use kerox::saving::{
    ConvertOptions, CustomObjects, LoadOptions, RevivedLayer, convert, inspect, load_model, load_model_with_report,
};
use kerox_config_json::{Limits, Value as Json};
use kerox_graph::{Value, ValueInfo};
use kerox_tensor::npy;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/savedmodel").join(name)
}

fn json(path: PathBuf) -> Json {
    Json::parse_document(&std::fs::read(path).unwrap(), &Limits::default()).unwrap()
}

/// Nested lists of numbers as a tensor.
fn floats(value: &Json) -> Tensor {
    fn walk(value: &Json, depth: usize, shape: &mut Vec<usize>, flat: &mut Vec<f32>) {
        match value {
            Json::List(items) => {
                if shape.len() == depth {
                    shape.push(items.len());
                }
                items.iter().for_each(|item| walk(item, depth + 1, shape, flat));
            }
            number => flat.push(number.as_f64().unwrap() as f32),
        }
    }
    let (mut shape, mut flat) = (Vec::new(), Vec::new());
    walk(value, 0, &mut shape, &mut flat);
    Tensor::from_vec(flat, shape).unwrap()
}

/// An array of numbers, or one of strings as JSON.
fn recorded(path: &Path) -> Tensor {
    if path.extension().is_some_and(|extension| extension == "npy") {
        return npy::read(&mut std::fs::File::open(path).unwrap(), "array").unwrap();
    }
    let array = Json::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    let list = |key: &str| array.get(key).and_then(Json::as_list).unwrap().iter();
    let shape: Vec<usize> = list("shape").map(|n| n.as_i64().unwrap() as usize).collect();
    Tensor::from_strings(list("text").map(|s| s.as_str().unwrap().as_bytes()), shape).unwrap()
}

fn far(found: &Tensor, expected: &Tensor, tolerance: f64) -> Option<String> {
    if found.shape() != expected.shape() {
        return Some(format!("shape {}, not {}", found.shape(), expected.shape()));
    }
    let (a, b) = (found.cast(DType::F64).unwrap(), expected.cast(DType::F64).unwrap());
    let pairs = a.as_slice::<f64>().unwrap().iter().zip(b.as_slice::<f64>().unwrap());
    // NaN is far from everything.
    let near = |a: f64, b: f64| (a - b).abs() <= tolerance * (1.0 + b.abs());
    pairs.clone().find(|&(&a, &b)| !near(a, b)).map(|(a, b)| format!("{a}, not {b}"))
}

fn predict(model: &mut Model, x: &Tensor) -> Tensor {
    model.predict(x, Predict::default().verbose(0)).unwrap().remove(0)
}

/// A model gives the outputs of the file, has the optimizer's state, and trains on as Keras does.
fn check_trained(model: &mut Model, dir: &Path) {
    let expected = json(dir.join("expected.json"));
    let of = |part: &str, name: &str| floats(expected.get(part).unwrap().get(name).unwrap());
    let (x, y) = (of("inputs", "x"), of("inputs", "y"));
    assert_eq!(far(&predict(model, &x), &of("outputs", "before"), 1e-5), None);
    let state = model.optimizer().unwrap().variables();
    let saved = expected.get("optimizer").unwrap().as_list().unwrap();
    assert_eq!(state.len(), saved.len());
    for (variable, saved) in state.iter().zip(saved) {
        assert_eq!(far(&variable.value(), &floats(saved), 1e-6), None, "{}", variable.name());
    }
    let fit = Fit::default().epochs(2).batch_size(8).shuffle(false).verbose(0);
    let history = model.fit(&x, &y, fit).unwrap();
    let losses = Tensor::from_vec(history.get("loss").to_vec(), [2]).unwrap();
    assert_eq!(far(&losses, &floats(expected.get("losses").unwrap()), 1e-4), None);
    assert_eq!(far(&predict(model, &x), &of("outputs", "after"), 1e-4), None);
}

#[test]
fn a_sequential_model_with_everything() {
    let dir = golden("mlp");
    let expected = json(dir.join("expected.json"));
    let loaded = load_model_with_report(&dir, LoadOptions::new()).unwrap();
    assert_eq!(loaded.warnings, Vec::<String>::new());
    let mut model = loaded.model;
    let x = floats(expected.get("inputs").unwrap().get("dense_input").unwrap());
    let y = floats(expected.get("outputs").unwrap().get("dense_1").unwrap());
    assert_eq!(far(&predict(&mut model, &x), &y, 1e-5), None);
    assert_eq!(model.optimizer().unwrap().iterations().value().to_scalar::<i64>().unwrap(), 1);
    let names: Vec<String> = model.layers().iter().map(|layer| layer.name().to_owned()).collect();
    assert_eq!(names, ["dense", "dropout", "dense_1"]);
}

#[test]
fn a_layer_of_an_unknown_class_runs_and_trains_by_its_functions() {
    let dir = golden("custom");
    let mut model = load_model(&dir, LoadOptions::new()).unwrap();
    let layer = model.get_layer("custom_layer").unwrap();
    assert_eq!(layer.class_name(), "CustomLayer");
    assert!(layer.downcast::<RevivedLayer>().is_some());
    let weights: Vec<String> = layer.trainable_weights().iter().map(|w| w.attr.clone()).collect();
    assert_eq!(weights, ["kernel", "bias"]);
    check_trained(&mut model, &dir);
}

#[test]
fn a_revived_layer_is_given_masks_and_passes_none_on() {
    let dir = golden("masked");
    let expected = json(dir.join("expected.json"));
    let of = |part: &str, name: &str| floats(expected.get(part).unwrap().get(name).unwrap());
    let mut model = load_model(&dir, LoadOptions::new()).unwrap();
    assert!(model.get_layer("masked").unwrap().downcast::<RevivedLayer>().is_some());
    let found = model.predict(of("inputs", "ids"), Predict::default().verbose(0)).unwrap();
    assert_eq!(far(&found[0], &of("outputs", "masked"), 1e-6), None);
    assert_eq!(far(&found[1], &of("outputs", "rnn"), 1e-6), None);
}

/// The Rust form of the class in `golden/savedmodel/make.py`.
#[derive(kerox::layers::Layer)]
#[layer(new = CustomLayer::new)]
struct CustomLayer {
    #[base]
    base: Base,
    #[config]
    units: usize,
}

impl CustomLayer {
    fn new(units: usize) -> CustomLayer {
        CustomLayer { base: Base::new("CustomLayer"), units }
    }
}

impl Forward for CustomLayer {
    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> LayerResult<()> {
        let width = inputs[0].dims.axes().and_then(|axes| *axes.last()?).unwrap_or(1);
        let (glorot, zeros) = (Initializer::from("glorot_uniform"), Initializer::from("zeros"));
        cx.add_weight(&self.base, WeightSpec::new("kernel", [width, self.units], &glorot))?;
        cx.add_weight(&self.base, WeightSpec::new("bias", [self.units], &zeros))?;
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> LayerResult<Vec<Value>> {
        let (kernel, bias) = (cx.weight(&self.base, "kernel")?, cx.weight(&self.base, "bias")?);
        let y = cx.g.matmul(*args.first()[0], kernel, false, false)?;
        let y = cx.g.add(y, bias)?;
        let y = cx.g.tanh(y)?;
        Ok(vec![cx.g.multiply(y, y)?])
    }
}

#[test]
fn a_class_that_is_passed_is_used() {
    let dir = golden("custom");
    let mine = CustomObjects::new().with("CustomLayer", LayerEntry::of::<CustomLayer>());
    let mut model = load_model(&dir, LoadOptions::new().custom_objects(mine)).unwrap();
    assert_eq!(model.get_layer("custom_layer").unwrap().downcast::<CustomLayer>().unwrap().units, 6);
    check_trained(&mut model, &dir);
}

#[test]
fn a_model_of_an_unknown_class_runs_and_trains_by_its_functions() {
    let dir = golden("subclassed");
    let mut model = load_model(&dir, LoadOptions::new()).unwrap();
    let classes: Vec<String> = model.layers().iter().map(|layer| layer.class_name().to_owned()).collect();
    assert_eq!(classes.len(), 4, "{classes:?}");
    assert!(["Dense", "CustomLayer", "BatchNormalization"].iter().all(|class| classes.contains(&(*class).to_owned())));
    assert_eq!((model.network().trainable_weights().len(), model.network().weights().len()), (8, 10));
    check_trained(&mut model, &dir);
}

#[test]
fn what_a_directory_holds_is_told_without_building_it() {
    let found = inspect(golden("custom")).unwrap();
    assert_eq!((found.format, found.class_name.as_deref()), ("saved-model", Some("Functional")));
    assert_eq!(found.keras_version.as_deref(), Some("2.15.0"));
    let layers: Vec<(String, Option<usize>)> =
        found.layers.unwrap().into_iter().map(|layer| (layer.class_name, layer.params)).collect();
    let expected = [("InputLayer", 0), ("Dense", 25), ("CustomLayer", 36), ("Dense", 21)];
    assert_eq!(layers, expected.map(|(class, params)| (class.to_owned(), Some(params))));
    assert!(found.training_config.is_some());
    assert_eq!(found.package.signatures[0].name, "serving_default");
    assert_eq!(found.package.signatures[0].outputs[0].name, "dense_1");
    // The class of a model that has no configuration is known all the same.
    let found = inspect(golden("subclassed")).unwrap();
    assert_eq!(found.class_name.as_deref(), Some("Backbone"));
    assert_eq!(found.layers.unwrap().len(), 4);
    // Other SavedModels have signatures alone.
    let found = inspect(golden("module")).unwrap();
    assert_eq!((found.class_name, found.layers), (None, None));
    assert_eq!(found.package.signatures.len(), 2);
}

#[test]
fn other_formats_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let expected = json(golden("mlp").join("expected.json"));
    let x = floats(expected.get("inputs").unwrap().get("dense_input").unwrap());
    let y = floats(expected.get("outputs").unwrap().get("dense_1").unwrap());
    for name in ["m.h5", "m.keras", "m.safetensors"] {
        let to = dir.path().join(name);
        let lost = convert(golden("mlp"), &to, &ConvertOptions::new()).unwrap();
        assert_eq!(lost, Vec::<String>::new(), "{name}");
        let mut model = load_model(&to, LoadOptions::new()).unwrap();
        assert_eq!(far(&predict(&mut model, &x), &y, 1e-5), None, "{name}");
        assert_eq!(model.optimizer().unwrap().iterations().value().to_scalar::<i64>().unwrap(), 1, "{name}");
    }
    convert(golden("mlp"), dir.path().join("m.json"), &ConvertOptions::new()).unwrap();
    let other = Sequential::new().add(Dense::new(6).activation("relu").input_shape([8])).add(Dropout::new(0.2));
    let _ = other.network();
    let mut model = Sequential::new()
        .add(Dense::new(6).activation("relu").input_shape([8]))
        .add(Dropout::new(0.2))
        .add(Dense::new(4));
    model.load_weights(golden("mlp")).unwrap();
    assert_eq!(far(&predict(&mut model, &x), &y, 1e-5), None);
    assert!(other.load_weights(golden("mlp")).unwrap().assert_consumed().is_err());
}

#[test]
fn a_directory_of_another_origin_says_what_to_do() {
    let error = load_model(golden("module"), LoadOptions::new()).err().unwrap().to_string();
    assert!(error.contains("of another origin with the signatures `look_up`, `serving_default`"), "{error}");
    assert!(error.contains("kerox::saved_model::load"), "{error}");
}

#[test]
fn metadata_that_contradicts_the_graph() {
    use kerox_format_savedmodel::messages::SavedMetadata;
    use kerox_format_savedmodel::wire::Message;
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("variables")).unwrap();
    for name in ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"] {
        std::fs::copy(golden("custom").join(name), dir.path().join(name)).unwrap();
    }
    let original = SavedMetadata::decode(&std::fs::read(golden("custom").join("keras_metadata.pb")).unwrap()).unwrap();
    let error = |change: &dyn Fn(&mut SavedMetadata)| {
        let mut metadata = original.clone();
        change(&mut metadata);
        std::fs::write(dir.path().join("keras_metadata.pb"), metadata.encode()).unwrap();
        load_model(dir.path(), LoadOptions::new()).err().map(|error| error.to_string()).unwrap_or_default()
    };
    // Other shapes than the checkpoint has.
    let text = error(&|m| m.nodes[0].metadata = m.nodes[0].metadata.replace("\"units\": 5", "\"units\": 7"));
    assert!(text.contains("custom_layer") && text.contains("(None, 7)"), "{text}");
    // Objects that do not exist, text that is no JSON, a layer without what is known of it.
    let text = error(&|m| m.nodes[1].node_id = 100_000);
    assert!(text.contains("expected an object below") && text.contains("100000"), "{text}");
    let text = error(&|m| m.nodes[0].metadata.truncate(40));
    assert!(text.contains("Keras metadata"), "{text}");
    let text = error(&|m| m.nodes.retain(|node| !node.metadata.contains("CustomLayer") || node.node_id == 0));
    assert!(text.contains("CustomLayer"), "{text}");
    // A number of units that no memory holds.
    let text =
        error(&|m| m.nodes[0].metadata = m.nodes[0].metadata.replace("\"units\": 5", "\"units\": 4611686018427387904"));
    assert!(!text.is_empty());
    assert!(error(&|_| {}).is_empty());
}

#[test]
fn files_that_are_cut_or_changed_give_errors() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("variables")).unwrap();
    let files =
        ["saved_model.pb", "keras_metadata.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"];
    for name in files {
        std::fs::copy(golden("custom").join(name), dir.path().join(name)).unwrap();
    }
    for name in files {
        let whole = std::fs::read(golden("custom").join(name)).unwrap();
        let step = whole.len() / 12 + 1;
        for at in (0..whole.len()).step_by(step) {
            std::fs::write(dir.path().join(name), &whole[..at]).unwrap();
            // Whatever comes, it comes soon and is no panic; a cut can fall between fields.
            let _ = load_model(dir.path(), LoadOptions::new()).map(|_| ());
            let mut changed = whole.clone();
            changed[at] ^= 0xff;
            std::fs::write(dir.path().join(name), &changed).unwrap();
            let _ = load_model(dir.path(), LoadOptions::new()).map(|_| ());
        }
        std::fs::remove_file(dir.path().join(name)).unwrap();
        assert!(load_model(dir.path(), LoadOptions::new()).is_err(), "{name}");
        std::fs::write(dir.path().join(name), &whole).unwrap();
    }
    assert!(load_model(dir.path(), LoadOptions::new()).is_ok());
}

/// Models that Keras saved, of many versions: the outputs that were recorded.
#[test]
fn published_models_give_the_recorded_outputs() {
    let shared = std::env::var_os("KEROX_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").into());
    let zoo = shared.join("zoo");
    if !zoo.join("manifest.json").is_file() {
        println!("SKIPPED: no zoo of published files here; set KEROX_SHARED");
        return;
    }
    let manifest = json(zoo.join("manifest.json"));
    let text = |value: &Json, key: &str| value.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    let missing: Vec<(&str, &str)> = include_str!("saved_model_missing.txt")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| line.split_once(": ").expect("`id: a part of the error`"))
        .collect();
    let (mut count, mut wrong) = (0, Vec::new());
    for entry in manifest.get("models").unwrap().as_list().unwrap() {
        let id = text(entry, "id");
        let by_keras = text(entry, "format").starts_with("savedmodel") && !text(entry, "top_class").is_empty();
        let runs = entry.get("oracle_runs");
        let run = runs.and_then(|runs| runs.get("(keras object)").or_else(|| runs.get("serving_default")));
        let (true, Some(run)) = (by_keras, run) else { continue };
        let result = load_model_with_report(
            zoo.join("files").join(&id).join(text(entry, "saved_model_dir")),
            LoadOptions::new(),
        );
        let mut model = match result {
            Ok(loaded) => {
                loaded.warnings.iter().for_each(|warning| println!("{id}: {warning}"));
                loaded.model
            }
            Err(error) => {
                let listed = missing.iter().find(|(known, _)| *known == id);
                match listed.filter(|(_, reason)| error.to_string().contains(reason)) {
                    Some(_) => println!("{id}: listed: {error}"),
                    None => wrong.push(format!("{id}: {error}")),
                }
                continue;
            }
        };
        let list = |key: &str| -> Vec<(String, Tensor)> {
            let items = run.get(key).and_then(Json::as_list).unwrap_or_default();
            let one = |item: &Json| {
                let path = zoo.join("oracle").join(&id).join(text(item, "file"));
                (text(item, "name"), recorded(&path))
            };
            items.iter().map(one).collect()
        };
        let (inputs, outputs) = (list("inputs"), list("outputs"));
        let names = model.input_infos().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let known = inputs.len() > 1 && inputs.iter().all(|(name, _)| names.contains(name));
        let found = match known {
            true => model.predict_on_batch(inputs),
            false => model.predict_on_batch(inputs.into_iter().map(|(_, tensor)| tensor).collect::<Vec<_>>()),
        };
        match found {
            Ok(found) => {
                for (at, (found, (name, expected))) in found.iter().zip(&outputs).enumerate() {
                    wrong.extend(far(found, expected, 1e-5).map(|text| format!("{id} output {at} `{name}`: {text}")));
                }
                count += 1;
                println!("{id}: {} outputs", outputs.len());
            }
            Err(error) => match missing.iter().find(|(known, _)| *known == id) {
                Some((_, reason)) if error.to_string().contains(reason) => println!("{id}: listed: {error}"),
                _ => wrong.push(format!("{id}: {error}")),
            },
        }
    }
    println!("{count} published SavedModels of Keras give the recorded outputs");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 6, "{count}");
}
