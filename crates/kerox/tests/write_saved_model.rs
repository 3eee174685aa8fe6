//! SavedModels: what is written runs as a graph, and holds what loaders look for. Real TensorFlow reads them in
//! `interop/savedmodel`.

use std::path::Path;

use kerox::layers::rnn::{Bidirectional, GRU, LSTM, RecurrentOptions, SequenceOptions, SimpleRNN};
use kerox::layers::{Args, Base, Call, Forward};
use kerox::prelude::*;
use kerox::saving::{ConvertOptions, SaveOptions, ServingSignature};
use kerox_format_savedmodel::SavedModel;
use kerox_graph_def::saved_model;

fn numbers(shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    Tensor::from_vec((0..count).map(|i| ((i * 7919 + 13) % 1000) as f32 / 500.0 - 1.0).collect(), shape).unwrap()
}

fn close(found: &Tensor, expected: &Tensor) {
    assert_eq!(found.shape(), expected.shape());
    for (a, b) in found.as_slice::<f32>().unwrap().iter().zip(expected.as_slice::<f32>().unwrap()) {
        assert!((a - b).abs() <= 1e-5 * (1.0 + b.abs()), "{a}, not {b}");
    }
}

/// Saves a model and runs its signature and its `__call__` as graphs.
fn check(model: impl Into<Model>, inputs: &[(&str, Tensor)]) {
    let mut model = model.into();
    let x: Vec<Tensor> = inputs.iter().map(|(_, x)| x.clone()).collect();
    let expected = model.predict(x.clone(), Predict::default()).unwrap();
    let names = model.output_names(expected.len());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    model.save(&path).unwrap();
    let saved = saved_model::load(&path, &["serve"]).unwrap();
    let found = saved.call("serving_default", inputs).unwrap();
    assert_eq!(found.len(), expected.len());
    for (name, expected) in names.iter().zip(&expected) {
        let (_, found) = found.iter().find(|(found, _)| found == name).unwrap();
        close(found, expected);
    }
    let functions = saved.functions().unwrap();
    for training in [false, true] {
        let call = functions.iter().find(|f| f.path == "__call__" && f.training == Some(training)).unwrap();
        let function = saved.function(&call.name).unwrap();
        let names: Vec<String> = function.inputs().map(|(name, ..)| name.to_owned()).collect();
        let feeds: Vec<(&str, Tensor)> = names.iter().map(String::as_str).zip(x.iter().cloned()).collect();
        let found = function.call(&feeds).unwrap();
        assert_eq!(found.len(), expected.len());
        if !training {
            found.iter().zip(&expected).for_each(|((_, found), expected)| close(found, expected));
        }
    }
    // An empty batch.
    let empty: Vec<(&str, Tensor)> = inputs
        .iter()
        .map(|(name, x)| {
            let shape: Vec<usize> = std::iter::once(0).chain(x.shape().iter().skip(1).copied()).collect();
            (*name, Tensor::zeros(DType::F32, shape).unwrap())
        })
        .collect();
    let found = saved.call("serving_default", &empty).unwrap();
    assert!(found.iter().all(|(_, y)| y.shape()[0] == 0));
}

#[test]
fn dense_layers_and_dropout() {
    let model = Sequential::new()
        .add(Dense::new(6).activation("relu").input_shape([4]))
        .add(Dropout::new(0.3))
        .add(Dense::new(3).activation("gelu"));
    check(model, &[("dense_input", numbers(&[5, 4]))]);
}

#[test]
fn convolutions_and_batch_normalization() {
    let model = Sequential::new()
        .add(Conv2D::new(4, 3).input_shape([8, 8, 2]))
        .add(BatchNormalization::new())
        .add(MaxPooling2D::new(2))
        .add(Flatten::new())
        .add(Dense::new(5))
        .add(BatchNormalization::new());
    check(model, &[("conv2d_input", numbers(&[3, 8, 8, 2]))]);
}

#[test]
fn recurrent_layers_become_loops() {
    let model = Sequential::new()
        .add(LSTM::new(4).return_sequences(true).input_shape([6, 3]))
        .add(GRU::new(3).return_sequences(true))
        .add(Bidirectional::new(SimpleRNN::new(2).return_sequences(true)))
        .add(GRU::new(3).reset_after(false));
    check(model, &[("lstm_input", numbers(&[2, 6, 3]))]);
}

#[test]
fn steps_that_are_masked() {
    let tokens = Tensor::from_vec(vec![1f32, 2.0, 3.0, 4.0, 5.0, 0.0, 7.0, 0.0, 0.0], [3, 3]).unwrap();
    let model = Sequential::new()
        .add(Embedding::new(9, 4).mask_zero(true).input_length(3))
        .add(LSTM::new(3).return_sequences(true))
        .add(GRU::new(2));
    check(model, &[("embedding_input", tokens)]);
}

