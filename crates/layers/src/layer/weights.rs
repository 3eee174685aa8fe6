//! The weights of a layer and of the layers inside it, in Keras's orders.

use kerox_graph::Dims;
use kerox_tensor::{Shape, Tensor};

use super::Layer;
use crate::{Error, Result, Weight};

impl dyn Layer {
    /// The weights that training changes: the layer's own, then those of the layers inside.
    pub fn trainable_weights(&self) -> Vec<Weight> {
        if !self.trainable() {
            return Vec::new();
        }
        let own = self.own_weights().into_iter().filter(|w| w.trainable).collect();
        self.gather(own, <dyn Layer>::trainable_weights)
    }

    /// The weights that training leaves alone. Those of a frozen layer are its trainable ones followed by the others.
    pub fn non_trainable_weights(&self) -> Vec<Weight> {
        if self.trainable() {
            let own = self.own_weights().into_iter().filter(|w| !w.trainable).collect();
            return self.gather(own, <dyn Layer>::non_trainable_weights);
        }
        let (mut own, others): (Vec<Weight>, Vec<Weight>) = self.own_weights().into_iter().partition(|w| w.trainable);
        own.extend(others);
        self.gather(own, <dyn Layer>::weights)
    }

    /// All weights in Keras's order: of a model layer by layer, of any other layer the trainable ones first, so that
    /// freezing a part changes the order.
    ///
    /// # Source
    /// `keras.layers.Layer.weights`, `keras.Model.weights`.
    pub fn weights(&self) -> Vec<Weight> {
        if self.is_model() { self.weights_by_layer() } else { self.in_order(self.legacy_weights()) }
    }

    /// All weights, layer by layer, then those of this layer's own: the order of `keras.Model.weights`, for
    /// subclassed models too.
    pub fn weights_by_layer(&self) -> Vec<Weight> {
        let mut weights: Vec<Weight> = self.layers_inside().iter().flat_map(|layer| layer.weights()).collect();
        let (own, others): (Vec<Weight>, Vec<Weight>) = self.own_weights().into_iter().partition(|w| w.trainable);
        weights.extend(own);
        weights.extend(others);
        dedup(weights)
    }

    /// All weights, trainable ones first, then the others: the order in HDF5 files, of nested models too. Freezing a
    /// part changes the order.
    ///
    /// # Source
    /// `keras.src.saving.legacy.hdf5_format._legacy_weights`.
    pub fn legacy_weights(&self) -> Vec<Weight> {
        let mut weights = self.trainable_weights();
        weights.extend(self.non_trainable_weights());
        dedup(weights)
    }

    /// The weights made by `build`, then the variables held in fields.
    fn own_weights(&self) -> Vec<Weight> {
        let mut weights = self.base().weights().clone();
        for (attr, tracked) in self.sublayers() {
            tracked.collect_variables(&attr, &mut weights);
        }
        weights
    }

    fn gather(&self, mut weights: Vec<Weight>, of: impl Fn(&dyn Layer) -> Vec<Weight>) -> Vec<Weight> {
        for layer in self.layers_inside() {
            weights.extend(of(&*layer));
        }
        dedup(weights)
    }

    /// The values of all weights in Keras's order.
    pub fn get_weights(&self) -> Vec<Tensor> {
        self.weights().iter().map(|w| w.variable.value()).collect()
    }

    /// Gives weights whose shapes are open those of the values that are to come, in the order of `weights`.
    pub fn reshape_weights(&self, weights: &[Weight], shapes: &[&Shape]) {
        if weights.len() != shapes.len() {
            return;
        }
        self.reshape_own(weights, shapes);
        for layer in self.layers_inside() {
            layer.reshape_weights(weights, shapes);
        }
    }

    fn reshape_own(&self, weights: &[Weight], shapes: &[&Shape]) {
        for own in self.own_weights() {
            let at = weights.iter().position(|w| w.variable == own.variable);
            if let Some(shape) = at.and_then(|at| shapes.get(at)).filter(|shape| **shape != own.variable.shape())
                && let Some(variable) = self.open_weight(&own.attr, shape)
            {
                self.adopt_weight(&own.attr, variable);
            }
        }
    }

    /// Replaces the values of all weights, in Keras's order. Nothing is changed unless everything fits.
    ///
    /// # Errors
    /// [`Error::WeightCount`] and [`Error::WeightShape`] where number or shapes differ.
    pub fn set_weights(&self, values: &[Tensor]) -> Result<()> {
        let shapes: Vec<&Shape> = values.iter().map(Tensor::shape).collect();
        self.reshape_weights(&self.weights(), &shapes);
        assign_weights(self.name(), &self.weights(), values)
    }

    /// Number of numbers in the weights.
    ///
    /// # Errors
    /// [`Error::NotBuilt`] before there are any.
    pub fn count_params(&self) -> Result<usize> {
        if self.base().built().is_none() && self.weights().is_empty() {
            return Err(Error::NotBuilt);
        }
        Ok(self.weights().iter().map(|w| w.variable.shape().elements()).sum())
    }
}

/// Gives each weight of a layer the value in its place. Nothing is changed unless everything fits.
///
/// # Errors
/// [`Error::WeightCount`] and [`Error::WeightShape`] where number or shapes differ.
pub fn assign_weights(layer: &str, weights: &[Weight], values: &[Tensor]) -> Result<()> {
    if weights.len() != values.len() {
        return Err(Error::WeightCount { layer: layer.into(), expected: weights.len(), found: values.len() });
    }
    let mut cast = Vec::with_capacity(values.len());
    for (weight, value) in weights.iter().zip(values) {
        let variable = &weight.variable;
        if variable.shape() != value.shape() {
            return Err(Error::WeightShape {
                layer: layer.into(),
                weight: variable.name().into(),
                expected: Dims::from(variable.shape()).to_string(),
                found: Dims::from(value.shape()).to_string(),
            });
        }
        cast.push(if value.dtype() == variable.dtype() { value.clone() } else { value.cast(variable.dtype())? });
    }
    for (weight, value) in weights.iter().zip(cast) {
        weight.variable.assign(value)?;
    }
    Ok(())
}

fn dedup(mut weights: Vec<Weight>) -> Vec<Weight> {
    let mut seen = std::collections::HashSet::new();
    weights.retain(|w| seen.insert(w.variable.id()));
    weights
}
