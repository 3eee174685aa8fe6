//! Features crossed with each other.

use std::sync::Arc;

use kerox_tensor::{DType, Tensor, fingerprint_cat64, fingerprint64};

use super::declaration::Declaration;
use super::dispatch::argument;
use super::dynamic::{Arguments, ints, run_interpreted};
use crate::{Attr, Attrs, Dims, Graph, Infer, Op, Result, Run, RunContext, RuntimeValue, Value, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[Declaration {
    name: "SparseCross",
    signature: "indices[N], values{sparse_types}, shapes[N], dense_inputs{dense_types} -> output_indices, output_values, output_shape",
    build: SparseCross::build,
}];

/// The key TensorFlow starts with where none is given.
const KEY: u64 = 0xde_cafc_affe;

/// `_HashedCross(features...)`: strings or integers of one shape, hashed together element by element into buckets. It
/// is what `tf.sparse.cross_hashed` gives for columns of one feature each.
#[derive(Clone, Copy, Debug)]
pub struct HashedCross {
    /// Number of buckets.
    pub buckets: u64,
}

impl Op for HashedCross {
    fn name(&self) -> &'static str {
        "_HashedCross"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        let mut dims = Dims::unknown();
        for i in 0..cx.inputs().len() {
            if !matches!(cx.dtype(i)?, DType::String | DType::I64 | DType::I32) {
                let found = cx.dtype(i)?.to_string();
                return Err(cx.wrong(&format!("input {i}"), "strings or integers", found));
            }
            let other = cx.dims(i)?;
            let wrong = || cx.wrong(&format!("input {i}"), dims.to_string(), other.to_string());
            dims = dims.merge(other).ok_or_else(wrong)?;
        }
        Ok(vec![ValueInfo::new(DType::I64, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        if self.buckets == 0 {
            return Err(argument(self.name(), "", "buckets", "at least 1", "0"));
        }
        let mut hashes = vec![KEY; run.outputs[0].shape.elements()];
        for input in run.inputs {
            if input.dtype() == Some(DType::String) {
                for (hash, feature) in hashes.iter_mut().zip(input.slice::<Vec<u8>>()?) {
                    *hash = fingerprint_cat64(*hash, fingerprint64(feature));
                }
            } else {
                let features = ints(&input.tensor()?).unwrap_or_default();
                for (hash, feature) in hashes.iter_mut().zip(features) {
                    *hash = fingerprint_cat64(*hash, feature as u64);
                }
            }
        }
        let output = run.outputs[0].slice::<i64>()?;
        output.iter_mut().zip(hashes).for_each(|(o, hash)| *o = (hash % self.buckets) as i64);
        Ok(())
    }
    fn lower(&self, g: &mut Graph, inputs: &[Value]) -> Result<Option<Vec<Value>>> {
        let column = g.constant(Tensor::from_vec(vec![-1i32, 1], [2])?)?;
        let mut columns = Vec::with_capacity(inputs.len());
        for &input in inputs {
            let input = if g.dtype(input) == DType::I32 { g.cast(input, DType::I64)? } else { input };
            columns.push(g.reshape_to(input, column)?);
        }
        let crossed = g.add_op(SparseCross { buckets: self.buckets, key: KEY }, &columns)?;
        let shape = g.shape_of(inputs[0])?;
        Ok(Some(vec![g.reshape_to(crossed[1], shape)?]))
    }
}

/// `SparseCross(features...)`: in each row every feature of a column together with each of the others, hashed into
/// buckets. Gives the places, the buckets and the shape of a sparse matrix. Columns are dense `[rows, n]`.
#[derive(Clone, Copy, Debug)]
pub struct SparseCross {
    /// Number of buckets; the hashes themselves where 0.
    pub buckets: u64,
    /// What hashing starts with.
    pub key: u64,
}

/// Crosses that one call may give.
const MAX_CROSSES: usize = 1 << 27;

impl SparseCross {
    fn build(attrs: &Attrs) -> Result<Arc<dyn Op>> {
        if attrs.int_or("N", 0)? != 0 {
            return Err(attrs.wrong("N", "dense columns alone", attrs.get("N")));
        }
        if !attrs.bool_or("hashed_output", false)? {
            return Err(attrs.wrong("hashed_output", "true", attrs.get("hashed_output")));
        }
        let buckets = u64::try_from(attrs.int("num_buckets")?);
        let buckets = buckets.map_err(|_| attrs.wrong("num_buckets", "0 or more", attrs.get("num_buckets")))?;
        Ok(Arc::new(SparseCross { buckets, key: attrs.int("hash_key")? as u64 }))
    }
}

impl Op for SparseCross {
    fn name(&self) -> &'static str {
        "SparseCross"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let is_text = inputs.iter().all(|input| input.dtype == DType::String);
        vec![
            ("N", Attr::Int(0)),
            ("hashed_output", Attr::Bool(true)),
            ("num_buckets", Attr::Int(self.buckets as i64)),
            ("hash_key", Attr::Int(self.key as i64)),
            ("sparse_types", Attr::List(Vec::new())),
            ("dense_types", Attr::List(inputs.iter().map(|input| Attr::Type(input.dtype)).collect())),
            ("out_type", Attr::Type(DType::I64)),
            ("internal_type", Attr::Type(if is_text { DType::String } else { DType::I64 })),
        ]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        for i in 0..cx.inputs().len() {
            cx.of_rank(i, 2)?;
            if !matches!(cx.dtype(i)?, DType::String | DType::I64) {
                return Err(cx.wrong(&format!("input {i}"), "strings or int64", cx.dtype(i)?.to_string()));
            }
        }
        Ok(vec![
            ValueInfo::new(DType::I64, [None, Some(2)]),
            ValueInfo::new(DType::I64, [None]),
            ValueInfo::new(DType::I64, [Some(2)]),
        ])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        run_interpreted(self, run)
    }
    fn interpret(&self, cx: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let mut a = Arguments::new(self.name(), cx, inputs);
        let mut columns = Vec::new();
        let (mut rows, mut width) = (None, 1usize);
        for column in a.rest() {
            let column = column.into_tensor()?;
            let &[height, features] = &column.shape()[..] else {
                return Err(a.wrong("matrices", column.shape().to_string()));
            };
            if *rows.get_or_insert(height) != height {
                return Err(a.wrong("columns of as many rows", column.shape().to_string()));
            }
            width = width.saturating_mul(features);
            let hashes: Vec<u64> = match column.dtype() {
                DType::String => column.as_slice::<Vec<u8>>()?.iter().map(|text| fingerprint64(text)).collect(),
                _ => column.as_slice::<i64>()?.iter().map(|&number| number as u64).collect(),
            };
            columns.push((features, hashes));
        }
        let rows = rows.unwrap_or(0);
        if rows.saturating_mul(width) > MAX_CROSSES {
            return Err(a.wrong(format!("at most {MAX_CROSSES} crosses"), format!("{rows} rows of {width}")));
        }
        let (mut places, mut buckets) = (Vec::new(), Vec::with_capacity(rows * width));
        for row in 0..rows {
            let mut crosses = vec![self.key];
            for (features, hashes) in &columns {
                let features = hashes.get(row * features..(row + 1) * features).unwrap_or_default();
                crosses = crosses
                    .iter()
                    .flat_map(|&cross| features.iter().map(move |&feature| fingerprint_cat64(cross, feature)))
                    .collect();
            }
            for (column, hash) in crosses.into_iter().enumerate() {
                places.extend([row as i64, column as i64]);
                // Without buckets hashes are kept below the largest integer.
                let count = if self.buckets == 0 { i64::MAX as u64 } else { self.buckets };
                buckets.push((hash % count) as i64);
            }
        }
        let count = buckets.len();
        Ok(vec![
            Tensor::from_vec(places, [count, 2])?.into(),
            Tensor::from_vec(buckets, [count])?.into(),
            Tensor::from_vec(vec![rows as i64, width as i64], [2])?.into(),
        ])
    }
}