#[test]
fn names_of_inputs_and_outputs() {
    let left = InputLayer::new([3]).name("left").tensor();
    let right = InputLayer::new([2]).name("a_right").tensor();
    let both = Concatenate::new().on([&left, &right]).unwrap();
    let z = Dense::new(2).name("z").on(&both).unwrap();
    let y = Dense::new(1).name("y").on(&both).unwrap();
    let model = Model::functional([left, right], [z, y]).unwrap();
    check(model, &[("left", numbers(&[4, 3])), ("a_right", numbers(&[4, 2]))]);
}

fn small() -> Model {
    let mut model = Sequential::new().add(Dense::new(2).input_shape([3]));
    model.compile("adam", "mse", ()).unwrap();
    model.fit(numbers(&[4, 3]), numbers(&[4, 2]), Fit::default().verbose(0)).unwrap();
    model.into()
}

fn opened(path: &Path) -> SavedModel {
    SavedModel::open(path).unwrap()
}

#[test]
fn the_optimizer_is_in_the_checkpoint_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (with, without) = (dir.path().join("with"), dir.path().join("without"));
    small().save(&with).unwrap();
    small().save_with(&without, &SaveOptions::new().include_optimizer(false)).unwrap();
    let keys = |path: &Path| -> Vec<String> {
        let reader = kerox::saving::load_checkpoint(path.join("variables/variables")).unwrap();
        reader.keys().map(str::to_owned).collect()
    };
    assert!(keys(&with).iter().any(|key| key == "optimizer/_iterations/.ATTRIBUTES/VARIABLE_VALUE"));
    assert!(keys(&with).iter().any(|key| key == "layer_with_weights-0/kernel/.ATTRIBUTES/VARIABLE_VALUE"));
    assert!(!keys(&without).iter().any(|key| key.starts_with("optimizer")));
    // Keras does not compile what it loads of a model without optimizer.
    let loaded = |path: &Path| kerox::saving::load_model_with_report(path, Default::default()).unwrap();
    assert_eq!(loaded(&with).model.optimizer().unwrap().iterations().value().to_scalar::<i64>().unwrap(), 1);
    let without = loaded(&without);
    assert!(without.model.optimizer().is_err());
    assert!(without.warnings[0].starts_with("No training configuration found"), "{:?}", without.warnings);
    let model = opened(&with);
    let objects = model.meta_graph(&["serve"]).unwrap().objects().unwrap().unwrap();
    assert!(objects.at_path("root.optimizer").is_none());
    assert!(objects.at_path("root.keras_api.call_and_return_conditional_losses").is_some());
}

#[test]
fn without_traces_there_are_no_functions() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    small().save_with(&path, &SaveOptions::new().save_traces(false).tags(["serve", "extra"])).unwrap();
    let model = opened(&path);
    let graph = model.meta_graph(&["extra", "serve"]).unwrap();
    assert!(graph.signatures().iter().all(|signature| signature.name != "serving_default"));
    assert!(graph.graph().unwrap().library.as_ref().unwrap().function.is_empty());
    assert!(path.join("assets").is_dir() && path.join("keras_metadata.pb").is_file());
    // Layers of known classes need no functions; a graph has nothing to run.
    let again = kerox::saving::load_model(&path, Default::default()).unwrap();
    assert_eq!(again.get_weights().len(), 2);
    let graph = saved_model::load(&path, &["serve", "extra"]).unwrap();
    let error = graph.call("serving_default", &[]).unwrap_err().to_string();
    assert!(error.contains("call signature `serving_default`: expected"), "{error}");
    for tags in [&["serve"][..], &["other"], &["serve", "extra", "gpu"]] {
        let error = saved_model::load(&path, tags).unwrap_err().to_string();
        assert!(error.contains("extra") && error.contains("serve"), "{error}");
    }
}

#[test]
fn versions_of_a_model_stand_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().join("model");
    let models = [small(), small()];
    for (version, model) in (1..).zip(&models) {
        model.save(base.join(version.to_string())).unwrap();
    }
    for (version, model) in (1..).zip(&models) {
        let again = kerox::saving::load_model(base.join(version.to_string()), Default::default()).unwrap();
        assert_eq!(again.get_weights(), model.get_weights());
    }
    // The directory of versions is no model itself.
    let error = kerox::saving::load_model(&base, Default::default()).err().unwrap().to_string();
    assert!(error.ends_with("found `1`, `2`"), "{error}");
    let error = saved_model::load(&base, &["serve"]).unwrap_err().to_string();
    assert!(error.contains("expected `saved_model.pb` or `saved_model.pbtxt`, found neither"), "{error}");
}

