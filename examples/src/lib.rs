//! Lessons on kerox, one folder and one binary each; `README.md` lists them.
#![forbid(unsafe_code)]

use kerox::datasets::digits;
use kerox::prelude::*;

/// What the lessons fail with.
pub type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// The digits that ship with kerox, as rows of 64 numbers from 0 to 1: images and labels for training, then for testing.
///
/// # Errors
/// None at present.
pub fn digit_rows() -> Result<((Tensor, Tensor), (Tensor, Tensor))> {
    let ((x_train, y_train), (x_test, y_test)) = digits::load_data()?;
    let rows = |images: &Tensor| -> Result<Tensor> {
        let numbers = images.as_slice::<u8>()?.iter().map(|&p| f32::from(p) / 16.0).collect();
        Ok(Tensor::from_vec(numbers, [images.shape()[0], 64])?)
    };
    Ok(((rows(&x_train)?, y_train), (rows(&x_test)?, y_test)))
}

/// A folder of this run, empty.
///
/// # Errors
/// Where it cannot be made.
pub fn folder(name: &str) -> Result<std::path::PathBuf> {
    let folder = std::env::temp_dir().join(format!("kerox-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
