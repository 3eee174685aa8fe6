//! A loop over the steps of sequences, in TensorFlow's form.
//!
//! ```text
//! sequences [steps, ...] -> lists
//! While: (round, rounds, carried..., sequences..., constants..., outputs?)
//! outputs, a list -> a sequence [steps, ...]
//! ```
//!
//! The first two values of the loop are those by which TensorFlow finds out how often it ran, for its gradient.

use std::sync::Arc;

use kerox_tensor::DType;

use super::list::{ListKind, ListOp};
use super::{Body, While};
use crate::{Dim, Dims, Error, Graph, Op, Result, Value};

/// What a loop goes over.
#[derive(Clone, Debug)]
pub struct StepLoop<'a> {
    /// What the functions of the loop are called: `<name>_cond`, `<name>_body`.
    pub name: &'a str,
    /// How many steps there are, a scalar of type int32.
    pub steps: Value,
    /// Values `[steps, ...]`, and what is known of the shape of one step.
    pub sequences: Vec<(Value, Dims)>,
    /// Values before the first step, and what is known of their shapes at every step.
    pub carried: Vec<(Value, Dims)>,
    /// Values that are the same at every step.
    pub constants: Vec<Value>,
}

/// What is at hand at one step: values of the body's graph.
#[derive(Clone, Debug)]
pub struct LoopStep {
    /// One step of each sequence.
    pub sequences: Vec<Value>,
    /// What the step before left behind.
    pub carried: Vec<Value>,
    /// The values that are the same at every step.
    pub constants: Vec<Value>,
}

fn list_op(kind: ListKind, element: DType) -> ListOp {
    ListOp { kind, element, dims: Dims::unknown() }
}

/// A shape as an int32 vector, unknown lengths as -1.
fn shape_vector(g: &mut Graph, dims: &Dims) -> Result<Value> {
    let lengths = |axes: &[Dim]| axes.iter().map(|axis| axis.map_or(-1, |n| n as i64)).collect::<Vec<_>>();
    match dims.axes() {
        Some(axes) => g.ints(&lengths(axes)),
        None => g.number(-1.0, DType::I32),
    }
}

/// Values of the loop before the carried ones.
const FIRST_CARRIED: usize = 2;

impl StepLoop<'_> {
    /// Parameters of one of the loop's functions, without the list of outputs.
    fn parameters(&self, g: &Graph, body: &mut Graph) -> Result<Vec<Value>> {
        let mut all = vec![
            body.placeholder("loop_counter", DType::I32, Dims::scalar())?,
            body.placeholder("maximum_iterations", DType::I32, Dims::scalar())?,
        ];
        for (at, (value, dims)) in self.carried.iter().enumerate() {
            all.push(body.placeholder(&format!("state_{at}"), g.dtype(*value), dims.clone())?);
        }
        for at in 0..self.sequences.len() {
            all.push(body.placeholder(&format!("sequence_{at}"), DType::Variant, Dims::scalar())?);
        }
        for (at, &value) in self.constants.iter().enumerate() {
            all.push(body.placeholder(&format!("value_{at}"), g.dtype(value), g.dims(value).clone())?);
        }
        Ok(all)
    }
}

