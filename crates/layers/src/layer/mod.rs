//! The trait all layers implement, and the handle by which they are shared.

mod builder;
mod connections;
mod handle;
mod node;
mod tracked;
mod weights;

use std::any::Any;

use kerox_config_json::Config;
use kerox_graph::{Value, ValueInfo};
use kerox_tensor::{Shape, Tensor, Variable};

pub use self::builder::LayerExt;
pub use self::handle::LayerRef;
pub use self::node::LayerNode;
pub use self::tracked::Tracked;
pub use self::weights::assign_weights;
use crate::{Args, Base, Build, Call, Error, Result, Weight};

/// A layer: something with weights that adds operations to a graph.
///
/// [`Layer::call`] never computes: it is given symbolic values and adds operations to a graph. From that come output
/// shapes, gradients, the compiled plan and what is exported.
///
/// # Source
/// `keras.layers.Layer`.
pub trait Layer: Any + Send + Sync {
    /// What all layers have.
    fn base(&self) -> &Base;

    /// What all layers have, to be set while the layer is under construction.
    fn base_mut(&mut self) -> &mut Base;

    /// Adds operations to the graph; gives the outputs in order.
    ///
    /// # Errors
    /// [`Error::Input`] where the inputs do not fit.
    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>>;

    /// Makes the weights for inputs of these types and shapes. Is called once, before the first `call`.
    ///
    /// # Errors
    /// [`Error::Argument`] or [`Error::Input`] where they cannot be made.
    fn build(&self, _cx: &mut Build, _inputs: &[ValueInfo]) -> Result<()> {
        Ok(())
    }

    /// The class, as files name it.
    fn class_name(&self) -> &str {
        self.base().class_name()
    }

    /// The constructor's arguments as Keras 2.15's `get_config` gives them.
    ///
    /// # Errors
    /// Where the layer cannot be described by plain data.
    fn config(&self) -> Result<Config>;

    /// The layers inside this one under the attributes by which checkpoints reach them.
    fn sublayers(&self) -> Vec<(String, Tracked)> {
        Vec::new()
    }

    /// Whether the variables made inside this layer carry its name as prefix. Sequential and functional models do not.
    fn is_name_scope(&self) -> bool {
        true
    }

    /// Whether a mask on the input goes through to the outputs.
    fn supports_masking(&self) -> bool {
        false
    }

    /// Whether `call` has set the masks of its outputs by itself ([`Call::set_mask`]).
    fn computes_masks(&self) -> bool {
        false
    }

    /// Whether the configuration of this layer is one of a model, to be written with its layers.
    fn is_model(&self) -> bool {
        false
    }

    /// What the size of the output adds to the loss.
    fn activity_regularizer(&self) -> Option<&crate::Regularizer> {
        None
    }

    /// Whether inputs of floating type are cast to the policy's compute type.
    fn autocast(&self) -> bool {
        true
    }

    /// Whether inputs of integers are cast to the policy's compute type, too: those of layers that multiply by weights.
    fn casts_integers(&self) -> bool {
        false
    }

    /// The weights of a layer, given the trainable ones first, as `get_weights` lists them.
    fn in_order(&self, weights: Vec<Weight>) -> Vec<Weight> {
        weights
    }

    /// The type of input the layer takes where a model starts with it: integers for an Embedding.
    fn input_dtype(&self) -> kerox_tensor::DType {
        self.base().policy().variable
    }

    /// What the layer keeps beside its weights and files have to hold too: a vocabulary.
    fn state(&self) -> Option<&dyn crate::LayerState> {
        None
    }

    /// How the layer adapts a kernel that is not trained; `None` where it trains its kernel.
    fn lora(&self) -> Option<&crate::Lora> {
        None
    }

    /// The weights whose values stand in files that have no place for the matrices of [`Layer::lora`], where a kernel in few
    /// bits is made anew with what these add to it: attributes and values.
    ///
    /// # Errors
    /// [`Error::NotBuilt`].
    fn requantized(&self) -> Result<Vec<(&'static str, Tensor)>> {
        Ok(Vec::new())
    }

    /// Adds to the layer's configuration what it has learnt, for files that have no other place for it.
    ///
    /// # Errors
    /// Where it cannot be described by plain data.
    fn learnt(&self, _config: &mut Config) -> Result<()> {
        Ok(())
    }

    /// Is called where a file has a weight in another shape than the layer's: a new variable of that shape, where the
    /// weight's shape is open. All others stay, and the file does not fit.
    fn open_weight(&self, _attr: &str, _shape: &Shape) -> Option<Variable> {
        None
    }

    /// Takes a variable that [`Layer::open_weight`] made in the place of the one there was.
    fn adopt_weight(&self, _attr: &str, _variable: Variable) {}

    /// The layer as a cell of recurrent layers, if it is one.
    fn as_cell(&self) -> Option<&dyn crate::rnn::Cell> {
        None
    }

    /// Sets the states of stateful recurrent layers to zeros, here and in every layer inside.
    ///
    /// # Source
    /// `keras.Model.reset_states`.
    fn reset_states(&self) {
        for layer in self.layers_inside() {
            layer.reset_states();
        }
    }

    /// The variables that hold the states of a stateful recurrent layer: one or a list for each cell, as Keras keeps them.
    /// They are not weights.
    ///
    /// # Source
    /// `keras.layers.RNN.states`.
    fn states(&self) -> Vec<Tracked> {
        Vec::new()
    }

    /// Freezes or unfreezes the layer and every layer in it.
    fn set_trainable(&self, trainable: bool) {
        self.base().set_trainable(trainable);
        for layer in self.layers_inside() {
            layer.set_trainable(trainable);
        }
    }

    /// The layers directly inside this one, in the order in which they were tracked.
    fn layers_inside(&self) -> Vec<LayerRef> {
        let mut layers = Vec::new();
        for (_, tracked) in self.sublayers() {
            tracked.collect(&mut layers);
        }
        layers
    }
}

impl dyn Layer {
    /// The name.
    pub fn name(&self) -> &str {
        self.base().name()
    }

    /// Whether the layer is to be trained.
    pub fn trainable(&self) -> bool {
        self.base().trainable()
    }

    /// The layer inside of that name.
    ///
    /// # Errors
    /// [`Error::NoSuchLayer`] with the names there are.
    ///
    /// # Source
    /// `keras.Model.get_layer(name)`.
    pub fn get_layer(&self, name: &str) -> Result<LayerRef> {
        let layers = self.layers_inside();
        let found = layers.iter().find(|layer| layer.name() == name).cloned();
        found.ok_or_else(|| no_such_layer(name, &layers))
    }

    /// The layer inside at that position.
    ///
    /// # Errors
    /// [`Error::NoSuchIndex`].
    ///
    /// # Source
    /// `keras.Model.get_layer(index=...)`.
    pub fn get_layer_at(&self, index: usize) -> Result<LayerRef> {
        let mut layers = self.layers_inside();
        match index < layers.len() {
            true => Ok(layers.swap_remove(index)),
            false => Err(Error::NoSuchIndex { index, layers: layers.len() }),
        }
    }

    /// The layer as the concrete type it is.
    pub fn downcast<L: Layer>(&self) -> Option<&L> {
        (self as &dyn Any).downcast_ref()
    }
}

/// The error of a name that no layer has.
pub(crate) fn no_such_layer(name: &str, layers: &[LayerRef]) -> Error {
    let names: Vec<String> = layers.iter().map(|layer| format!("'{}'", layer.name())).collect();
    Error::NoSuchLayer { name: name.into(), existing: format!("[{}]", names.join(", ")) }
}
