//! How many numbers the weights of a model from outside may have.

use std::cell::Cell;

thread_local! {
    static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Gives the limit of the scope around it back, also when the body panics.
struct Restore(Option<usize>);

impl Drop for Restore {
    fn drop(&mut self) {
        LEFT.set(self.0);
    }
}

/// Runs `body`; layers that it builds on this thread may have weights of so many elements together. What goes beyond is
/// refused before it is allocated. The limit of an outer scope holds too.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, core::Dense, limit_weights};
/// let error = limit_weights(1_000_000, || Dense::new(1_000_000_000).on(Input([784]))).unwrap_err();
/// assert!(error.to_string().contains("expected at most 1000000 elements"), "{error}");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
pub fn limit_weights<R>(elements: usize, body: impl FnOnce() -> R) -> R {
    let outer = LEFT.get();
    let _restore = Restore(outer);
    LEFT.set(Some(outer.map_or(elements, |outer| outer.min(elements))));
    body()
}

/// Takes so many elements from what is left; gives what is left where that is less.
pub(crate) fn take(elements: usize) -> Result<(), usize> {
    let Some(left) = LEFT.get() else { return Ok(()) };
    match left.checked_sub(elements) {
        Some(rest) => {
            LEFT.set(Some(rest));
            Ok(())
        }
        None => Err(left),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_nest() {
        limit_weights(10, || {
            limit_weights(100, || assert_eq!(take(11), Err(10)));
            limit_weights(3, || assert_eq!((take(3), take(1)), (Ok(()), Err(0))));
            assert_eq!(take(10), Ok(()));
        });
        assert_eq!(take(usize::MAX), Ok(()));
    }
}
