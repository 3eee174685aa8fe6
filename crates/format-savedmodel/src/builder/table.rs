//! Lookup tables and the files they are filled from.

use kerox_tensor::{DType, Tensor};

use super::{Kind, NodeId, SavedModelBuilder};
use crate::messages::{ArgDef, AttrValue, DataType, FunctionDef, NodeDef, OpDef, TensorShapeProto};
use crate::wire::Map;
use crate::{ArgSpec, Structured, TensorSpec};

/// A table under construction.
#[derive(Clone, Debug)]
pub(super) struct TableData {
    pub(super) shared_name: String,
    pub(super) keys: DType,
    pub(super) values: DType,
    /// The function that fills it.
    pub(super) initializer: String,
    /// What that function gets: the table, and the file where it is filled from one.
    pub(super) captures: Vec<NodeId>,
}

/// How a table is filled from the lines of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct TextTable {
    /// The file's object, which [`SavedModelBuilder::asset`] gave.
    pub asset: NodeId,
    /// What the keys are: -2 for whole lines, -1 for their numbers.
    pub key_index: i64,
    /// What the values are, in the same way.
    pub value_index: i64,
    /// What is added to the numbers of lines.
    pub offset: i64,
    /// The type of the keys.
    pub keys: DType,
    /// The type of the values.
    pub values: DType,
}

/// The least number at the end of names of tables' functions: other functions count from 1.
const FIRST_NUMBER: usize = 1_000_000;

impl SavedModelBuilder {
    /// A lookup table with these keys and values, which functions capture by its handle. Tables of one `shared_name`
    /// are one table in all models that a process has loaded.
    pub fn table(&mut self, shared_name: impl Into<String>, keys: &Tensor, values: &Tensor) -> NodeId {
        let constant = |name: &str, tensor: &Tensor| {
            node(
                name,
                "Const",
                &[],
                [("dtype", AttrValue::dtype(tensor.dtype())), ("value", AttrValue::tensor(tensor))],
            )
        };
        let import = node(
            "import",
            "LookupTableImportV2",
            &["table", "keys:output:0", "values:output:0"],
            [("Tin", AttrValue::dtype(keys.dtype())), ("Tout", AttrValue::dtype(values.dtype()))],
        );
        let nodes = vec![constant("keys", keys), constant("values", values), import];
        self.add_table(shared_name.into(), (keys.dtype(), values.dtype()), nodes, None)
    }

    /// A lookup table that is filled from a file; as [`SavedModelBuilder::table`].
    pub fn table_from_file(&mut self, shared_name: impl Into<String>, table: &TextTable) -> NodeId {
        let import = node(
            "import",
            "InitializeTableFromTextFileV2",
            &["table", "file"],
            [
                ("key_index", AttrValue::int(table.key_index)),
                ("value_index", AttrValue::int(table.value_index)),
                ("offset", AttrValue::int(table.offset)),
            ],
        );
        self.add_table(shared_name.into(), (table.keys, table.values), vec![import], Some(table.asset))
    }

    /// The state of a table of numbers by keys of that type, without entries: what Keras counts tokens in while a layer
    /// is adapted. It belongs into the checkpoint alone: see [`SavedModelBuilder::checkpoint_child`].
    pub fn empty_counts(&mut self, keys: DType) -> NodeId {
        self.add(Kind::Counts(keys))
    }

    /// A file for the directory `assets`, and its object; the name is made another where it is taken.
    pub fn asset(&mut self, name: impl Into<String>, content: Vec<u8>) -> NodeId {
        let wanted = name.into();
        let (mut name, mut count) = (wanted.clone(), 0);
        while self.assets.iter().any(|(other, _)| *other == name) {
            count += 1;
            name = format!("{wanted}_{count}");
        }
        self.assets.push((name, content));
        self.add(Kind::Asset { place: self.assets.len() - 1 })
    }

