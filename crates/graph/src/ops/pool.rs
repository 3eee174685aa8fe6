//! Pooling, channels last.

use std::sync::Arc;

use kerox_tensor::kernels::pool::{PoolPlan, Pooling};
use kerox_tensor::kernels::window::{Padding, Window};

use super::conv::{channels_last, padding, padding_attr, spatial};
use super::declaration::Declaration;
use super::dispatch::{for_float, for_number};
use crate::{Attr, Attrs, Dim, Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// `MaxPool`, `AvgPool`, `MaxPool3D`, `AvgPool3D`: the largest element or the mean of each window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// The largest or the mean.
    pub pooling: Pooling,
    /// Elements of the window, an entry a spatial axis.
    pub pool_size: Vec<usize>,
    /// Elements from one window to the next, an entry a spatial axis.
    pub strides: Vec<usize>,
    /// How borders are filled.
    pub padding: Padding,
}

impl Op for Pool {
    fn name(&self) -> &'static str {
        match (self.pooling == Pooling::Max, self.strides.len()) {
            (true, 3) => "MaxPool3D",
            (true, _) => "MaxPool",
            (false, 3) => "AvgPool3D",
            (false, _) => "AvgPool",
        }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let whole = |spatial: &[usize]| {
            let ends = std::iter::once(Attr::Int(1));
            Attr::List(ends.clone().chain(spatial.iter().map(|&s| Attr::Int(s as i64))).chain(ends).collect())
        };
        vec![
            ("T", Attr::Type(inputs[0].dtype)),
            ("ksize", whole(&self.pool_size)),
            ("strides", whole(&self.strides)),
            ("padding", padding_attr(&self.padding)),
            ("data_format", Attr::String(if self.strides.len() == 3 { b"NDHWC".to_vec() } else { b"NHWC".to_vec() })),
        ]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        let dtype = match self.pooling {
            Pooling::Max if cx.dtype(0)?.is_integer() => cx.dtype(0)?,
            _ => cx.float(0)?,
        };
        let rank = self.strides.len() + 2;
        let input = cx.of_rank(0, rank)?;
        let x = input.axes().unwrap_or(&[]);
        let mut axes: Vec<Dim> = vec![x[0]];
        for i in 0..rank - 2 {
            axes.push(match x[i + 1] {
                Some(n) => Some(
                    Window::new(&[n], &self.pool_size[i..=i], &self.strides[i..=i], &[1], &self.padding)?.output()[0],
                ),
                None => None,
            });
        }
        axes.push(x[rank - 1]);
        Ok(vec![ValueInfo::new(dtype, axes.into_iter().collect::<Dims>())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let x = run.input(0);
        let plan = PoolPlan::new(self.pooling, x.shape, &self.pool_size, &self.strides, &self.padding)?;
        for_number!(run.dtype(), self.name(), T => {
            plan.forward(x.slice::<T>()?, run.outputs[0].slice::<T>()?);
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        let (x, y) = (cx.inputs[0], cx.outputs[0]);
        Ok(vec![Some(cx.g.add_single(PoolGrad { pool: self.clone(), through_relu: false }, &[dy, x, y])?)])
    }
}

/// `_PoolGrad(dy, x, y)`.
#[derive(Clone, Debug)]
pub struct PoolGrad {
    /// The pooling.
    pub pool: Pool,
    /// Whether `x` is the value of a relu with respect to whose argument the gradient is.
    pub through_relu: bool,
}

impl Op for PoolGrad {
    fn name(&self) -> &'static str {
        "_PoolGrad"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(3)?;
        Ok(vec![ValueInfo::new(cx.dtype(0)?, cx.dims(1)?.clone())])
    }
    fn reads(&self, input: usize) -> bool {
        input == 0 || self.pool.pooling == Pooling::Max
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (dy, x, y) = (run.input(0), run.input(1), run.input(2));
        let p = &self.pool;
        let plan = PoolPlan::new(p.pooling, x.shape, &p.pool_size, &p.strides, &p.padding)?;
        for_float!(run.dtype(), self.name(), T => {
            let (x, y) = (x.get::<T>()?.unwrap_or(&[]), y.get::<T>()?.unwrap_or(&[]));
            let (dy, dx) = (dy.slice::<T>()?, run.outputs[0].slice::<T>()?);
            match self.through_relu {
                true => plan.backward_through_relu(x, y, dy, dx),
                false => plan.backward(x, y, dy, dx),
            }
            Ok(())
        })
    }
}

fn build(attrs: &Attrs, pooling: Pooling, rank: usize) -> Result<Arc<dyn Op>> {
    channels_last(attrs)?;
    let (pool_size, strides) = (spatial(attrs, "ksize", &[])?, spatial(attrs, "strides", &[])?);
    if pool_size.len() != rank || strides.len() != rank {
        return Err(attrs.wrong("ksize", &format!("{} lengths", rank + 2), attrs.get("ksize")));
    }
    Ok(Arc::new(Pool { pooling, pool_size, strides, padding: padding(attrs)? }))
}

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration { name: "MaxPool", signature: "input -> output", build: |a| build(a, Pooling::Max, 2) },
    Declaration { name: "AvgPool", signature: "value -> output", build: |a| build(a, Pooling::Average, 2) },
    Declaration { name: "MaxPool3D", signature: "input -> output", build: |a| build(a, Pooling::Max, 3) },
    Declaration { name: "AvgPool3D", signature: "input -> output", build: |a| build(a, Pooling::Average, 3) },
];

impl Graph {
    /// The largest element of each window, over 1, 2 or 3 spatial axes (as many as `pool_size` has entries).
    ///
    /// # Shapes
    /// `x` is `[batch, spatial..., channels]`.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where a window does not fit.
    pub fn max_pool(&mut self, x: Value, pool_size: &[usize], strides: &[usize], padding: Padding) -> Result<Value> {
        self.pool(x, Pooling::Max, pool_size, strides, padding)
    }

    /// The mean of each window, of what lies inside the borders.
    ///
    /// # Shapes
    /// `x` is `[batch, spatial..., channels]`.
    ///
    /// # Errors
    /// As [`Graph::max_pool`].
    pub fn avg_pool(&mut self, x: Value, pool_size: &[usize], strides: &[usize], padding: Padding) -> Result<Value> {
        self.pool(x, Pooling::Average, pool_size, strides, padding)
    }

    fn pool(
        &mut self,
        x: Value,
        pooling: Pooling,
        pool_size: &[usize],
        strides: &[usize],
        padding: Padding,
    ) -> Result<Value> {
        let rank = pool_size.len();
        if !(1..=3).contains(&rank) || strides.len() != rank {
            let found = format!("pool size {pool_size:?}, strides {strides:?}");
            return Err(super::dispatch::argument("MaxPool", "", "strides", "1 to 3 lengths each", found));
        }
        if rank > 1 {
            let (pool_size, strides) = (pool_size.to_vec(), strides.to_vec());
            return self.add_single(Pool { pooling, pool_size, strides, padding }, &[x]);
        }
        let wide = self.expand_dims(x, 2)?;
        let op = Pool { pooling, pool_size: vec![pool_size[0], 1], strides: vec![strides[0], 1], padding };
        let y = self.add_single(op, &[wide])?;
        self.squeeze(y, &[2])
    }
}