#[test]
fn signatures_of_the_callers() {
    let model = small();
    let network = model.network().clone();
    let twice = ServingSignature::new(move |cx, inputs| {
        let y = cx.apply_one(&network, inputs[0])?;
        let sum = cx.g.add(y, inputs[1])?;
        Ok(vec![("y".into(), y), ("sum".into(), sum)])
    })
    .input("x", DType::F32, [None, Some(3)])
    .input("add", DType::F32, [None, Some(2)]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    model.save_with(&path, &SaveOptions::new().signature("twice", twice)).unwrap();
    let saved = saved_model::load(&path, &["serve"]).unwrap();
    let (x, add) = (numbers(&[2, 3]), Tensor::full(1f32, [2, 2]).unwrap());
    let found = saved.call("twice", &[("x", x.clone()), ("add", add)]).unwrap();
    let of = |name: &str| found.iter().find(|(found, _)| found == name).unwrap().1.clone();
    let plus = of("y").as_slice::<f32>().unwrap().iter().map(|y| y + 1.0).collect::<Vec<f32>>();
    assert_eq!(of("sum").as_slice::<f32>().unwrap(), plus);
    close(&saved.call("serving_default", &[("dense_input", x)]).unwrap()[0].1, &of("y"));
}

#[test]
fn what_is_there_is_replaced_as_a_whole_or_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("notes.txt"), "mine").unwrap();
    small().save(&path).unwrap();
    assert_eq!(std::fs::read_to_string(path.join("notes.txt")).unwrap(), "mine");
    let error = small().save_with(&path, &SaveOptions::new().overwrite(false)).unwrap_err();
    assert!(error.to_string().contains("model"), "{error}");
    let error = small().save_with(&path, &SaveOptions::new().dtype(DType::F16)).unwrap_err().to_string();
    let expected = "save: expected weights as they are (float32) in a SavedModel, which TensorFlow loads into no other type, found the type float16";
    assert_eq!(error, expected);
    small().save(&path).unwrap();
}

#[test]
fn training_goes_on_after_loading() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    let mut model = small();
    model.save(&path).unwrap();
    let mut again = kerox::saving::load_model(&path, Default::default()).unwrap();
    assert_eq!(again.get_weights(), model.get_weights());
    let (x, y) = (numbers(&[4, 3]), numbers(&[4, 2]));
    for model in [&mut model, &mut again] {
        model.fit(&x, &y, Fit::default().epochs(2).shuffle(false).verbose(0)).unwrap();
    }
    assert_eq!(again.get_weights(), model.get_weights());
    let state =
        |model: &Model| -> Vec<Tensor> { model.optimizer().unwrap().variables().iter().map(Variable::value).collect() };
    assert_eq!(state(&again), state(&model));
}

#[test]
fn callbacks_and_conversions_write_savedmodels() {
    let dir = tempfile::tempdir().unwrap();
    let mut model = small();
    let (x, y) = (numbers(&[4, 3]), numbers(&[4, 2]));
    let callback = ModelCheckpoint::new(dir.path().join("model-{epoch:02d}")).max_to_keep(1);
    model.fit(&x, &y, Fit::default().epochs(2).verbose(0).callback(callback)).unwrap();
    // What is kept no longer goes as a whole.
    assert!(!dir.path().join("model-01").exists());
    let saved = dir.path().join("model-02");
    assert!(saved.join("saved_model.pb").is_file());
    let (h5, again) = (dir.path().join("m.h5"), dir.path().join("again"));
    let options = ConvertOptions::new();
    assert!(kerox::saving::convert(&saved, &h5, &options).unwrap().is_empty());
    assert!(kerox::saving::convert(&h5, &again, &options).unwrap().is_empty());
    let last = kerox::saving::load_model(&again, Default::default()).unwrap();
    assert_eq!(last.get_weights(), model.get_weights());
    assert_eq!(last.optimizer().unwrap().iterations().value(), model.optimizer().unwrap().iterations().value());
}

/// An operation that TensorFlow does not have and that is made of no others.
#[derive(Clone, Debug)]
struct Unheard;

impl kerox_graph::Op for Unheard {
    fn name(&self) -> &'static str {
        "_Unheard"
    }
    fn infer(&self, cx: &kerox_graph::Infer<'_>) -> kerox_graph::Result<Vec<kerox_graph::ValueInfo>> {
        Ok(vec![cx.input(0)?.clone()])
    }
    fn run(&self, run: &mut kerox_graph::Run<'_, '_>) -> kerox_graph::Result<()> {
        let x = run.input(0).slice::<f32>()?;
        run.outputs[0].slice::<f32>()?.copy_from_slice(x);
        Ok(())
    }
}

/// A layer of that operation.
#[derive(kerox::layers::Layer)]
#[layer(new = UnheardLayer::new)]
struct UnheardLayer {
    #[base]
    base: Base,
}

impl UnheardLayer {
    fn new() -> UnheardLayer {
        UnheardLayer { base: Base::new("UnheardLayer") }
    }
}

impl Forward for UnheardLayer {
    fn call(
        &self,
        cx: &mut Call<'_>,
        args: &Args<kerox_graph::Value>,
    ) -> kerox_layers::Result<Vec<kerox_graph::Value>> {
        Ok(vec![cx.g.add_single(Unheard, &[*args.first()[0]])?])
    }
}

#[test]
fn a_layer_without_tensorflows_operations_is_named() {
    let x = Input([2]);
    let model = Model::functional([x.clone()], [UnheardLayer::new().on(&x).unwrap()]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    let error = model.save(&path).unwrap_err().to_string();
    assert!(error.contains("`_Unheard`") && error.contains("save_traces(false)"), "{error}");
    assert!(!path.exists());
    model.save_with(&path, &SaveOptions::new().save_traces(false)).unwrap();
}
