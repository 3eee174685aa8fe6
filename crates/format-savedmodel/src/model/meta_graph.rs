//! One graph of a model.

use super::{Asset, ConcreteFunction, Functions, KerasNode, Objects, Signature, V1Variable, assets, keras, v1};
use crate::Result;
use crate::messages::{GraphDef, MetaGraphDef, SavedMetadata, SaverDef};
use crate::ops::OpRegistry;

/// A graph with its signatures, functions, objects and assets.
#[derive(Clone, Debug)]
pub struct MetaGraph<'a> {
    /// The message.
    pub def: &'a MetaGraphDef,
    metadata: Option<&'a SavedMetadata>,
    functions: Functions<'a>,
}

impl<'a> MetaGraph<'a> {
    pub(super) fn new(def: &'a MetaGraphDef, metadata: Option<&'a SavedMetadata>) -> MetaGraph<'a> {
        MetaGraph { def, metadata, functions: Functions::new(def) }
    }

    /// The tags by which it is chosen: `serve`.
    pub fn tags(&self) -> &'a [String] {
        self.def.meta_info_def.as_ref().map_or(&[], |info| &info.tags)
    }

    /// The version of TensorFlow that wrote it; empty when it does not say.
    pub fn tensorflow_version(&self) -> &'a str {
        self.def.meta_info_def.as_ref().map_or("", |info| &info.tensorflow_version)
    }

    /// The nodes outside of functions.
    pub fn graph(&self) -> Option<&'a GraphDef> {
        self.def.graph_def.as_deref()
    }

    /// The nodes that save and restore variables, of TensorFlow 1 and for serving.
    pub fn saver(&self) -> Option<&'a SaverDef> {
        self.def.saver_def.as_deref()
    }

    /// The signatures by name, without the one that names the initializer.
    pub fn signatures(&self) -> Vec<Signature> {
        let of_users = self.def.signature_def.iter().filter(|(name, _)| !name.starts_with("__saved_model"));
        let mut signatures: Vec<_> = of_users.map(|(name, def)| Signature::new(name, def)).collect();
        signatures.sort_by(|a, b| a.name.cmp(&b.name));
        signatures
    }

    /// The functions.
    pub fn functions(&self) -> &Functions<'a> {
        &self.functions
    }

    /// A function with what it captures; see [`Functions::concrete`].
    ///
    /// # Errors
    /// As [`Functions::concrete`].
    pub fn concrete_function(&self, name: &str) -> Result<ConcreteFunction<'a>> {
        self.functions.concrete(name)
    }

    /// The objects; `None` in models of TensorFlow 1.
    ///
    /// # Errors
    /// As [`Objects::new`].
    pub fn objects(&self) -> Result<Option<Objects<'a>>> {
        // TensorFlow 1 writes no object graph, some converters an empty one.
        let graph = self.def.object_graph_def.as_deref().filter(|graph| !graph.nodes.is_empty());
        graph.map(Objects::new).transpose()
    }

    /// What Keras saved of the objects: of `keras_metadata.pb`, or of the objects themselves (TensorFlow up to 2.4).
    /// Empty when Keras did not save the model.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for text that is no JSON and numbers that are no object's.
    pub fn keras_nodes(&self) -> Result<Vec<KerasNode>> {
        match (self.objects()?, self.metadata) {
            (Some(objects), Some(metadata)) => keras::from_metadata(metadata, objects.len()),
            (Some(objects), None) => keras::from_objects(objects),
            (None, _) => Ok(Vec::new()),
        }
    }

    /// The files that belong to the model.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for names that lead out of the directory `assets`.
    pub fn assets(&self) -> Result<Vec<Asset>> {
        assets::of(self.def)
    }

    /// The variables of collections, as TensorFlow 1 has them.
    ///
    /// # Errors
    /// [`crate::Error::Malformed`].
    pub fn v1_variables(&self) -> Result<Vec<V1Variable>> {
        v1::variables(self.def)
    }

    /// The node to run after loading, if there is one.
    pub fn init_op(&self) -> Option<&'a str> {
        v1::init_op(self.def)
    }

    /// The operations nodes can have.
    pub fn ops(&self) -> OpRegistry {
        OpRegistry::new(self.def)
    }
}
