//! Spelling of configurations: every dialect to one neutral form, and back.
//!
//! The neutral form is what Keras 2.15 writes, with dtype policies as plain names. Differences are tables:
//!
//! | from | what changes |
//! |---|---|
//! | Keras 1 | class and argument names ([`keras1`]) |
//! | Keras 2.0 to 2.14 | optimizer arguments `lr`; everything else is read as it stands |
//! | Keras 3 | `batch_shape`, dtype policy objects, `negative_slope`, class names of initializers, `hard_sigmoid` (another function), layers that compute otherwise ([`KERAS3`]) |

mod activations;
mod express;
mod functions;
pub mod keras1;
mod keras3_layers;
mod legacy;
mod modules;
mod normalize;
pub mod operations;
mod quantized;
mod schedules;

pub use activations::KERAS3_HARD_SIGMOID;
pub use express::{check_layers, dtype_policy};
pub(crate) use express::{express, translate_section};
pub(crate) use functions::{keras3_loss, keras3_metric, wrap_for_keras3};
pub use keras3_layers::KERAS3;
pub(crate) use legacy::leave_legacy;
pub use modules::module_of;
pub use normalize::{normalize, policy_name};
pub(crate) use schedules::express_schedule;
pub use schedules::keras3_schedule_name;

/// Whether a document of Keras 3 has something in it that [`read_keras3`] changes.
pub(crate) fn differs_in_keras3(value: &crate::Value) -> bool {
    activations::differs_in_keras3(value) || keras3_layers::has_different_layers(value)
}

/// Gives what a document of Keras 3 means otherwise than Keras 2 its neutral form.
pub(crate) fn read_keras3(value: &mut crate::Value) {
    activations::read_keras3(value);
    keras3_layers::mark_keras3(value);
}
