//! Objects of every kind that are not Keras's: written, refused without help, read with it, trained on.

use kerox::graph::{Graph, Value};
use kerox::layers::constraints::Constrain;
use kerox::layers::initializers::Initialize;
use kerox::layers::regularizers::Regularize;
use kerox::layers::{self, Args, Base, Call, Configured, Forward, Layer, Regularizer};
use kerox::losses::{Loss, LossFunction};
use kerox::metrics::{MeanMetric, Metric};
use kerox::optimizers::{Algorithm, Builder, Cells, Field, Form, Optimizer, Schedule, SlotSpec, Step};
use kerox::prelude::*;
use kerox::saving::{
    ConvertOptions, CustomObjects, Dialect, LoadOptions, SaveOptions, convert, current_scope, custom_object_scope,
    load_model, model_from_json, model_from_json_with,
};
use kerox::train;
use kerox_config_json::{Config, Node, Object, Value as Json};

/// Multiplies by a weight.
#[derive(Layer)]
struct Scale {
    #[base]
    base: Base,
    #[config]
    start: f64,
}

impl Forward for Scale {
    fn build(&self, cx: &mut layers::Build, _: &[kerox::graph::ValueInfo]) -> layers::Result<()> {
        let start = layers::initializers::Constant::new(self.start);
        cx.add_weight(&self.base, layers::WeightSpec::new("factor", [1usize], &start.into()))?;
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> layers::Result<Vec<Value>> {
        let factor = cx.weight(&self.base, "factor")?;
        Ok(vec![cx.g.multiply(*args.first()[0], factor)?])
    }
}

fn scale(start: f64) -> Scale {
    Scale { base: Base::new("Scale"), start }
}

/// `x / (1 + |x|)`.
fn squash(cx: &mut Call<'_>, x: Value) -> layers::Result<Value> {
    let size = cx.g.abs(x)?;
    let one = cx.g.number(1.0, cx.g.dtype(x))?;
    let below = cx.g.add(one, size)?;
    Ok(cx.g.divide(x, below)?)
}

/// 0, step, 2 step, ..
#[derive(Debug, Configured)]
struct Ramp {
    step: f64,
}

impl Initialize for Ramp {
    fn class_name(&self) -> &str {
        Ramp::CLASS_NAME
    }
    fn config(&self) -> Config {
        self.to_config()
    }
    fn sample(&self, shape: &Shape, dtype: DType) -> layers::Result<Tensor> {
        let values: Vec<f64> = (0..shape.elements()).map(|i| i as f64 * self.step).collect();
        Ok(Tensor::from_vec(values, shape.clone())?.cast(dtype)?)
    }
}

/// `strength * max |x|`.
#[derive(Debug, Configured)]
#[configured(class_name = "PeakPenalty")]
struct Peak {
    strength: f64,
}

impl Regularize for Peak {
    fn class_name(&self) -> &str {
        Peak::CLASS_NAME
    }
    fn config(&self) -> Config {
        self.to_config()
    }
    fn penalty(&self, g: &mut Graph, x: Value) -> layers::Result<Value> {
        let size = g.abs(x)?;
        let axes = g.all_axes(size)?;
        let peak = g.reduce_max(size, &axes, false)?;
        let strength = g.number(self.strength, g.dtype(peak))?;
        Ok(g.multiply(peak, strength)?)
    }
}

/// At most `largest`.
#[derive(Debug, Configured)]
struct Below {
    largest: f64,
}

impl Constrain for Below {
    fn class_name(&self) -> &str {
        Below::CLASS_NAME
    }
    fn config(&self) -> Config {
        self.to_config()
    }
    fn apply(&self, weight: &mut Tensor) -> layers::Result<()> {
        let largest = self.largest as f32;
        weight.as_mut_slice::<f32>()?.iter_mut().for_each(|x| *x = x.min(largest));
        Ok(())
    }
}

/// The loss of a quantile.
#[derive(Debug, Configured)]
struct Quantile {
    q: f64,
}

impl LossFunction for Quantile {
    fn class_name(&self) -> &str {
        Quantile::CLASS_NAME
    }
    fn function_name(&self) -> &str {
        "quantile"
    }
    fn config(&self) -> Config {
        self.to_config()
    }
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> train::Result<Value> {
        let difference = cx.g.subtract(y_true, y_pred)?;
        let dtype = cx.g.dtype(difference);
        let (q, rest) = (cx.g.number(self.q, dtype)?, cx.g.number(self.q - 1.0, dtype)?);
        let (above, below) = (cx.g.multiply(q, difference)?, cx.g.multiply(rest, difference)?);
        let larger = cx.g.maximum(above, below)?;
        Ok(cx.g.reduce_mean(larger, &[-1], false)?)
    }
}

/// The share of predictions within a distance.
#[derive(Debug, Configured)]
struct Within {
    distance: f64,
}

impl MeanMetric for Within {
    fn class_name(&self) -> &str {
        Within::CLASS_NAME
    }
    fn default_name(&self) -> String {
        "within".into()
    }
    fn config(&self) -> Config {
        self.to_config()
    }
    fn values(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> train::Result<Value> {
        let size = absolute(cx, y_true, y_pred)?;
        let distance = cx.g.number(self.distance, cx.g.dtype(size))?;
        let near = cx.g.less(size, distance)?;
        Ok(cx.g.cast(near, DType::F32)?)
    }
}

fn absolute(cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> train::Result<Value> {
    let difference = cx.g.subtract(y_true, y_pred)?;
    let size = cx.g.abs(difference)?;
    Ok(cx.g.reduce_mean(size, &[-1], false)?)
}

/// Moves by the sign of the mean gradient.
#[derive(Clone)]
struct SignDescent {
    keep: f64,
}

impl Algorithm for SignDescent {
    fn class_name(&self) -> &str {
        "SignDescent"
    }
    fn fields(&mut self, _: Form, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
        visit("keep", Field::Float(&mut self.keep));
    }
    fn slots(&self, _: Form) -> Vec<SlotSpec> {
        vec![SlotSpec::new("momentum", "m", "_means")]
    }
    fn update<T: kerox::optimizers::Real>(&self, step: &Step, cells: Cells<'_, T>) {
        let (rate, keep, new) = (T::of(step.learning_rate), T::of(self.keep), T::of(1.0 - self.keep));
        cells.each1(0, |w, g, m| {
            *m = *m * keep + g * new;
            w - rate * m.signum_or_zero()
        });
    }
}

fn sign_descent(config: &Config, form: Form) -> kerox::optimizers::Result<std::sync::Arc<dyn Optimizer>> {
    Builder::of(SignDescent { keep: 0.9 }, 0.01).configured(config, form)
}

/// A rate that halves every so many steps.
#[derive(Clone, Debug, Configured)]
struct Halving {
    start: f64,
    every: i64,
}

impl Schedule for Halving {
    fn learning_rate(&self, step: i64) -> f64 {
        self.start * 0.5f64.powi((step / self.every) as i32)
    }
    fn class_name(&self) -> &str {
        Halving::CLASS_NAME
    }
    fn config(&self, _: Form) -> Config {
        self.to_config()
    }
}

fn mine() -> CustomObjects {
    CustomObjects::new()
        .with_layer::<Scale>()
        .with_activation("squash", squash)
        .with_initializer::<Ramp>()
        .with_regularizer::<Peak>()
        .with_constraint::<Below>()
        .with_loss::<Quantile>()
        .with_loss_function("absolute", absolute)
        .with_metric::<Within>()
        .with_optimizer("SignDescent", sign_descent)
        .with_schedule::<Halving>()
}

fn data() -> (Tensor, Tensor) {
    let x: Vec<f32> = (0..16 * 3).map(|i| ((i * 7) % 11) as f32 / 11.0 - 0.5).collect();
    let y: Vec<f32> = (0..16 * 2).map(|i| ((i * 5) % 7) as f32 / 7.0).collect();
    (Tensor::from_vec(x, [16, 3]).unwrap(), Tensor::from_vec(y, [16, 2]).unwrap())
}

fn model(loss: impl train::model::IntoLoss) -> Sequential {
    let mut model = Sequential::named("custom")
        .add(
            Dense::new(4)
                .activation(layers::activations::from_fn("squash", squash))
                .kernel_initializer(Ramp { step: 0.03 })
                .kernel_regularizer(Peak { strength: 0.02 })
                .kernel_constraint(Below { largest: 0.3 })
                .input_shape([3])
                .name("first"),
        )
        .add(scale(1.5))
        .add(Dense::new(2).name("last"));
    let metrics: Vec<train::model::MetricSpec> =
        vec![Within { distance: 0.4 }.into(), Metric::from_fn("absolute", absolute).into()];
    let optimizer = Builder::of(SignDescent { keep: 0.8 }, Halving { start: 0.02, every: 3 });
    model.compile(optimizer, loss, metrics).unwrap();
    model
}

fn fit(model: &mut Model) -> Vec<f64> {
    let (x, y) = data();
    model.fit(&x, &y, Fit::default().epochs(2).batch_size(8).shuffle(false).verbose(0)).unwrap().get("loss").to_vec()
}

fn predict(model: &mut Model) -> Vec<Tensor> {
    model.predict(&data().0, Predict::default().verbose(0)).unwrap()
}

/// Through a file and back, with objects that `load` may use.
fn through_files(loss: impl train::model::IntoLoss, load: &CustomObjects) {
    let dir = tempfile::tempdir().unwrap();
    let mut model = model(loss);
    fit(&mut model);
    let expected = predict(&mut model);
    let mut files = Vec::new();
    for (dialect, name) in [
        (Dialect::Keras2, "m.h5"),
        (Dialect::Keras2, "m.keras"),
        (Dialect::Keras2, "m.safetensors"),
        (Dialect::Keras3, "m3.keras"),
    ] {
        let path = dir.path().join(name);
        model.save_with(&path, &SaveOptions::new().dialect(dialect)).unwrap();
        files.push(path);
    }
    let further = fit(&mut model);
    for path in files {
        let mut again = load_model(&path, LoadOptions::new().custom_objects(load.clone())).unwrap();
        // The scope of loading has ended: the model needs it no more.
        assert_eq!(predict(&mut again), expected, "{}", path.display());
        assert_eq!(fit(&mut again), further, "{}", path.display());
    }
}

#[test]
fn with_custom_objects_whole_models_go_on() {
    through_files(Quantile { q: 0.3 }, &mine());
    through_files(Loss::from_fn("absolute", absolute), &mine());
    custom_object_scope(mine(), || through_files("absolute", &mine()));
}

/// A loss of the user's own is of no interest to who converts or computes outputs.
#[test]
fn without_them_models_are_converted_uncompiled() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("m.h5"), dir.path().join("m.keras"));
    let mut model = Sequential::new().add(Dense::new(2).input_shape([3]));
    model.compile("sgd", Quantile { q: 0.3 }, ()).unwrap();
    model.save(&from).unwrap();
    assert!(load_model(&from, LoadOptions::new()).is_err());
    let strict = ConvertOptions::new().strict(true);
    assert!(convert(&from, &to, &strict).err().unwrap().to_string().contains("Quantile"));
    assert!(!to.exists());
    let lost = convert(&from, &to, &ConvertOptions::new()).unwrap();
    assert!(lost[0].starts_with("the training configuration: Unknown loss function: 'Quantile'."), "{lost:?}");
    let mut again = load_model(&to, LoadOptions::new()).unwrap();
    assert_eq!(predict(&mut again), predict(&mut model));
    assert!(again.compiled().is_none());
}

#[test]
fn without_them_the_class_its_place_and_the_help_are_said() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.keras");
    model(Quantile { q: 0.3 }).save(&path).unwrap();
    let error = |objects: CustomObjects| {
        load_model(&path, LoadOptions::new().custom_objects(objects)).err().unwrap().to_string()
    };
    let text = error(CustomObjects::new());
    assert!(text.starts_with("Unknown activation function: 'squash'. Please ensure you are using a"), "{text}");
    assert!(text.contains("Found at $.config.layers[1].config.activation"), "{text}");
    assert!(text.contains("register it with `register_keras_serializable`, pass it in `custom_objects`"), "{text}");
    let some = CustomObjects::new().with_activation("squash", squash);
    assert!(error(some.clone()).starts_with("Unknown initializer: 'Ramp'."), "{}", error(some.clone()));
    let some = some.with_initializer::<Ramp>();
    assert!(error(some.clone()).starts_with("Unknown regularizer: 'PeakPenalty'."), "{}", error(some.clone()));
    let some = some.with_regularizer::<Peak>();
    assert!(error(some.clone()).starts_with("Unknown constraint: 'Below'."), "{}", error(some.clone()));
    let some = some.with_constraint::<Below>();
    let text = error(some.clone());
    assert!(text.starts_with("Unknown layer: 'Scale'."), "{text}");
    assert!(text.contains("$.config.layers[2]"), "{text}");
    let some = some.with_layer::<Scale>();
    assert!(error(some.clone()).contains("SignDescent"), "{}", error(some.clone()));
    let some = some.with_optimizer("SignDescent", sign_descent);
    assert!(error(some.clone()).contains("Halving"), "{}", error(some.clone()));
    let some = some.with_schedule::<Halving>();
    assert!(error(some.clone()).starts_with("Unknown loss function: 'Quantile'."), "{}", error(some.clone()));
    let some = some.with_loss::<Quantile>();
    assert!(error(some.clone()).starts_with("Unknown metric function: 'Within'."), "{}", error(some.clone()));
    let some = some.with_metric::<Within>().with_loss_function("absolute", absolute);
    assert!(load_model(&path, LoadOptions::new().custom_objects(some)).is_ok());
    // What is not asked for is not needed.
    let layers = mine_of_layers();
    assert!(load_model(&path, LoadOptions::new().compile(false).custom_objects(layers)).is_ok());
}

