//! DenseNet: every block is given the results of all before it.

use kerox_layers::activation::ActivationLayer;
use kerox_layers::conv::Conv2D;
use kerox_layers::merging::Concatenate;
use kerox_layers::pooling::{AveragePooling2D, MaxPooling2D};
use kerox_layers::reshaping::ZeroPadding2D;
use kerox_layers::{KerasTensor, LayerExt};

use super::application::Architecture;
use super::parts::{batch_norm, channels, classifier};
use super::{Application, Mode, Result};

const EPSILON: f64 = 1.001e-5;
const GROWTH: usize = 32;

pub const DENSENET121: Architecture = Architecture {
    name: "DenseNet121",
    default_size: 224,
    min_size: 32,
    mode: Some(Mode::Torch),
    own_arguments: &[],
    layers: |application, x| layers(application, x, [6, 12, 24, 16]),
    model_name: |_, _| "densenet121".into(),
};

pub const DENSENET169: Architecture = Architecture {
    name: "DenseNet169",
    layers: |application, x| layers(application, x, [6, 12, 32, 32]),
    model_name: |_, _| "densenet169".into(),
    ..DENSENET121
};

pub const DENSENET201: Architecture = Architecture {
    name: "DenseNet201",
    layers: |application, x| layers(application, x, [6, 12, 48, 32]),
    model_name: |_, _| "densenet201".into(),
    ..DENSENET121
};

fn layers(application: &Application, x: KerasTensor, blocks: [usize; 4]) -> Result<KerasTensor> {
    let x = ZeroPadding2D::new(3).on(&x)?;
    let x = Conv2D::new(64, 7).strides(2).use_bias(false).name("conv1/conv").on(&x)?;
    let x = relu(&batch_norm(&x, EPSILON, "conv1/bn")?, "conv1/relu")?;
    let x = ZeroPadding2D::new(1).on(&x)?;
    let mut x = MaxPooling2D::new(3).strides(2).name("pool1").on(&x)?;
    for (i, blocks) in blocks.into_iter().enumerate() {
        if i > 0 {
            x = transition(&x, &format!("pool{}", i + 1))?;
        }
        for block in 1..=blocks {
            x = conv_block(&x, &format!("conv{}_block{block}", i + 2))?;
        }
    }
    let x = relu(&batch_norm(&x, EPSILON, "bn")?, "relu")?;
    classifier(application, x)
}

/// Half as many channels, half the height and width.
fn transition(x: &KerasTensor, name: &str) -> Result<KerasTensor> {
    let x = relu(&batch_norm(x, EPSILON, &format!("{name}_bn"))?, &format!("{name}_relu"))?;
    let x = Conv2D::new(channels(&x) / 2, 1).use_bias(false).name(format!("{name}_conv")).on(&x)?;
    Ok(AveragePooling2D::new(2).strides(2).name(format!("{name}_pool")).on(&x)?)
}

/// More channels beside those that are there.
fn conv_block(input: &KerasTensor, name: &str) -> Result<KerasTensor> {
    let part = |part: &str| format!("{name}_{part}");
    let x = relu(&batch_norm(input, EPSILON, &part("0_bn"))?, &part("0_relu"))?;
    let x = Conv2D::new(4 * GROWTH, 1).use_bias(false).name(part("1_conv")).on(&x)?;
    let x = relu(&batch_norm(&x, EPSILON, &part("1_bn"))?, &part("1_relu"))?;
    let x = Conv2D::new(GROWTH, 3).padding("same").use_bias(false).name(part("2_conv")).on(&x)?;
    Ok(Concatenate::new().axis(3).name(part("concat")).on([input, &x])?)
}

fn relu(x: &KerasTensor, name: &str) -> Result<KerasTensor> {
    Ok(ActivationLayer::new("relu").name(name).on(x)?)
}
