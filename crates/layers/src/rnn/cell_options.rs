//! What the three built-in cells are told, their weights and their steps.

use std::sync::OnceLock;

use kerox_config_json::{Config, Fields};
use kerox_graph::ops::{Recurrent, RecurrentKind};
use kerox_graph::{Generator, Value, ValueInfo};
use kerox_tensor::kernels::rnn::RnnActivation;

use super::cell::{CellMemory, Fused};
use super::forget_bias::ForgetBias;
use crate::call::input_error;
use crate::registry::argument_error;
use crate::weight_options::ConfigExt;
use crate::{
    Activation, Base, BiasOptions, Build, Call, Constraint, Initializer, KernelOptions, Layer, Regularizer, Result,
    WeightOptions,
};

/// The arguments of SimpleRNN, LSTM, GRU and their cells.
#[derive(Clone, Debug)]
pub struct CellOptions {
    /// Which recurrence.
    pub kind: RecurrentKind,
    /// Length of the state.
    pub units: usize,
    /// Of states and candidates; tanh by default.
    pub activation: Activation,
    /// Of gates; sigmoid by default.
    pub recurrent_activation: Activation,
    /// Whether there is a bias.
    pub use_bias: bool,
    /// The weights of the input.
    pub kernel: WeightOptions,
    /// The weights of the state.
    pub recurrent: WeightOptions,
    /// The bias.
    pub bias: WeightOptions,
    /// Whether the bias of an LSTM's forget gate begins with ones.
    pub unit_forget_bias: bool,
    /// What of the input is dropped, fraction in [0, 1].
    pub dropout: f64,
    /// What of the state is dropped, fraction in [0, 1].
    pub recurrent_dropout: f64,
    /// 1: each gate has dropout masks of its own; 2: all gates have one.
    pub implementation: i64,
    pub(super) generator: OnceLock<Generator>,
}

impl CellOptions {
    /// A cell of that kind with everything at Keras's defaults.
    pub fn new(kind: RecurrentKind, units: usize) -> CellOptions {
        CellOptions {
            kind,
            units,
            activation: "tanh".into(),
            recurrent_activation: "sigmoid".into(),
            use_bias: true,
            kernel: WeightOptions::new("glorot_uniform"),
            recurrent: WeightOptions::new("orthogonal"),
            bias: WeightOptions::new("zeros"),
            unit_forget_bias: true,
            dropout: 0.0,
            recurrent_dropout: 0.0,
            implementation: 2,
            generator: OnceLock::new(),
        }
    }

    /// Reads the arguments of a layer or cell.
    ///
    /// # Errors
    /// [`kerox_config_json::Error`] where one of them is of the wrong kind.
    pub fn read(kind: RecurrentKind, fields: &Fields<'_>) -> Result<CellOptions> {
        CellOptions::read_for(kind, fields.positive("units")?, fields)
    }

    /// Reads everything but the number of units.
    pub(super) fn read_for(kind: RecurrentKind, units: usize, fields: &Fields<'_>) -> Result<CellOptions> {
        let mut options = CellOptions::new(kind, units);
        if fields.present("activation").is_some() {
            options.activation = Activation::from_json(fields.get("activation"))?;
        }
        if kind != RecurrentKind::Simple {
            if fields.present("recurrent_activation").is_some() {
                options.recurrent_activation = Activation::from_json(fields.get("recurrent_activation"))?;
            }
            options.implementation = fields.int_or("implementation", 2)?;
        }
        options.use_bias = fields.bool_or("use_bias", true)?;
        options.kernel = WeightOptions::read(fields, "kernel", "glorot_uniform")?;
        options.recurrent = WeightOptions::read(fields, "recurrent", "orthogonal")?;
        options.bias = WeightOptions::read(fields, "bias", "zeros")?;
        if kind == RecurrentKind::Lstm {
            options.unit_forget_bias = fields.bool_or("unit_forget_bias", true)?;
        }
        if let RecurrentKind::Gru { reset_after } = &mut options.kind {
            *reset_after = fields.bool_or("reset_after", *reset_after)?;
        }
        options.dropout = fraction(fields.float_or("dropout", 0.0)?);
        options.recurrent_dropout = fraction(fields.float_or("recurrent_dropout", 0.0)?);
        Ok(options)
    }

