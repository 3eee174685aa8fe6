//! VGG: convolutions of size 3 and pooling, then three dense layers.

use kerox_layers::conv::Conv2D;
use kerox_layers::core::Dense;
use kerox_layers::pooling::MaxPooling2D;
use kerox_layers::reshaping::Flatten;
use kerox_layers::{ActivationOptions, KerasTensor, LayerExt};

use super::application::Architecture;
use super::parts::{pooled, predictions};
use super::{Application, Mode, Result};

pub const VGG16: Architecture = Architecture {
    name: "VGG16",
    default_size: 224,
    min_size: 32,
    mode: Some(Mode::Caffe),
    own_arguments: &[],
    layers: |application, x| layers(application, x, [2, 2, 3, 3, 3]),
    model_name: |_, _| "vgg16".into(),
};

pub const VGG19: Architecture = Architecture {
    name: "VGG19",
    layers: |application, x| layers(application, x, [2, 2, 4, 4, 4]),
    model_name: |_, _| "vgg19".into(),
    ..VGG16
};

fn layers(application: &Application, mut x: KerasTensor, convolutions: [usize; 5]) -> Result<KerasTensor> {
    for ((i, convolutions), filters) in convolutions.into_iter().enumerate().zip([64, 128, 256, 512, 512]) {
        let block = i + 1;
        for convolution in 1..=convolutions {
            let name = format!("block{block}_conv{convolution}");
            x = Conv2D::new(filters, 3).activation("relu").padding("same").name(name).on(&x)?;
        }
        x = MaxPooling2D::new(2).strides(2).name(format!("block{block}_pool")).on(&x)?;
    }
    if !application.include_top {
        return pooled(application, x, false);
    }
    let x = Flatten::new().name("flatten").on(&x)?;
    let x = Dense::new(4096).activation("relu").name("fc1").on(&x)?;
    let x = Dense::new(4096).activation("relu").name("fc2").on(&x)?;
    predictions(application, &x)
}
