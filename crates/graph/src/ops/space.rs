//! Moving blocks of pixels into the batch or the channels, and back.

use std::sync::Arc;

use super::bias::channels_first;
use super::declaration::Declaration;
use super::dispatch::for_any;
use super::movement::ints_of;
use crate::{Attr, Attrs, Dim, Dims, Grad, Infer, Op, Result, Run, Value, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration { name: "SpaceToDepth", signature: "input -> output", build: |a| depth(a, true) },
    Declaration { name: "DepthToSpace", signature: "input -> output", build: |a| depth(a, false) },
    Declaration {
        name: "SpaceToBatchND",
        signature: "input, block_shape, paddings -> output",
        build: |_| Ok(Arc::new(Batch { to_batch: true })),
    },
    Declaration {
        name: "BatchToSpaceND",
        signature: "input, block_shape, crops -> output",
        build: |_| Ok(Arc::new(Batch { to_batch: false })),
    },
];

fn depth(attrs: &Attrs, to_depth: bool) -> Result<Arc<dyn Op>> {
    if channels_first(attrs)? {
        return Err(attrs.wrong("data_format", "channels last (`NHWC`)", attrs.get("data_format")));
    }
    let block = usize::try_from(attrs.int("block_size")?).ok().filter(|b| (1..1 << 16).contains(b));
    let block = block.ok_or_else(|| attrs.wrong("block_size", "at least 1", attrs.get("block_size")))?;
    Ok(Arc::new(Depth { to_depth, block }))
}

/// `SpaceToDepth` and `DepthToSpace`: blocks of pixels as channels of one pixel, and back.
#[derive(Clone, Copy, Debug)]
pub struct Depth {
    /// Whether pixels become channels.
    pub to_depth: bool,
    /// The side of a block.
    pub block: usize,
}

