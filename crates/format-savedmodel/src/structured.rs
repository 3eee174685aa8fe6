//! Python values in a SavedModel: arguments, results and their structure.

use crate::messages::structured_value::{
    BoundedTensorSpecProto, DictValue, Kind, ListValue, NamedTupleValue, NoneValue, PairValue, TensorSpecProto,
    TupleValue, TypeSpecProto,
};
use crate::messages::{DataType, StructuredValue, TensorProto, TensorShapeProto};
use crate::wire::Zigzag;
use crate::{Error, Result};

/// A Python value made of lists, tuples, dictionaries and leaves.
///
/// # Example
/// ```
/// use kerox_format_savedmodel::Structured;
///
/// let arguments = Structured::Tuple(vec![Structured::Bool(true), Structured::Dict(vec![])]);
/// assert_eq!(Structured::decode(&arguments.encode())?, arguments);
/// # Ok::<(), kerox_format_savedmodel::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Structured {
    /// `None`.
    None,
    /// A bool.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A string.
    Str(String),
    /// A shape.
    Shape(TensorShapeProto),
    /// A type of elements.
    DType(DataType),
    /// A `tf.TensorSpec`: an argument or result that is a tensor.
    Tensor(TensorSpec),
    /// A `BoundedTensorSpec`.
    Bounded(Box<BoundedTensorSpecProto>),
    /// Any other `tf.TypeSpec`: sparse and ragged tensors, variables, ...
    TypeSpec(Box<TypeSpecProto>),
    /// A list.
    List(Vec<Structured>),
    /// A tuple.
    Tuple(Vec<Structured>),
    /// A dictionary, in the order of the file.
    Dict(Vec<(String, Structured)>),
    /// A named tuple.
    NamedTuple {
        /// The type's name.
        name: String,
        /// Its fields in order.
        fields: Vec<(String, Structured)>,
    },
    /// A tensor's value.
    Value(Box<TensorProto>),
    /// A numpy array's value.
    Numpy(Box<TensorProto>),
}

/// Name, shape and type of a tensor that is an argument or a result.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorSpec {
    /// The name; may be empty.
    pub name: String,
    /// The lengths of the axes, `None` where unknown; `None` altogether when the rank is.
    pub shape: Option<Vec<Option<u64>>>,
    /// The type of the elements.
    pub dtype: DataType,
}

impl TensorSpec {
    /// A tensor of the type most are of, `float32`.
    pub fn float32(name: impl Into<String>, shape: &[Option<u64>]) -> TensorSpec {
        TensorSpec { name: name.into(), shape: Some(shape.to_vec()), dtype: DataType::DT_FLOAT }
    }

    /// The shape as a message.
    pub fn shape_proto(&self) -> TensorShapeProto {
        self.shape.as_deref().map_or_else(TensorShapeProto::unknown, TensorShapeProto::from_dims)
    }
}

impl Structured {
    /// Reads the message.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a value of a kind that is not known, or none.
    pub fn decode(value: &StructuredValue) -> Result<Structured> {
        let all = |values: &[StructuredValue]| values.iter().map(Structured::decode).collect::<Result<Vec<_>>>();
        Ok(match &value.kind {
            None => return Err(Error::invalid("structured value", "of a function", "a known kind", "none or another")),
            Some(Kind::None(_)) => Structured::None,
            Some(Kind::Float64(value)) => Structured::Float(*value),
            Some(Kind::Int64(value)) => Structured::Int(value.0),
            Some(Kind::String(value)) => Structured::Str(value.clone()),
            Some(Kind::Bool(value)) => Structured::Bool(*value),
            Some(Kind::TensorShape(value)) => Structured::Shape((**value).clone()),
            Some(Kind::TensorDtype(value)) => Structured::DType(*value),
            Some(Kind::TensorSpec(spec)) => Structured::Tensor(TensorSpec {
                name: spec.name.clone(),
                shape: spec.shape.as_ref().map_or(Some(Vec::new()), |shape| shape.dims()),
                dtype: spec.dtype,
            }),
            Some(Kind::BoundedTensorSpec(value)) => Structured::Bounded(value.clone()),
            Some(Kind::TypeSpec(value)) => Structured::TypeSpec(value.clone()),
            Some(Kind::List(list)) => Structured::List(all(&list.values)?),
            Some(Kind::Tuple(tuple)) => Structured::Tuple(all(&tuple.values)?),
            Some(Kind::Dict(dict)) => {
                let pair = |(key, value): &(String, StructuredValue)| Ok((key.clone(), Structured::decode(value)?));
                Structured::Dict(dict.fields.iter().map(pair).collect::<Result<_>>()?)
            }
            Some(Kind::NamedTuple(tuple)) => {
                let missing = StructuredValue::default();
                let field = |pair: &PairValue| {
                    let value = Structured::decode(pair.value.as_deref().unwrap_or(&missing))?;
                    Ok((pair.key.clone(), value))
                };
                let fields = tuple.values.iter().map(field).collect::<Result<_>>()?;
                Structured::NamedTuple { name: tuple.name.clone(), fields }
            }
            Some(Kind::Tensor(value)) => Structured::Value(value.clone()),
            Some(Kind::Numpy(value)) => Structured::Numpy(value.clone()),
        })
    }

