//! Recurrences that no single operation computes are loops in SavedModels: they run for any number of steps.

use kerox::layers::rnn::{
    Bidirectional, Cell, CellMemory, ConvLSTM1D, ConvLSTM2D, ConvLSTM3D, GRUCell, LSTM, LSTMCell, RNN,
    RecurrentOptions, SequenceOptions, SimpleRNNCell, StackedRNNCells,
};
use kerox::layers::{
    Args, Base, Build, Call, Initializer, Input, Layer, LayerExt, LayerRef, Result as LayerResult, Tracked, WeightSpec,
};
use kerox::prelude::*;
use kerox::saving::{load_checkpoint, load_model};
use kerox_config_json::Config;
use kerox_graph::{Dims, Value, ValueInfo};
use kerox_graph_def::saved_model;

fn numbers(shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    Tensor::from_vec((0..count).map(|i| ((i * 7919 + 13) % 1000) as f32 / 500.0 - 1.0).collect(), shape).unwrap()
}

#[track_caller]
fn close(found: &Tensor, expected: &Tensor) {
    assert_eq!(found.shape(), expected.shape());
    for (a, b) in found.as_slice::<f32>().unwrap().iter().zip(expected.as_slice::<f32>().unwrap()) {
        assert!((a - b).abs() <= 1e-5 * (1.0 + b.abs()), "{a}, not {b}");
    }
}

/// The graph of a model whose steps are unknown gives, for every number of them, what the steps give that are added to
/// a graph one by one.
#[track_caller]
fn check(model: Model, inputs: impl Fn(usize) -> Tensor) {
    let mut model = model;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    model.save(&path).unwrap();
    let saved = saved_model::load(&path, &["serve"]).unwrap();
    let name = model.input_infos()[0].0.clone();
    for steps in [1, 3, 6] {
        let x = inputs(steps);
        model.network().reset_states();
        let expected = model.predict_on_batch(vec![x.clone()]).unwrap();
        let found = saved.call("serving_default", &[(&name, x.clone())]).unwrap();
        let names = model.output_names(expected.len());
        assert_eq!(found.len(), expected.len());
        for (name, expected) in names.iter().zip(&expected) {
            close(&found.iter().find(|(found, _)| found == name).unwrap().1, expected);
        }
        // Traced for training, what drops nothing gives the same shapes.
        let functions = saved.functions().unwrap();
        let call = functions.iter().find(|f| f.path == "__call__" && f.training == Some(true)).unwrap();
        let function = saved.function(&call.name).unwrap();
        let argument = function.inputs().next().unwrap().0.to_owned();
        let trained = function.call(&[(&argument, x)]).unwrap();
        trained.iter().zip(&expected).for_each(|((_, found), expected)| assert_eq!(found.shape(), expected.shape()));
    }
}

fn sequence(layer: impl Into<LayerRef>, features: &[usize]) -> Model {
    let dims: Vec<Option<usize>> = std::iter::once(None).chain(features.iter().map(|&n| Some(n))).collect();
    Sequential::new().add(InputLayer::new(dims)).add(layer.into()).into()
}

fn stacked() -> StackedRNNCells {
    StackedRNNCells::new([
        LayerRef::from(LSTMCell::new(4).dropout(0.2).recurrent_dropout(0.2)),
        GRUCell::new(3).recurrent_dropout(0.1).implementation(1).into(),
        SimpleRNNCell::new(2).into(),
    ])
}

#[test]
fn cells_on_top_of_each_other() {
    let x = |steps| numbers(&[2, steps, 5]);
    check(sequence(RNN::new(stacked()), &[5]), x);
    check(sequence(RNN::new(stacked()).return_sequences(true).go_backwards(true), &[5]), x);
    check(sequence(RNN::new(stacked()).return_state(true), &[5]), x);
    check(sequence(RNN::new(stacked()).return_sequences(true).time_major(true), &[5]), |steps| numbers(&[steps, 2, 5]));
    check(sequence(Bidirectional::new(RNN::new(LSTMCell::new(3).activation("selu"))), &[5]), x);
    check(sequence(LSTM::new(3).activation("selu").recurrent_dropout(0.1), &[5]), x);
}

