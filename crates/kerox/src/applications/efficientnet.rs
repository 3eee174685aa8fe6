//! EfficientNet: inverted residual blocks with squeeze and excitation, scaled in width and depth.

use kerox_layers::activation::ActivationLayer;
use kerox_layers::conv::{Conv2D, DepthwiseConv2D};
use kerox_layers::core::Dense;
use kerox_layers::initializers::{FanDistribution, FanMode, VarianceScaling};
use kerox_layers::merging::{Add, Multiply};
use kerox_layers::normalization::BatchNormalization;
use kerox_layers::pooling::GlobalAveragePooling2D;
use kerox_layers::preprocessing::{Normalization, Rescaling};
use kerox_layers::regularization::Dropout;
use kerox_layers::reshaping::{Reshape, ZeroPadding2D};
use kerox_layers::{ActivationOptions, KerasTensor, KernelOptions, LayerExt};

use super::application::Architecture;
use super::parts::{correct_pad, make_divisible, pooled};
use super::{Application, Result};

/// Fraction dropped by the last block, before the classifier's own dropout; earlier blocks drop less.
const DROP_CONNECT: f64 = 0.2;

/// A group of blocks: size of the kernel, blocks, filters in and out, widening, strides.
type Stage = (usize, usize, usize, usize, usize, usize);

const STAGES: [Stage; 7] = [
    (3, 1, 32, 16, 1, 1),
    (3, 2, 16, 24, 6, 2),
    (5, 2, 24, 40, 6, 2),
    (3, 3, 40, 80, 6, 2),
    (5, 3, 80, 112, 6, 1),
    (5, 4, 112, 192, 6, 2),
    (3, 1, 192, 320, 6, 1),
];

/// Factors to width and depth, and the fraction dropped before the classifier.
struct Scale {
    width: f64,
    depth: f64,
    dropout: f64,
}

/// A line expands to the architecture of that name with its scale.
macro_rules! scales {
    ($($constant:ident $name:literal $model:literal $size:literal $width:literal $depth:literal $dropout:literal;)*) => {
        $(
            pub const $constant: Architecture = Architecture {
                name: $name,
                default_size: $size,
                min_size: 32,
                mode: None,
                own_arguments: &[],
                layers: |a, x| layers(a, x, &Scale { width: $width, depth: $depth, dropout: $dropout }),
                model_name: |_, _| $model.into(),
            };
        )*
    };
}
scales! {
    B0 "EfficientNetB0" "efficientnetb0" 224 1.0 1.0 0.2;
    B1 "EfficientNetB1" "efficientnetb1" 240 1.0 1.1 0.2;
    B2 "EfficientNetB2" "efficientnetb2" 260 1.1 1.2 0.3;
    B3 "EfficientNetB3" "efficientnetb3" 300 1.2 1.4 0.3;
    B4 "EfficientNetB4" "efficientnetb4" 380 1.4 1.8 0.4;
    B5 "EfficientNetB5" "efficientnetb5" 456 1.6 2.2 0.4;
    B6 "EfficientNetB6" "efficientnetb6" 528 1.8 2.6 0.5;
    B7 "EfficientNetB7" "efficientnetb7" 600 2.0 3.1 0.5;
}

