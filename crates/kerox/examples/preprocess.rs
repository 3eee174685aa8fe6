//! Models with preprocessing layers, for `interop/preprocessing/check.py`, which judges them.
//!
//! `preprocess predict DIRECTORY` lets the model of every case of a directory predict; `preprocess write DIRECTORY`
//! adapts layers and saves models with them in every format.

use std::path::{Path, PathBuf};

use kerox::layers::preprocessing::{Discretization, IntegerLookup, Normalization, StringLookup, TextVectorization};
use kerox::prelude::*;
use kerox::saving::{Dialect, LoadOptions, SaveOptions, load_model};
use kerox_config_json::{Config, Limits, Node, Style, Value as Json};

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

fn array(json: &Json) -> Result<Tensor> {
    let node = Node::root(json);
    let shape: Vec<usize> = node.required("shape")?.list()?.iter().map(|d| d.unsigned()).collect::<Result<_, _>>()?;
    let data = node.required("data")?.list()?;
    let dtype = node.required("dtype")?.str()?;
    if dtype == "string" {
        let words = data.iter().map(|s| s.str()).collect::<Result<Vec<&str>, _>>()?;
        return Ok(Tensor::from_strings(words, shape)?);
    }
    let numbers = data.iter().map(|x| x.float()).collect::<Result<Vec<f64>, _>>()?;
    Ok(Tensor::from_vec(numbers, shape)?.cast(DType::from_name(dtype).ok_or("unknown type")?)?)
}

fn json(tensor: &Tensor) -> Result<Json> {
    let shape: Vec<Json> = tensor.shape().iter().map(|&d| Json::Int(d as i64)).collect();
    let data: Vec<Json> = match tensor.dtype() {
        DType::String => {
            let words = tensor.as_slice::<Vec<u8>>()?.iter();
            words.map(|s| Json::String(String::from_utf8_lossy(s).into_owned())).collect()
        }
        _ => tensor.cast(DType::F64)?.as_slice::<f64>()?.iter().map(|&x| Json::Float(x)).collect(),
    };
    Ok(Config::new().with("dtype", tensor.dtype().name()).with("shape", shape).with("data", data).into())
}

fn read(path: &Path) -> Result<Json> {
    Ok(Json::parse_bytes(&std::fs::read(path)?, &Limits::default())?)
}

fn text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

fn predict_one(model: &Path, input: &Tensor) -> Result<Json> {
    let mut model = load_model(model, LoadOptions::new().compile(false))?;
    let outputs = model.predict(input, Predict::default().verbose(0))?;
    json(&outputs[0])
}

/// For each model of each case: the outputs, or the error.
fn predict(dir: &Path) -> Result<()> {
    let mut results = Config::new();
    for case in read(&dir.join("cases.json"))?.as_map().ok_or("no cases")?.iter() {
        let (name, case) = case;
        let input = array(case.get("input").ok_or("no input")?)?;
        for file in case.get("files").and_then(Json::as_list).unwrap_or_default() {
            let file = file.as_str().unwrap_or_default();
            let result = match predict_one(&dir.join(file), &input) {
                Ok(outputs) => outputs,
                Err(error) => Json::String(text(&*error)),
            };
            results.insert(format!("{name}: {file}"), result);
        }
    }
    std::fs::write(dir.join("results.json"), Json::Map(results).to_json(Style::default()))?;
    Ok(())
}

/// The file endings, each with the dialect it is written in.
const FILES: [(&str, Dialect); 4] =
    [("2.keras", Dialect::Keras2), ("2.h5", Dialect::Keras2), ("3.keras", Dialect::Keras3), ("3.h5", Dialect::Keras3)];

fn save(dir: &Path, cases: &mut Config, name: &str, mut model: Model, input: Tensor) -> Result<()> {
    let outputs = model.predict(&input, Predict::default().verbose(0))?;
    for (ending, dialect) in FILES {
        model.save_with(dir.join(format!("{name}{ending}")), &SaveOptions::new().dialect(dialect))?;
    }
    cases.insert(name, Config::new().with("input", json(&input)?).with("output", json(&outputs[0])?));
    Ok(())
}

fn words(rows: &[&str], shape: impl Into<Shape>) -> Result<Tensor> {
    Ok(Tensor::from_strings(rows, shape)?)
}

fn write(dir: &Path) -> Result<()> {
    let mut cases = Config::new();
    let numbers = Tensor::from_vec((0..60).map(|i| ((i * 37) % 23) as f32 - 7.5).collect::<Vec<f32>>(), [20, 3])?;
    let input = || Input([3]);
    let texts = ["the cat sat on the mat", "the dog; the cat!", "A bird"];

    let layer = Normalization::new();
    layer.adapt(&numbers)?;
    let x = input();
    let y = Dense::new(2).on(&layer.on(&x)?)?;
    save(dir, &mut cases, "normalization", Model::functional([x], [y])?, numbers.clone())?;

    let layer = Discretization::with_bins(4);
    layer.adapt(&numbers)?;
    let x = input();
    let y = layer.on(&x)?;
    save(dir, &mut cases, "discretization", Model::functional([x], [y])?, numbers.clone())?;

    let layer = StringLookup::new();
    layer.adapt(["a", "b", "b", "c"])?;
    let x = InputLayer::new([2]).input_dtype(DType::String).tensor();
    let y = Embedding::new(4, 3).on(&layer.on(&x)?)?;
    let asked = words(&["a", "z", "b", "c"], [2, 2])?;
    save(dir, &mut cases, "string_lookup", Model::functional([x], [y])?, asked)?;

    let layer = IntegerLookup::new().output_mode("multi_hot");
    layer.adapt(Tensor::from_vec(vec![5i64, 5, 7], [3])?)?;
    let x = InputLayer::new([2]).input_dtype(DType::I64).tensor();
    let y = Dense::new(2).on(&layer.on(&x)?)?;
    let asked = Tensor::from_vec(vec![5i64, 7, 1, 5], [2, 2])?;
    save(dir, &mut cases, "integer_lookup", Model::functional([x], [y])?, asked)?;

    for (name, layer) in [
        ("text_int", TextVectorization::new().output_sequence_length(5)),
        ("text_tf_idf", TextVectorization::new().output_mode("tf_idf")),
    ] {
        layer.adapt(texts)?;
        let size = layer.vocabulary_size().unwrap_or(0);
        let x = InputLayer::new([1]).input_dtype(DType::String).tensor();
        let tokens = layer.on(&x)?;
        let y = match name {
            "text_int" => {
                let vectors = Embedding::new(size, 3).on(&tokens)?;
                GlobalAveragePooling1D::new().on(&vectors)?
            }
            _ => Dense::new(2).on(&tokens)?,
        };
        let asked = words(&["the bird sat", "", "Mat, mat; the unknown"], [3, 1])?;
        save(dir, &mut cases, name, Model::functional([x], [y])?, asked)?;
    }
    std::fs::write(dir.join("cases.json"), Json::Map(cases).to_json(Style::default()))?;
    Ok(())
}

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let (verb, dir) = (args.next().unwrap_or_default(), PathBuf::from(args.next().ok_or("no directory")?));
    match verb.as_str() {
        "predict" => predict(&dir),
        "write" => write(&dir),
        _ => Err("expected `predict DIRECTORY` or `write DIRECTORY`".into()),
    }
}
