//! The policy of layers that are given none: in which type they compute and in which they keep their variables.

use std::cell::RefCell;

use crate::error::did_you_mean;
use crate::{DTypePolicy, Error, Result};

thread_local! {
    static GLOBAL: RefCell<Option<DTypePolicy>> = const { RefCell::new(None) };
}

/// The policies that compute in another type than they keep variables in.
const MIXED: [&str; 2] = ["mixed_float16", "mixed_bfloat16"];

/// Sets the policy of every layer made in this thread from now on: `mixed_float16` and `mixed_bfloat16` compute in half
/// precision and keep variables in single precision; `float32`, `float64`, `float16` and `bfloat16` do both in that
/// type.
///
/// A model compiled under `mixed_float16` scales its loss, so that small gradients are not lost.
///
/// # Errors
/// [`Error::UnknownName`] for any other name.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, core::Dense, mixed_precision};
/// use kerox_tensor::DType;
/// mixed_precision::set_global_policy("mixed_float16")?;
/// let y = Dense::new(4).on(&Input([3]))?;
/// assert_eq!(y.dtype(), DType::F16);
/// assert_eq!(y.node.layer.weights()[0].variable.dtype(), DType::F32);
/// mixed_precision::set_global_policy("float32")?;
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.mixed_precision.set_global_policy`, `keras.config.set_dtype_policy` of Keras 3; Micikevicius et al., 2017.
pub fn set_global_policy(name: &str) -> Result<()> {
    let known = ["mixed_float16", "mixed_bfloat16", "float16", "bfloat16", "float32", "float64"];
    let policy = DTypePolicy::from_name(name).filter(|policy| policy.compute.is_float());
    let policy = policy.ok_or_else(|| Error::UnknownName {
        kind: "dtype policy".into(),
        name: name.into(),
        known: known.join(", "),
        hint: did_you_mean(name, known.into_iter()),
    })?;
    GLOBAL.with(|global| *global.borrow_mut() = Some(policy));
    Ok(())
}

/// The policy of layers that are given none; `float32` unless set.
///
/// # Source
/// `keras.mixed_precision.global_policy`.
pub fn global_policy() -> DTypePolicy {
    GLOBAL.with(|global| global.borrow().clone()).unwrap_or_default()
}

impl DTypePolicy {
    /// Whether variables are kept in another type than is computed in.
    pub fn is_mixed(&self) -> bool {
        MIXED.contains(&self.name.as_str())
    }
}
