//! Adafactor.

use kerox_tensor::{Shape, Variable};

use crate::adam::square;
use crate::{Algorithm, Builder, Cells, Field, Form, LearningRate, Real, SlotSpec, Step};

/// Adam without momentum, with the mean of squares of a matrix kept as one row and one column.
///
/// Slots of variables of two axes and more: `row` and `column` (means over the last and the last but one axis) and
/// `velocity`, which is made from them; of others only `velocity`.
///
/// # Example
/// ```
/// use kerox_optim::{Adafactor, IntoOptimizer};
///
/// let optimizer = Adafactor::new(0.001).relative_step(false).into_optimizer()?;
/// assert_eq!(optimizer.class_name(), "Adafactor");
/// # Ok::<(), kerox_optim::Error>(())
/// ```
///
/// # Source
/// keras/src/optimizers/adafactor.py
pub type Adafactor = Builder<AdafactorRule>;

/// The algorithm of [`Adafactor`].
#[derive(Clone, Debug)]
pub struct AdafactorRule {
    beta_2_decay: f64,
    epsilon_1: f64,
    epsilon_2: f64,
    clip_threshold: f64,
    relative_step: bool,
}

impl Default for AdafactorRule {
    fn default() -> Self {
        AdafactorRule {
            beta_2_decay: -0.8,
            epsilon_1: 1e-30,
            epsilon_2: 0.001,
            clip_threshold: 1.0,
            relative_step: true,
        }
    }
}

impl Default for Adafactor {
    /// Keras's defaults: learning rate 0.001.
    fn default() -> Self {
        Adafactor::new(0.001)
    }
}

impl Adafactor {
    /// With Keras's default arguments.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Adafactor {
        Builder::of(AdafactorRule::default(), learning_rate)
    }

    /// Exponent of the number of steps in the decay of the means.
    pub fn beta_2_decay(mut self, beta_2_decay: f64) -> Self {
        self.algorithm.beta_2_decay = beta_2_decay;
        self
    }

    /// Is added to squared gradients.
    pub fn epsilon_1(mut self, epsilon_1: f64) -> Self {
        self.algorithm.epsilon_1 = epsilon_1;
        self
    }

    /// Least root mean square of the weights that movements are scaled by.
    pub fn epsilon_2(mut self, epsilon_2: f64) -> Self {
        self.algorithm.epsilon_2 = epsilon_2;
        self
    }

    /// Largest root mean square of a movement before scaling.
    pub fn clip_threshold(mut self, clip_threshold: f64) -> Self {
        self.algorithm.clip_threshold = clip_threshold;
        self
    }

    /// The learning rate is at most the inverse root of the number of steps.
    pub fn relative_step(mut self, relative_step: bool) -> Self {
        self.algorithm.relative_step = relative_step;
        self
    }
}

impl Algorithm for AdafactorRule {
    fn class_name(&self) -> &str {
        "Adafactor"
    }

    fn fields(&mut self, _: Form, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
        visit("beta_2_decay", Field::Float(&mut self.beta_2_decay));
        visit("epsilon_1", Field::Float(&mut self.epsilon_1));
        visit("epsilon_2", Field::Float(&mut self.epsilon_2));
        visit("clip_threshold", Field::Float(&mut self.clip_threshold));
        visit("relative_step", Field::Bool(&mut self.relative_step));
    }

    fn slots(&self, form: Form) -> Vec<SlotSpec> {
        match form {
            Form::Keras3 => vec![
                SlotSpec::new("row", "", "_r").optional(true),
                SlotSpec::new("column", "", "_c").optional(true),
                SlotSpec::new("velocity", "velocity", "_v"),
            ],
            _ => vec![
                SlotSpec::new("row", "r", "_r"),
                SlotSpec::new("column", "c", "_c"),
                SlotSpec::new("velocity", "v", "_v"),
            ],
        }
    }

    fn slot_shape(&self, slot: &SlotSpec, variable: &Variable) -> Option<Shape> {
        let dims = variable.shape();
        match (slot.role, dims.split_last()) {
            ("velocity", _) => Some(dims.clone()),
            (_, None | Some((_, []))) => None,
            ("row", Some((_, head))) => Some(Shape::from(head)),
            (_, Some((last, head))) => {
                Some(head[..head.len() - 1].iter().chain(std::iter::once(last)).copied().collect())
            }
        }
    }

    fn placeholder(&self, slot: &SlotSpec) -> bool {
        slot.role != "velocity"
    }

    fn update<T: Real>(&self, step: &Step, mut cells: Cells<'_, T>) {
        let largest_rate = 1.0 / step.number.sqrt();
        let mut rate = step.learning_rate;
        if self.relative_step && !step.scheduled {
            rate = rate.min(largest_rate);
        }
        let decay = 1.0 - step.number.powf(self.beta_2_decay);
        let (old, new) = (T::of(decay), T::ONE - T::of(decay));
        let epsilon = T::of(self.epsilon_1);
        let dims = cells.dims();
        let apart = cells.apart(square);
        let (weights, gradient, mut slots) = cells.whole();
        let [row, column, velocity, ..] = &mut slots;
        let count = weights.len();
        if count == 0 {
            return;
        }
        let scale = self.epsilon_2.max(root_mean_square(weights.iter().map(|w| w.wide()), count));
        let alpha = T::of(scale * rate.min(largest_rate));
        let raw_square = |i: usize| apart.map_or_else(|| gradient(i) * gradient(i), |sums| sums[i]);
        let square = |i: usize| raw_square(i) + epsilon;

        if let [.., height, width] = *dims {
            let area = height * width;
            for (at, row) in row.iter_mut().enumerate() {
                let mean = (at * width..(at + 1) * width).map(|i| square(i).wide()).sum::<f64>() / width as f64;
                *row = old * *row + new * T::of(mean);
            }
            for (at, column) in column.iter_mut().enumerate() {
                let first = at / width * area + at % width;
                let mean = (0..height).map(|y| square(first + y * width).wide()).sum::<f64>() / height as f64;
                *column = old * *column + new * T::of(mean);
            }
            for (matrix, velocity) in velocity.chunks_mut(area).enumerate() {
                let rows = &row[matrix * height..(matrix + 1) * height];
                let columns = &column[matrix * width..(matrix + 1) * width];
                let mean = T::of(rows.iter().map(|r| r.wide()).sum::<f64>() / height as f64);
                for (velocity, row) in velocity.chunks_mut(width).zip(rows) {
                    let row = *row / mean;
                    velocity.iter_mut().zip(columns).for_each(|(v, c)| *v = row * *c);
                }
            }
        } else {
            velocity.iter_mut().enumerate().for_each(|(i, v)| *v = old * *v + new * square(i));
        }
        let movement = |i: usize, v: T| gradient(i) / v.sqrt();
        let size = match apart {
            None => root_mean_square(velocity.iter().enumerate().map(|(i, v)| movement(i, *v).wide()), count),
            Some(sums) => (velocity.iter().zip(sums).map(|(v, q)| (*q / *v).wide()).sum::<f64>() / count as f64).sqrt(),
        };
        let alpha = alpha / T::of((size / self.clip_threshold).max(1.0));
        for (i, (w, v)) in weights.iter_mut().zip(velocity.iter()).enumerate() {
            *w = *w - alpha * movement(i, *v);
        }
    }
}

fn root_mean_square(values: impl Iterator<Item = f64>, count: usize) -> f64 {
    (values.map(|x| x * x).sum::<f64>() / count as f64).sqrt()
}