impl Graph {
    /// A loop over the steps of sequences: `While` with lists of tensors. It has no gradient and no plan here; it is the
    /// form in which files hold recurrences, for any number of steps.
    ///
    /// `step` adds one step to the graph it is given; it gives the step's output, where there is one, and the carried values
    /// after it. The results are the outputs of all steps `[steps, ...]` and what the last step left behind.
    ///
    /// # Errors
    /// Those of `step`; [`Error::Argument`] where the carried values it gives are not of the types of those before.
    ///
    /// # Example
    /// ```
    /// use kerox_graph::{Dims, Error, Graph, ops::StepLoop};
    /// use kerox_tensor::DType;
    /// let mut g = Graph::new();
    /// let x = g.placeholder("x", DType::F32, Dims::from([None, Some(2)]))?;
    /// let steps = g.shape_of(x)?;
    /// let steps = g.strided_slice(steps, &[kerox_graph::ops::Index::At(0)])?;
    /// let zeros = g.full(&[2], 0.0, DType::F32)?;
    /// let of = StepLoop {
    ///     name: "sums",
    ///     steps,
    ///     sequences: vec![(x, Dims::from([Some(2)]))],
    ///     carried: vec![(zeros, Dims::from([Some(2)]))],
    ///     constants: vec![],
    /// };
    /// let (sums, last) = g.step_loop::<Error>(&of, |g, at| {
    ///     let sum = g.add(at.sequences[0], at.carried[0])?;
    ///     Ok((Some(sum), vec![sum]))
    /// })?;
    /// assert_eq!(sums.map(|sums| g.dims(sums).to_string()).as_deref(), Some("(None, 2)"));
    /// assert_eq!(last.len(), 1);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn step_loop<E: From<Error>>(
        &mut self,
        of: &StepLoop<'_>,
        step: impl FnOnce(&mut Graph, &LoopStep) -> Result<(Option<Value>, Vec<Value>), E>,
    ) -> Result<(Option<Value>, Vec<Value>), E> {
        let mut body = Graph::new();
        let mut parameters = of.parameters(self, &mut body)?;
        let mut results = parameters.clone();
        let (round, first_sequence) = (parameters[0], FIRST_CARRIED + of.carried.len());
        let (lists, constants) = parameters[first_sequence..].split_at(of.sequences.len());
        let mut at = LoopStep {
            sequences: Vec::with_capacity(lists.len()),
            carried: parameters[FIRST_CARRIED..first_sequence].to_vec(),
            constants: constants.to_vec(),
        };
        for (&list, (sequence, dims)) in lists.iter().zip(&of.sequences) {
            let shape = shape_vector(&mut body, dims)?;
            let get = list_op(ListKind::GetItem, self.dtype(*sequence));
            at.sequences.push(body.add_single(get, &[list, round, shape])?);
        }
        let (output, carried) = step(&mut body, &at)?;
        let one = body.number(1.0, DType::I32)?;
        results[0] = body.add(round, one)?;
        results.splice(FIRST_CARRIED..first_sequence, carried);
        let mut element = None;
        if let Some(output) = output {
            let list = body.placeholder("outputs", DType::Variant, Dims::scalar())?;
            parameters.push(list);
            let set = list_op(ListKind::SetItem(false), body.dtype(output));
            results.push(body.add_single(set, &[list, round, output])?);
            element = Some((body.dtype(output), shape_vector(self, body.dims(output))?));
        }
        (body.inputs, body.outputs) = (parameters, results);

        let mut cond = Graph::new();
        cond.inputs = of.parameters(self, &mut cond)?;
        if element.is_some() {
            let list = cond.placeholder("outputs", DType::Variant, Dims::scalar())?;
            cond.inputs.push(list);
        }
        cond.outputs = vec![cond.less(cond.inputs[0], cond.inputs[1])?];

        let mut values = vec![self.number(0.0, DType::I32)?, of.steps];
        values.extend(of.carried.iter().map(|(value, _)| value));
        for (sequence, dims) in &of.sequences {
            let dims = shape_vector(self, dims)?;
            values.push(self.add_single(list_op(ListKind::FromTensor, self.dtype(*sequence)), &[*sequence, dims])?);
        }
        values.extend(&of.constants);
        if let Some((dtype, dims)) = element {
            values.push(self.add_single(list_op(ListKind::Reserve, dtype), &[dims, of.steps])?);
        }
        let has_effects = !body.effects.is_empty();
        let function = |what: &str, body| Body { name: format!("{}_{what}", of.name), body: Arc::new(body) };
        let op = While { stateful: has_effects, cond: function("cond", cond), body: function("body", body) };
        let id = self.add_node(Op::name(&op), Arc::new(op), &values)?;
        if has_effects {
            self.effects.push(id);
        }
        let results = self.values(id);
        let sequence = match (element, results.last()) {
            (Some((dtype, dims)), Some(&list)) => {
                Some(self.add_single(list_op(ListKind::Stack, dtype), &[list, dims])?)
            }
            _ => None,
        };
        Ok((sequence, results[FIRST_CARRIED..first_sequence].to_vec()))
    }
}
