//! Writes and reads a 400 MB checkpoint beside plain `write`, `fsync` and `read` of the same bytes, alternating.
//!
//! `cargo bench -p kerox-format-ckpt`; the directory is `KEROX_BENCH_DIR`, or else the system's for temporary files.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use kerox_format_ckpt::{WriteOptions, load_weights, save_weights};
use kerox_tensor::trackable::TrackableList;
use kerox_tensor::{Child, Tensor, Variable};

const VARIABLES: usize = 25;
const ELEMENTS: usize = 4_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `cargo test --benches` only wants to see that this runs.
    let (variables, elements) = match std::env::args().any(|a| a == "--bench") {
        true => (VARIABLES, ELEMENTS),
        false => (2, 1000),
    };
    let base = std::env::var_os("KEROX_BENCH_DIR").map_or_else(std::env::temp_dir, Into::into);
    let dir = tempfile::tempdir_in(base)?;
    let list: Vec<Child> = (0..variables)
        .map(|i| {
            let values: Vec<f32> = (0..elements).map(|k| (k * (i + 1)) as f32).collect();
            Ok(Child::Variable(Variable::new(format!("v{i}"), Tensor::from_vec(values, [elements])?, true)))
        })
        .collect::<kerox_tensor::Result<_>>()?;
    let bytes = vec![7u8; 4 * variables * elements];
    let root = Arc::new(TrackableList(list));
    let mut best = [f64::INFINITY; 4];
    for _ in 0..3 {
        let times = [
            time(|| plain_write(&dir.path().join("plain"), &bytes))?,
            time(|| Ok(save_weights(root.clone(), dir.path().join("cp"), &WriteOptions::new())?))?,
            time(|| plain_read(&dir.path().join("plain"), bytes.len()))?,
            time(|| Ok(load_weights(root.clone(), dir.path().join("cp"))?.assert_consumed().map(|_| ())?))?,
        ];
        for (best, time) in best.iter_mut().zip(times) {
            *best = best.min(time);
        }
    }
    let peak = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = peak.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("").to_string();
    let [write, save, read, load] = best;
    println!("write + fsync {:8.1} ms   save {:8.1} ms   {:.2}", write * 1e3, save * 1e3, save / write);
    println!("read          {:8.1} ms   load {:8.1} ms   {:.2}   {peak}", read * 1e3, load * 1e3, load / read);
    Ok(())
}

fn time(work: impl FnOnce() -> Result<(), Box<dyn std::error::Error>>) -> Result<f64, Box<dyn std::error::Error>> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}

fn plain_write(path: &Path, bytes: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    Ok(file.sync_all()?)
}

fn plain_read(path: &Path, length: usize) -> Result<(), Box<dyn std::error::Error>> {
    let mut bytes = vec![0; length];
    Ok(File::open(path)?.read_exact(&mut bytes)?)
}
