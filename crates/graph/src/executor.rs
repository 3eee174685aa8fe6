//! Runs a plan.

use std::mem;
use std::sync::Arc;

use kerox_tensor::{Buffer, DType, Shape, Tensor, flush_subnormals};
use smallvec::SmallVec;

use crate::plan::{Operand, Plan, Step};
use crate::{Data, Error, Result, Run, View, ViewMut};

/// A plan with its arena. [`Executor::run`] allocates nothing.
#[derive(Debug)]
pub struct Executor {
    plan: Arc<Plan>,
    slots: Vec<Buffer>,
    scratch: Vec<Buffer>,
    /// The variables' values during a run; none in between, so that training writes them in place.
    variables: Vec<Option<Tensor>>,
    /// Copies of feeds and variables that were asked for as outputs.
    copies: Vec<Option<Buffer>>,
}

/// An output of the latest run, borrowed from the arena.
#[derive(Clone, Copy, Debug)]
pub struct Output<'a>(View<'a>);

impl<'a> Output<'a> {
    /// The lengths of the axes.
    pub fn shape(&self) -> &'a Shape {
        self.0.shape
    }

    /// The elements in row-major order.
    ///
    /// # Errors
    /// [`kerox_tensor::Error::DType`].
    pub fn slice<T: kerox_tensor::Element>(&self) -> Result<&'a [T]> {
        self.0.slice()
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        self.0.dtype().unwrap_or(DType::Variant)
    }

    /// A copy.
    ///
    /// # Errors
    /// None at present.
    pub fn tensor(&self) -> Result<Tensor> {
        self.0.tensor()
    }

    /// The view.
    pub fn view(&self) -> View<'a> {
        self.0
    }
}

impl Executor {
    /// Allocates the arena of a plan.
    pub fn new(plan: Arc<Plan>) -> Executor {
        let zeros =
            |&(dtype, len): &(DType, usize)| Buffer::zeros(dtype, len).unwrap_or_else(|_| Buffer::U8(Vec::new()));
        Executor {
            slots: plan.slots.iter().map(zeros).collect(),
            scratch: plan.scratch.iter().map(zeros).collect(),
            variables: vec![None; plan.variables.len()],
            copies: vec![None; plan.outputs.len()],
            plan,
        }
    }

    /// The plan.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Computes the outputs from feeds in the order given to [`Plan::compile`], then assigns variables.
    ///
    /// # Errors
    /// [`Error::Feed`] where a feed is not what was planned; errors of kernels. No variable has then changed.
    pub fn run(&mut self, feeds: &[&Tensor]) -> Result<()> {
        self.compute(feeds)?;
        self.commit()
    }

