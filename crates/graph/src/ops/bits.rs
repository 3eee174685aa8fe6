//! Operations on the bits of whole numbers.

use std::sync::Arc;

use kerox_tensor::kernels::broadcast::Broadcast;

use super::binary::broadcast_dims;
use super::declaration::Declaration;
use super::dispatch::for_whole;
use crate::{Attr, Grad, Infer, Op, Result, Run, Value, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration { name: "BitwiseAnd", signature: "x, y -> z", build: |_| Ok(Arc::new(Bits(BitsKind::And))) },
    Declaration { name: "BitwiseOr", signature: "x, y -> z", build: |_| Ok(Arc::new(Bits(BitsKind::Or))) },
    Declaration { name: "BitwiseXor", signature: "x, y -> z", build: |_| Ok(Arc::new(Bits(BitsKind::Xor))) },
    Declaration { name: "LeftShift", signature: "x, y -> z", build: |_| Ok(Arc::new(Bits(BitsKind::LeftShift))) },
    Declaration { name: "RightShift", signature: "x, y -> z", build: |_| Ok(Arc::new(Bits(BitsKind::RightShift))) },
];

/// What is done with the bits of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BitsKind {
    /// Those set in both.
    And,
    /// Those set in one at least.
    Or,
    /// Those set in one alone.
    Xor,
    /// Those of the first, moved up by the second.
    LeftShift,
    /// Those of the first, moved down by the second; the sign stays.
    RightShift,
}

/// What is made of two tensors of whole numbers of one type.
pub(super) fn two_whole_numbers(cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
    cx.arity(2)?;
    let dtype = cx.same_dtype()?;
    if !dtype.is_integer() {
        return Err(cx.wrong("input 0", "whole numbers", dtype.to_string()));
    }
    Ok(vec![ValueInfo::new(dtype, broadcast_dims(cx)?)])
}

/// `BitwiseAnd`, `BitwiseOr`, `BitwiseXor`, `LeftShift`, `RightShift`: bits of whole numbers, with numpy broadcasting.
///
/// Shifts by fewer than 0 bits are taken as 0, those by all bits or more as by all but one.
#[derive(Clone, Copy, Debug)]
pub struct Bits(pub BitsKind);

impl Op for Bits {
    fn name(&self) -> &'static str {
        match self.0 {
            BitsKind::And => "BitwiseAnd",
            BitsKind::Or => "BitwiseOr",
            BitsKind::Xor => "BitwiseXor",
            BitsKind::LeftShift => "LeftShift",
            BitsKind::RightShift => "RightShift",
        }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        two_whole_numbers(cx)
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (a, b) = (run.input(0), run.input(1));
        let output = &mut run.outputs[0];
        let plan = Broadcast::new([&a.shape[..], &b.shape[..]])?;
        for_whole!(output.dtype(), self.name(), T => {
            let (a, b, out) = (a.slice::<T>()?, b.slice::<T>()?, output.slice::<T>()?);
            let by = |b: T| i128::from(b).clamp(0, i128::from(T::BITS) - 1) as u32;
            match self.0 {
                BitsKind::And => plan.map2(a, b, out, |a, b| a & b),
                BitsKind::Or => plan.map2(a, b, out, |a, b| a | b),
                BitsKind::Xor => plan.map2(a, b, out, |a, b| a ^ b),
                BitsKind::LeftShift => plan.map2(a, b, out, |a, b| a << by(b)),
                BitsKind::RightShift => plan.map2(a, b, out, |a, b| a >> by(b)),
            }
            Ok(())
        })
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None, None])
    }
}

#[cfg(test)]
mod tests {
    use kerox_tensor::Tensor;

    use super::*;
    use crate::{Executor, Graph, Plan};

    fn check(kind: BitsKind, a: i8, b: i8, expected: i8) {
        let mut g = Graph::new();
        let a = g.constant(Tensor::from_vec(vec![a; 2], [2]).unwrap()).unwrap();
        let b = g.constant(Tensor::scalar(b)).unwrap();
        let y = g.add_single(Bits(kind), &[a, b]).unwrap();
        let mut executor = Executor::new(Plan::compile(&g, &[], &[], &[y], &[]).unwrap());
        executor.run(&[]).unwrap();
        assert_eq!(executor.output(0).tensor().unwrap().as_slice::<i8>().unwrap(), [expected; 2], "{kind:?}");
    }

    #[test]
    fn bits_of_two_numbers() {
        check(BitsKind::And, 6, 3, 2);
        check(BitsKind::Or, 6, 3, 7);
        check(BitsKind::Xor, 6, -1, -7);
        check(BitsKind::LeftShift, 3, 2, 12);
        check(BitsKind::RightShift, -5, 1, -3);
    }

    #[test]
    fn shifts_beyond_all_bits_are_bounded() {
        check(BitsKind::RightShift, -5, 100, -1);
        check(BitsKind::LeftShift, 3, -1, 3);
    }
}
