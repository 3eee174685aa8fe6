//! Images in another size as Pillow makes them, to the last bit: filters widened when shrinking, columns before
//! rows or, where the height shrinks by much more than the width, after them, weights of 22 binary places.
//!
//! Source: the behaviour of `PIL.Image.resize`; filters as in P. Heckbert, "Fundamentals of Texture Mapping and Image
//! Warping", 1989, and C. Duchon, "Lanczos Filtering in One and Two Dimensions", 1979.

use std::f64::consts::PI;

/// How pixels between pixels are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    Nearest,
    Bilinear,
    Bicubic,
    Hamming,
    Box,
    Lanczos,
}

pub(super) const FILTERS: [(&str, Filter); 6] = [
    ("nearest", Filter::Nearest),
    ("bilinear", Filter::Bilinear),
    ("bicubic", Filter::Bicubic),
    ("hamming", Filter::Hamming),
    ("box", Filter::Box),
    ("lanczos", Filter::Lanczos),
];

impl Filter {
    /// How far from its centre the filter reaches, in pixels of the smaller image.
    fn support(self) -> f64 {
        match self {
            Filter::Nearest | Filter::Box => 0.5,
            Filter::Bilinear | Filter::Hamming => 1.0,
            Filter::Bicubic => 2.0,
            Filter::Lanczos => 3.0,
        }
    }

    fn weight(self, x: f64) -> f64 {
        let sinc = |x: f64| if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) };
        let a = x.abs();
        match self {
            Filter::Nearest | Filter::Box => f64::from(u8::from(x > -0.5 && x <= 0.5)),
            Filter::Bilinear => (1.0 - a).max(0.0),
            Filter::Hamming if a == 0.0 => 1.0,
            Filter::Hamming if a >= 1.0 => 0.0,
            Filter::Hamming => sinc(a) * (0.54 + 0.46 * (PI * a).cos()),
            Filter::Bicubic if a < 1.0 => ((-0.5 + 2.0) * a - (-0.5 + 3.0)) * a * a + 1.0,
            Filter::Bicubic if a < 2.0 => (((a - 5.0) * a + 8.0) * a - 4.0) * -0.5,
            Filter::Bicubic => 0.0,
            Filter::Lanczos if (-3.0..3.0).contains(&x) => sinc(x) * sinc(x / 3.0),
            Filter::Lanczos => 0.0,
        }
    }
}

/// For each output pixel the first input pixel and the weights from there on.
struct Taps(Vec<(usize, Vec<i32>)>);

const PLACES: u32 = 22;

impl Taps {
    /// From the interval `from..to` of `length` pixels to `size` pixels.
    fn new(length: usize, (from, to): (f64, f64), size: usize, filter: Filter) -> Taps {
        let scale = (to - from) / size as f64;
        let widening = scale.max(1.0);
        let support = filter.support() * widening;
        let taps = (0..size).map(|i| {
            let centre = from + (i as f64 + 0.5) * scale;
            let first = ((centre - support + 0.5) as i64).max(0) as usize;
            let end = ((centre + support + 0.5) as usize).min(length);
            let weights: Vec<f64> =
                (first..end.max(first)).map(|x| filter.weight((x as f64 - centre + 0.5) / widening)).collect();
            let sum: f64 = weights.iter().sum();
            let whole = f64::from(1u32 << PLACES);
            let rounded = weights.iter().map(|weight| {
                let weight = if sum == 0.0 { *weight } else { weight / sum } * whole;
                if weight < 0.0 { (weight - 0.5) as i32 } else { (weight + 0.5) as i32 }
            });
            (first, rounded.collect())
        });
        Taps(taps.collect())
    }
}

/// A part of an image: the pixels from `left` to `right` and from `top` to `bottom`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub left: usize,
    pub top: usize,
    pub right: usize,
    pub bottom: usize,
}

