//! Lookup tables.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use kerox_tensor::{DType, Shape, Tensor};

use super::declaration::Declaration;
use super::dispatch::argument;
use super::dynamic::{Arguments, int_tensor, ints};
use crate::{Attr, Attrs, Dims, Infer, Op, Resource, Result, Run, RunContext, RuntimeValue, ValueInfo};

macro_rules! entries {
    ($($name:literal $signature:literal $build:expr;)*) => {
        /// The table's entries of this family.
        pub(super) const OPS: &[Declaration] = &[$(
            Declaration { name: $name, signature: $signature, build: |a| $build(a) },
        )*];
    };
}
// A line expands to an entry of the table: name, signature, how it is built.
entries! {
    "HashTable" "-> table_handle" TableHandle::build;
    "HashTableV2" "-> table_handle" TableHandle::build;
    "MutableHashTable" "-> table_handle" TableHandle::build;
    "MutableHashTableV2" "-> table_handle" TableHandle::build;
    "LookupTableFind" "table_handle, keys, default_value -> values" find;
    "LookupTableFindV2" "table_handle, keys, default_value -> values" find;
    "LookupTableSize" "table_handle -> size" |_: &Attrs| simple(TableKind::Size);
    "LookupTableSizeV2" "table_handle -> size" |_: &Attrs| simple(TableKind::Size);
    "LookupTableExport" "table_handle -> keys, values" export;
    "LookupTableExportV2" "table_handle -> keys, values" export;
    "LookupTableImport" "table_handle, keys, values -> " |_: &Attrs| simple(TableKind::Import);
    "LookupTableImportV2" "table_handle, keys, values -> " |_: &Attrs| simple(TableKind::Import);
    "LookupTableInsertV2" "table_handle, keys, values -> " |_: &Attrs| simple(TableKind::Insert);
    "InitializeTable" "table_handle, keys, values -> " |_: &Attrs| simple(TableKind::Initialize);
    "InitializeTableV2" "table_handle, keys, values -> " |_: &Attrs| simple(TableKind::Initialize);
    "InitializeTableFromTextFile" "table_handle, filename -> " from_file;
    "InitializeTableFromTextFileV2" "table_handle, filename -> " from_file;
}

/// An element of a table.
#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Int(i64),
    Float(f64),
    Bool(bool),
    Bytes(Vec<u8>),
}

/// A key of a table.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Key {
    Int(i64),
    Bytes(Vec<u8>),
}

/// A lookup table: the object behind a table's handle.
#[derive(Debug)]
pub struct Table {
    keys: DType,
    values: DType,
    map: RwLock<HashMap<Key, Cell>>,
}

/// Entries a table may have.
const MAX_ENTRIES: usize = 1 << 27;

fn cells(tensor: &Tensor) -> Option<Vec<Cell>> {
    Some(match tensor.dtype() {
        DType::String => tensor.as_slice::<Vec<u8>>().ok()?.iter().map(|s| Cell::Bytes(s.clone())).collect(),
        DType::F32 => tensor.as_slice::<f32>().ok()?.iter().map(|&v| Cell::Float(f64::from(v))).collect(),
        DType::F64 => tensor.as_slice::<f64>().ok()?.iter().map(|&v| Cell::Float(v)).collect(),
        DType::Bool => tensor.as_slice::<bool>().ok()?.iter().map(|&v| Cell::Bool(v)).collect(),
        _ => ints(tensor)?.into_iter().map(Cell::Int).collect(),
    })
}

