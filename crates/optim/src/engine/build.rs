//! Creates an optimizer's variables.

use kerox_tensor::{DType, Shape, Tensor, Variable, bf16, f16};
use smallvec::smallvec;

use super::{Engine, State};
use crate::algorithm::SlotInit;
use crate::layout::{Target, layout};
use crate::options::Options;
use crate::{Error, Field, Form, Result};

impl State {
    /// Creates slots for `variables`; `false` where they exist.
    pub fn build(&mut self, engine: &Engine, variables: &[Variable], scope: &str) -> Result<bool> {
        if self.built {
            return Ok(false);
        }
        if let Some(variable) = variables.iter().find(|v| !v.dtype().is_float()) {
            return Err(Error::VariableType { variable: variable.name().into(), found: variable.dtype() });
        }
        let form = engine.options.form;
        let slot_specs = self.rule.slots(form);
        let mut entries = Vec::new();
        let mut zeros = Zeros::default();
        for entry in layout(&*self.rule, &engine.options, form, variables, scope) {
            let value = match &entry.target {
                Target::Iterations => {
                    entries.push((entry, engine.iterations.clone()));
                    continue;
                }
                Target::LearningRate => {
                    entries.extend(engine.rate.clone().map(|rate| (entry, rate)));
                    continue;
                }
                // In Keras 3 the first step makes the average, so it begins with zeros.
                Target::Average { variable } if form == Form::Keras2 => variables[*variable].value(),
                Target::Average { .. } | Target::Accumulator { .. } => zeros.full(entry.dtype, &entry.shape, 0.0)?,
                Target::Placeholder { .. } | Target::Wrapper => Tensor::scalar(0i32),
                Target::Scalar => zeros.full(entry.dtype, &entry.shape, 1.0)?,
                Target::Slot { role, variable } => {
                    match slot_specs.iter().find(|s| s.role == *role).map_or(SlotInit::Value(0.0), |s| s.init) {
                        SlotInit::Variable => variables[*variable].value(),
                        SlotInit::Value(value) => zeros.full(entry.dtype, &entry.shape, value)?,
                    }
                }
            };
            let created = Variable::new(entry.name.clone(), value, false);
            entries.push((entry, created));
        }

        self.slots = variables.iter().map(|_| smallvec![None; slot_specs.len()]).collect();
        self.averages.clear();
        self.accumulators.clear();
        for (entry, variable) in &entries {
            match &entry.target {
                Target::Average { .. } => self.averages.push(variable.clone()),
                Target::Accumulator { .. } => self.accumulators.push(variable.clone()),
                Target::Scalar => self.scalar = self.rule.scalar(form).map(|spec| (spec, variable.clone())),
                Target::Slot { role, variable: row } => {
                    if let Some(column) = slot_specs.iter().position(|s| s.role == *role) {
                        self.slots[*row][column] = Some(variable.clone());
                    }
                }
                Target::Iterations | Target::LearningRate | Target::Placeholder { .. } | Target::Wrapper => {}
            }
        }
        self.weight_decay = variables
            .iter()
            .map(|variable| {
                let excluded =
                    self.excluded.contains(variable) || self.excluded_names.iter().any(|n| n.is_match(variable.name()));
                self.rule.weight_decay(variable, engine.options.weight_decay).filter(|_| !excluded)
            })
            .collect();
        self.index = variables.iter().enumerate().map(|(i, v)| (v.id(), i)).collect();
        self.variables = variables.to_vec();
        self.slot_specs = slot_specs;
        self.entries = entries;
        self.built = true;
        Ok(true)
    }

    /// The float32 variables of a legacy optimizer's hyperparameters, sorted by name as TensorFlow creates them.
    pub fn create_hyper(&mut self, options: &Options, scope: &str) {
        let mut values: Vec<(&'static str, f64)> = Vec::new();
        if !self.rule.own_decay(Form::Legacy) {
            values.push(("decay", options.decay));
        }
        self.rule.fields(Form::Legacy, &mut |name, field| match field {
            Field::Hyper(value) => values.push((name, *value)),
            Field::Float(value) if name == "decay" => values.push((name, *value)),
            _ => {}
        });
        values.sort_unstable_by_key(|(name, _)| *name);
        self.hyper = values
            .into_iter()
            .map(|(name, value)| (name, Variable::new(format!("{scope}/{name}"), Tensor::scalar(value as f32), false)))
            .collect();
    }
}

/// First values. Zeros of one type and shape are one tensor until they are written to: where a file's values follow, they never are.
#[derive(Default)]
struct Zeros(Vec<Tensor>);

impl Zeros {
    /// A tensor of one number repeated.
    fn full(&mut self, dtype: DType, shape: &Shape, value: f64) -> Result<Tensor> {
        Ok(match dtype {
            _ if value == 0.0 => match self.0.iter().find(|known| known.dtype() == dtype && known.shape() == shape) {
                Some(known) => known.clone(),
                None => {
                    let zeros = Tensor::zeros(dtype, shape.clone())?;
                    self.0.push(zeros.clone());
                    zeros
                }
            },
            DType::F16 => Tensor::full(f16::from_f64(value), shape.clone())?,
            DType::BF16 => Tensor::full(bf16::from_f64(value), shape.clone())?,
            DType::F64 => Tensor::full(value, shape.clone())?,
            _ => Tensor::full(value as f32, shape.clone())?,
        })
    }
}
