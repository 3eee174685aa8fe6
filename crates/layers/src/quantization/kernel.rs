//! The kernel of a product.

use std::sync::Arc;

use kerox_config_json::Config;
use kerox_graph::Value;
use kerox_tensor::{DType, Shape, Tensor};

use super::numbers::{by_blocks, by_largest, pack};
use super::{needs_data, of_groups, unpack};
use crate::initializers::Initialize;
use crate::registry::argument_error;
use crate::{Base, Build, Call, Error, Initializer, Quantization, Result, WeightSpec};

/// A kernel of that shape in few bits: which weights it has in files and how they become the kernel.
pub(crate) struct QuantizedKernel {
    mode: Quantization,
    shape: Vec<usize>,
    /// Whether the product sums over the axis.
    reduced: Vec<bool>,
    /// The axes that are kept, in the order in which the output has them.
    kept: Vec<usize>,
    /// The shape of the scales of single bytes, which Keras lays out as the output is.
    scale: Vec<usize>,
    names: Names,
}

/// What the two layers call the zeros of their groups.
enum Names {
    Dense,
    Einsum,
}

impl QuantizedKernel {
    /// `[input_dim, units]`.
    pub(crate) fn dense(mode: Quantization, input_dim: usize, units: usize) -> QuantizedKernel {
        QuantizedKernel {
            mode,
            shape: vec![input_dim, units],
            reduced: vec![true, false],
            kept: vec![1],
            scale: vec![units],
            names: Names::Dense,
        }
    }

    /// That of an equation whose kernel and output have those axes.
    pub(crate) fn einsum(mode: Quantization, shape: &[usize], kernel: &[u32], output: &[u32]) -> QuantizedKernel {
        let kept: Vec<usize> =
            output.iter().filter_map(|label| kernel.iter().position(|other| other == label)).collect();
        let reduced: Vec<usize> = (0..kernel.len()).filter(|axis| !kept.contains(axis)).collect();
        // The scales have the axes of the output; an axis that the kernel sums over takes the place of one that it lacks,
        // or falls away.
        let mut free = output.iter().enumerate().filter(|(_, label)| !kernel.contains(label)).map(|(at, _)| at);
        let mut axes = kept.clone();
        let (mut at, mut dropped) = (0, Vec::new());
        for &axis in &reduced {
            match free.next() {
                Some(place) => at = place,
                None => dropped.push(axis),
            }
            axes.insert(at.min(axes.len()), axis);
        }
        let mut scale: Vec<usize> =
            axes.iter().map(|axis| if reduced.contains(axis) { 1 } else { shape[*axis] }).collect();
        for place in free {
            scale.insert(place.min(scale.len()), 1);
        }
        for place in dropped.into_iter().rev().filter(|&place| place < kernel.len()) {
            scale.remove(place);
        }
        let reduced = (0..kernel.len()).map(|axis| reduced.contains(&axis)).collect();
        QuantizedKernel { mode, shape: shape.to_vec(), reduced, kept, scale, names: Names::Einsum }
    }

    /// The kernel as a matrix: inputs and outputs.
    fn matrix(&self, base: &Base) -> Result<[usize; 2]> {
        let by = |wanted: bool| -> usize {
            self.shape.iter().zip(&self.reduced).filter(|(_, reduced)| **reduced == wanted).map(|(n, _)| n).product()
        };
        match (self.mode, &self.shape[..]) {
            (Quantization::Int8 | Quantization::Int4 { .. }, _) => Ok([by(true), by(false)]),
            (_, &[rows, columns]) => Ok([rows, columns]),
            // The longest axis, the first of the longest, tells the way in from the way out.
            (_, &[a, b, c]) if a >= b && a >= c => Ok([a, b * c]),
            (_, &[a, b, c]) => Ok([a * b, c]),
            _ => {
                let expected = "a kernel of 2 or 3 axes for this quantization";
                Err(argument_error(base, "equation", expected, format!("{} axes", self.shape.len())))
            }
        }
    }

