//! The graph outside of functions: what the C++ loader and TensorFlow 1 run.
//!
//! It holds a handle a variable and a table, a placeholder an input and an asset and a call a signature, the calls that
//! fill tables, and the nodes that restore and save:
//!
//! ```text
//! saver_filename -> restore/RestoreV2 -> restore/Assign_0.. -> restore_all
//!                -> save/SaveV2 (of save/Read_0..) -> save_done
//! ```

use std::collections::HashMap;

use kerox_tensor::{DType, Tensor};

use super::names::Names;
use super::signatures::Resolved;
use super::table::table_attrs;
use super::{Kind, NodeId, SavedModelBuilder};
use crate::messages::meta_graph::{CollectionKind, NodeList};
use crate::messages::{
    AssetFileDef, AttrValue, CheckpointFormatVersion, CollectionDef, DataType, FunctionDefLibrary, GraphDef,
    MetaGraphDef, NodeDef, SaverDef, SignatureDef, TensorInfo, TensorShapeProto, VersionDef,
};
use crate::wire::Map;
use crate::{Result, TensorSpec};

/// The version of graphs that TensorFlow 2.15 writes, and the oldest that may read them.
const GRAPH_VERSION: (i32, i32) = (1645, 12);

/// Fills in graph, signatures, saver and initializer. `keys` are the model's variables with their checkpoint keys,
/// `tables` its tables.
pub(super) fn build(
    builder: &SavedModelBuilder,
    meta_graph: &mut MetaGraphDef,
    keys: &[(NodeId, String)],
    tables: &[NodeId],
    signatures: &[Resolved<'_>],
) -> Result<()> {
    let mut graph = GraphDef {
        library: Some(Box::new(FunctionDefLibrary { function: builder.functions.clone(), ..Default::default() })),
        versions: Some(Box::new(VersionDef::new(GRAPH_VERSION.0, GRAPH_VERSION.1))),
        ..GraphDef::default()
    };
    let mut names = Names::default();
    // Names that others rely on come first.
    let saver_filename = names.unique("saver_filename");
    let init_op = names.unique("NoOp");
    let handles = variables(builder, &mut graph, &mut names, keys);
    let mut captured: HashMap<NodeId, String> = handles.iter().cloned().collect();
    captured.extend(assets(builder, meta_graph, &mut graph, &mut names));
    for &id in tables {
        let Some(table) = builder.table_data(id) else { continue };
        let name = names.unique("hash_table");
        let attrs = table_attrs(&table.shared_name, table.keys, table.values);
        graph.node.push(node(&name, "HashTableV2", vec![], attrs));
        captured.insert(id, name);
    }
    let captures = Captures { builder, names: captured };
    for signature in signatures {
        let def = call(&mut graph, &mut names, &captures, signature);
        meta_graph.signature_def.insert(signature.name.to_owned(), def);
    }
    let mut filled = Vec::new();
    for table in tables.iter().filter_map(|&id| builder.table_data(id)) {
        let name = names.unique("StatefulPartitionedCall");
        let (mut inputs, mut types) = (Vec::new(), Vec::new());
        captures.add(&table.captures, &mut inputs, &mut types);
        let results = [DataType::DT_INT32];
        graph.node.push(function_call(&name, &table.initializer, inputs, types, results));
        filled.push(format!("^{name}"));
    }
    graph.node.push(node(&init_op, "NoOp", filled, []));
    let mut init = SignatureDef::default();
    init.outputs.insert(
        "__saved_model_init_op".into(),
        TensorInfo {
            name: Some(init_op.clone()),
            tensor_shape: Some(Box::new(TensorShapeProto::unknown())),
            ..TensorInfo::default()
        },
    );
    meta_graph.signature_def.insert("__saved_model_init_op".into(), init);
    let main_op = CollectionKind::NodeList(NodeList { value: vec![init_op], ..NodeList::default() });
    let main_op = CollectionDef { kind: Some(main_op), ..CollectionDef::default() };
    meta_graph.collection_def.insert("saved_model_main_op".into(), main_op);
    if !keys.is_empty() {
        let types: Vec<DataType> =
            keys.iter().filter_map(|(id, _)| builder.variable_data(*id)).map(|data| data.dtype().into()).collect();
        let keys: Vec<&str> = keys.iter().map(|(_, key)| key.as_str()).collect();
        let ordered: Vec<&str> = handles.iter().map(|(_, name)| name.as_str()).collect();
        let saver = saver(&mut graph, &mut names, saver_filename, &keys, &types, &ordered)?;
        meta_graph.saver_def = Some(Box::new(saver));
    }
    meta_graph.graph_def = Some(Box::new(graph));
    Ok(())
}

fn node<'a>(
    name: &str,
    op: &str,
    input: Vec<String>,
    attrs: impl IntoIterator<Item = (&'a str, AttrValue)>,
) -> NodeDef {
    let attr: Map<String, AttrValue> = attrs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    NodeDef { name: name.to_owned(), op: op.to_owned(), input, attr, ..NodeDef::default() }
}

/// A handle a variable, in the order of `keys`.
fn variables(
    builder: &SavedModelBuilder,
    graph: &mut GraphDef,
    names: &mut Names,
    keys: &[(NodeId, String)],
) -> Vec<(NodeId, String)> {
    let mut handles = Vec::new();
    for (id, _) in keys {
        let Some(data) = builder.variable_data(*id) else { continue };
        let name = names.unique(&data.name);
        let dtype = || AttrValue::dtype(data.dtype());
        let shape = AttrValue::shape(TensorShapeProto::from_shape(data.value.shape()));
        // Handles of one shared name are one variable: it has to be unique.
        let attrs = [("dtype", dtype()), ("shape", shape), ("shared_name", AttrValue::string(&name))];
        graph.node.push(node(&name, "VarHandleOp", vec![], attrs));
        let read = names.unique(&format!("{name}/Read/ReadVariableOp"));
        graph.node.push(node(&read, "ReadVariableOp", vec![name.clone()], [("dtype", dtype())]));
        handles.push((*id, name));
    }
    handles
}

/// A placeholder an asset, which the loader feeds with the path of the file.
fn assets(
    builder: &SavedModelBuilder,
    meta_graph: &mut MetaGraphDef,
    graph: &mut GraphDef,
    names: &mut Names,
) -> Vec<(NodeId, String)> {
    let mut placeholders = Vec::with_capacity(builder.assets.len());
    for (filename, _) in &builder.assets {
        let name = names.unique("asset_path_initializer");
        let attrs =
            [("dtype", AttrValue::dtype(DType::String)), ("shape", AttrValue::shape(TensorShapeProto::default()))];
        graph.node.push(node(&name, "Placeholder", vec![], attrs));
        let tensor_info = TensorInfo { name: Some(format!("{name}:0")), ..TensorInfo::default() };
        let filename = filename.clone();
        let tensor_info = Some(Box::new(tensor_info));
        meta_graph.asset_file_def.push(AssetFileDef { tensor_info, filename, ..AssetFileDef::default() });
        placeholders.push(name);
    }
    let nodes = builder.nodes.iter().enumerate();
    nodes
        .filter_map(|(id, node)| match node.kind {
            Kind::Asset { place } => Some((NodeId(id), placeholders.get(place)?.clone())),
            _ => None,
        })
        .collect()
}

/// The nodes of objects that functions get.
struct Captures<'a> {
    builder: &'a SavedModelBuilder,
    names: HashMap<NodeId, String>,
}

