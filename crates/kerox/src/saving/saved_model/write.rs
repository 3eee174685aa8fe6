//! Writing a SavedModel: everything is collected first, then put in place as a whole.

use std::collections::HashMap;
use std::path::Path;

use kerox_format_ckpt::{BundleWriter, WriteOptions};
use kerox_format_savedmodel::wire::Message;
use kerox_format_savedmodel::{NodeId, SavedModelBuilder, SavedModelFiles};
use kerox_fs::AtomicDir;
use kerox_graph_def::export::FunctionLibrary;
use kerox_layers::CallRecord;
use kerox_tensor::Tensor;
use kerox_train::Model;

use super::write_metadata::identifier;
use crate::saving::save_options::SaveOptions;
use crate::saving::{Error, Result, write};

/// What a SavedModel's directory holds; other files there are left alone.
const OWNED: &[&str] =
    &["saved_model.pb", "saved_model.pbtxt", "keras_metadata.pb", "fingerprint.pb", "variables", "assets"];

/// Writes a whole model.
pub(in crate::saving) fn save(model: &Model, path: &Path, options: &SaveOptions) -> Result<()> {
    let dir = AtomicDir::create(path, &write::fs_options(options))?.owns(OWNED.iter().copied());
    let files = Writer::new(model, options).files().map_err(|error| explained(error, path))?;
    files.write_without_variables(dir.path())?;
    variables(&files, dir.path(), options)?;
    fingerprint(&files, dir.path())?;
    Ok(dir.commit()?)
}

/// Writes `fingerprint.pb`, which follows from all other files.
fn fingerprint(files: &SavedModelFiles, dir: &Path) -> Result<()> {
    let index = dir.join("variables/variables.index");
    let io = |operation: &'static str, path: &Path| {
        let path = path.to_path_buf();
        move |source| Error::Io { operation, path, source }
    };
    let index = std::fs::read(&index).map_err(io("read", &index))?;
    let path = dir.join("fingerprint.pb");
    let fingerprint = kerox_format_savedmodel::fingerprint(&files.saved_model, &index);
    std::fs::write(&path, fingerprint.encode()).map_err(io("write", &path))
}

/// Says what to do about a layer that has no function in TensorFlow's operations.
fn explained(error: Error, path: &Path) -> Error {
    match error {
        Error::GraphDef(source @ kerox_graph_def::Error::Export { .. }) => Error::Content {
            operation: "save functions to",
            path: path.into(),
            expected: "layers made of operations that TensorFlow has".into(),
            found: format!("one that is not: {source}"),
            help: "save without functions (`SaveOptions::save_traces(false)`), or as `.keras`".into(),
        },
        other => other,
    }
}

fn variables(files: &SavedModelFiles, dir: &Path, options: &SaveOptions) -> Result<()> {
    let bytes: u64 = files.tensors.iter().map(|(_, tensor)| tensor.len() as u64 * 8).sum();
    let shards = options.max_shard_bytes.map_or(1, |largest| bytes.div_ceil(largest.max(1)).clamp(1, 99_999));
    // The directory is flushed to disk as a whole.
    let write_options = WriteOptions::new().durable(false).shards(shards as u32);
    let mut bundle = BundleWriter::create(dir.join("variables/variables"), &write_options)?;
    bundle.put_all(&files.tensors)?;
    bundle.put("_CHECKPOINTABLE_OBJECT_GRAPH", &Tensor::scalar(files.checkpoint_graph.encode()))?;
    Ok(bundle.finish()?)
}

/// A SavedModel under construction.
pub(super) struct Writer<'m> {
    pub model: &'m Model,
    pub options: &'m SaveOptions,
    pub builder: SavedModelBuilder,
    pub library: FunctionLibrary,
    /// Objects of layers by the layer.
    pub layers: HashMap<usize, NodeId>,
    /// Objects of variables by the variable.
    pub variables: HashMap<u64, NodeId>,
    /// Objects of tables by their names.
    pub tables: HashMap<String, NodeId>,
    /// Variables and tables that functions use and no layer holds.
    pub stray: Vec<NodeId>,
    /// Functions of penalties by the weight they are of.
    pub penalties: HashMap<u64, NodeId>,
    /// With what each layer was called.
    pub records: HashMap<usize, Vec<CallRecord>>,
    /// Numbers in the names of functions.
    pub count: usize,
}

impl<'m> Writer<'m> {
    fn new(model: &'m Model, options: &'m SaveOptions) -> Writer<'m> {
        let mut builder = SavedModelBuilder::new(identifier(model.network(), true));
        if let Some(tags) = &options.tags {
            builder.tags(&tags.iter().map(String::as_str).collect::<Vec<_>>());
        }
        Writer {
            model,
            options,
            builder,
            library: FunctionLibrary::new(),
            layers: HashMap::new(),
            variables: HashMap::new(),
            tables: HashMap::new(),
            stray: Vec::new(),
            penalties: HashMap::new(),
            records: HashMap::new(),
            count: 0,
        }
    }

    fn files(mut self) -> Result<SavedModelFiles> {
        let root = SavedModelBuilder::ROOT;
        let network = self.model.network().clone();
        self.layers.insert(network.id(), root);
        let traces = self.root_traces()?;
        self.fill_layer(&network, root)?;
        let call = if self.options.save_traces { Some(self.root_functions(&traces)?) } else { None };
        self.finish_layer(&network, root, call)?;
        self.root_metadata(&traces)?;
        if self.options.include_optimizer {
            self.optimizer()?;
        }
        if !self.stray.is_empty() {
            let list = self.builder.list(&self.stray.clone());
            self.builder.child(root, "captured_variables", list);
        }
        for function in std::mem::take(&mut self.library).into_functions() {
            self.builder.function_def(function);
        }
        Ok(self.builder.build()?)
    }
}
