//! Indices that have to lie in a range.

use kerox_tensor::DType;

use super::dispatch::argument;
use crate::{Infer, Op, Result, Run, ValueInfo};

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
    fn lower(&self, g: &mut crate::Graph, inputs: &[crate::Value]) -> Result<Option<Vec<crate::Value>>> {
        Ok(Some(vec![g.identity(inputs[0])?]))
    }
}
