//! Attributes of operations, as a GraphDef's nodes carry them.

use std::collections::BTreeMap;
use std::sync::Arc;

use kerox_tensor::{DType, Tensor};

use crate::{Dims, Error, Graph, Result};

/// The value of a node's attribute.
///
/// # Source
/// tensorflow/core/framework/attr_value.proto.
#[derive(Clone, Debug)]
pub enum Attr {
    /// `i`
    Int(i64),
    /// `f`
    Float(f32),
    /// `b`
    Bool(bool),
    /// `s`
    String(Vec<u8>),
    /// `type`
    Type(DType),
    /// `shape`
    Shape(Dims),
    /// `tensor`
    Tensor(Tensor),
    /// `func`: a function's name and, where it is known, its body.
    Func(String, Option<Arc<Graph>>),
    /// `list`
    List(Vec<Attr>),
}

/// The attributes of one node by name.
#[derive(Clone, Debug, Default)]
pub struct Attrs {
    op: String,
    node: String,
    map: BTreeMap<String, Attr>,
}

macro_rules! getter {
    ($($(#[$doc:meta])* $name:ident $variant:ident $type:ty, $word:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// [`Error::Argument`] where it is missing or of another kind.
        pub fn $name(&self, name: &str) -> Result<$type> {
            match self.map.get(name) {
                Some(Attr::$variant(value)) => Ok(value.clone()),
                other => Err(self.wrong(name, $word, other)),
            }
        }
    )*};
}

impl Attrs {
    /// No attributes yet, for a node of that operation and name (for error messages).
    pub fn new(op: impl Into<String>, node: impl Into<String>) -> Attrs {
        Attrs { op: op.into(), node: node.into(), map: BTreeMap::new() }
    }

    /// The node's name.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// The operation's name.
    pub fn op(&self) -> &str {
        &self.op
    }

    /// Adds an attribute.
    pub fn with(mut self, name: impl Into<String>, value: Attr) -> Attrs {
        self.map.insert(name.into(), value);
        self
    }

    /// Sets an attribute.
    pub fn insert(&mut self, name: impl Into<String>, value: Attr) {
        self.map.insert(name.into(), value);
    }

    /// The attribute, if it is there.
    pub fn get(&self, name: &str) -> Option<&Attr> {
        self.map.get(name)
    }

    /// Name and value of each attribute, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Attr)> {
        self.map.iter().map(|(name, value)| (name.as_str(), value))
    }

    // Expands to one getter a line: method, variant, Rust type, word for the error.
    getter! {
        /// An integer.
        int Int i64, "an integer";
        /// A float.
        float Float f32, "a float";
        /// A bool.
        bool Bool bool, "a bool";
        /// A byte string.
        bytes String Vec<u8>, "a string";
        /// An element type.
        dtype Type DType, "a type";
        /// A shape.
        shape Shape Dims, "a shape";
        /// A constant.
        tensor Tensor Tensor, "a tensor";
        /// A list.
        list List Vec<Attr>, "a list";
    }

    /// Whether the attribute is there.
    pub fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// An integer, `default` where it is missing (writers strip defaults).
    ///
    /// # Errors
    /// [`Error::Argument`] where it is of another kind.
    pub fn int_or(&self, name: &str, default: i64) -> Result<i64> {
        if self.has(name) { self.int(name) } else { Ok(default) }
    }

    /// A float, `default` where it is missing.
    ///
    /// # Errors
    /// [`Error::Argument`] where it is of another kind.
    pub fn float_or(&self, name: &str, default: f32) -> Result<f32> {
        if self.has(name) { self.float(name) } else { Ok(default) }
    }

    /// A bool, `default` where it is missing.
    ///
    /// # Errors
    /// [`Error::Argument`] where it is of another kind.
    pub fn bool_or(&self, name: &str, default: bool) -> Result<bool> {
        if self.has(name) { self.bool(name) } else { Ok(default) }
    }

    /// A UTF-8 string, `default` where it is missing.
    ///
    /// # Errors
    /// [`Error::Argument`] where it is of another kind.
    pub fn string_or(&self, name: &str, default: &str) -> Result<String> {
        if self.has(name) { self.string(name) } else { Ok(default.to_string()) }
    }

    /// A list of integers, `default` where it is missing.
    ///
    /// # Errors
    /// [`Error::Argument`] where it is of another kind.
    pub fn ints_or(&self, name: &str, default: &[i64]) -> Result<Vec<i64>> {
        if self.has(name) { self.ints(name) } else { Ok(default.to_vec()) }
    }

    /// An element type, `default` where it is missing.
    ///
    /// # Errors
    /// [`Error::Argument`] where it is of another kind.
    pub fn dtype_or(&self, name: &str, default: DType) -> Result<DType> {
        if self.has(name) { self.dtype(name) } else { Ok(default) }
    }

    /// A UTF-8 string.
    ///
    /// # Errors
    /// [`Error::Argument`] where it is missing or no text.
    pub fn string(&self, name: &str) -> Result<String> {
        String::from_utf8(self.bytes(name)?).map_err(|_| self.wrong(name, "UTF-8 text", self.map.get(name)))
    }

    /// A list of integers.
    ///
    /// # Errors
    /// [`Error::Argument`] where it is missing or of another kind.
    pub fn ints(&self, name: &str) -> Result<Vec<i64>> {
        let list = self.list(name)?;
        let ints: Option<Vec<i64>> = list.iter().map(|a| if let Attr::Int(i) = a { Some(*i) } else { None }).collect();
        ints.ok_or_else(|| self.wrong(name, "a list of integers", self.map.get(name)))
    }

    /// A list of element types.
    ///
    /// # Errors
    /// [`Error::Argument`] where it is missing or of another kind.
    pub fn dtypes(&self, name: &str) -> Result<Vec<DType>> {
        let list = self.list(name)?;
        let types: Option<Vec<DType>> =
            list.iter().map(|a| if let Attr::Type(t) = a { Some(*t) } else { None }).collect();
        types.ok_or_else(|| self.wrong(name, "a list of types", self.map.get(name)))
    }

    /// The body of a function.
    ///
    /// # Errors
    /// [`Error::Argument`] where it is missing, of another kind or not in the library.
    pub fn func(&self, name: &str) -> Result<Arc<Graph>> {
        match self.map.get(name) {
            Some(Attr::Func(_, Some(body))) => Ok(body.clone()),
            other => Err(self.wrong(name, "a function of the library", other)),
        }
    }

    /// An error about the attribute `name`.
    pub fn wrong(&self, name: &str, expected: &str, found: Option<&Attr>) -> Error {
        Error::Argument {
            op: self.op.clone(),
            node: self.node.clone(),
            argument: format!("attribute `{name}`"),
            expected: expected.to_string(),
            found: found.map_or("nothing".to_string(), |a| {
                let text = format!("{a:?}");
                if text.len() > 80 { format!("{}...", text.chars().take(80).collect::<String>()) } else { text }
            }),
        }
    }
}