impl Op for Depth {
    fn name(&self) -> &'static str {
        if self.to_depth { "SpaceToDepth" } else { "DepthToSpace" }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![
            ("T", Attr::Type(inputs[0].dtype)),
            ("block_size", Attr::Int(self.block as i64)),
            ("data_format", Attr::String(b"NHWC".to_vec())),
        ]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        let input = cx.of_rank(0, 4)?;
        let b = self.block;
        let wrong = || cx.wrong("input 0", format!("lengths that blocks of {b} divide"), input.to_string());
        let divided = |n: Dim, by: usize| match n {
            Some(n) if n % by != 0 => Err(wrong()),
            n => Ok(n.map(|n| n / by)),
        };
        let times = |n: Dim, by: usize| match n {
            Some(n) => n.checked_mul(by).map(Some).ok_or_else(wrong),
            None => Ok(None),
        };
        let &[n, h, w, c] = input.axes().unwrap_or(&[]) else { return Err(wrong()) };
        let dims = if self.to_depth {
            Dims::from([n, divided(h, b)?, divided(w, b)?, times(c, b * b)?])
        } else {
            Dims::from([n, times(h, b)?, times(w, b)?, divided(c, b * b)?])
        };
        Ok(vec![ValueInfo::new(cx.dtype(0)?, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (input, b) = (run.input(0), self.block);
        let output = &mut run.outputs[0];
        let (fine, coarse) = if self.to_depth { (input.shape, output.shape) } else { (output.shape, input.shape) };
        let (h, w, c) = (fine[1], fine[2], fine[3]);
        let (rows, columns) = (coarse[1], coarse[2]);
        let pixels = fine[0] * h * w;
        for_any!(output.dtype(), self.name(), T => {
            let (from, to) = (input.slice::<T>()?, output.slice::<T>()?);
            for pixel in 0..pixels {
                let (n, y, x) = (pixel / (h * w), pixel / w % h, pixel % w);
                let wide = ((n * rows + y / b) * columns + x / b) * b * b + y % b * b + x % b;
                let (fine, wide) = (pixel * c, wide * c);
                let (a, z) = if self.to_depth { (fine, wide) } else { (wide, fine) };
                to[z..z + c].clone_from_slice(&from[a..a + c]);
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        Ok(vec![Some(cx.g.add_single(Depth { to_depth: !self.to_depth, ..*self }, &[dy])?)])
    }
}

/// `SpaceToBatchND(input, block_shape, paddings)`: pads, then makes of each position within a block a batch of its
/// own; and `BatchToSpaceND(input, block_shape, crops)`, its inverse.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    /// Whether pixels become batches.
    pub to_batch: bool,
}

impl Op for Batch {
    fn name(&self) -> &'static str {
        if self.to_batch { "SpaceToBatchND" } else { "BatchToSpaceND" }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let borders = if self.to_batch { "Tpaddings" } else { "Tcrops" };
        vec![
            ("T", Attr::Type(inputs[0].dtype)),
            ("Tblock_shape", Attr::Type(inputs[1].dtype)),
            (borders, Attr::Type(inputs[2].dtype)),
        ]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(3)?;
        let dtype = cx.dtype(0)?;
        let input = cx.dims(0)?;
        cx.ints(1)?;
        cx.ints(2)?;
        let Some(axes) = input.axes() else { return Ok(vec![ValueInfo::new(dtype, Dims::unknown())]) };
        let all = |ints: Option<Vec<Option<i64>>>| ints.and_then(|ints| ints.into_iter().collect::<Option<Vec<i64>>>());
        let (Some(block), Some(borders)) = (all(cx.ints(1)?), all(cx.ints(2)?)) else {
            return Ok(vec![ValueInfo::new(dtype, Dims::of_rank(axes.len()))]);
        };
        let wrong = |what: &str| cx.wrong(what, "blocks and borders that fit the input", input.to_string());
        let block: Option<Vec<usize>> =
            block.iter().map(|&b| usize::try_from(b).ok().filter(|b| (1..1 << 20).contains(b))).collect();
        let borders: Option<Vec<usize>> =
            borders.iter().map(|&b| usize::try_from(b).ok().filter(|_| b < 1 << 40)).collect();
        let (Some(block), Some(borders)) = (block, borders) else { return Err(wrong("block_shape")) };
        if block.len() + 1 > axes.len() || borders.len() != 2 * block.len() {
            return Err(wrong("block_shape"));
        }
        let product = block.iter().try_fold(1usize, |a, &b| a.checked_mul(b)).ok_or_else(|| wrong("block_shape"))?;
        let mut result: Vec<Dim> = axes.to_vec();
        result[0] = match (axes[0], self.to_batch) {
            (Some(n), true) => Some(n.checked_mul(product).ok_or_else(|| wrong("block_shape"))?),
            (Some(n), false) if n % product != 0 => return Err(wrong("block_shape")),
            (n, _) => n.map(|n| n / product),
        };
        for (i, &b) in block.iter().enumerate() {
            let sum = borders[2 * i] + borders[2 * i + 1];
            result[i + 1] = match axes[i + 1] {
                None => None,
                Some(n) if self.to_batch => {
                    let padded = n.checked_add(sum).filter(|n| n % b == 0).ok_or_else(|| wrong("paddings"))?;
                    Some(padded / b)
                }
                Some(n) => Some(n.checked_mul(b).and_then(|n| n.checked_sub(sum)).ok_or_else(|| wrong("crops"))?),
            };
        }
        Ok(vec![ValueInfo::new(dtype, result.into_iter().collect::<Dims>())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let input = run.input(0);
        let block: Vec<usize> = ints_of(&run.input(1))?.iter().map(|&b| b as usize).collect();
        let borders: Vec<usize> = ints_of(&run.input(2))?.iter().map(|&b| b as usize).collect();
        let output = &mut run.outputs[0];
        let (whole, parts) = if self.to_batch { (input.shape, output.shape) } else { (output.shape, input.shape) };
        let m = block.len();
        let inner: usize = whole[m + 1..].iter().product();
        let pixels: usize = whole[..=m].iter().product();
        for_any!(output.dtype(), self.name(), T => {
            let (from, to) = (input.slice::<T>()?, output.slice::<T>()?);
            // What nothing is written to is padding.
            to.fill(T::default());
            for pixel in 0..pixels {
                let (mut rest, mut at, mut step, mut part, mut parts_step) = (pixel, 0, 1, 0, 1);
                for i in (0..m).rev() {
                    let place = rest % whole[i + 1] + borders[2 * i];
                    rest /= whole[i + 1];
                    at += place / block[i] * step;
                    step *= parts[i + 1];
                    part += place % block[i] * parts_step;
                    parts_step *= block[i];
                }
                let batch = part * whole[0] + rest;
                let (whole_at, part_at) = (pixel * inner, (batch * step + at) * inner);
                let (a, z) = if self.to_batch { (whole_at, part_at) } else { (part_at, whole_at) };
                to[z..z + inner].clone_from_slice(&from[a..a + inner]);
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        let inverse = Batch { to_batch: !self.to_batch };
        Ok(vec![Some(cx.g.add_single(inverse, &[dy, cx.inputs[1], cx.inputs[2]])?), None, None])
    }
}
