//! Odd values of every argument of every layer: what a Keras takes is taken here, with the same shapes; what both refuse
//! is refused, by name; nothing panics. `golden/arguments` holds what each Keras says.

#[allow(dead_code, reason = "other tests compare numbers with it")]
mod common;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use kerox_config_json::dialect::read_keras3;
use kerox_config_json::names::snake_case;
use kerox_config_json::{Config, Node, Object, Value as Json};
use kerox_graph::{Dims, Executor, Graph, Interpreter, Plan};
use kerox_layers::{Arg, Args, Call, registry};
use kerox_tensor::{Shape, Tensor};

use common::{AnyResult, golden, list, tensor, text};

/// Where the verdict here is another than Keras's: class, argument, value, the reason. Empty words stand for all.
const OTHERWISE: &[(&str, &str, &str, &str)] = &[
    ("SeparableConv1D", "kernel_initializer", "", "an argument of the base class, which says nothing"),
    ("SeparableConv1D", "kernel_constraint", "", "as the initializer"),
    ("SeparableConv2D", "kernel_initializer", "", "as in one dimension"),
    ("SeparableConv2D", "kernel_constraint", "", "as in one dimension"),
    ("RandomContrast", "factor", "0", "nothing is changed, as in Keras 3"),
    ("Dense", "units", "0", "a layer without outputs is refused, as in Keras 3"),
    ("LocallyConnected1D", "filters", "0", "as a Dense without units"),
    ("LocallyConnected2D", "filters", "0", "as a Dense without units"),
    ("LeakyReLU", "negative_slope", "", "Keras 2 takes any, as `alpha`"),
    ("AveragePooling1D", "pool_size", "[9]", "outside of models Keras gives nothing; in a model it refuses"),
    ("MaxPooling1D", "pool_size", "[9]", "as the average"),
    (
        "DepthwiseConv1D",
        "dilation_rate",
        "[9]",
        "a kernel that is larger than the input, of which Keras 2 gives what is no convolution",
    ),
    ("DepthwiseConv2D", "dilation_rate", "[9, 9]", "as in one dimension"),
    ("SeparableConv1D", "dilation_rate", "[9]", "as the depthwise"),
    ("SeparableConv2D", "dilation_rate", "[9, 9]", "as the depthwise"),
    ("EinsumDense", "output_shape", "[1, 1]", "more lengths than the equation has, of which Keras takes the first"),
    ("Embedding", "input_dim", "", "the error of an index names the operation"),
    ("", "bias_initializer", "null", "Keras refuses it where it asks the initializer for its configuration"),
    ("", "kernel_initializer", "null", "as that of the bias"),
    ("", "factor", "\"nan\"", "a range has to have ends"),
    ("", "height_factor", "\"nan\"", "a range has to have ends"),
    ("", "width_factor", "\"nan\"", "a range has to have ends"),
    ("", "alpha", "\"nan\"", "a distribution has to have a shape"),
    ("", "alpha", "\"inf\"", "a distribution has to have a shape"),
    ("", "scale", "\"nan\"", "a range has to have ends"),
    ("", "value_range", "", "the values of pixels are two numbers"),
    ("MultiHeadAttention", "num_heads", "0", "attention without heads is refused, as in Keras 3"),
    ("MultiHeadAttention", "value_dim", "0", "heads without values are refused, as in Keras 3"),
    ("RandomRotation", "factor", "", "Keras 3 takes a negative one for a positive one"),
    ("AdaptiveMaxPooling1D", "output_size", "[1]", "Keras 3 takes 1 and fails at a list of it"),
    ("AdaptiveMaxPooling2D", "output_size", "[1, 1]", "as in one dimension"),
    ("AdaptiveMaxPooling3D", "output_size", "[1, 1, 1]", "as in one dimension"),
    ("RandomCrop", "", "", "outside of training Keras 3 gives whole images, which its own models do not expect"),
    ("CenterCrop", "", "", "a piece without pixels"),
    ("AugMix", "", "", "an augmentation of nothing is refused when the layer is made, in Keras 3 in training"),
    ("MixUp", "alpha", "", "as that of AugMix"),
    ("RandAugment", "num_ops", "", "as that of AugMix"),
    ("Equalization", "bins", "", "as that of AugMix"),
    ("RandomGaussianBlur", "kernel_size", "", "as that of AugMix"),
    ("ContrastLimitedAdaptiveHistogramEqualization", "clip_limit", "", "as that of AugMix"),
];