    /// Writes the message.
    pub fn encode(&self) -> StructuredValue {
        let all = |values: &[Structured]| values.iter().map(Structured::encode).collect();
        let kind = match self {
            Structured::None => Kind::None(NoneValue::default()),
            Structured::Bool(value) => Kind::Bool(*value),
            Structured::Int(value) => Kind::Int64(Zigzag(*value)),
            Structured::Float(value) => Kind::Float64(*value),
            Structured::Str(value) => Kind::String(value.clone()),
            Structured::Shape(value) => Kind::TensorShape(Box::new(value.clone())),
            Structured::DType(value) => Kind::TensorDtype(*value),
            Structured::Tensor(spec) => Kind::TensorSpec(Box::new(TensorSpecProto {
                name: spec.name.clone(),
                shape: Some(Box::new(spec.shape_proto())),
                dtype: spec.dtype,
                ..TensorSpecProto::default()
            })),
            Structured::Bounded(value) => Kind::BoundedTensorSpec(value.clone()),
            Structured::TypeSpec(value) => Kind::TypeSpec(value.clone()),
            Structured::List(values) => Kind::List(ListValue { values: all(values), ..ListValue::default() }),
            Structured::Tuple(values) => Kind::Tuple(TupleValue { values: all(values), ..TupleValue::default() }),
            Structured::Dict(pairs) => {
                let fields = pairs.iter().map(|(key, value)| (key.clone(), value.encode())).collect();
                Kind::Dict(DictValue { fields, ..DictValue::default() })
            }
            Structured::NamedTuple { name, fields } => {
                let pair = |(key, value): &(String, Structured)| PairValue {
                    key: key.clone(),
                    value: Some(Box::new(value.encode())),
                    ..PairValue::default()
                };
                let values = fields.iter().map(pair).collect();
                Kind::NamedTuple(Box::new(NamedTupleValue { name: name.clone(), values, ..NamedTupleValue::default() }))
            }
            Structured::Value(value) => Kind::Tensor(value.clone()),
            Structured::Numpy(value) => Kind::Numpy(value.clone()),
        };
        StructuredValue { kind: Some(kind), ..StructuredValue::default() }
    }

    /// The tensors in the order in which a function takes or gives them: dictionaries by key.
    pub fn tensors(&self) -> Vec<&TensorSpec> {
        match self {
            Structured::Tensor(spec) => vec![spec],
            Structured::List(values) | Structured::Tuple(values) => {
                values.iter().flat_map(Structured::tensors).collect()
            }
            Structured::NamedTuple { fields, .. } => fields.iter().flat_map(|(_, value)| value.tensors()).collect(),
            Structured::Dict(pairs) => {
                let mut sorted: Vec<_> = pairs.iter().collect();
                sorted.sort_by(|a, b| a.0.cmp(&b.0));
                sorted.into_iter().flat_map(|(_, value)| value.tensors()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The field of a named tuple or dictionary.
    pub fn field(&self, name: &str) -> Option<&Structured> {
        match self {
            Structured::NamedTuple { fields: pairs, .. } | Structured::Dict(pairs) => {
                pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_goes_there_and_back() {
        let spec = TensorSpec::float32("x", &[None, Some(3)]);
        let unknown = TensorSpec { name: String::new(), shape: None, dtype: DataType::DT_STRING };
        let value = Structured::Tuple(vec![
            Structured::None,
            Structured::Int(-3),
            Structured::Float(0.5),
            Structured::Str("é".into()),
            Structured::Shape(TensorShapeProto::from_dims(&[None])),
            Structured::DType(DataType::DT_BOOL),
            Structured::List(vec![Structured::Tensor(unknown.clone())]),
            Structured::Dict(vec![
                ("b".into(), Structured::Tensor(spec.clone())),
                ("a".into(), Structured::Bool(false)),
            ]),
            Structured::NamedTuple { name: "N".into(), fields: vec![("f".into(), Structured::None)] },
        ]);
        assert_eq!(Structured::decode(&value.encode()).unwrap(), value);
        assert_eq!(value.tensors(), [&unknown, &spec]);
    }

    #[test]
    fn dictionaries_give_their_tensors_by_key() {
        let tensor = |name: &str| Structured::Tensor(TensorSpec::float32(name, &[]));
        let dict = Structured::Dict(vec![("z".into(), tensor("1")), ("a".into(), tensor("2"))]);
        assert_eq!(dict.tensors().iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>(), ["2", "1"]);
    }

    #[test]
    fn no_value_is_an_error() {
        let error = Structured::decode(&StructuredValue::default()).unwrap_err().to_string();
        assert_eq!(error, "read structured value of a function: expected a known kind, found none or another");
    }
}
