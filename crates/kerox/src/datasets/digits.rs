//! 1,797 handwritten digits of 8 by 8 pixels; they ship with the crate.

use super::{Result, Split, arrays, split_at};

/// Loads the digits: 1,500 for training, 297 for testing.
///
/// # Shapes
/// images u8 `[samples, 8, 8]` from 0 to 16, labels u8 `[samples]` from 0 to 9.
///
/// # Errors
/// None at present.
///
/// # Example
/// ```
/// let ((x_train, y_train), (x_test, _)) = kerox::datasets::digits::load_data()?;
/// assert_eq!(x_train.shape()[..], [1500, 8, 8]);
/// assert_eq!(y_train.shape()[..], [1500]);
/// assert_eq!(x_test.shape()[..], [297, 8, 8]);
/// # Ok::<(), kerox::datasets::Error>(())
/// ```
///
/// # Source
/// "Optical Recognition of Handwritten Digits", E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, CC BY 4.0.
pub fn load_data() -> Result<(Split, Split)> {
    let bytes = include_bytes!("../../data/digits.npz");
    let [images, labels] = arrays(bytes, "digits.npz", ["images", "labels"])?;
    let ((x_train, x_test), (y_train, y_test)) = (split_at(&images, 1500)?, split_at(&labels, 1500)?);
    Ok(((x_train, y_train), (x_test, y_test)))
}
