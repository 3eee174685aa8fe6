//! Convolutions and their gradients, over 2 or 3 spatial axes, channels last.

use std::sync::Arc;

use kerox_tensor::Shape;
use kerox_tensor::kernels::conv::ConvPlan;
use kerox_tensor::kernels::depthwise::DepthwisePlan;
pub use kerox_tensor::kernels::window::Padding;
use kerox_tensor::kernels::window::Window;

use super::bias::channels_first;
use super::declaration::Declaration;
use super::dispatch::{argument, for_float};
use super::fused::Epilogue;
use super::movement::dims_of;
use crate::{Attr, Attrs, Dim, Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// Which of the three operations that belong to a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvKind {
    /// The convolution: input and filter.
    Forward,
    /// Its gradient with respect to the input, which is also the transposed convolution: input sizes, filter, dy.
    BackpropInput,
    /// Its gradient with respect to the filter: input, filter sizes, dy.
    BackpropFilter,
}

/// `Conv2D`, `Conv3D`, `DepthwiseConv2dNative` and their gradients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Which of the three.
    pub kind: ConvKind,
    /// Whether each channel has filters of its own.
    pub depthwise: bool,
    /// Elements from one window to the next, an entry a spatial axis.
    pub strides: Vec<usize>,
    /// Elements from one tap of the filter to the next, an entry a spatial axis.
    pub dilations: Vec<usize>,
    /// How borders are filled.
    pub padding: Padding,
}

/// A planned convolution of either sort.
enum Plan {
    Full(ConvPlan),
    Depthwise(DepthwisePlan),
}

impl Conv {
    fn plan(&self, input: &[usize], filter: &[usize]) -> Result<Plan> {
        Ok(if self.depthwise {
            Plan::Depthwise(DepthwisePlan::new(input, filter, &self.strides, &self.dilations, &self.padding)?)
        } else {
            Plan::Full(ConvPlan::new(input, filter, &self.strides, &self.dilations, &self.padding)?)
        })
    }

    fn with(&self, kind: ConvKind) -> Conv {
        Conv { kind, ..self.clone() }
    }

