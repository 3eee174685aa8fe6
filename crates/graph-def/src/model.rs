//! A SavedModel that runs.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use kerox_format_ckpt::{CheckpointReader, OBJECT_GRAPH_KEY};
use kerox_format_savedmodel::messages::TrackableObjectGraph;
use kerox_format_savedmodel::messages::saved_object_graph::Kind;
use kerox_format_savedmodel::wire::Message;
use kerox_format_savedmodel::{CheckpointKeys, MetaGraph, SavedModel, Signature, Structured, checkpoint_keys};
use kerox_graph::{Dims, Graph, Value, ops};
use kerox_tensor::{Tensor, Variable};

use crate::attrs::dims_of;
use crate::function::GraphFunction;
use crate::handle::{Handle, Slot};
use crate::import::Importer;
use crate::library::{Library, Source};
use crate::scan::{roots_of, scan};
use crate::state::State;
use crate::{Error, Result};

/// A SavedModel: its signatures, functions and variables. See [`crate::saved_model::load`].
pub struct GraphModel {
    model: SavedModel,
    tags: Vec<String>,
    pub(crate) state: State,
    pub(crate) keys: CheckpointKeys,
    signatures: Vec<Signature>,
    compiled: Mutex<HashMap<String, Arc<GraphFunction>>>,
    /// Why the initializer could not be run.
    pub(crate) uninitialized: OnceLock<Error>,
}

impl fmt::Debug for GraphModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.signatures.iter().map(|s| s.name.as_str()).collect();
        f.debug_struct("GraphModel").field("dir", &self.model.dir()).field("signatures", &names).finish_non_exhaustive()
    }
}

/// A function of the model's objects: one trace of it.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionInfo {
    /// Where it hangs: `__call__`, `layers.0.call`; names from the root on, separated by dots.
    pub path: String,
    /// Its name in the library, by which [`GraphModel::function`] gives it.
    pub name: String,
    /// The value of the argument `training`, where it is one of the trace.
    pub training: Option<bool>,
    /// Names of the arguments that are tensors.
    pub arguments: Vec<String>,
}

impl GraphModel {
    pub(crate) fn open(dir: &Path, tags: &[&str]) -> Result<GraphModel> {
        let model = SavedModel::open(dir)?;
        let meta = model.meta_graph(tags)?;
        let mut state = State::default();
        let prefix = model.variables_prefix();
        if prefix.with_extension("index").is_file() || prefix.is_file() {
            let reader = CheckpointReader::open(&prefix)?;
            let shards = if reader.is_v1() { 0 } else { reader.shards() };
            for shard in 0..shards {
                let name = format!("variables.data-{shard:05}-of-{shards:05}");
                if !prefix.with_file_name(&name).is_file() {
                    let found = "no such file; copy all files of the model";
                    return Err(Error::invalid(
                        "checkpoint of",
                        dir.to_string_lossy(),
                        format!("variables/{name}"),
                        found,
                    ));
                }
            }
            state.reader = Some(reader);
        }
        for asset in meta.assets()? {
            let node = asset.tensor.split(':').next().unwrap_or_default();
            state.assets.insert(node.to_owned(), asset.path(model.dir()));
        }
        let mut keys = CheckpointKeys::default();
        if let Some(objects) = meta.objects()? {
            let reader = state.reader.as_ref().filter(|reader| reader.has_tensor(OBJECT_GRAPH_KEY));
            if let Some(reader) = reader {
                let bytes = reader.get_tensor(OBJECT_GRAPH_KEY)?;
                let graph = bytes.as_slice::<Vec<u8>>()?.first().cloned().unwrap_or_default();
                keys = checkpoint_keys(objects, &TrackableObjectGraph::decode(&graph)?);
            }
            for object in objects.iter() {
                if let (Some(variable), Some(key)) = (object.variable(), keys.variable(object.id)) {
                    state.names.insert(key.to_owned(), variable.name.clone());
                    if !variable.trainable {
                        state.frozen.insert(key.to_owned());
                    }
                }
            }
        }
        let v1 = meta.v1_variables()?;
        let any_trainable = v1.iter().any(|variable| variable.trainable);
        state.frozen.extend(v1.iter().filter(|v| any_trainable && !v.trainable).map(|v| v.name.clone()));
        let signatures = meta.signatures();
        let tags = meta.tags().to_vec();
        let this = GraphModel {
            state,
            keys,
            signatures,
            tags,
            compiled: Mutex::default(),
            uninitialized: OnceLock::new(),
            model: model.clone(),
        };
        this.initialize(&meta)?;
        Ok(this)
    }

