//! Elements read as others of the same bits.

use std::sync::Arc;

use kerox_tensor::DType;

use super::declaration::Declaration;
use super::dispatch::unsupported;
use crate::{Attr, Data, Dim, Dims, Grad, Infer, Op, Result, Run, Value, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[Declaration {
    name: "Bitcast",
    signature: "input -> output",
    build: |a| Ok(Arc::new(Bitcast { to: a.dtype("type")? })),
}];

/// `Bitcast(input)`: the bits of elements as elements of another type.
///
/// # Shapes
/// Larger elements come apart along a new last axis; smaller ones are put together along the last axis, which goes.
#[derive(Clone, Copy, Debug)]
pub struct Bitcast {
    /// The type.
    pub to: DType,
}

impl Op for Bitcast {
    fn name(&self) -> &'static str {
        "Bitcast"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("type", Attr::Type(self.to))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        let from = cx.dtype(0)?;
        let size = |dtype: DType| if dtype == DType::Bool { None } else { dtype.size() };
        let (Some(given), Some(made)) = (size(from), size(self.to)) else {
            return Err(cx.wrong("types", "numbers", format!("{from} and {}", self.to)));
        };
        let dims = cx.dims(0)?;
        let Some(axes) = dims.axes() else { return Ok(vec![ValueInfo::new(self.to, Dims::unknown())]) };
        let dims: Dims = if given == made {
            dims.clone()
        } else if given > made {
            let ratio: Dim = Some(given / made);
            axes.iter().copied().chain([ratio]).collect()
        } else {
            let ratio = made / given;
            match axes {
                [lead @ .., last] if last.is_none_or(|last| last == ratio) => lead.iter().copied().collect(),
                _ => return Err(cx.wrong("input", format!("a last axis of {ratio}"), format!("shape {dims}"))),
            }
        };
        Ok(vec![ValueInfo::new(self.to, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let Data::Elements(from) = run.input(0).data else { return Err(unsupported("Bitcast", DType::Variant)) };
        let made = run.outputs[0].dtype();
        let count = run.outputs[0].shape.elements() * made.size().unwrap_or(0);
        match (from.as_bytes(), run.outputs[0].buffer.as_bytes_mut()) {
            (Some(from), Some(to)) => to[..count].copy_from_slice(&from[..count]),
            _ => return Err(unsupported("Bitcast", made)),
        }
        Ok(())
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None])
    }
}
