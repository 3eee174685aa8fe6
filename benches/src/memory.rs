//! The most memory that saving and loading 400 MB takes.

use std::path::Path;

use crate::{BENCHES, Result};

/// The word that tells a fresh process to do that alone.
pub const MEMORY: &str = "memory";

/// Runs a benchmark once and prints the memory before, the most there was, and what was beyond the weights, in MB of a
/// million bytes.
pub fn measure(bench: &str, folder: &Path) -> Result<()> {
    let (_, prepare) = BENCHES.iter().find(|(name, _)| *name == bench).ok_or("there is no benchmark of that name")?;
    let mut run = prepare(folder)?;
    let before = status("VmRSS:")?;
    // What building the model took at most is forgotten.
    std::fs::write("/proc/self/clear_refs", "5")?;
    run()?;
    let most = status("VmHWM:")?;
    println!("{bench} {before:.0} {most:.0} {:.0}", most - 400.0);
    Ok(())
}

/// A number that Linux keeps about this process.
fn status(field: &str) -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(field)).ok_or("no such number")?;
    let kibibytes: f64 = line.split_whitespace().nth(1).ok_or("no number")?.parse()?;
    Ok(kibibytes * 1024.0 / 1e6)
}