    /// Finds out which variable has which part of the checkpoint, and runs the initializer.
    fn initialize(&self, meta: &MetaGraph<'_>) -> Result<()> {
        let library = Library::new(meta)?;
        let restore = meta.saver().map(|saver| saver.restore_op_name.as_str());
        for (what, node) in [("the restoring of variables", restore), ("the initializer", meta.init_op())] {
            let Some(node) = node.filter(|name| !name.is_empty()) else { continue };
            let name = node.split(':').next().unwrap_or(node).trim_start_matches('^');
            let Some(at) = library.main.node(name) else { continue };
            match deep(|| self.run_node(&library, what, at)) {
                Ok(()) => {}
                // Variables have their own names, too; tables are missed by those who need them.
                Err(error @ Error::UnknownOperations { .. }) => {
                    let _ = self.uninitialized.set(error);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn run_node(&self, library: &Library<'_>, what: &str, at: usize) -> Result<()> {
        let roots = [Source::Control(at)];
        scan(library, what, &library.main, &roots, &HashSet::new())?;
        let mut g = Graph::new();
        let mut importer = Importer::new(library, &self.state);
        importer.body(&mut g, &library.main, &[], &roots, &HashMap::new())?;
        // What a restore writes into tables comes from the file its placeholder names: there is no value for that here.
        let mut needs_feed = vec![false; g.nodes().len()];
        for (i, node) in g.nodes().iter().enumerate() {
            needs_feed[i] = node.op.name() == "Placeholder" || node.inputs.iter().any(|v| needs_feed[v.node.index()]);
        }
        let effects: Vec<_> = g.effects.iter().copied().filter(|id| !needs_feed[id.index()]).collect();
        if !effects.is_empty() {
            let files = self.asset_reader();
            kerox_graph::Interpreter::new(&g, &[], &[], &effects).with_files(files).run(Vec::new())?;
        }
        Ok(())
    }

    /// Reads assets of the model, and no other file.
    fn asset_reader(&self) -> kerox_graph::ReadFile {
        let assets: Vec<PathBuf> = self.state.assets.values().cloned().collect();
        std::sync::Arc::new(move |path: &str| {
            let wrong = |found: String| kerox_graph::Error::Argument {
                op: "read file".into(),
                node: String::new(),
                argument: format!("`{path}`"),
                expected: "an asset of the model that can be read".into(),
                found,
            };
            match assets.iter().find(|asset| asset.to_string_lossy() == path) {
                Some(asset) => std::fs::read(asset).map_err(|error| wrong(error.to_string())),
                None => Err(wrong("another file".into())),
            }
        })
    }

    /// The messages of the model.
    pub fn saved_model(&self) -> &SavedModel {
        &self.model
    }

    /// The signatures with names, types and shapes of their inputs and outputs.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The graph that was chosen by its tags, with functions, objects and what Keras saved of them.
    ///
    /// # Errors
    /// None: it was found when the model was opened.
    pub fn meta_graph(&self) -> Result<MetaGraph<'_>> {
        let tags: Vec<&str> = self.tags.iter().map(String::as_str).collect();
        Ok(self.model.meta_graph(&tags)?)
    }

    /// Runs a signature on named inputs, and gives its named outputs in the order of their names.
    ///
    /// # Errors
    /// [`Error::Argument`] where there is no such signature or its inputs are others; as [`GraphModel::signature`].
    pub fn call(&self, signature: &str, inputs: &[(&str, Tensor)]) -> Result<Vec<(String, Tensor)>> {
        self.signature(signature)?.call(inputs)
    }

    /// A signature as a graph; imported when first asked for.
    ///
    /// # Errors
    /// [`Error::Argument`] where there is none of that name; [`Error::UnknownOperations`] with all operations that are
    /// missing; [`Error::Invalid`] and others for graphs that contradict themselves.
    pub fn signature(&self, name: &str) -> Result<Arc<GraphFunction>> {
        let signature = self.find_signature(name)?;
        self.compile(&format!("signature {name}"), |this| this.import_signature(signature))
    }

    pub(crate) fn find_signature(&self, name: &str) -> Result<&Signature> {
        let Some(signature) = self.signatures.iter().find(|s| s.name == name) else {
            let names: Vec<String> = self.signatures.iter().map(|s| format!("`{}`", s.name)).collect();
            let expected = if names.is_empty() {
                "a model with signatures".into()
            } else {
                format!("one of {}", names.join(", "))
            };
            let found = if names.is_empty() { "none" } else { "another" };
            return Err(Error::Argument {
                operation: "call signature",
                name: name.into(),
                expected,
                found: found.into(),
            });
        };
        Ok(signature)
    }

    /// A function of the library with what it captures; imported when first asked for. See [`GraphModel::functions`].
    ///
    /// # Errors
    /// As [`GraphModel::signature`].
    pub fn function(&self, name: &str) -> Result<Arc<GraphFunction>> {
        self.compile(&format!("function {name}"), |this| this.import_function(name))
    }

    fn compile(
        &self,
        id: &str,
        import: impl FnOnce(&Self) -> Result<GraphFunction> + Send,
    ) -> Result<Arc<GraphFunction>> {
        if let Some(found) = self.compiled.lock().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Ok(found.clone());
        }
        let made = deep(|| import(self))?;
        if let (true, Some(Error::UnknownOperations { what, operations })) =
            (made.uses_resources(), self.uninitialized.get())
        {
            return Err(Error::UnknownOperations { what: what.clone(), operations: operations.clone() });
        }
        let made = Arc::new(made);
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), made.clone());
        Ok(made)
    }