/// The shapes that come out of a layer of that configuration.
fn shapes(object: &Json, case: &Json, is_training: bool) -> AnyResult<Json> {
    kerox_layers::clear_session();
    let layer = registry::deserialize(&Node::root(object))?;
    let mut g = Graph::new();
    let (mut feeds, mut tensors) = (Vec::new(), Vec::new());
    let mut feed = |g: &mut Graph, array: &Json| -> AnyResult<Arg<_>> {
        let tensor = tensor(array)?;
        let value = g.placeholder("input", tensor.dtype(), Dims::from(tensor.shape()))?;
        feeds.push(value);
        tensors.push(tensor);
        Ok(Arg::Tensor(value))
    };
    let arrays = list(case.get("inputs").ok_or("no inputs")?);
    let mut inputs = arrays.iter().map(|array| feed(&mut g, array)).collect::<AnyResult<Vec<_>>>()?;
    let is_list = case.get("inputs_form").and_then(Json::as_str) == Some("list");
    let first = if is_list { Arg::List(inputs) } else { inputs.swap_remove(0) };
    let mut args = Args { args: vec![first], kwargs: Vec::new() };
    if let Some(value) = case.get("call").and_then(|call| call.get("value")) {
        args.kwargs.push(("value".into(), feed(&mut g, value)?));
    }
    let outputs = Call::new(&mut g, is_training).apply(&layer, &args)?;
    let fed: Vec<Shape> = tensors.iter().map(|t| t.shape().clone()).collect();
    let found: Vec<Tensor> = match Plan::compile(&g, &feeds, &fed, &outputs, &[]) {
        Err(kerox_graph::Error::UnknownShape { .. }) => {
            let values = tensors.iter().map(|t| t.clone().into()).collect();
            let results = Interpreter::new(&g, &feeds, &outputs, &[]).run(values)?;
            results.into_iter().map(|v| v.into_tensor()).collect::<Result<_, _>>()?
        }
        plan => {
            let mut executor = Executor::new(plan?);
            executor.run(&tensors.iter().collect::<Vec<_>>())?;
            (0..outputs.len()).map(|i| executor.output(i).tensor()).collect::<Result<_, _>>()?
        }
    };
    let of = |t: &Tensor| Json::from(t.shape().iter().map(|&d| Json::from(d as i64)).collect::<Vec<_>>());
    Ok(Json::from(found.iter().map(of).collect::<Vec<_>>()))
}

/// What a Keras says, by class, argument and value: the shapes of inference and of training.
type Verdicts = BTreeMap<(String, String, String), [Json; 2]>;

fn verdicts(file: &Json) -> Verdicts {
    let mut verdicts = Verdicts::new();
    for (class, record) in file.get("layers").and_then(Json::as_map).unwrap().iter() {
        for case in list(record.get("cases").unwrap()) {
            let argument = case.get("argument").and_then(Json::as_str).unwrap();
            let of = |key: &str| case.get(key).cloned().unwrap_or_default();
            let key = (class.to_string(), argument.to_string(), of("value").to_string());
            verdicts.insert(key, [of("inference"), of("training")]);
        }
    }
    verdicts
}

/// What is wrong with what was found where one Keras says this and the other that; nothing where all is well.
fn problem(class: &str, argument: &str, found: AnyResult<Json>, said: &Json, other: &Json) -> Option<String> {
    match (found, said, other) {
        (Ok(found), Json::Null, Json::Null) => Some(format!("expected an error, found {found}")),
        (Ok(found), Json::Null, said) | (Ok(found), said, _) => {
            (found != *said).then(|| format!("expected {said}, found {found}"))
        }
        (Err(error), Json::Null, _) => {
            let error = text(&*error);
            // Convolutional LSTMs leave the check of their kernels to their cells.
            let class = if class.starts_with("ConvLSTM") { "ConvLSTM" } else { class };
            let is_named = error.contains(class) || error.contains("$.config.") && error.contains(argument);
            let says_why = error.contains("expected") || error.contains("Unknown");
            (!is_named || !says_why).then(|| format!("expected an error that says where and why, found {error}"))
        }
        (Err(error), said, _) => Some(format!("expected {said}, found {}", text(&*error))),
    }
}

/// The values of the golden files: words stand for what JSON cannot say.
fn odd(value: &str) -> Json {
    match value {
        "\"nan\"" => Json::from(f64::NAN),
        "\"inf\"" => Json::from(f64::INFINITY),
        value => Json::parse(value).unwrap(),
    }
}

/// The recorded case of a class with that name.
fn recorded(class: &str, name: Option<&str>) -> Json {
    let file = golden(&format!("layers/{}.json", snake_case(class)));
    let cases = list(file.get("cases").unwrap());
    cases.iter().find(|case| case.get("name").and_then(Json::as_str) == name).unwrap().clone()
}

fn layer_object(class: &str, mut config: Config, argument: &str, value: Json, is_keras3: bool) -> Json {
    config.insert(argument, value);
    let mut object = Object::builtin("keras.layers", class, config).to_value();
    if is_keras3 {
        read_keras3(&mut object);
    }
    object
}