    /// Shapes of the convolution's input, filter and output among inputs and outputs of this operation.
    fn shapes<'s>(&self, inputs: [&'s Shape; 3], output: &'s Shape) -> [&'s Shape; 3] {
        match self.kind {
            ConvKind::Forward => [inputs[0], inputs[1], output],
            ConvKind::BackpropInput => [output, inputs[1], inputs[2]],
            ConvKind::BackpropFilter => [inputs[0], output, inputs[2]],
        }
    }

    fn infer_forward(&self, cx: &Infer<'_>) -> Result<Dims> {
        let rank = self.strides.len() + 2;
        let (input, filter) = (cx.of_rank(0, rank)?, cx.of_rank(1, rank)?);
        let (x, f) = (input.axes().unwrap_or(&[]), filter.axes().unwrap_or(&[]));
        let fail = |what: &str| Err(cx.wrong("filter", what, format!("{filter} for input {input}")));
        let (channels, depth) = (x[rank - 1], f[rank - 2]);
        match (channels, depth) {
            (Some(c), Some(d)) if self.depthwise && c != d => return fail("the channels of the input"),
            (Some(c), Some(d)) if !self.depthwise && (d == 0 || c % d != 0) => {
                return fail("channels that divide those of the input");
            }
            _ => {}
        }
        let mut axes: Vec<Dim> = vec![x[0]];
        for i in 0..rank - 2 {
            axes.push(match (x[i + 1], f[i]) {
                (Some(n), Some(k)) => Some(self.length(i, n, k)?),
                _ => None,
            });
        }
        axes.push(if self.depthwise { channels.or(depth).zip(f[rank - 1]).map(|(c, m)| c * m) } else { f[rank - 1] });
        Ok(axes.into_iter().collect())
    }

    /// The length of spatial axis `i` of the output.
    fn length(&self, i: usize, n: usize, k: usize) -> Result<usize> {
        let padding = match &self.padding {
            Padding::Explicit(pairs) => Padding::Explicit(pairs.get(i..=i).unwrap_or(&[]).to_vec()),
            other => other.clone(),
        };
        Ok(Window::new(&[n], &[k], &self.strides[i..=i], &self.dilations[i..=i], &padding)?.output()[0])
    }

    /// Runs the convolution; what follows one that goes forward is done on the way.
    pub(super) fn run_with(&self, run: &mut Run<'_, '_>, epilogue: Option<&Epilogue<'_, '_>>) -> Result<()> {
        let inputs = run.inputs;
        let output = &mut run.outputs[0];
        let third = inputs.get(2).unwrap_or(&inputs[0]);
        let [x, f, _] = self.shapes([inputs[0].shape, inputs[1].shape, third.shape], output.shape);
        let plan = self.plan(x, f)?;
        for_float!(output.dtype(), self.name(), T => {
            let out = output.slice::<T>()?;
            let scratch = <T as kerox_tensor::Element>::slice_mut(run.scratch).map_or(&mut [][..], |v| &mut v[..]);
            let (a, b) = match self.kind {
                ConvKind::Forward => (inputs[0].slice::<T>()?, inputs[1].slice::<T>()?),
                ConvKind::BackpropInput => (inputs[1].slice::<T>()?, inputs[2].slice::<T>()?),
                ConvKind::BackpropFilter => (inputs[0].slice::<T>()?, inputs[2].slice::<T>()?),
            };
            let (finish, scratch) = match epilogue {
                Some(epilogue) => {
                    let (prepared, scratch) = epilogue.prepare::<T>(scratch)?;
                    (Some(prepared), scratch)
                }
                None => (None, scratch),
            };
            match (plan, self.kind, finish) {
                (Plan::Full(plan), ConvKind::Forward, Some(finish)) => {
                    plan.forward_with(a, b, out, scratch, |first, y| finish.apply(first, y));
                }
                (Plan::Depthwise(plan), ConvKind::Forward, Some(finish)) => {
                    plan.forward_with(a, b, out, |first, y| finish.apply(first, y));
                }
                (Plan::Full(plan), ConvKind::Forward, _) => plan.forward(a, b, out, scratch),
                (Plan::Full(plan), ConvKind::BackpropInput, _) => plan.backward_input(a, b, out, scratch),
                (Plan::Full(plan), ConvKind::BackpropFilter, _) => plan.backward_filter(a, b, out, scratch),
                (Plan::Depthwise(plan), ConvKind::Forward, _) => plan.forward(a, b, out),
                (Plan::Depthwise(plan), ConvKind::BackpropInput, _) => plan.backward_input(a, b, out),
                (Plan::Depthwise(plan), ConvKind::BackpropFilter, _) => plan.backward_filter(a, b, out),
            }
            Ok(())
        })
    }
}