    fn import_signature(&self, signature: &Signature) -> Result<GraphFunction> {
        let mut g = Graph::new();
        let (inputs, outputs) = self.signature_into(&mut g, signature, None)?;
        let mut defaults = HashMap::new();
        if let Some(def) = self.meta_graph()?.def.signature_def.get(signature.name.as_str()) {
            for (name, tensor) in def.defaults.iter() {
                defaults.insert(name.clone(), tensor.to_tensor(name)?);
            }
        }
        Ok(GraphFunction::new(signature.name.clone(), g, inputs, outputs, defaults))
    }

    /// Imports a signature: applied to what `given` says, or to new inputs of the graph.
    pub(crate) fn signature_into(
        &self,
        g: &mut Graph,
        signature: &Signature,
        mut given: Option<Given<'_>>,
    ) -> Result<(Ends, Ends)> {
        let meta = self.meta_graph()?;
        let library = Library::new(&meta)?;
        let mut importer = Importer::new(&library, &self.state);
        importer.unrolls = given.is_some();
        let (mut fed, mut inputs) = (HashMap::new(), Vec::new());
        for input in &signature.inputs {
            for (name, tensor) in parts(&input.name, &input.tensors) {
                let source = library.main.source(&library, tensor, &name)?;
                let slot = match (fed.get(&source), &mut given) {
                    (Some(slot), _) => Slot::clone(slot),
                    (None, None) => importer.feed(g, &name, &library.main, source)?,
                    (None, Some(given)) => Slot::Value(given(&name).ok_or_else(|| Error::Argument {
                        operation: "call signature",
                        name: signature.name.clone(),
                        expected: format!("an input `{name}`"),
                        found: "none".into(),
                    })?),
                };
                if let Slot::Value(value) = slot {
                    inputs.push((name, value));
                }
                fed.insert(source, slot);
            }
        }
        let (mut roots, mut names) = (Vec::new(), Vec::new());
        for output in &signature.outputs {
            for (name, tensor) in parts(&output.name, &output.tensors) {
                roots.push(library.main.source(&library, tensor, &name)?);
                names.push(name);
            }
        }
        let what = format!("signature `{}`", signature.name);
        scan(&library, &what, &library.main, &roots, &fed.keys().copied().collect())?;
        let slots = importer.body(g, &library.main, &[], &roots, &fed)?;
        let mut outputs = Vec::with_capacity(names.len());
        for (name, slot) in names.into_iter().zip(slots) {
            let value = importer.value(g, &slot, &name)?;
            outputs.push((name, value));
        }
        Ok((inputs, outputs))
    }

    fn import_function(&self, name: &str) -> Result<GraphFunction> {
        let mut g = Graph::new();
        let (inputs, outputs) = self.function_into(&mut g, name, None)?;
        Ok(GraphFunction::new(name.to_owned(), g, inputs, outputs, HashMap::new()))
    }

