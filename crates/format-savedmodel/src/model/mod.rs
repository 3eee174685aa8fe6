//! Reading a SavedModel's directory.

mod assets;
mod check;
mod checkpoint_keys;
mod functions;
mod keras;
mod meta_graph;
mod objects;
mod open;
mod signature;
mod v1;

pub use assets::Asset;
pub(crate) use assets::check_name as check_asset_name;
pub use check::Flaw;
pub use checkpoint_keys::{CheckpointKeys, checkpoint_keys};
pub use functions::{ConcreteFunction, Functions};
pub use keras::KerasNode;
pub use meta_graph::MetaGraph;
pub use objects::{Object, Objects, Paths};
pub use open::SavedModel;
pub use signature::{Signature, SignatureTensor};
pub use v1::V1Variable;