/// Bytes `[height, width, channels]`.
pub(super) struct Pixels {
    pub bytes: Vec<u8>,
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

impl Pixels {
    /// That part of the image in another size.
    pub fn resized(&self, part: Part, [height, width]: [usize; 2], filter: Filter) -> Pixels {
        if filter == Filter::Nearest {
            return self.nearest(part, [height, width]);
        }
        // Colours count as much as they are seen.
        let premultiplied;
        let source = if self.channels == 4 {
            premultiplied = self.with_alpha(|colour, alpha| divided_by_255(u32::from(colour) * u32::from(alpha)));
            &premultiplied
        } else {
            self
        };
        let columns = (part.left as f64, part.right as f64);
        let rows = (part.top as f64, part.bottom as f64);
        let narrow = width != self.width || part.left > 0 || part.right != width;
        let shorten = height != self.height || part.top > 0 || part.bottom != height;
        let in_columns = |pixels: &Pixels| pixels.columns(&Taps::new(self.width, columns, width, filter));
        let in_rows = |pixels: &Pixels| pixels.rows(&Taps::new(self.height, rows, height, filter));
        let resized = match (narrow, shorten) {
            (true, true) if self.rows_first([height, width]) => in_columns(&in_rows(source)),
            (true, true) => in_rows(&in_columns(source)),
            (true, false) => in_columns(source),
            (false, true) => in_rows(source),
            (false, false) => Pixels { bytes: source.bytes.clone(), ..*source },
        };
        if self.channels == 4 {
            return resized.with_alpha(|colour, alpha| match alpha {
                0 | 255 => colour,
                alpha => (u32::from(colour) * 255 / u32::from(alpha)).min(255) as u8,
            });
        }
        resized
    }

    /// Whether rows are made before columns, whose rounding differs: Pillow 13 decides by the size of the whole image.
    fn rows_first(&self, [height, width]: [usize; 2]) -> bool {
        let less = |from: usize, to: usize| from as i64 - to as i64;
        height < self.height && less(self.height, height) > 2 * less(self.width, width)
    }

    fn nearest(&self, part: Part, [height, width]: [usize; 2]) -> Pixels {
        let at = |i: usize, from: usize, to: usize, size: usize| {
            let scale = (to - from) as f64 / size as f64;
            ((from as f64 + (i as f64 + 0.5) * scale) as usize).min(to - 1)
        };
        let mut bytes = Vec::with_capacity(height * width * self.channels);
        for row in 0..height {
            let line = at(row, part.top, part.bottom, height) * self.width;
            for column in 0..width {
                let pixel = (line + at(column, part.left, part.right, width)) * self.channels;
                bytes.extend_from_slice(&self.bytes[pixel..][..self.channels]);
            }
        }
        Pixels { bytes, height, width, channels: self.channels }
    }

    fn columns(&self, taps: &Taps) -> Pixels {
        let (channels, width) = (self.channels, taps.0.len());
        let mut bytes = Vec::with_capacity(self.height * width * channels);
        for line in self.bytes.chunks(self.width * channels) {
            for (first, weights) in &taps.0 {
                for channel in 0..channels {
                    let pixels = line[first * channels + channel..].iter().step_by(channels);
                    bytes.push(mixed(pixels, weights));
                }
            }
        }
        Pixels { bytes, height: self.height, width, channels }
    }

    fn rows(&self, taps: &Taps) -> Pixels {
        let line = self.width * self.channels;
        let mut bytes = Vec::with_capacity(taps.0.len() * line);
        for (first, weights) in &taps.0 {
            for i in 0..line {
                bytes.push(mixed(self.bytes[first * line + i..].iter().step_by(line), weights));
            }
        }
        Pixels { bytes, height: taps.0.len(), width: self.width, channels: self.channels }
    }

    /// Each colour made anew from itself and the alpha of its pixel.
    fn with_alpha(&self, colour: impl Fn(u8, u8) -> u8) -> Pixels {
        let pixel = |p: &[u8]| [colour(p[0], p[3]), colour(p[1], p[3]), colour(p[2], p[3]), p[3]];
        Pixels { bytes: self.bytes.chunks_exact(4).flat_map(pixel).collect(), ..*self }
    }
}

/// The weighted sum, rounded, within a byte.
fn mixed<'a>(pixels: impl Iterator<Item = &'a u8>, weights: &[i32]) -> u8 {
    let half = 1i64 << (PLACES - 1);
    let sum = pixels.zip(weights).fold(half, |sum, (&pixel, &weight)| sum + i64::from(pixel) * i64::from(weight));
    (sum >> PLACES).clamp(0, 255) as u8
}

/// Division by 255, rounded.
fn divided_by_255(number: u32) -> u8 {
    let number = number + 128;
    ((number + (number >> 8)) >> 8) as u8
}