impl Op for Conv {
    fn name(&self) -> &'static str {
        use ConvKind::*;
        match (self.depthwise, self.strides.len(), self.kind) {
            (true, _, Forward) => "DepthwiseConv2dNative",
            (true, _, BackpropInput) => "DepthwiseConv2dNativeBackpropInput",
            (true, _, BackpropFilter) => "DepthwiseConv2dNativeBackpropFilter",
            (false, 3, Forward) => "Conv3D",
            (false, 3, BackpropInput) => "Conv3DBackpropInputV2",
            (false, 3, BackpropFilter) => "Conv3DBackpropFilterV2",
            (false, _, Forward) => "Conv2D",
            (false, _, BackpropInput) => "Conv2DBackpropInput",
            (false, _, BackpropFilter) => "Conv2DBackpropFilter",
        }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let dtype = inputs[if self.kind == ConvKind::BackpropInput { 1 } else { 0 }].dtype;
        let whole = |spatial: &[usize]| {
            let ends = std::iter::once(Attr::Int(1));
            Attr::List(ends.clone().chain(spatial.iter().map(|&s| Attr::Int(s as i64))).chain(ends).collect())
        };
        let mut attrs = vec![
            ("T", Attr::Type(dtype)),
            ("strides", whole(&self.strides)),
            ("dilations", whole(&self.dilations)),
            ("padding", padding_attr(&self.padding)),
        ];
        if let Padding::Explicit(pairs) = &self.padding {
            let ends = [(0, 0)];
            let all = ends.iter().chain(pairs).chain(&ends).flat_map(|&(a, b)| [a, b]);
            attrs.push(("explicit_paddings", Attr::List(all.map(|p| Attr::Int(p as i64)).collect())));
        }
        attrs.push((
            "data_format",
            Attr::String(if self.strides.len() == 3 { b"NDHWC".to_vec() } else { b"NHWC".to_vec() }),
        ));
        attrs
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        let rank = self.strides.len() + 2;
        let (dims, dtype) = match self.kind {
            ConvKind::Forward => {
                cx.arity(2)?;
                (self.infer_forward(cx)?, cx.same_dtype()?)
            }
            kind => {
                cx.arity(3)?;
                let sizes = if kind == ConvKind::BackpropInput { 0 } else { 1 };
                let dims = dims_of(cx, sizes)?.unwrap_or(Dims::of_rank(rank));
                let dims = match dims.axes() {
                    // The batch may be left out of the sizes.
                    Some(axes) if axes.len() + 2 == rank && sizes == 0 => Dims::of_rank(rank),
                    Some(axes) if axes.len() != rank => {
                        return Err(cx.wrong("sizes", format!("{rank} lengths"), dims.to_string()));
                    }
                    _ => dims,
                };
                (dims, cx.dtype(2)?)
            }
        };
        let info = ValueInfo::new(dtype, dims);
        if self.kind != ConvKind::Forward {
            let all: Option<Vec<Shape>> = cx.inputs().iter().map(|i| i.dims.shape()).collect();
            if let (Some(all), Some(output)) = (all, info.dims.shape()) {
                let [x, f, y] = self.shapes([&all[0], &all[1], &all[2]], &output);
                let wanted = match self.plan(x, f)? {
                    Plan::Full(plan) => plan.output_shape(),
                    Plan::Depthwise(plan) => plan.output_shape(),
                };
                if wanted != *y {
                    return Err(cx.wrong("out_backprop", wanted.to_string(), y.to_string()));
                }
            }
        }
        Ok(vec![info])
    }
    fn scratch(&self, inputs: &[&Shape], outputs: &[&Shape]) -> usize {
        let third = inputs.get(2).copied().unwrap_or(inputs[0]);
        let [x, f, _] = self.shapes([inputs[0], inputs[1], third], outputs[0]);
        match self.plan(x, f) {
            Ok(Plan::Full(plan)) => plan.scratch_len(),
            _ => 0,
        }
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        self.run_with(run, None)
    }
    fn reads(&self, input: usize) -> bool {
        match self.kind {
            ConvKind::Forward => true,
            ConvKind::BackpropInput => input != 0,
            ConvKind::BackpropFilter => input != 1,
        }
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        let inputs = cx.inputs;
        let g = &mut *cx.g;
        use ConvKind::*;
        Ok(match self.kind {
            Forward => {
                let (x, f) = (inputs[0], inputs[1]);
                let (x_sizes, f_sizes) = (g.shape_of(x)?, g.shape_of(f)?);
                vec![
                    Some(g.add_single(self.with(BackpropInput), &[x_sizes, f, dy])?),
                    Some(g.add_single(self.with(BackpropFilter), &[x, f_sizes, dy])?),
                ]
            }
            BackpropInput => {
                let (f, y) = (inputs[1], inputs[2]);
                let f_sizes = g.shape_of(f)?;
                vec![
                    None,
                    Some(g.add_single(self.with(BackpropFilter), &[dy, f_sizes, y])?),
                    Some(g.add_single(self.with(Forward), &[dy, f])?),
                ]
            }
            BackpropFilter => {
                let (x, y) = (inputs[0], inputs[2]);
                let x_sizes = g.shape_of(x)?;
                vec![
                    Some(g.add_single(self.with(BackpropInput), &[x_sizes, dy, y])?),
                    None,
                    Some(g.add_single(self.with(Forward), &[x, dy])?),
                ]
            }
        })
    }
}

/// The attribute `padding`.
pub(super) fn padding_attr(padding: &Padding) -> Attr {
    Attr::String(match padding {
        Padding::Same => b"SAME".to_vec(),
        Padding::Valid => b"VALID".to_vec(),
        Padding::Explicit(_) => b"EXPLICIT".to_vec(),
    })
}

