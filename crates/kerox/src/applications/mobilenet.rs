//! MobileNet: depthwise convolutions, each mixed by one of size 1.

use kerox_layers::KerasTensor;
use kerox_layers::LayerExt;
use kerox_layers::activation::{ActivationLayer, ReLU};
use kerox_layers::conv::{Conv2D, DepthwiseConv2D};
use kerox_layers::normalization::BatchNormalization;
use kerox_layers::pooling::GlobalAveragePooling2D;
use kerox_layers::regularization::Dropout;
use kerox_layers::reshaping::{Reshape, ZeroPadding2D};

use super::application::Architecture;
use super::parts::pooled;
use super::{Application, Mode, Result};

pub const MOBILENET: Architecture = Architecture {
    name: "MobileNet",
    default_size: 224,
    min_size: 32,
    mode: Some(Mode::Tf),
    own_arguments: &["alpha", "depth_multiplier", "dropout"],
    layers,
    model_name: |application, rows| {
        format!("mobilenet_{:.2}_{}", application.alpha, rows.map_or("None".into(), |rows| rows.to_string()))
    },
};

/// Filters and strides of the blocks.
const BLOCKS: [(usize, usize); 13] = [
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
];

fn layers(application: &Application, x: KerasTensor) -> Result<KerasTensor> {
    let filters = |filters: usize| -> Result<usize> {
        match (filters as f64 * application.alpha) as usize {
            0 => Err(application.wrong("alpha", "a number that leaves filters", application.alpha.to_string())),
            filters => Ok(filters),
        }
    };
    let x = Conv2D::new(filters(32)?, 3).padding("same").use_bias(false).strides(2).name("conv1").on(&x)?;
    let mut x = normalized(&x, "conv1")?;
    for (i, &(outputs, strides)) in BLOCKS.iter().enumerate() {
        let id = i + 1;
        let outputs = filters(outputs)?;
        if strides > 1 {
            x = ZeroPadding2D::new([(0, 1), (0, 1)]).name(format!("conv_pad_{id}")).on(&x)?;
        }
        let name = format!("conv_dw_{id}");
        let depthwise = DepthwiseConv2D::depthwise(3)
            .padding(if strides > 1 { "valid" } else { "same" })
            .depth_multiplier(application.depth_multiplier)
            .strides(strides)
            .use_bias(false);
        x = normalized(&depthwise.name(name.as_str()).on(&x)?, &name)?;
        let name = format!("conv_pw_{id}");
        let pointwise = Conv2D::new(outputs, 1).padding("same").use_bias(false);
        x = normalized(&pointwise.name(name.as_str()).on(&x)?, &name)?;
    }
    if !application.include_top {
        return pooled(application, x, false);
    }
    let x = GlobalAveragePooling2D::new().keepdims(true).on(&x)?;
    let x = Dropout::new(application.dropout).name("dropout").on(&x)?;
    let x = Conv2D::new(application.classes, 1).padding("same").name("conv_preds").on(&x)?;
    let x = Reshape::new([application.classes as i64]).name("reshape_2").on(&x)?;
    Ok(ActivationLayer::new(application.classifier_activation.clone()).name("predictions").on(&x)?)
}

fn normalized(x: &KerasTensor, name: &str) -> Result<KerasTensor> {
    let x = BatchNormalization::new().name(format!("{name}_bn")).on(x)?;
    Ok(ReLU::new().max_value(6.0).name(format!("{name}_relu")).on(&x)?)
}
