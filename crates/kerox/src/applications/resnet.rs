//! ResNet and ResNetV2: bottleneck blocks whose result is added to what they were given.

use kerox_layers::activation::ActivationLayer;
use kerox_layers::conv::Conv2D;
use kerox_layers::merging::Add;
use kerox_layers::pooling::MaxPooling2D;
use kerox_layers::reshaping::ZeroPadding2D;
use kerox_layers::{KerasTensor, LayerExt};

use super::application::Architecture;
use super::parts::{batch_norm, classifier};
use super::{Application, Mode, Result};

const EPSILON: f64 = 1.001e-5;

pub const RESNET50: Architecture = original("ResNet50", |a, x| layers(a, x, [3, 4, 6, 3]), |_, _| "resnet50".into());
pub const RESNET101: Architecture =
    original("ResNet101", |a, x| layers(a, x, [3, 4, 23, 3]), |_, _| "resnet101".into());
pub const RESNET152: Architecture =
    original("ResNet152", |a, x| layers(a, x, [3, 8, 36, 3]), |_, _| "resnet152".into());
pub const RESNET50V2: Architecture =
    second("ResNet50V2", |a, x| layers_v2(a, x, [3, 4, 6, 3]), |_, _| "resnet50v2".into());
pub const RESNET101V2: Architecture =
    second("ResNet101V2", |a, x| layers_v2(a, x, [3, 4, 23, 3]), |_, _| "resnet101v2".into());
pub const RESNET152V2: Architecture =
    second("ResNet152V2", |a, x| layers_v2(a, x, [3, 8, 36, 3]), |_, _| "resnet152v2".into());

type Layers = fn(&Application, KerasTensor) -> Result<KerasTensor>;
type ModelName = fn(&Application, Option<usize>) -> String;

const fn original(name: &'static str, layers: Layers, model_name: ModelName) -> Architecture {
    let mode = Some(Mode::Caffe);
    Architecture { name, default_size: 224, min_size: 32, mode, own_arguments: &[], layers, model_name }
}

const fn second(name: &'static str, layers: Layers, model_name: ModelName) -> Architecture {
    Architecture { mode: Some(Mode::Tf), ..original(name, layers, model_name) }
}

/// The first convolution; the second version normalizes later.
fn stem(x: &KerasTensor, normalizes: bool) -> Result<KerasTensor> {
    let x = ZeroPadding2D::new(3).name("conv1_pad").on(x)?;
    let mut x = Conv2D::new(64, 7).strides(2).name("conv1_conv").on(&x)?;
    if normalizes {
        x = relu(&batch_norm(&x, EPSILON, "conv1_bn")?, "conv1_relu")?;
    }
    let x = ZeroPadding2D::new(1).name("pool1_pad").on(&x)?;
    Ok(MaxPooling2D::new(3).strides(2).name("pool1_pool").on(&x)?)
}

fn layers(application: &Application, x: KerasTensor, blocks: [usize; 4]) -> Result<KerasTensor> {
    let mut x = stem(&x, true)?;
    for (stack, blocks) in blocks.into_iter().enumerate() {
        for i in 0..blocks {
            let strides = if stack > 0 && i == 0 { 2 } else { 1 };
            x = block(x, 64 << stack, strides, i == 0, &format!("conv{}_block{}", stack + 2, i + 1))?;
        }
    }
    classifier(application, x)
}

/// Convolutions first, normalization after each.
fn block(input: KerasTensor, filters: usize, strides: usize, is_first: bool, name: &str) -> Result<KerasTensor> {
    let part = |part: &str| format!("{name}_{part}");
    let shortcut = match is_first {
        true => {
            let x = Conv2D::new(4 * filters, 1).strides(strides).name(part("0_conv")).on(&input)?;
            batch_norm(&x, EPSILON, &part("0_bn"))?
        }
        false => input.clone(),
    };
    let x = Conv2D::new(filters, 1).strides(strides).name(part("1_conv")).on(&input)?;
    let x = relu(&batch_norm(&x, EPSILON, &part("1_bn"))?, &part("1_relu"))?;
    let x = Conv2D::new(filters, 3).padding("same").name(part("2_conv")).on(&x)?;
    let x = relu(&batch_norm(&x, EPSILON, &part("2_bn"))?, &part("2_relu"))?;
    let x = Conv2D::new(4 * filters, 1).name(part("3_conv")).on(&x)?;
    let x = batch_norm(&x, EPSILON, &part("3_bn"))?;
    let x = Add::new().name(part("add")).on([&shortcut, &x])?;
    relu(&x, &part("out"))
}

fn layers_v2(application: &Application, x: KerasTensor, blocks: [usize; 4]) -> Result<KerasTensor> {
    let mut x = stem(&x, false)?;
    for (stack, blocks) in blocks.into_iter().enumerate() {
        for i in 0..blocks {
            let strides = if stack < 3 && i + 1 == blocks { 2 } else { 1 };
            x = block_v2(x, 64 << stack, strides, i == 0, &format!("conv{}_block{}", stack + 2, i + 1))?;
        }
    }
    let x = relu(&batch_norm(&x, EPSILON, "post_bn")?, "post_relu")?;
    classifier(application, x)
}

/// Normalization first, convolutions after.
fn block_v2(input: KerasTensor, filters: usize, strides: usize, is_first: bool, name: &str) -> Result<KerasTensor> {
    let part = |part: &str| format!("{name}_{part}");
    let normalized = relu(&batch_norm(&input, EPSILON, &part("preact_bn"))?, &part("preact_relu"))?;
    let shortcut = match (is_first, strides) {
        (true, _) => Conv2D::new(4 * filters, 1).strides(strides).name(part("0_conv")).on(&normalized)?,
        (false, 1) => input.clone(),
        (false, _) => MaxPooling2D::new(1).strides(strides).on(&input)?,
    };
    let x = Conv2D::new(filters, 1).use_bias(false).name(part("1_conv")).on(&normalized)?;
    let x = relu(&batch_norm(&x, EPSILON, &part("1_bn"))?, &part("1_relu"))?;
    let x = ZeroPadding2D::new(1).name(part("2_pad")).on(&x)?;
    let x = Conv2D::new(filters, 3).strides(strides).use_bias(false).name(part("2_conv")).on(&x)?;
    let x = relu(&batch_norm(&x, EPSILON, &part("2_bn"))?, &part("2_relu"))?;
    let x = Conv2D::new(4 * filters, 1).name(part("3_conv")).on(&x)?;
    Ok(Add::new().name(part("out")).on([&shortcut, &x])?)
}

fn relu(x: &KerasTensor, name: &str) -> Result<KerasTensor> {
    Ok(ActivationLayer::new("relu").name(name).on(x)?)
}
