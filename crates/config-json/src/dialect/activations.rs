//! Activations whose names mean something else in the other Keras, or nothing.

use crate::model::{Form, Generation};
use crate::{Config, Error, Result};

/// What `hard_sigmoid` of Keras 3, `relu6(x + 3) / 6`, is called in neutral form. In Keras 2 the name stands for
/// `clip(0.2 x + 0.5, 0, 1)`.
///
/// # Example
/// ```
/// use kerox_config_json::{Form, ModelDocument};
/// let text = r#"{"class_name": "Sequential", "config": {"name": "s", "layers": [{"class_name": "InputLayer", "config":
///     {"batch_shape": [null, 2], "name": "i"}}, {"class_name": "Activation", "config": {"name": "a", "activation": "hard_sigmoid"}}]}}"#;
/// let document = ModelDocument::parse(text.as_bytes())?;
/// assert!(document.write(Form::Keras3H5)?.to_string().contains(r#""activation": "hard_sigmoid""#));
/// let error = document.write(Form::Keras2H5).unwrap_err().to_string();
/// assert!(error.starts_with("write `hard_sigmoid` as keras2: expected an activation of this Keras"), "{error}");
/// # Ok::<(), kerox_config_json::Error>(())
/// ```
pub const KERAS3_HARD_SIGMOID: &str = "hard_sigmoid_keras3";

/// Functions of Keras 3 that Keras 2.15 does not know. (`relu6` is missing: models for Keras 2 bring a function of that
/// name along.)
const ONLY_KERAS3: &[&str] = &[
    KERAS3_HARD_SIGMOID,
    "celu",
    "glu",
    "hard_shrink",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "soft_shrink",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "tanh_shrink",
    "threshold",
];

pub(super) fn is_activation(key: &str) -> bool {
    key == "activation" || key == "recurrent_activation"
}

/// Gives the activations of a configuration the names they have in a form; `translate` when they come from the other
/// generation.
///
/// # Errors
/// [`Error::Dialect`] when that Keras has no such function.
pub(super) fn express(config: &mut Config, form: Form, translate: bool) -> Result<()> {
    let keras3 = form.generation() == Generation::Keras3;
    for (key, value) in config.iter_mut().filter(|(key, _)| is_activation(key)) {
        let Some(name) = value.as_str() else { continue };
        match (name, keras3) {
            (KERAS3_HARD_SIGMOID, true) => *value = "hard_sigmoid".into(),
            ("silu", false) => *value = "swish".into(),
            ("hard_sigmoid", true) if translate => {
                return Err(missing(name, form, key, "the function of Keras 2, which has another slope"));
            }
            (name, false) if ONLY_KERAS3.contains(&name) => {
                let shown = if name == KERAS3_HARD_SIGMOID { "hard_sigmoid" } else { name };
                return Err(missing(shown, form, key, "a function of Keras 3"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn missing(name: &str, form: Form, key: &str, found: &str) -> Error {
    Error::Dialect {
        class_name: format!("`{name}`"),
        dialect: form.dialect(),
        expected: format!("an activation of this Keras as `{key}`"),
        found: found.into(),
        help: "use another activation, or write the model in its own dialect".into(),
    }
}
