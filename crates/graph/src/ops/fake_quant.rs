//! Numbers rounded as if they were kept in few bits.

use kerox_tensor::{DType, Tensor};

use super::whole::{Given, whole};
use crate::{Attr, Attrs, Dims, Grad, Infer, Result, Value, ValueInfo};

// A line expands to an entry of the table: name, signature, attributes, shape rule, values, gradient.
whole! {
    "FakeQuantWithMinMaxArgs" "inputs -> outputs"
        ["min" "max" "num_bits" "narrow_range"] like_first, rounded, Some(of_args);
    "FakeQuantWithMinMaxVars" "inputs, min, max -> outputs"
        ["num_bits" "narrow_range"] like_first, rounded, Some(of_vars);
    "FakeQuantWithMinMaxVarsPerChannel" "inputs, min, max -> outputs"
        ["num_bits" "narrow_range"] like_first, rounded, Some(of_channels);
    "FakeQuantWithMinMaxArgsGradient" "gradients, inputs -> backprops"
        ["min" "max" "num_bits" "narrow_range"] like_first, gradient, None;
    "FakeQuantWithMinMaxVarsGradient" "gradients, inputs, min, max -> backprops_wrt_input, backprop_wrt_min, backprop_wrt_max"
        ["num_bits" "narrow_range"] gradient_rule, gradient, None;
    "FakeQuantWithMinMaxVarsPerChannelGradient" "gradients, inputs, min, max -> backprops_wrt_input, backprop_wrt_min, backprop_wrt_max"
        ["num_bits" "narrow_range"] gradient_rule, gradient, None;
}

fn like_first(cx: &Infer<'_>, _: &Attrs) -> Result<Vec<ValueInfo>> {
    cx.of_dtype(0, DType::F32)?;
    Ok(vec![ValueInfo::new(DType::F32, cx.dims(0)?.clone())])
}

fn gradient_rule(cx: &Infer<'_>, _: &Attrs) -> Result<Vec<ValueInfo>> {
    let limits: Dims = cx.dims(2)?.clone();
    let limit = ValueInfo::new(DType::F32, limits);
    Ok(vec![ValueInfo::new(DType::F32, cx.dims(1)?.clone()), limit.clone(), limit])
}

/// The least and the largest number that there are, and the distance between neighbours.
#[derive(Clone, Copy)]
struct Scale {
    least: f32,
    most: f32,
    step: f32,
}

impl Scale {
    /// Limits moved so that 0 is among the numbers.
    fn of(i: &Given<'_>, min: f32, max: f32) -> Result<Scale> {
        let bits = i.attrs.int_or("num_bits", 8)?;
        if !(2..=16).contains(&bits) {
            return Err(i.attrs.wrong("num_bits", "2 to 16", i.attrs.get("num_bits")));
        }
        let first = if i.attrs.bool_or("narrow_range", false)? { 1.0 } else { 0.0 };
        let last = ((1u32 << bits) - 1) as f32;
        let step = (max - min) / (last - first);
        let zero = first - min / step;
        let zero = if zero < first {
            first
        } else if zero > last {
            last
        } else {
            zero.round()
        };
        Ok(Scale { least: (first - zero) * step, most: (last - zero) * step, step })
    }

    fn round(&self, x: f32) -> f32 {
        if self.step == 0.0 || self.step.is_nan() {
            return 0.0;
        }
        let inside = x.clamp(self.least, self.most) - self.least;
        (inside / self.step + 0.5).floor() * self.step + self.least
    }
}

/// The scales, one for all or one a channel, of limits in attributes or in inputs from `at` on.
fn scales(i: &Given<'_>, at: usize) -> Result<Vec<Scale>> {
    if i.name().contains("MinMaxArgs") {
        return Ok(vec![Scale::of(i, i.attrs.float_or("min", -6.0)?, i.attrs.float_or("max", 6.0)?)?]);
    }
    let (least, most) = (i.input(at)?.as_slice::<f32>()?, i.input(at + 1)?.as_slice::<f32>()?);
    let channels = match i.name().contains("PerChannel") {
        true => i.input(at - 1)?.shape().last().copied().unwrap_or(1),
        false => 1,
    };
    if least.len() != channels || most.len() != channels {
        return Err(i.wrong("min", format!("{channels} numbers"), least.len().to_string()));
    }
    least.iter().zip(most).map(|(&least, &most)| Scale::of(i, least, most)).collect()
}

fn rounded(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let (x, scales) = (i.input(0)?, scales(i, 1)?);
    let made = x.as_slice::<f32>()?.iter().zip(scales.iter().cycle()).map(|(&x, scale)| scale.round(x)).collect();
    Ok(vec![Tensor::from_vec(made, x.shape().clone())?])
}

/// The gradient goes to numbers inside of the limits, that of the others to the limits.
fn gradient(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let (x, scales) = (i.input(1)?, scales(i, 2)?);
    if i.input(0)?.shape() != x.shape() {
        return Err(i.wrong("gradients", x.shape().to_string(), i.input(0)?.shape().to_string()));
    }
    let n = scales.len();
    let (mut below, mut above) = (vec![0f32; n], vec![0f32; n]);
    let pairs = i.input(0)?.as_slice::<f32>()?.iter().zip(x.as_slice::<f32>()?).enumerate();
    let made: Vec<f32> = pairs
        .map(|(at, (&dy, &x))| {
            let scale = scales[at % n];
            if x < scale.least {
                below[at % n] += dy;
                0.0
            } else if x > scale.most {
                above[at % n] += dy;
                0.0
            } else {
                dy
            }
        })
        .collect();
    let dx = Tensor::from_vec(made, x.shape().clone())?;
    if i.inputs.len() == 2 {
        return Ok(vec![dx]);
    }
    let shape = i.input(2)?.shape();
    Ok(vec![dx, Tensor::from_vec(below, shape.clone())?, Tensor::from_vec(above, shape.clone())?])
}

/// An operation with the attributes of another.
fn with(attrs: &Attrs, name: &str) -> Attrs {
    let own: Vec<(String, Attr)> = attrs.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    own.into_iter().fold(Attrs::new(name, ""), |attrs, (name, value)| attrs.with(name, value))
}

fn of_args(attrs: &Attrs, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
    let dy = cx.upstream(0)?;
    let found = cx.g.add_built(&with(attrs, "FakeQuantWithMinMaxArgsGradient"), &[dy, cx.inputs[0]])?;
    Ok(found.into_iter().map(Some).collect())
}

fn of_vars(attrs: &Attrs, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
    of_limits(attrs, cx, "FakeQuantWithMinMaxVarsGradient")
}

fn of_channels(attrs: &Attrs, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
    of_limits(attrs, cx, "FakeQuantWithMinMaxVarsPerChannelGradient")
}

fn of_limits(attrs: &Attrs, cx: &mut Grad<'_>, name: &str) -> Result<Vec<Option<Value>>> {
    let dy = cx.upstream(0)?;
    let inputs = [dy, cx.inputs[0], cx.inputs[1], cx.inputs[2]];
    Ok(cx.g.add_built(&with(attrs, name), &inputs)?.into_iter().map(Some).collect())
}
