//! Muon.

use kerox_tensor::{Shape, Variable};
use ndarray::{ArrayView2, ArrayViewMut2, linalg::general_mat_mul};
use regex_lite::Regex;

use crate::adam::{corrected_rate, square};
use crate::{Algorithm, Builder, Cells, Error, Field, Form, LearningRate, Real, Result, SlotSpec, Step};

/// Momentum whose movement of each matrix is made nearly orthogonal; AdamW for all other variables. Keras 3 only.
///
/// Matrices whose name contains `embedding` or matches one of `exclude_layers` (regular expressions) go with AdamW too.
/// Slots: `momentum`, for AdamW's variables also `velocity`. Weight decay is 0.004 where not set.
///
/// # Errors
/// `into_optimizer` refuses patterns that are no regular expressions.
///
/// # Example
/// ```
/// use kerox_optim::{Form, IntoOptimizer, Muon};
///
/// let optimizer = Muon::new(0.001).exclude_layers(["output_dense"]).form(Form::Keras3).into_optimizer()?;
/// assert_eq!(optimizer.name(), "muon");
/// # Ok::<(), kerox_optim::Error>(())
/// ```
///
/// # Source
/// keras/src/optimizers/muon.py of Keras 3
pub type Muon = Builder<MuonRule>;

/// The algorithm of [`Muon`].
#[derive(Clone, Debug)]
pub struct MuonRule {
    adam_beta_1: f64,
    adam_beta_2: f64,
    epsilon: f64,
    exclude_layers: Vec<String>,
    muon_a: f64,
    muon_b: f64,
    muon_c: f64,
    adam_lr_ratio: f64,
    momentum: f64,
    ns_steps: i64,
    nesterov: bool,
    exclude_embeddings: bool,
    adam_weight_decay: Option<f64>,
    rms_rate: Option<f64>,
}

impl Default for MuonRule {
    fn default() -> Self {
        MuonRule {
            adam_beta_1: 0.9,
            adam_beta_2: 0.999,
            epsilon: 1e-7,
            exclude_layers: Vec::new(),
            muon_a: 3.4445,
            muon_b: -4.775,
            muon_c: 2.0315,
            adam_lr_ratio: 1.0,
            momentum: 0.95,
            ns_steps: 5,
            nesterov: true,
            exclude_embeddings: true,
            adam_weight_decay: Some(0.004),
            rms_rate: Some(0.2),
        }
    }
}

impl Default for Muon {
    /// Keras's defaults: learning rate 0.001, weight decay 0.004.
    fn default() -> Self {
        Muon::new(0.001)
    }
}