    /// Writes the arguments; layers (not cells) have an `activity_regularizer` among them.
    ///
    /// # Errors
    /// Where an activation or initializer cannot be described by plain data.
    pub fn write(&self, config: Config, activity: Option<&Option<Regularizer>>) -> Result<Config> {
        let weights = [("kernel", &self.kernel), ("recurrent", &self.recurrent), ("bias", &self.bias)];
        let is_simple = self.kind == RecurrentKind::Simple;
        let mut config = config.with("units", self.units as i64).with("activation", self.activation.to_json()?);
        if !is_simple {
            config = config.with("recurrent_activation", self.recurrent_activation.to_json()?);
        }
        config = config.with("use_bias", self.use_bias).with_initializers(&weights)?;
        if self.kind == RecurrentKind::Lstm {
            config = config.with("unit_forget_bias", self.unit_forget_bias);
        }
        config = config.with_regularizers(&weights);
        if let Some(activity) = activity {
            config = config.with_activity_regularizer(activity);
        }
        config = config.with_constraints(&weights);
        config = config.with("dropout", self.dropout).with("recurrent_dropout", self.recurrent_dropout);
        if !is_simple {
            config = config.with("implementation", self.implementation);
        }
        if let RecurrentKind::Gru { reset_after } = self.kind {
            config = config.with("reset_after", reset_after);
        }
        Ok(config)
    }

    /// The shapes of the states.
    pub(super) fn state_shapes(&self) -> Vec<Vec<usize>> {
        vec![vec![self.units]; self.kind.states()]
    }

    /// Makes the weights for a step `[batch, features]`.
    pub(super) fn build(&self, layer: &dyn Layer, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        let base = layer.base();
        if self.units == 0 {
            return Err(argument_error(base, "units", "a positive integer", "0"));
        }
        let dims = inputs.first().map(|info| info.dims.clone()).unwrap_or_default();
        let features = match dims.axes() {
            Some([_, Some(features)]) => *features,
            _ => {
                let expected = "a step `[batch, features]` whose features are known".into();
                return Err(input_error(layer, expected, format!("shape {dims}")));
            }
        };
        let width = self.kind.gates() * self.units;
        cx.add_weight(base, self.kernel.spec("kernel", [features, width]))?;
        cx.add_weight(base, self.recurrent.spec("recurrent_kernel", [self.units, width]))?;
        if self.use_bias {
            let mut spec = match self.kind {
                RecurrentKind::Gru { reset_after: true } => self.bias.spec("bias", [2, width]),
                _ => self.bias.spec("bias", [width]),
            };
            if self.kind == RecurrentKind::Lstm && self.unit_forget_bias {
                spec.initializer = ForgetBias { others: self.bias.initializer.clone() }.into();
            }
            cx.add_weight(base, spec)?;
        }
        Ok(())
    }

