//! The shapes that layers say they were built for: each Keras writes them of other layers.

use super::express::Role;
use super::keras3_layers::KERAS3;
use super::operations::{is_function, is_operation};
use crate::model::{Form, Generation};
use crate::{Config, Object, Value};

/// Layers that do not note in Keras 2 for which shape they are built. It is noted where they are called; a layer around
/// them builds them itself.
const NOT_NOTED: &[&str] = &[
    "Add",
    "AdditiveAttention",
    "Attention",
    "Average",
    "BatchNormalization",
    "Bidirectional",
    "Concatenate",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Dot",
    "Embedding",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "LayerNormalization",
    "LocallyConnected1D",
    "LocallyConnected2D",
    "Maximum",
    "Minimum",
    "Multiply",
    "PReLU",
    "SeparableConv1D",
    "SeparableConv2D",
    "SpectralNormalization",
    "StackedRNNCells",
    "Subtract",
    "TimeDistributed",
    "UnitNormalization",
];

/// Layers of Keras 3 that are built as soon as they are made, for no shape.
const BUILT_AT_ONCE: &[&str] = &[
    "Activation",
    "ActivityRegularization",
    "AlphaDropout",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "Dropout",
    "ELU",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "Identity",
    "LeakyReLU",
    "Masking",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "ReLU",
    "Reshape",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "UnitNormalization",
];

/// Layers that Keras 3 builds for several shapes by name.
const BY_NAME: &[&str] = &[
    "Bidirectional",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "GRU",
    "GroupQueryAttention",
    "LSTM",
    "MultiHeadAttention",
    "RNN",
    "SimpleRNN",
];

/// Spells the shapes of an object in a form; `translate` when they come from another generation. In neutral form they
/// stand under `input_shape`, as Keras 2 writes them; what Keras 3 writes instead stands beside it, under [`KERAS3`].
pub(crate) fn express(object: &mut Object, form: Form, translate: bool, role: Role) {
    let is_foreign = translate && object.lookup(None).may_be_builtin() && !object.is_custom();
    let is_call = is_operation(object) || is_function(object);
    let class_name = object.class_name.as_str();
    let Some(Value::Map(shapes)) = &mut object.build_config else { return };
    let theirs = shapes.remove(KERAS3);
    let keep = match form.generation() {
        Generation::Keras1 | Generation::Keras2 => {
            // Shapes of another generation are left to the layers to find out; a model without them is not built.
            let is_left_out = is_foreign && class_name != "Sequential";
            let is_unknown = role == Role::Built && NOT_NOTED.contains(&class_name);
            !(shapes.is_empty() || is_left_out || is_unknown)
        }
        Generation::Keras3 => {
            if let Some(Value::Map(theirs)) = theirs {
                *shapes = theirs;
            }
            !is_foreign || !is_call && in_keras3(class_name, shapes)
        }
    };
    if !keep {
        object.build_config = None;
    }
}

/// The shapes of a layer in the words of Keras 3; whether it has some.
fn in_keras3(class_name: &str, shapes: &mut Config) -> bool {
    if BUILT_AT_ONCE.contains(&class_name) {
        return false;
    }
    match class_name {
        "Functional" => drop(shapes.insert("input_shape", Value::Null)),
        // A vocabulary is no shape.
        "IntegerLookup" | "StringLookup" => *shapes = Config::new(),
        _ if shapes.contains_key("shapes_dict") => {}
        // One of several shapes does not tell the others.
        "GroupQueryAttention" | "MultiHeadAttention" => return false,
        _ if BY_NAME.contains(&class_name) => return shapes.get("input_shape").is_some_and(is_one_shape),
        _ => {}
    }
    true
}

fn is_one_shape(value: &Value) -> bool {
    value.as_list().is_some_and(|axes| axes.iter().all(|axis| axis.is_null() || axis.as_i64().is_some()))
}
