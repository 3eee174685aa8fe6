//! Parts that several architectures have in common.

use kerox_layers::core::Dense;
use kerox_layers::normalization::BatchNormalization;
use kerox_layers::pooling::{GlobalAveragePooling2D, GlobalMaxPooling2D};
use kerox_layers::{KerasTensor, Layer, LayerExt};

use super::{Application, Result};

/// Gives the layer a name, or leaves it the automatic one.
pub fn named<L: Layer>(layer: L, name: Option<&str>) -> L {
    match name {
        Some(name) => layer.name(name),
        None => layer,
    }
}

/// Batch normalization of that name.
pub fn batch_norm(x: &KerasTensor, epsilon: f64, name: &str) -> Result<KerasTensor> {
    Ok(BatchNormalization::new().epsilon(epsilon).name(name).on(x)?)
}

/// What stands in place of the layers that classify. Some architectures name the layer, others do not.
pub fn pooled(application: &Application, x: KerasTensor, are_named: bool) -> Result<KerasTensor> {
    let name = |name| if are_named { Some(name) } else { None };
    match application.pooling.as_deref() {
        Some("avg") => Ok(named(GlobalAveragePooling2D::new(), name("avg_pool")).on(&x)?),
        Some("max") => Ok(named(GlobalMaxPooling2D::new(), name("max_pool")).on(&x)?),
        _ => Ok(x),
    }
}

/// The mean of the feature maps and a dense layer, or what stands in their place.
pub fn classifier(application: &Application, x: KerasTensor) -> Result<KerasTensor> {
    if !application.include_top {
        return pooled(application, x, true);
    }
    let x = GlobalAveragePooling2D::new().name("avg_pool").on(&x)?;
    predictions(application, &x)
}

/// The last dense layer.
pub fn predictions(application: &Application, x: &KerasTensor) -> Result<KerasTensor> {
    let activation = application.classifier_activation.clone();
    Ok(Dense::new(application.classes).activation(activation).name("predictions").on(x)?)
}

/// Zeros before and after height and width, so that a kernel of odd size with strides of 2 ends at the border.
pub fn correct_pad(x: &KerasTensor, kernel_size: usize) -> [(usize, usize); 2] {
    let half = kernel_size / 2;
    let before = |length: Option<usize>| half - length.map_or(1, |n| 1 - n % 2);
    match x.shape().axes() {
        Some(&[_, Some(height), width, _]) => [(before(Some(height)), half), (before(width), half)],
        _ => [(half - 1, half); 2],
    }
}

/// The number of channels.
pub fn channels(x: &KerasTensor) -> usize {
    x.shape().axes().and_then(|axes| axes.last().copied().flatten()).unwrap_or(0)
}

/// The nearest multiple of 8, at least 8, and not below nine tenths of `filters`.
pub fn make_divisible(filters: f64) -> usize {
    let nearest = (((filters + 4.0) as usize) / 8 * 8).max(8);
    if (nearest as f64) < 0.9 * filters { nearest + 8 } else { nearest }
}
