//! What a layer has at hand while it is built and called.

use std::collections::HashMap;

use kerox_graph::{Graph, Value, ValueInfo};
use kerox_tensor::{DType, Shape, Variable};

use crate::array::Array;
use crate::op_lambda::OpLambda;
use crate::{Arg, Args, Base, Constraint, Error, Initializer, Layer, LayerRef, Regularizer, Result, Weight};

/// How a weight is to be made.
#[derive(Clone, Debug)]
pub struct WeightSpec {
    /// Attribute and last part of the variable's name.
    pub attr: String,
    /// The variable's name within the layer, where it differs from the attribute.
    pub name: Option<String>,
    /// The lengths of the axes.
    pub shape: Shape,
    /// Its first value.
    pub initializer: Initializer,
    /// What its size adds to the loss.
    pub regularizer: Option<Regularizer>,
    /// What is done to it after each update.
    pub constraint: Option<Constraint>,
    /// Whether it is trained.
    pub trainable: bool,
    /// Its type, where it is not the policy's.
    pub dtype: Option<DType>,
}

impl WeightSpec {
    /// A trainable weight.
    pub fn new(attr: impl Into<String>, shape: impl Into<Shape>, initializer: &Initializer) -> WeightSpec {
        WeightSpec {
            attr: attr.into(),
            name: None,
            shape: shape.into(),
            initializer: initializer.clone(),
            regularizer: None,
            constraint: None,
            trainable: true,
            dtype: None,
        }
    }

    /// Another name for the variable than the attribute.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> WeightSpec {
        self.name = Some(name.into());
        self
    }

    /// What its size adds to the loss.
    #[must_use]
    pub fn regularizer(mut self, regularizer: &Option<Regularizer>) -> WeightSpec {
        self.regularizer.clone_from(regularizer);
        self
    }

    /// What is done to it after each update.
    #[must_use]
    pub fn constraint(mut self, constraint: &Option<Constraint>) -> WeightSpec {
        self.constraint.clone_from(constraint);
        self
    }

    /// A weight that is not trained.
    #[must_use]
    pub fn non_trainable(mut self) -> WeightSpec {
        self.trainable = false;
        self
    }

    /// Its type, where it is not the policy's.
    #[must_use]
    pub fn dtype(mut self, dtype: DType) -> WeightSpec {
        self.dtype = Some(dtype);
        self
    }
}

/// What a layer has at hand while it makes its weights.
#[derive(Debug, Default)]
pub struct Build {
    scopes: Vec<String>,
}

impl Build {
    /// Outside any layer.
    pub fn new() -> Build {
        Build::default()
    }

    /// Makes a weight of that layer and keeps it there.
    ///
    /// # Errors
    /// [`Error::Argument`] where the initializer cannot make that shape, [`kerox_tensor::Error::TooLarge`].
    pub fn add_weight(&mut self, base: &Base, spec: WeightSpec) -> Result<Variable> {
        let dtype = spec.dtype.unwrap_or(base.policy().variable);
        crate::limit::take(spec.shape.checked_elements()?).map_err(|left| Error::Argument {
            layer: base.name().into(),
            class_name: base.class_name().into(),
            argument: format!("shape of `{}`", spec.attr),
            expected: format!("at most {left} elements, all that is left of what a model from this source may have"),
            found: spec.shape.to_string(),
        })?;
        let zeros = crate::deferred::zeros(&spec.shape, dtype);
        let value = match &zeros {
            Some(zeros) => zeros.clone(),
            None => spec.initializer.sample(&spec.shape, dtype).map_err(|error| Error::Argument {
                layer: base.name().into(),
                class_name: base.class_name().into(),
                argument: format!("{} of `{}`", spec.initializer.class_name(), spec.attr),
                expected: format!("a {dtype} value of shape {}", spec.shape),
                found: error.to_string(),
            })?,
        };
        let name = self.full_name(spec.name.as_ref().unwrap_or(&spec.attr));
        let variable = Variable::new(name, value, spec.trainable);
        if let Some(zeros) = zeros {
            crate::deferred::wait(&variable, zeros, &spec.initializer);
        }
        base.push_weight(Weight {
            attr: spec.attr,
            variable: variable.clone(),
            trainable: spec.trainable,
            regularizer: spec.regularizer,
            constraint: spec.constraint,
        });
        Ok(variable)
    }

