//! What preprocessing layers have learnt, through files of every format.

use kerox::layers::preprocessing::{Discretization, Pipeline, StringLookup, TextVectorization};
use kerox::prelude::*;
use kerox::saving::{Dialect, LoadOptions, SaveOptions, load_model};

fn words(rows: &[&str], shape: impl Into<Shape>) -> Tensor {
    Tensor::from_strings(rows, shape).unwrap()
}

fn predict(model: &mut Model, x: &Tensor) -> Tensor {
    model.predict(x, Predict::default().verbose(0)).unwrap().swap_remove(0)
}

fn strings(length: usize) -> kerox::layers::KerasTensor {
    InputLayer::new([length]).input_dtype(DType::String).tensor()
}

/// A layer inside others: in a pipeline, in a wrapper, in a model in the model.
#[test]
fn layers_inside_others_keep_their_vocabulary() {
    let adapted = |mode: &str| {
        let lookup = StringLookup::new().output_mode(mode);
        lookup.adapt(words(&["a", "b", "b", "c"], [2, 2])).unwrap();
        LayerRef::from(lookup)
    };
    let text = || {
        let text = TextVectorization::new().output_mode("tf_idf");
        text.adapt(["the cat sat", "the dog"]).unwrap();
        LayerRef::from(text)
    };
    let x = words(&["b", "z", "a", "c"], [2, 2]);
    let sentences = words(&["the dog", "a cat", "sat", "dog the the"], [4, 1]);
    let pipeline = |layer: LayerRef, length: usize| {
        let input = strings(length);
        let y = Pipeline::new([layer]).on(&input).unwrap();
        Model::functional([input], [y]).unwrap()
    };
    let nested = |layer: LayerRef, length: usize| {
        let inner = strings(length);
        let y = layer.on(&inner).unwrap();
        let y = Dense::new(3).on(&y).unwrap();
        let inner = LayerRef::from(kerox::layers::models::Functional::new([inner], [y]).unwrap());
        let input = strings(length);
        let y = Dense::new(2).on(inner.on(&input).unwrap()).unwrap();
        Model::functional([input], [y]).unwrap()
    };
    let dir = tempfile::tempdir().unwrap();
    for (name, dialect, mut model, x) in [
        ("pipeline", Dialect::Keras3, pipeline(adapted("int"), 2), &x),
        ("pipeline_text", Dialect::Keras3, pipeline(text(), 1), &sentences),
        ("nested", Dialect::Keras2, nested(adapted("count"), 2), &x),
        ("nested_weights", Dialect::Keras2, nested(adapted("tf_idf"), 2), &x),
        ("nested_text", Dialect::Keras2, nested(text(), 1), &sentences),
        ("nested_text", Dialect::Keras3, nested(text(), 1), &sentences),
    ] {
        let expected = predict(&mut model, x);
        for ending in ["h5", "keras"] {
            let path = dir.path().join(format!("{name}.{ending}"));
            model.save_with(&path, &SaveOptions::new().dialect(dialect).overwrite(true)).unwrap();
            let mut again = load_model(&path, LoadOptions::new()).unwrap_or_else(|e| panic!("{name} {ending}: {e}"));
            assert_eq!(predict(&mut again, x), expected, "{name} {ending}");
        }
    }
}

/// Boundaries and weights of tokens have open shapes: a checkpoint says what they are.
#[test]
fn checkpoints_restore_what_was_learnt() {
    let model = |is_adapted: bool| {
        let numbers = Tensor::from_vec((0..60).map(|i| ((i * 37) % 23) as f32).collect::<Vec<f32>>(), [60]).unwrap();
        let ranges = Discretization::with_bins(4);
        let lookup = StringLookup::new().output_mode("tf_idf");
        if is_adapted {
            ranges.adapt(numbers).unwrap();
            lookup.adapt(words(&["a", "b", "b", "c"], [2, 2])).unwrap();
        } else {
            // A checkpoint holds no vocabulary, only the weights.
            let tokens = kerox::graph::ops::Tokens::Strings(vec![b"b".into(), b"c".into(), b"a".into()]);
            lookup.set_vocabulary_and_weights(tokens, &[9.0, 9.0, 9.0]).unwrap();
        }
        let (a, b) = (Input([3]), strings(2));
        let (y, z) = (ranges.on(&a).unwrap(), lookup.on(&b).unwrap());
        Model::functional([a, b], [y, z]).unwrap()
    };
    let inputs = || {
        let numbers = Tensor::from_vec((0..12).map(|i| i as f32 * 2.0).collect::<Vec<f32>>(), [4, 3]).unwrap();
        [numbers, words(&["a", "z", "b", "b", "c", "a", "q", "q"], [4, 2])]
    };
    let all = |model: &mut Model| model.predict(inputs().to_vec(), Predict::default().verbose(0)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let prefix = dir.path().join("ckpt");
    let mut learnt = model(true);
    learnt.save_weights(&prefix).unwrap();
    let mut fresh = model(false);
    let status = fresh.load_weights(&prefix).unwrap();
    status.assert_consumed().unwrap();
    assert_eq!(all(&mut fresh), all(&mut learnt));
    // Again, over a state of another size.
    let other = model(true);
    other.load_weights(&prefix).unwrap().assert_consumed().unwrap();
}