    /// Makes the weights, and the layer's bias at its place among them.
    pub(crate) fn build(&self, cx: &mut Build, base: &Base, bias: Option<WeightSpec>) -> Result<()> {
        let [rows, columns] = self.matrix(base)?;
        let zeros: Initializer = "zeros".into();
        let ones: Initializer = "ones".into();
        let spec = |attr: &str, shape: &[usize], initializer: &Initializer| {
            WeightSpec::new(attr, shape.to_vec(), initializer).non_trainable()
        };
        let groups = |size: Option<usize>| size.map_or(1, |size| rows.div_ceil(size));
        let mut specs = Vec::new();
        match self.mode {
            Quantization::Int8 => {
                specs.push(spec("kernel", &self.shape, &zeros).dtype(DType::I8));
                specs.extend(bias);
                specs.push(spec("kernel_scale", &self.scale, &ones));
            }
            Quantization::Int4 { block_size } => {
                specs.push(spec("kernel", &[rows, columns.div_ceil(2)], &zeros).dtype(DType::I8));
                specs.extend(bias);
                match block_size {
                    None => specs.push(spec("kernel_scale", &[columns], &ones)),
                    Some(size) => {
                        let shape = [groups(Some(size)), columns];
                        specs.push(spec("kernel_scale", &shape, &ones));
                        specs.push(spec("kernel_zero", &shape, &zeros).dtype(DType::I8));
                        specs.push(spec("g_idx", &[rows], &Blocks::of(size)).dtype(DType::F32));
                    }
                }
            }
            Quantization::Float8 { .. } => return Err(self.is_float(base)),
            Quantization::Gptq { group_size, .. } | Quantization::Awq { group_size } => {
                let packed = if self.packs() { columns.div_ceil(2) } else { columns };
                let zero = match self.names {
                    Names::Dense => "kernel_zero",
                    Names::Einsum => "zero_point",
                };
                let shape = [columns, groups(group_size)];
                specs.extend(bias);
                specs.push(spec("quantized_kernel", &[packed, rows], &zeros).named("kernel").dtype(DType::U8));
                specs.push(spec("kernel_scale", &shape, &ones));
                specs.push(spec("kernel_zero", &shape, &zeros).named(zero).dtype(DType::U8));
                if matches!(self.mode, Quantization::Awq { .. }) {
                    specs.push(spec("awq_scales", &[rows], &ones));
                }
                specs.push(spec("g_idx", &[rows], &zeros).dtype(DType::F32));
            }
        }
        specs.into_iter().try_for_each(|spec| cx.add_weight(base, spec).map(drop))
    }

    /// What the weights are for a kernel of floats: attributes and values.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] for kinds of quantization that need data to learn from.
    pub(crate) fn quantize(&self, base: &Base, kernel: &Tensor) -> Result<Vec<(&'static str, Tensor)>> {
        let [rows, columns] = self.matrix(base)?;
        let floats = kernel.cast(DType::F32)?;
        let floats = floats.as_slice::<f32>()?;
        let float = |values: Vec<f32>, shape: &[usize]| -> Result<Tensor> {
            Ok(Tensor::from_vec(values, shape.to_vec())?.cast(kernel.dtype())?)
        };
        match self.mode {
            Quantization::Int8 => {
                let whole = by_largest(floats, columns, self.output_of(), (-127.0, 127.0));
                let numbers = Tensor::from_vec(whole.numbers, self.shape.clone())?;
                Ok(vec![("kernel", numbers), ("kernel_scale", float(whole.scale, &self.scale)?)])
            }
            Quantization::Int4 { block_size } => {
                let (whole, shape) = match block_size {
                    None => (by_largest(floats, columns, |at| at % columns, (-8.0, 7.0)), vec![columns]),
                    Some(size) => (by_blocks(floats, columns, size), vec![rows.div_ceil(size), columns]),
                };
                let packed = Tensor::from_vec(pack(&whole.numbers, columns), [rows, columns.div_ceil(2)])?;
                let mut weights = vec![("kernel", packed), ("kernel_scale", float(whole.scale, &shape)?)];
                if block_size.is_some() {
                    weights.push(("kernel_zero", Tensor::from_vec(whole.zero, shape)?));
                }
                Ok(weights)
            }
            _ => Err(needs_data(base, self.mode)),
        }
    }

    /// For each place of the kernel the output it goes into, counted as the scales of single bytes are.
    fn output_of(&self) -> impl Fn(usize) -> usize {
        let stride = |axis: usize| self.shape[axis + 1..].iter().product::<usize>();
        let axes: Vec<[usize; 2]> = self.kept.iter().map(|&axis| [stride(axis), self.shape[axis]]).collect();
        move |place| axes.iter().fold(0, |output, [stride, length]| output * length + place / stride % length)
    }

