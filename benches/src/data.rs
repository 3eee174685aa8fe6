//! The data that both halves train on.

use kerox::prelude::*;
use kerox::tensor::random::Generator;

use crate::Result;

/// Images as rows of 784 numbers in [0, 1], and labels: MNIST where it is, else noise of the same shape.
pub fn digits(count: usize) -> Result<(Tensor, Tensor)> {
    let (pixels, labels) = match kerox::datasets::mnist::load_data() {
        Ok(((images, labels), _)) => (images.as_slice::<u8>()?.to_vec(), labels.as_slice::<u8>()?.to_vec()),
        Err(_) => {
            let mut state = 1u32;
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            };
            ((0..2000 * 784).map(|_| next()).collect(), (0..2000).map(|_| next() % 10).collect())
        }
    };
    let rows = labels.len();
    let mut x = Vec::with_capacity(count * 784);
    let mut y = Vec::with_capacity(count);
    for i in 0..count {
        let row = i % rows;
        x.extend(pixels[row * 784..][..784].iter().map(|&p| f32::from(p) / 255.0));
        y.push(i64::from(labels[row]));
    }
    Ok((Tensor::from_vec(x, [count, 784])?, Tensor::from_vec(y, [count])?))
}

/// The same as images of 28 by 28 pixels.
pub fn images(count: usize) -> Result<(Tensor, Tensor)> {
    let (x, y) = digits(count)?;
    Ok((x.reshape([count, 28, 28, 1])?, y))
}

/// Texts of 200 words and their labels, made up.
pub fn words(count: usize) -> Result<(Tensor, Tensor)> {
    let mut state = 1u32;
    let mut next = |n: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % n
    };
    let x = (0..count * 200).map(|_| 1 + next(4999) as i32).collect();
    let y = (0..count).map(|_| next(2) as f32).collect();
    Ok((Tensor::from_vec(x, [count, 200])?, Tensor::from_vec(y, [count, 1])?))
}

/// Images of 96 by 96 pixels in colour and their labels, made up.
pub fn pictures(count: usize) -> Result<(Tensor, Tensor)> {
    let labels = (0..count as i64).map(|i| i * 7 % 10).collect();
    Ok((noise([count, 96, 96, 3])?, Tensor::from_vec(labels, [count])?))
}

/// Numbers in [0, 1).
pub fn noise(shape: [usize; 4]) -> Result<Tensor> {
    Ok(Generator::from_seed(1).uniform(DType::F32, shape)?)
}