/// The spatial entries of a list attribute such as `strides`, whose batch and channel entries have to be 1.
pub(super) fn spatial(attrs: &Attrs, name: &str, default: &[i64]) -> Result<Vec<usize>> {
    let all = attrs.ints_or(name, default)?;
    let inner = all.len().checked_sub(1).and_then(|end| all.get(1..end));
    let spatial: Option<Vec<usize>> = inner.and_then(|inner| inner.iter().map(|&i| usize::try_from(i).ok()).collect());
    match spatial {
        Some(spatial) if all.first() == Some(&1) && all.last() == Some(&1) && !spatial.contains(&0) => Ok(spatial),
        _ => Err(attrs.wrong(name, "lengths of at least 1, and 1 for batch and channels", attrs.get(name))),
    }
}

/// Refuses channels before the spatial axes.
pub(super) fn channels_last(attrs: &Attrs) -> Result<()> {
    if channels_first(attrs)? {
        return Err(attrs.wrong("data_format", "channels last (`NHWC`)", attrs.get("data_format")));
    }
    Ok(())
}

/// The attribute `padding` with `explicit_paddings`.
pub(super) fn padding(attrs: &Attrs) -> Result<Padding> {
    match attrs.string("padding")?.as_str() {
        "SAME" => Ok(Padding::Same),
        "VALID" => Ok(Padding::Valid),
        "EXPLICIT" => {
            let all = attrs.ints("explicit_paddings")?;
            let all: Option<Vec<usize>> = all.iter().map(|&p| usize::try_from(p).ok()).collect();
            match all {
                Some(all) if all.len() >= 6 && all.len() % 2 == 0 && all.len() <= 10 => {
                    let pairs = all[2..all.len() - 2].chunks(2).map(|p| (p[0], p[1])).collect();
                    Ok(Padding::Explicit(pairs))
                }
                _ => Err(attrs.wrong("explicit_paddings", "pairs of at least 0", attrs.get("explicit_paddings"))),
            }
        }
        _ => Err(attrs.wrong("padding", "SAME, VALID or EXPLICIT", attrs.get("padding"))),
    }
}

fn build(attrs: &Attrs, kind: ConvKind, depthwise: bool, rank: usize) -> Result<Arc<dyn Op>> {
    channels_last(attrs)?;
    let ones = vec![1i64; rank + 2];
    let strides = spatial(attrs, "strides", &ones)?;
    let dilations = spatial(attrs, "dilations", &ones)?;
    if strides.len() != rank || dilations.len() != rank {
        return Err(attrs.wrong("strides", &format!("{} lengths", rank + 2), attrs.get("strides")));
    }
    Ok(Arc::new(Conv { kind, depthwise, strides, dilations, padding: padding(attrs)? }))
}

macro_rules! entries {
    ($($name:literal $signature:literal $kind:ident $depthwise:literal $rank:literal;)*) => {
        /// The table's entries of this family.
        pub(super) const OPS: &[Declaration] = &[$(
            Declaration { name: $name, signature: $signature, build: |a| build(a, ConvKind::$kind, $depthwise, $rank) },
        )*];
    };
}
// A line expands to an entry of the table: name, signature, kind, whether depthwise, number of spatial axes.
entries! {
    "Conv2D" "input, filter -> output" Forward false 2;
    "Conv2DBackpropInput" "input_sizes, filter, out_backprop -> output" BackpropInput false 2;
    "Conv2DBackpropFilter" "input, filter_sizes, out_backprop -> output" BackpropFilter false 2;
    "Conv3D" "input, filter -> output" Forward false 3;
    "Conv3DBackpropInputV2" "input_sizes, filter, out_backprop -> output" BackpropInput false 3;
    "Conv3DBackpropFilterV2" "input, filter_sizes, out_backprop -> output" BackpropFilter false 3;
    "DepthwiseConv2dNative" "input, filter -> output" Forward true 2;
    "DepthwiseConv2dNativeBackpropInput" "input_sizes, filter, out_backprop -> output" BackpropInput true 2;
    "DepthwiseConv2dNativeBackpropFilter" "input, filter_sizes, out_backprop -> output" BackpropFilter true 2;
}

