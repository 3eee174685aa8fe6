//! Reflections that leave one element of a column.

use std::ops::Range;

use crate::kernels::Float;

/// The reflection `1 - factor direction directionᵀ`.
#[derive(Clone, Debug)]
pub(super) struct Reflection<T> {
    /// Its first element is 1.
    pub direction: Vec<T>,
    pub factor: T,
}

/// The reflection after which of these rows of a column the first alone is not 0, and what that then is. The matrix has
/// rows of `width` elements.
pub(super) fn of_column<T: Float>(a: &[T], width: usize, rows: Range<usize>, column: usize) -> (Reflection<T>, T) {
    let mut direction: Vec<T> = rows.map(|row| a[row * width + column]).collect();
    let first = direction[0];
    let tail = direction[1..].iter().fold(T::ZERO, |sum, &x| sum + x * x);
    direction[0] = T::ONE;
    if tail <= super::least() {
        direction[1..].fill(T::ZERO);
        return (Reflection { direction, factor: T::ZERO }, first);
    }
    let length = (first * first + tail).sqrt();
    let image = if first >= T::ZERO { -length } else { length };
    direction[1..].iter_mut().for_each(|x| *x = x.over(first - image));
    (Reflection { direction, factor: (image - first).over(image) }, image)
}

impl<T: Float> Reflection<T> {
    /// Reflects the columns of a matrix from `column` on, in the rows from `row` on that the direction has.
    pub fn apply_to_rows(&self, a: &mut [T], width: usize, row: usize, column: usize) {
        if self.factor == T::ZERO {
            return;
        }
        for column in column..width {
            let place = |k: usize| (row + k) * width + column;
            let sum = self.direction.iter().enumerate().fold(T::ZERO, |sum, (k, &v)| sum + v * a[place(k)]);
            let share = self.factor * sum;
            self.direction.iter().enumerate().for_each(|(k, &v)| a[place(k)] -= share * v);
        }
    }
}
