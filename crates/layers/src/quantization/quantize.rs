//! A model's weights to few bits.

use kerox_config_json::dialect::module_of;
use kerox_config_json::{Config, Node, Object, Value as Json};
use kerox_tensor::Tensor;

use super::{QUANTIZED, Quantization, needs_data};
use crate::core::{Dense, EinsumDense, Embedding, ReversibleEmbedding};
use crate::models::{Functional, Sequential, clone_model_with};
use crate::{Error, LayerRef, Lora, Result, registry};

/// A model of new layers whose `Dense`, `EinsumDense`, `Embedding` and `ReversibleEmbedding` keep the weights of the given
/// one in few bits, as Keras 3 would; those of models inside it too, those inside other layers not. What is quantized
/// stays as it is. The model has to be built.
///
/// `int8` rounds the inputs of products as well; `int4` of Keras's default has blocks of 128. `float8` is for `Dense` and
/// `EinsumDense`, whose kernels stay floats: they and what they are multiplied by are rounded in each product.
///
/// # Errors
/// [`crate::Error::Argument`] for modes that learn from data (`gptq`, `awq`); as [`clone_model_with`].
///
/// # Example
/// ```
/// use kerox_layers::{LayerExt, LayerRef, Quantization, core::Dense, models::{self, Sequential}};
/// let model = LayerRef::from(Sequential::new().with(Dense::new(2).input_dim(3)));
/// let small = models::quantize(&model, Quantization::Int8)?;
/// assert_eq!(small.weights().len(), 3);
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.Model.quantize`.
pub fn quantize(model: &LayerRef, mode: Quantization) -> Result<LayerRef> {
    if matches!(mode, Quantization::Gptq { .. } | Quantization::Awq { .. }) {
        return Err(needs_data(model.base(), mode));
    }
    let mut made: Vec<(LayerRef, LayerRef)> = Vec::new();
    let new = clone_model_with(model, |layer| {
        let new = match layer.is_model() {
            true if layer.downcast::<Sequential>().is_some() || layer.downcast::<Functional>().is_some() => {
                return quantize(layer, mode);
            }
            _ => twin(layer, mode)?,
        };
        made.push((layer.clone(), new.clone()));
        Ok(new)
    })?;
    for (old, new) in made {
        match new.base().policy().quantization {
            Some(_) if old.base().policy().quantization.is_none() => fill(&old, &new)?,
            _ => new.set_weights(&old.get_weights())?,
        }
    }
    Ok(new)
}

/// A new layer of the same configuration, quantized where its class can be.
fn twin(layer: &LayerRef, mode: Quantization) -> Result<LayerRef> {
    let mut object = Object::read(&Node::root(&registry::serialize(layer)?))?;
    let policy = layer.base().policy();
    if let (true, None, Json::Map(config)) =
        (QUANTIZED.contains(&layer.class_name()), policy.quantization, &mut object.config)
    {
        // Products alone round to 8-bit floats; Keras notes the mode in embeddings, too.
        if !matches!(mode, Quantization::Float8 { .. }) || layer.class_name().ends_with("Dense") {
            config.insert("dtype", format!("{}_from_{}", mode.name(), policy.name));
        }
        config.insert("quantization_config", settings(mode));
    }
    registry::deserialize_object(&object)
}

/// `quantization_config` as Keras writes it where nothing but the mode was given.
fn settings(mode: Quantization) -> Json {
    let object = |class: &str, config: Config| Object::builtin(module_of(class), class, config).to_value();
    let inputs = || {
        let range = Json::List(vec![Json::Int(-127), Json::Int(127)]);
        let config = Config::new().with("value_range", range).with("epsilon", 1e-7).with("output_dtype", "int8");
        object("AbsMaxQuantizer", config)
    };
    let config = Config::new().with("weight_quantizer", Json::Null);
    match mode {
        Quantization::Int8 => object("Int8QuantizationConfig", config.with("activation_quantizer", inputs())),
        Quantization::Int4 { block_size } => {
            let config = config.with("activation_quantizer", Json::Null);
            object("Int4QuantizationConfig", config.with("block_size", block_size.map(|size| size as i64)))
        }
        Quantization::Float8 { .. } => object("Float8QuantizationConfig", Config::new()),
        _ => Json::Null,
    }
}

/// Gives a quantized layer the weights of one of floats.
fn fill(old: &LayerRef, new: &LayerRef) -> Result<()> {
    let value = |attr: &str| -> Result<Tensor> { Ok(old.base().variable(attr).ok_or(Error::NotBuilt)?.value()) };
    let mut weights = if let Some(Quantization::Float8 { .. }) = new.base().policy().quantization {
        vec![("kernel", value("kernel")?)]
    } else if let Some(layer) = new.downcast::<Dense>() {
        layer.quantize(&value("kernel")?)?
    } else if let Some(layer) = new.downcast::<EinsumDense>() {
        layer.quantize(&value("kernel")?)?
    } else if let Some(layer) = new.downcast::<Embedding>() {
        layer.quantize(&value("embeddings")?)?
    } else if let Some(layer) = new.downcast::<ReversibleEmbedding>() {
        layer.quantize(
            &value("embeddings")?,
            old.base().variable("reverse_embeddings").map(|own| own.value()).as_ref(),
        )?
    } else {
        return Err(Error::NotBuilt);
    };
    if let Some(bias) = old.base().variable("bias") {
        weights.push(("bias", bias.value()));
    }
    for (attr, value) in weights {
        new.base().variable(attr).ok_or(Error::NotBuilt)?.assign(value)?;
    }
    // The small matrices that are trained stay as they are beside the kernel.
    for (new, old) in Lora::matrices(new.base()).iter().zip(Lora::matrices(old.base())) {
        new.assign(old.value())?;
    }
    Ok(())
}
