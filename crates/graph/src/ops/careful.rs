//! Two numbers combined with care: where the first is 0, and on the way from one number to the next.

use std::sync::Arc;

use kerox_tensor::kernels::broadcast::Broadcast;
use kerox_tensor::kernels::{Float, special};

use super::binary::broadcast_dims;
use super::declaration::Declaration;
use super::dispatch::for_float;
use crate::{Attr, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration { name: "Xlogy", signature: "x, y -> z", build: |_| Ok(Arc::new(Careful::Xlogy)) },
    Declaration { name: "Xlog1py", signature: "x, y -> z", build: |_| Ok(Arc::new(Careful::Xlog1py)) },
    Declaration { name: "Xdivy", signature: "x, y -> z", build: |_| Ok(Arc::new(Careful::Xdivy)) },
    Declaration { name: "MulNoNan", signature: "x, y -> z", build: |_| Ok(Arc::new(Careful::MulNoNan)) },
    Declaration { name: "NextAfter", signature: "x1, x2 -> output", build: |_| Ok(Arc::new(Careful::NextAfter)) },
];

/// `Xlogy`, `Xlog1py`, `Xdivy`, `MulNoNan`, `NextAfter`, with numpy broadcasting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Careful {
    /// `x log(y)`, 0 where `x` is.
    Xlogy,
    /// `x log(1 + y)`, 0 where `x` is.
    Xlog1py,
    /// `x / y`, 0 where `x` is.
    Xdivy,
    /// `x y`, 0 where `y` is.
    MulNoNan,
    /// The number behind the first on the way to the second.
    NextAfter,
}

/// The next number of a type.
trait Next: Float {
    fn next(self, to: Self) -> Self;
}

impl Next for f64 {
    fn next(self, to: f64) -> f64 {
        special::next_after(self, to)
    }
}

impl Next for f32 {
    fn next(self, to: f32) -> f32 {
        if self.is_nan() || to.is_nan() {
            return f32::NAN;
        }
        match to.partial_cmp(&self) {
            Some(std::cmp::Ordering::Greater) => self.next_up(),
            Some(std::cmp::Ordering::Less) => self.next_down(),
            _ => to,
        }
    }
}

impl Careful {
    fn of<T: Next>(self, x: T, y: T) -> T {
        let unless_zero = |z: T| if x == T::ZERO { T::ZERO } else { z };
        match self {
            Careful::Xlogy => unless_zero(x * y.ln()),
            Careful::Xlog1py => unless_zero(x * y.ln_1p()),
            Careful::Xdivy => unless_zero(x / y),
            Careful::MulNoNan if y == T::ZERO => T::ZERO,
            Careful::MulNoNan => x * y,
            Careful::NextAfter => x.next(y),
        }
    }
}

impl Op for Careful {
    fn name(&self) -> &'static str {
        match self {
            Careful::Xlogy => "Xlogy",
            Careful::Xlog1py => "Xlog1py",
            Careful::Xdivy => "Xdivy",
            Careful::MulNoNan => "MulNoNan",
            Careful::NextAfter => "NextAfter",
        }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        cx.float(0)?;
        Ok(vec![ValueInfo::new(cx.same_dtype()?, broadcast_dims(cx)?)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (a, b) = (run.input(0), run.input(1));
        let output = &mut run.outputs[0];
        let plan = Broadcast::new([&a.shape[..], &b.shape[..]])?;
        for_float!(output.dtype(), self.name(), T => {
            plan.map2(a.slice::<T>()?, b.slice::<T>()?, output.slice::<T>()?, |x, y| self.of(x, y));
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let (x, y, dz) = (cx.inputs[0], cx.inputs[1], cx.upstream(0)?);
        let g = &mut *cx.g;
        let (dx, dy) = match self {
            Careful::NextAfter => return Ok(vec![Some(g.sum_to_like(dz, x)?), None]),
            Careful::MulNoNan => {
                (g.add_single(Careful::MulNoNan, &[dz, y])?, g.add_single(Careful::MulNoNan, &[x, dz])?)
            }
            Careful::Xlogy | Careful::Xlog1py | Careful::Xdivy => {
                let zeros = g.zeros_like(x)?;
                let is_some = g.not_equal(x, zeros)?;
                let is_some = g.cast(is_some, g.dtype(x))?;
                let of_x = g.add_single(*self, &[is_some, y])?;
                let of_y = match self {
                    Careful::Xlogy => g.add_single(Careful::Xdivy, &[x, y])?,
                    Careful::Xlog1py => {
                        let one = g.number(1.0, g.dtype(y))?;
                        let above = g.add(y, one)?;
                        g.add_single(Careful::Xdivy, &[x, above])?
                    }
                    _ => negative_share(g, x, y)?,
                };
                (g.multiply(dz, of_x)?, g.multiply(dz, of_y)?)
            }
        };
        Ok(vec![Some(g.sum_to_like(dx, x)?), Some(g.sum_to_like(dy, y)?)])
    }
}

/// `-x / y²`, 0 where `x` is.
fn negative_share(g: &mut Graph, x: Value, y: Value) -> Result<Value> {
    let (minus, square) = (g.negate(x)?, g.square(y)?);
    g.add_single(Careful::Xdivy, &[minus, square])
}
