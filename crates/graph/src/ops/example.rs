//! `ParseExample` and `ParseExampleV2`: serialized `tf.train.Example`s to tensors.
//!
//! An `Example` is a protobuf message: field 1 holds `Features`, whose field 1 is a map from names to `Feature`, which
//! is one of `BytesList` (1), `FloatList` (2) and `Int64List` (3), each with its values in field 1, packed or not.

use std::collections::HashMap;
use std::sync::Arc;

use kerox_tensor::{DType, Shape, Tensor};

use super::declaration::Declaration;
use super::dispatch::argument;
use super::dynamic::{Arguments, int_tensor, run_interpreted};
use crate::{Attr, Attrs, Dims, Error, Infer, Op, Result, Run, RunContext, RuntimeValue, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration {
        name: "ParseExample",
        signature: "serialized, names, sparse_keys[Nsparse], dense_keys[Ndense], dense_defaults{Tdense} -> \
                    sparse_indices[Nsparse], sparse_values{sparse_types}, sparse_shapes[Nsparse], dense_values{Tdense}",
        build: |attrs| ParseExample::build(attrs, false),
    },
    Declaration {
        name: "ParseExampleV2",
        signature: "serialized, names, sparse_keys, dense_keys, ragged_keys, dense_defaults{Tdense} -> \
                    sparse_indices[num_sparse], sparse_values{sparse_types}, sparse_shapes[num_sparse], \
                    dense_values{Tdense}, ragged_values{ragged_value_types}, ragged_row_splits{ragged_split_types}",
        build: |attrs| ParseExample::build(attrs, true),
    },
];

/// Elements a result may have.
const MAX_ELEMENTS: usize = 1 << 31;

/// `ParseExample` and `ParseExampleV2`.
#[derive(Clone, Debug)]
pub struct ParseExample {
    /// Whether the keys are vectors, and a single example without batch is allowed (`ParseExampleV2`).
    pub second: bool,
    /// Types of the sparse features.
    pub sparse: Vec<DType>,
    /// Types and shapes of the dense features; a first axis of unknown length is as long as the longest.
    pub dense: Vec<(DType, Dims)>,
    /// Types of the ragged features' values and row splits.
    pub ragged: Vec<(DType, DType)>,
}

impl ParseExample {
    fn build(attrs: &Attrs, second: bool) -> Result<Arc<dyn Op>> {
        let sparse = attrs.dtypes("sparse_types")?;
        let (types, shapes) = (attrs.dtypes("Tdense")?, attrs.list("dense_shapes")?);
        let shapes: Option<Vec<Dims>> =
            shapes.iter().map(|shape| if let Attr::Shape(dims) = shape { Some(dims.clone()) } else { None }).collect();
        // Only the first axis may be of unknown length.
        let known = |dims: &Dims| dims.axes().is_some_and(|axes| axes.iter().skip(1).all(Option::is_some));
        let wrong = || attrs.wrong("dense_shapes", "a shape for each dense feature", attrs.get("dense_shapes"));
        let shapes = shapes.filter(|all| all.len() == types.len() && all.iter().all(known)).ok_or_else(wrong)?;
        let (values, splits) = match second {
            true => (attrs.dtypes("ragged_value_types")?, attrs.dtypes("ragged_split_types")?),
            false => (Vec::new(), Vec::new()),
        };
        if values.len() != splits.len() {
            return Err(attrs.wrong("ragged_split_types", "a type for each ragged feature", None));
        }
        let is_feature = |dtype: &DType| matches!(dtype, DType::F32 | DType::I64 | DType::String);
        if let Some(dtype) = sparse.iter().chain(&types).chain(&values).find(|dtype| !is_feature(dtype)) {
            return Err(attrs.wrong("Tdense", "float32, int64 or string", Some(&Attr::Type(*dtype))));
        }
        let dense = types.into_iter().zip(shapes).collect();
        let ragged = values.into_iter().zip(splits).collect();
        Ok(Arc::new(ParseExample { second, sparse, dense, ragged }))
    }
}

