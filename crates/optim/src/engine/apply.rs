//! One step, in Keras's order.

use kerox_tensor::{Tensor, Variable, flush_subnormals};

use super::clip::Clipping;
use super::{Engine, State, kernel, scalar, set_scalar};
use crate::options::LearningRate;
use crate::{Error, Form, GradientView, Result, Step};

impl Engine {
    /// `factor` goes onto the gradients first.
    pub(super) fn step(&self, variables: &[Variable], gradients: &[GradientView<'_>], factor: f64) -> Result<()> {
        if variables.len() != gradients.len() {
            return Err(Error::GradientCount {
                optimizer: self.name.clone(),
                expected: variables.len(),
                found: gradients.len(),
            });
        }
        for (variable, gradient) in variables.iter().zip(gradients) {
            check_gradient(variable, gradient)?;
        }
        if !variables.is_empty() && gradients.iter().all(|g| matches!(g, GradientView::None)) {
            let names: Vec<&str> = variables.iter().map(Variable::name).collect();
            return Err(Error::NoGradients { optimizer: self.name.clone(), variables: names.join(", ") });
        }
        let mut state = self.state();
        if !state.built && !variables.is_empty() {
            state.build(self, variables, &self.name)?;
            // A restore that waits for these variables fills them now; it looks at this object, so not under its lock.
            drop(state);
            self.hooks.created();
            state = self.state();
        }
        let mut order = std::mem::take(&mut state.scratch.order);
        order.clear();
        for variable in variables {
            match state.index.get(&variable.id()) {
                Some(&row) => order.push(row),
                None => {
                    let known = state.variables.len();
                    state.scratch.order = order;
                    return Err(Error::UnknownVariable {
                        optimizer: self.name.clone(),
                        variable: variable.name().into(),
                        known,
                    });
                }
            }
        }
        let taken = self.steps_taken();
        let rate = self.current_rate(taken);
        if !variables.is_empty() {
            flush_subnormals(|| self.run(&mut state, &order, gradients, taken, rate, factor));
            if let Ok(iterations) = self.iterations.write().as_mut_slice::<i64>() {
                iterations[0] = taken.wrapping_add(1);
            }
        }
        state.scratch.order = order;
        Ok(())
    }

    /// The learning rate of this step, which Keras 2.15 also shows in a variable.
    fn current_rate(&self, taken: i64) -> f64 {
        let rate = self.rate_at(taken);
        if let (LearningRate::Schedule(_), Some(shown)) = (&self.options.learning_rate, &self.rate) {
            set_scalar(shown, rate);
        }
        rate
    }

    /// Everything but the counter.
    fn run(
        &self,
        state: &mut State,
        order: &[usize],
        gradients: &[GradientView<'_>],
        taken: i64,
        mut rate: f64,
        factor: f64,
    ) {
        let (form, options) = (self.options.form, &self.options);
        let mut counted = taken;
        let unscale = options.loss_scale_factor.map_or(factor, |scale| factor / scale);
        let rows =
            || order.iter().zip(gradients).filter(|(_, g)| !matches!(g, GradientView::None)).map(|(&row, _)| row);

        if form == Form::Legacy {
            state.read_hyper();
            if options.decay > 0.0 {
                rate /= 1.0 + options.decay * taken as f64;
            }
        }
        if let Some(every) = options.gradient_accumulation_steps.filter(|&every| every > 0) {
            counted = taken.div_euclid(every);
            let last = taken.wrapping_add(1).rem_euclid(every) == 0;
            let divisor = if last { every as f64 } else { 1.0 };
            for (&row, gradient) in order.iter().zip(gradients) {
                kernel::accumulate(&state.accumulators[row], gradient, unscale, divisor);
            }
            if last {
                let sums: Vec<Tensor> = order.iter().map(|&row| state.accumulators[row].value()).collect();
                let views: Vec<GradientView<'_>> = sums
                    .iter()
                    .zip(gradients)
                    .map(|(sum, given)| match given {
                        GradientView::None => GradientView::None,
                        _ => GradientView::of(sum).unwrap_or(GradientView::None),
                    })
                    .collect();
                self.update(state, order, &views, 1.0, counted, rate);
                drop(sums);
                state.accumulators.iter().for_each(kernel::clear);
            }
        } else {
            self.update(state, order, gradients, unscale, counted, rate);
        }

        if options.use_ema {
            let every = options.ema_overwrite_frequency.filter(|&every| every > 0);
            let overwrite = every.is_some_and(|every| counted.wrapping_add(1).rem_euclid(every) == 0);
            if form == Form::Keras3 {
                // The first average is the weights themselves.
                let momentum = if counted == 0 { 0.0 } else { options.ema_momentum };
                let all = 0..state.variables.len();
                state.update_averages(all.clone(), momentum);
                if overwrite {
                    state.overwrite_rows(all);
                }
            } else {
                state.update_averages(rows(), options.ema_momentum);
                if overwrite {
                    state.overwrite_rows(rows());
                }
            }
        }
    }

    /// Clipping, weight decay and the algorithm, for each variable with a gradient.
    fn update(
        &self,
        state: &mut State,
        order: &[usize],
        gradients: &[GradientView<'_>],
        unscale: f64,
        counted: i64,
        rate: f64,
    ) {
        let number = counted as f64 + 1.0;
        let mut step = Step {
            form: self.options.form,
            learning_rate: rate,
            number,
            scalar: 1.0,
            scheduled: matches!(self.options.learning_rate, LearningRate::Schedule(_)),
        };
        if let Some((_, variable)) = &state.scalar {
            let old = scalar(variable).unwrap_or(1.0);
            set_scalar(variable, old * state.rule.scalar_factor(step.form, number));
            step.scalar = scalar(variable).unwrap_or(1.0);
        }
        let clipping = Clipping::new(&self.options, unscale, gradients.iter());
        for (&row, gradient) in order.iter().zip(gradients) {
            let clip = clipping.of(gradient);
            let decay = state.weight_decay[row].map_or(0.0, |part| part * rate);
            kernel::update_variable(state, row, gradient, clip, decay, &step);
        }
    }
}

/// Whether a gradient fits its variable.
fn check_gradient(variable: &Variable, gradient: &GradientView<'_>) -> Result<()> {
    let wrong = |expected: String, found: String| {
        Err(Error::Gradient { variable: variable.name().into(), shape: variable.shape().clone(), expected, found })
    };
    match gradient {
        GradientView::None => Ok(()),
        GradientView::Dense(values) if values.len() != variable.shape().elements() => {
            wrong(format!("{} elements", variable.shape().elements()), values.len().to_string())
        }
        GradientView::Dense(_) => Ok(()),
        GradientView::Sparse { rows, values } => {
            let Some((&height, rest)) = variable.shape().split_first() else {
                return wrong("a dense gradient of a scalar".into(), "one of rows".into());
            };
            let width: usize = rest.iter().product();
            if rows.len().checked_mul(width) != Some(values.len()) {
                return wrong(format!("{} rows of {width} elements", rows.len()), format!("{} elements", values.len()));
            }
            match (0..rows.len()).map(|i| rows.get(i)).find(|&row| row < 0 || row as u64 >= height as u64) {
                Some(row) => wrong(format!("rows from 0 to {}", height.saturating_sub(1)), format!("row {row}")),
                None => Ok(()),
            }
        }
    }
}
