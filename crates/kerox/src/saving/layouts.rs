//! Weights whose layout has changed since they were saved.
//!
//! | layer | saved | here |
//! |---|---|---|
//! | `Conv1D` | Keras 1: `[length, 1, in, out]` or `[out, in, length, 1]` | `[length, in, out]` |
//! | `Conv2D`, `Conv3D`, `channels_first` | Keras 1: `[out, in, rows, columns]` | `[rows, columns, in, out]` |
//! | `Conv2DTranspose` | Keras 1: `[rows, columns, in, out]`, or `[out, in, rows, columns]` | `[rows, columns, out, in]` |
//! | `LSTM`, `ConvLSTM2D` | Keras 1: twelve weights by gate i, c, f, o | three, gates i, f, c, o |
//! | `GRU` | Keras 1: nine weights by gate | three |
//! | any convolution | `[out, in, rows, columns]` | `[rows, columns, in, out]`, where only that fits |
//! | `LSTM`, `GRU` | `CuDNNLSTM`, `CuDNNGRU` and back | gates transposed, biases summed or split |
//!
//! # Source
//! `preprocess_weights_for_loading` in `keras/src/saving/legacy/hdf5_format.py`.

use std::collections::HashMap;

use kerox_layers::{LayerRef, Weight};
use kerox_tensor::{DType, Element, Shape, Tensor, each_buffer};

/// What converting may say instead: a sentence for the user.
type Outcome<T> = std::result::Result<T, String>;

/// The tensors of a layer as its weights are laid out here. Other numbers than the layer's weights are given back as
/// they are.
pub(super) fn convert(
    layer: &LayerRef,
    weights: &[Weight],
    mut tensors: Vec<Tensor>,
    version1: bool,
) -> Outcome<Vec<Tensor>> {
    let fits =
        weights.len() == tensors.len() && weights.iter().zip(&tensors).all(|(w, t)| w.variable.shape() == t.shape());
    if fits && !version1 {
        return Ok(tensors);
    }
    if is_leaf(layer) {
        return leaf(layer, weights, tensors, version1);
    }
    if weights.len() != tensors.len() {
        return match layer.class_name() {
            // The halves of a wrapper from Keras 1 have more weights than they have now.
            "Bidirectional" if version1 && tensors.len().is_multiple_of(2) => {
                let inner = layer.layers_inside();
                let backward = tensors.split_off(tensors.len() / 2);
                let mut converted = Vec::new();
                for (layer, half) in inner.iter().zip([tensors, backward]) {
                    converted.extend(convert(layer, &layer.legacy_weights(), half, version1)?);
                }
                Ok(converted)
            }
            "TimeDistributed" if version1 => match layer.layers_inside().first() {
                Some(inner) => convert(inner, &inner.legacy_weights(), tensors, version1),
                None => Ok(tensors),
            },
            _ => Ok(tensors),
        };
    }
    let places: HashMap<u64, usize> = weights.iter().enumerate().map(|(i, w)| (w.variable.id(), i)).collect();
    let mut leaves = Vec::new();
    find_leaves(layer, &mut leaves);
    for inner in leaves {
        let own = inner.legacy_weights();
        let Some(at) = own.iter().map(|w| places.get(&w.variable.id()).copied()).collect::<Option<Vec<usize>>>() else {
            continue;
        };
        let values = at.iter().map(|&i| tensors[i].clone()).collect();
        let converted = leaf(&inner, &own, values, version1)?;
        if converted.len() == at.len() {
            for (i, tensor) in at.into_iter().zip(converted) {
                tensors[i] = tensor;
            }
        }
    }
    Ok(tensors)
}

