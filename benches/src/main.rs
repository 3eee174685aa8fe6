//! kerox's half of the timing against TensorFlow: answers requests on stdin, one JSON object a line.
//!
//! See `README.md` beside this crate for the protocol and the benchmarks.
#![forbid(unsafe_code)]

mod checkpoints;
mod data;
mod files;
mod large;
mod memory;
mod models;

use std::collections::HashMap;
use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use kerox::applications;
use serde_json::{Value, json};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// Something ready to be timed: runs once and says how many iterations that were.
type Run = Box<dyn FnMut() -> Result<usize>>;

/// Name and preparation of each benchmark; the folder is for files.
const BENCHES: &[(&str, fn(&Path) -> Result<Run>)] = &[
    ("mlp_train_32", |_| models::train(models::mlp()?, data::digits, 32, 128)),
    ("mlp_train_128", |_| models::train(models::mlp()?, data::digits, 128, 32)),
    ("mlp_train_1024", |_| models::train(models::mlp()?, data::digits, 1024, 10)),
    ("predict_one", |_| models::predict_one()),
    ("predict_32", |_| models::predict_32()),
    ("cnn_train_32", |_| models::train(models::cnn()?, data::images, 32, 128)),
    ("cnn_train_128", |_| models::train(models::cnn()?, data::images, 128, 32)),
    ("lstm_train_64", |_| models::train(models::lstm()?, data::words, 64, 64)),
    ("gru_train_64", |_| models::train(models::gru()?, data::words, 64, 64)),
    ("text_cnn_train_64", |_| models::train(models::text_cnn()?, data::words, 64, 10)),
    ("transformer_train_32", |_| models::train(models::transformer()?, data::words, 32, 10)),
    ("mobilenet_train_16", |_| models::train(models::small_mobilenet()?, data::pictures, 16, 10)),
    ("checkpoint_write", checkpoints::write),
    ("checkpoint_read", checkpoints::read),
    ("plain_write", checkpoints::plain_write),
    ("plain_read", checkpoints::plain_read),
    ("save_h5", |folder| files::save(folder, "model.h5")),
    ("load_h5", |folder| files::load(folder, "model.h5")),
    ("save_keras", |folder| files::save(folder, "model.keras")),
    ("load_keras", |folder| files::load(folder, "model.keras")),
    ("save_savedmodel", |folder| files::save(folder, "saved")),
    ("load_savedmodel", |folder| files::load(folder, "saved")),
    ("signature_one", files::signature_one),
    ("save_h5_400", |folder| large::save(folder, "model.h5", false)),
    ("save_h5_400_flushed", |folder| large::save(folder, "model.h5", true)),
    ("load_h5_400", |folder| large::load(folder, "model.h5")),
    ("save_keras_400", |folder| large::save(folder, "model.keras", false)),
    ("save_keras_400_flushed", |folder| large::save(folder, "model.keras", true)),
    ("load_keras_400", |folder| large::load(folder, "model.keras")),
    ("save_weights", files::save_weights),
    ("load_weights", files::load_weights),
    ("mobilenet_1", |_| models::application(applications::MobileNetV2(), 1)),
    ("mobilenet_16", |_| models::application(applications::MobileNetV2(), 16)),
    ("resnet50_1", |_| models::application(applications::ResNet50(), 1)),
    ("resnet50_16", |_| models::application(applications::ResNet50(), 16)),
    ("start", files::start),
];

fn main() -> Result<()> {
    match &std::env::args().collect::<Vec<_>>()[..] {
        [_, word, model] if word == files::START => return files::predict_one_from(Path::new(model)),
        [_, word, bench, folder] if word == memory::MEMORY => return memory::measure(bench, Path::new(folder)),
        _ => {}
    }
    let mut ready: HashMap<String, Run> = HashMap::new();
    let mut out = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        if request["do"] == "quit" {
            break;
        }
        let reply = answer(&request, &mut ready).unwrap_or_else(|error| json!({"error": error.to_string()}));
        writeln!(out, "{reply}")?;
        out.flush()?;
    }
    Ok(())
}

fn answer(request: &Value, ready: &mut HashMap<String, Run>) -> Result<Value> {
    let bench = request["bench"].as_str().unwrap_or_default();
    match request["do"].as_str().unwrap_or_default() {
        "list" => Ok(json!({"benches": BENCHES.iter().map(|(name, _)| name).collect::<Vec<_>>()})),
        "prepare" => {
            let Some((_, prepare)) = BENCHES.iter().find(|(name, _)| *name == bench) else {
                return Ok(json!({"missing": bench}));
            };
            let folder = request["folder"].as_str().ok_or("prepare needs a folder")?;
            let mut run = prepare(Path::new(folder))?;
            run()?;
            ready.insert(bench.to_string(), run);
            Ok(json!({"ready": bench}))
        }
        "round" => {
            let run = ready.get_mut(bench).ok_or_else(|| format!("`{bench}` is not prepared"))?;
            one_round(bench, run, request["seconds"].as_f64().unwrap_or(1.0))
        }
        "drop" => {
            ready.remove(bench);
            Ok(json!({"dropped": bench}))
        }
        other => Err(format!("unknown request `{other}`").into()),
    }
}

/// Runs for at least that many seconds; gives the median time of an iteration.
fn one_round(bench: &str, run: &mut Run, seconds: f64) -> Result<Value> {
    let (mut times, mut total, mut iterations) = (Vec::new(), 0.0, 0);
    while total < seconds || times.is_empty() {
        let start = Instant::now();
        let count = run()?;
        let spent = start.elapsed().as_secs_f64();
        times.push(spent / count as f64);
        total += spent;
        iterations += count;
    }
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2] * 1e6;
    Ok(json!({"bench": bench, "iterations": iterations, "seconds": total, "per_iteration_us": median}))
}
