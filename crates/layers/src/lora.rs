//! Two small matrices that are trained in the place of a large kernel, as Keras 3's `lora_rank` asks for.

use kerox_config_json::{Config, Fields, Node, Object, Value as Json};
use kerox_graph::{Executor, Graph, Plan, Value};
use kerox_tensor::{DType, Tensor, Variable};

use crate::models::{Functional, Sequential, clone_model_with};
use crate::registry::{self, argument_error};
use crate::{Base, Build, Call, Error, Layer, LayerRef, Quantization, Result, Weight, WeightSpec};

/// How a layer adapts a kernel that is not trained: `kernel + alpha / rank · a · b` (Hu et al. 2021).
///
/// `a` is `[..., rank]` where the kernel is `[..., last]`, He uniform at first; `b` is `[rank, last]`, zeros at first. Both
/// are float32 whatever the policy says. Trees of weights (`.keras`, `.weights.h5`) hold the sum for the kernel, and none of
/// the two, in few bits again where the kernel is quantized; HDF5 files of models hold every weight. Kernels in few bits stay
/// as they are beside the matrices: what these make of the inputs is added to what the kernel makes of them.
///
/// # Example
/// ```
/// use kerox_layers::{LayerExt, LayerRef, LoraOptions, core::Dense, models::Sequential};
/// let model = Sequential::new().with(Dense::new(4).lora_rank(2).input_dim(3));
/// model.ensure_built()?;
/// let model = LayerRef::from(model);
/// let names: Vec<String> = model.trainable_weights().into_iter().map(|weight| weight.attr).collect();
/// assert_eq!(names, ["bias", "lora_kernel_a", "lora_kernel_b"]);
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Dense.enable_lora` of Keras 3, and those of `EinsumDense`, `Embedding` and the convolutions.
#[derive(Clone, Debug, Default)]
pub struct Lora {
    rank: Option<usize>,
    alpha: Option<f64>,
}

/// The two matrices of a kernel of that name.
fn matrices(kernel: &str) -> [String; 2] {
    ["a", "b"].map(|which| format!("lora_{kernel}_{which}"))
}

impl Lora {
    /// Reads `lora_rank` and `lora_alpha`. Those of layers that were quantized by data stay with what has no meaning here, as
    /// Keras has no matrices beside such kernels.
    pub(crate) fn read(base: &Base, fields: &Fields<'_>) -> Result<Lora> {
        if matches!(base.policy().quantization, Some(Quantization::Gptq { .. } | Quantization::Awq { .. })) {
            return Ok(Lora::default());
        }
        let rank = fields.get("lora_rank").filter(|node| node.int().ok() != Some(0));
        let Some(rank) = rank else { return Ok(Lora::default()) };
        Ok(Lora { rank: Some(rank.positive()?), alpha: fields.opt_float("lora_alpha")? })
    }

    /// Writes `lora_rank` and `lora_alpha` where there is a rank.
    pub(crate) fn write(&self, config: Config) -> Config {
        let Some(rank) = self.rank else { return config };
        let alpha = match self.alpha {
            None => Json::from(rank),
            Some(alpha) if alpha.fract() == 0.0 && alpha.abs() < 1e15 => Json::Int(alpha as i64),
            Some(alpha) => Json::from(alpha),
        };
        config.with("lora_rank", rank).with("lora_alpha", alpha)
    }

    /// Whether there is a rank.
    pub(crate) fn is_enabled(&self) -> bool {
        self.rank.is_some()
    }

    /// What the product of the matrices is multiplied by.
    fn factor(&self) -> f64 {
        let rank = self.rank.unwrap_or(1) as f64;
        self.alpha.unwrap_or(rank) / rank
    }

    /// Refuses a rank for layers of 8-bit floats.
    pub(crate) fn refuse_beside_float8(&self, base: &Base) -> Result<()> {
        match self.rank {
            Some(rank) => Err(argument_error(base, "lora_rank", "none in a layer of `float8`", rank.to_string())),
            None => Ok(()),
        }
    }

    /// Makes the kernel, the bias (or what else follows it) and, where there is a rank, the matrices, which are regularized in
    /// the kernel's place.
    pub(crate) fn build(
        &self,
        cx: &mut Build,
        base: &Base,
        kernel: WeightSpec,
        bias: Option<WeightSpec>,
    ) -> Result<()> {
        let stored = match self.is_enabled() {
            true => kernel.clone().regularizer(&None).non_trainable(),
            false => kernel.clone(),
        };
        for spec in [Some(stored), bias].into_iter().flatten() {
            cx.add_weight(base, spec)?;
        }
        self.build_matrices(cx, base, &kernel)
    }

    /// Makes the matrices beside a kernel that would be made like that, where there is a rank.
    pub(crate) fn build_matrices(&self, cx: &mut Build, base: &Base, kernel: &WeightSpec) -> Result<()> {
        let Some(rank) = self.rank else { return Ok(()) };
        if kernel.constraint.is_some() {
            let found = format!("a constraint of `{}`", kernel.attr);
            return Err(argument_error(base, "lora_rank", "a kernel without a constraint", found));
        }
        let [a, b] = matrices(&kernel.attr);
        let (mut outer, mut inner) = (kernel.shape[..].to_vec(), vec![rank]);
        inner.extend(outer.pop());
        outer.push(rank);
        for (attr, shape, initializer) in [(a, outer, "he_uniform"), (b, inner, "zeros")] {
            let spec = WeightSpec::new(attr, shape, &initializer.into());
            cx.add_weight(base, spec.regularizer(&kernel.regularizer).dtype(DType::F32))?;
        }
        Ok(())
    }

    /// The matrices of the kernel of that name, in the compute type where `autocast`.
    fn read_matrices(&self, cx: &mut Call<'_>, base: &Base, attr: &str, autocast: bool) -> Result<[Value; 2]> {
        let [a, b] = matrices(attr);
        Ok(match autocast {
            true => [cx.weight(base, &a)?, cx.weight(base, &b)?],
            false => [cx.stored_weight(base, &a)?, cx.stored_weight(base, &b)?],
        })
    }

    /// The product of what `a` has made by `b`, as much of it as is added.
    fn times_b(&self, cx: &mut Call<'_>, made: Value, b: Value) -> Result<Value> {
        let product = match cx.g.dims(made).rank() {
            Some(2) => cx.g.matmul(made, b, false, false)?,
            _ => cx.g.batch_matmul(made, b, false, false)?,
        };
        let factor = cx.g.number(self.factor(), cx.g.dtype(product))?;
        Ok(cx.g.multiply(product, factor)?)
    }

    /// Adds to what a kernel in few bits has made of the inputs what the matrices make of them; `by` applies the kernel's
    /// operation with `a` in its place.
    pub(crate) fn beside(
        &self,
        cx: &mut Call<'_>,
        base: &Base,
        (attr, autocast): (&str, bool),
        y: Value,
        by: impl FnOnce(&mut Call<'_>, Value) -> Result<Value>,
    ) -> Result<Value> {
        if !self.is_enabled() {
            return Ok(y);
        }
        let [a, b] = self.read_matrices(cx, base, attr, autocast)?;
        let made = by(cx, a)?;
        let added = self.times_b(cx, made, b)?;
        let y = cx.g.cast(y, cx.g.dtype(added))?;
        let y = cx.g.add(y, added)?;
        Ok(cx.g.cast(y, base.policy().compute)?)
    }

    /// The shape of the kernel beside whose matrices this stands.
    pub(crate) fn shape(&self, base: &Base, attr: &str) -> Result<Vec<usize>> {
        let [a, b] = matrices(attr).map(|attr| base.variable(&attr));
        let (a, b) = (a.ok_or(Error::NotBuilt)?, b.ok_or(Error::NotBuilt)?);
        Ok(a.shape().iter().rev().skip(1).rev().chain(b.shape().last()).copied().collect())
    }

    /// The floats that a kernel in few bits stands for, with what the matrices add to them.
    pub(crate) fn floats(
        &self,
        base: &Base,
        attr: &str,
        kernel: impl FnOnce(&mut Call<'_>) -> Result<Value>,
    ) -> Result<Tensor> {
        let mut g = Graph::new();
        let cx = &mut Call::new(&mut g, false);
        let kernel = kernel(cx)?;
        let kernel = cx.g.cast(kernel, DType::F32)?;
        let [a, b] = self.read_matrices(cx, base, attr, false)?;
        let added = self.times_b(cx, a, b)?;
        let sum = cx.g.add(kernel, added)?;
        let mut executor = Executor::new(Plan::compile(&g, &[], &[], &[sum], &[])?);
        executor.run(&[])?;
        Ok(executor.output(0).tensor()?)
    }

    /// The kernel of that name with what the matrices add to it, in the compute type; summed in that type too where
    /// `autocast`, else in the types of the variables.
    pub(crate) fn kernel(&self, cx: &mut Call<'_>, base: &Base, attr: &str, autocast: bool) -> Result<Value> {
        if !self.is_enabled() {
            return cx.weight(base, attr);
        }
        let kernel = if autocast { cx.weight(base, attr)? } else { cx.stored_weight(base, attr)? };
        let [a, b] = self.read_matrices(cx, base, attr, autocast)?;
        let delta = self.times_b(cx, a, b)?;
        let wider = match cx.g.dtype(kernel) {
            DType::F64 => DType::F64,
            _ => cx.g.dtype(delta),
        };
        let (kernel, delta) = (cx.g.cast(kernel, wider)?, cx.g.cast(delta, wider)?);
        let sum = cx.g.add(kernel, delta)?;
        Ok(cx.g.cast(sum, base.policy().compute)?)
    }

    /// The weights as trees hold them: in the order in which they were made, without the matrices.
    pub fn kept(base: &Base) -> Vec<Weight> {
        base.weights().iter().filter(|weight| !weight.attr.starts_with("lora_")).cloned().collect()
    }

    /// The matrices of a layer that has been built.
    pub fn matrices(base: &Base) -> Vec<Variable> {
        let all = base.weights();
        all.iter().filter(|weight| weight.attr.starts_with("lora_")).map(|weight| weight.variable.clone()).collect()
    }

    /// The value of a weight as trees hold it: that of the kernel with what the matrices add to it, in its own type.
    ///
    /// # Errors
    /// [`Error::NotBuilt`].
    pub fn merged(&self, layer: &dyn Layer, weight: &Weight) -> Result<Tensor> {
        if let Some((_, value)) = layer.requantized()?.into_iter().find(|(attr, _)| *attr == weight.attr) {
            return Ok(value.cast(weight.variable.dtype())?);
        }
        let (base, value) = (layer.base(), weight.variable.value());
        let [a, b] = matrices(&weight.attr).map(|attr| base.variable(&attr));
        let (Some(a), Some(b)) = (a, b) else { return Ok(value) };
        let [a, b] = [a.value().cast(DType::F64)?, b.value().cast(DType::F64)?];
        let &[rank, last] = &b.shape()[..] else { return Ok(value) };
        if rank == 0 || last == 0 {
            return Ok(value);
        }
        let mut sum = value.cast(DType::F64)?.as_slice::<f64>()?.to_vec();
        let (a, b, factor) = (a.as_slice::<f64>()?, b.as_slice::<f64>()?, self.factor());
        for (row, weights) in sum.chunks_mut(last).zip(a.chunks(rank)) {
            for (weight, add) in weights.iter().zip(b.chunks(last)) {
                row.iter_mut().zip(add).for_each(|(sum, add)| *sum += factor * weight * add);
            }
        }
        Ok(Tensor::from_vec(sum, value.shape().clone())?.cast(value.dtype())?)
    }
}

/// Builder methods of layers whose kernel can be adapted by small matrices.
pub trait LoraOptions: Sized {
    /// Where the options are kept.
    fn lora_options(&mut self) -> &mut Lora;

    /// Freezes the kernel and trains two matrices of that rank instead, whose product is added to it.
    #[must_use]
    fn lora_rank(mut self, rank: usize) -> Self {
        self.lora_options().rank = (rank > 0).then_some(rank);
        self
    }

    /// The product of the matrices is multiplied by this over the rank; the rank by default.
    #[must_use]
    fn lora_alpha(mut self, alpha: f64) -> Self {
        self.lora_options().alpha = Some(alpha);
        self
    }
}

/// A model of new layers with the same weights, in which those that `adapts` tells train two matrices of that rank in the
/// place of their kernel; those of models inside it too, those inside other layers not. The model has to be built.
///
/// # Errors
/// [`crate::Error::Argument`] where a layer that `adapts` tells is of a class that cannot, was quantized by data or has such
/// matrices already; as [`clone_model_with`].
///
/// # Example
/// ```
/// use kerox_layers::{LayerExt, LayerRef, core::Dense, models::{self, Sequential}};
/// let model = Sequential::new().with(Dense::new(8).input_dim(8).name("wide")).with(Dense::new(2).name("scores"));
/// let model = models::enable_lora(&LayerRef::from(model), 2, |layer| layer.name() == "wide")?;
/// assert_eq!(model.trainable_weights().len(), 3 + 2);
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `enable_lora` of layers of Keras 3.
pub fn enable_lora(model: &LayerRef, rank: usize, adapts: impl Fn(&LayerRef) -> bool) -> Result<LayerRef> {
    adapted(model, rank, &adapts)
}