fn tensor_of(cells: Vec<Cell>, dtype: DType, shape: &Shape) -> Result<Tensor> {
    macro_rules! collect {
        ($variant:ident, $default:expr, $convert:expr) => {
            cells
                .into_iter()
                .map(|c| if let Cell::$variant(v) = c { $convert(v) } else { $default })
                .collect::<Vec<_>>()
        };
    }
    // All cells of a table are of its type.
    Ok(match dtype {
        DType::String => Tensor::from_vec(collect!(Bytes, Vec::new(), |v: Vec<u8>| v), shape.clone())?,
        DType::F32 => Tensor::from_vec(collect!(Float, 0.0, |v: f64| v as f32), shape.clone())?,
        DType::F64 => Tensor::from_vec(collect!(Float, 0.0, |v: f64| v), shape.clone())?,
        DType::Bool => Tensor::from_vec(collect!(Bool, false, |v: bool| v), shape.clone())?,
        _ => int_tensor(collect!(Int, 0, |v: i64| v), dtype, shape.clone())?,
    })
}

fn keys_of(tensor: &Tensor) -> Option<Vec<Key>> {
    Some(match tensor.dtype() {
        DType::String => tensor.as_slice::<Vec<u8>>().ok()?.iter().map(|s| Key::Bytes(s.clone())).collect(),
        _ => ints(tensor)?.into_iter().map(Key::Int).collect(),
    })
}

impl Table {
    /// An empty table.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where the keys are neither integers nor strings, or the values of a type tables do
    /// not hold.
    pub fn new(keys: DType, values: DType) -> Result<Table> {
        if !matches!(keys, DType::I32 | DType::I64 | DType::String) {
            return Err(argument("HashTableV2", "", "keys", "int32, int64 or string", keys.to_string()));
        }
        if !matches!(values, DType::I32 | DType::I64 | DType::String | DType::F32 | DType::F64 | DType::Bool) {
            return Err(argument(
                "HashTableV2",
                "",
                "values",
                "integers, floats, bools or strings",
                values.to_string(),
            ));
        }
        Ok(Table { keys, values, map: RwLock::default() })
    }

    /// The type of the keys.
    pub fn key_dtype(&self) -> DType {
        self.keys
    }

    /// The type of the values.
    pub fn value_dtype(&self) -> DType {
        self.values
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.map.read().unwrap_or_else(|poisoned| poisoned.into_inner()).len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds entries. With `unique`, a key that has another value already is refused.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where types or numbers of keys and values do not fit.
    pub fn insert(&self, keys: &Tensor, values: &Tensor, unique: bool) -> Result<()> {
        self.check(keys, values)?;
        let (Some(keys), Some(values)) = (keys_of(keys), cells(values)) else { return Ok(()) };
        if keys.len() != values.len() {
            let found = format!("{} keys, {} values", keys.len(), values.len());
            return Err(argument("InitializeTableV2", "", "values", "as many as keys", found));
        }
        let mut map = self.map.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if map.len().saturating_add(keys.len()) > MAX_ENTRIES {
            let expected = format!("at most {MAX_ENTRIES} entries");
            return Err(argument("InitializeTableV2", "", "keys", expected, keys.len().to_string()));
        }
        for (key, value) in keys.into_iter().zip(values) {
            if unique && map.get(&key).is_some_and(|old| *old != value) {
                return Err(argument("InitializeTableV2", "", "keys", "one value a key", format!("{key:?} twice")));
            }
            map.insert(key, value);
        }
        Ok(())
    }

    fn clear(&self) {
        self.map.write().unwrap_or_else(|poisoned| poisoned.into_inner()).clear();
    }

    /// The values of some keys, of their shape; `default` (one value) where a key is missing.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where types do not fit.
    pub fn find(&self, keys: &Tensor, default: &Tensor) -> Result<Tensor> {
        self.check(keys, default)?;
        let wrong = || argument("LookupTableFindV2", "", "default_value", "one value", default.shape().to_string());
        let default = cells(default).filter(|d| d.len() == 1).and_then(|mut d| d.pop()).ok_or_else(wrong)?;
        let map = self.map.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let found = keys_of(keys).unwrap_or_default().iter().map(|k| map.get(k).unwrap_or(&default).clone()).collect();
        tensor_of(found, self.values, keys.shape())
    }

    /// All keys and values, sorted by key.
    ///
    /// # Errors
    /// None at present.
    pub fn export(&self) -> Result<(Tensor, Tensor)> {
        let map = self.map.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut entries: Vec<(&Key, &Cell)> = map.iter().collect();
        entries.sort_by_key(|(key, _)| *key);
        let shape = Shape::from([entries.len()]);
        let keys = entries.iter().map(|(key, _)| match key {
            Key::Int(v) => Cell::Int(*v),
            Key::Bytes(v) => Cell::Bytes(v.clone()),
        });
        let keys = tensor_of(keys.collect(), self.keys, &shape)?;
        Ok((keys, tensor_of(entries.iter().map(|(_, value)| (*value).clone()).collect(), self.values, &shape)?))
    }

    fn check(&self, keys: &Tensor, values: &Tensor) -> Result<()> {
        if keys.dtype() == self.keys && values.dtype() == self.values {
            return Ok(());
        }
        let expected = format!("keys {} and values {}", self.keys, self.values);
        Err(argument("LookupTable", "", "inputs", expected, format!("{} and {}", keys.dtype(), values.dtype())))
    }
}

/// `HashTableV2` and its relatives: a table. The same operation in several nodes or graphs is the same table.
#[derive(Clone, Debug)]
pub struct TableHandle {
    /// The table.
    pub table: Arc<Table>,
    /// The name under which it is found by all graphs.
    pub shared_name: String,
    /// Whether entries may change (`MutableHashTableV2`).
    pub mutable: bool,
    /// The file of which every line is an entry, where the table is that of a file.
    pub file: Option<TableFile>,
}

/// A file of which every line is an entry of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFile {
    /// Its name, without folders.
    pub name: String,
    /// Whether lines are the values and their numbers the keys, not the other way round.
    pub inverse: bool,
}

