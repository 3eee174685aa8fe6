//! How indices become features.

use kerox_config_json::Fields;
use kerox_graph::Value;
use kerox_graph::ops::{Bincount, CheckIndices};
use kerox_tensor::{DType, Tensor};

use crate::call::input_error;
use crate::registry::argument_error;
use crate::{Base, Call, Layer, Result};

/// What a layer gives for indices.
///
/// # Source
/// Keras's `output_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputMode {
    /// The indices themselves.
    Int,
    /// Each index as a row with a 1 at its place.
    OneHot,
    /// A row a sample, with a 1 at the place of every index in it.
    MultiHot,
    /// A row a sample, with the number of times each index comes in it.
    Count,
    /// As `Count`, each number multiplied by the weight of its index.
    TfIdf,
}

impl OutputMode {
    const WORDS: [(&'static str, OutputMode); 7] = [
        ("int", OutputMode::Int),
        ("one_hot", OutputMode::OneHot),
        ("multi_hot", OutputMode::MultiHot),
        ("count", OutputMode::Count),
        ("tf_idf", OutputMode::TfIdf),
        ("binary", OutputMode::MultiHot),
        ("tf-idf", OutputMode::TfIdf),
    ];

    /// As files name it.
    pub fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(_, mode)| *mode == self).map_or("", |(name, _)| name)
    }

    pub(super) fn read(fields: &Fields<'_>, default: OutputMode) -> Result<OutputMode> {
        Ok(fields.one_of_or("output_mode", &Self::WORDS, default)?)
    }

    /// The mode of that name, which has to be one of `allowed`.
    pub(super) fn check(self, base: &Base, allowed: &[OutputMode]) -> Result<()> {
        if allowed.contains(&self) {
            return Ok(());
        }
        let names: Vec<String> = allowed.iter().map(|mode| format!("`{}`", mode.name())).collect();
        Err(argument_error(base, "output_mode", format!("one of {}", names.join(", ")), format!("`{}`", self.name())))
    }
}

impl From<&str> for OutputMode {
    /// `one_hot`, `multi_hot`, `count`, `tf_idf`; anything else is `int`.
    fn from(name: &str) -> OutputMode {
        Self::WORDS.iter().find(|(word, _)| *word == name).map_or(OutputMode::Int, |(_, mode)| *mode)
    }
}

/// The type a layer of indices computes in where its configuration names none: integers for indices, floats else.
pub(super) fn index_policy(base: &mut Base, mode: OutputMode) {
    let compute = base.policy().compute;
    if mode == OutputMode::Int && !matches!(compute, DType::I32 | DType::I64 | DType::U8 | DType::I16) {
        base.set_policy(crate::DTypePolicy::new("int64", DType::I64, DType::I64));
    } else if mode != OutputMode::Int && !compute.is_float() && compute != DType::Variant {
        base.set_policy(crate::DTypePolicy::default());
    }
}

/// What [`encode`] makes of indices.
#[derive(Clone, Copy)]
pub(super) struct Encoding {
    mode: OutputMode,
    /// The number of places.
    depth: usize,
    /// Whether indices outside are an error; else they are left out.
    checked: bool,
    dtype: DType,
}

impl Encoding {
    /// In the layer's compute type, with indices outside left out.
    pub fn new(layer: &dyn Layer, mode: OutputMode, depth: usize) -> Encoding {
        Encoding { mode, depth, checked: false, dtype: layer.base().policy().compute }
    }

    /// With indices outside being an error.
    pub fn checked(self) -> Encoding {
        Encoding { checked: true, ..self }
    }

    /// In that type.
    pub fn dtype(self, dtype: DType) -> Encoding {
        Encoding { dtype, ..self }
    }
}

