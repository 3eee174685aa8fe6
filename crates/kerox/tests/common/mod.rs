//! Recorded models of an area of `golden/`: their arrays, and how they are held against Keras's.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use kerox::prelude::*;
use kerox::tensor::npz::Npz;

/// A file of an area.
pub fn golden(area: &str, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden").join(area).join(name)
}

/// Arrays of a case.
pub fn arrays<const N: usize>(area: &str, case: &str, names: [&str; N]) -> [Tensor; N] {
    let bytes = fs::read(golden(area, &format!("{case}.npz"))).unwrap();
    let mut archive = Npz::open(Cursor::new(bytes), case).unwrap();
    names.map(|name| archive.read(name).unwrap())
}

/// Equal within that much, relative to 1 + |x|.
pub fn assert_within(most: f32, found: &Tensor, expected: &Tensor, what: &str) {
    assert_eq!(found.shape(), expected.shape(), "{what}");
    for (a, b) in found.as_slice::<f32>().unwrap().iter().zip(expected.as_slice::<f32>().unwrap()) {
        assert!((a - b).abs() <= most * (1.0 + b.abs()), "{what}: {a} instead of {b}");
    }
}

/// The one output.
pub fn predict(model: &mut Model, ids: &Tensor) -> Tensor {
    model.predict(ids, Predict::default().verbose(0)).unwrap().remove(0)
}

/// The loss of each of so many steps on one batch.
pub fn train(model: &mut Model, ids: &Tensor, labels: &Tensor, steps: usize) -> Tensor {
    let step = |_| model.train_on_batch(ids, labels, None).unwrap().get("loss").unwrap() as f32;
    Tensor::from_vec((0..steps).map(step).collect::<Vec<f32>>(), [steps]).unwrap()
}
