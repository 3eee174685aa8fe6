//! Operations that change or look at shapes.

use kerox_tensor::Tensor;

use crate::{Attr, Dim, Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// `Reshape(tensor, shape)`: the same elements in another shape; one length may be -1.
#[derive(Clone, Copy, Debug)]
pub struct Reshape;

impl Op for Reshape {
    fn name(&self) -> &'static str {
        "Reshape"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("Tshape", Attr::Type(inputs[1].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        let input = cx.input(0)?;
        let target = cx.input(1)?;
        let Some(lengths) = target.ints() else {
            let rank = target.dims.axes().and_then(|axes| axes.first().copied().flatten());
            return Ok(vec![ValueInfo::new(input.dtype, rank.map_or(Dims::unknown(), Dims::of_rank))]);
        };
        let fail = |found: &str| {
            Err(cx.wrong("shape", format!("one that holds the elements of {}", input.dims), found.to_string()))
        };
        let text = format!("{:?}", lengths.iter().map(|l| l.map_or("?".into(), |l| l.to_string())).collect::<Vec<_>>());
        let mut axes: Vec<Dim> = Vec::with_capacity(lengths.len());
        let mut open = None;
        for (i, length) in lengths.iter().enumerate() {
            axes.push(match *length {
                Some(-1) if open.is_some() => return fail(&text),
                Some(-1) => {
                    open = Some(i);
                    None
                }
                Some(length) if length < 0 => return fail(&text),
                Some(length) => Some(length as usize),
                None => None,
            });
        }
        if let (Some(shape), true) = (input.dims.shape(), lengths.iter().all(Option::is_some)) {
            let elements = shape.checked_elements()?;
            let rest: usize = axes.iter().flatten().product();
            match open {
                Some(at) if rest > 0 && elements % rest == 0 => axes[at] = Some(elements / rest),
                Some(at) if elements == 0 => axes[at] = Some(0),
                None if rest == elements => {}
                _ => return fail(&text),
            }
        }
        Ok(vec![ValueInfo { dtype: input.dtype, dims: axes.into_iter().collect(), known: None }])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        *run.outputs[0].buffer = run.input(0).tensor()?.into_buffer();
        Ok(())
    }
    fn as_dyn(&self) -> &dyn Op {
        self
    }
    fn is_alias(&self) -> bool {
        true
    }
    fn reads(&self, input: usize) -> bool {
        input == 0
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        Ok(vec![Some(cx.g.reshape_like(dy, cx.inputs[0])?), None])
    }
}

impl Graph {
    /// The same elements in another shape; one length may be -1.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where the number of elements differs.
    pub fn reshape(&mut self, x: Value, lengths: &[i64]) -> Result<Value> {
        let lengths: Vec<i32> = lengths.iter().map(|&l| l as i32).collect();
        let rank = lengths.len();
        let shape = self.constant(Tensor::from_vec(lengths, [rank])?)?;
        self.add_single(Reshape, &[x, shape])
    }
}
