//! `kerox inspect`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use kerox::saving::{Inspection, Target, check_target, inspect, save_array};
use kerox::tensor::DType;

use crate::args::Common;
use crate::failure::{Failure, Outcome};
use crate::output::{Output, bytes};
use crate::progress;

const EXAMPLES: &str = "\
Examples:
  kerox inspect model.h5
  kerox inspect training_1/cp.ckpt --json
  kerox inspect model.keras --tensor layers/dense/vars/0 \\
      --output kernel.npy";

/// List what a file holds, without building a model
///
/// Reads any format, files of unknown layers included. Without `--json` no tensor is read: the listing comes from the
/// file's index alone.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Inspect {
    /// The file, directory or checkpoint prefix
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Print one JSON document, with the checksum of every tensor
    #[arg(long, conflicts_with = "tensor")]
    json: bool,
    /// Print this tensor
    #[arg(long, value_name = "NAME")]
    tensor: Option<String>,
    /// Write the tensor to this file instead
    #[arg(long, value_name = "FILE.npy", requires = "tensor")]
    output: Option<PathBuf>,
}

impl Inspect {
    pub fn run(&self, common: &Common) -> Outcome {
        if let Some(path) = &self.output {
            check_target(path, Target::File)?;
        }
        let found = inspect(&self.path)?;
        let mut out = Output::new();
        if let Some(name) = &self.tensor {
            self.tensor(&found, name, &mut out)?;
        } else if self.json {
            let bar = progress::bar(common, "checksums");
            let document = found.to_json_with(|done, of| {
                bar.set_length(of as u64);
                bar.set_position(done as u64);
            })?;
            bar.finish_and_clear();
            out.json(&document)?;
        } else {
            list(&found, &mut out)?;
        }
        out.finish()?;
        Ok(ExitCode::SUCCESS)
    }

    fn tensor(&self, found: &Inspection, name: &str, out: &mut Output) -> Result<(), Failure> {
        let tensor = found.package.read(name)?;
        match &self.output {
            Some(path) => Ok(save_array(&tensor, path)?),
            None => out.line(&tensor),
        }
    }
}

fn list(found: &Inspection, out: &mut Output) -> Result<(), Failure> {
    out.line(format_args!("format: {}", found.format))?;
    let texts = [("keras", &found.keras_version), ("backend", &found.backend), ("class", &found.class_name)];
    for (what, text) in texts {
        if let Some(text) = text {
            out.line(format_args!("{what}: {text}"))?;
        }
    }
    if let Some(shards) = found.shards {
        out.line(format_args!("shards: {shards}"))?;
    }
    if let Some(config) = &found.training_config {
        let short = |key: &str| {
            let value = config.get(key)?;
            let named = value.as_str().or_else(|| value.get("class_name").and_then(|name| name.as_str()));
            named.map(|name| format!("{} {name}", key.trim_end_matches("_config")))
        };
        let parts: Vec<String> = ["optimizer", "optimizer_config", "loss"].into_iter().filter_map(short).collect();
        out.line(format_args!("compiled: {}", if parts.is_empty() { "yes".into() } else { parts.join(", ") }))?;
    }
    if let Some(layers) = &found.layers {
        let params = |n: Option<usize>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let rows: Vec<Vec<String>> =
            layers.iter().map(|l| vec![l.name.clone(), l.class_name.clone(), params(l.params)]).collect();
        out.line("")?;
        out.table(&["LAYER", "CLASS", "PARAMS"], &rows)?;
    }
    if let Some(signatures) = found.signatures.as_ref().filter(|list| !list.is_empty()) {
        let mut rows = Vec::new();
        for signature in signatures {
            for (kind, tensors) in [("input", &signature.inputs), ("output", &signature.outputs)] {
                for tensor in tensors {
                    let dtype = tensor.dtype.dtype().map_or("?", DType::name);
                    let axis = |axis: &Option<u64>| axis.map_or_else(|| "None".to_owned(), |n| n.to_string());
                    let shape = tensor.shape.as_ref().map(|axes| axes.iter().map(axis).collect::<Vec<_>>().join(", "));
                    let shape = shape.map_or_else(|| "unknown".to_owned(), |axes| format!("[{axes}]"));
                    rows.push(vec![signature.name.clone(), kind.into(), tensor.name.clone(), dtype.into(), shape]);
                }
            }
        }
        out.line("")?;
        out.table(&["SIGNATURE", "", "NAME", "DTYPE", "SHAPE"], &rows)?;
    }
    let infos = found.package.tensors();
    if infos.is_empty() {
        return Ok(());
    }
    let mut total = 0u64;
    let rows: Vec<Vec<String>> = infos
        .iter()
        .map(|info| {
            let size = info.dtype.size().map(|size| (info.shape.elements() as u64).saturating_mul(size as u64));
            total = total.saturating_add(size.unwrap_or(0));
            let size = size.map_or_else(|| "-".to_owned(), bytes);
            vec![info.name.clone(), info.dtype.name().to_owned(), info.shape.to_string(), size]
        })
        .collect();
    out.line("")?;
    out.table(&["TENSOR", "DTYPE", "SHAPE", "SIZE"], &rows)?;
    out.line("")?;
    out.line(format_args!("{} tensors, {}", infos.len(), bytes(total)))
}
