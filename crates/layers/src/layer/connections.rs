//! What a layer is applied to and what comes out, as symbolic tensors.

use std::sync::Arc;

use super::Layer;
use crate::{CallNode, Error, KerasTensor, Result};

impl dyn Layer {
    /// What came out when the layer was first applied to symbolic tensors: where a model can be cut off. Of a model
    /// its outputs.
    ///
    /// # Errors
    /// [`Error::NotConnected`] where it has not been.
    ///
    /// # Example
    /// ```
    /// use kerox_layers::{LayerExt, LayerRef, core::Dense, models::{Functional, Sequential}};
    /// let model = Sequential::new().with(Dense::new(8).name("features").input_dim(4)).with(Dense::new(2));
    /// let (input, _) = model.symbolic()?;
    /// let features = Functional::new([input], LayerRef::from(model).get_layer("features")?.outputs()?)?;
    /// assert_eq!(features.outputs()[0].shape().to_string(), "(None, 8)");
    /// # Ok::<(), kerox_layers::Error>(())
    /// ```
    ///
    /// # Source
    /// `keras.layers.Layer.output`.
    pub fn outputs(&self) -> Result<Vec<KerasTensor>> {
        if let Some(model) = self.downcast::<crate::models::Functional>() {
            return Ok(model.outputs().to_vec());
        }
        if let Some(model) = self.downcast::<crate::models::Sequential>() {
            let (input, tensors) = model.symbolic()?;
            return Ok(vec![tensors.into_iter().next_back().unwrap_or(input)]);
        }
        let node = self.base().nodes().into_iter().next();
        let node = node.ok_or_else(|| Error::NotConnected { layer: self.name().into(), what: "output".into() })?;
        Ok((0..node.outputs.len()).map(|index| KerasTensor { node: node.clone(), index }).collect())
    }

    /// The only (or first) of [`outputs`](Self::outputs).
    ///
    /// # Errors
    /// As [`outputs`](Self::outputs).
    pub fn output(&self) -> Result<KerasTensor> {
        let not = || Error::NotConnected { layer: self.name().into(), what: "output".into() };
        self.outputs()?.into_iter().next().ok_or_else(not)
    }

    /// What the layer was first applied to; of a model its inputs.
    ///
    /// # Errors
    /// [`Error::NotConnected`] where it has not been applied to symbolic tensors.
    ///
    /// # Source
    /// `keras.layers.Layer.input`.
    pub fn inputs(&self) -> Result<Vec<KerasTensor>> {
        if let Some(model) = self.downcast::<crate::models::Functional>() {
            return Ok(model.inputs().to_vec());
        }
        if let Some(model) = self.downcast::<crate::models::Sequential>() {
            return Ok(vec![model.symbolic()?.0]);
        }
        let node = self.base().nodes().into_iter().next();
        let node = node.ok_or_else(|| Error::NotConnected { layer: self.name().into(), what: "input".into() })?;
        let tensors: Vec<KerasTensor> = node.args.tensors().into_iter().cloned().collect();
        // An input layer is applied to nothing: its input is what comes out of it.
        Ok(if tensors.is_empty() { vec![KerasTensor { node, index: 0 }] } else { tensors })
    }

    /// The only (or first) of [`inputs`](Self::inputs).
    ///
    /// # Errors
    /// As [`inputs`](Self::inputs).
    pub fn input(&self) -> Result<KerasTensor> {
        let not = || Error::NotConnected { layer: self.name().into(), what: "input".into() };
        self.inputs()?.into_iter().next().ok_or_else(not)
    }

    /// The applications of the layer to symbolic tensors that are still in use, in order.
    ///
    /// # Source
    /// `keras.layers.Layer.inbound_nodes`.
    pub fn inbound_nodes(&self) -> Vec<Arc<CallNode>> {
        self.base().nodes()
    }
}
