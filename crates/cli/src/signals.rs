//! Ctrl-C and what else ends a process from outside: no save is left half done, nothing is left beside its target.
//!
//! Training is ended after the batch under way; a second signal, or one at any other time, ends the command at once.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, LazyLock};

/// Set by the first signal while a model is trained.
static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
/// Whether a model is being trained.
static TRAINING: AtomicBool = AtomicBool::new(false);
/// The exit code that the latest signal stands for.
static CODE: AtomicU8 = AtomicU8::new(130);

/// Begins to listen.
#[cfg(unix)]
pub fn listen() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    // What the shell or `nohup` has switched off stays off.
    let ignored = ignored();
    let wanted = [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
    let Ok(mut signals) = signal_hook::iterator::Signals::new(wanted) else { return };
    let listener = std::thread::Builder::new().name("signals".into());
    // Without the thread signals end the process as they always do.
    let _ = listener.spawn(move || {
        for signal in signals.forever() {
            let code = 128 + signal;
            CODE.store(u8::try_from(code).unwrap_or(1), Ordering::SeqCst);
            if TRAINING.load(Ordering::SeqCst) && !INTERRUPTED.swap(true, Ordering::SeqCst) {
                continue;
            }
            kerox::saving::abandon_saves();
            signal_hook::low_level::exit(code);
        }
    });
}

#[cfg(not(unix))]
pub fn listen() {}

/// The signals that were switched off when the process was started: a bit each, from signal 1 on.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).map(str::trim);
    // Where the system does not say, hanging up is left alone.
    mask.and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(1 << (signal_hook::consts::SIGHUP - 1))
}

/// Trains: a signal sets the flag instead of ending the process.
pub fn while_training<T>(train: impl FnOnce(Arc<AtomicBool>) -> T) -> T {
    TRAINING.store(true, Ordering::SeqCst);
    let result = train(INTERRUPTED.clone());
    TRAINING.store(false, Ordering::SeqCst);
    result
}

/// The exit code of a command that a signal has ended in the middle of training: 130 for ctrl-C.
pub fn exit_code() -> Option<u8> {
    INTERRUPTED.load(Ordering::SeqCst).then(|| CODE.load(Ordering::SeqCst))
}
