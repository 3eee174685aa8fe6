//! Layers by class name: the only list, and reading and writing them as Keras's objects.

use std::sync::OnceLock;

use kerox_config_json::{Fields, ModelConfig, Node, Object, Registry, Value as Json};

use crate::activation::*;
use crate::attention::*;
use crate::augmentation::*;
use crate::conv::*;
use crate::core::*;
use crate::merging::*;
use crate::normalization::*;
use crate::op_lambda::{self, OpLambda};
use crate::pooling::*;
use crate::preprocessing::*;
use crate::regularization::*;
use crate::reshaping::*;
use crate::rnn::*;
use crate::{Error, LayerRef, Result, models};

/// What the registry knows of a class.
#[derive(Clone, Copy)]
pub struct LayerEntry {
    /// The class, as files name it.
    pub class_name: &'static str,
    /// Other names by which files know it.
    pub aliases: &'static [&'static str],
    /// The Python module, as files name it.
    pub module: &'static str,
    /// Makes a layer from its configuration.
    pub from_config: fn(&Fields<'_>) -> Result<LayerRef>,
}

/// Every built-in layer, sorted by class name.
pub const ALL: &[LayerEntry] = &[
    ActivationLayer::ENTRY,
    ActivityRegularization::ENTRY,
    AdaptiveAveragePooling1D::ENTRY,
    AdaptiveAveragePooling2D::ENTRY,
    AdaptiveAveragePooling3D::ENTRY,
    AdaptiveMaxPooling1D::ENTRY,
    AdaptiveMaxPooling2D::ENTRY,
    AdaptiveMaxPooling3D::ENTRY,
    Add::ENTRY,
    AddLoss::ENTRY,
    AddMetric::ENTRY,
    AdditiveAttention::ENTRY,
    AlphaDropout::ENTRY,
    Attention::ENTRY,
    AugMix::ENTRY,
    AutoContrast::ENTRY,
    Average::ENTRY,
    AveragePooling1D::ENTRY,
    AveragePooling2D::ENTRY,
    AveragePooling3D::ENTRY,
    BatchNormalization::ENTRY,
    Bidirectional::ENTRY,
    CategoryEncoding::ENTRY,
    CenterCrop::ENTRY,
    Concatenate::ENTRY,
    ContrastLimitedAdaptiveHistogramEqualization::ENTRY,
    Conv1D::ENTRY,
    Conv1DTranspose::ENTRY,
    Conv2D::ENTRY,
    Conv2DTranspose::ENTRY,
    Conv3D::ENTRY,
    Conv3DTranspose::ENTRY,
    ConvLSTM1D::ENTRY,
    ConvLSTM2D::ENTRY,
    ConvLSTM3D::ENTRY,
    Cropping1D::ENTRY,
    Cropping2D::ENTRY,
    Cropping3D::ENTRY,
    CutMix::ENTRY,
    Dense::ENTRY,
    DepthwiseConv1D::ENTRY,
    DepthwiseConv2D::ENTRY,
    Discretization::ENTRY,
    Dot::ENTRY,
    Dropout::ENTRY,
    ELU::ENTRY,
    EinsumDense::ENTRY,
    Embedding::ENTRY,
    Equalization::ENTRY,
    Flatten::ENTRY,
    GRU::ENTRY,
    GRUCell::ENTRY,
    GaussianDropout::ENTRY,
    GaussianNoise::ENTRY,
    GlobalAveragePooling1D::ENTRY,
    GlobalAveragePooling2D::ENTRY,
    GlobalAveragePooling3D::ENTRY,
    GlobalMaxPooling1D::ENTRY,
    GlobalMaxPooling2D::ENTRY,
    GlobalMaxPooling3D::ENTRY,
    GroupNormalization::ENTRY,
    GroupQueryAttention::ENTRY,
    HashedCrossing::ENTRY,
    Hashing::ENTRY,
    Identity::ENTRY,
    InputLayer::ENTRY,
    IntegerLookup::ENTRY,
    LSTM::ENTRY,
    LSTMCell::ENTRY,
    LayerNormalization::ENTRY,
    LeakyReLU::ENTRY,
    LocallyConnected1D::ENTRY,
    LocallyConnected2D::ENTRY,
    Masking::ENTRY,
    MaxPooling1D::ENTRY,
    MaxPooling2D::ENTRY,
    MaxPooling3D::ENTRY,
    Maximum::ENTRY,
    MelSpectrogram::ENTRY,
    Minimum::ENTRY,
    MixUp::ENTRY,
    MultiHeadAttention::ENTRY,
    Multiply::ENTRY,
    Normalization::ENTRY,
    PReLU::ENTRY,
    Permute::ENTRY,
    Pipeline::ENTRY,
    RMSNormalization::ENTRY,
    RNN::ENTRY,
    RandAugment::ENTRY,
    RandomBrightness::ENTRY,
    RandomColorDegeneration::ENTRY,
    RandomColorJitter::ENTRY,
    RandomContrast::ENTRY,
    RandomCrop::ENTRY,
    RandomElasticTransform::ENTRY,
    RandomErasing::ENTRY,
    RandomFlip::ENTRY,
    RandomFourierFeatures::ENTRY,
    RandomGaussianBlur::ENTRY,
    RandomGrayscale::ENTRY,
    RandomHeight::ENTRY,
    RandomHue::ENTRY,
    RandomInvert::ENTRY,
    RandomPerspective::ENTRY,
    RandomPosterization::ENTRY,
    RandomRotation::ENTRY,
    RandomSaturation::ENTRY,
    RandomSharpness::ENTRY,
    RandomShear::ENTRY,
    RandomTranslation::ENTRY,
    RandomWidth::ENTRY,
    RandomZoom::ENTRY,
    ReLU::ENTRY,
    RepeatVector::ENTRY,
    Rescaling::ENTRY,
    Reshape::ENTRY,
    Resizing::ENTRY,
    ReversibleEmbedding::ENTRY,
    STFTSpectrogram::ENTRY,
    SeparableConv1D::ENTRY,
    SeparableConv2D::ENTRY,
    SimpleRNN::ENTRY,
    SimpleRNNCell::ENTRY,
    OpLambda::SLICING,
    Softmax::ENTRY,
    Solarization::ENTRY,
    SpatialDropout1D::ENTRY,
    SpatialDropout2D::ENTRY,
    SpatialDropout3D::ENTRY,
    SpectralNormalization::ENTRY,
    StackedRNNCells::ENTRY,
    StringLookup::ENTRY,
    Subtract::ENTRY,
    BatchNormalization::SYNC_ENTRY,
    OpLambda::ENTRY,
    TextVectorization::ENTRY,
    ThresholdedReLU::ENTRY,
    TimeDistributed::ENTRY,
    UnitNormalization::ENTRY,
    UpSampling1D::ENTRY,
    UpSampling2D::ENTRY,
    UpSampling3D::ENTRY,
    ZeroPadding1D::ENTRY,
    ZeroPadding2D::ENTRY,
    ZeroPadding3D::ENTRY,
];