impl Captures<'_> {
    /// Adds objects to the inputs of a call.
    fn add(&self, captures: &[NodeId], inputs: &mut Vec<String>, types: &mut Vec<DataType>) {
        for capture in captures {
            inputs.extend(self.names.get(capture).cloned());
            types.extend(self.builder.captured_type(*capture));
        }
    }
}

fn function_call(
    name: &str,
    function: &str,
    inputs: Vec<String>,
    types: Vec<DataType>,
    results: impl IntoIterator<Item = DataType>,
) -> NodeDef {
    let attrs =
        [("Tin", AttrValue::dtypes(types)), ("Tout", AttrValue::dtypes(results)), ("f", AttrValue::func(function))];
    node(name, "StatefulPartitionedCall", inputs, attrs)
}

fn call(graph: &mut GraphDef, names: &mut Names, captures: &Captures<'_>, signature: &Resolved<'_>) -> SignatureDef {
    let mut def = SignatureDef { method_name: "tensorflow/serving/predict".into(), ..SignatureDef::default() };
    let (mut inputs, mut types) = (Vec::new(), Vec::new());
    for (name, spec) in &signature.inputs {
        let placeholder = names.unique(&format!("{}_{name}", signature.name));
        let attrs = [("dtype", AttrValue::dtype(spec.dtype)), ("shape", AttrValue::shape(spec.shape_proto()))];
        graph.node.push(node(&placeholder, "Placeholder", vec![], attrs));
        def.inputs.insert((*name).to_owned(), info(format!("{placeholder}:0"), spec));
        inputs.push(placeholder);
        types.push(spec.dtype);
    }
    captures.add(&signature.concrete.captures, &mut inputs, &mut types);
    let call = names.unique("StatefulPartitionedCall");
    let results = signature.outputs.iter().map(|(_, spec)| spec.dtype);
    graph.node.push(function_call(&call, &signature.concrete.name, inputs, types, results));
    for (place, (name, spec)) in signature.outputs.iter().enumerate() {
        def.outputs.insert((*name).to_owned(), info(format!("{call}:{place}"), spec));
    }
    def
}

