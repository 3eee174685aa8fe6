//! Checks that many layers make of what they are called with.

use kerox_graph::{Dim, Dims, Value, ValueInfo};

use crate::call::input_error;
use crate::registry::argument_error;
use crate::{Args, Base, Layer, Result};

/// The only input.
pub(crate) fn one_input(layer: &dyn Layer, args: &Args<Value>) -> Result<Value> {
    match args.first()[..] {
        [&x] => Ok(x),
        ref found => Err(input_error(layer, "one input".into(), format!("{} inputs", found.len()))),
    }
}

/// The lengths of the axes of the only input, which must have that many.
pub(crate) fn axes_of_rank(layer: &dyn Layer, dims: &Dims, rank: usize, shape: &str) -> Result<Vec<Dim>> {
    match dims.axes() {
        Some(axes) if axes.len() == rank => Ok(axes.to_vec()),
        _ => Err(input_error(layer, format!("{rank} axes `{shape}`"), format!("shape {dims}"))),
    }
}

/// The shape of the first input while a layer is built.
pub(crate) fn input_dims(inputs: &[ValueInfo]) -> Dims {
    inputs.first().map(|info| info.dims.clone()).unwrap_or_default()
}

/// `[batch, height, width, channels]` or the like.
pub(crate) fn spatial_shape(spatial: usize, format: crate::DataFormat) -> String {
    let names = match spatial {
        1 => "steps",
        2 => "height, width",
        _ => "depth, height, width",
    };
    match format {
        crate::DataFormat::ChannelsLast => format!("[batch, {names}, channels]"),
        crate::DataFormat::ChannelsFirst => format!("[batch, channels, {names}]"),
    }
}

/// An axis of a layer's configuration, made to count from the start.
pub(crate) fn axis_from_start(base: &Base, argument: &str, axis: i64, rank: usize) -> Result<usize> {
    let at = if axis < 0 { axis + rank as i64 } else { axis };
    match usize::try_from(at) {
        Ok(at) if at < rank => Ok(at),
        _ => Err(argument_error(base, argument, format!("an axis in -{rank}..{rank}"), axis.to_string())),
    }
}

/// A fraction in [0, 1]: what Keras takes for dropout.
pub(crate) fn check_rate(base: &Base, argument: &str, rate: f64) -> Result<()> {
    if (0.0..=1.0).contains(&rate) {
        return Ok(());
    }
    Err(argument_error(base, argument, "a fraction in [0, 1]", rate.to_string()))
}
