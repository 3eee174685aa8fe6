//! The vectors of an embedding.

use kerox_graph::Value;
use kerox_tensor::{DType, Tensor};

use super::kernel::Blocks;
use super::numbers::{by_blocks, by_largest, pack, transposed};
use super::{of_groups, unpack};
use crate::registry::argument_error;
use crate::{Base, Build, Call, Initializer, Quantization, Result, WeightSpec};

/// `[input_dim, output_dim]` in few bits, the scales those of a row.
pub(crate) struct QuantizedTable {
    block_size: Option<usize>,
    packed: bool,
    input_dim: usize,
    output_dim: usize,
}

impl QuantizedTable {
    /// Vectors of that many numbers.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] for kinds of quantization that products alone have.
    pub(crate) fn new(mode: Quantization, base: &Base, input_dim: usize, output_dim: usize) -> Result<QuantizedTable> {
        let (block_size, packed) = match mode {
            Quantization::Int8 => (None, false),
            Quantization::Int4 { block_size } => (block_size, true),
            _ => {
                let expected = "`int8` or `int4` for an embedding";
                return Err(argument_error(base, "dtype", expected, format!("`{}`", base.policy().name)));
            }
        };
        Ok(QuantizedTable { block_size, packed, input_dim, output_dim })
    }

    /// Makes the weights; those of the way back too, where it has its own.
    pub(crate) fn build(&self, cx: &mut Build, base: &Base, reverse: bool) -> Result<()> {
        let zeros: Initializer = "zeros".into();
        let ones: Initializer = "ones".into();
        let spec = |attr: &str, shape: &[usize], initializer: &Initializer| {
            WeightSpec::new(attr, shape.to_vec(), initializer).non_trainable()
        };
        let width = if self.packed { self.output_dim.div_ceil(2) } else { self.output_dim };
        let groups = self.block_size.map(|size| self.output_dim.div_ceil(size));
        let scale = |turned: bool| match groups {
            None => vec![self.input_dim],
            Some(groups) if turned => vec![groups, self.input_dim],
            Some(groups) => vec![self.input_dim, groups],
        };
        let mut specs = vec![
            spec("embeddings", &[self.input_dim, width], &zeros).dtype(DType::I8),
            spec("embeddings_scale", &scale(false), &ones),
        ];
        if let Some(size) = self.block_size {
            specs.push(spec("embeddings_zero", &scale(false), &zeros).dtype(DType::I8));
            specs.push(spec("g_idx", &[self.output_dim], &Blocks::of(size)).dtype(DType::F32));
        }
        if reverse {
            specs.push(spec("reverse_embeddings", &[width, self.input_dim], &zeros).dtype(DType::I8));
            specs.push(spec("reverse_embeddings_scale", &scale(true), &ones));
            if self.block_size.is_some() {
                specs.push(spec("reverse_embeddings_zero", &scale(true), &zeros));
            }
        }
        specs.into_iter().try_for_each(|spec| cx.add_weight(base, spec).map(drop))
    }

    /// What the weights are for vectors of floats and the matrix of the way back, where it has its own.
    pub(crate) fn quantize(&self, table: &Tensor, reverse: Option<&Tensor>) -> Result<Vec<(&'static str, Tensor)>> {
        // Scales belong to the numbers that are looked up: the columns of the way back.
        let turned = transposed(table.cast(DType::F32)?.as_slice::<f32>()?, self.output_dim);
        let [bytes, scale, zero] = self.columns(&turned, table.dtype(), false)?;
        let mut weights = vec![("embeddings", bytes), ("embeddings_scale", scale)];
        if self.block_size.is_some() {
            weights.push(("embeddings_zero", zero));
        }
        if let Some(reverse) = reverse {
            let matrix = reverse.cast(DType::F32)?;
            let [bytes, scale, zero] = self.columns(matrix.as_slice::<f32>()?, reverse.dtype(), true)?;
            weights.extend([("reverse_embeddings", bytes), ("reverse_embeddings_scale", scale)]);
            if self.block_size.is_some() {
                weights.push(("reverse_embeddings_zero", zero.cast(reverse.dtype())?));
            }
        }
        Ok(weights)
    }