impl Op for ParseExample {
    fn name(&self) -> &'static str {
        if self.second { "ParseExampleV2" } else { "ParseExample" }
    }
    fn attrs(&self, _: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let types = |list: Vec<DType>| Attr::List(list.into_iter().map(Attr::Type).collect());
        let count = |n: usize| Attr::Int(i64::try_from(n).unwrap_or(i64::MAX));
        let mut attrs = vec![
            ("sparse_types", types(self.sparse.clone())),
            ("Tdense", types(self.dense.iter().map(|(dtype, _)| *dtype).collect())),
            ("dense_shapes", Attr::List(self.dense.iter().map(|(_, dims)| Attr::Shape(dims.clone())).collect())),
        ];
        if self.second {
            attrs.push(("num_sparse", count(self.sparse.len())));
            attrs.push(("ragged_value_types", types(self.ragged.iter().map(|(value, _)| *value).collect())));
            attrs.push(("ragged_split_types", types(self.ragged.iter().map(|(_, split)| *split).collect())));
        } else {
            attrs.extend([("Nsparse", count(self.sparse.len())), ("Ndense", count(self.dense.len()))]);
        }
        attrs
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        let keys = if self.second { 3 } else { self.sparse.len() + self.dense.len() };
        cx.arity(2 + keys + self.dense.len())?;
        cx.of_dtype(0, DType::String)?;
        let batch = cx.dims(0)?.axes().map(<[_]>::to_vec);
        let mut infos = Vec::new();
        let rank = batch.as_ref().map(|axes| axes.len() + 1);
        infos.extend(self.sparse.iter().map(|_| ValueInfo::new(DType::I64, Dims::from([None, rank]))));
        infos.extend(self.sparse.iter().map(|dtype| ValueInfo::new(*dtype, Dims::of_rank(1))));
        infos.extend(self.sparse.iter().map(|_| ValueInfo::new(DType::I64, Dims::from([rank]))));
        for (dtype, dims) in &self.dense {
            let whole = match (&batch, dims.axes()) {
                (Some(batch), Some(axes)) => batch.iter().chain(axes).copied().collect(),
                _ => Dims::unknown(),
            };
            infos.push(ValueInfo::new(*dtype, whole));
        }
        infos.extend(self.ragged.iter().map(|(dtype, _)| ValueInfo::new(*dtype, Dims::of_rank(1))));
        let splits = match batch.as_deref() {
            Some([n]) => Dims::from([n.map(|n| n + 1)]),
            _ => Dims::of_rank(1),
        };
        infos.extend(self.ragged.iter().map(|(_, split)| ValueInfo::new(*split, splits.clone())));
        Ok(infos)
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        run_interpreted(self, run)
    }
    fn interpret(&self, cx: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let mut a = Arguments::new(self.name(), cx, inputs);
        let serialized = a.tensor()?;
        if serialized.rank() > 1 || (serialized.rank() == 0 && !self.second) {
            return Err(a.wrong("a vector of examples", format!("shape {}", serialized.shape())));
        }
        a.tensor()?;
        let mut keys = |count: usize| -> Result<Vec<Vec<u8>>> {
            if !self.second {
                return (0..count).map(|_| a.bytes()).collect();
            }
            let tensor = a.tensor()?;
            let keys = tensor.as_slice::<Vec<u8>>()?.to_vec();
            match keys.len() == count {
                true => Ok(keys),
                false => Err(a.wrong(format!("{count} keys"), keys.len().to_string())),
            }
        };
        let (sparse, dense) = (keys(self.sparse.len())?, keys(self.dense.len())?);
        let ragged = if self.second { keys(self.ragged.len())? } else { Vec::new() };
        let defaults = self.dense.iter().map(|_| a.tensor()).collect::<Result<Vec<_>>>()?;
        let node = cx.node_name().to_owned();
        let examples = serialized
            .as_slice::<Vec<u8>>()?
            .iter()
            .enumerate()
            .map(|(at, bytes)| parse(bytes).ok_or_else(|| malformed(self.name(), &node, at)))
            .collect::<Result<Vec<_>>>()?;
        let is_batch = serialized.rank() == 1;
        let of = |key: &[u8], dtype: DType| features_of(&examples, key, dtype, self.name(), &node);
        let (mut indices, mut values, mut shapes) = (Vec::new(), Vec::new(), Vec::new());
        for (key, &dtype) in sparse.iter().zip(&self.sparse) {
            let features = of(key, dtype)?;
            let (mut places, mut longest) = (Vec::new(), 0);
            for (row, feature) in features.iter().enumerate() {
                let count = feature.map_or(0, Feature::len);
                longest = longest.max(count);
                for column in 0..count {
                    if is_batch {
                        places.push(row as i64);
                    }
                    places.push(column as i64);
                }
            }
            let width = 1 + usize::from(is_batch);
            let rows = places.len() / width;
            indices.push(Tensor::from_vec(places, [rows, width])?.into());
            values.push(joined(dtype, features.iter().flatten().copied())?.into());
            let shape: Vec<i64> = match is_batch {
                true => vec![examples.len() as i64, longest as i64],
                false => vec![longest as i64],
            };
            shapes.push(Tensor::from_vec(shape, [width])?.into());
        }
        let mut results: Vec<RuntimeValue> = indices;
        results.extend(values);
        results.extend(shapes);
        for ((key, (dtype, dims)), default) in dense.iter().zip(&self.dense).zip(&defaults) {
            let name = String::from_utf8_lossy(key).into_owned();
            let features = of(key, *dtype)?;
            let wrong = |expected: String, found: String| {
                argument(self.name(), &node, &format!("dense feature `{name}`"), expected, found)
            };
            results.push(dense_value(*dtype, dims, default, &features, is_batch, &wrong)?.into());
        }
        let mut splits = Vec::new();
        for (key, &(dtype, split)) in ragged.iter().zip(&self.ragged) {
            let features = of(key, dtype)?;
            let mut ends = vec![0i64];
            for feature in &features {
                let last = ends.last().copied().unwrap_or(0);
                ends.push(last + feature.map_or(0, Feature::len) as i64);
            }
            results.push(joined(dtype, features.iter().flatten().copied())?.into());
            let ends = if is_batch { ends } else { Vec::new() };
            let count = ends.len();
            splits.push(int_tensor(ends, split, [count])?.into());
        }
        results.extend(splits);
        Ok(results)
    }
}