fn mine_of_layers() -> CustomObjects {
    CustomObjects::new()
        .with_layer::<Scale>()
        .with_activation("squash", squash)
        .with_initializer::<Ramp>()
        .with_regularizer::<Peak>()
        .with_constraint::<Below>()
}

#[test]
fn architectures_as_text() {
    let text = model("mse").to_json().unwrap();
    assert!(model_from_json(&text).err().unwrap().to_string().starts_with("Unknown activation function"));
    let again = model_from_json_with(&text, &mine()).unwrap();
    assert_eq!(custom_object_scope(mine(), || again.to_json().unwrap()), text);
    let scoped = custom_object_scope(CustomObjects::new(), || {
        custom_object_scope(mine(), || {
            // Another thread has a scope only where it is given.
            let scope = current_scope();
            std::thread::scope(|s| {
                let bare = s.spawn(|| model_from_json(&text).is_ok()).join().unwrap();
                let given = s.spawn(|| custom_object_scope(scope, || model_from_json(&text).is_ok())).join().unwrap();
                assert!(!bare && given);
            });
            model_from_json(&text)
        })
    });
    assert!(scoped.is_ok());
}

/// Registered names: in a module of its own, so that what is registered for the process has other names than what the
/// other tests know by scope.
mod registered {
    use super::*;

