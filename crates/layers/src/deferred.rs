//! First values that are made only where no file has a value.

use std::cell::RefCell;

use kerox_tensor::{DType, Shape, Tensor, Variable};

use crate::Result;
use crate::initializers::Initializer;

/// Weights of fewer elements get their first value at once.
const LEAST: usize = 64;

thread_local! {
    static WAITING: RefCell<Option<Vec<Waiting>>> = const { RefCell::new(None) };
}

/// A variable whose first value is still to be made.
struct Waiting {
    variable: Variable,
    /// The zeros it has meanwhile: memory that nobody has touched takes none.
    zeros: Tensor,
    initializer: Initializer,
}

/// Puts the list of the scope around it back, also when the body panics.
struct Restore(Option<Vec<Waiting>>);

impl Drop for Restore {
    fn drop(&mut self) {
        WAITING.set(self.0.take());
    }
}

/// Runs `body`, which builds layers on this thread and gives their weights values of a file. The initializer of a weight
/// runs when `body` has succeeded, and only where the weight has got no value: so random numbers are not made to be thrown
/// away, and the two never take memory together.
///
/// # Errors
/// Those of `body`, and of initializers.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerRef, core::Dense, defer_initializers};
/// let layer = LayerRef::from(Dense::new(40));
/// let is_zero = |layer: &LayerRef| layer.get_weights()[0].as_slice::<f32>().unwrap().iter().all(|&w| w == 0.0);
/// defer_initializers(|| {
///     layer.on(&Input([30]))?;
///     assert!(is_zero(&layer));
///     Ok::<_, kerox_layers::Error>(())
/// })?;
/// assert!(!is_zero(&layer));
/// # Ok::<(), kerox_layers::Error>(())
/// ```
pub fn defer_initializers<R, E: From<crate::Error>>(body: impl FnOnce() -> Result<R, E>) -> Result<R, E> {
    let _restore = Restore(WAITING.replace(Some(Vec::new())));
    let result = body()?;
    for waiting in WAITING.take().unwrap_or_default() {
        let Waiting { variable, zeros, initializer } = waiting;
        if variable.read().shares(&zeros) {
            let value = initializer.sample(variable.shape(), variable.dtype())?;
            variable.assign(value).map_err(crate::Error::from)?;
        }
    }
    Ok(result)
}

/// The zeros for a weight whose first value may wait; `None` where it may not.
pub(crate) fn zeros(shape: &Shape, dtype: DType) -> Option<Tensor> {
    let waits = WAITING.with_borrow(Option::is_some);
    (waits && dtype.is_float() && shape.elements() >= LEAST).then(|| Tensor::zeros(dtype, shape.clone()).ok()).flatten()
}

/// Notes that a variable has zeros for the time being.
pub(crate) fn wait(variable: &Variable, zeros: Tensor, initializer: &Initializer) {
    WAITING.with_borrow_mut(|list| {
        if let Some(list) = list {
            list.push(Waiting { variable: variable.clone(), zeros, initializer: initializer.clone() });
        }
    });
}