fn adapted(model: &LayerRef, rank: usize, adapts: &dyn Fn(&LayerRef) -> bool) -> Result<LayerRef> {
    let mut made: Vec<(LayerRef, LayerRef)> = Vec::new();
    let new = clone_model_with(model, |layer| {
        if layer.downcast::<Sequential>().is_some() || layer.downcast::<Functional>().is_some() {
            return adapted(layer, rank, adapts);
        }
        let mut object = Object::read(&Node::root(&registry::serialize(layer)?))?;
        let adapts = adapts(layer);
        if let (true, Json::Map(config)) = (adapts && layer.lora().is_none(), &mut object.config) {
            config.insert("lora_rank", rank);
        }
        let new = registry::deserialize_object(&object)?;
        if adapts && (layer.lora().is_some() || new.lora().is_none()) {
            let expected = "a positive rank, for layers whose kernel can be adapted and is not yet";
            return Err(argument_error(layer.base(), "lora_rank", expected, rank.to_string()));
        }
        made.push((layer.clone(), new.clone()));
        Ok(new)
    })?;
    for (old, new) in made {
        if old.lora().is_some() == new.lora().is_some() {
            new.set_weights(&old.get_weights())?;
            continue;
        }
        for weight in old.base().weights().iter() {
            if let Some(variable) = new.base().variable(&weight.attr) {
                variable.assign(weight.variable.value())?;
            }
        }
    }
    Ok(new)
}