/// A feature of every example; nothing where an example has none.
fn features_of<'e>(
    examples: &'e [HashMap<Vec<u8>, Feature>],
    key: &[u8],
    dtype: DType,
    op: &str,
    node: &str,
) -> Result<Vec<Option<&'e Feature>>> {
    let mut features = Vec::with_capacity(examples.len());
    for (at, example) in examples.iter().enumerate() {
        let feature = example.get(key).filter(|feature| feature.dtype().is_some());
        if let Some(found) = feature.and_then(Feature::dtype).filter(|found| *found != dtype) {
            let place = format!("feature `{}` of example {at}", String::from_utf8_lossy(key));
            return Err(argument(op, node, &place, dtype.to_string(), found.to_string()));
        }
        features.push(feature);
    }
    Ok(features)
}

fn malformed(op: &str, node: &str, at: usize) -> Error {
    argument(op, node, &format!("example {at}"), "a serialized `tf.train.Example`", "other bytes")
}

/// The values of a feature.
#[derive(Debug)]
enum Feature {
    None,
    Bytes(Vec<Vec<u8>>),
    Floats(Vec<f32>),
    Ints(Vec<i64>),
}

impl Feature {
    fn dtype(&self) -> Option<DType> {
        match self {
            Feature::None => None,
            Feature::Bytes(_) => Some(DType::String),
            Feature::Floats(_) => Some(DType::F32),
            Feature::Ints(_) => Some(DType::I64),
        }
    }

