//! A table of built-in constructors that also knows where custom ones may be.

use std::collections::HashMap;

use super::custom::{find_custom_object, get_registered_object, known_names};
use super::lookup::Lookup;
use crate::node::nearest;
use crate::{Error, Result};

/// Constructors of one kind of object, by class name and alias.
///
/// The operations of Keras 3, which share class names with layers, go by module and class:
/// `keras.src.ops.numpy.Add`.
///
/// # Example
/// ```
/// use kerox_config_json::{Lookup, Registry};
/// let layers: Registry<u32> = Registry::new("layer").with("Dense", 1).with_alias("FullyConnected", "Dense");
/// assert_eq!(layers.find(&Lookup::class("FullyConnected"))?, 1);
/// let error = layers.find(&Lookup::class("Dens")).unwrap_err();
/// assert!(error.to_string().starts_with("Unknown layer: 'Dens'. Please ensure"));
/// # Ok::<(), kerox_config_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Registry<T> {
    kind: &'static str,
    entries: HashMap<String, T>,
    aliases: HashMap<String, String>,
    ignore_case: bool,
}

impl<T: Clone + Send + Sync + 'static> Registry<T> {
    /// An empty table; `kind` is Keras's word for the objects in messages: `layer`, `optimizer`, `loss function`.
    pub fn new(kind: &'static str) -> Registry<T> {
        Registry { kind, entries: HashMap::new(), aliases: HashMap::new(), ignore_case: false }
    }

    /// Finds built-in names whatever their case, as Keras does for optimizers.
    #[must_use]
    pub fn ignore_case(mut self) -> Registry<T> {
        self.ignore_case = true;
        self
    }

    /// Adds a class.
    #[must_use]
    pub fn with(mut self, class_name: impl Into<String>, entry: T) -> Registry<T> {
        self.insert(class_name, entry);
        self
    }

    /// Adds another name for a class.
    #[must_use]
    pub fn with_alias(mut self, alias: impl Into<String>, class_name: impl Into<String>) -> Registry<T> {
        self.aliases.insert(alias.into(), class_name.into());
        self
    }

    /// Adds a class to a table that is already in place.
    pub fn insert(&mut self, class_name: impl Into<String>, entry: T) {
        self.entries.insert(class_name.into(), entry);
    }

    /// The kind of objects in this table.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Class names of the table, sorted; without aliases.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.entries.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// The class that a name or alias stands for in the built-in table.
    pub fn canonical(&self, name: &str) -> Option<&str> {
        let direct = |name: &str| -> Option<&str> {
            let name = self.aliases.get(name).map_or(name, String::as_str);
            self.entries.get_key_value(name).map(|(key, _)| key.as_str())
        };
        direct(name).or_else(|| {
            if !self.ignore_case {
                return None;
            }
            let known = self.entries.keys().chain(self.aliases.keys());
            known.into_iter().find(|known| known.eq_ignore_ascii_case(name)).and_then(|known| direct(known))
        })
    }

    /// The built-in entry for a name or alias.
    pub fn builtin(&self, name: &str) -> Option<T> {
        self.entries.get(self.canonical(name)?).cloned()
    }

    /// The entry for an object, custom ones first.
    ///
    /// # Errors
    /// [`Error::Unknown`] in Keras's words, with path, nearest names and how to register the class.
    pub fn find(&self, lookup: &Lookup) -> Result<T> {
        let class_name = lookup.class_name;
        let names = lookup.registered_name.into_iter().chain([class_name]);
        let custom = names.clone().find_map(get_registered_object::<T>);
        let custom = custom.or_else(|| names.clone().find_map(|name| lookup.custom?.get::<T>(name)));
        if let Some(found) = custom {
            return Ok(found);
        }
        if lookup.may_be_builtin() {
            let plain = class_name.strip_prefix("Custom>").unwrap_or(class_name);
            // Keras 3 has operations named as layers (`keras.src.ops.numpy` `Add`): they go by their whole name.
            let operation = lookup.module.filter(|module| module.contains(".ops."));
            let found = match operation {
                Some(module) => self.builtin(&format!("{module}.{plain}")),
                None => self.builtin(plain),
            };
            if let Some(found) = found {
                return Ok(found);
            }
        }
        Err(self.unknown(lookup))
    }

    /// The custom entry under a registered name or class, of this thread's scopes or the process.
    pub fn custom(&self, name: &str) -> Option<T> {
        find_custom_object::<T>(name)
    }

    /// The error for a name that is not known.
    pub fn unknown(&self, lookup: &Lookup) -> Error {
        let custom = known_names::<T>();
        let known = self.entries.keys().chain(self.aliases.keys()).chain(custom.iter()).map(String::as_str);
        let class_name: String = lookup.class_name.chars().take(120).collect();
        let near = nearest(&class_name, known);
        let article = if self.kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        let mut help = format!(
            "register it with `register_keras_serializable`, pass it in `custom_objects`, or open a \
             `custom_object_scope` with {article} {} of this name",
            self.kind
        );
        if !near.is_empty() {
            let near: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
            help.push_str(&format!(" (known names near it: {})", near.join(", ")));
        }
        if !lookup.may_be_builtin() {
            let module = lookup.module.unwrap_or("no module");
            let registered = lookup.registered_name.unwrap_or("no registered name");
            help.push_str(&format!("; the file says it comes from module `{module}`, registered as `{registered}`"));
        }
        Error::Unknown {
            kind: self.kind,
            path: lookup.path.to_string(),
            message: format!(
                "Unknown {}: '{class_name}'. Please ensure you are using a `keras.utils.custom_object_scope` and that \
                 this object is included in the scope.",
                self.kind
            )
            .into(),
            help: help.into(),
            class_name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CustomObjects, Path, custom_object_scope, register_keras_serializable};

    fn layers() -> Registry<u64> {
        Registry::new("layer").with("Dense", 1).with("MaxPooling2D", 2).with_alias("MaxPool2D", "MaxPooling2D")
    }

    #[test]
    fn order_is_scope_process_argument_table() {
        let table = layers();
        let lookup = Lookup { registered_name: Some("table_tests>Dense"), ..Lookup::class("Dense") };
        assert!(table.find(&lookup).is_err(), "a foreign package is not a built-in");
        let argument = CustomObjects::new().with("Dense", 10u64);
        assert_eq!(table.find(&lookup.clone().with_custom(Some(&argument))).unwrap(), 10);
        register_keras_serializable("table_tests", "Dense", 20u64);
        assert_eq!(table.find(&lookup.clone().with_custom(Some(&argument))).unwrap(), 20);
        let scoped = custom_object_scope(CustomObjects::new().with("table_tests>Dense", 30u64), || table.find(&lookup));
        assert_eq!(scoped.unwrap(), 30);
        assert_eq!(table.find(&Lookup::class("Dense")).unwrap(), 1);
    }

    #[test]
    fn kinds_do_not_mix() {
        let regularizer = CustomObjects::new().with("L1", "regularizer");
        assert!(custom_object_scope(regularizer, || layers().find(&Lookup::class("L1"))).is_err());
    }

    #[test]
    fn modules() {
        let table = layers();
        for (module, ok) in [
            ("keras.layers", true),
            ("keras.src.layers.core.dense", true),
            ("keras", true),
            ("builtins", true),
            ("tensorflow.keras.layers", true),
            ("keras_hub.layers", false),
            ("qkeras", false),
            ("__main__", false),
        ] {
            let lookup = Lookup { module: Some(module), ..Lookup::class("Dense") };
            assert_eq!(table.find(&lookup).is_ok(), ok, "{module}");
        }
        let operation = Lookup { module: Some("keras.src.ops.numpy"), ..Lookup::class("Dense") };
        assert!(table.find(&operation).is_err());
        let with_operation = layers().with("keras.src.ops.numpy.Dense", 9);
        assert_eq!(with_operation.find(&operation).unwrap(), 9);
        let optimizers = Registry::new("optimizer").ignore_case().with("Adam", 'a');
        assert_eq!(optimizers.find(&Lookup::class("adam")).unwrap(), 'a');
        let custom = Lookup { registered_name: Some("Custom>Adam"), ..Lookup::class("Custom>Adam") };
        assert_eq!(optimizers.find(&custom).unwrap(), 'a');
    }

    #[test]
    fn unknown_says_how_to_register() {
        let lookup = Lookup::class("MaxPool2d").at(Path::root().key("config").key("layers").index(3));
        assert_eq!(
            layers().find(&lookup).unwrap_err().to_string(),
            "Unknown layer: 'MaxPool2d'. Please ensure you are using a `keras.utils.custom_object_scope` and that this \
             object is included in the scope. Found at $.config.layers[3] while reading layer `MaxPool2d`; register it \
             with `register_keras_serializable`, pass it in `custom_objects`, or open a `custom_object_scope` with a \
             layer of this name (known names near it: `MaxPool2D`, `MaxPooling2D`)"
        );
    }
}
