//! Random numbers of layers and training: one seed for all, unless a layer has its own.

use std::cell::RefCell;

pub use kerox_graph::Generator;

thread_local! {
    static GLOBAL: RefCell<Option<Generator>> = const { RefCell::new(None) };
}

/// Makes everything random that follows in this thread repeatable: initial weights, dropout, the order of samples.
///
/// # Source
/// `keras.utils.set_random_seed`.
pub fn set_random_seed(seed: u64) {
    GLOBAL.with(|global| *global.borrow_mut() = Some(Generator::new(seed)));
}

/// A new seed from the global generator of this thread.
pub fn next_seed() -> u64 {
    GLOBAL.with(|global| {
        let mut global = global.borrow_mut();
        let generator = global.get_or_insert_with(|| Generator::new(seed_from_system()));
        let mut words = [0u32; 2];
        generator.fill(&mut words);
        u64::from(words[0]) << 32 | u64::from(words[1])
    })
}

/// A seed that differs from run to run.
fn seed_from_system() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}
