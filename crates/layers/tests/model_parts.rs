//! Weights in Keras's order, layers by name, sub-models, clones and checkpoints' edges.

use kerox_layers::core::Dense;
use kerox_layers::models::{self, Functional, Sequential};
use kerox_layers::{Input, LayerExt, LayerRef, Tracked, Weight};
use kerox_tensor::{DType, Tensor};

fn two(name: &str) -> Sequential {
    Sequential::new().with(Dense::new(3).name("dense_1").input_dim(4)).with(Dense::new(2).name("dense_2")).name(name)
}

fn names(weights: Vec<Weight>) -> Vec<String> {
    weights.iter().map(|weight| weight.variable.name().to_owned()).collect()
}

#[test]
fn freezing_a_part_changes_the_order_in_files_alone() {
    let nested = two("nested");
    nested.ensure_built().unwrap();
    let inner = LayerRef::from(nested);
    let x = Input([4]);
    let model = LayerRef::from(Functional::new([x.clone()], [inner.on(x).unwrap()]).unwrap());
    let (first, second) = (["dense_1/kernel", "dense_1/bias"], ["dense_2/kernel", "dense_2/bias"]);
    assert_eq!(names(model.legacy_weights()), [first, second].concat());
    inner.get_layer("dense_1").unwrap().set_trainable(false);
    assert_eq!(names(model.legacy_weights()), [second, first].concat());
    assert_eq!(names(model.weights()), [first, second].concat());
    model.set_trainable(false);
    assert_eq!(names(model.legacy_weights()), [first, second].concat());
    assert!(model.trainable_weights().is_empty());
}

#[test]
fn weights_that_do_not_fit_leave_the_model_as_it_was() {
    let model = two("m");
    model.ensure_built().unwrap();
    let model = LayerRef::from(model);
    let before = model.get_weights();
    let error = model.set_weights(&[Tensor::zeros(DType::F32, [1]).unwrap()]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "You called `set_weights(weights)` on layer \"m\" with a weight list of length 1, but the layer was expecting 4 \
         weights."
    );
    let mut values = before.clone();
    values[0] = Tensor::full(1f32, [4, 3]).unwrap();
    values[2] = Tensor::zeros(DType::F32, [1, 2]).unwrap();
    let error = model.set_weights(&values).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Layer m weight shape (3, 2) is not compatible with provided weight shape (1, 2) (weight `dense_2/kernel`)."
    );
    assert_eq!(model.get_weights(), before);
    // Numbers of another type are converted, as Keras does.
    values[2] = Tensor::full(2f64, [3, 2]).unwrap();
    model.set_weights(&values).unwrap();
    assert_eq!(model.get_weights()[2].as_slice::<f32>().unwrap(), [2.0; 6]);
}

#[test]
fn layers_by_name_and_position() {
    let model = LayerRef::from(two("m"));
    assert_eq!(model.get_layer("dense_2").unwrap().name(), "dense_2");
    assert_eq!(model.get_layer_at(0).unwrap().name(), "dense_1");
    assert_eq!(
        model.get_layer("zz").unwrap_err().to_string(),
        "No such layer: zz. Existing layers are: ['dense_1', 'dense_2']."
    );
    assert_eq!(
        model.get_layer_at(9).unwrap_err().to_string(),
        "Was asked to retrieve layer at index 9 but model only has 2 layers."
    );
    let alone = LayerRef::from(Dense::new(1).name("q"));
    assert_eq!(alone.output().unwrap_err().to_string(), "Layer q is not connected, no output to return.");
}

#[test]
fn a_part_of_a_model_shares_its_weights() {
    let x = Input([4]);
    let a = LayerRef::from(Dense::new(3).name("a"));
    let b = LayerRef::from(Dense::new(2).name("b"));
    let y = b.on(a.on(&x).unwrap()).unwrap();
    let model = LayerRef::from(Functional::new([x.clone()], [y.clone()]).unwrap());
    let head = Functional::new([model.get_layer("a").unwrap().output().unwrap()], [y]).unwrap();
    let layers: Vec<&str> = head.layers().iter().map(|layer| layer.class_name()).collect();
    assert_eq!(layers, ["InputLayer", "Dense"]);
    assert_eq!(head.inputs()[0].shape().to_string(), "(None, 3)");
    assert_eq!(head.layers()[1], b);
    let features = Functional::new([x], a.outputs().unwrap()).unwrap();
    assert_eq!(features.layers()[1], a);
}

#[test]
fn clones_have_names_but_not_weights() {
    let model = two("m");
    model.ensure_built().unwrap();
    let model = LayerRef::from(model);
    let clone = models::clone_model(&model).unwrap();
    assert_eq!(models::to_config(&clone).unwrap(), models::to_config(&model).unwrap());
    assert_ne!(clone.get_weights()[0], model.get_weights()[0]);
    let shared = models::clone_model_with(&model, |layer| Ok(layer.clone())).unwrap();
    assert_eq!(shared.weights()[0].variable, model.weights()[0].variable);
}

#[test]
fn the_last_layer_comes_off() {
    let model = two("m");
    model.ensure_built().unwrap();
    let last = model.pop().unwrap();
    assert_eq!(last.name(), "dense_2");
    let longer = Sequential::new();
    model.layers().into_iter().for_each(|layer| longer.add(layer));
    let longer = longer.with(Dense::new(5).name("dense_3"));
    longer.ensure_built().unwrap();
    assert_eq!(LayerRef::from(longer).count_params().unwrap(), 4 * 3 + 3 + 3 * 5 + 5);
    let empty = Sequential::new().name("empty");
    assert_eq!(
        empty.pop().unwrap_err().to_string(),
        "make model `empty`: expected a layer to take off, found no layers in the model"
    );
}

#[test]
fn checkpoints_reach_layers_by_number() {
    let model = two("m");
    model.ensure_built().unwrap();
    let edges: Vec<String> = LayerRef::from(model).sublayers().into_iter().map(|(name, _)| name).collect();
    assert_eq!(edges, ["layer_with_weights-0", "layer-0", "layer_with_weights-1", "layer-1"]);
    let list = Tracked::list([Tracked::Layer(Dense::new(1).into())]);
    assert!(matches!(list, Tracked::Container(elements) if elements[0].0 == "0"));
}
