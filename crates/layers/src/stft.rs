//! Windows and the waves that short pieces of sound are compared with.

use std::f64::consts::PI;

/// Names of the windows there are.
const NAMES: &[&str] = &[
    "hann",
    "hamming",
    "blackman",
    "boxcar",
    "bartlett",
    "triang",
    "cosine",
    "nuttall",
    "blackmanharris",
    "flattop",
    "bohman",
    "barthann",
    "parzen",
];

/// The names of the windows there are, for errors.
pub(crate) fn window_names() -> String {
    let names: Vec<String> = NAMES.iter().map(|name| format!("`{name}`")).collect();
    format!("one of {}", names.join(", "))
}

/// A window of that length, where there is one of that name. A periodic one is a symmetric one of one more element, without
/// the last.
///
/// # Source
/// `scipy.signal.get_window`.
pub(crate) fn window(name: &str, length: usize, periodic: bool) -> Option<Vec<f64>> {
    if length <= 1 {
        return Some(vec![1.0; length]);
    }
    let n = if periodic { length + 1 } else { length };
    let last = (n - 1) as f64;
    let cosines = |parts: &[f64]| -> Vec<f64> {
        let at = |i: usize| {
            let turn = 2.0 * PI * i as f64 / last;
            let part = |(k, a): (usize, &f64)| if k % 2 == 0 { *a } else { -a } * (k as f64 * turn).cos();
            parts.iter().enumerate().map(part).sum()
        };
        (0..n).map(at).collect()
    };
    let of = |f: &dyn Fn(f64) -> f64| -> Vec<f64> { (0..n).map(|i| f(i as f64)).collect() };
    let mut window = match name {
        "hann" | "hanning" | "han" => cosines(&[0.5, 0.5]),
        "hamming" | "hamm" | "ham" => cosines(&[0.54, 0.46]),
        "blackman" | "black" | "blk" => cosines(&[0.42, 0.5, 0.08]),
        "nuttall" | "nutl" | "nut" => cosines(&[0.3635819, 0.4891775, 0.1365995, 0.0106411]),
        "blackmanharris" | "blackharr" | "bkh" => cosines(&[0.35875, 0.48829, 0.14128, 0.01168]),
        "flattop" | "flat" | "flt" => cosines(&[0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368]),
        "boxcar" | "box" | "ones" | "rect" | "rectangular" => vec![1.0; n],
        "bartlett" | "bart" | "brt" => of(&|i| 1.0 - (2.0 * i / last - 1.0).abs()),
        "triang" | "triangle" | "tri" => {
            let width = if n % 2 == 0 { n as f64 } else { n as f64 + 1.0 };
            of(&|i| 1.0 - (2.0 * i - last).abs() / width)
        }
        "cosine" | "halfcosine" => of(&|i| (PI / n as f64 * (i + 0.5)).sin()),
        "bohman" | "bman" | "bmn" => of(&|i| {
            let x = (2.0 * i / last - 1.0).abs();
            if x >= 1.0 { 0.0 } else { (1.0 - x) * (PI * x).cos() + (PI * x).sin() / PI }
        }),
        "barthann" | "brthan" | "bth" => of(&|i| {
            let x = (i / last - 0.5).abs();
            0.62 - 0.48 * x + 0.38 * (2.0 * PI * x).cos()
        }),
        "parzen" | "parz" | "par" => of(&|i| {
            let x = (i - last / 2.0).abs() / (n as f64 / 2.0);
            match (i - last / 2.0).abs() <= (n as f64 - 1.0) / 4.0 {
                true => 1.0 - 6.0 * x * x * (1.0 - x),
                false => 2.0 * (1.0 - x).powi(3),
            }
        }),
        _ => return None,
    };
    window.truncate(length);
    Some(window)
}

/// The waves of a transform for `bins` frequencies, one part of the complex numbers, under a window of that many points of
/// time whose squares (`density`) or sizes (`spectrum`) are made to sum to 1: `[time, bins]`.
pub(crate) fn kernel(
    time: usize,
    bins: usize,
    window: Option<&[f64]>,
    scaling: Option<&str>,
    imaginary: bool,
) -> Vec<f64> {
    let mut kernel = waves(time, bins, bins.saturating_sub(1) * 2, imaginary);
    let Some(window) = window else { return kernel };
    let scale = match scaling {
        Some("density") => window.iter().map(|w| w * w).sum::<f64>().sqrt(),
        Some("spectrum") => window.iter().map(|w| w.abs()).sum(),
        _ => 1.0,
    };
    for (row, w) in kernel.chunks_exact_mut(bins.max(1)).zip(window) {
        row.iter_mut().for_each(|k| *k *= w / scale);
    }
    kernel
}

/// Cosines, or sines downwards, of `bins` frequencies of a transform of that length, a row a point of time: `[time,
/// bins]`.
pub(crate) fn waves(time: usize, bins: usize, length: usize, imaginary: bool) -> Vec<f64> {
    let mut waves = Vec::with_capacity(time * bins);
    for t in 0..time {
        for k in 0..bins {
            // The product is taken modulo the length, where it is exact.
            let turn = 2.0 * PI * ((t * k) % length.max(1)) as f64 / length.max(1) as f64;
            waves.push(if imaginary { -turn.sin() } else { turn.cos() });
        }
    }
    waves
}