fn layers(application: &Application, x: KerasTensor, scale: &Scale) -> Result<KerasTensor> {
    let filters = |filters: usize| make_divisible(filters as f64 * scale.width);
    let repeats = |repeats: usize| (scale.depth * repeats as f64).ceil() as usize;
    let x = Rescaling::new(1.0 / 255.0, 0.0).on(&x)?;
    let x = Normalization::new().axis([3]).on(&x)?;
    let x = ZeroPadding2D::new(correct_pad(&x, 3)).name("stem_conv_pad").on(&x)?;
    let stem = Conv2D::new(filters(32), 3).strides(2).use_bias(false).kernel_initializer(conv_initializer());
    let mut x = normalized(&stem.name("stem_conv").on(&x)?, "stem_bn", "stem_activation")?;

    let blocks: usize = STAGES.iter().map(|stage| repeats(stage.1)).sum();
    let mut before = 0;
    for (number, &(kernel, count, inputs, outputs, widening, strides)) in STAGES.iter().enumerate() {
        for i in 0..repeats(count) {
            let block = Block {
                prefix: format!("block{}{}_", number + 1, char::from(b'a' + i as u8)),
                kernel,
                inputs: filters(if i == 0 { inputs } else { outputs }),
                outputs: filters(outputs),
                widening,
                strides: if i == 0 { strides } else { 1 },
                drop: DROP_CONNECT * before as f64 / blocks as f64,
            };
            x = block.on(x)?;
            before += 1;
        }
    }
    let top = Conv2D::new(filters(1280), 1).padding("same").use_bias(false).kernel_initializer(conv_initializer());
    let x = normalized(&top.name("top_conv").on(&x)?, "top_bn", "top_activation")?;
    if !application.include_top {
        return pooled(application, x, true);
    }
    let x = GlobalAveragePooling2D::new().name("avg_pool").on(&x)?;
    let x = Dropout::new(scale.dropout).name("top_dropout").on(&x)?;
    let uniform = VarianceScaling::new(1.0 / 3.0, FanMode::FanOut, FanDistribution::Uniform);
    let dense = Dense::new(application.classes).activation(application.classifier_activation.clone());
    Ok(dense.kernel_initializer(uniform).name("predictions").on(&x)?)
}

struct Block {
    prefix: String,
    kernel: usize,
    inputs: usize,
    outputs: usize,
    widening: usize,
    strides: usize,
    drop: f64,
}

impl Block {
    fn on(&self, input: KerasTensor) -> Result<KerasTensor> {
        let name = |part: &str| format!("{}{part}", self.prefix);
        let conv = |filters: usize| Conv2D::new(filters, 1).padding("same").kernel_initializer(conv_initializer());
        let filters = self.inputs * self.widening;
        let mut x = input.clone();
        if self.widening != 1 {
            x = conv(filters).use_bias(false).name(name("expand_conv")).on(&x)?;
            x = normalized(&x, &name("expand_bn"), &name("expand_activation"))?;
        }
        if self.strides == 2 {
            x = ZeroPadding2D::new(correct_pad(&x, self.kernel)).name(name("dwconv_pad")).on(&x)?;
        }
        let depthwise = DepthwiseConv2D::depthwise(self.kernel)
            .strides(self.strides)
            .padding(if self.strides == 2 { "valid" } else { "same" })
            .use_bias(false)
            .depthwise_initializer(conv_initializer());
        x = normalized(&depthwise.name(name("dwconv")).on(&x)?, &name("bn"), &name("activation"))?;

        // Squeeze and excitation: a factor for each channel.
        let narrow = (self.inputs / 4).max(1);
        let factor = GlobalAveragePooling2D::new().name(name("se_squeeze")).on(&x)?;
        let factor = Reshape::new([1, 1, filters as i64]).name(name("se_reshape")).on(&factor)?;
        let factor = conv(narrow).activation("swish").name(name("se_reduce")).on(&factor)?;
        let factor = conv(filters).activation("sigmoid").name(name("se_expand")).on(&factor)?;
        x = Multiply::new().name(name("se_excite")).on([&x, &factor])?;

        x = conv(self.outputs).use_bias(false).name(name("project_conv")).on(&x)?;
        x = BatchNormalization::new().name(name("project_bn")).on(&x)?;
        if self.strides == 1 && self.inputs == self.outputs {
            if self.drop > 0.0 {
                let dropout = Dropout::new(self.drop).noise_shape([None, Some(1), Some(1), Some(1)]);
                x = dropout.name(name("drop")).on(&x)?;
            }
            x = Add::new().name(name("add")).on([&x, &input])?;
        }
        Ok(x)
    }
}

/// The first value of the convolutions.
fn conv_initializer() -> VarianceScaling {
    VarianceScaling::new(2.0, FanMode::FanOut, FanDistribution::TruncatedNormal)
}

fn normalized(x: &KerasTensor, name: &str, activation: &str) -> Result<KerasTensor> {
    let x = BatchNormalization::new().name(name).on(x)?;
    Ok(ActivationLayer::new("swish").name(activation).on(&x)?)
}
