//! MobileNetV2: inverted residual blocks, which widen, convolve each channel and narrow again.

use kerox_layers::activation::ReLU;
use kerox_layers::conv::{Conv2D, DepthwiseConv2D};
use kerox_layers::merging::Add;
use kerox_layers::normalization::BatchNormalization;
use kerox_layers::pooling::GlobalAveragePooling2D;
use kerox_layers::reshaping::ZeroPadding2D;
use kerox_layers::{KerasTensor, LayerExt};

use super::application::Architecture;
use super::parts::{channels, correct_pad, make_divisible, pooled, predictions};
use super::{Application, Mode, Result};

pub const MOBILENET_V2: Architecture = Architecture {
    name: "MobileNetV2",
    default_size: 224,
    min_size: 32,
    mode: Some(Mode::Tf),
    own_arguments: &["alpha"],
    layers,
    model_name: |application, rows| {
        format!("mobilenetv2_{:.2}_{}", application.alpha, rows.map_or("None".into(), |rows| rows.to_string()))
    },
};

/// Filters and strides of the blocks; all but the first widen their input six times.
const BLOCKS: [(usize, usize); 17] = [
    (16, 1),
    (24, 2),
    (24, 1),
    (32, 2),
    (32, 1),
    (32, 1),
    (64, 2),
    (64, 1),
    (64, 1),
    (64, 1),
    (96, 1),
    (96, 1),
    (96, 1),
    (160, 2),
    (160, 1),
    (160, 1),
    (320, 1),
];

fn layers(application: &Application, x: KerasTensor) -> Result<KerasTensor> {
    let alpha = application.alpha;
    let first = make_divisible(32.0 * alpha);
    let x = Conv2D::new(first, 3).strides(2).padding("same").use_bias(false).name("Conv1").on(&x)?;
    let x = relu6(&batch_norm(&x, "bn_Conv1")?, "Conv1_relu")?;
    let mut x = x;
    for (id, &(filters, strides)) in BLOCKS.iter().enumerate() {
        x = block(x, make_divisible((filters as f64 * alpha).trunc()), strides, id)?;
    }
    // Only a factor above 1 widens the last convolution.
    let last = if alpha > 1.0 { make_divisible(1280.0 * alpha) } else { 1280 };
    let x = Conv2D::new(last, 1).use_bias(false).name("Conv_1").on(&x)?;
    let x = relu6(&batch_norm(&x, "Conv_1_bn")?, "out_relu")?;
    if !application.include_top {
        return pooled(application, x, false);
    }
    predictions(application, &GlobalAveragePooling2D::new().on(&x)?)
}

fn block(input: KerasTensor, filters: usize, strides: usize, id: usize) -> Result<KerasTensor> {
    let prefix = if id == 0 { "expanded_conv_".to_string() } else { format!("block_{id}_") };
    let name = |part: &str| format!("{prefix}{part}");
    let inputs = channels(&input);
    let mut x = input.clone();
    if id > 0 {
        x = Conv2D::new(6 * inputs, 1).padding("same").use_bias(false).name(name("expand")).on(&x)?;
        x = relu6(&batch_norm(&x, &name("expand_BN"))?, &name("expand_relu"))?;
    }
    if strides == 2 {
        x = ZeroPadding2D::new(correct_pad(&x, 3)).name(name("pad")).on(&x)?;
    }
    let padding = if strides == 1 { "same" } else { "valid" };
    let depthwise = DepthwiseConv2D::depthwise(3).strides(strides).use_bias(false).padding(padding);
    x = depthwise.name(name("depthwise")).on(&x)?;
    x = relu6(&batch_norm(&x, &name("depthwise_BN"))?, &name("depthwise_relu"))?;
    x = Conv2D::new(filters, 1).padding("same").use_bias(false).name(name("project")).on(&x)?;
    x = batch_norm(&x, &name("project_BN"))?;
    if inputs == filters && strides == 1 {
        return Ok(Add::new().name(name("add")).on([&input, &x])?);
    }
    Ok(x)
}

fn batch_norm(x: &KerasTensor, name: &str) -> Result<KerasTensor> {
    Ok(BatchNormalization::new().epsilon(1e-3).momentum(0.999).name(name).on(x)?)
}

fn relu6(x: &KerasTensor, name: &str) -> Result<KerasTensor> {
    Ok(ReLU::new().max_value(6.0).name(name).on(x)?)
}
