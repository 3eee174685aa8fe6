//! Greatest common divisors.

use kerox_tensor::DType;
use kerox_tensor::kernels::broadcast::Broadcast;

use super::bits::two_whole_numbers;
use super::dispatch::for_whole;
use crate::{Attr, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// `_Gcd(x, y)`: the greatest number that divides both, with numpy broadcasting; 0 of two zeros.
///
/// The least of signed numbers is its own size, as TensorFlow's `Abs` has it.
#[derive(Clone, Copy, Debug)]
pub struct Gcd;

impl Op for Gcd {
    fn name(&self) -> &'static str {
        "_Gcd"
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
            let size = |x: T| i128::from(x).unsigned_abs();
            let divisor = |a: T, b: T| {
                let (mut a, mut b) = (size(a), size(b));
                while b != 0 {
                    (a, b) = (b, a % b);
                }
                a as T
            };
            plan.map2(a.slice::<T>()?, b.slice::<T>()?, output.slice::<T>()?, divisor);
            Ok(())
        })
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None, None])
    }
    fn lower(&self, g: &mut Graph, inputs: &[Value]) -> Result<Option<Vec<Value>>> {
        let dtype = g.dtype(inputs[0]);
        let (zero, one) = (g.number(0.0, dtype)?, g.number(1.0, dtype)?);
        let size = |g: &mut Graph, x: Value| match dtype {
            DType::U8 | DType::U16 | DType::U32 | DType::U64 => Ok(x),
            _ => g.abs(x),
        };
        let (a, b) = (size(g, inputs[0])?, size(g, inputs[1])?);
        let (zeros_a, zeros_b) = (g.zeros_like(a)?, g.zeros_like(b)?);
        let (mut a, mut b) = (g.add(a, zeros_b)?, g.add(b, zeros_a)?);
        // Two steps at least halve the numbers.
        for _ in 0..16 * dtype.size().unwrap_or(8) {
            let is_done = g.equal(b, zero)?;
            let divisor = g.select(is_done, one, b)?;
            let rest = g.floor_mod(a, divisor)?;
            (a, b) = (g.select(is_done, a, b)?, g.select(is_done, zero, rest)?);
        }
        Ok(Some(vec![a]))
    }
}