impl PartialEq for TableHandle {
    /// Tables of one name are one table.
    fn eq(&self, other: &TableHandle) -> bool {
        (self.mutable, &self.shared_name) == (other.mutable, &other.shared_name)
    }
}

impl TableHandle {
    fn build(attrs: &Attrs) -> Result<Arc<dyn Op>> {
        let table = Arc::new(Table::new(attrs.dtype("key_dtype")?, attrs.dtype("value_dtype")?)?);
        let shared_name = attrs.string_or("shared_name", "")?;
        Ok(Arc::new(TableHandle { table, shared_name, mutable: attrs.op().starts_with("Mutable"), file: None }))
    }
}

impl Op for TableHandle {
    fn name(&self) -> &'static str {
        if self.mutable { "MutableHashTableV2" } else { "HashTableV2" }
    }
    fn attrs(&self, _: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![
            ("key_dtype", Attr::Type(self.table.keys)),
            ("value_dtype", Attr::Type(self.table.values)),
            ("shared_name", Attr::String(self.shared_name.clone().into_bytes())),
        ]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(0)?;
        Ok(vec![ValueInfo::new(DType::Resource, Dims::scalar())])
    }
    fn run(&self, _: &mut Run<'_, '_>) -> Result<()> {
        Err(argument(self.name(), "", "operation", "an interpreter", "a plan"))
    }
    fn interpret(&self, _: &mut RunContext, _: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        Ok(vec![RuntimeValue::Resource(Resource::Object(self.table.clone()))])
    }
    fn is_pure(&self) -> bool {
        false
    }
}

/// What a line of a file gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The whole line (-2).
    Line,
    /// The number of the line, from 0 (-1).
    Number,
    /// The part of that number between delimiters.
    Part(usize),
}

/// How a table is filled from a file of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFile {
    /// What the keys are.
    pub key: Column,
    /// What the values are.
    pub value: Column,
    /// Lines to read; all where `None`.
    pub lines: Option<usize>,
    /// What is added to the numbers of lines.
    pub offset: i64,
    /// What separates the parts of a line.
    pub delimiter: u8,
}