    /// The name of a variable made here: with the names of the layers around it.
    pub fn full_name(&self, name: &str) -> String {
        let mut full = self.scopes.join("/");
        if !full.is_empty() {
            full.push('/');
        }
        full.push_str(name);
        full
    }

    /// Builds a layer inside the present one, if that has not happened yet.
    ///
    /// # Errors
    /// Those of the layer.
    pub fn build(&mut self, layer: &LayerRef, inputs: &[ValueInfo]) -> Result<()> {
        if layer.base().built().is_some() {
            return Ok(());
        }
        let is_scope = layer.is_name_scope();
        if is_scope {
            self.scopes.push(layer.name().to_string());
        }
        let result = layer.build(self, inputs);
        if is_scope {
            self.scopes.pop();
        }
        result?;
        layer.base().set_built(inputs.iter().map(|info| info.dims.clone()).collect());
        Ok(())
    }

    /// Builds a layer inside the present one without adding its name to those of its variables.
    ///
    /// # Errors
    /// Those of the layer.
    pub fn build_unscoped(&mut self, layer: &LayerRef, inputs: &[ValueInfo]) -> Result<()> {
        if layer.base().built().is_some() {
            return Ok(());
        }
        layer.build(self, inputs)?;
        layer.base().set_built(inputs.iter().map(|info| info.dims.clone()).collect());
        Ok(())
    }

    /// Runs `body` with another part added to the names of variables.
    pub fn scoped<T>(&mut self, scope: &str, body: impl FnOnce(&mut Build) -> T) -> T {
        self.scopes.push(scope.to_string());
        let result = body(self);
        self.scopes.pop();
        result
    }
}

/// What a layer has at hand while it is called.
pub struct Call<'g> {
    /// The graph to add to.
    pub g: &'g mut Graph,
    /// Whether the graph is one for training: dropout drops, batch normalization takes the batch's statistics.
    pub training: bool,
    /// What layers add to the loss: scalars.
    pub losses: Vec<Value>,
    /// What layers report as metrics: names and values, whose mean is taken.
    pub metrics: Vec<(String, Value)>,
    build: Build,
    masks: HashMap<Value, Value>,
    logits: HashMap<Value, Value>,
    values: HashMap<u64, Value>,
    depth: usize,
    loops: bool,
    records: Option<Vec<CallRecord>>,
}

/// With what a layer was called.
#[derive(Clone, Debug, PartialEq)]
pub struct CallRecord {
    /// The layer.
    pub layer: LayerRef,
    /// The arguments: types and shapes of tensors.
    pub args: Args<ValueInfo>,
    /// Type and shape of the mask that came with each tensor of the first argument.
    pub masks: Vec<Option<ValueInfo>>,
}

/// Layers inside layers beyond this depth are taken for a cycle.
const MAX_DEPTH: usize = 256;