    /// The object of a table with the functions that make, fill and free it.
    fn add_table(
        &mut self,
        shared_name: String,
        (keys, values): (DType, DType),
        mut nodes: Vec<NodeDef>,
        asset: Option<NodeId>,
    ) -> NodeId {
        // Fingerprints tell functions apart by the numbers at their ends.
        let first = FIRST_NUMBER + self.nodes.len() * 3;
        let name = |what: &str, place: usize| format!("__inference__{what}_{}", first + place);
        let (creator, initializer, destroyer) = (name("creator", 0), name("initializer", 1), name("destroyer", 2));
        let handle = node("hash_table", "HashTableV2", &[], table_attrs(&shared_name, keys, values));
        let mut def = function(&creator, &[], ("identity", DataType::DT_RESOURCE, "hash_table:table_handle:0"));
        control(&mut def, "hash_table");
        def.node_def.push(handle);
        self.functions.push(def);

        // Functions that are run for what they do give a number that nobody needs.
        let zero = || {
            let attrs = [("dtype", AttrValue::dtype(DType::I32)), ("value", AttrValue::tensor(&Tensor::scalar(0i32)))];
            node("Const", "Const", &[], attrs)
        };
        let result = ("identity", DataType::DT_INT32, "Const:output:0");
        let mut arguments = vec![("table", DataType::DT_RESOURCE)];
        arguments.extend(asset.map(|_| ("file", DataType::DT_STRING)));
        let mut def = function(&initializer, &arguments, result);
        control(&mut def, "import");
        nodes.push(zero());
        def.node_def = nodes;
        self.functions.push(def);
        let mut def = function(&destroyer, &[], result);
        def.node_def.push(zero());
        self.functions.push(def);

        let table = TableData { shared_name, keys, values, initializer: initializer.clone(), captures: Vec::new() };
        let table = self.add(Kind::Table(Box::new(table)));
        let captures: Vec<NodeId> = std::iter::once(table).chain(asset).collect();
        if let Some(super::Node { kind: Kind::Table(data), .. }) = self.nodes.get_mut(table.0) {
            data.captures.clone_from(&captures);
        }
        let source = self.object("_generic_user_object");
        if let Some(asset) = asset {
            self.child(source, "_filename", asset);
        }
        self.child(table, "_initializer", source);
        let given = |name: &str, dtype: DataType| {
            Structured::Tensor(TensorSpec { name: name.into(), shape: Some(Vec::new()), dtype })
        };
        for (attr, function, captures, dtype) in [
            ("_create_resource", creator, Vec::new(), DataType::DT_RESOURCE),
            ("_initialize", initializer, captures, DataType::DT_INT32),
            ("_destroy_resource", destroyer, Vec::new(), DataType::DT_INT32),
        ] {
            self.concrete_function(&function, &captures, vec![], vec![], given("unknown", dtype));
            let object = self.function(&[&function], ArgSpec::default());
            self.child(table, attr, object);
        }
        table
    }
}

/// The attributes of a table's operation.
pub(super) fn table_attrs(shared_name: &str, keys: DType, values: DType) -> [(&'static str, AttrValue); 3] {
    [
        ("key_dtype", AttrValue::dtype(keys)),
        ("value_dtype", AttrValue::dtype(values)),
        ("shared_name", AttrValue::string(shared_name)),
    ]
}

fn node<const N: usize>(name: &str, op: &str, input: &[&str], attrs: [(&str, AttrValue); N]) -> NodeDef {
    let attr: Map<String, AttrValue> = attrs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let input = input.iter().map(|&name| name.to_owned()).collect();
    NodeDef { name: name.to_owned(), op: op.to_owned(), input, attr, ..NodeDef::default() }
}

/// A function without nodes: name, arguments, and its result with the tensor that it is.
fn function(name: &str, arguments: &[(&str, DataType)], (result, dtype, from): (&str, DataType, &str)) -> FunctionDef {
    let arg = |name: &str, dtype: DataType| ArgDef { name: name.into(), r#type: dtype, ..ArgDef::default() };
    let signature = OpDef {
        name: name.into(),
        input_arg: arguments.iter().map(|&(name, dtype)| arg(name, dtype)).collect(),
        output_arg: vec![arg(result, dtype)],
        ..OpDef::default()
    };
    let mut def = FunctionDef { signature: Some(Box::new(signature)), ..FunctionDef::default() };
    def.ret.insert(result.to_owned(), from.to_owned());
    for place in 0..arguments.len() {
        let mut attrs = crate::messages::ArgAttrs::default();
        attrs.attr.insert("_output_shapes".into(), AttrValue::shapes([TensorShapeProto::default()]));
        def.arg_attr.insert(place as u32, attrs);
    }
    def
}

/// Lets a function run a node whose outputs nobody uses.
fn control(def: &mut FunctionDef, node: &str) {
    if let Some(signature) = &mut def.signature {
        signature.is_stateful = true;
        signature.control_output.push(node.to_owned());
    }
    def.control_ret.insert(node.to_owned(), node.to_owned());
}
