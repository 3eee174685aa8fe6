//! Keras JSON as plain data, in every dialect from Keras 1 to Keras 3.
//!
//! | module | what it holds |
//! |---|---|
//! | [`Value`], [`Config`] | a JSON value as Python's `json` reads and writes it: key order, int or float, big ints, NaN |
//! | [`Node`], [`Fields`] | a value that knows its JSON path; typed reading with errors that name field and path |
//! | [`Object`], [`Encoded`] | what Keras serializes: `{module, class_name, config, registered_name}` and its special forms |
//! | [`model`] | whole models of any dialect in one neutral form, and back to each |
//! | [`dialect`] | the tables behind it: what Keras 1, 2 and 3 spell differently |
//! | [`registry`] | constructors by class name, custom-object scopes, registered names |
//! | [`names`] | Keras's automatic names |
//!
//! No layer is known here: this crate moves data. Nothing in a file is ever run; marshalled Python code is refused by
//! name.
//!
//! ```
//! use kerox_config_json::{Node, Value};
//! let value = Value::parse(r#"{"class_name": "Dense", "config": {"units": 64, "use_bias": true}}"#)?;
//! let config = Node::root(&value).required("config")?.fields()?;
//! assert_eq!(config.positive("units")?, 64);
//! assert!(config.bool_or("use_bias", true)?);
//! assert_eq!(value.to_string(), r#"{"class_name": "Dense", "config": {"units": 64, "use_bias": true}}"#);
//! # Ok::<(), kerox_config_json::Error>(())
//! ```

#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod dialect;
mod error;
pub mod model;
pub mod names;
mod node;
mod object;
pub mod registry;
mod value;

pub use error::{Error, Result};
pub use model::{Form, Generation, ModelConfig, ModelDocument};
pub use node::{Fields, Node, Path};
pub use object::{Encoded, Object, PathedValue, TensorHistory, function_name};
pub use registry::{CustomObjects, Lookup, Registry, custom_object_scope, register_keras_serializable};
pub use value::{Config, Limits, Style, Value, python_float};
