//! Images in another size.

use std::sync::Arc;

use kerox_tensor::kernels::resize::{Interpolation, ResizeKernel, ResizePlan, Scaling};
use kerox_tensor::{DType, Shape};

use super::declaration::Declaration;
use super::dispatch::{argument, for_float};
use super::movement::dims_of;
use crate::{Attr, Attrs, Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo, View};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration {
        name: "ResizeBilinear",
        signature: "images, size -> resized_images",
        build: |a| build(a, Interpolation::Bilinear),
    },
    Declaration {
        name: "ResizeNearestNeighbor",
        signature: "images, size -> resized_images",
        build: |a| build(a, Interpolation::Nearest),
    },
    Declaration {
        name: "ResizeBicubic",
        signature: "images, size -> resized_images",
        build: |a| build(a, Interpolation::Bicubic),
    },
    Declaration {
        name: "ResizeArea",
        signature: "images, size -> resized_images",
        build: |a| build(a, Interpolation::Area),
    },
    Declaration {
        name: "ScaleAndTranslate",
        signature: "images, size, scale, translation -> resized_images",
        build: |a| {
            let name = a.string_or("kernel_type", "lanczos3")?;
            let kernel = ResizeKernel::ALL.iter().find(|(known, _)| *known == name);
            let wrong = || a.wrong("kernel_type", "the name of a kernel", a.get("kernel_type"));
            let &(_, kernel) = kernel.ok_or_else(wrong)?;
            Ok(Arc::new(ScaleAndTranslate { kernel, antialias: a.bool_or("antialias", true)? }))
        },
    },
];

fn build(attrs: &Attrs, interpolation: Interpolation) -> Result<Arc<dyn Op>> {
    if attrs.bool_or("align_corners", false)? {
        return Err(attrs.wrong("align_corners", "false", attrs.get("align_corners")));
    }
    if interpolation != Interpolation::Area && !attrs.bool_or("half_pixel_centers", false)? {
        return Err(attrs.wrong("half_pixel_centers", "true, as `tf.image.resize` has it", None));
    }
    Ok(Arc::new(Resize { interpolation }))
}

/// `ResizeBilinear(images, size)` and its relatives, with pixels whose centres lie at halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resize {
    /// How pixels between pixels are made.
    pub interpolation: Interpolation,
}

impl Resize {
    fn plan(&self, input: &Shape, output: &Shape) -> Result<ResizePlan> {
        match output[..] {
            [_, height, width, _] => Ok(ResizePlan::new(self.interpolation, input, [height, width])?),
            _ => Err(argument("Resize", "", "size", "height and width", output.to_string())),
        }
    }
}

impl Op for Resize {
    fn name(&self) -> &'static str {
        match self.interpolation {
            Interpolation::Nearest => "ResizeNearestNeighbor",
            Interpolation::Bilinear => "ResizeBilinear",
            Interpolation::Bicubic => "ResizeBicubic",
            Interpolation::Area => "ResizeArea",
        }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let mut attrs = vec![("T", Attr::Type(inputs[0].dtype)), ("align_corners", Attr::Bool(false))];
        if self.interpolation != Interpolation::Area {
            attrs.push(("half_pixel_centers", Attr::Bool(true)));
        }
        attrs
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        let images = cx.of_rank(0, 4)?;
        let axes = images.axes().unwrap_or(&[]);
        let size = dims_of(cx, 1)?.unwrap_or(Dims::of_rank(2));
        let Some(&[height, width]) = size.axes() else {
            return Err(cx.wrong("size", "height and width", size.to_string()));
        };
        // Only the nearest pixel keeps the type; TensorFlow computes all else in single precision.
        let dtype = match cx.dtype(0)? {
            DType::F64 => DType::F64,
            other if self.interpolation == Interpolation::Nearest => other,
            _ => DType::F32,
        };
        Ok(vec![ValueInfo::new(dtype, [axes[0], height, width, axes[3]])])
    }
    fn reads(&self, input: usize) -> bool {
        input == 0
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let x = run.input(0);
        let output = &mut run.outputs[0];
        let plan = self.plan(x.shape, output.shape)?;
        for_float!(output.dtype(), self.name(), T => {
            plan.forward(x.slice::<T>()?, output.slice::<T>()?);
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        let x = cx.inputs[0];
        Ok(vec![Some(cx.g.add_single(ResizeGrad(*self), &[dy, x])?), None])
    }
}

/// `_ResizeGrad(dy, x)`.
#[derive(Clone, Copy, Debug)]
pub struct ResizeGrad(
    /// The resize.
    pub Resize,
);

impl Op for ResizeGrad {
    fn name(&self) -> &'static str {
        "_ResizeGrad"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        cx.of_rank(0, 4)?;
        Ok(vec![ValueInfo::new(cx.dtype(0)?, cx.of_rank(1, 4)?)])
    }
    fn reads(&self, input: usize) -> bool {
        input == 0
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let dy = run.input(0);
        let output = &mut run.outputs[0];
        let plan = self.0.plan(output.shape, dy.shape)?;
        for_float!(output.dtype(), self.name(), T => {
            plan.backward(dy.slice::<T>()?, output.slice::<T>()?);
            Ok(())
        })
    }
}