impl Muon {
    /// With Keras's default arguments.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Muon {
        Builder::of(MuonRule::default(), learning_rate).weight_decay(0.004).form(Form::Keras3)
    }

    /// AdamW's decay of the mean of gradients.
    pub fn adam_beta_1(mut self, adam_beta_1: f64) -> Self {
        self.algorithm.adam_beta_1 = adam_beta_1;
        self
    }

    /// AdamW's decay of the mean of squared gradients.
    pub fn adam_beta_2(mut self, adam_beta_2: f64) -> Self {
        self.algorithm.adam_beta_2 = adam_beta_2;
        self
    }

    /// Is added to AdamW's denominator.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.algorithm.epsilon = epsilon;
        self
    }

    /// Names or regular expressions of layers that go with AdamW.
    pub fn exclude_layers<S: Into<String>>(mut self, exclude_layers: impl IntoIterator<Item = S>) -> Self {
        self.algorithm.exclude_layers = exclude_layers.into_iter().map(Into::into).collect();
        self
    }

    /// Whether embeddings go with AdamW.
    pub fn exclude_embeddings(mut self, exclude_embeddings: bool) -> Self {
        self.algorithm.exclude_embeddings = exclude_embeddings;
        self
    }

    /// First coefficient of the iteration.
    pub fn muon_a(mut self, muon_a: f64) -> Self {
        self.algorithm.muon_a = muon_a;
        self
    }

    /// Second coefficient of the iteration.
    pub fn muon_b(mut self, muon_b: f64) -> Self {
        self.algorithm.muon_b = muon_b;
        self
    }

    /// Third coefficient of the iteration.
    pub fn muon_c(mut self, muon_c: f64) -> Self {
        self.algorithm.muon_c = muon_c;
        self
    }

    /// AdamW's learning rate as a part of the optimizer's.
    pub fn adam_lr_ratio(mut self, adam_lr_ratio: f64) -> Self {
        self.algorithm.adam_lr_ratio = adam_lr_ratio;
        self
    }

    /// Part of the old momentum in the new.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.algorithm.momentum = momentum;
        self
    }

    /// Number of Newton-Schulz iterations.
    pub fn ns_steps(mut self, ns_steps: i64) -> Self {
        self.algorithm.ns_steps = ns_steps;
        self
    }

    /// Looks one movement ahead.
    pub fn nesterov(mut self, nesterov: bool) -> Self {
        self.algorithm.nesterov = nesterov;
        self
    }

    /// Weight decay of AdamW's variables.
    pub fn adam_weight_decay(mut self, adam_weight_decay: impl Into<Option<f64>>) -> Self {
        self.algorithm.adam_weight_decay = adam_weight_decay.into();
        self
    }

    /// Scales movements to this part of what AdamW's would be.
    pub fn rms_rate(mut self, rms_rate: impl Into<Option<f64>>) -> Self {
        self.algorithm.rms_rate = rms_rate.into();
        self
    }
}

impl MuonRule {
    fn goes_with_adamw(&self, variable: &Variable) -> bool {
        variable.shape().rank() != 2
            || self.exclude_embeddings && variable.name().to_lowercase().contains("embedding")
            || self.exclude_layers.iter().any(|p| Regex::new(p).is_ok_and(|p| p.is_match(variable.name())))
    }

    /// Newton-Schulz iteration towards the nearest orthogonal matrix. `x` has `rows` rows and becomes the result.
    fn orthogonalize<T: Real>(&self, x: &mut Vec<T>, rows: usize, columns: usize) {
        let tall = rows > columns;
        if tall {
            *x = transposed(x, rows, columns);
        }
        let (rows, columns) = if tall { (columns, rows) } else { (rows, columns) };
        let norm = x.iter().map(|v| v.wide().powi(2)).sum::<f64>().sqrt();
        let scale = T::of(norm) + T::of(1e-7);
        x.iter_mut().for_each(|v| *v = *v / scale);
        let (mut square, mut mixture) = (vec![T::ZERO; rows * rows], vec![T::ZERO; rows * rows]);
        let mut next = vec![T::ZERO; rows * columns];
        for _ in 0..self.ns_steps {
            let view = matrix(x, rows, columns);
            general_mat_mul(T::ONE, &view, &view.t(), T::ZERO, &mut matrix_mut(&mut square, rows, rows));
            mixture.copy_from_slice(&square);
            let squared = matrix(&square, rows, rows);
            let out = &mut matrix_mut(&mut mixture, rows, rows);
            general_mat_mul(T::of(self.muon_c), &squared, &squared, T::of(self.muon_b), out);
            next.copy_from_slice(x);
            let mixed = matrix(&mixture, rows, rows);
            general_mat_mul(T::ONE, &mixed, &view, T::of(self.muon_a), &mut matrix_mut(&mut next, rows, columns));
            std::mem::swap(x, &mut next);
        }
        if tall {
            *x = transposed(x, rows, columns);
        }
    }
}

impl Algorithm for MuonRule {
    fn class_name(&self) -> &str {
        "Muon"
    }

