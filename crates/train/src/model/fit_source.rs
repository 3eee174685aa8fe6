//! Where the batches of `fit` come from, and in which order.

use crate::data::{Batch, Batches, DataSource};
use crate::{Error, Result};

/// Where the batches of an epoch come from.
pub(super) enum Source<'s> {
    /// `passes`: how often the data may still be gone through; `goes_on`: whether an epoch begins where the one before
    /// ended instead of at the first batch.
    Arrays {
        batches: Batches,
        shuffle: bool,
        position: usize,
        passes: usize,
        goes_on: bool,
    },
    Stream(&'s mut dyn DataSource),
}

impl Source<'_> {
    /// The first batch, for its types and shapes. A stream's first batch has to be given to `next`.
    pub(super) fn peek(&mut self) -> Result<Option<Batch>> {
        match self {
            Source::Arrays { batches, .. } => Ok(Some(batches.batch(0)?.clone())),
            Source::Stream(source) => source.next_batch().map_err(stream_error),
        }
    }

    pub(super) fn start_epoch(&mut self) {
        if let Source::Arrays { batches, position, goes_on: false, .. } = self {
            *position = batches.steps();
        }
    }

    pub(super) fn next(&mut self, pending: Option<Batch>, order: &mut Order) -> Result<Option<Batch>> {
        match self {
            Source::Arrays { batches, position, shuffle, passes, .. } => {
                if *position >= batches.steps() {
                    if *passes == 0 {
                        return Ok(None);
                    }
                    *passes -= 1;
                    *position = 0;
                    if *shuffle {
                        let samples = batches.samples();
                        order.shuffle(samples, batches.order_mut());
                    }
                }
                *position += 1;
                batches.take(*position - 1).map(Some)
            }
            Source::Stream(source) => match pending {
                Some(batch) => Ok(Some(batch)),
                None => source.next_batch().map_err(stream_error),
            },
        }
    }

    /// Gives the memory of a batch back to be filled again.
    pub(super) fn give_back(&mut self, batch: Batch) {
        if let Source::Arrays { batches, .. } = self {
            batches.give_back(batch);
        }
    }
}

fn stream_error(source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::Callback { callback: "DataSource".into(), event: "next batch".into(), source }
}

/// The order in which samples are taken.
pub(super) struct Order {
    pub(super) generator: kerox_layers::random::Generator,
}

impl Order {
    pub(super) fn new(seed: u64) -> Order {
        Order { generator: kerox_layers::random::Generator::new(seed) }
    }

    /// A number below `n`, each with the same probability.
    fn below(&mut self, n: u64) -> u64 {
        loop {
            let mut words = [0u32; 2];
            self.generator.fill(&mut words);
            let word = u64::from(words[0]) << 32 | u64::from(words[1]);
            // The last, incomplete run of multiples would favour small numbers.
            if word < u64::MAX - u64::MAX % n {
                return word % n;
            }
        }
    }

    pub(super) fn shuffle(&mut self, samples: usize, order: &mut Option<Vec<u32>>) {
        let order = order.get_or_insert_with(|| (0..samples as u32).collect());
        // Fisher-Yates from the identity: the order depends on the generator's state alone.
        order.iter_mut().enumerate().for_each(|(i, o)| *o = i as u32);
        for i in (1..samples).rev() {
            order.swap(i, self.below(i as u64 + 1) as usize);
        }
    }
}