#[test]
fn masked_steps_keep_states_and_outputs() {
    let tokens = |steps: usize| {
        let token = |i: usize| if (i * 5) % 7 < 3 { 0.0 } else { (1 + i % 8) as f32 };
        Tensor::from_vec((0..3 * steps).map(token).collect(), [3, steps]).unwrap()
    };
    for zeros in [false, true] {
        let model = Sequential::new()
            .add(InputLayer::new([None::<usize>]))
            .add(Embedding::new(9, 4).mask_zero(true))
            .add(RNN::new(stacked()).return_sequences(true).zero_output_for_mask(zeros))
            .add(RNN::new(stacked()));
        check(model.into(), tokens);
    }
}

#[test]
fn convolutions_over_time() {
    check(sequence(ConvLSTM1D::new(2, 3).return_sequences(true), &[6, 2]), |steps| numbers(&[2, steps, 6, 2]));
    let layer = ConvLSTM2D::new(2, 2).dropout(0.1).recurrent_dropout(0.1).go_backwards(true).return_state(true);
    check(sequence(layer, &[4, 5, 2]), |steps| numbers(&[2, steps, 4, 5, 2]));
    let layer = ConvLSTM3D::new(2, 2).padding("same").strides(2).return_sequences(true);
    check(sequence(layer, &[4, 4, 4, 1]), |steps| numbers(&[2, steps, 4, 4, 4, 1]));
}

/// `h(t) = tanh(x(t) W + h(t - 1))`; each step adds to the loss.
#[derive(Debug)]
struct PlusCell {
    base: Base,
    units: usize,
    inner: LayerRef,
}

impl PlusCell {
    fn new(units: usize) -> PlusCell {
        PlusCell { base: Base::new("PlusCell"), units, inner: Dense::new(units).use_bias(false).into() }
    }
}

impl Layer for PlusCell {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, _: &[ValueInfo]) -> LayerResult<()> {
        let ones = Initializer::from("ones");
        cx.add_weight(&self.base, WeightSpec::new("scale", [self.units], &ones))?;
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> LayerResult<Vec<Value>> {
        let inputs = args.tensors();
        let (y, states) = self.step(cx, *inputs[0], &[*inputs[1]], &mut CellMemory::default())?;
        Ok(std::iter::once(y).chain(states).collect())
    }

    fn config(&self) -> LayerResult<Config> {
        Ok(self.base.config().with("units", self.units))
    }

    fn sublayers(&self) -> Vec<(String, Tracked)> {
        vec![("inner".into(), Tracked::Layer(self.inner.clone()))]
    }

    fn as_cell(&self) -> Option<&dyn Cell> {
        Some(self)
    }
}

impl Cell for PlusCell {
    fn state_shapes(&self, _: &ValueInfo) -> Vec<Vec<usize>> {
        vec![vec![self.units]]
    }

    fn step(
        &self,
        cx: &mut Call<'_>,
        x: Value,
        states: &[Value],
        memory: &mut CellMemory,
    ) -> LayerResult<(Value, Vec<Value>)> {
        let mut sum = cx.apply_one(&self.inner, x)?;
        let scale = cx.weight(&self.base, "scale")?;
        sum = cx.g.multiply(sum, scale)?;
        sum = cx.g.add(sum, states[0])?;
        for &constant in &memory.constants {
            sum = cx.g.add(sum, constant)?;
        }
        let y = cx.g.tanh(sum)?;
        let square = cx.g.multiply(y, y)?;
        let loss = cx.g.reduce_sum(square, &[0, 1], false)?;
        cx.add_loss(loss);
        Ok((y, vec![y]))
    }
}