    fn len(&self) -> usize {
        match self {
            Feature::None => 0,
            Feature::Bytes(values) => values.len(),
            Feature::Floats(values) => values.len(),
            Feature::Ints(values) => values.len(),
        }
    }
}

/// All values of some features, one after the other.
fn joined<'f>(dtype: DType, features: impl Iterator<Item = &'f Feature>) -> Result<Tensor> {
    let (mut bytes, mut floats, mut ints) = (Vec::new(), Vec::new(), Vec::new());
    for feature in features {
        match feature {
            Feature::None => {}
            Feature::Bytes(values) => bytes.extend_from_slice(values),
            Feature::Floats(values) => floats.extend_from_slice(values),
            Feature::Ints(values) => ints.extend_from_slice(values),
        }
    }
    Ok(match dtype {
        DType::F32 => vector(floats)?,
        DType::I64 => vector(ints)?,
        _ => vector(bytes)?,
    })
}

fn vector<T: kerox_tensor::Element>(values: Vec<T>) -> Result<Tensor> {
    let count = values.len();
    Ok(Tensor::from_vec(values, [count])?)
}

/// The values of a dense feature, defaults where an example has none.
fn dense_value(
    dtype: DType,
    dims: &Dims,
    default: &Tensor,
    features: &[Option<&Feature>],
    is_batch: bool,
    wrong: &dyn Fn(String, String) -> Error,
) -> Result<Tensor> {
    let axes = dims.axes().unwrap_or_default();
    let inner = axes.iter().skip(usize::from(axes.first() == Some(&None)));
    let stride = inner.copied().map(|axis| axis.unwrap_or(1)).try_fold(1usize, usize::checked_mul);
    let stride = stride
        .filter(|n| *n <= MAX_ELEMENTS)
        .ok_or_else(|| wrong("a shape that fits memory".into(), dims.to_string()))?;
    let is_padded = axes.first() == Some(&None);
    let longest = features.iter().map(|feature| feature.map_or(0, Feature::len)).max().unwrap_or(0);
    let width = if is_padded { longest } else { stride };
    for (at, feature) in features.iter().enumerate() {
        let found = feature.map_or(0, Feature::len);
        let fits = match (feature, is_padded) {
            (Some(_), true) => stride > 0 && found % stride == 0,
            (Some(_), false) => found == stride,
            (None, true) => true,
            (None, false) => default.len() == stride,
        };
        if !fits {
            let found = match feature {
                Some(_) => format!("{found} in example {at}"),
                None => format!("none in example {at}, and no default"),
            };
            let expected =
                if is_padded { format!("a multiple of {stride} values") } else { format!("{stride} values") };
            return Err(wrong(expected, found));
        }
    }
    if width.checked_mul(features.len()).is_none_or(|n| n > MAX_ELEMENTS) {
        return Err(wrong(format!("at most {MAX_ELEMENTS} elements"), format!("{} rows of {width}", features.len())));
    }
    let mut shape: Vec<usize> = if is_batch { vec![features.len()] } else { Vec::new() };
    if is_padded {
        shape.push(longest.checked_div(stride).unwrap_or(0));
    }
    shape.extend(axes.iter().flatten());
    let shape = Shape::from(shape);
    Ok(match dtype {
        DType::F32 => filled(features, default, width, shape, |f| if let Feature::Floats(v) = f { v } else { &[] })?,
        DType::I64 => filled(features, default, width, shape, |f| if let Feature::Ints(v) = f { v } else { &[] })?,
        _ => filled(features, default, width, shape, |f| if let Feature::Bytes(v) = f { v } else { &[] })?,
    })
}