impl<'g> Call<'g> {
    /// A call that adds to `g`.
    pub fn new(g: &'g mut Graph, training: bool) -> Call<'g> {
        Call {
            g,
            training,
            losses: Vec::new(),
            metrics: Vec::new(),
            build: Build::new(),
            masks: HashMap::new(),
            logits: HashMap::new(),
            values: HashMap::new(),
            depth: 0,
            loops: false,
            records: None,
        }
    }

    /// Adds recurrences that no operation computes at once as loops, which hold for any number of steps: the form for
    /// files. Loops have no gradient here; without this the steps are added one by one where their number is known.
    pub fn keep_loops(&mut self) {
        self.loops = true;
    }

    pub(crate) fn keeps_loops(&self) -> bool {
        self.loops
    }

    /// Runs `body` with a graph of its own, that of a function, in which variables may have the given values by id.
    pub(crate) fn in_graph<T>(
        &mut self,
        g: &mut Graph,
        values: HashMap<u64, Value>,
        body: impl FnOnce(&mut Call<'_>) -> T,
    ) -> T {
        let mut inner = Call::new(g, self.training);
        (inner.values, inner.depth, inner.loops) = (values, self.depth, self.loops);
        std::mem::swap(&mut inner.build, &mut self.build);
        let result = body(&mut inner);
        self.build = inner.build;
        result
    }

    /// The values that stand in the place of variables', by id.
    pub(crate) fn replaced(&self) -> Vec<(u64, Value)> {
        let mut all: Vec<(u64, Value)> = self.values.iter().map(|(&id, &value)| (id, value)).collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        all
    }

    /// Notes with what every layer is called, for [`Call::records`].
    pub fn record(&mut self) {
        self.records = Some(Vec::new());
    }

    /// With what layers were called since [`Call::record`], in the order of the calls and each only once.
    pub fn records(&self) -> &[CallRecord] {
        self.records.as_deref().unwrap_or_default()
    }

    fn note(&mut self, layer: &LayerRef, args: &Args<Value>) {
        if self.records.is_none() {
            return;
        }
        let info = |value: Value| {
            let info = self.g.info(value);
            ValueInfo::new(info.dtype, info.dims.clone())
        };
        let args_info = args.try_map(|&value| Ok::<_, std::convert::Infallible>(info(value)));
        let masks = args.first().into_iter().map(|value| self.masks.get(value).map(|&mask| info(mask))).collect();
        if let (Ok(args), Some(records)) = (args_info, &mut self.records) {
            let record = CallRecord { layer: layer.clone(), args, masks };
            if !records.contains(&record) {
                records.push(record);
            }
        }
    }

    /// Applies a layer: builds it where needed, casts the inputs to its compute type, calls it, hands on masks and
    /// collects activity regularization.
    ///
    /// # Errors
    /// Those of the layer, with its name.
    pub fn apply(&mut self, layer: &LayerRef, args: &Args<Value>) -> Result<Vec<Value>> {
        if self.depth >= MAX_DEPTH {
            return Err(input_error(&**layer, format!("at most {MAX_DEPTH} nested layers"), "more".into()));
        }
        self.note(layer, args);
        let args = match has_arrays(args) && layer.downcast::<OpLambda>().is_none() {
            true => &self.arrays_as_tensors(args)?,
            false => args,
        };
        let args = self.autocast(layer, args)?;
        if layer.base().built().is_none() {
            let inputs: Vec<ValueInfo> = args.first().into_iter().map(|&v| self.g.info(v).clone()).collect();
            self.build.build(layer, &inputs).map_err(|e| named(&**layer, e))?;
        }
        self.depth += 1;
        let is_scope = layer.is_name_scope();
        if is_scope {
            self.build.scopes.push(layer.name().to_string());
        }
        let hidden = self.take_masks_from(&args);
        let was_training = self.training;
        if let Some(Arg::Const(kerox_config_json::Value::Bool(training))) = args.kwarg("training") {
            self.training = *training;
        }
        let outputs = self.in_scope(layer, &args);
        self.training = was_training;
        if is_scope {
            self.build.scopes.pop();
        }
        self.depth -= 1;
        let outputs = match outputs {
            Ok(outputs) => outputs,
            Err(error) => return Err(named(&**layer, error)),
        };
        if layer.supports_masking() && !layer.computes_masks() {
            let mask = args.first().into_iter().find_map(|v| self.masks.get(v).copied());
            if let Some(mask) = mask {
                for &output in &outputs {
                    self.masks.entry(output).or_insert(mask);
                }
            }
        }
        // A mask given for this call alone goes no further than to its outputs.
        for (value, mask) in hidden {
            if !outputs.contains(&value) {
                self.set_mask(value, mask);
            }
        }
        if let Some(regularizer) = layer.activity_regularizer() {
            for &output in &outputs {
                let penalty = regularizer.penalty(self.g, output)?;
                let loss = self.divide_by_batch(penalty, output)?;
                self.losses.push(loss);
            }
        }
        Ok(outputs)
    }

    /// Applies a layer to one value and gives its only (or first) output.
    ///
    /// # Errors
    /// As [`Call::apply`].
    pub fn apply_one(&mut self, layer: &LayerRef, input: Value) -> Result<Value> {
        Ok(self.apply(layer, &Args::one(input))?[0])
    }

    /// Attaches the masks of a `mask` argument to the inputs; gives the masks these had before.
    fn take_masks_from(&mut self, args: &Args<Value>) -> Vec<(Value, Option<Value>)> {
        let Some(arg) = args.kwarg("mask") else { return Vec::new() };
        let masks: Vec<Option<Value>> = match arg {
            Arg::Tensor(mask) => vec![Some(*mask)],
            Arg::List(list) => list.iter().map(|arg| arg.tensors().first().map(|&&mask| mask)).collect(),
            _ => return Vec::new(),
        };
        let inputs: Vec<Value> = args.first().into_iter().copied().collect();
        let pairs = inputs.into_iter().zip(masks);
        pairs
            .map(|(input, mask)| {
                let before = self.mask(input);
                self.set_mask(input, mask);
                (input, before)
            })
            .collect()
    }

    fn in_scope(&mut self, layer: &LayerRef, args: &Args<Value>) -> Result<Vec<Value>> {
        // `Graph::scoped` lends the graph alone; the scope is entered and left by hand to lend all of `self`.
        self.g.enter_scope(layer.name());
        let outputs = (**layer).call(self, args);
        self.g.leave_scope();
        outputs
    }

    fn autocast(&mut self, layer: &LayerRef, args: &Args<Value>) -> Result<Args<Value>> {
        let compute = layer.base().policy().compute;
        if compute == DType::Variant {
            let found = layer.base().policy().name.clone();
            return Err(Error::Argument {
                layer: layer.name().into(),
                class_name: layer.class_name().into(),
                argument: "dtype".into(),
                expected: "the name of a type or policy".into(),
                found: format!("`{found}`"),
            });
        }
        if !layer.autocast() || layer.is_model() || !compute.is_float() {
            return Ok(args.clone());
        }
        args.try_map(|&v| {
            let dtype = self.g.dtype(v);
            let is_cast = dtype.is_float() || layer.casts_integers() && dtype.is_integer();
            if !is_cast || dtype == compute {
                return Ok(v);
            }
            let cast = self.g.cast(v, compute)?;
            if let Some(&mask) = self.masks.get(&v) {
                self.masks.insert(cast, mask);
            }
            Ok(cast)
        })
    }

    /// The arguments with arrays of the configuration as tensors.
    fn arrays_as_tensors(&mut self, args: &Args<Value>) -> Result<Args<Value>> {
        let mut result = args.clone();
        for arg in result.args.iter_mut().chain(result.kwargs.iter_mut().map(|(_, arg)| arg)) {
            self.array_as_tensor(arg)?;
        }
        Ok(result)
    }

    fn array_as_tensor(&mut self, arg: &mut Arg<Value>) -> Result<()> {
        match arg {
            Arg::Const(json) => {
                if let Some(tensor) = Array::of(json).and_then(|array| array.tensor()) {
                    *arg = Arg::Tensor(self.g.constant(tensor)?);
                }
            }
            Arg::List(items) => {
                for item in items {
                    self.array_as_tensor(item)?;
                }
            }
            Arg::Map(entries) => {
                for (_, item) in entries {
                    self.array_as_tensor(item)?;
                }
            }
            Arg::Tensor(_) | Arg::None => {}
        }
        Ok(())
    }

    /// The sum of something over the batch, made a mean over it.
    fn divide_by_batch(&mut self, sum: Value, of: Value) -> Result<Value> {
        let shape = self.g.shape_of(of)?;
        let first = self.g.slice(shape, &[0], &[1])?;
        let batch = self.g.reshape(first, &[])?;
        let batch = self.g.cast(batch, self.g.dtype(sum))?;
        Ok(self.g.divide(sum, batch)?)
    }

    /// The value of a layer's weight, in the policy's compute type.
    ///
    /// # Errors
    /// [`Error::NotBuilt`] where there is no such weight.
    pub fn weight(&mut self, base: &Base, attr: &str) -> Result<Value> {
        let variable = base.variable(attr).ok_or(Error::NotBuilt)?;
        self.variable(base, &variable)
    }

    /// The value of a variable, in the policy's compute type.
    ///
    /// # Errors
    /// None at present.
    pub fn variable(&mut self, base: &Base, variable: &Variable) -> Result<Value> {
        let value = self.stored(variable)?;
        let compute = base.policy().compute;
        let cast = variable.dtype().is_float() && compute.is_float() && variable.dtype() != compute;
        Ok(if cast { self.g.cast(value, compute)? } else { value })
    }

    /// The value of a variable of the layer, in its own type.
    pub(crate) fn stored_weight(&mut self, base: &Base, attr: &str) -> Result<Value> {
        let variable = base.variable(attr).ok_or(Error::NotBuilt)?;
        self.stored(&variable)
    }

    fn stored(&mut self, variable: &Variable) -> Result<Value> {
        match self.values.get(&variable.id()) {
            Some(&value) => Ok(value),
            None => Ok(self.g.read(variable)?),
        }
    }

    /// Runs `body` with another value in the place of a variable's, for layers that change the weights of others.
    pub fn with_value<T>(&mut self, variable: &Variable, value: Value, body: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.values.insert(variable.id(), value);
        let result = body(self);
        match before {
            Some(before) => self.values.insert(variable.id(), before),
            None => self.values.remove(&variable.id()),
        };
        result
    }

    /// The mask that came with a value: bools, true where the value counts.
    pub fn mask(&self, value: Value) -> Option<Value> {
        self.masks.get(&value).copied()
    }

    /// Attaches a mask to a value.
    pub fn set_mask(&mut self, value: Value, mask: Option<Value>) {
        match mask {
            Some(mask) => self.masks.insert(value, mask),
            None => self.masks.remove(&value),
        };
    }

    /// What a value was before its softmax or sigmoid, if it came straight from one. Keras's cross entropies take it for
    /// their logits, whichever of the two it was.
    ///
    /// # Source
    /// Keras: `output._keras_logits`.
    pub fn logits(&self, value: Value) -> Option<Value> {
        self.logits.get(&value).copied()
    }

    /// Remembers what a value was before its softmax or sigmoid.
    pub fn set_logits(&mut self, value: Value, logits: Value) {
        self.logits.insert(value, logits);
    }

    /// Adds a scalar to the loss: Keras's `add_loss`.
    pub fn add_loss(&mut self, loss: Value) {
        self.losses.push(loss);
    }

    /// Reports the mean of a value over an epoch as a metric: Keras's `add_metric`.
    pub fn add_metric(&mut self, name: impl Into<String>, value: Value) {
        self.metrics.push((name.into(), value));
    }

    /// Builds layers from inside `call`, for layers that learn only there what their inputs are.
    ///
    /// # Errors
    /// Those of the layer.
    pub fn build(&mut self, layer: &LayerRef, inputs: &[ValueInfo]) -> Result<()> {
        self.build.build(layer, inputs)
    }
}

/// The error of a layer that was given something it does not take.
pub(crate) fn input_error(layer: &dyn Layer, expected: String, found: String) -> Error {
    Error::Input { layer: layer.name().into(), class_name: layer.class_name().into(), expected, found }
}

/// Puts the layer's name to an error of an operation.
fn named(layer: &dyn Layer, error: Error) -> Error {
    match error {
        Error::Operation(source) => {
            Error::Graph { layer: layer.name().into(), class_name: layer.class_name().into(), source }
        }
        other => other,
    }
}

/// Whether a configuration gives arrays among the arguments.
fn has_arrays(args: &Args<Value>) -> bool {
    fn has(arg: &Arg<Value>) -> bool {
        match arg {
            Arg::Const(json) => Array::of(json).is_some(),
            Arg::List(items) => items.iter().any(has),
            Arg::Map(entries) => entries.iter().any(|(_, item)| has(item)),
            Arg::Tensor(_) | Arg::None => false,
        }
    }
    args.args.iter().chain(args.kwargs.iter().map(|(_, arg)| arg)).any(has)
}