    /// Bytes, scales and zeros of a matrix `[output_dim, input_dim]`; laid out as it is, or by rows for columns.
    fn columns(&self, matrix: &[f32], dtype: DType, as_it_is: bool) -> Result<[Tensor; 3]> {
        let columns = self.input_dim;
        let most = if self.packed { (-8.0, 7.0) } else { (-127.0, 127.0) };
        let whole = match self.block_size {
            None => by_largest(matrix, columns, |at| at % columns, most),
            Some(size) => by_blocks(matrix, columns, size),
        };
        let rows = transposed(&whole.numbers, columns);
        let (rows, width) = match self.packed {
            true => (pack(&rows, self.output_dim), self.output_dim.div_ceil(2)),
            false => (rows, self.output_dim),
        };
        let lay = |bytes: Vec<i8>, width: usize| -> Result<Tensor> {
            Ok(match as_it_is {
                true => Tensor::from_vec(transposed(&bytes, width), [width, columns])?,
                false => Tensor::from_vec(bytes, [columns, width])?,
            })
        };
        let bytes = lay(rows, width)?;
        let groups = whole.scale.len().checked_div(columns).unwrap_or_default();
        let scale = match self.block_size {
            None => Tensor::from_vec(whole.scale, [columns])?,
            Some(_) if as_it_is => Tensor::from_vec(whole.scale, [groups, columns])?,
            Some(_) => Tensor::from_vec(transposed(&whole.scale, columns), [columns, groups])?,
        };
        let zero = match self.block_size {
            None => Tensor::from_vec(whole.zero, [0])?,
            Some(_) => lay(transposed(&whole.zero, columns), groups)?,
        };
        Ok([bytes, scale.cast(dtype)?, zero])
    }

    /// The vectors of those numbers.
    pub(crate) fn rows(&self, cx: &mut Call<'_>, base: &Base, ids: Value) -> Result<Value> {
        let mut part = |attr: &str| -> Result<Value> {
            let table = cx.weight(base, attr)?;
            Ok(cx.g.gather(table, ids, 0)?)
        };
        let bytes = part("embeddings")?;
        let scale = part("embeddings_scale")?;
        let zero = self.block_size.map(|_| part("embeddings_zero")).transpose()?;
        self.floats(cx, base, bytes, (scale, zero), -1)
    }

    /// The matrix of the way back, `[output_dim, input_dim]`, from weights of its own or those of the way in.
    pub(crate) fn reverse(&self, cx: &mut Call<'_>, base: &Base, own: bool) -> Result<Value> {
        let blocks = self.block_size.is_some();
        if own {
            let bytes = cx.weight(base, "reverse_embeddings")?;
            let scale = cx.weight(base, "reverse_embeddings_scale")?;
            let zero = blocks.then(|| cx.weight(base, "reverse_embeddings_zero")).transpose()?;
            return self.floats(cx, base, bytes, (scale, zero), 0);
        }
        let table = self.table(cx, base)?;
        Ok(cx.g.transpose(table, &[1, 0])?)
    }

    /// The vectors of all numbers.
    pub(crate) fn table(&self, cx: &mut Call<'_>, base: &Base) -> Result<Value> {
        let bytes = cx.weight(base, "embeddings")?;
        let scale = cx.weight(base, "embeddings_scale")?;
        let zero = self.block_size.map(|_| cx.weight(base, "embeddings_zero")).transpose()?;
        self.floats(cx, base, bytes, (scale, zero), -1)
    }

    /// Floats of bytes whose vectors lie along that axis.
    fn floats(
        &self,
        cx: &mut Call<'_>,
        base: &Base,
        bytes: Value,
        (scale, zero): (Value, Option<Value>),
        axis: i64,
    ) -> Result<Value> {
        let compute = base.policy().compute;
        let numbers = if self.packed { unpack(cx, bytes, self.output_dim, axis)? } else { bytes };
        if let Some(zero) = zero {
            let groups = cx.weight(base, "g_idx")?;
            return of_groups(cx, numbers, [scale, zero, groups], axis, compute);
        }
        let numbers = cx.g.cast(numbers, compute)?;
        let scale = if axis == 0 { scale } else { cx.g.expand_dims(scale, axis)? };
        Ok(cx.g.divide(numbers, scale)?)
    }
}