fn filled<T: kerox_tensor::Element>(
    features: &[Option<&Feature>],
    default: &Tensor,
    width: usize,
    shape: Shape,
    of: impl Fn(&Feature) -> &[T],
) -> Result<Tensor> {
    let default = default.as_slice::<T>()?;
    let mut all = Vec::with_capacity(width * features.len());
    for feature in features {
        let values = feature.map(&of).unwrap_or_default();
        let own = if feature.is_none() && default.len() == width { default } else { values };
        all.extend_from_slice(own);
        let padding = default.first().cloned().unwrap_or_default();
        all.extend(std::iter::repeat_n(padding, width - own.len()));
    }
    Ok(Tensor::from_vec(all, shape)?)
}

/// A field of a message: its number and content.
enum Field<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Four([u8; 4]),
    Eight,
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn field<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Field<'a>)> {
    let key = varint(bytes)?;
    let mut take = |n: usize| {
        let part = bytes.get(..n)?;
        *bytes = bytes.get(n..)?;
        Some(part)
    };
    let content = match key & 7 {
        0 => Field::Varint(varint(bytes)?),
        1 => {
            take(8)?;
            Field::Eight
        }
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            let part = bytes.get(..length)?;
            *bytes = bytes.get(length..)?;
            Field::Bytes(part)
        }
        5 => Field::Four(take(4)?.try_into().ok()?),
        _ => return None,
    };
    Some((key >> 3, content))
}

/// The features of an example; nothing where the bytes are none.
fn parse(mut bytes: &[u8]) -> Option<HashMap<Vec<u8>, Feature>> {
    let mut features = HashMap::new();
    while !bytes.is_empty() {
        let (number, content) = field(&mut bytes)?;
        let (1, Field::Bytes(mut map)) = (number, content) else { continue };
        while !map.is_empty() {
            let (number, content) = field(&mut map)?;
            let (1, Field::Bytes(mut entry)) = (number, content) else { continue };
            let (mut key, mut value) = (Vec::new(), Feature::None);
            while !entry.is_empty() {
                match field(&mut entry)? {
                    (1, Field::Bytes(name)) => key = name.to_vec(),
                    (2, Field::Bytes(content)) => value = feature(content)?,
                    _ => {}
                }
            }
            features.insert(key, value);
        }
    }
    Some(features)
}