fn info(tensor: String, spec: &TensorSpec) -> TensorInfo {
    let tensor_shape = Some(Box::new(spec.shape_proto()));
    TensorInfo { name: Some(tensor), dtype: spec.dtype, tensor_shape, ..TensorInfo::default() }
}

fn saver(
    graph: &mut GraphDef,
    names: &mut Names,
    filename: String,
    keys: &[&str],
    types: &[DataType],
    handles: &[&str],
) -> Result<SaverDef> {
    let string = || AttrValue::dtype(DType::String);
    let attrs = [("dtype", string()), ("shape", AttrValue::shape(TensorShapeProto::default()))];
    graph.node.push(node(&filename, "Placeholder", vec![], attrs));
    let key_tensor = AttrValue::tensor(&Tensor::from_strings(keys, [keys.len()])?);
    let slices = AttrValue::tensor(&Tensor::from_strings(vec![""; keys.len()], [keys.len()])?);
    let mut lists = Vec::new();
    for list in ["restore/names", "restore/slices", "save/names", "save/slices"] {
        let name = names.unique(list);
        let value = if list.ends_with("names") { key_tensor.clone() } else { slices.clone() };
        graph.node.push(node(&name, "Const", vec![], [("dtype", string()), ("value", value)]));
        lists.push(name);
    }
    let dtypes = || AttrValue::dtypes(types.iter().copied());
    let restore = names.unique("restore/RestoreV2");
    let inputs = std::iter::once(&filename).chain(lists.iter().take(2)).cloned().collect();
    graph.node.push(node(&restore, "RestoreV2", inputs, [("dtypes", dtypes())]));
    let (mut assigned, mut read) = (Vec::new(), Vec::new());
    for (place, (handle, dtype)) in handles.iter().zip(types).enumerate() {
        let assign = names.unique(&format!("restore/Assign_{place}"));
        let value = if place == 0 { restore.clone() } else { format!("{restore}:{place}") };
        let dtype = || [("dtype", AttrValue::dtype(*dtype))];
        graph.node.push(node(&assign, "AssignVariableOp", vec![(*handle).to_owned(), value], dtype()));
        assigned.push(format!("^{assign}"));
        let reader = names.unique(&format!("save/Read_{place}"));
        graph.node.push(node(&reader, "ReadVariableOp", vec![(*handle).to_owned()], dtype()));
        read.push(reader);
    }
    let restore_all = names.unique("restore_all");
    graph.node.push(node(&restore_all, "NoOp", assigned, []));
    let save = names.unique("save/SaveV2");
    let inputs = std::iter::once(&filename).chain(lists.iter().skip(2)).chain(&read).cloned().collect();
    graph.node.push(node(&save, "SaveV2", inputs, [("dtypes", dtypes())]));
    let done = names.unique("save_done");
    let inputs = vec![filename.clone(), format!("^{save}")];
    graph.node.push(node(&done, "Identity", inputs, [("T", string())]));
    Ok(SaverDef {
        filename_tensor_name: format!("{filename}:0"),
        save_tensor_name: format!("{done}:0"),
        restore_op_name: restore_all,
        version: CheckpointFormatVersion::V2,
        ..SaverDef::default()
    })
}
