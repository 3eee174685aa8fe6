//! What a recurrent cell is.

use kerox_graph::{Dims, Generator, Value, ValueInfo};

use crate::call::input_error;
use crate::{Arg, Args, Call, Layer, Result};

/// What lasts from step to step of one call: dropout masks, and the constants that were passed to the layer.
#[derive(Debug, Default)]
pub struct CellMemory {
    /// What was passed as `constants`.
    pub constants: Vec<Value>,
    masks: Vec<((usize, &'static str), Vec<Value>)>,
}

impl CellMemory {
    /// Dropout masks for values like `like`: `count` of them, made at the first step and the same at all others.
    ///
    /// `cell` and `what` tell the masks of different cells and uses apart.
    ///
    /// # Errors
    /// Where the rate is outside [0, 1).
    pub fn dropout_masks(
        &mut self,
        cx: &mut Call<'_>,
        (cell, what): (&dyn Layer, &'static str),
        (like, rate, count): (Value, f64, usize),
        generator: &Generator,
    ) -> Result<Vec<Value>> {
        let key = (std::ptr::from_ref(cell.base()) as usize, what);
        if let Some((_, masks)) = self.masks.iter().find(|(known, _)| *known == key) {
            return Ok(masks.clone());
        }
        let ones = cx.g.ones_like(like)?;
        let masks: Vec<Value> =
            (0..count).map(|_| cx.g.dropout(ones, rate, None, generator)).collect::<Result<_, _>>()?;
        self.masks.push((key, masks.clone()));
        Ok(masks)
    }

    /// All values.
    pub(super) fn values(&self) -> impl Iterator<Item = Value> + '_ {
        self.constants.iter().chain(self.masks.iter().flat_map(|(_, masks)| masks)).copied()
    }

    /// The same with other values, in the order of [`CellMemory::values`].
    pub(super) fn with_values(&self, values: &[Value]) -> CellMemory {
        let mut rest = values.iter().copied();
        let mut take = |old: &[Value]| rest.by_ref().take(old.len()).collect::<Vec<Value>>();
        let constants = take(&self.constants);
        CellMemory { constants, masks: self.masks.iter().map(|(key, masks)| (*key, take(masks))).collect() }
    }
}

/// A layer that computes one step of a recurrence. A layer of one's own that implements this and
/// [`Layer::as_cell`] goes into an [`RNN`](super::RNN) as Keras's `AbstractRNNCell` does.
///
/// As a layer it takes the input of a step and a list of states, and gives the output and the new states.
///
/// # Source
/// `keras.layers.AbstractRNNCell`.
pub trait Cell: Layer {
    /// The shapes of the states, without the batch, for inputs of this type and shape.
    fn state_shapes(&self, input: &ValueInfo) -> Vec<Vec<usize>>;

    /// The shape of the output without the batch; that of the first state unless overridden.
    fn output_shape(&self, input: &ValueInfo) -> Vec<usize> {
        self.state_shapes(input).into_iter().next().unwrap_or_default()
    }

    /// Adds one step: output and new states.
    ///
    /// # Errors
    /// Where input and states do not fit.
    fn step(
        &self,
        cx: &mut Call<'_>,
        x: Value,
        states: &[Value],
        memory: &mut CellMemory,
    ) -> Result<(Value, Vec<Value>)>;

    /// The steps of a whole sequence at once, where there is an operation for that; see `Fused`.
    ///
    /// # Errors
    /// Where input and states do not fit.
    fn fused(&self, _cx: &mut Call<'_>, _call: &Fused<'_>) -> Result<Option<(Value, Vec<Value>)>> {
        Ok(None)
    }
}

/// What a cell computes at once: a sequence `[batch, steps, features]`, a mask `[batch, steps]`, initial states (none
/// stand for zeros). The result is the sequence of outputs and the last states.
#[derive(Debug)]
pub struct Fused<'a> {
    /// The inputs of all steps.
    pub x: Value,
    /// Which steps count.
    pub mask: Option<Value>,
    /// States before the first step; empty for zeros.
    pub initial: &'a [Value],
}

/// Calls a cell as a layer: `call(inputs, states)`.
pub(super) fn call_cell<C: Cell>(cell: &C, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
    let layer: &dyn Layer = cell;
    let found = |args: &Args<Value>| format!("{} tensors", args.tensors().len());
    let (x, mut states) = match args.first()[..] {
        [] => return Err(input_error(layer, "an input and its states".into(), found(args))),
        [&x, ref states @ ..] => (x, states.iter().map(|&&v| v).collect::<Vec<Value>>()),
    };
    if let Some(more) = args.get(1, "states") {
        states.extend(more.tensors().into_iter().copied());
    }
    let info = cx.g.info(x).clone();
    let shapes = cell.state_shapes(&info);
    if shapes.len() != states.len() {
        return Err(input_error(layer, format!("{} states", shapes.len()), format!("{}", states.len())));
    }
    check_states(layer, cx, &shapes, &states)?;
    let mut memory = CellMemory::default();
    if let Some(constants) = args.kwarg("constants").map(Arg::tensors) {
        memory.constants = constants.into_iter().copied().collect();
    }
    let (output, states) = cell.step(cx, x, &states, &mut memory)?;
    Ok(std::iter::once(output).chain(states).collect())
}

/// Checks the shapes of states.
pub(super) fn check_states(layer: &dyn Layer, cx: &Call<'_>, shapes: &[Vec<usize>], states: &[Value]) -> Result<()> {
    for (shape, &state) in shapes.iter().zip(states) {
        let expected: Dims = std::iter::once(None).chain(shape.iter().map(|&d| Some(d))).collect();
        let found = cx.g.dims(state);
        if expected.merge(found).is_none() {
            return Err(input_error(layer, format!("a state of shape {expected}"), format!("shape {found}")));
        }
    }
    Ok(())
}
