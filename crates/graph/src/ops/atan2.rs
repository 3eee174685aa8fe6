//! Angles of points.

use std::sync::Arc;

use super::declaration::Declaration;
use super::dispatch::{argument, for_float};
use crate::{Attr, Grad, Infer, Op, Result, Run, Value, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] =
    &[Declaration { name: "Atan2", signature: "y, x -> z", build: |_| Ok(Arc::new(Atan2)) }];

/// `Atan2(y, x)`: the angle of the point `(x, y)` in radians, with values of one shape.
#[derive(Clone, Copy, Debug)]
pub struct Atan2;

impl Op for Atan2 {
    fn name(&self) -> &'static str {
        "Atan2"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        let dtype = cx.same_dtype()?;
        cx.float(0)?;
        let (y, x) = (cx.dims(0)?, cx.dims(1)?);
        let dims = y.merge(x).ok_or_else(|| cx.wrong("x", y.to_string(), x.to_string()))?;
        Ok(vec![ValueInfo::new(dtype, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (y, x) = (run.input(0), run.input(1));
        if y.shape != x.shape {
            return Err(argument("Atan2", "", "x", y.shape.to_string(), x.shape.to_string()));
        }
        let output = &mut run.outputs[0];
        for_float!(output.dtype(), "Atan2", T => {
            let points = y.slice::<T>()?.iter().zip(x.slice::<T>()?);
            output.slice::<T>()?.iter_mut().zip(points).for_each(|(z, (y, x))| *z = y.atan2(*x));
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dz = cx.upstream(0)?;
        let (y, x) = (cx.inputs[0], cx.inputs[1]);
        let (yy, xx) = (cx.g.square(y)?, cx.g.square(x)?);
        let sum = cx.g.add(yy, xx)?;
        let part = cx.g.divide(dz, sum)?;
        let dy = cx.g.multiply(part, x)?;
        let dx = cx.g.multiply(part, y)?;
        Ok(vec![Some(dy), Some(cx.g.negate(dx)?)])
    }
}