    /// Imports a function with what it captures: applied to `values`, or to new inputs of the graph.
    pub(crate) fn function_into(&self, g: &mut Graph, name: &str, values: Option<&[Value]>) -> Result<(Ends, Ends)> {
        let meta = self.meta_graph()?;
        let library = Library::new(&meta)?;
        let Some(body) = library.function(name) else {
            let expected = "a function of the library".to_owned();
            return Err(Error::Argument {
                operation: "call function",
                name: name.into(),
                expected,
                found: "none".into(),
            });
        };
        scan(&library, &format!("function `{name}`"), body, &roots_of(&library, body)?, &HashSet::new())?;
        let captures = meta.concrete_function(name)?.captures;
        let mut importer = Importer::new(&library, &self.state);
        importer.unrolls = values.is_some();
        let signature = body.function.and_then(|f| f.signature.as_ref());
        let arguments = signature.map_or(&[][..], |s| &s.input_arg);
        // Looked at before: a function captures no more than it has arguments.
        let own = arguments.len().saturating_sub(captures.len());
        if let Some(values) = values.filter(|values| values.len() != own) {
            let expected = format!("{own} inputs");
            return Err(Error::invalid("function", name, expected, values.len().to_string()));
        }
        let (mut slots, mut inputs) = (Vec::with_capacity(arguments.len()), Vec::new());
        for (at, arg) in arguments.iter().enumerate().take(own) {
            let dtype = arg.r#type.dtype().ok_or_else(|| {
                let expected = format!("a known type of argument `{}`", arg.name);
                Error::invalid("function", name, expected, format!("{:?}", arg.r#type))
            })?;
            let dims =
                body.function.and_then(|f| f.arg_attr.get(&(at as u32))).and_then(|a| a.attr.get("_output_shapes"));
            let dims = match dims.and_then(|attr| match &attr.value {
                Some(kerox_format_savedmodel::messages::attr_value::Value::List(list)) => list.shape.first(),
                _ => None,
            }) {
                Some(shape) => dims_of(name, shape)?,
                None => Dims::unknown(),
            };
            let value = match values.and_then(|values| values.get(at)) {
                Some(&value) => {
                    let info = g.info(value);
                    if info.dtype != dtype || info.dims.merge(&dims).is_none() {
                        let expected = format!("{dtype} {dims} for `{}`", arg.name);
                        return Err(Error::invalid(
                            "function",
                            name,
                            expected,
                            format!("{} {}", info.dtype, info.dims),
                        ));
                    }
                    value
                }
                None => g.placeholder(&arg.name, dtype, dims)?,
            };
            inputs.push((arg.name.clone(), value));
            slots.push(Slot::Value(value));
        }
        for &object in &captures {
            slots.push(match self.capture(&meta, &library, object)? {
                Captured::Slot(slot) => slot,
                Captured::Value(Made::Tensor(value)) => Slot::Value(g.add_single(ops::Const { value }, &[])?),
                Captured::Value(Made::Resource(function)) => {
                    let mut made = importer.call(g, &function, &[], name)?;
                    made.pop().ok_or_else(|| Error::invalid("function", &function, "a resource", "no result"))?
                }
            });
        }
        let results = importer.call(g, name, &slots, "call")?;
        let mut outputs: Vec<(String, Value)> = Vec::with_capacity(results.len());
        for (arg, slot) in signature.iter().flat_map(|s| &s.output_arg).zip(results) {
            let value = importer.value(g, &slot, &arg.name)?;
            outputs.push((arg.name.clone(), value));
        }
        Ok((inputs, outputs))
    }

    /// What an object that a function captures is in the graph.
    pub(crate) fn capture(&self, meta: &MetaGraph<'_>, library: &Library<'_>, object: usize) -> Result<Captured> {
        let place = || format!("object {object}");
        let found = meta.objects()?.and_then(|objects| objects.get(object));
        let Some(found) = found else { return Err(Error::invalid("captured", place(), "an object", "none")) };
        match &found.def.kind {
            Some(Kind::Variable(variable)) => {
                let dtype = variable.dtype.dtype().ok_or_else(|| {
                    Error::invalid("variable", &variable.name, "a known type", format!("{:?}", variable.dtype))
                })?;
                let dims = match &variable.shape {
                    Some(shape) => dims_of(&variable.name, shape)?,
                    None => Dims::unknown(),
                };
                let key = self.keys.variable(object).map(str::to_owned);
                let handle = Handle { name: variable.name.clone(), key, dtype, dims, is_ref: false };
                Ok(Captured::Slot(Slot::Variable(Arc::new(handle))))
            }
            Some(Kind::Constant(constant)) => {
                let node = library.main.node(&constant.operation).map(|at| &library.main.nodes[at]);
                let node = node.ok_or_else(|| {
                    Error::invalid("captured", place(), "a constant of the graph", format!("`{}`", constant.operation))
                })?;
                let tensor = crate::attrs::attrs_of(node, library.spec(&node.op))?.tensor("value")?;
                Ok(Captured::Value(Made::Tensor(tensor)))
            }
            Some(Kind::Asset(asset)) => {
                let at = usize::try_from(asset.asset_file_def_index).ok();
                let assets = meta.assets()?;
                let asset = at.and_then(|at| assets.get(at)).ok_or_else(|| {
                    Error::invalid("captured", place(), "an asset of the model", asset.asset_file_def_index.to_string())
                })?;
                let path = asset.path(self.model.dir()).to_string_lossy().into_owned();
                Ok(Captured::Value(Made::Tensor(Tensor::from_strings([path.as_bytes()], [])?)))
            }
            _ => {
                let create = found.child("_create_resource").map(|f| f.concrete_functions()).unwrap_or_default();
                match create.first() {
                    Some(function) => Ok(Captured::Value(Made::Resource((*function).to_owned()))),
                    None => Err(Error::invalid("captured", place(), "a variable, constant, asset or table", "another")),
                }
            }
        }
    }