/// What is done with a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableKind {
    /// `LookupTableFindV2`; the type of the values.
    Find(DType),
    /// `LookupTableSizeV2`
    Size,
    /// `LookupTableExportV2`; the types of keys and values.
    Export(DType, DType),
    /// `LookupTableImportV2`: all entries are replaced.
    Import,
    /// `LookupTableInsertV2`
    Insert,
    /// `InitializeTableV2`: a key has to come once.
    Initialize,
    /// `InitializeTableFromTextFileV2`; the file is read by what [`crate::Interpreter::with_files`] was given.
    FromFile(TextFile),
}

/// An operation on a table.
#[derive(Clone, Debug)]
pub struct TableOp(
    /// What is done.
    pub TableKind,
);

fn simple(kind: TableKind) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(TableOp(kind)))
}

fn find(attrs: &Attrs) -> Result<Arc<dyn Op>> {
    simple(TableKind::Find(attrs.dtype("Tout")?))
}

fn export(attrs: &Attrs) -> Result<Arc<dyn Op>> {
    simple(TableKind::Export(attrs.dtype("Tkeys")?, attrs.dtype("Tvalues")?))
}

fn from_file(attrs: &Attrs) -> Result<Arc<dyn Op>> {
    let column = |name: &str| match attrs.int(name)? {
        -2 => Ok(Column::Line),
        -1 => Ok(Column::Number),
        other => match usize::try_from(other) {
            Ok(part) => Ok(Column::Part(part)),
            Err(_) => Err(attrs.wrong(name, "-2 or more", attrs.get(name))),
        },
    };
    let delimiter = attrs.string_or("delimiter", "\t")?;
    let &[delimiter] = delimiter.as_bytes() else {
        return Err(attrs.wrong("delimiter", "one byte", attrs.get("delimiter")));
    };
    simple(TableKind::FromFile(TextFile {
        key: column("key_index")?,
        value: column("value_index")?,
        lines: usize::try_from(attrs.int_or("vocab_size", -1)?).ok(),
        offset: attrs.int_or("offset", 0)?,
        delimiter,
    }))
}

impl TextFile {
    fn fill(&self, table: &Table, text: &[u8]) -> Result<()> {
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        if !text.is_empty() {
            let all = text.split(|&b| b == b'\n').enumerate();
            for (number, line) in all.take(self.lines.unwrap_or(usize::MAX)) {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                keys.push(self.cell(self.key, number, line, table.keys)?);
                values.push(self.cell(self.value, number, line, table.values)?);
            }
        }
        if self.lines.is_some_and(|n| n != keys.len()) {
            let expected = format!("{} lines", self.lines.unwrap_or(0));
            return Err(argument("InitializeTableFromTextFileV2", "", "vocab_size", expected, keys.len().to_string()));
        }
        let shape = Shape::from([keys.len()]);
        let keys = tensor_of(keys, table.keys, &shape)?;
        table.insert(&keys, &tensor_of(values, table.values, &shape)?, true)
    }

    fn cell(&self, column: Column, number: usize, line: &[u8], dtype: DType) -> Result<Cell> {
        let text = match column {
            Column::Line => line,
            Column::Number if matches!(dtype, DType::I32 | DType::I64) => {
                return Ok(Cell::Int((number as i64).saturating_add(self.offset)));
            }
            Column::Number => return Err(wrong_line(number, "an integer type for line numbers", dtype.to_string())),
            Column::Part(i) => match line.split(|&b| b == self.delimiter).nth(i) {
                Some(part) => part,
                None => return Err(wrong_line(number, &format!("at least {} parts", i + 1), "fewer".into())),
            },
        };
        let parsed = std::str::from_utf8(text).unwrap_or("").trim();
        let cell = match dtype {
            DType::String => Some(Cell::Bytes(text.to_vec())),
            DType::F32 | DType::F64 => parsed.parse().ok().map(Cell::Float),
            DType::Bool => None,
            DType::I32 => parsed.parse::<i32>().ok().map(|v| Cell::Int(v.into())),
            _ => parsed.parse().ok().map(Cell::Int),
        };
        cell.ok_or_else(|| wrong_line(number, dtype.name(), parsed.chars().take(60).collect()))
    }
}

