//! Indices that have to lie in a range.

use kerox_tensor::{DType, Tensor};

use super::compare::{Logical, LogicalKind};
use super::dispatch::argument;
use super::lookup_lower::assert_all;
use crate::{Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// `_CheckIndices(indices)`: the indices as they are; one outside of `0..count` is an error.
#[derive(Clone, Debug)]
pub struct CheckIndices {
    /// The first index that is too large.
    pub count: i64,
    /// Who asks: for errors.
    pub owner: String,
}

impl Op for CheckIndices {
    fn name(&self) -> &'static str {
        "_CheckIndices"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        cx.of_dtype(0, DType::I64)?;
        Ok(vec![ValueInfo::new(DType::I64, cx.dims(0)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let input = run.input(0).slice::<i64>()?;
        if let Some(wrong) = input.iter().find(|&&i| !(0..self.count).contains(&i)) {
            let expected = format!("indices in 0..{}", self.count);
            return Err(argument("check indices of", &self.owner, "inputs", expected, wrong.to_string()));
        }
        run.outputs[0].slice::<i64>()?.copy_from_slice(input);
        Ok(())
    }
    fn lower(&self, g: &mut Graph, inputs: &[Value]) -> Result<Option<Vec<Value>>> {
        let (zero, count) = (g.constant(Tensor::scalar(0i64))?, g.constant(Tensor::scalar(self.count))?);
        let (low, high) = (g.greater_equal(inputs[0], zero)?, g.less(inputs[0], count)?);
        let inside = g.add_single(Logical(LogicalKind::And), &[low, high])?;
        let text = format!("`{}`: all values must be in the range 0 <= values < {}", self.owner, self.count);
        assert_all(g, inside, &text)?;
        Ok(Some(vec![g.identity(inputs[0])?]))
    }
}
