//! Damaged files: an error or data, never a panic, a hang or memory beyond the file's size.

use std::time::{Duration, Instant};

use kerox_format_h5::keras::{ModelFile, WeightsTree};
use kerox_format_h5::{Error, H5File};
use kerox_tensor::trackable::TensorSource;

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../../golden/h5/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Reads everything there is; gives the number of tensors.
fn read_all(bytes: Vec<u8>) -> Result<usize, Error> {
    let file = H5File::from_bytes("damaged.h5", bytes)?;
    let mut tensors = 0;
    for info in file.entries() {
        tensors += usize::from(file.tensor(&info.name).is_ok());
    }
    let _ = ModelFile::new(file.clone());
    let _ = WeightsTree::new(file);
    Ok(tensors)
}

/// Numbers without a pattern: splitmix64.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

const FILES: [&str; 5] = ["k215_model.h5", "k215_weights.h5", "k315_w.weights.h5", "odd.h5", "odd_latest.h5"];

#[test]
fn a_file_cut_short_is_an_error_that_names_both_lengths() {
    for name in FILES {
        let bytes = golden(name);
        for len in (0..bytes.len()).step_by(bytes.len() / 200 + 1).chain([bytes.len() - 1]) {
            let error = H5File::from_bytes(name, bytes[..len].to_vec()).unwrap_err();
            assert!(matches!(error, Error::NotHdf5 { .. } | Error::Corrupt { .. }), "{name} {len}: {error}");
            if len >= 128 {
                let text = error.to_string();
                assert!(text.contains(&format!("expected a file of {} bytes, found {len};", bytes.len())), "{text}");
            }
        }
    }
}

#[test]
fn flipped_bytes_and_wild_numbers() {
    let start = Instant::now();
    let mut state = 1;
    let (mut errors, mut reads) = (0, 0);
    for name in FILES {
        let bytes = golden(name);
        for round in 0..250 {
            let mut damaged = bytes.clone();
            // Half of the damage goes to the first part, where the structures are.
            let reach = if round % 2 == 0 { damaged.len() } else { damaged.len().min(6000) };
            let at = random(&mut state) as usize % reach;
            match round % 3 {
                0 => damaged[at] ^= 1 << (random(&mut state) % 8),
                1 => damaged[at] = 0xff,
                _ => {
                    let wild = random(&mut state) >> (random(&mut state) % 64);
                    let end = (at + 8).min(damaged.len());
                    let len = end - at;
                    damaged[at..end].copy_from_slice(&wild.to_le_bytes()[..len]);
                }
            }
            let began = Instant::now();
            match read_all(damaged) {
                Ok(_) => reads += 1,
                Err(_) => errors += 1,
            }
            assert!(began.elapsed() < Duration::from_secs(5), "{name} round {round} at {at}");
        }
    }
    println!("{errors} errors, {reads} files read, {:?}", start.elapsed());
    assert!(errors > 50 && reads > 100);
}