fn wrong_line(number: usize, expected: &str, found: String) -> crate::Error {
    argument("InitializeTableFromTextFileV2", "", &format!("line {number}"), expected, found)
}

impl Op for TableOp {
    fn name(&self) -> &'static str {
        match self.0 {
            TableKind::Find(_) => "LookupTableFindV2",
            TableKind::Size => "LookupTableSizeV2",
            TableKind::Export(..) => "LookupTableExportV2",
            TableKind::Import => "LookupTableImportV2",
            TableKind::Insert => "LookupTableInsertV2",
            TableKind::Initialize => "InitializeTableV2",
            TableKind::FromFile(_) => "InitializeTableFromTextFileV2",
        }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let of = |i: usize| Attr::Type(inputs[i].dtype);
        match &self.0 {
            TableKind::Find(values) => vec![("Tin", of(1)), ("Tout", Attr::Type(*values))],
            TableKind::Size => Vec::new(),
            TableKind::Export(keys, values) => vec![("Tkeys", Attr::Type(*keys)), ("Tvalues", Attr::Type(*values))],
            TableKind::Import | TableKind::Insert => vec![("Tin", of(1)), ("Tout", of(2))],
            TableKind::Initialize => vec![("Tkey", of(1)), ("Tval", of(2))],
            TableKind::FromFile(file) => {
                let index = |column: Column| match column {
                    Column::Line => Attr::Int(-2),
                    Column::Number => Attr::Int(-1),
                    Column::Part(i) => Attr::Int(i as i64),
                };
                vec![
                    ("key_index", index(file.key)),
                    ("value_index", index(file.value)),
                    ("vocab_size", Attr::Int(file.lines.map_or(-1, |n| n as i64))),
                    ("offset", Attr::Int(file.offset)),
                    ("delimiter", Attr::String(vec![file.delimiter])),
                ]
            }
        }
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        let inputs = match self.0 {
            TableKind::Size | TableKind::Export(..) => 1,
            TableKind::FromFile(_) => 2,
            _ => 3,
        };
        cx.arity(inputs)?;
        Ok(match self.0 {
            TableKind::Find(values) => vec![ValueInfo::new(values, cx.dims(1)?.clone())],
            TableKind::Size => vec![ValueInfo::new(DType::I64, Dims::scalar())],
            TableKind::Export(keys, values) => {
                vec![ValueInfo::new(keys, Dims::of_rank(1)), ValueInfo::new(values, Dims::of_rank(1))]
            }
            _ => Vec::new(),
        })
    }
    fn run(&self, _: &mut Run<'_, '_>) -> Result<()> {
        Err(argument(self.name(), "", "operation", "an interpreter", "a plan"))
    }
    fn interpret(&self, cx: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let mut a = Arguments::new(self.name(), cx, inputs);
        let table = match a.value()? {
            RuntimeValue::Resource(Resource::Object(object)) => object.downcast::<Table>().ok(),
            _ => None,
        };
        let table = table.ok_or_else(|| a.wrong("a table", "something else"))?;
        match &self.0 {
            TableKind::Find(_) => {
                let keys = a.tensor()?;
                return Ok(vec![table.find(&keys, &a.tensor()?)?.into()]);
            }
            TableKind::Size => return Ok(vec![Tensor::scalar(table.len() as i64).into()]),
            TableKind::Export(..) => {
                let (keys, values) = table.export()?;
                return Ok(vec![keys.into(), values.into()]);
            }
            TableKind::FromFile(file) => {
                let name = a.bytes()?;
                let text = cx.read_file(&String::from_utf8_lossy(&name))?;
                // Filling a table again with the same file changes nothing.
                file.fill(&table, &text)?;
            }
            kind => {
                let (keys, values) = (a.tensor()?, a.tensor()?);
                if *kind == TableKind::Import {
                    table.clear();
                }
                table.insert(&keys, &values, *kind == TableKind::Initialize)?;
            }
        }
        Ok(Vec::new())
    }
    fn is_pure(&self) -> bool {
        false
    }
}