    /// Adds one step.
    pub(super) fn step(
        &self,
        layer: &dyn Layer,
        cx: &mut Call<'_>,
        x: Value,
        states: &[Value],
        memory: &mut CellMemory,
    ) -> Result<(Value, Vec<Value>)> {
        let base = layer.base();
        let kernel = cx.weight(base, "kernel")?;
        let recurrent_kernel = cx.weight(base, "recurrent_kernel")?;
        let bias = if self.use_bias { Some(cx.weight(base, "bias")?) } else { None };
        let h = states[0];
        let gates = self.kind.gates();
        let count = if self.implementation == 1 && gates > 1 { gates } else { 1 };
        let x = self.dropped(layer, cx, (x, "input"), self.dropout, count, memory)?;
        let h_dropped = self.dropped(layer, cx, (h, "state"), self.recurrent_dropout, count, memory)?;
        let (units, n) = (self.units as i64, gates as i64);
        match self.kind {
            RecurrentKind::Simple => {
                let mut z = product(cx, &x, kernel, 1)?;
                if let Some(bias) = bias {
                    z = cx.g.bias_add(z, bias)?;
                }
                let recurrent = product(cx, &h_dropped, recurrent_kernel, 1)?;
                let z = cx.g.add(z, recurrent)?;
                let h = self.activation.apply(cx, z)?;
                Ok((h, vec![h]))
            }
            RecurrentKind::Lstm => {
                let z = product(cx, &x, kernel, n)?;
                let recurrent = product(cx, &h_dropped, recurrent_kernel, n)?;
                let mut z = cx.g.add(z, recurrent)?;
                if let Some(bias) = bias {
                    z = cx.g.bias_add(z, bias)?;
                }
                let parts = cx.g.split(z, 4, -1)?;
                let i = self.recurrent_activation.apply(cx, parts[0])?;
                let f = self.recurrent_activation.apply(cx, parts[1])?;
                let candidate = self.activation.apply(cx, parts[2])?;
                let o = self.recurrent_activation.apply(cx, parts[3])?;
                let (kept, new) = (cx.g.multiply(f, states[1])?, cx.g.multiply(i, candidate)?);
                let c = cx.g.add(kept, new)?;
                let active = self.activation.apply(cx, c)?;
                let h = cx.g.multiply(o, active)?;
                Ok((h, vec![h, c]))
            }
            RecurrentKind::Gru { reset_after } => {
                let biases = match bias {
                    Some(bias) if reset_after => cx.g.unstack(bias, 0)?,
                    bias => bias.into_iter().collect(),
                };
                let mut input = product(cx, &x, kernel, n)?;
                if let Some(&bias) = biases.first() {
                    input = cx.g.bias_add(input, bias)?;
                }
                let input = cx.g.split(input, 3, -1)?;
                let (z, r, candidate);
                if reset_after {
                    let mut inner = product(cx, &h_dropped, recurrent_kernel, n)?;
                    if let Some(&bias) = biases.get(1) {
                        inner = cx.g.bias_add(inner, bias)?;
                    }
                    let inner = cx.g.split(inner, 3, -1)?;
                    z = self.gate(cx, input[0], inner[0])?;
                    r = self.gate(cx, input[1], inner[1])?;
                    candidate = cx.g.multiply(r, inner[2])?;
                } else {
                    let columns = cx.g.split_sizes(recurrent_kernel, &[2 * units, units], -1)?;
                    let of_gates = &h_dropped[..h_dropped.len().min(2)];
                    let inner = product(cx, of_gates, columns[0], 2)?;
                    let inner = cx.g.split(inner, 2, -1)?;
                    z = self.gate(cx, input[0], inner[0])?;
                    r = self.gate(cx, input[1], inner[1])?;
                    let h = h_dropped.last().copied().unwrap_or(h);
                    let reset = cx.g.multiply(r, h)?;
                    candidate = cx.g.matmul(reset, columns[1], false, false)?;
                }
                let candidate = cx.g.add(input[2], candidate)?;
                let candidate = self.activation.apply(cx, candidate)?;
                let kept = cx.g.multiply(z, h)?;
                let one = cx.g.number(1.0, cx.g.dtype(z))?;
                let open = cx.g.subtract(one, z)?;
                let taken = cx.g.multiply(open, candidate)?;
                let h = cx.g.add(kept, taken)?;
                Ok((h, vec![h]))
            }
        }
    }

    fn gate(&self, cx: &mut Call<'_>, a: Value, b: Value) -> Result<Value> {
        let sum = cx.g.add(a, b)?;
        self.recurrent_activation.apply(cx, sum)
    }

