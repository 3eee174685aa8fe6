//! The attributes of a node, defaults included.

use super::{NodeSignature, OpSpec};
use crate::messages::{
    AttrList, AttrValue, DataType, NameAttrList, NodeDef, TensorProto, TensorShapeProto, attr_value,
};
use crate::{Error, Result};

/// The attributes of a node; one that is missing has its default.
///
/// # Example
/// ```
/// use kerox_format_savedmodel::messages::NodeDef;
/// use kerox_format_savedmodel::ops::{Attrs, known_ops};
/// use kerox_format_savedmodel::wire::Message;
///
/// let node = NodeDef::from_text(r#"name: "y" op: "MatMul" attr { key: "T" value { type: DT_FLOAT } }"#)?;
/// let attrs = Attrs::new(&node, known_ops().get("MatMul"));
/// assert_eq!(attrs.boolean("transpose_a")?, false);
/// assert_eq!(attrs.dtype("T")?.name(), Some("DT_FLOAT"));
/// # Ok::<(), kerox_format_savedmodel::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Attrs<'a> {
    node: &'a NodeDef,
    spec: Option<&'a OpSpec>,
}

impl<'a> Attrs<'a> {
    /// The attributes of a node whose operation is declared by `spec`.
    pub fn new(node: &'a NodeDef, spec: Option<&'a OpSpec>) -> Attrs<'a> {
        Attrs { node, spec }
    }

    /// An attribute of any type.
    pub fn get(&self, name: &str) -> Option<&'a AttrValue> {
        let own = self.node.attr.get(name);
        own.or_else(|| self.spec.and_then(|spec| spec.attr(name)).and_then(|attr| attr.default.as_ref()))
    }

    /// The tensors that go in and come out.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the operation is unknown or an attribute is missing.
    pub fn signature(&self) -> Result<NodeSignature<'a>> {
        match self.spec {
            Some(spec) => NodeSignature::new(spec, self),
            None => Err(Error::Unsupported {
                what: "node",
                place: format!("`{}`", self.node.name),
                reason: format!("the operation `{}` is unknown", self.node.op),
            }),
        }
    }

    fn typed<T>(&self, name: &str, expected: &str, take: impl FnOnce(&'a attr_value::Value) -> Option<T>) -> Result<T> {
        let value = self.get(name).and_then(|attr| attr.value.as_ref());
        let found = match value {
            None => "none".to_owned(),
            Some(value) => match take(value) {
                Some(value) => return Ok(value),
                None => kind(value).to_owned(),
            },
        };
        let place = format!("`{}` of node `{}` ({})", name, self.node.name, self.node.op);
        Err(Error::invalid("attribute", place, expected, found))
    }

    /// An attribute of type `int`.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is missing without default, or of another type. So for all that follow.
    pub fn int(&self, name: &str) -> Result<i64> {
        self.typed(name, "int", |value| if let attr_value::Value::I(i) = value { Some(*i) } else { None })
    }

    /// An attribute of type `float`.
    ///
    /// # Errors
    /// As [`Attrs::int`].
    pub fn float(&self, name: &str) -> Result<f32> {
        self.typed(name, "float", |value| if let attr_value::Value::F(f) = value { Some(*f) } else { None })
    }

    /// An attribute of type `bool`.
    ///
    /// # Errors
    /// As [`Attrs::int`].
    pub fn boolean(&self, name: &str) -> Result<bool> {
        self.typed(name, "bool", |value| if let attr_value::Value::B(b) = value { Some(*b) } else { None })
    }

    /// An attribute of type `string`, as bytes.
    ///
    /// # Errors
    /// As [`Attrs::int`].
    pub fn bytes(&self, name: &str) -> Result<&'a [u8]> {
        self.typed(name, "string", |value| if let attr_value::Value::S(s) = value { Some(&s[..]) } else { None })
    }

    /// An attribute of type `string`.
    ///
    /// # Errors
    /// As [`Attrs::int`]; also for bytes that are not UTF-8.
    pub fn string(&self, name: &str) -> Result<&'a str> {
        let utf8 = |value: &'a attr_value::Value| match value {
            attr_value::Value::S(s) => std::str::from_utf8(s).ok(),
            _ => None,
        };
        self.typed(name, "string of UTF-8", utf8)
    }

    /// An attribute of type `type`.
    ///
    /// # Errors
    /// As [`Attrs::int`].
    pub fn dtype(&self, name: &str) -> Result<DataType> {
        self.typed(name, "type", |value| if let attr_value::Value::Type(t) = value { Some(*t) } else { None })
    }

    /// An attribute of type `shape`.
    ///
    /// # Errors
    /// As [`Attrs::int`].
    pub fn shape(&self, name: &str) -> Result<&'a TensorShapeProto> {
        self.typed(name, "shape", |value| if let attr_value::Value::Shape(s) = value { Some(&**s) } else { None })
    }

    /// An attribute of type `tensor`.
    ///
    /// # Errors
    /// As [`Attrs::int`].
    pub fn tensor(&self, name: &str) -> Result<&'a TensorProto> {
        self.typed(name, "tensor", |value| if let attr_value::Value::Tensor(t) = value { Some(&**t) } else { None })
    }

    /// An attribute of type `func`.
    ///
    /// # Errors
    /// As [`Attrs::int`].
    pub fn func(&self, name: &str) -> Result<&'a NameAttrList> {
        self.typed(name, "func", |value| if let attr_value::Value::Func(f) = value { Some(&**f) } else { None })
    }

    /// An attribute that is a list of any type.
    ///
    /// # Errors
    /// As [`Attrs::int`].
    pub fn list(&self, name: &str) -> Result<&'a AttrList> {
        self.typed(name, "list", |value| if let attr_value::Value::List(l) = value { Some(&**l) } else { None })
    }

    /// An attribute of type `list(int)`.
    ///
    /// # Errors
    /// As [`Attrs::int`]. An empty list fits every type of list.
    pub fn ints(&self, name: &str) -> Result<&'a [i64]> {
        self.of_list(name, "list(int)", |list| &list.i)
    }

    /// An attribute of type `list(float)`.
    ///
    /// # Errors
    /// As [`Attrs::ints`].
    pub fn floats(&self, name: &str) -> Result<&'a [f32]> {
        self.of_list(name, "list(float)", |list| &list.f)
    }

    /// An attribute of type `list(type)`.
    ///
    /// # Errors
    /// As [`Attrs::ints`].
    pub fn dtypes(&self, name: &str) -> Result<Vec<DataType>> {
        self.of_list(name, "list(type)", |list| &list.r#type).map(<[_]>::to_vec)
    }

    /// An attribute of type `list(string)`, as bytes.
    ///
    /// # Errors
    /// As [`Attrs::ints`].
    pub fn strings(&self, name: &str) -> Result<&'a [Vec<u8>]> {
        self.of_list(name, "list(string)", |list| &list.s)
    }

    /// An attribute of type `list(shape)`.
    ///
    /// # Errors
    /// As [`Attrs::ints`].
    pub fn shapes(&self, name: &str) -> Result<&'a [TensorShapeProto]> {
        self.of_list(name, "list(shape)", |list| &list.shape)
    }

    /// An attribute of type `list(func)`.
    ///
    /// # Errors
    /// As [`Attrs::ints`].
    pub fn funcs(&self, name: &str) -> Result<&'a [NameAttrList]> {
        self.of_list(name, "list(func)", |list| &list.func)
    }

    fn of_list<T>(&self, name: &str, expected: &str, take: impl FnOnce(&'a AttrList) -> &'a Vec<T>) -> Result<&'a [T]> {
        self.typed(name, expected, |value| match value {
            attr_value::Value::List(list) => {
                let taken = take(list);
                let others = list.s.len()
                    + list.i.len()
                    + list.f.len()
                    + list.b.len()
                    + list.r#type.len()
                    + list.shape.len()
                    + list.tensor.len()
                    + list.func.len();
                (others == taken.len()).then_some(&taken[..])
            }
            _ => None,
        })
    }
}

fn kind(value: &attr_value::Value) -> &'static str {
    match value {
        attr_value::Value::List(_) => "another list",
        attr_value::Value::S(_) => "a string",
        attr_value::Value::I(_) => "an int",
        attr_value::Value::F(_) => "a float",
        attr_value::Value::B(_) => "a bool",
        attr_value::Value::Type(_) => "a type",
        attr_value::Value::Shape(_) => "a shape",
        attr_value::Value::Tensor(_) => "a tensor",
        attr_value::Value::Placeholder(_) => "a placeholder for a function's attribute",
        attr_value::Value::Func(_) => "a func",
    }
}
