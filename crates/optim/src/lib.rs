//! Keras's optimizers and learning-rate schedules.
//!
//! | what | where |
//! |---|---|
//! | [`SGD`], [`Adam`], [`AdamW`], [`RMSprop`], [`Adagrad`], [`Adadelta`], [`Adamax`], [`Nadam`], [`Ftrl`], [`Lion`], [`Adafactor`], [`Lamb`], [`Muon`], [`ScheduleFreeAdamW`] | builders with Keras's arguments |
//! | [`Optimizer`] | what each of them becomes: state, steps, config, layouts |
//! | [`LossScaleOptimizer`] | a wrapper for mixed precision |
//! | [`schedules`] | learning rates as functions of the step |
//! | [`Form`] | Keras 2.15, its `legacy` module, or Keras 3: arithmetic, names, order and config keys of each |
//! | [`get`], [`from_config`], [`deserialize`] | optimizers by name and from files |
//! | [`SavedState`] | state saved in one form, continued in another |
//! | [`Algorithm`] | for optimizers of one's own |
//!
//! A step is one pass over parameter, gradient and slots, and allocates nothing.
//!
//! ```
//! use kerox_optim::{Adam, GradientView, IntoOptimizer};
//! use kerox_tensor::{Tensor, Variable};
//!
//! let weight = Variable::new("dense/kernel", Tensor::from_vec(vec![1f32, -1.0], [2])?, true);
//! let adam = Adam::new(0.1).into_optimizer()?;
//! for _ in 0..100 {
//!     // The gradient of w²/2 is w.
//!     let gradient = weight.value().as_slice::<f32>()?.to_vec();
//!     adam.apply_slices(&[weight.clone()], &[GradientView::from(&gradient[..])])?;
//! }
//! assert!(weight.value().as_slice::<f32>()?.iter().all(|w| w.abs() < 0.1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod adadelta;
mod adafactor;
mod adagrad;
mod adam;
mod adamax;
mod adamw;
mod algorithm;
mod cells;
mod config;
mod engine;
mod error;
mod form;
mod ftrl;
mod gradient;
mod lamb;
mod layout;
mod lion;
mod loss_scale;
mod migrate;
mod muon;
mod nadam;
mod optimizer;
mod options;
mod real;
mod registry;
mod rmsprop;
mod schedule_free_adamw;
pub mod schedules;
mod sgd;

pub use adadelta::{Adadelta, AdadeltaRule};
pub use adafactor::{Adafactor, AdafactorRule};
pub use adagrad::{Adagrad, AdagradRule};
pub use adam::{Adam, AdamRule};
pub use adamax::{Adamax, AdamaxRule};
pub use adamw::{AdamW, AdamWRule};
pub use algorithm::{Algorithm, Field, ScalarSpec, SlotInit, SlotSpec, SparseRule, Step};
pub use cells::{Cells, Slots};
pub use error::{Error, Result};
pub use form::Form;
pub use ftrl::{Ftrl, FtrlRule};
pub use gradient::{GradientView, Rows, Values};
pub use kerox_config_json::Config;
pub use lamb::{Lamb, LambRule};
pub use layout::{Entry, Target};
pub use lion::{Lion, LionRule};
pub use loss_scale::LossScaleOptimizer;
pub use migrate::{Migrated, SavedState};
pub use muon::{Muon, MuonRule};
pub use nadam::{Nadam, NadamRule};
pub use optimizer::{IntoOptimizer, Optimizer};
pub use options::{Builder, LearningRate};
pub use real::Real;
pub use registry::{OptimizerConstructor, class_names, deserialize, from_config, get, register_optimizer};
pub use rmsprop::{RMSprop, RmspropRule};
pub use schedule_free_adamw::{ScheduleFreeAdamW, ScheduleFreeAdamWRule};
pub use schedules::Schedule;
pub use sgd::{SGD, SgdRule};