/// Indices of `[batch]` or `[batch, n]` in an output mode other than `Int`: `[batch, depth]`, or `[depth]` for a vector
/// that is one sample. More axes are taken as Keras 3 takes them: `OneHot` gives each index a row, the others one for all along
/// the axis after the batch.
pub(super) fn encode(
    layer: &dyn Layer,
    cx: &mut Call<'_>,
    indices: Value,
    encoding: Encoding,
    weights: Option<Value>,
) -> Result<Value> {
    let Encoding { mode, depth, checked, dtype } = encoding;
    let mut indices = indices;
    if cx.g.dtype(indices) != DType::I64 {
        indices = cx.g.cast(indices, DType::I64)?;
    }
    let found = cx.g.dims(indices).clone();
    let Some(rank) = found.rank() else {
        return Err(input_error(layer, "indices of a known number of axes".into(), format!("shape {found}")));
    };
    if rank == 0 {
        indices = cx.g.expand_dims(indices, -1)?;
    }
    if rank > 2 && mode != OutputMode::OneHot && weights.is_none() {
        let single = cx.g.expand_dims(indices, -1)?;
        let rows = encode(layer, cx, single, Encoding { mode: OutputMode::OneHot, ..encoding }, None)?;
        return Ok(match mode {
            OutputMode::MultiHot => cx.g.reduce_max(rows, &[1], false)?,
            _ => cx.g.reduce_sum(rows, &[1], false)?,
        });
    }
    let last = cx.g.dims(indices).axes().and_then(|axes| axes.last().copied().flatten());
    if mode == OutputMode::OneHot && last != Some(1) {
        indices = cx.g.expand_dims(indices, -1)?;
    }
    let mut leading = None;
    if mode == OutputMode::OneHot && cx.g.dims(indices).rank().is_some_and(|rank| rank > 2) {
        leading = Some(indices);
        indices = cx.g.reshape(indices, &[-1, 1])?;
    }
    if cx.g.dims(indices).rank().is_some_and(|rank| rank > 2) {
        let expected = format!("indices that give at most 2 axes with output mode `{}`", mode.name());
        return Err(input_error(layer, expected, format!("shape {found}")));
    }
    if checked {
        let owner = layer.base().name().to_string();
        indices = cx.g.add_single(CheckIndices { count: depth as i64, owner }, &[indices])?;
    }
    let wide = if dtype == DType::F64 { DType::F64 } else { DType::F32 };
    let size = cx.g.constant(Tensor::scalar(i64::try_from(depth).unwrap_or(i64::MAX)))?;
    let weights = match weights {
        Some(weights) => cx.g.cast(weights, wide)?,
        None => cx.g.constant(Tensor::zeros(wide, [0])?)?,
    };
    let binary = matches!(mode, OutputMode::OneHot | OutputMode::MultiHot);
    let counts = cx.g.add_single(Bincount { dense: true, binary }, &[indices, size, weights])?;
    // How often an index comes does not change gradually.
    let mut counts = cx.g.stop_gradient(counts)?;
    if let Some(indices) = leading {
        counts = with_leading_axes(cx, counts, indices)?;
    }
    Ok(if wide == dtype { counts } else { cx.g.cast(counts, dtype)? })
}

/// Rows `[n, width]` with the axes of a value, all but its last, in the place of the first.
pub(super) fn with_leading_axes(cx: &mut Call<'_>, rows: Value, of: Value) -> Result<Value> {
    let axes = cx.g.dims(of).axes().map(<[_]>::to_vec).unwrap_or_default();
    let leading = axes.len().saturating_sub(1);
    let width = cx.g.dims(rows).axes().and_then(|axes| axes.last().copied().flatten());
    let known: Option<Vec<i64>> = axes[..leading].iter().skip(1).map(|d| d.map(|d| d as i64)).collect();
    if let (Some(known), Some(width)) = (known, width) {
        let lengths: Vec<i64> = std::iter::once(-1).chain(known).chain([width as i64]).collect();
        return Ok(cx.g.reshape(rows, &lengths)?);
    }
    let (shape, wide) = (cx.g.shape_of(of)?, cx.g.shape_of(rows)?);
    let leading = cx.g.slice(shape, &[0], &[leading as i64])?;
    let width = cx.g.slice(wide, &[1], &[1])?;
    let shape = cx.g.concat(&[leading, width], 0)?;
    Ok(cx.g.reshape_to(rows, shape)?)
}
