//! What `fit` does with whole arrays before it begins.

use kerox_tensor::{DType, Shape, Tensor, each_buffer};

use crate::data::Batch;
use crate::{Error, Result};

/// Whether all arrays have as many samples.
pub(super) fn check_cardinality(batch: &Batch) -> Result<()> {
    let samples = |tensors: &[Tensor]| -> Vec<String> {
        tensors.iter().map(|t| t.shape().first().copied().unwrap_or(0).to_string()).collect()
    };
    let all: Vec<(&str, Vec<String>)> = [("x", &batch.x), ("y", &batch.y), ("sample_weight", &batch.sample_weight)]
        .into_iter()
        .filter(|(_, tensors)| !tensors.is_empty())
        .map(|(name, tensors)| (name, samples(tensors)))
        .collect();
    let mut sizes = all.iter().flat_map(|(_, sizes)| sizes);
    let first = sizes.next();
    if sizes.all(|size| Some(size) == first) {
        return Ok(());
    }
    let text: Vec<String> = all.iter().map(|(name, sizes)| format!("{name} sizes: {}", sizes.join(", "))).collect();
    Err(Error::Cardinality { sizes: text.join(", ") })
}

/// The samples before a place, and those from there on.
pub(super) fn split(batch: &Batch, at: usize) -> Result<(Batch, Batch)> {
    let part = |tensors: &[Tensor], from: usize, to: Option<usize>| -> Result<Vec<Tensor>> {
        tensors
            .iter()
            .map(|t| {
                let row: usize = t.shape().iter().skip(1).product();
                let to = to.unwrap_or(t.shape()[0]);
                let shape: Shape = std::iter::once(to - from).chain(t.shape().iter().skip(1).copied()).collect();
                each_buffer!(t.buffer(), v => Ok(Tensor::from_vec(v[from * row..to * row].to_vec(), shape)?))
            })
            .collect()
    };
    let of = |from, to| -> Result<Batch> {
        Ok(Batch {
            x: part(&batch.x, from, to)?,
            y: part(&batch.y, from, to)?,
            sample_weight: part(&batch.sample_weight, from, to)?,
        })
    };
    Ok((of(0, Some(at))?, of(at, None)?))
}

/// Turns factors by class into factors by sample, and multiplies them with those there are.
pub(super) fn apply_class_weight(data: &mut Batch, weights: &[(i64, f64)]) -> Result<()> {
    let [y] = &data.y[..] else {
        return Err(Error::argument("fit", "class_weight", "a model with one output", format!("{}", data.y.len())));
    };
    let samples = y.shape()[0];
    let width: usize = y.shape().iter().skip(1).product();
    let labels = y.cast(DType::F64)?;
    let labels = labels.as_slice::<f64>()?;
    let mut factors = Vec::with_capacity(samples);
    for sample in 0..samples {
        let class = match width {
            1 => Some(labels[sample] as i64),
            // One-hot labels: the largest entry is the class.
            _ => (0..width)
                .map(|k| (k, labels[sample * width + k]))
                .fold(None, |best: Option<(usize, f64)>, next| match best {
                    Some(b) if b.1 >= next.1 => Some(b),
                    _ => Some(next),
                })
                .map(|(k, _)| k as i64),
        };
        let factor = class.and_then(|c| weights.iter().find(|(k, _)| *k == c)).map_or(1.0, |(_, w)| *w);
        factors.push(factor as f32);
    }
    match data.sample_weight.first_mut() {
        Some(old) if old.dtype() == DType::F32 => {
            let row: usize = old.shape().iter().skip(1).product();
            for (i, x) in old.as_mut_slice::<f32>()?.iter_mut().enumerate() {
                *x *= factors[i / row.max(1)];
            }
        }
        _ => data.sample_weight = vec![Tensor::from_vec(factors, [samples, 1])?],
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(y: Tensor) -> Vec<f32> {
        let mut batch = Batch { x: Vec::new(), y: vec![y], sample_weight: Vec::new() };
        apply_class_weight(&mut batch, &[(0, 1.0), (1, 3.0), (2, 0.5)]).unwrap();
        batch.sample_weight[0].as_slice::<f32>().unwrap().to_vec()
    }

    #[test]
    fn labels_of_any_type_have_classes() {
        let labels = Tensor::from_vec(vec![0f64, 1.0, 2.0], [3]).unwrap();
        for dtype in [DType::F64, DType::F32, DType::F16, DType::BF16, DType::I64, DType::U8] {
            assert_eq!(weights(labels.cast(dtype).unwrap()), [1.0, 3.0, 0.5], "{dtype}");
        }
        assert_eq!(weights(Tensor::from_vec(vec![0f64, 1.0, 0.0, 0.2, 0.1, 0.7], [2, 3]).unwrap()), [3.0, 0.5]);
        let mut texts =
            Batch { x: Vec::new(), y: vec![Tensor::from_strings(["a"], [1]).unwrap()], sample_weight: vec![] };
        assert!(apply_class_weight(&mut texts, &[(0, 1.0)]).is_err());
    }
}
