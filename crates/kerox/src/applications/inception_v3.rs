//! InceptionV3: branches of convolutions of several sizes side by side.

use kerox_layers::activation::ActivationLayer;
use kerox_layers::conv::Conv2D;
use kerox_layers::merging::Concatenate;
use kerox_layers::normalization::BatchNormalization;
use kerox_layers::pooling::{AveragePooling2D, GlobalAveragePooling2D, MaxPooling2D};
use kerox_layers::{KerasTensor, LayerExt};

use super::application::Architecture;
use super::parts::{named, pooled, predictions};
use super::{Application, Mode, Result};

pub const INCEPTION_V3: Architecture = Architecture {
    name: "InceptionV3",
    default_size: 299,
    min_size: 75,
    mode: Some(Mode::Tf),
    own_arguments: &[],
    layers,
    model_name: |_, _| "inception_v3".into(),
};

fn layers(application: &Application, x: KerasTensor) -> Result<KerasTensor> {
    let x = conv_with(&x, 32, [3, 3], 2, "valid")?;
    let x = conv_with(&x, 32, [3, 3], 1, "valid")?;
    let x = conv(&x, 64, [3, 3])?;
    let x = MaxPooling2D::new(3).strides(2).on(&x)?;
    let x = conv_with(&x, 80, [1, 1], 1, "valid")?;
    let x = conv_with(&x, 192, [3, 3], 1, "valid")?;
    let mut x = MaxPooling2D::new(3).strides(2).on(&x)?;
    // Mixed 0 to 2: 35 by 35.
    for (i, pool) in [32, 64, 64].into_iter().enumerate() {
        let one = conv(&x, 64, [1, 1])?;
        let five = conv(&conv(&x, 48, [1, 1])?, 64, [5, 5])?;
        let three = conv(&conv(&conv(&x, 64, [1, 1])?, 96, [3, 3])?, 96, [3, 3])?;
        let pool = pooled_conv(&x, pool)?;
        x = join(&[&one, &five, &three, &pool], Some(&format!("mixed{i}")))?;
    }
    // Mixed 3: to 17 by 17.
    let three = conv_with(&x, 384, [3, 3], 2, "valid")?;
    let double = conv_with(&conv(&conv(&x, 64, [1, 1])?, 96, [3, 3])?, 96, [3, 3], 2, "valid")?;
    let pool = MaxPooling2D::new(3).strides(2).on(&x)?;
    x = join(&[&three, &double, &pool], Some("mixed3"))?;
    // Mixed 4 to 7.
    for (i, width) in [128, 160, 160, 192].into_iter().enumerate() {
        let one = conv(&x, 192, [1, 1])?;
        let seven = conv(&x, width, [1, 1])?;
        let seven = conv(&conv(&seven, width, [1, 7])?, 192, [7, 1])?;
        let double = conv(&x, width, [1, 1])?;
        let double = conv(&conv(&double, width, [7, 1])?, width, [1, 7])?;
        let double = conv(&conv(&double, width, [7, 1])?, 192, [1, 7])?;
        let pool = pooled_conv(&x, 192)?;
        x = join(&[&one, &seven, &double, &pool], Some(&format!("mixed{}", i + 4)))?;
    }
    // Mixed 8: to 8 by 8.
    let three = conv_with(&conv(&x, 192, [1, 1])?, 320, [3, 3], 2, "valid")?;
    let seven = conv(&conv(&conv(&x, 192, [1, 1])?, 192, [1, 7])?, 192, [7, 1])?;
    let seven = conv_with(&seven, 192, [3, 3], 2, "valid")?;
    let pool = MaxPooling2D::new(3).strides(2).on(&x)?;
    x = join(&[&three, &seven, &pool], Some("mixed8"))?;
    // Mixed 9 and 10.
    for i in 0..2 {
        let one = conv(&x, 320, [1, 1])?;
        let three = conv(&x, 384, [1, 1])?;
        let (wide, high) = (conv(&three, 384, [1, 3])?, conv(&three, 384, [3, 1])?);
        let three = join(&[&wide, &high], Some(&format!("mixed9_{i}")))?;
        let double = conv(&conv(&x, 448, [1, 1])?, 384, [3, 3])?;
        let (wide, high) = (conv(&double, 384, [1, 3])?, conv(&double, 384, [3, 1])?);
        let double = join(&[&wide, &high], None)?;
        let pool = pooled_conv(&x, 192)?;
        x = join(&[&one, &three, &double, &pool], Some(&format!("mixed{}", i + 9)))?;
    }
    if !application.include_top {
        return pooled(application, x, false);
    }
    predictions(application, &GlobalAveragePooling2D::new().name("avg_pool").on(&x)?)
}

fn conv(x: &KerasTensor, filters: usize, size: [usize; 2]) -> Result<KerasTensor> {
    conv_with(x, filters, size, 1, "same")
}

/// A convolution, normalization without scale, and relu.
fn conv_with(x: &KerasTensor, filters: usize, size: [usize; 2], strides: usize, padding: &str) -> Result<KerasTensor> {
    let x = Conv2D::new(filters, size).strides(strides).padding(padding).use_bias(false).on(x)?;
    let x = BatchNormalization::new().scale(false).on(&x)?;
    Ok(ActivationLayer::new("relu").on(&x)?)
}

fn pooled_conv(x: &KerasTensor, filters: usize) -> Result<KerasTensor> {
    conv(&AveragePooling2D::new(3).strides(1).padding("same").on(x)?, filters, [1, 1])
}

fn join(parts: &[&KerasTensor], name: Option<&str>) -> Result<KerasTensor> {
    let parts: Vec<KerasTensor> = parts.iter().map(|&part| part.clone()).collect();
    Ok(named(Concatenate::new().axis(3), name).on(parts)?)
}