#[test]
fn layers_take_what_a_keras_takes() {
    let files = [golden("arguments/keras2.json"), golden("arguments/keras3.json")];
    let both = files.each_ref().map(verdicts);
    let (mut problems, mut count, mut used) = (Vec::new(), 0, vec![false; OTHERWISE.len()]);
    for (generation, file) in files.iter().enumerate() {
        for (class, record) in file.get("layers").and_then(Json::as_map).unwrap().iter() {
            if registry::registry().builtin(class).is_none() {
                continue;
            }
            let case = recorded(class, record.get("case").and_then(Json::as_str));
            let config = record.get("config").and_then(Json::as_map).unwrap();
            for (key, says) in both[generation].iter().filter(|((of, ..), _)| of == class) {
                let (_, argument, value) = key;
                let object = layer_object(class, config.clone(), argument, odd(value), generation == 1);
                for (mode, is_training) in [("inference", false), ("training", true)] {
                    count += 1;
                    let at = usize::from(is_training);
                    let other = both[1 - generation].get(key).map_or(&Json::Null, |says| &says[at]);
                    let found = catch_unwind(AssertUnwindSafe(|| shapes(&object, &case, is_training)));
                    let problem = match found {
                        Err(_) => Some("a panic".into()),
                        // Keras looks for some names only when it uses them.
                        Ok(Err(_)) if value == "\"unknown\"" && !says[at].is_null() => None,
                        Ok(found) => problem(class, argument, found, &says[at], other),
                    };
                    let Some(problem) = problem else { continue };
                    let is_it = |&(c, a, v, _): &(&str, &str, &str, &str)| {
                        [(c, class), (a, argument), (v, value)].iter().all(|(word, is)| word.is_empty() || word == is)
                    };
                    match OTHERWISE.iter().position(is_it) {
                        Some(place) => used[place] = true,
                        None => problems
                            .push(format!("keras{} {class} {argument}={value} {mode}: {problem}", generation + 2)),
                    }
                }
            }
        }
    }
    println!("{count} values");
    assert!(count > 5000, "{count} values");
    problems.extend(
        OTHERWISE.iter().zip(used).filter(|(_, used)| !used).map(|(entry, _)| format!("not needed: {entry:?}")),
    );
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// The case with inputs of one axis less and of one more, without samples, without channels, and with no numbers in them.
fn odd_inputs(case: &Json) -> Vec<(&'static str, Json)> {
    let with = |change: &dyn Fn(&mut Vec<Json>, &mut Vec<Json>)| {
        let mut case = case.clone();
        let Json::Map(map) = &mut case else { panic!("a case is an object") };
        let Some(Json::List(arrays)) = map.get_mut("inputs") else { panic!("a case has inputs") };
        for array in arrays {
            let Json::Map(array) = array else { continue };
            let taken = |key: &str| list(array.get(key).unwrap()).to_vec();
            let (mut shape, mut data) = (taken("shape"), taken("data"));
            change(&mut shape, &mut data);
            let lengths = shape.iter().map(|d| d.as_i64().unwrap() as usize);
            data.truncate(lengths.product());
            array.insert("shape", Json::List(shape));
            array.insert("data", Json::List(data));
        }
        case
    };
    let set = |shape: &mut Vec<Json>, at: usize| {
        if let Some(length) = shape.get_mut(at) {
            *length = Json::Int(0);
        }
    };
    vec![
        ("an axis less", with(&|shape, _| drop(shape.pop()))),
        ("an axis more", with(&|shape, _| shape.push(Json::Int(1)))),
        ("no samples", with(&|shape, _| set(shape, 0))),
        ("no channels", with(&|shape, _| set(shape, shape.len().wrapping_sub(1)))),
        (
            "no numbers",
            with(&|_, data| data.iter_mut().filter(|v| v.as_i64().is_none()).for_each(|v| *v = "nan".into())),
        ),
    ]
}

#[test]
fn nothing_from_outside_panics() {
    let (mut problems, mut count) = (Vec::new(), 0);
    let odd = [
        Json::Int(10i64.pow(18)),
        Json::Int(i64::MIN),
        Json::Float(-1e300),
        Json::from("x"),
        Json::List(vec![]),
        Json::List(vec![Json::Int(10i64.pow(18)); 2]),
        Json::List(vec![Json::Null]),
        Json::Bool(true),
        Json::Null,
    ];
    for (generation, file) in ["arguments/keras2.json", "arguments/keras3.json"].into_iter().enumerate() {
        for (class, record) in golden(file).get("layers").and_then(Json::as_map).unwrap().iter() {
            if registry::registry().builtin(class).is_none() {
                continue;
            }
            let case = recorded(class, record.get("case").and_then(Json::as_str));
            let config = record.get("config").and_then(Json::as_map).unwrap();
            let mut run = |what: String, object: &Json, case: &Json| {
                for is_training in [false, true] {
                    count += 1;
                    if catch_unwind(AssertUnwindSafe(|| drop(shapes(object, case, is_training)))).is_err() {
                        problems.push(format!("keras{} {class} {what}", generation + 2));
                    }
                }
            };
            let plain = layer_object(class, config.clone(), "name", "odd".into(), generation == 1);
            for (what, case) in odd_inputs(&case) {
                run(what.into(), &plain, &case);
            }
            for (key, _) in config.iter() {
                for value in &odd {
                    let object = layer_object(class, config.clone(), key, value.clone(), generation == 1);
                    run(format!("{key}={value}"), &object, &case);
                }
            }
        }
    }
    println!("{count} layers");
    assert!(problems.is_empty(), "{} panics:\n{}", problems.len(), problems.join("\n"));
}
