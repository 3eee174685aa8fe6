//! Waiting for a store from code that is not asynchronous.

use std::future::Future;

/// Runs a future to its end, on a thread of its own: the caller may itself be inside an asynchronous runtime, which
/// could not be blocked.
pub(crate) fn wait<T: Send>(future: impl Future<Output = T> + Send) -> std::io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    std::thread::scope(|scope| {
        let running = scope.spawn(move || runtime.block_on(future));
        running.join().map_err(|_| std::io::Error::other("the transfer's thread has panicked"))
    })
}
