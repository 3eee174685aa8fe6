//! What all convolutions share: padding, and the check that a kernel fits.

use kerox_config_json::Fields;
use kerox_graph::ops::Padding;
use kerox_graph::{Dim, Dims, Graph, Value};

use crate::arguments::{axes_of_rank, spatial_shape};
use crate::call::input_error;
use crate::{DataFormat, Layer, Result};

/// How the borders are filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConvPadding {
    /// Nothing is filled: kernels lie inside.
    #[default]
    Valid,
    /// As many outputs as strides fit into the input; zeros are filled evenly, the odd one at the end.
    Same,
    /// Zeros at the beginning, so that an output depends on no later input; one spatial axis only.
    Causal,
}

const WORDS: [(&str, ConvPadding); 3] =
    [("valid", ConvPadding::Valid), ("same", ConvPadding::Same), ("causal", ConvPadding::Causal)];

impl ConvPadding {
    /// As files name it.
    pub fn name(self) -> &'static str {
        match self {
            ConvPadding::Valid => "valid",
            ConvPadding::Same => "same",
            ConvPadding::Causal => "causal",
        }
    }

    /// Reads `padding`; causal padding only where it is allowed.
    ///
    /// # Errors
    /// [`kerox_config_json::Error::Field`] where it is none of the words.
    pub fn read(fields: &Fields<'_>, causal: bool) -> Result<ConvPadding> {
        let words = if causal { &WORDS[..] } else { &WORDS[..2] };
        let Some(node) = fields.get("padding") else { return Ok(ConvPadding::Valid) };
        // Keras takes the words in any case.
        let lower = kerox_config_json::Value::from(node.str()?.to_lowercase());
        Ok(kerox_config_json::Node::at(&lower, node.path().clone()).one_of(words)?)
    }

    /// As operations take it.
    pub(crate) fn to_op(self) -> Padding {
        match self {
            ConvPadding::Same => Padding::Same,
            ConvPadding::Valid | ConvPadding::Causal => Padding::Valid,
        }
    }
}

impl From<&str> for ConvPadding {
    /// `same` and `causal`, in any case; anything else is `valid`.
    fn from(name: &str) -> ConvPadding {
        match name.to_lowercase().as_str() {
            "same" => ConvPadding::Same,
            "causal" => ConvPadding::Causal,
            _ => ConvPadding::Valid,
        }
    }
}

/// The number of channels of an input with `spatial` spatial axes.
pub(crate) fn channels(layer: &dyn Layer, dims: &Dims, spatial: usize, format: DataFormat) -> Result<usize> {
    let shape = spatial_shape(spatial, format);
    let axes = axes_of_rank(layer, dims, spatial + 2, &shape)?;
    match axes[format.channel_axis(spatial + 2)] {
        Some(channels) if channels > 0 => Ok(channels),
        _ => Err(input_error(layer, format!("`{shape}` with known channels"), format!("shape {dims}"))),
    }
}

/// Whether windows of that size fit into the spatial axes; unknown lengths are left to the run.
pub(crate) fn check_fits(
    layer: &dyn Layer,
    dims: &Dims,
    format: DataFormat,
    what: &str,
    size: &[usize],
    dilations: &[usize],
    padding: ConvPadding,
) -> Result<()> {
    let axes = axes_of_rank(layer, dims, size.len() + 2, &spatial_shape(size.len(), format))?;
    if padding != ConvPadding::Valid {
        return Ok(());
    }
    let spatial: Vec<Dim> = format.spatial(&axes);
    for (i, length) in spatial.iter().enumerate() {
        let reach =
            (size[i].saturating_sub(1)).saturating_mul(dilations.get(i).copied().unwrap_or(1)).saturating_add(1);
        if length.is_some_and(|length| length < reach) {
            let expected = format!("an input of at least {reach} elements along spatial axis {i} for {what} {size:?}");
            return Err(input_error(layer, expected, format!("shape {dims}")));
        }
    }
    Ok(())
}

/// Zeros before the steps `[batch, steps, channels]`, so that no output sees a later input.
pub(crate) fn pad_causal(g: &mut Graph, x: Value, kernel: usize, dilation: usize) -> Result<Value> {
    Ok(g.pad(x, &[(0, 0), ((dilation * (kernel - 1)) as i64, 0), (0, 0)])?)
}

/// Adds a bias of one number a channel; channels are last.
pub(crate) fn add_bias(g: &mut Graph, x: Value, bias: Option<Value>) -> Result<Value> {
    Ok(match bias {
        Some(bias) => g.bias_add(x, bias)?,
        None => x,
    })
}

/// The last axes of a shape that has more than `[batch, spatial..., channels]`.
pub(crate) fn without_leading_axes(dims: &Dims, spatial: usize) -> Dims {
    match dims.axes() {
        Some(axes) if axes.len() > spatial + 2 => {
            std::iter::once(None).chain(axes[axes.len() - spatial - 1..].iter().copied()).collect()
        }
        _ => dims.clone(),
    }
}

/// Makes one axis of the batch and further leading axes, and gives the lengths of these further axes. Keras's
/// convolutions take any number of them.
pub(crate) fn leading_axes(g: &mut Graph, x: &mut Value, spatial: usize) -> Result<Vec<i64>> {
    let axes = g.dims(*x).axes().map(<[Dim]>::to_vec).unwrap_or_default();
    if axes.len() <= spatial + 2 {
        return Ok(Vec::new());
    }
    let at = axes.len() - spatial - 1;
    let known: Option<Vec<i64>> = axes[1..].iter().map(|d| d.map(|d| d as i64)).collect();
    let Some(known) = known else { return Ok(Vec::new()) };
    let lengths: Vec<i64> = std::iter::once(-1).chain(known[at - 1..].iter().copied()).collect();
    *x = g.reshape(*x, &lengths)?;
    Ok(known[..at - 1].to_vec())
}

/// Undoes [`leading_axes`].
pub(crate) fn restore_leading_axes(g: &mut Graph, y: Value, lead: Vec<i64>) -> Result<Value> {
    let axes = g.dims(y).axes().map(<[Dim]>::to_vec).unwrap_or_default();
    let rest: Option<Vec<i64>> = axes.iter().skip(1).map(|d| d.map(|d| d as i64)).collect();
    match rest {
        Some(rest) if !lead.is_empty() => {
            let lengths: Vec<i64> = std::iter::once(-1).chain(lead).chain(rest).collect();
            Ok(g.reshape(y, &lengths)?)
        }
        _ => Ok(y),
    }
}

/// Groups that Keras 2 writes for convolutions which make nothing of them: it looks whether they divide the filters.
pub(super) fn check_groups(fields: &Fields<'_>, filters: usize) -> Result<()> {
    let groups = fields.int_or("groups", 1)?;
    match usize::try_from(groups.unsigned_abs()) {
        Ok(groups) if groups == 0 || filters.is_multiple_of(groups) => Ok(()),
        _ => Err(fields.error("groups", format!("a divisor of the {filters} filters"), "").into()),
    }
}