impl Graph {
    /// A convolution over 1, 2 or 3 spatial axes (as many as `strides` has entries), channels last.
    ///
    /// # Shapes
    /// `x` is `[batch, spatial..., channels]`, `kernel` is `[spatial..., channels / groups, filters]`.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where channels, strides or dilations do not fit.
    pub fn conv(
        &mut self,
        x: Value,
        kernel: Value,
        strides: &[usize],
        padding: Padding,
        dilations: &[usize],
    ) -> Result<Value> {
        self.convolve(x, kernel, strides, padding, dilations, false)
    }

    /// A convolution over 2 spatial axes, channels last.
    ///
    /// # Shapes
    /// `x` is `[batch, height, width, channels]`, `kernel` is `[height, width, channels / groups, filters]`.
    ///
    /// # Errors
    /// As [`Graph::conv`].
    pub fn conv2d(
        &mut self,
        x: Value,
        kernel: Value,
        strides: [usize; 2],
        padding: Padding,
        dilations: [usize; 2],
    ) -> Result<Value> {
        self.convolve(x, kernel, &strides, padding, &dilations, false)
    }

    /// A convolution of each channel with filters of its own, over 1 or 2 spatial axes, channels last.
    ///
    /// # Shapes
    /// `x` is `[batch, spatial..., channels]`, `kernel` is `[spatial..., channels, multiplier]`, the result has
    /// `channels * multiplier` channels.
    ///
    /// # Errors
    /// As [`Graph::conv`].
    pub fn depthwise_conv(
        &mut self,
        x: Value,
        kernel: Value,
        strides: &[usize],
        padding: Padding,
        dilations: &[usize],
    ) -> Result<Value> {
        self.convolve(x, kernel, strides, padding, dilations, true)
    }

    fn convolve(
        &mut self,
        x: Value,
        kernel: Value,
        strides: &[usize],
        padding: Padding,
        dilations: &[usize],
        depthwise: bool,
    ) -> Result<Value> {
        let rank = strides.len();
        let most = if depthwise { 2 } else { 3 };
        if !(1..=most).contains(&rank) || dilations.len() != rank || strides.contains(&0) || dilations.contains(&0) {
            let found = format!("strides {strides:?}, dilations {dilations:?}");
            return Err(argument("Conv2D", "", "strides", format!("1 to {most} lengths of at least 1"), found));
        }
        let kind = ConvKind::Forward;
        if rank > 1 {
            let (strides, dilations) = (strides.to_vec(), dilations.to_vec());
            return self.add_single(Conv { kind, depthwise, strides, dilations, padding }, &[x, kernel]);
        }
        // One spatial axis is a height of 1, as TensorFlow does it.
        let padding = match padding {
            Padding::Explicit(pairs) => Padding::Explicit(std::iter::once((0, 0)).chain(pairs).collect()),
            other => other,
        };
        let (x, kernel) = (self.expand_dims(x, -3)?, self.expand_dims(kernel, 0)?);
        let op = Conv { kind, depthwise, strides: vec![1, strides[0]], dilations: vec![1, dilations[0]], padding };
        let y = self.add_single(op, &[x, kernel])?;
        self.squeeze(y, &[-3])
    }

    /// The transposed convolution: what has `x` as the gradient of its output.
    ///
    /// # Shapes
    /// `sizes` is the shape of the result `[batch, spatial..., filters]` as an int32 vector, `x` is
    /// `[batch, spatial..., channels]`, `kernel` is `[spatial..., filters, channels]`.
    ///
    /// # Errors
    /// As [`Graph::conv`].
    pub fn conv_transpose(
        &mut self,
        x: Value,
        kernel: Value,
        sizes: Value,
        strides: &[usize],
        padding: Padding,
        dilations: &[usize],
    ) -> Result<Value> {
        let op = Conv {
            kind: ConvKind::BackpropInput,
            depthwise: false,
            strides: strides.to_vec(),
            dilations: dilations.to_vec(),
            padding,
        };
        if !(2..=3).contains(&strides.len()) || dilations.len() != strides.len() {
            return Err(argument(op.name(), "", "strides", "2 or 3 lengths", format!("{strides:?}")));
        }
        self.add_single(op, &[sizes, kernel, x])
    }
}