    /// Computes the outputs and changes no variable: [`Executor::commit`] does that, or nobody where the outputs turn out
    /// to be useless.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub fn compute(&mut self, feeds: &[&Tensor]) -> Result<()> {
        self.check_feeds(feeds)?;
        for (value, variable) in self.variables.iter_mut().zip(&self.plan.variables) {
            *value = Some(variable.value());
        }
        let mut result = flush_subnormals(|| self.run_steps(feeds));
        if result.is_ok() {
            result = self.keep_borrowed_outputs(feeds);
        }
        self.variables.fill(None);
        result
    }

    /// Assigns the variables as the latest [`Executor::compute`] found.
    ///
    /// # Errors
    /// None at present.
    pub fn commit(&mut self) -> Result<()> {
        let plan = self.plan.clone();
        for (variable, operand, shape) in &plan.assigns {
            if let Operand::Variable(at) = *operand {
                variable.assign(plan.variables[at as usize].value().reshape(shape.clone())?)?;
            } else if let Data::Elements(source) = self.data(&plan, *operand, &[]) {
                copy_elements(source, variable.write().buffer_mut(), shape.elements());
            }
        }
        Ok(())
    }

    /// Output `i` of the latest run, in the order of the fetches given to [`Plan::compile`].
    ///
    /// # Panics
    /// Where there is no such output.
    pub fn output(&self, i: usize) -> Output<'_> {
        let (operand, shape, _) = &self.plan.outputs[i];
        let buffer = match (*operand, &self.copies[i]) {
            (_, Some(copy)) => copy,
            (Operand::Slot(slot), _) => &self.slots[slot as usize],
            (Operand::Constant(at), _) => self.plan.constants[at as usize].buffer(),
            // Feeds and variables are copied by each run; before the first one there is nothing to see.
            _ => return Output(View { shape, data: Data::ShapeOnly }),
        };
        Output(View { shape, data: Data::Elements(buffer) })
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.plan.outputs.len()
    }

    fn check_feeds(&self, feeds: &[&Tensor]) -> Result<()> {
        for (i, spec) in self.plan.feeds.iter().enumerate() {
            let fits = |t: &&&Tensor| t.dtype() == spec.dtype && *t.shape() == spec.shape;
            if feeds.get(i).filter(fits).is_none() {
                return Err(Error::Feed {
                    name: spec.name.clone(),
                    expected: format!("{} {}", spec.dtype, spec.shape),
                    found: feeds.get(i).map_or("nothing".into(), |t| format!("{} {}", t.dtype(), t.shape())),
                });
            }
        }
        Ok(())
    }

    fn run_steps(&mut self, feeds: &[&Tensor]) -> Result<()> {
        let plan = self.plan.clone();
        for step in &plan.steps {
            self.run_step(&plan, step, feeds).map_err(|error| error.of_node(step.op.name(), &step.name))?;
        }
        Ok(())
    }

    fn run_step(&mut self, plan: &Plan, step: &Step, feeds: &[&Tensor]) -> Result<()> {
        // Outputs are taken out of the arena while the kernel runs, so that inputs can be borrowed from it.
        let mut buffers: SmallVec<[Buffer; 8]> =
            step.outputs.iter().map(|&(slot, _)| mem::replace(&mut self.slots[slot as usize], EMPTY)).collect();
        let mut scratch = match step.scratch {
            Some(at) => mem::replace(&mut self.scratch[at], EMPTY),
            None => EMPTY,
        };
        let result = {
            let inputs: SmallVec<[View<'_>; 16]> = step
                .inputs
                .iter()
                .map(|(operand, shape)| View { shape, data: self.data(plan, *operand, feeds) })
                .collect();
            let mut outputs: SmallVec<[ViewMut<'_>; 8]> =
                buffers.iter_mut().zip(&step.outputs).map(|(buffer, (_, shape))| ViewMut { shape, buffer }).collect();
            step.op.run(&mut Run { inputs: &inputs, outputs: &mut outputs, scratch: &mut scratch })
        };
        for (buffer, &(slot, _)) in buffers.into_iter().zip(&step.outputs) {
            self.slots[slot as usize] = buffer;
        }
        if let Some(at) = step.scratch {
            self.scratch[at] = scratch;
        }
        result
    }

    fn data<'a>(&'a self, plan: &'a Plan, operand: Operand, feeds: &[&'a Tensor]) -> Data<'a> {
        match operand {
            Operand::Slot(slot) => Data::Elements(&self.slots[slot as usize]),
            Operand::Constant(at) => Data::Elements(plan.constants[at as usize].buffer()),
            Operand::Variable(at) => match &self.variables[at as usize] {
                Some(value) => Data::Elements(value.buffer()),
                None => Data::ShapeOnly,
            },
            Operand::Feed(at) => Data::Elements(feeds[at as usize].buffer()),
            Operand::InPlace(output) => Data::InPlace(output as usize),
            Operand::ShapeOnly => Data::ShapeOnly,
        }
    }

    /// Outputs that are feeds or variables as they are get copied: they will not stay.
    fn keep_borrowed_outputs(&mut self, feeds: &[&Tensor]) -> Result<()> {
        let plan = self.plan.clone();
        for (i, (operand, _, _)) in plan.outputs.iter().enumerate() {
            if matches!(operand, Operand::Feed(_) | Operand::Variable(_)) {
                let mut copy = self.copies[i].take();
                if let Data::Elements(source) = self.data(&plan, *operand, feeds) {
                    match &mut copy {
                        Some(target) => copy_elements(source, target, source.len()),
                        None => copy = Some(source.clone()),
                    }
                }
                self.copies[i] = copy;
            }
        }
        Ok(())
    }
}

/// Stands in for a buffer that is taken out; allocates nothing.
const EMPTY: Buffer = Buffer::U8(Vec::new());

/// Copies the first `n` elements; both buffers are of one type.
fn copy_elements(source: &Buffer, target: &mut Buffer, n: usize) {
    fn copy<T: kerox_tensor::Element>(source: &[T], target: &mut Buffer, n: usize) {
        if let Some(target) = T::slice_mut(target) {
            target[..n].clone_from_slice(&source[..n]);
        }
    }
    kerox_tensor::each_buffer!(source, v => copy(v, target, n));
}
