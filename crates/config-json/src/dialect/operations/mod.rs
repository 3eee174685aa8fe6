//! Operations in functional models: functions of TensorFlow in Keras 2, classes of `keras.ops` in Keras 3.
//!
//! ```text
//! Keras 2   {"class_name": "TFOpLambda", "config": {"function": "math.reduce_sum"}}   ["x", 0, 0, {"axis": 1}]
//! Keras 3   {"class_name": "Sum", "config": {"axis": 1, "keepdims": false}}           {"args": [x], "kwargs": {}}
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | `table.rs` | one declaration for each operation, which both directions read |
//! | `operation.rs` | what a declaration says |
//! | `values.rs` | arguments that the two spell in their own ways |
//! | `graph.rs` | a model whose operations are being rewritten |
//! | `to_keras3.rs`, `to_keras2.rs` | the two directions |

mod graph;
mod operation;
mod table;
mod to_keras2;
mod to_keras3;
mod values;

use crate::model::{Form, FunctionalConfig, Generation, TensorSpecs};
use crate::{Error, Object, Result, Value};
use graph::Graph;

pub use operation::{Operation, Way};
pub use table::OPERATIONS;

/// Whether an object is an operation of Keras 3: a class of `keras.src.ops`, not a layer of the same name.
pub(crate) fn is_operation(object: &Object) -> bool {
    let module = object.module.as_ref().and_then(|module| module.as_deref());
    module.is_some_and(|module| module.contains(".ops.")) && !object.is_custom()
}

/// Whether an object is a function of TensorFlow in a graph of Keras 2.
pub(crate) fn is_function(object: &Object) -> bool {
    matches!(object.class_name.as_str(), "TFOpLambda" | "SlicingOpLambda")
        && object.lookup(None).may_be_builtin()
        && !object.is_custom()
}

/// The model with every operation in the words of the form's Keras; nothing where there is none to rewrite.
///
/// # Errors
/// [`crate::Error::Dialect`] that names the operation which the other Keras does not have, or the argument.
pub(crate) fn rewrite(model: &FunctionalConfig, form: Form, specs: TensorSpecs) -> Result<Option<FunctionalConfig>> {
    let keras3 = form.generation() == Generation::Keras3;
    let is_foreign = |object: &Object| if keras3 { is_function(object) } else { is_operation(object) };
    let foreign: Vec<usize> =
        (0..model.layers.len()).filter(|&at| model.layers.get(at).is_some_and(|l| is_foreign(&l.object))).collect();
    if foreign.is_empty() {
        return Ok(None);
    }
    let mut graph = Graph::new(model, form, specs);
    let unused = graph.unused(&foreign);
    let mut refused = Vec::new();
    for &at in &foreign {
        let rewritten = match keras3 {
            true => to_keras3::rewrite(&mut graph, at),
            false => to_keras2::rewrite(&mut graph, at),
        };
        refused.extend(rewritten.err().map(|error| (at, error)));
    }
    // What told the shape of a tensor, where the other Keras has the shape itself.
    let needless = graph.remove_unused(&foreign, &unused);
    match refused.into_iter().find(|(at, _)| !needless.contains(at)) {
        Some((_, error)) => Err(error),
        None => Ok(Some(graph.model)),
    }
}

/// A layer of Keras 2 for an operation of Keras 3; what it is called with stands in the model.
pub(crate) fn as_function(object: &Object, form: Form) -> Result<Object> {
    let Some(row) = Operation::of_class(&object.class_name) else {
        return Err(Error::Dialect {
            class_name: format!("`{}`", object.class_name),
            dialect: form.dialect(),
            expected: "an operation that TensorFlow has as a function".into(),
            found: format!("`{}` of Keras 3", object.class_name),
            help: "write it in its own dialect, or replace the operation by a layer".into(),
        });
    };
    let name = object.config.get("name").and_then(Value::as_str).unwrap_or_default();
    Ok(Object { build_config: object.build_config.clone(), ..graph::function(row.function(), name) })
}

/// Whether nothing of a written architecture is an operation of Keras 3: those inside wrappers are not rewritten.
pub(crate) fn check_rewritten(written: &Value, form: Form) -> Result<()> {
    match written {
        Value::List(items) => items.iter().try_for_each(|item| check_rewritten(item, form)),
        Value::Map(map) => {
            let text = |key: &str| map.get(key).and_then(Value::as_str);
            if let (Some(module), Some(class_name)) = (text("module"), text("class_name"))
                && module.contains("keras.src.ops.")
            {
                return Err(Error::Dialect {
                    class_name: format!("`{class_name}`"),
                    dialect: form.dialect(),
                    expected: "layers inside another, as operations of Keras 3 are rewritten in models alone".into(),
                    found: format!("`{module}.{class_name}`"),
                    help: "write it in its own dialect, or replace the operation by a layer".into(),
                });
            }
            map.iter().try_for_each(|(_, item)| check_rewritten(item, form))
        }
        _ => Ok(()),
    }
}