    /// The value, or one value a gate, with parts dropped while training.
    pub(super) fn dropped(
        &self,
        layer: &dyn Layer,
        cx: &mut Call<'_>,
        (x, what): (Value, &'static str),
        rate: f64,
        count: usize,
        memory: &mut CellMemory,
    ) -> Result<Vec<Value>> {
        let rate = self.effective(rate);
        if !cx.training || rate == 0.0 {
            return Ok(vec![x]);
        }
        if rate == 1.0 {
            return Ok(vec![cx.g.zeros_like(x)?]);
        }
        let masks = memory.dropout_masks(cx, (layer, what), (x, rate, count), self.generator())?;
        masks.into_iter().map(|mask| Ok(cx.g.multiply(x, mask)?)).collect()
    }

    /// What of a rate takes effect: in Keras 3 cells with gates drop nothing at a rate of 1.
    fn effective(&self, rate: f64) -> f64 {
        if rate == 1.0 && self.kind != RecurrentKind::Simple { 0.0 } else { rate }
    }

    fn generator(&self) -> &Generator {
        self.generator.get_or_init(|| Generator::new(crate::random::next_seed()))
    }

    /// All steps in one operation, where it knows the activations and nothing of the state is dropped.
    pub(super) fn fused(
        &self,
        layer: &dyn Layer,
        cx: &mut Call<'_>,
        call: &Fused<'_>,
    ) -> Result<Option<(Value, Vec<Value>)>> {
        let base = layer.base();
        let activations = (known(&self.activation), known(&self.recurrent_activation));
        let (Some(activation), Some(recurrent_activation)) = activations else { return Ok(None) };
        if cx.training && self.effective(self.recurrent_dropout) > 0.0 {
            return Ok(None);
        }
        let mut x = call.x;
        let rate = self.effective(self.dropout);
        if cx.training && rate == 1.0 {
            x = cx.g.zeros_like(x)?;
        } else if cx.training && rate > 0.0 {
            // One mask for all steps of a sequence.
            let axes = cx.g.dims(x).axes().map(<[_]>::to_vec).unwrap_or_default();
            let noise = [None, Some(1), axes.get(2).copied().flatten()];
            x = cx.g.dropout(x, rate, Some(&noise), self.generator())?;
        }
        let mut weights = vec![cx.weight(base, "kernel")?, cx.weight(base, "recurrent_kernel")?];
        if self.use_bias {
            weights.push(cx.weight(base, "bias")?);
        }
        let op = Recurrent::new(self.kind, activation, recurrent_activation);
        Ok(Some(cx.g.recurrent(op, x, &weights, call.mask, call.initial)?))
    }
}

/// What a rate is taken for: Keras moves it into [0, 1].
fn fraction(rate: f64) -> f64 {
    if rate > 0.0 { rate.min(1.0) } else { 0.0 }
}

/// `x kernel`, with an `x` of its own for each block of columns where there are several.
fn product(cx: &mut Call<'_>, x: &[Value], kernel: Value, blocks: i64) -> Result<Value> {
    if let [x] = x {
        return Ok(cx.g.matmul(*x, kernel, false, false)?);
    }
    let kernels = cx.g.split(kernel, blocks as usize, -1)?;
    let parts: Vec<Value> =
        x.iter().zip(kernels).map(|(&x, kernel)| cx.g.matmul(x, kernel, false, false)).collect::<Result<_, _>>()?;
    Ok(cx.g.concat(&parts, -1)?)
}

/// The activation as the kernels know it.
fn known(activation: &Activation) -> Option<RnnActivation> {
    Some(match activation {
        Activation::Linear => RnnActivation::Linear,
        Activation::Named(name) => match name.as_str() {
            "linear" => RnnActivation::Linear,
            "tanh" => RnnActivation::Tanh,
            "sigmoid" => RnnActivation::Sigmoid,
            "hard_sigmoid" => RnnActivation::HardSigmoid,
            "relu" => RnnActivation::Relu,
            "elu" => RnnActivation::Elu(1.0),
            "softplus" => RnnActivation::Softplus,
            "softsign" => RnnActivation::Softsign,
            "exponential" => RnnActivation::Exponential,
            _ => return None,
        },
        _ => return None,
    })
}

/// The builder methods of SimpleRNN, LSTM, GRU and their cells.
pub trait RecurrentOptions: Sized {
    /// Where the options are kept.
    fn cell_options(&mut self) -> &mut CellOptions;