fn feature(mut bytes: &[u8]) -> Option<Feature> {
    let mut found = Feature::None;
    while !bytes.is_empty() {
        let (kind, content) = field(&mut bytes)?;
        let Field::Bytes(mut list) = content else { continue };
        let (mut strings, mut floats, mut ints) = (Vec::new(), Vec::new(), Vec::new());
        while !list.is_empty() {
            match (kind, field(&mut list)?) {
                (1, (1, Field::Bytes(value))) => strings.push(value.to_vec()),
                (2, (1, Field::Four(value))) => floats.push(f32::from_le_bytes(value)),
                (2, (1, Field::Bytes(packed))) => {
                    let parts = packed.chunks_exact(4);
                    if !parts.remainder().is_empty() {
                        return None;
                    }
                    floats.extend(parts.filter_map(|part| Some(f32::from_le_bytes(part.try_into().ok()?))));
                }
                (3, (1, Field::Varint(value))) => ints.push(value as i64),
                (3, (1, Field::Bytes(mut packed))) => {
                    while !packed.is_empty() {
                        ints.push(varint(&mut packed)? as i64);
                    }
                }
                _ => {}
            }
        }
        found = match kind {
            1 => Feature::Bytes(strings),
            2 => Feature::Floats(floats),
            3 => Feature::Ints(ints),
            _ => found,
        };
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Graph, Interpreter};

    fn message(number: u8, content: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, content.len() as u8], content].concat()
    }

    /// An example of named features, each the message of its kind.
    fn example(features: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let entry = |(name, feature): &(&str, Vec<u8>)| {
            message(1, &[message(1, name.as_bytes()), message(2, feature)].concat())
        };
        message(1, &features.iter().flat_map(entry).collect::<Vec<u8>>())
    }

    fn floats(values: &[f32]) -> Vec<u8> {
        let packed: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        message(2, &message(1, &packed))
    }

    fn run(op: ParseExample, keys: [&[&str]; 3], defaults: Vec<Tensor>, examples: &[Vec<u8>]) -> Result<Vec<Tensor>> {
        let mut g = Graph::new();
        let text = |keys: &[&str]| Tensor::from_strings(keys.iter().map(|k| k.as_bytes()), [keys.len()]).unwrap();
        let mut inputs = vec![g.add_single(super::super::Const { value: vector(examples.to_vec())? }, &[])?];
        for tensor in std::iter::once(text(&[])).chain(keys.map(text)).chain(defaults) {
            inputs.push(g.add_single(super::super::Const { value: tensor }, &[])?);
        }
        let id = g.add_node("parse", Arc::new(op), &inputs)?;
        let outputs = g.values(id);
        let results = Interpreter::new(&g, &[], &outputs, &[]).run(Vec::new())?;
        results.into_iter().map(RuntimeValue::into_tensor).collect()
    }

    #[test]
    fn dense_sparse_and_ragged_features() {
        let op = ParseExample {
            second: true,
            sparse: vec![DType::String],
            dense: vec![(DType::F32, Dims::from([Some(2)])), (DType::F32, Dims::from([None]))],
            ragged: vec![(DType::I64, DType::I32)],
        };
        let words = message(1, &[message(1, b"a"), message(1, b"b")].concat());
        // Unpacked, and packed: 1, then -1 and 300.
        let ints =
            message(3, &[vec![8, 1], message(1, &[255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 172, 2])].concat());
        let first = example(&[("x", floats(&[1.0, 2.0])), ("long", floats(&[5.0])), ("words", words), ("ids", ints)]);
        let second = example(&[("long", floats(&[6.0, 7.0]))]);
        let defaults =
            vec![Tensor::from_vec(vec![8f32, 9.0], [2]).unwrap(), Tensor::from_vec(vec![-1f32], [1]).unwrap()];
        let found = run(op.clone(), [&["words"], &["x", "long"], &["ids"]], defaults, &[first, second]).unwrap();
        assert_eq!(found[0].as_slice::<i64>().unwrap(), [0, 0, 0, 1]);
        assert_eq!(found[1].as_slice::<Vec<u8>>().unwrap(), [b"a".to_vec(), b"b".to_vec()]);
        assert_eq!(found[2].as_slice::<i64>().unwrap(), [2, 2]);
        assert_eq!(found[3].as_slice::<f32>().unwrap(), [1.0, 2.0, 8.0, 9.0]);
        assert_eq!(found[4].as_slice::<f32>().unwrap(), [5.0, -1.0, 6.0, 7.0]);
        assert_eq!(found[5].as_slice::<i64>().unwrap(), [1, -1, 300]);
        assert_eq!(found[6].as_slice::<i32>().unwrap(), [0, 3, 3]);
    }

    #[test]
    fn wrong_examples_are_explained() {
        let op = || ParseExample {
            second: true,
            sparse: Vec::new(),
            dense: vec![(DType::F32, Dims::from([Some(1)]))],
            ragged: Vec::new(),
        };
        let none = || vec![Tensor::from_vec(Vec::<f32>::new(), [0]).unwrap()];
        let error = |examples: &[Vec<u8>]| run(op(), [&[], &["x"], &[]], none(), examples).unwrap_err().to_string();
        assert!(error(&[vec![255; 4]]).contains("example 0"), "{}", error(&[vec![255; 4]]));
        assert!(error(&[vec![]]).contains("dense feature `x`"), "{}", error(&[vec![]]));
        let ints = example(&[("x", message(3, &[8, 1]))]);
        assert!(error(std::slice::from_ref(&ints)).contains("float32"), "{}", error(std::slice::from_ref(&ints)));
        let two = example(&[("x", floats(&[1.0, 2.0]))]);
        assert!(error(std::slice::from_ref(&two)).contains("2 in example 0"), "{}", error(std::slice::from_ref(&two)));
    }
}