    /// The error of a mode that leaves kernels as they are.
    fn is_float(&self, base: &Base) -> Error {
        argument_error(base, "dtype", "a quantization of whole numbers", self.mode.name())
    }

    fn packs(&self) -> bool {
        !matches!(self.mode, Quantization::Gptq { weight_bits: 2 | 3 | 8, .. })
    }

    /// The kernel in floats: in the policy's compute type, that of single bytes in float32.
    pub(crate) fn value(&self, cx: &mut Call<'_>, base: &Base) -> Result<Value> {
        let [_, columns] = self.matrix(base)?;
        let compute = base.policy().compute;
        let scale = cx.weight(base, "kernel_scale")?;
        let lengths: Vec<i64> = self.shape.iter().map(|&n| n as i64).collect();
        let matrix = match self.mode {
            Quantization::Int8 => {
                let kernel = cx.weight(base, "kernel")?;
                let kernel = cx.g.cast(kernel, DType::F32)?;
                let scale = self.scale_of_bytes(cx, scale)?;
                return Ok(cx.g.divide(kernel, scale)?);
            }
            Quantization::Int4 { block_size } => {
                let packed = cx.weight(base, "kernel")?;
                let numbers = unpack(cx, packed, columns, 1)?;
                match block_size {
                    None => {
                        let numbers = cx.g.cast(numbers, compute)?;
                        cx.g.divide(numbers, scale)?
                    }
                    Some(_) => {
                        let parts = [scale, cx.weight(base, "kernel_zero")?, cx.weight(base, "g_idx")?];
                        of_groups(cx, numbers, parts, 0, compute)?
                    }
                }
            }
            Quantization::Float8 { .. } => return Err(self.is_float(base)),
            Quantization::Gptq { .. } | Quantization::Awq { .. } => {
                let packed = cx.weight(base, "quantized_kernel")?;
                let numbers = if self.packs() { unpack(cx, packed, columns, 0)? } else { packed };
                let parts = [scale, cx.weight(base, "kernel_zero")?, cx.weight(base, "g_idx")?];
                let turned = of_groups(cx, numbers, parts, 1, compute)?;
                let matrix = cx.g.transpose(turned, &[1, 0])?;
                match self.mode {
                    Quantization::Awq { .. } => {
                        let scales = cx.weight(base, "awq_scales")?;
                        let scales = cx.g.expand_dims(scales, 1)?;
                        cx.g.divide(matrix, scales)?
                    }
                    _ => matrix,
                }
            }
        };
        Ok(cx.g.reshape(matrix, &lengths)?)
    }

    /// The scales of single bytes, laid out as the kernel is.
    fn scale_of_bytes(&self, cx: &mut Call<'_>, scale: Value) -> Result<Value> {
        let scale = cx.g.cast(scale, DType::F32)?;
        let lengths: Vec<i64> = self.kept.iter().map(|&axis| self.shape[axis] as i64).collect();
        let scale = cx.g.reshape(scale, &lengths)?;
        let mut order: Vec<i64> = (0..self.kept.len() as i64).collect();
        order.sort_by_key(|&place| self.kept[place as usize]);
        let scale = cx.g.transpose(scale, &order)?;
        let lengths: Vec<i64> =
            self.shape.iter().zip(&self.reduced).map(|(&n, &reduced)| if reduced { 1 } else { n as i64 }).collect();
        Ok(cx.g.reshape(scale, &lengths)?)
    }
}

/// The number of the block in which each place lies, for blocks of that length.
#[derive(Debug)]
pub(super) struct Blocks(usize);

impl Initialize for Blocks {
    fn class_name(&self) -> &str {
        "Blocks"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn sample(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        let numbers: Vec<f32> = (0..shape.checked_elements()?).map(|i| (i / self.0) as f32).collect();
        Ok(Tensor::from_vec(numbers, shape.clone())?.cast(dtype)?)
    }
}

impl Blocks {
    /// As an initializer.
    pub(super) fn of(size: usize) -> Initializer {
        Initializer::Object(Arc::new(Blocks(size)))
    }
}
