//! Architectures of image models, layer by layer as `keras.applications` builds them.
//!
//! Names of layers, their order and their configurations are Keras's, so that weight files of Keras load by order and by
//! name. No weights come with the crate.
//!
//! ```
//! use kerox::applications::{self, MobileNetV2};
//!
//! let model = MobileNetV2().alpha(0.35).input_shape([96, 96, 3]).classes(10).build()?;
//! assert_eq!(model.name(), "mobilenetv2_0.35_96");
//! assert_eq!(model.network().count_params()?, 423_018);
//! assert_eq!(applications::by_name("MobileNetV2").map(|a| a.name()), Some("MobileNetV2"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | function | images | [`preprocess_input`] |
//! |---|---|---|
//! | [`MobileNet`], [`MobileNetV2`] | 224 x 224 | [`Mode::Tf`] |
//! | [`ResNet50`], [`ResNet101`], [`ResNet152`] | 224 x 224 | [`Mode::Caffe`] |
//! | [`ResNet50V2`], [`ResNet101V2`], [`ResNet152V2`] | 224 x 224 | [`Mode::Tf`] |
//! | [`VGG16`], [`VGG19`] | 224 x 224 | [`Mode::Caffe`] |
//! | [`DenseNet121`], [`DenseNet169`], [`DenseNet201`] | 224 x 224 | [`Mode::Torch`] |
//! | [`InceptionV3`], [`Xception`] | 299 x 299 | [`Mode::Tf`] |
//! | [`EfficientNetB0`] to [`EfficientNetB7`] | 224 to 600 | none: part of the model |

mod application;
mod decode_predictions;
mod densenet;
mod efficientnet;
mod error;
mod inception_v3;
mod mobilenet;
mod mobilenet_v2;
mod parts;
mod preprocess_input;
mod resnet;
mod vgg;
mod xception;

pub use application::Application;
pub use decode_predictions::{ClassIndex, Prediction, decode_predictions};
pub use error::{Error, Result};
pub use preprocess_input::{Mode, preprocess_input};

use application::Architecture;

/// All architectures under Keras's names.
pub fn all() -> Vec<Application> {
    ALL.iter().map(|architecture| Application::of(architecture)).collect()
}

/// The architecture of that name.
pub fn by_name(name: &str) -> Option<Application> {
    ALL.iter().find(|architecture| architecture.name == name).map(|architecture| Application::of(architecture))
}

/// Each line expands to a function of that name that begins the architecture, and an entry of the table of all.
macro_rules! architectures {
    ($($name:ident $architecture:path, $source:literal;)*) => {
        $(
            #[doc = concat!("Begins ", stringify!($name), ".\n\n# Source\n`keras.applications.", stringify!($name), "`; ", $source, ".")]
            #[allow(non_snake_case, reason = "Keras's name")]
            pub fn $name() -> Application {
                Application::of(&$architecture)
            }
        )*
        const ALL: &[&Architecture] = &[$(&$architecture),*];
    };
}
architectures! {
    DenseNet121 densenet::DENSENET121, "Huang et al., Densely Connected Convolutional Networks, 2017";
    DenseNet169 densenet::DENSENET169, "Huang et al., Densely Connected Convolutional Networks, 2017";
    DenseNet201 densenet::DENSENET201, "Huang et al., Densely Connected Convolutional Networks, 2017";
    EfficientNetB0 efficientnet::B0, "Tan and Le, EfficientNet, 2019";
    EfficientNetB1 efficientnet::B1, "Tan and Le, EfficientNet, 2019";
    EfficientNetB2 efficientnet::B2, "Tan and Le, EfficientNet, 2019";
    EfficientNetB3 efficientnet::B3, "Tan and Le, EfficientNet, 2019";
    EfficientNetB4 efficientnet::B4, "Tan and Le, EfficientNet, 2019";
    EfficientNetB5 efficientnet::B5, "Tan and Le, EfficientNet, 2019";
    EfficientNetB6 efficientnet::B6, "Tan and Le, EfficientNet, 2019";
    EfficientNetB7 efficientnet::B7, "Tan and Le, EfficientNet, 2019";
    InceptionV3 inception_v3::INCEPTION_V3, "Szegedy et al., Rethinking the Inception Architecture, 2015";
    MobileNet mobilenet::MOBILENET, "Howard et al., MobileNets, 2017";
    MobileNetV2 mobilenet_v2::MOBILENET_V2, "Sandler et al., MobileNetV2, 2018";
    ResNet101 resnet::RESNET101, "He et al., Deep Residual Learning, 2015";
    ResNet101V2 resnet::RESNET101V2, "He et al., Identity Mappings in Deep Residual Networks, 2016";
    ResNet152 resnet::RESNET152, "He et al., Deep Residual Learning, 2015";
    ResNet152V2 resnet::RESNET152V2, "He et al., Identity Mappings in Deep Residual Networks, 2016";
    ResNet50 resnet::RESNET50, "He et al., Deep Residual Learning, 2015";
    ResNet50V2 resnet::RESNET50V2, "He et al., Identity Mappings in Deep Residual Networks, 2016";
    VGG16 vgg::VGG16, "Simonyan and Zisserman, Very Deep Convolutional Networks, 2014";
    VGG19 vgg::VGG19, "Simonyan and Zisserman, Very Deep Convolutional Networks, 2014";
    Xception xception::XCEPTION, "Chollet, Xception, 2016";
}