    #[derive(Debug, Configured)]
    #[configured(class_name = "RegisteredPeak")]
    struct RegisteredPeak {
        strength: f64,
    }

    impl Regularize for RegisteredPeak {
        fn class_name(&self) -> &str {
            RegisteredPeak::CLASS_NAME
        }
        fn config(&self) -> Config {
            self.to_config()
        }
        fn penalty(&self, g: &mut Graph, x: Value) -> layers::Result<Value> {
            Peak { strength: self.strength }.penalty(g, x)
        }
    }

    #[derive(Layer)]
    struct RegisteredScale {
        #[base]
        base: Base,
        #[config]
        by: f64,
    }

    impl Forward for RegisteredScale {
        fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> layers::Result<Vec<Value>> {
            let x = *args.first()[0];
            let by = cx.g.number(self.by, cx.g.dtype(x))?;
            Ok(vec![cx.g.multiply(x, by)?])
        }
    }

    #[test]
    fn registered_objects_load_without_being_given() {
        let names = CustomObjects::new()
            .with_regularizer::<RegisteredPeak>()
            .with_layer::<RegisteredScale>()
            .with_activation("registered_squash", squash)
            .with_loss_function("registered_loss", absolute)
            .register("my_package");
        assert_eq!(
            names,
            [
                "my_package>RegisteredPeak",
                "my_package>RegisteredScale",
                "my_package>registered_loss",
                "my_package>registered_squash"
            ]
        );
        let regularizer = Regularizer::from(RegisteredPeak { strength: 0.5 });
        let json = regularizer.to_json();
        assert_eq!(
            json.to_string(),
            r#"{"module": null, "class_name": "RegisteredPeak", "config": {"strength": 0.5}, "registered_name": "my_package>RegisteredPeak"}"#
        );
        assert_eq!(Regularizer::from_json(&Node::root(&json)).unwrap().to_json(), json);
        let mut model = Sequential::new()
            .add(Dense::new(2).activation("registered_squash").kernel_regularizer(regularizer).input_shape([3]))
            .add(RegisteredScale { base: Base::new("RegisteredScale"), by: 2.0 });
        model.compile("sgd", "registered_loss", ()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        for name in ["m.h5", "m.keras"] {
            let path = dir.path().join(name);
            model.save(&path).unwrap();
            let mut again = load_model(&path, LoadOptions::new()).unwrap();
            assert_eq!(predict(&mut again), predict(&mut model), "{name}");
            assert_eq!(again.to_json().unwrap(), model.to_json().unwrap());
        }
        let text = model.to_json().unwrap();
        for name in ["RegisteredPeak", "RegisteredScale", "registered_squash"] {
            assert!(text.contains(&format!("my_package>{name}")), "{name} in {text}");
        }
    }
}

#[test]
fn lambda_layers_are_refused_by_name() {
    let lambda = |function: Json| -> String {
        let config = Config::new().with("name", "lambda").with("function", function);
        let layer = Object::builtin("keras.layers", "Lambda", config).to_value();
        let model = Config::new().with("name", "s").with("layers", Json::List(vec![layer]));
        Object::builtin("keras", "Sequential", model).to_value().to_json(Default::default())
    };
    let code = Config::new().with("class_name", "__lambda__").with("config", Config::new().with("value", "4wEAAAA="));
    let text = model_from_json(&lambda(code.into())).err().unwrap().to_string();
    assert!(text.contains("__lambda__") && text.contains("$.config.layers[0].config.function"), "{text}");
    let code = Json::List(vec!["4wEAAAA=".into(), Json::Null, Json::Null]);
    let text = model_from_json(&lambda(code)).err().unwrap().to_string();
    assert!(text.contains("Lambda"), "{text}");
    let text = model_from_json(&lambda("my_function".into())).err().unwrap().to_string();
    assert!(text.starts_with("Unknown layer: 'Lambda'.") && text.contains("`my_function`"), "{text}");
}

#[test]
fn objects_of_every_kind_are_serialized_and_read() {
    let node = |json: &Json| -> Json { json.clone() };
    let json = layers::regularizers::serialize(&layers::regularizers::L2 { l2: 0.5 }.into());
    let again = layers::regularizers::deserialize(&Node::root(&node(&json))).unwrap();
    assert_eq!(layers::regularizers::serialize(&again), json);
    let json = layers::constraints::serialize(&layers::constraints::NonNeg.into());
    assert_eq!(layers::constraints::serialize(&layers::constraints::deserialize(&Node::root(&json)).unwrap()), json);
    let json = layers::initializers::serialize(&"he_normal".into()).unwrap();
    let again = layers::initializers::deserialize(&Node::root(&json)).unwrap();
    assert_eq!(layers::initializers::serialize(&again).unwrap(), json);
    let json = layers::activations::serialize(&"gelu".into()).unwrap();
    assert_eq!(layers::activations::deserialize(Node::root(&json)).unwrap().name(), "gelu");
    let json = kerox::losses::serialize(&SparseCategoricalCrossentropy::from_logits().into());
    assert_eq!(kerox::losses::serialize(&kerox::losses::deserialize(&Node::root(&json)).unwrap()), json);
    let json = kerox::metrics::serialize(&Metric::by_name("AUC").unwrap());
    assert_eq!(kerox::metrics::serialize(&kerox::metrics::deserialize(&Node::root(&json)).unwrap()), json);
    let rate = kerox::optimizers::schedules::ExponentialDecay::new(0.1, 5.0, 0.5);
    let json = kerox::optimizers::schedules::serialize(&rate, Form::Keras2);
    let again = kerox::optimizers::schedules::deserialize(&json).unwrap();
    assert_eq!(kerox::optimizers::schedules::serialize(again.as_ref(), Form::Keras2), json);
    let optimizer = kerox::optimizers::get("adam", Form::Keras2).unwrap();
    let again = kerox::optimizers::deserialize(&optimizer.serialize(), None).unwrap();
    assert_eq!(again.serialize(), optimizer.serialize());
    let dense: layers::LayerRef = Dense::new(3).name("d").into();
    let json = layers::registry::serialize(&dense).unwrap();
    assert_eq!(layers::registry::serialize(&layers::registry::deserialize(&Node::root(&json)).unwrap()).unwrap(), json);
}
