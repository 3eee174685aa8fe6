//! Constructors by class name: built-in tables, custom-object scopes, registered names.
//!
//! A crate makes one [`Registry`] for each kind of object (layers, optimizers, losses, ...), whose entries are
//! whatever constructs that kind: `Registry<fn(&Fields) -> Result<Box<dyn Layer>>>`, say. Custom objects are found by
//! the type of the registry's entries, so a custom layer called `L1` is never taken for the regularizer `L1`.
//!
//! | order | where | key |
//! |---|---|---|
//! | 1 | scopes of this thread, innermost first | registered name, then class name |
//! | 2 | [`register_keras_serializable`] | registered name, then class name |
//! | 3 | objects given to the call ([`Lookup::custom`]) | registered name, then class name |
//! | 4 | the built-in table | class name or alias, when the module is Keras's own |

mod custom;
mod lookup;
mod table;

pub use custom::{
    CustomObjects, ScopeGuard, current_scope, custom_object_scope, enter_custom_object_scope, find_custom_object,
    get_registered_object, register_keras_serializable, registered_name, unregister,
};
pub use lookup::Lookup;
pub use table::Registry;
