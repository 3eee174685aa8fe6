//! Batches of arrays.

use kerox_tensor::{Element, Shape, Tensor, each_buffer};

use crate::Result;

/// The arrays of one step, each `[batch, ...]`.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Inputs in the model's order.
    pub x: Vec<Tensor>,
    /// Targets in the order of the outputs; empty for prediction.
    pub y: Vec<Tensor>,
    /// Weights of the samples, one array an output or one for all; empty where all count alike.
    pub sample_weight: Vec<Tensor>,
}

impl Batch {
    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.x.first().and_then(|t| t.shape().first().copied()).unwrap_or(0)
    }
}

/// Something that gives batches: a generator, a queue, a file.
///
/// # Source
/// `keras.utils.Sequence`, Python generators given to `fit`.
pub trait DataSource: Send {
    /// The next batch; `None` at the end of the data.
    ///
    /// # Errors
    /// Whatever the source fails with.
    fn next_batch(&mut self) -> std::result::Result<Option<Batch>, Box<dyn std::error::Error + Send + Sync>>;

    /// Number of batches of an epoch, if known.
    fn steps(&self) -> Option<usize> {
        None
    }

    /// Is called after each epoch.
    fn on_epoch_end(&mut self) {}
}

/// Arrays cut into batches, in an order that may change every epoch. The batch is copied into memory that is used
/// again and again.
pub struct Batches {
    arrays: Batch,
    samples: usize,
    batch_size: usize,
    order: Option<Vec<u32>>,
    batch: Batch,
}

impl Batches {
    /// Cuts `arrays` into batches of `batch_size` samples; the last may be smaller.
    pub fn new(arrays: Batch, batch_size: usize) -> Batches {
        let samples = arrays.samples();
        Batches { arrays, samples, batch_size: batch_size.max(1), order: None, batch: Batch::default() }
    }

    /// Number of batches.
    pub fn steps(&self) -> usize {
        self.samples.div_ceil(self.batch_size)
    }

    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The order in which samples are taken; `None` for the order of the arrays.
    pub fn order_mut(&mut self) -> &mut Option<Vec<u32>> {
        &mut self.order
    }

    /// Batch `step`.
    ///
    /// # Errors
    /// None at present.
    pub fn batch(&mut self, step: usize) -> Result<&Batch> {
        let start = (step * self.batch_size).min(self.samples);
        let end = (start + self.batch_size).min(self.samples);
        let rows = match &self.order {
            Some(order) => Rows::Picked(&order[start..end]),
            None => Rows::Range(start, end),
        };
        copy_rows(&self.arrays.x, &mut self.batch.x, rows)?;
        copy_rows(&self.arrays.y, &mut self.batch.y, rows)?;
        copy_rows(&self.arrays.sample_weight, &mut self.batch.sample_weight, rows)?;
        Ok(&self.batch)
    }

    /// Batch `step`, with its memory: [`Batches::give_back`] returns it.
    ///
    /// # Errors
    /// None at present.
    pub(crate) fn take(&mut self, step: usize) -> Result<Batch> {
        self.batch(step)?;
        Ok(std::mem::take(&mut self.batch))
    }

    /// Returns the memory of a batch to be filled again.
    pub(crate) fn give_back(&mut self, batch: Batch) {
        self.batch = batch;
    }
}

#[derive(Clone, Copy)]
enum Rows<'a> {
    Range(usize, usize),
    Picked(&'a [u32]),
}

impl Rows<'_> {
    fn len(self) -> usize {
        match self {
            Rows::Range(start, end) => end - start,
            Rows::Picked(rows) => rows.len(),
        }
    }
}

fn copy_rows(from: &[Tensor], to: &mut Vec<Tensor>, rows: Rows<'_>) -> Result<()> {
    for (i, source) in from.iter().enumerate() {
        let fits = to.get(i).is_some_and(|t| t.shape().first() == Some(&rows.len()));
        if !fits {
            let shape: Shape = std::iter::once(rows.len()).chain(source.shape().iter().skip(1).copied()).collect();
            let empty = Tensor::zeros(source.dtype(), shape)?;
            if i < to.len() {
                to[i] = empty;
            } else {
                to.push(empty);
            }
        }
        let row: usize = source.shape().iter().skip(1).product();
        each_buffer!(source.buffer(), v => copy(v, to[i].as_mut_slice()?, row, rows));
    }
    Ok(())
}

fn copy<T: Element>(from: &[T], to: &mut [T], row: usize, rows: Rows<'_>) {
    match rows {
        Rows::Range(start, end) => to.clone_from_slice(&from[start * row..end * row]),
        Rows::Picked(picked) if row > 0 => {
            for (target, &i) in to.chunks_exact_mut(row).zip(picked) {
                target.clone_from_slice(&from[i as usize * row..][..row]);
            }
        }
        Rows::Picked(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batches(order: Option<Vec<u32>>) -> Vec<Vec<f32>> {
        let x = Tensor::from_vec((0..10).map(|i| i as f32).collect(), [5, 2]).unwrap();
        let mut batches = Batches::new(Batch { x: vec![x], ..Batch::default() }, 2);
        *batches.order_mut() = order;
        (0..batches.steps()).map(|i| batches.batch(i).unwrap().x[0].as_slice::<f32>().unwrap().to_vec()).collect()
    }

    #[test]
    fn the_last_batch_is_kept() {
        assert_eq!(batches(None), [vec![0., 1., 2., 3.], vec![4., 5., 6., 7.], vec![8., 9.]]);
    }

    #[test]
    fn samples_follow_the_order() {
        let order = Some(vec![4, 0, 3, 1, 2]);
        assert_eq!(batches(order), [vec![8., 9., 0., 1.], vec![6., 7., 2., 3.], vec![4., 5.]]);
    }
}