    /// Of states and candidates; tanh by default.
    #[must_use]
    fn activation(mut self, activation: impl Into<Activation>) -> Self {
        self.cell_options().activation = activation.into();
        self
    }

    /// Of gates; sigmoid by default. SimpleRNN has none.
    #[must_use]
    fn recurrent_activation(mut self, activation: impl Into<Activation>) -> Self {
        self.cell_options().recurrent_activation = activation.into();
        self
    }

    /// Whether there is a bias; true by default.
    #[must_use]
    fn use_bias(mut self, use_bias: bool) -> Self {
        self.cell_options().use_bias = use_bias;
        self
    }

    /// The first value of the recurrent kernel; orthogonal by default.
    #[must_use]
    fn recurrent_initializer(mut self, initializer: impl Into<Initializer>) -> Self {
        self.cell_options().recurrent.initializer = initializer.into();
        self
    }

    /// What the size of the recurrent kernel adds to the loss.
    #[must_use]
    fn recurrent_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Self {
        self.cell_options().recurrent.regularizer = Some(regularizer.into());
        self
    }

    /// What is done to the recurrent kernel after each update.
    #[must_use]
    fn recurrent_constraint(mut self, constraint: impl Into<Constraint>) -> Self {
        self.cell_options().recurrent.constraint = Some(constraint.into());
        self
    }

    /// What of the input is dropped while training, taken for a fraction in [0, 1]; 0 by default. As in Keras 3 a
    /// `SimpleRNN` drops everything at 1, layers with gates nothing.
    #[must_use]
    fn dropout(mut self, rate: f64) -> Self {
        self.cell_options().dropout = fraction(rate);
        self
    }

    /// What of the state is dropped while training, as of the input; 0 by default. The layer is then computed step by
    /// step.
    #[must_use]
    fn recurrent_dropout(mut self, rate: f64) -> Self {
        self.cell_options().recurrent_dropout = fraction(rate);
        self
    }

    /// 1: each gate has dropout masks of its own; 2, the default: all gates have one.
    #[must_use]
    fn implementation(mut self, implementation: i64) -> Self {
        self.cell_options().implementation = implementation;
        self
    }

    /// Whether the bias of an LSTM's forget gate begins with ones; true by default.
    #[must_use]
    fn unit_forget_bias(mut self, unit_forget_bias: bool) -> Self {
        self.cell_options().unit_forget_bias = unit_forget_bias;
        self
    }

    /// Whether a GRU's reset gate acts after the matrix product; true by default.
    #[must_use]
    fn reset_after(mut self, reset_after: bool) -> Self {
        if let RecurrentKind::Gru { reset_after: kept } = &mut self.cell_options().kind {
            *kept = reset_after;
        }
        self
    }
}

impl<L: RecurrentOptions> KernelOptions for L {
    fn kernel_options(&mut self) -> &mut WeightOptions {
        &mut self.cell_options().kernel
    }
}

impl<L: RecurrentOptions> BiasOptions for L {
    fn bias_options(&mut self) -> &mut WeightOptions {
        &mut self.cell_options().bias
    }
}

/// The parts of the state an options struct keeps beside what is configured.
impl CellOptions {
    /// What a base of the cell inside a layer begins with: Keras's fixed name, the layer's types.
    pub(super) fn cell_base(class_name: &'static str, name: &str, layer: &Base) -> Base {
        let mut base = Base::new(class_name);
        base.set_name(name);
        base.set_policy(layer.policy().clone());
        base.set_trainable(layer.trainable());
        base
    }
}
