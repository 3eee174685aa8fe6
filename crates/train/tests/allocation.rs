//! Training, testing and prediction allocate nothing from one batch to the next.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

static COUNT: AtomicUsize = AtomicUsize::new(0);

// The counter needs an allocator of its own, which only unsafe code can be.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

use kerox_layers::activation::ActivationLayer;
use kerox_layers::conv::Conv2D;
use kerox_layers::core::{Dense, Embedding};
use kerox_layers::models::Sequential;
use kerox_layers::normalization::BatchNormalization;
use kerox_layers::pooling::MaxPooling2D;
use kerox_layers::regularization::Dropout;
use kerox_layers::reshaping::Flatten;
use kerox_layers::rnn::LSTM;
use kerox_layers::{ActivationOptions, LayerExt};
use kerox_tensor::Tensor;
use kerox_train::callbacks::{Callback, Context, Logs};
use kerox_train::losses::SparseCategoricalCrossentropy;
use kerox_train::{Evaluate, Fit, Model, Predict, Result};

/// Batches at the beginning, in which memory is fetched once for all.
const FIRST: usize = 3;
const BATCHES: usize = 12;
const BATCH: usize = 8;

/// The number of allocations at the end of each batch.
struct Watch<'a>(&'a mut Vec<usize>);

impl Watch<'_> {
    fn note(&mut self) -> Result<()> {
        // There is room for all.
        self.0.push(COUNT.load(Ordering::Relaxed));
        Ok(())
    }
}

impl Callback for Watch<'_> {
    fn class_name(&self) -> &str {
        "Watch"
    }
    fn on_train_batch_end(&mut self, _: &mut Context<'_>, _: usize, _: &Logs) -> Result<()> {
        self.note()
    }
    fn on_test_batch_end(&mut self, _: &mut Context<'_>, _: usize, _: &Logs) -> Result<()> {
        self.note()
    }
    fn on_predict_batch_end(&mut self, _: &mut Context<'_>, _: usize) -> Result<()> {
        self.note()
    }
}

/// A thread that first gets work in a late batch fetches its room then, once: one of three runs has to be without.
fn check(what: &str, mut run: impl FnMut(Watch<'_>) -> Result<()>) {
    let mut seen = Vec::new();
    for _ in 0..3 {
        let mut counts = Vec::with_capacity(BATCHES);
        run(Watch(&mut counts)).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!(counts.len(), BATCHES, "{what}");
        let steps: Vec<usize> = counts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        if steps[FIRST..].iter().all(|&n| n == 0) {
            return;
        }
        seen.push(steps);
    }
    panic!("{what}: allocations by batch: {seen:?}");
}

fn check_model(name: &str, mut model: Model, x: &Tensor) {
    let samples = BATCH * BATCHES;
    let y = Tensor::from_vec((0..samples as i64).map(|i| i % 10).collect(), [samples]).unwrap();
    for optimizer in ["adam", "sgd", "rmsprop"] {
        let loss = SparseCategoricalCrossentropy::from_logits();
        model.compile(optimizer, loss, ["accuracy"]).unwrap();
        check(&format!("{name}: fit with {optimizer}"), |watch| {
            model.fit(x, &y, Fit::default().batch_size(BATCH).verbose(0).callback(watch)).map(drop)
        });
    }
    check(&format!("{name}: evaluate"), |watch| {
        model.evaluate(x, &y, Evaluate::default().batch_size(BATCH).verbose(0).callback(watch)).map(drop)
    });
    check(&format!("{name}: predict"), |watch| {
        model.predict(x, Predict::default().batch_size(BATCH).verbose(0).callback(watch)).map(drop)
    });
}

fn numbers(shape: &[usize]) -> Tensor {
    let n = shape.iter().product();
    Tensor::from_vec((0..n).map(|i| (i * 7919 % 1009) as f32 / 1009.0).collect(), shape).unwrap()
}

// One test: the counter counts what other threads allocate as well.
#[test]
fn batches_allocate_nothing() {
    let samples = BATCH * BATCHES;
    let mlp = Sequential::new();
    mlp.add(Dense::new(64).activation("relu").input_shape([784]));
    mlp.add(Dropout::new(0.2));
    mlp.add(Dense::new(10));
    check_model("mlp", Model::new(mlp), &numbers(&[samples, 784]));
    let cnn = Sequential::new();
    cnn.add(Conv2D::new(8, [3, 3]).input_shape([28, 28, 1]));
    cnn.add(BatchNormalization::new());
    cnn.add(ActivationLayer::new("relu"));
    cnn.add(MaxPooling2D::new([2, 2]));
    cnn.add(Conv2D::new(16, [3, 3]).activation("relu"));
    cnn.add(MaxPooling2D::new([2, 2]));
    cnn.add(Flatten::new());
    cnn.add(Dense::new(10));
    check_model("cnn", Model::new(cnn), &numbers(&[samples, 28, 28, 1]));
    let lstm = Sequential::new();
    lstm.add(Embedding::new(50, 8).input_length(30));
    lstm.add(LSTM::new(20));
    lstm.add(Dense::new(10));
    let words = (0..samples * 30).map(|i| (i * 31 % 50) as i32).collect();
    check_model("lstm", Model::new(lstm), &Tensor::from_vec(words, [samples, 30]).unwrap());
}
