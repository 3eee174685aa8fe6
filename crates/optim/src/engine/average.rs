//! Moving averages of the weights.

use kerox_tensor::{DType, Variable};

use super::State;
use crate::Real;

impl State {
    /// `average = momentum * average + (1 - momentum) * weights` for the model variables at these positions.
    pub fn update_averages(&mut self, rows: impl Iterator<Item = usize>, momentum: f64) {
        for row in rows {
            match self.variables[row].dtype() {
                DType::F32 => update::<f32>(&self.averages[row], &self.variables[row], momentum),
                DType::F64 => update::<f64>(&self.averages[row], &self.variables[row], momentum),
                _ => update_half(&self.averages[row], &self.variables[row], momentum),
            }
        }
    }

    /// Puts the averages into the given variables that are known.
    pub fn overwrite_with_averages(&self, variables: &[Variable]) {
        for variable in variables {
            if let Some(average) = self.index.get(&variable.id()).and_then(|&row| self.averages.get(row)) {
                copy(average, variable);
            }
        }
    }

    /// Puts the averages into the model variables at these positions.
    pub fn overwrite_rows(&self, rows: impl Iterator<Item = usize>) {
        for row in rows {
            copy(&self.averages[row], &self.variables[row]);
        }
    }
}

/// Copies elements, so that neither tensor is shared afterwards.
fn copy(from: &Variable, to: &Variable) {
    let from = from.read();
    let mut to = to.write();
    if let (Ok(from), Ok(to)) = (from.as_slice::<f32>(), to.as_mut_slice::<f32>()) {
        to.copy_from_slice(from);
    } else {
        *to = from.clone();
    }
}

fn update<T: Real>(average: &Variable, variable: &Variable, momentum: f64) {
    let value = variable.read();
    let mut average = average.write();
    if let (Ok(average), Ok(value)) = (average.as_mut_slice::<T>(), value.as_slice::<T>()) {
        let (old, new) = (T::of(momentum), T::of(1.0 - momentum));
        average.iter_mut().zip(value).for_each(|(a, &w)| *a = old * *a + new * w);
    }
}

fn update_half(average: &Variable, variable: &Variable, momentum: f64) {
    use kerox_tensor::{bf16, f16};
    let mix = |a: f32, w: f32| momentum as f32 * a + (1.0 - momentum) as f32 * w;
    let value = variable.read();
    let mut average = average.write();
    if let (Ok(average), Ok(value)) = (average.as_mut_slice::<f16>(), value.as_slice::<f16>()) {
        average.iter_mut().zip(value).for_each(|(a, w)| *a = f16::from_f32(mix(a.to_f32(), w.to_f32())));
    } else if let (Ok(average), Ok(value)) = (average.as_mut_slice::<bf16>(), value.as_slice::<bf16>()) {
        average.iter_mut().zip(value).for_each(|(a, w)| *a = bf16::from_f32(mix(a.to_f32(), w.to_f32())));
    }
}
