//! Waiting for a store from code that is not asynchronous.

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Runtime};

/// What futures run on. A store's connections live as long as it does.
pub(crate) fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_io().enable_time().build()
}

/// Runs a future to its end, on a thread of its own: the caller may itself be inside an asynchronous runtime, which
/// could not be blocked.
pub(crate) fn wait<T: Send>(future: impl Future<Output = T> + Send) -> io::Result<T> {
    let runtime = runtime()?;
    let result = wait_on(&runtime, future);
    // Closing it waits for nothing, so that it may be done in an asynchronous runtime, too.
    runtime.shutdown_background();
    result
}

/// As [`wait`], on a runtime that goes on.
pub(crate) fn wait_on<T: Send>(runtime: &Runtime, future: impl Future<Output = T> + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let running = scope.spawn(move || runtime.block_on(future));
        running.join().map_err(|_| io::Error::other("the transfer's thread has panicked"))
    })
}