    fn fields(&mut self, _: Form, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
        visit("adam_beta_1", Field::Float(&mut self.adam_beta_1));
        visit("adam_beta_2", Field::Float(&mut self.adam_beta_2));
        visit("epsilon", Field::Float(&mut self.epsilon));
        visit("exclude_layers", Field::Strings(&mut self.exclude_layers));
        visit("muon_a", Field::Float(&mut self.muon_a));
        visit("muon_b", Field::Float(&mut self.muon_b));
        visit("muon_c", Field::Float(&mut self.muon_c));
        visit("adam_lr_ratio", Field::Count(&mut self.adam_lr_ratio));
        visit("momentum", Field::Float(&mut self.momentum));
        visit("ns_steps", Field::Int(&mut self.ns_steps));
        visit("nesterov", Field::Bool(&mut self.nesterov));
        visit("exclude_embeddings", Field::Bool(&mut self.exclude_embeddings));
        visit("adam_weight_decay", Field::OptionalFloat(&mut self.adam_weight_decay));
        visit("rms_rate", Field::OptionalFloat(&mut self.rms_rate));
    }

    fn slots(&self, _: Form) -> Vec<SlotSpec> {
        vec![
            SlotSpec::new("momentum", "momentum", "momentums"),
            SlotSpec::new("velocity", "velocity", "adam_velocities"),
        ]
    }

    fn slot_shape(&self, slot: &SlotSpec, variable: &Variable) -> Option<Shape> {
        (slot.role == "momentum" || self.goes_with_adamw(variable)).then(|| variable.shape().clone())
    }

    fn weight_decay(&self, variable: &Variable, of_optimizer: Option<f64>) -> Option<f64> {
        if self.goes_with_adamw(variable) { self.adam_weight_decay } else { of_optimizer }
    }

    fn check(&self, _: Form) -> Result<()> {
        for pattern in &self.exclude_layers {
            Regex::new(pattern).map_err(|error| Error::Argument {
                class: "Muon".into(),
                argument: "exclude_layers".into(),
                expected: "names or regular expressions".into(),
                found: format!("`{pattern}` ({error})"),
            })?;
        }
        crate::algorithm::in_range("Muon", "ns_steps", self.ns_steps as f64, -1e6..=1e6)
    }

    fn update<T: Real>(&self, step: &Step, cells: Cells<'_, T>) {
        if cells.has_slot(1) {
            let rate = T::of(step.learning_rate) * T::of(self.adam_lr_ratio);
            let alpha = corrected_rate(step, rate, self.adam_beta_1, self.adam_beta_2);
            let (new_1, new_2) = (T::of(1.0 - self.adam_beta_1), T::of(1.0 - self.adam_beta_2));
            let epsilon = T::of(self.epsilon);
            return cells.each2_apart([0, 1], square, |w, g, gg, m, v| {
                *m = *m + (g - *m) * new_1;
                *v = *v + (gg - *v) * new_2;
                w - *m * alpha / (v.sqrt() + epsilon)
            });
        }
        let [rows, columns] = *cells.dims() else { return };
        let (weights, gradient, slots) = cells.whole();
        let kept = T::of(self.momentum);
        let mut movement: Vec<T> = slots[0]
            .iter_mut()
            .enumerate()
            .map(|(i, m)| {
                let g = gradient(i);
                *m = *m + (g + *m * T::of(self.momentum - 1.0));
                if self.nesterov { g + kept * *m } else { *m }
            })
            .collect();
        self.orthogonalize(&mut movement, rows, columns);
        let size = self.rms_rate.map_or(1.0, |part| (rows.max(columns) as f64).sqrt() * part);
        let rate = T::of(step.learning_rate) * T::of(size);
        weights.iter_mut().zip(&movement).for_each(|(w, d)| *w = *w - rate * *d);
    }
}

fn transposed<T: Real>(x: &[T], rows: usize, columns: usize) -> Vec<T> {
    (0..columns).flat_map(|column| (0..rows).map(move |row| x[row * columns + column])).collect()
}

/// The slices are made to measure above, so these cannot fail.
fn matrix<T: Real>(x: &[T], rows: usize, columns: usize) -> ArrayView2<'_, T> {
    ArrayView2::from_shape((rows, columns), x).expect("rows * columns elements")
}

fn matrix_mut<T: Real>(x: &mut [T], rows: usize, columns: usize) -> ArrayViewMut2<'_, T> {
    ArrayViewMut2::from_shape((rows, columns), x).expect("rows * columns elements")
}