    /// The functions of the model's objects, one entry a trace, in the order of their paths.
    ///
    /// # Errors
    /// [`Error::Format`] where the objects contradict themselves.
    pub fn functions(&self) -> Result<Vec<FunctionInfo>> {
        let meta = self.meta_graph()?;
        let Some(objects) = meta.objects()? else { return Ok(Vec::new()) };
        let paths = objects.paths();
        let mut found = Vec::new();
        for object in objects.iter() {
            let Some(path) = paths.get(object.id) else { continue };
            for name in object.concrete_functions() {
                let Ok(function) = meta.concrete_function(name) else { continue };
                let training = function.kwargs.iter().find(|(name, _)| name == "training").map(|(_, value)| value);
                let own = function.def.signature.as_ref().map_or(0, |s| s.input_arg.len()) - function.captures.len();
                let arguments = function.def.signature.iter().flat_map(|s| &s.input_arg).take(own);
                found.push(FunctionInfo {
                    path: path.join("."),
                    name: name.to_owned(),
                    training: training
                        .or_else(|| function.args.iter().rev().find(|arg| matches!(arg, Structured::Bool(_))))
                        .and_then(|value| if let Structured::Bool(b) = value { Some(*b) } else { None }),
                    arguments: arguments.map(|arg| arg.name.clone()).collect(),
                });
            }
        }
        found.sort_by(|a, b| (&a.path, &a.name).cmp(&(&b.path, &b.name)));
        Ok(found)
    }

    /// The model's variables by their names, each read out of the checkpoint once; two of the same name both appear.
    /// Signatures and functions compute with these very variables.
    ///
    /// # Errors
    /// Where a value cannot be read.
    pub fn variables(&self) -> Result<Vec<Variable>> {
        let meta = self.meta_graph()?;
        let mut keys: BTreeMap<String, ()> = BTreeMap::new();
        if let Some(objects) = meta.objects()? {
            for object in objects.iter().filter(|object| object.variable().is_some()) {
                keys.extend(self.keys.variable(object.id).map(|key| (key.to_owned(), ())));
            }
        }
        keys.extend(meta.v1_variables()?.into_iter().map(|variable| (variable.name, ())));
        let Some(reader) = &self.state.reader else { return Ok(Vec::new()) };
        let mut variables = Vec::new();
        for key in keys.into_keys().filter(|key| reader.has_tensor(key)) {
            let dtype = reader.get_tensor(&key)?.dtype();
            variables.push(self.state.by_key(&key, dtype)?);
        }
        Ok(variables)
    }
}

/// Names and values at one end of an imported function.
type Ends = Vec<(String, Value)>;

/// The value that stands for a named input.
type Given<'g> = &'g mut (dyn FnMut(&str) -> Option<Value> + Send);

pub(crate) enum Captured {
    Slot(Slot),
    Value(Made),
}

pub(crate) enum Made {
    Tensor(Tensor),
    Resource(String),
}

/// Runs an import with room for functions that are deeply nested.
pub(crate) fn deep<T: Send>(import: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    const STACK: usize = 64 << 20;
    std::thread::scope(|scope| match std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, import) {
        Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        Err(error) => Err(Error::invalid("model", "functions", "a thread to import them", error.to_string())),
    })
}

/// The tensors of an input or output with a name each: a sparse tensor has three.
fn parts<'t>(name: &str, tensors: &'t [String]) -> Vec<(String, &'t str)> {
    match tensors {
        [only] => vec![(name.to_owned(), only.as_str())],
        [values, indices, shape] => vec![
            (format!("{name}/values"), values.as_str()),
            (format!("{name}/indices"), indices.as_str()),
            (format!("{name}/dense_shape"), shape.as_str()),
        ],
        many => many.iter().enumerate().map(|(k, tensor)| (format!("{name}/{k}"), tensor.as_str())).collect(),
    }
}
