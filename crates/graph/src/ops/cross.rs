//! Features crossed with each other.

use kerox_tensor::DType;

use super::dispatch::argument;
use super::dynamic::ints;
use super::hash::{fingerprint_cat64, fingerprint64};
use crate::{Dims, Infer, Op, Result, Run, ValueInfo};

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
}
