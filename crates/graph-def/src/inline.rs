//! Functions and signatures as parts of other graphs.

use kerox_graph::{Graph, Value};
use kerox_tensor::Variable;

use crate::handle::Slot;
use crate::library::Library;
use crate::model::{Captured, deep};
use crate::{Error, GraphModel, Result};

impl GraphModel {
    /// Adds a function to a graph, applied to the values there, and gives its results. Variables it reads are the
    /// model's; what it assigns is among the graph's effects. See [`GraphModel::functions`] for the names.
    ///
    /// # Errors
    /// As [`GraphModel::function`]; [`Error::Invalid`] where number, types or shapes of the inputs are others.
    ///
    /// # Example
    /// ```no_run
    /// use kerox_graph::{Dims, Graph};
    /// use kerox_tensor::DType;
    ///
    /// let model = kerox_graph_def::saved_model::load("model", &["serve"])?;
    /// let call = model.functions()?.into_iter().find(|f| f.path == "__call__").expect("a callable model");
    /// let mut g = Graph::new();
    /// let x = g.placeholder("x", DType::F32, Dims::from([None, Some(8)]))?;
    /// let y = model.inline(&mut g, &call.name, &[x])?;
    /// assert_eq!(y.len(), 1);
    /// # Ok::<(), kerox_graph_def::Error>(())
    /// ```
    pub fn inline(&self, g: &mut Graph, function: &str, inputs: &[Value]) -> Result<Vec<Value>> {
        let (_, outputs) = deep(|| self.function_into(g, function, Some(inputs)))?;
        self.check_initialized(g)?;
        Ok(outputs.into_iter().map(|(_, value)| value).collect())
    }

    /// Adds a signature to a graph, applied to named values there, and gives its named results.
    ///
    /// # Errors
    /// As [`GraphModel::signature`]; [`Error::Argument`] where an input is missing.
    pub fn inline_signature(
        &self,
        g: &mut Graph,
        signature: &str,
        inputs: &[(&str, Value)],
    ) -> Result<Vec<(String, Value)>> {
        let signature = self.find_signature(signature)?;
        let outputs = deep(|| {
            let mut given = |name: &str| inputs.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
            Ok(self.signature_into(g, signature, Some(&mut given))?.1)
        })?;
        self.check_initialized(g)?;
        Ok(outputs)
    }

    /// The variable of an object of the model; `None` where the object is none.
    ///
    /// # Errors
    /// [`Error::Format`] where the objects contradict themselves; where the value cannot be read.
    pub fn variable_of(&self, object: usize) -> Result<Option<Variable>> {
        let meta = self.meta_graph()?;
        let is_variable =
            meta.objects()?.and_then(|objects| objects.get(object)).is_some_and(|o| o.variable().is_some());
        if !is_variable {
            return Ok(None);
        }
        let library = Library::new(&meta)?;
        match self.capture(&meta, &library, object)? {
            Captured::Slot(Slot::Variable(handle)) => self.state.variable(&handle, false).map(Some),
            _ => Ok(None),
        }
    }

    /// Makes functions that are imported from now on read and assign `variable` for that object of the model. Does
    /// nothing where the object has no value in the checkpoint.
    pub fn bind(&self, object: usize, variable: &Variable) {
        if let Some(key) = self.keys.variable(object) {
            self.state.bind_variable(key, variable);
        }
    }

    fn check_initialized(&self, g: &Graph) -> Result<()> {
        let resources =
            || g.nodes().iter().flat_map(|node| &node.outputs).any(|o| o.dtype == kerox_tensor::DType::Resource);
        match self.uninitialized.get() {
            Some(Error::UnknownOperations { what, operations }) if resources() => {
                Err(Error::UnknownOperations { what: what.clone(), operations: operations.clone() })
            }
            _ => Ok(()),
        }
    }
}