/// `ScaleAndTranslate(images, size, scale, translation)`: images in another size by a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScaleAndTranslate {
    /// How pixels are weighted.
    pub kernel: ResizeKernel,
    /// Whether the kernel is stretched where images become smaller.
    pub antialias: bool,
}

impl ScaleAndTranslate {
    fn plan(&self, input: &Shape, output: &Shape, scale: View<'_>, translation: View<'_>) -> Result<ResizePlan> {
        let (scale, translation) = (scale.slice::<f32>()?, translation.slice::<f32>()?);
        let (&[sy, sx], &[ty, tx], &[_, height, width, _]) = (scale, translation, &output[..]) else {
            return Err(argument(self.name(), "", "scale", "numbers for height and width", format!("{}", scale.len())));
        };
        let scalings = [Scaling { scale: sy, translation: ty }, Scaling { scale: sx, translation: tx }];
        Ok(ResizePlan::scaled(self.kernel, self.antialias, scalings, input, [height, width])?)
    }
}

impl Op for ScaleAndTranslate {
    fn name(&self) -> &'static str {
        "ScaleAndTranslate"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![
            ("T", Attr::Type(inputs[0].dtype)),
            ("kernel_type", Attr::String(self.kernel.name().as_bytes().to_vec())),
            ("antialias", Attr::Bool(self.antialias)),
        ]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(4)?;
        let images = cx.of_rank(0, 4)?;
        let axes = images.axes().unwrap_or(&[]);
        let size = dims_of(cx, 1)?.unwrap_or(Dims::of_rank(2));
        let Some(&[height, width]) = size.axes() else {
            return Err(cx.wrong("size", "height and width", size.to_string()));
        };
        cx.of_dtype(2, DType::F32)?;
        cx.of_dtype(3, DType::F32)?;
        let dtype = if cx.dtype(0)? == DType::F64 { DType::F64 } else { DType::F32 };
        Ok(vec![ValueInfo::new(dtype, [axes[0], height, width, axes[3]])])
    }
    fn reads(&self, input: usize) -> bool {
        input != 1
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let x = run.input(0);
        let (scale, translation) = (run.input(2), run.input(3));
        let output = &mut run.outputs[0];
        let plan = self.plan(x.shape, output.shape, scale, translation)?;
        for_float!(output.dtype(), self.name(), T => {
            plan.forward(x.slice::<T>()?, output.slice::<T>()?);
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        let (x, scale, translation) = (cx.inputs[0], cx.inputs[2], cx.inputs[3]);
        let dx = cx.g.add_single(ScaleAndTranslateGrad(*self), &[dy, x, scale, translation])?;
        Ok(vec![Some(dx), None, None, None])
    }
}

/// `_ScaleAndTranslateGrad(dy, x, scale, translation)`.
#[derive(Clone, Copy, Debug)]
pub struct ScaleAndTranslateGrad(
    /// The resize.
    pub ScaleAndTranslate,
);

impl Op for ScaleAndTranslateGrad {
    fn name(&self) -> &'static str {
        "_ScaleAndTranslateGrad"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(4)?;
        cx.of_rank(0, 4)?;
        Ok(vec![ValueInfo::new(cx.dtype(0)?, cx.of_rank(1, 4)?)])
    }
    fn reads(&self, input: usize) -> bool {
        input != 1
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let dy = run.input(0);
        let (scale, translation) = (run.input(2), run.input(3));
        let output = &mut run.outputs[0];
        let plan = self.0.plan(output.shape, dy.shape, scale, translation)?;
        for_float!(output.dtype(), self.name(), T => {
            plan.backward(dy.slice::<T>()?, output.slice::<T>()?);
            Ok(())
        })
    }
}

impl Graph {
    /// Images `[batch, height, width, channels]` in another size, given as integers `[height, width]`, by a kernel.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where `x` has other than 4 axes.
    pub fn scale_to(&mut self, x: Value, size: Value, kernel: ResizeKernel, antialias: bool) -> Result<Value> {
        let lengths = self.shape_of(x)?;
        let lengths = self.slice(lengths, &[1], &[2])?;
        let (from, to) = (self.cast(lengths, DType::F32)?, self.cast(size, DType::F32)?);
        let scale = self.divide(to, from)?;
        let translation = self.full(&[2], 0.0, DType::F32)?;
        self.add_single(ScaleAndTranslate { kernel, antialias }, &[x, size, scale, translation])
    }

    /// Images `[batch, height, width, channels]` in another size.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where `x` has other than 4 axes.
    pub fn resize(&mut self, x: Value, size: [usize; 2], interpolation: Interpolation) -> Result<Value> {
        let size = self.ints(&[size[0] as i64, size[1] as i64])?;
        self.add_single(Resize { interpolation }, &[x, size])
    }
}