/// The registry of layers.
pub fn registry() -> &'static Registry<LayerEntry> {
    static REGISTRY: OnceLock<Registry<LayerEntry>> = OnceLock::new();
    REGISTRY.get_or_init(|| {
        let mut registry = Registry::new("layer");
        for entry in ALL {
            registry.insert(entry.class_name, *entry);
            for alias in entry.aliases {
                registry = registry.with_alias(*alias, entry.class_name);
            }
        }
        registry
    })
}

/// Reads `{class_name, config}` in any dialect.
///
/// # Errors
/// [`kerox_config_json::Error`] where the class is unknown or a field is wrong.
///
/// # Source
/// `keras.layers.deserialize`.
pub fn deserialize(node: &Node<'_>) -> Result<LayerRef> {
    deserialize_object(&Object::read(node)?)
}

/// Reads an object that has been taken apart already.
///
/// # Errors
/// As [`deserialize`].
pub fn deserialize_object(object: &Object) -> Result<LayerRef> {
    if ModelConfig::is_model(&object.class_name, &object.config) && object.lookup(None).may_be_builtin() {
        let config = Node::at(&object.config, object.path.key("config"));
        return models::from_config(&ModelConfig::read_config(&object.class_name, &config)?);
    }
    let lookup = object.lookup(None);
    if lookup.may_be_builtin() && lookup.module.is_some_and(|module| module.contains(".ops.")) {
        return op_lambda::from_operation(object);
    }
    let entry = match registry().find(&lookup) {
        Ok(entry) => entry,
        Err(unknown) => {
            if object.name() == "Lambda" && lookup.may_be_builtin() {
                // Refuses Python code by name; what is left is a function that has to be registered as a layer.
                let name = kerox_config_json::function_name(&object.fields()?, "function")?;
                return Err(with_function(unknown, name).into());
            }
            return Err(unknown.into());
        }
    };
    (entry.from_config)(&object.fields()?)
}

/// The error of a `Lambda`, which says whose code is missing.
fn with_function(unknown: kerox_config_json::Error, function: &str) -> kerox_config_json::Error {
    use kerox_config_json::Error;
    match unknown {
        Error::Unknown { kind, class_name, path, message, help } => {
            let help = format!("it computes `{function}`, whose code is not in the file; {help}").into();
            Error::Unknown { kind, class_name, path, message, help }
        }
        other => other,
    }
}

/// Writes `{module, class_name, config, registered_name}`.
///
/// # Errors
/// Where the layer cannot be described by plain data.
///
/// # Source
/// `keras.layers.serialize`.
pub fn serialize(layer: &LayerRef) -> Result<Json> {
    Ok(models::config::layer_object(layer)?.to_value())
}

/// Makes a class of layers known by name in the whole process: files name it `package>class_name`.
///
/// # Source
/// `keras.saving.register_keras_serializable`.
pub fn register_layer(package: &str, entry: LayerEntry) -> String {
    kerox_config_json::register_keras_serializable(package, entry.class_name, entry)
}

/// The name by which files know a class that is not built in: `package>Class` once registered, the class until then.
pub fn registered_name(class_name: &str) -> String {
    kerox_config_json::registry::registered_name::<LayerEntry>(class_name).unwrap_or_else(|| class_name.to_owned())
}

/// Whether [`register_layer`] has made the class known.
pub fn is_registered(class_name: &str) -> bool {
    kerox_config_json::registry::registered_name::<LayerEntry>(class_name).is_some()
}

/// The error of an argument of a layer.
pub(crate) fn argument_error(
    base: &crate::Base,
    argument: &str,
    expected: impl Into<String>,
    found: impl Into<String>,
) -> Error {
    Error::Argument {
        layer: base.name().into(),
        class_name: base.class_name().into(),
        argument: argument.into(),
        expected: expected.into(),
        found: found.into(),
    }
}