const LEAVES: &[&str] =
    &["Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "ConvLSTM2D", "LSTM", "GRU", "CuDNNLSTM", "CuDNNGRU"];

fn is_leaf(layer: &LayerRef) -> bool {
    LEAVES.contains(&layer.class_name())
}

fn find_leaves(layer: &LayerRef, found: &mut Vec<LayerRef>) {
    for inner in layer.layers_inside() {
        if is_leaf(&inner) {
            found.push(inner);
        } else {
            find_leaves(&inner, found);
        }
    }
}

fn leaf(layer: &LayerRef, weights: &[Weight], mut tensors: Vec<Tensor>, version1: bool) -> Outcome<Vec<Tensor>> {
    let class_name = layer.class_name();
    let channels_first = || {
        let config = layer.config().ok();
        config.and_then(|c| c.get("data_format").and_then(|v| v.as_str()).map(|s| s == "channels_first")) == Some(true)
    };
    let target = |at: usize| weights.get(at).map(|w| w.variable.shape().clone()).unwrap_or_default();
    if version1 {
        match (class_name, tensors.len()) {
            ("Conv1D", _) if tensors.first().is_some_and(|t| t.rank() == 4) => {
                let shape = target(0);
                let kernel = &tensors[0];
                let old = kernel.shape().get(1) == Some(&1) && kernel.shape().first() == shape.first();
                let kernel = if old { kernel.clone() } else { permuted(kernel, &[2, 3, 1, 0])? };
                tensors[0] = kernel
                    .reshape(shape.clone())
                    .map_err(|_| format!("expected a kernel for shape {shape}, found shape {}", tensors[0].shape()))?;
            }
            ("Conv2D", _) if channels_first() => permute_if(&mut tensors, 0, &[2, 3, 1, 0], &target(0))?,
            ("Conv3D", _) if channels_first() => permute_if(&mut tensors, 0, &[2, 3, 4, 1, 0], &target(0))?,
            ("Conv2DTranspose", _) if channels_first() => permute_if(&mut tensors, 0, &[2, 3, 0, 1], &target(0))?,
            ("Conv2DTranspose", _) => permute_if(&mut tensors, 0, &[0, 1, 3, 2], &target(0))?,
            ("GRU", 9) => tensors = gates(&tensors, &[0, 3, 6])?,
            ("LSTM", 12) => tensors = gates(&tensors, &[0, 6, 3, 9])?,
            ("ConvLSTM2D", 12) => {
                tensors = gates(&tensors, &[0, 6, 3, 9])?;
                if channels_first() {
                    permute_if(&mut tensors, 0, &[2, 3, 1, 0], &target(0))?;
                    permute_if(&mut tensors, 1, &[2, 3, 1, 0], &target(1))?;
                }
            }
            _ => {}
        }
    }
    if class_name.starts_with("Conv") && tensors.first().is_some_and(|t| *t.shape() != target(0)) {
        permute_if(&mut tensors, 0, &[3, 2, 0, 1], &target(0))?;
        if class_name == "ConvLSTM2D" && tensors.len() > 1 {
            permute_if(&mut tensors, 1, &[3, 2, 0, 1], &target(1))?;
        }
    }
    if tensors.len() == 3 && weights.len() == 3 {
        match class_name {
            "LSTM" | "CuDNNLSTM" => return recurrent(tensors, &target(2), 4),
            "GRU" | "CuDNNGRU" => return recurrent(tensors, &target(2), 3),
            _ => {}
        }
    }
    Ok(tensors)
}

/// Weights by gate (kernel, recurrent kernel, bias of each) put together in the order of `first`.
fn gates(tensors: &[Tensor], first: &[usize]) -> Outcome<Vec<Tensor>> {
    (0..3)
        .map(|part| {
            let parts: Vec<&Tensor> = first.iter().filter_map(|at| tensors.get(at + part)).collect();
            joined(&parts)
        })
        .collect()
}

/// Between CuDNN's layout and the other.
fn recurrent(tensors: Vec<Tensor>, target: &Shape, n_gates: usize) -> Outcome<Vec<Tensor>> {
    let [kernel, recurrent, bias] = &tensors[..] else { return Ok(tensors) };
    let units = recurrent.shape().first().copied().unwrap_or(0);
    let wide = Shape::from([2 * units * n_gates]);
    let plain = match n_gates {
        4 => Shape::from([units * n_gates]),
        _ => Shape::from([2, units * n_gates]),
    };
    let from_cudnn = match (bias.shape(), target) {
        (found, target) if found == target => return Ok(tensors),
        (found, target) if *found == wide && *target == plain => true,
        (found, target) if *found == plain && *target == wide => false,
        (found, target) if n_gates == 3 && [found.elements(), target.elements()].contains(&(units * n_gates)) => {
            let kind = |shape: &Shape| match shape {
                s if *s == wide => "CuDNNGRU",
                s if *s == plain => "GRU(reset_after=True)",
                _ => "GRU(reset_after=False)",
            };
            return Err(format!("{} is not compatible with {}", kind(found), kind(target)));
        }
        _ => return Ok(tensors),
    };
    let kernels = each_gate(kernel, n_gates, |gate| {
        let (rows, columns) = (gate.shape()[0], gate.shape()[1]);
        if from_cudnn {
            permuted(&gate.reshape([columns, rows]).map_err(|e| e.to_string())?, &[1, 0])
        } else {
            permuted(&gate, &[1, 0])?.reshape([rows, columns]).map_err(|e| e.to_string())
        }
    })?;
    let recurrent_kernels = each_gate(recurrent, n_gates, |gate| permuted(&gate, &[1, 0]))?;
    let bias = match (n_gates, from_cudnn) {
        (3, _) => bias.reshape(target.clone()).map_err(|e| e.to_string())?,
        (_, true) => halves(bias, |a, b| vec![a.iter().zip(b).map(|(x, y)| x + y).collect()])?,
        (_, false) => {
            let values = floats(bias)?;
            let half: Vec<f64> = values.iter().map(|v| 0.5 * v).collect();
            from_floats([half.clone(), half].concat(), bias.dtype(), target.clone())?
        }
    };
    Ok(vec![kernels, recurrent_kernels, bias])
}

fn halves(bias: &Tensor, join: impl Fn(&[f64], &[f64]) -> Vec<Vec<f64>>) -> Outcome<Tensor> {
    let values = floats(bias)?;
    let (a, b) = values.split_at(values.len() / 2);
    let joined = join(a, b).concat();
    let length = joined.len();
    from_floats(joined, bias.dtype(), Shape::from([length]))
}

fn floats(tensor: &Tensor) -> Outcome<Vec<f64>> {
    let wide = tensor.cast(DType::F64).map_err(|e| e.to_string())?;
    Ok(wide.as_slice::<f64>().map_err(|e| e.to_string())?.to_vec())
}

fn from_floats(values: Vec<f64>, dtype: DType, shape: Shape) -> Outcome<Tensor> {
    let tensor = Tensor::from_vec(values, shape).map_err(|e| e.to_string())?;
    tensor.cast(dtype).map_err(|e| e.to_string())
}

/// Changes each of the blocks of columns that belong to a gate.
fn each_gate(tensor: &Tensor, n_gates: usize, change: impl Fn(Tensor) -> Outcome<Tensor>) -> Outcome<Tensor> {
    let [rows, columns] = tensor.shape()[..] else {
        return Err(format!("expected a matrix, found shape {}", tensor.shape()));
    };
    if columns % n_gates != 0 {
        return Err(format!("expected columns for {n_gates} gates, found shape {}", tensor.shape()));
    }
    let width = columns / n_gates;
    let blocks: Vec<Tensor> = (0..n_gates)
        .map(|gate| {
            let block = each_buffer!(tensor.buffer(), v => block(v, rows, columns, gate * width, width));
            change(block.map_err(|e| e.to_string())?)
        })
        .collect::<Outcome<_>>()?;
    joined(&blocks.iter().collect::<Vec<_>>())
}

fn block<T: Element>(v: &[T], rows: usize, columns: usize, at: usize, width: usize) -> kerox_tensor::Result<Tensor> {
    let elements = (0..rows).flat_map(|row| v[row * columns + at..row * columns + at + width].iter().cloned());
    Tensor::from_vec(elements.collect(), [rows, width])
}

/// Puts tensors side by side along the last axis.
fn joined(parts: &[&Tensor]) -> Outcome<Tensor> {
    let Some(first) = parts.first() else { return Err("expected weights of gates, found none".into()) };
    let rows: usize = first.shape().iter().rev().skip(1).product();
    let mut width = 0;
    for part in parts {
        let other: usize = part.shape().iter().rev().skip(1).product();
        if part.rank() != first.rank() || other != rows || part.dtype() != first.dtype() {
            return Err(format!("expected gates of one shape, found {} and {}", first.shape(), part.shape()));
        }
        width += part.shape().last().copied().unwrap_or(1);
    }
    let mut shape: Vec<usize> = first.shape().to_vec();
    if let Some(last) = shape.last_mut() {
        *last = width;
    }
    let wide: Vec<Vec<f64>> = parts.iter().map(|part| floats(part)).collect::<Outcome<_>>()?;
    let mut values = Vec::with_capacity(rows * width);
    for row in 0..rows {
        for (part, v) in parts.iter().zip(&wide) {
            let w = part.shape().last().copied().unwrap_or(1);
            values.extend_from_slice(&v[row * w..(row + 1) * w]);
        }
    }
    from_floats(values, first.dtype(), Shape::from(shape))
}

/// Transposes the tensor at a place where the result has the shape that is needed.
fn permute_if(tensors: &mut [Tensor], at: usize, axes: &[usize], target: &Shape) -> Outcome<()> {
    if let Some(tensor) = tensors.get_mut(at).filter(|tensor| tensor.rank() == axes.len()) {
        let shape: Shape = axes.iter().map(|&axis| tensor.shape()[axis]).collect();
        if shape == *target {
            *tensor = permuted(tensor, axes)?;
        }
    }
    Ok(())
}

/// The tensor with its axes in another order.
fn permuted(tensor: &Tensor, axes: &[usize]) -> Outcome<Tensor> {
    let from = tensor.shape().to_vec();
    let result = each_buffer!(tensor.buffer(), v => permute(v, &from, axes));
    result.map_err(|e| e.to_string())
}

fn permute<T: Element>(v: &[T], from: &[usize], axes: &[usize]) -> kerox_tensor::Result<Tensor> {
    let mut strides = vec![1; from.len()];
    for axis in (0..from.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * from[axis + 1];
    }
    let shape: Vec<usize> = axes.iter().map(|&axis| from[axis]).collect();
    let steps: Vec<usize> = axes.iter().map(|&axis| strides[axis]).collect();
    let mut index = vec![0; shape.len()];
    let mut out = Vec::with_capacity(v.len());
    for _ in 0..v.len() {
        out.push(v[index.iter().zip(&steps).map(|(i, s)| i * s).sum::<usize>()].clone());
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    Tensor::from_vec(out, shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(shape: &[usize]) -> Tensor {
        let n: usize = shape.iter().product();
        Tensor::from_vec((0..n).map(|i| i as f32).collect(), shape.to_vec()).unwrap()
    }

    #[test]
    fn axes_in_another_order() {
        let t = permuted(&counted(&[2, 3]), &[1, 0]).unwrap();
        assert_eq!(t.as_slice::<f32>().unwrap(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    }

    #[test]
    fn cudnn_there_and_back() {
        let tensors = vec![counted(&[3, 8]), counted(&[2, 8]), counted(&[16])];
        let here = recurrent(tensors.clone(), &Shape::from([8]), 4).unwrap();
        // numpy: gates of [0, 1, 8, 9, 16, 17] as `k.T.reshape(k.shape, order="F")`.
        assert_eq!(here[0].as_slice::<f32>().unwrap()[..2], [0.0, 9.0]);
        assert_eq!(here[2].as_slice::<f32>().unwrap()[..2], [8.0, 10.0]);
        let back = recurrent(here, &Shape::from([16]), 4).unwrap();
        assert_eq!(back[..2], tensors[..2]);
        let gru = vec![counted(&[3, 6]), counted(&[2, 6]), counted(&[12])];
        assert_eq!(recurrent(gru.clone(), &Shape::from([2, 6]), 3).unwrap()[2].shape(), &Shape::from([2, 6]));
        let error = recurrent(gru, &Shape::from([6]), 3).unwrap_err();
        assert_eq!(error, "CuDNNGRU is not compatible with GRU(reset_after=False)");
    }
}
