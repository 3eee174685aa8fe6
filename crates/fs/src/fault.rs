//! Named points between the steps of a save, at which tests stop the process or make the step fail.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

type Hook = Arc<dyn Fn(&'static str) -> io::Result<()> + Send + Sync>;

static SET: AtomicBool = AtomicBool::new(false);
static HOOK: Mutex<Option<Hook>> = Mutex::new(None);

/// Sets the hook of this process. It is called with the step's name before the step; an error makes the step fail.
pub fn on_step(hook: impl Fn(&'static str) -> io::Result<()> + Send + Sync + 'static) {
    *HOOK.lock().unwrap_or_else(|p| p.into_inner()) = Some(Arc::new(hook));
    SET.store(true, Ordering::Release);
}

/// A point before a step.
pub fn step(name: &'static str) -> io::Result<()> {
    if !SET.load(Ordering::Acquire) {
        return Ok(());
    }
    let hook = HOOK.lock().unwrap_or_else(|p| p.into_inner()).clone();
    hook.map_or(Ok(()), |hook| hook(name))
}
