//! What the tables of a model hold.

use std::any::Any;

use kerox_graph::Graph;
use kerox_graph::ops::TableHandle;
use kerox_tensor::Tensor;

use crate::{Error, GraphModel, Result};

impl GraphModel {
    /// Keys and values of the table that is an object of the model, sorted by key; nothing where the object is no table.
    /// The model's initializer has filled it.
    ///
    /// # Errors
    /// Where the function that makes it cannot be imported; [`Error::UnknownOperations`] where the initializer could
    /// not be run.
    pub fn table(&self, object: usize) -> Result<Option<(Tensor, Tensor)>> {
        let meta = self.meta_graph()?;
        let Some(object) = meta.objects()?.and_then(|objects| objects.get(object)) else { return Ok(None) };
        let creator =
            object.child("_create_resource").and_then(|function| function.concrete_functions().into_iter().next());
        let Some(creator) = creator else { return Ok(None) };
        if let Some(Error::UnknownOperations { what, operations }) = self.uninitialized.get() {
            return Err(Error::UnknownOperations { what: what.clone(), operations: operations.clone() });
        }
        let mut g = Graph::new();
        self.function_into(&mut g, creator, Some(&[]))?;
        let handle = g.nodes().iter().find_map(|node| (&*node.op as &dyn Any).downcast_ref::<TableHandle>());
        Ok(handle.map(|handle| handle.table.export()).transpose()?)
    }
}
