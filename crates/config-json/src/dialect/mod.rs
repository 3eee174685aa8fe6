//! Spelling of configurations: every dialect to one neutral form, and back.
//!
//! The neutral form is what Keras 2.15 writes, with dtype policies as plain names. Differences are tables:
//!
//! | from | what changes |
//! |---|---|
//! | Keras 1 | class and argument names ([`keras1`]) |
//! | Keras 2.0 to 2.14 | optimizer arguments `lr`; everything else is read as it stands |
//! | Keras 3 | `batch_shape`, dtype policy objects, `negative_slope`, class names of initializers; [`read_keras3`], [`KERAS3`] |

mod activations;
pub(crate) mod build_config;
mod express;
mod functions;
pub mod keras1;
mod keras3;
mod keras3_layers;
mod legacy;
mod limits;
mod modules;
mod normalize;
pub mod operations;
mod quantized;
mod schedules;

pub use activations::KERAS3_HARD_SIGMOID;
pub(crate) use express::{Role, express, express_compiled, express_sequential, in_hdf5, translate_section};
pub use express::{check_layers, dtype_policy};
pub(crate) use functions::{keras3_loss, keras3_metric, wrap_for_keras3};
pub(crate) use keras3::differs_in_keras3;
pub use keras3::read_keras3;
pub use keras3_layers::KERAS3;
pub(crate) use legacy::leave_legacy;
pub use modules::module_of;
pub use normalize::{normalize, policy_name};
pub(crate) use schedules::express_schedule;
pub use schedules::keras3_schedule_name;
