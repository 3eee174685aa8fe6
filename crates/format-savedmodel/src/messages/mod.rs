//! TensorFlow's protobuf messages, one file a `.proto` file. Field names are TensorFlow's.
//!
//! Every type implements [`crate::wire::Message`]; fields that are not declared here are kept in `unknown`.
//!
//! Source: the `.proto` files of TensorFlow 2.21 under tensorflow/core/framework and tensorflow/core/protobuf, and
//! keras/src/protobuf of Keras 2.15.

mod any;
pub mod attr_value;
mod data_type;
mod fingerprint;
mod function;
mod graph;
mod keras;
pub mod meta_graph;
mod node_def;
mod op_def;
mod resource_handle;
mod saved_model;
pub mod saved_object_graph;
mod saver;
pub mod structured_value;
mod tensor;
mod tensor_shape;
pub mod trackable_object_graph;
mod variable;
mod versions;

pub use any::Any;
pub use attr_value::{AttrList, AttrValue, NameAttrList};
pub use data_type::DataType;
pub use fingerprint::FingerprintDef;
pub use function::{ArgAttrs, FunctionDef, FunctionDefLibrary, GradientDef, RegisteredGradient};
pub use graph::GraphDef;
pub use keras::{KerasObject, SavedMetadata};
pub use meta_graph::{AssetFileDef, CollectionDef, MetaGraphDef, MetaInfoDef, SignatureDef, TensorInfo};
pub use node_def::NodeDef;
pub use op_def::{ArgDef, AttrDef, OpDef, OpDeprecation, OpList};
pub use resource_handle::{DtypeAndShape, ResourceHandleProto};
pub use saved_model::SavedModelProto;
pub use saved_object_graph::{SavedObject, SavedObjectGraph};
pub use saver::{CheckpointFormatVersion, SaverDef};
pub use structured_value::StructuredValue;
pub use tensor::{TensorProto, VariantTensorDataProto};
pub use tensor_shape::{Dim, TensorShapeProto};
pub use trackable_object_graph::{TrackableObject, TrackableObjectGraph};
pub use variable::{SaveSliceInfoDef, VariableAggregation, VariableDef, VariableSynchronization};
pub use versions::VersionDef;
