//! SavedModels of models that begin with text: tables, their files, and what is learnt of data.

use kerox::layers::preprocessing::{IntegerLookup, StringLookup, TextVectorization};
use kerox::prelude::*;
use kerox::saving::{LoadOptions, load_model};
use kerox_format_savedmodel::SavedModel;
use kerox_graph_def::saved_model;

fn strings(texts: &[&str], shape: &[usize]) -> Tensor {
    Tensor::from_strings(texts, shape).unwrap()
}

fn text_input(shape: impl Into<Vec<usize>>) -> kerox::layers::KerasTensor {
    InputLayer::new(shape.into()).input_dtype(DType::String).tensor()
}

fn predict(model: &mut Model, x: &Tensor) -> Tensor {
    model.predict(x, Predict::default().verbose(0)).unwrap().remove(0)
}

/// Saves, runs what was saved as a graph, loads it as a model, and saves that again: always the same outputs.
fn check(mut model: Model, x: &Tensor) -> tempfile::TempDir {
    let expected = predict(&mut model, x);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    model.save(&path).unwrap();
    let saved = saved_model::load(&path, &["serve"]).unwrap();
    let input = saved.signatures()[0].inputs[0].name.clone();
    assert_eq!(saved.call("serving_default", &[(&input, x.clone())]).unwrap()[0].1, expected);
    let mut again = load_model(&path, LoadOptions::new()).unwrap();
    assert_eq!(predict(&mut again, x), expected);
    let second = dir.path().join("again");
    again.save(&second).unwrap();
    let mut last = load_model(&second, LoadOptions::new()).unwrap();
    assert_eq!(predict(&mut last, x), expected);
    dir
}

#[test]
fn texts_of_any_length_find_their_words() {
    let texts = ["The cat sat.", "a DOG sat, on the cat!", "", "no such words"];
    for (split, ngrams) in [("whitespace", 1), ("whitespace", 2), ("character", 1)] {
        let layer = TextVectorization::new().split(split).ngrams(ngrams);
        layer.adapt(["the cat sat", "a dog sat on the cat"]).unwrap();
        let size = layer.vocabulary_size().unwrap();
        let x = text_input([1]);
        let tokens = layer.on(&x).unwrap();
        let y = Embedding::new(size, 3).on(&tokens).unwrap();
        let y = GlobalMaxPooling1D::new().on(&y).unwrap();
        check(Model::functional([x], [y]).unwrap(), &strings(&texts, &[4, 1]));
    }
}

#[test]
fn weights_of_words_are_kept() {
    let layer = TextVectorization::new().output_mode("tf_idf").max_tokens(12).pad_to_max_tokens(true);
    layer.adapt(["the cat sat", "a dog sat on the cat"]).unwrap();
    let x = text_input([1]);
    let y = layer.on(&x).unwrap();
    check(Model::functional([x], [y]).unwrap(), &strings(&["the cat the", "unknown", ""], &[3, 1]));
}

#[test]
fn places_become_tokens_again() {
    let x = text_input([3]);
    let there = StringLookup::new().vocabulary(["a", "b"]).unwrap().on(&x).unwrap();
    let back = StringLookup::new().vocabulary(["a", "b"]).unwrap().invert(true).on(&there).unwrap();
    check(Model::functional([x], [back]).unwrap(), &strings(&["a", "c", "b"], &[1, 3]));
}

#[test]
fn numbers_and_many_places_for_unknown_ones() {
    let x = InputLayer::new([3]).input_dtype(DType::I64).tensor();
    let lookup = IntegerLookup::new().num_oov_indices(3).output_mode("count").vocabulary([5, 7]).unwrap();
    let y = lookup.on(&x).unwrap();
    let numbers = Tensor::from_vec(vec![5i64, 7, -1, 8, 9, 10], [2, 3]).unwrap();
    check(Model::functional([x], [y]).unwrap(), &numbers);
}

#[test]
fn unknown_tokens_without_a_place_are_an_error_in_the_graph_too() {
    let x = text_input([1]);
    let y = StringLookup::new().num_oov_indices(0).vocabulary(["a", "b"]).unwrap().on(&x).unwrap();
    let dir = check(Model::functional([x], [y]).unwrap(), &strings(&["a", "b"], &[2, 1]));
    let saved = saved_model::load(dir.path().join("model"), &["serve"]).unwrap();
    let input = saved.signatures()[0].inputs[0].name.clone();
    let error = saved.call("serving_default", &[(&input, strings(&["c"], &[1, 1]))]).unwrap_err().to_string();
    assert!(error.contains("num_oov_indices"), "{error}");
}

#[test]
fn files_of_one_name_become_two_assets() {
    let dir = tempfile::tempdir().unwrap();
    let file = |folder: &str, text: &str| {
        std::fs::create_dir(dir.path().join(folder)).unwrap();
        let path = dir.path().join(folder).join("words.txt");
        std::fs::write(&path, text).unwrap();
        path
    };
    let (first, second) = (file("a", "x\ny\n"), file("b", "y\nz\nx\n"));
    let x = text_input([2]);
    let a = StringLookup::new().vocabulary_file(&first).unwrap().mask_token("").on(&x).unwrap();
    let b = StringLookup::new().vocabulary_file(&second).unwrap().on(&x).unwrap();
    let y = Concatenate::new().on([&a, &b]).unwrap();
    let model = Model::functional([x], [y]).unwrap();
    let written = check(model, &strings(&["x", "y", "z", "none"], &[2, 2]));
    for model in ["model", "again"] {
        let model = written.path().join(model);
        let mut names: Vec<String> = std::fs::read_dir(model.join("assets"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        assert_eq!(names, ["words.txt", "words.txt_1"]);
        assert_eq!(std::fs::read(model.join("assets/words.txt")).unwrap(), b"x\ny\n");
        let saved = SavedModel::open(&model).unwrap();
        let assets = saved.meta_graph(&["serve"]).unwrap().assets().unwrap();
        assert_eq!(assets.iter().map(|asset| asset.name.as_str()).collect::<Vec<_>>(), ["words.txt", "words.txt_1"]);
    }
}

#[test]
fn a_layer_that_was_not_adapted_stays_so() {
    let x = text_input([2]);
    let y = StringLookup::new().on(&x).unwrap();
    let model = Model::functional([x], [y]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let error = model.save(dir.path().join("model")).unwrap_err().to_string();
    assert!(error.contains("call `adapt`"), "{error}");
}
