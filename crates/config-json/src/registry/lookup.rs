//! What is known about an object that has to be found.

use crate::{CustomObjects, Path};

/// The names under which an object may be registered, and where it was met.
#[derive(Clone, Debug)]
pub struct Lookup<'a> {
    /// The class name, or the name of a function.
    pub class_name: &'a str,
    /// The Python module, when the file names one.
    pub module: Option<&'a str>,
    /// `package>Name`, when the file names one.
    pub registered_name: Option<&'a str>,
    /// JSON path for messages.
    pub path: Path,
    /// The caller's `custom_objects`.
    pub custom: Option<&'a CustomObjects>,
}

impl<'a> Lookup<'a> {
    /// Looks for a class by its name alone.
    pub fn class(class_name: &'a str) -> Lookup<'a> {
        Lookup { class_name, module: None, registered_name: None, path: Path::root(), custom: None }
    }

    /// Says where the name was met.
    #[must_use]
    pub fn at(self, path: Path) -> Lookup<'a> {
        Lookup { path, ..self }
    }

    /// Adds the caller's custom objects.
    #[must_use]
    pub fn with_custom(self, custom: Option<&'a CustomObjects>) -> Lookup<'a> {
        Lookup { custom, ..self }
    }

    /// Whether the object may be one of Keras's own: no module is named, or it is Keras's.
    pub fn may_be_builtin(&self) -> bool {
        let keras_module = self.module.is_none_or(|module| {
            module == "builtins"
                || ["keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras", "tensorflow.python.framework"]
                    .iter()
                    .any(|own| module.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
        });
        // `Custom>Adam` is how Keras 2.11 to 2.15 spell their own optimizers.
        let keras_name = self
            .registered_name
            .and_then(|name| name.split_once('>'))
            .is_none_or(|(package, _)| matches!(package, "Custom" | "keras" | "Keras"));
        keras_module && keras_name
    }
}