#[test]
fn a_cell_of_the_users_with_layers_inside_and_losses() {
    let make = || {
        let x = Input([None, Some(3)]);
        let y = RNN::new(PlusCell::new(2)).return_sequences(true).on(&x).unwrap();
        Model::functional([x], [y]).unwrap()
    };
    check(make(), |steps| numbers(&[2, steps, 3]));
    // What the steps add to the loss comes out of the function as one sum.
    let mut model = make();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    model.save(&path).unwrap();
    let saved = saved_model::load(&path, &["serve"]).unwrap();
    let functions = saved.functions().unwrap();
    let name = "call_and_return_all_conditional_losses";
    let losses = functions.iter().find(|f| f.path == name && f.training == Some(false)).unwrap();
    let x = numbers(&[2, 5, 3]);
    let function = saved.function(&losses.name).unwrap();
    let argument = function.inputs().next().unwrap().0.to_owned();
    let found = function.call(&[(&argument, x.clone())]).unwrap();
    let y = model.predict_on_batch(vec![x]).unwrap().remove(0);
    let expected: f32 = y.as_slice::<f32>().unwrap().iter().map(|y| y * y).sum();
    assert_eq!(found.len(), 2);
    assert!((found[1].1.to_scalar::<f32>().unwrap() - expected).abs() < 1e-4 * expected);
}

#[test]
fn states_and_constants_from_outside() {
    let x = Input([None, Some(3)]);
    let constant = Dense::new(2).on(GlobalAveragePooling1D::new().on(&x).unwrap()).unwrap();
    let states = Dense::new(2).on(GlobalMaxPooling1D::new().on(&x).unwrap()).unwrap();
    let args = Args::one(x.clone())
        .with("initial_state", kerox::layers::Arg::List(vec![kerox::layers::Arg::Tensor(states)]))
        .with("constants", kerox::layers::Arg::List(vec![kerox::layers::Arg::Tensor(constant)]));
    let outputs = LayerRef::from(RNN::new(PlusCell::new(2)).return_state(true)).call(args).unwrap();
    check(Model::functional([x], outputs).unwrap(), |steps| numbers(&[4, steps, 3]));
}

#[test]
fn stateful_layers_go_on_where_the_batch_before_ended() {
    let input = InputLayer::of(Dims::from([Some(2), None, Some(5)]), DType::F32);
    let mut model: Model = Sequential::new().add(input).add(RNN::new(stacked()).stateful(true)).into();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    model.save(&path).unwrap();
    let saved = saved_model::load(&path, &["serve"]).unwrap();
    let name = model.input_infos()[0].0.clone();
    let mut again = load_model(&path, Default::default()).unwrap();
    for steps in [2, 5, 3] {
        let x = numbers(&[2, steps, 5]);
        let expected = model.predict_on_batch(vec![x.clone()]).unwrap().remove(0);
        close(&again.predict_on_batch(vec![x.clone()]).unwrap()[0], &expected);
        close(&saved.call("serving_default", &[(&name, x)]).unwrap()[0].1, &expected);
    }
    // States are saved where Keras keeps them, and are no weights.
    model.save(&path).unwrap();
    let keys = load_checkpoint(path.join("variables/variables")).unwrap();
    for state in ["0/0", "0/1", "1", "2"] {
        let key = format!("layer_with_weights-0/keras_api/states/{state}/.ATTRIBUTES/VARIABLE_VALUE");
        assert!(keys.keys().any(|found| *found == key), "{key}");
    }
    let mut again = load_model(&path, Default::default()).unwrap();
    assert_eq!(again.get_weights().len(), model.get_weights().len());
    let x = numbers(&[2, 4, 5]);
    let expected = model.predict_on_batch(vec![x.clone()]).unwrap().remove(0);
    close(&again.predict_on_batch(vec![x]).unwrap()[0], &expected);
}
