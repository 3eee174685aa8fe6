//! Xception: residual blocks of separable convolutions.

use kerox_layers::activation::ActivationLayer;
use kerox_layers::conv::{Conv2D, SeparableConv2D};
use kerox_layers::merging::Add;
use kerox_layers::normalization::BatchNormalization;
use kerox_layers::pooling::{GlobalAveragePooling2D, MaxPooling2D};
use kerox_layers::{KerasTensor, LayerExt};

use super::application::Architecture;
use super::parts::{pooled, predictions};
use super::{Application, Mode, Result};

pub const XCEPTION: Architecture = Architecture {
    name: "Xception",
    default_size: 299,
    min_size: 71,
    mode: Some(Mode::Tf),
    own_arguments: &[],
    layers,
    model_name: |_, _| "xception".into(),
};

fn layers(application: &Application, x: KerasTensor) -> Result<KerasTensor> {
    let x = Conv2D::new(32, 3).strides(2).use_bias(false).name("block1_conv1").on(&x)?;
    let x = relu(&batch_norm(&x, "block1_conv1_bn")?, "block1_conv1_act")?;
    let x = Conv2D::new(64, 3).use_bias(false).name("block1_conv2").on(&x)?;
    let mut x = relu(&batch_norm(&x, "block1_conv2_bn")?, "block1_conv2_act")?;
    for (block, filters) in [(2, 128), (3, 256), (4, 728)] {
        let shortcut = shortcut(&x, filters)?;
        // The first block is given what has been through relu already.
        if block > 2 {
            x = relu(&x, &format!("block{block}_sepconv1_act"))?;
        }
        x = separable(&x, filters, block, 1)?;
        x = relu(&x, &format!("block{block}_sepconv2_act"))?;
        x = separable(&x, filters, block, 2)?;
        x = halved(&x, block)?;
        x = Add::new().on([&x, &shortcut])?;
    }
    for block in 5..13 {
        let shortcut = x.clone();
        for i in 1..=3 {
            x = relu(&x, &format!("block{block}_sepconv{i}_act"))?;
            x = separable(&x, 728, block, i)?;
        }
        x = Add::new().on([&x, &shortcut])?;
    }
    let shortcut = shortcut(&x, 1024)?;
    for (i, filters) in [(1, 728), (2, 1024)] {
        x = relu(&x, &format!("block13_sepconv{i}_act"))?;
        x = separable(&x, filters, 13, i)?;
    }
    x = halved(&x, 13)?;
    x = Add::new().on([&x, &shortcut])?;
    for (i, filters) in [(1, 1536), (2, 2048)] {
        x = separable(&x, filters, 14, i)?;
        x = relu(&x, &format!("block14_sepconv{i}_act"))?;
    }
    if !application.include_top {
        return pooled(application, x, false);
    }
    predictions(application, &GlobalAveragePooling2D::new().name("avg_pool").on(&x)?)
}

/// What a block adds to its result: its input at half the height and width.
fn shortcut(x: &KerasTensor, filters: usize) -> Result<KerasTensor> {
    let x = Conv2D::new(filters, 1).strides(2).padding("same").use_bias(false).on(x)?;
    Ok(BatchNormalization::new().on(&x)?)
}

fn separable(x: &KerasTensor, filters: usize, block: usize, i: usize) -> Result<KerasTensor> {
    let name = format!("block{block}_sepconv{i}");
    let layer = SeparableConv2D::new(filters, 3).padding("same").use_bias(false);
    batch_norm(&layer.name(name.as_str()).on(x)?, &format!("{name}_bn"))
}

fn halved(x: &KerasTensor, block: usize) -> Result<KerasTensor> {
    Ok(MaxPooling2D::new(3).strides(2).padding("same").name(format!("block{block}_pool")).on(x)?)
}

fn batch_norm(x: &KerasTensor, name: &str) -> Result<KerasTensor> {
    Ok(BatchNormalization::new().name(name).on(x)?)
}

fn relu(x: &KerasTensor, name: &str) -> Result<KerasTensor> {
    Ok(ActivationLayer::new("relu").name(name).on(x)?)
}
