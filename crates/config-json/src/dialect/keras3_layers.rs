//! Layers that both generations of Keras name alike and compute differently.

use crate::{Config, Value};

/// The argument by which a layer in neutral form says that it computes as Keras 3 does. Neither Keras knows it: it is
/// added where documents of Keras 3 are read, and left out where configurations are written. In a `build_config` it holds
/// what Keras 3 writes there instead.
pub const KERAS3: &str = "keras3";

/// What masks do to merged inputs and to means, whether masks pass, what the moving variance of `BatchNormalization` follows,
/// the order of the weights of `SpectralNormalization` and the type of its outputs, the types of indices and of vectors made
/// of them, and what becomes of integers and of what is infinite.
const DIFFERENT: &[&str] = &[
    "Add",
    "Average",
    "BatchNormalization",
    "Concatenate",
    "Discretization",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GroupNormalization",
    "Identity",
    "IntegerLookup",
    "LayerNormalization",
    "Maximum",
    "Minimum",
    "Multiply",
    "Normalization",
    "ReLU",
    "Rescaling",
    "Resizing",
    "SpectralNormalization",
    "StringLookup",
    "Subtract",
    "TextVectorization",
    "TimeDistributed",
    "UpSampling2D",
];

/// Whether an object in a document of Keras 3 is such a layer.
pub(super) fn is_different(map: &Config) -> bool {
    let text = |key: &str| map.get(key).and_then(Value::as_str);
    text("class_name").is_some_and(|name| DIFFERENT.contains(&name))
        && text("module").is_none_or(|module| module.starts_with("keras."))
        // Operations have the same names, and configurations without this; the second is all that `Discretization` has.
        && map.get("config").is_some_and(|config| ["trainable", "bin_boundaries"].iter().any(|key| config.get(key).is_some()))
}

/// Marks an object if it is such a layer.
pub(super) fn mark(map: &mut Config) {
    if is_different(map)
        && let Some(Value::Map(config)) = map.get_mut("config")
    {
        config.insert(KERAS3, true);
    }
}

#[cfg(test)]
mod tests {
    use super::super::keras3::{differs_in_keras3, read_keras3};
    use crate::Value;

    #[test]
    fn layers_of_keras_are_marked() {
        let text = r#"[{"module": "keras.layers", "class_name": "Add", "config": {"name": "a", "trainable": true}},
            {"module": "mine", "class_name": "Add", "config": {"trainable": true}},
            {"class_name": "TimeDistributed", "config": {"trainable": true, "layer": {"class_name": "BatchNormalization", "config": {"trainable": true}}}},
            {"class_name": "Dense", "config": {"trainable": true}}, {"class_name": "Multiply", "config": {"name": "m"}}]"#;
        let mut value = Value::parse(text).unwrap();
        assert!(differs_in_keras3(&value));
        read_keras3(&mut value);
        let written = value.to_string();
        assert!(written.contains(r#""config": {"name": "a", "trainable": true, "keras3": true}"#), "{written}");
        assert!(
            written.contains(r#""BatchNormalization", "config": {"trainable": true, "fused": false, "keras3": true}"#),
            "{written}"
        );
        assert_eq!(written.matches("keras3").count(), 3, "{written}");
    }
}
