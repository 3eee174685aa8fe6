//! `MelSpectrogram`: the frequencies of sound as ears tell them apart.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::Value;
use kerox_graph::ops::{PadMode, Padding};
use kerox_tensor::{DType, Shape, Tensor};

use crate::arguments::one_input;
use crate::call::input_error;
use crate::registry::{LayerEntry, argument_error};
use crate::{Args, Base, Call, Layer, LayerRef, Result, stft};

/// The magnitudes of a short-time Fourier transform summed into bands of the mel scale, in decibels if wanted.
///
/// # Arguments
/// * `fft_length`: the length of the transform, 2048 by default; `sequence_length`: samples a piece, as many by default;
///   `sequence_stride`: samples from one piece to the next, 512 by default; `window`: `hann` (the default), `hamming` or
///   none.
/// * `sampling_rate`: samples a second, 16000 by default.
/// * `num_mel_bins`: the number of bands, 128 by default, from `min_freq` (20) to `max_freq` (half of the sampling rate)
///   hertz.
/// * `mag_exp`: the power of the magnitudes, 2 by default.
/// * `power_to_db`: whether decibels are given (the default), of powers from `min_power` (1e-10) on, relative to
///   `ref_power` (1), and at most `top_db` (80) below the loudest of the batch.
///
/// # Shapes
/// input `[batch, time]` or `[time]`, output `[batch, bands, pieces]` or `[bands, pieces]`.
///
/// # Errors
/// A piece longer than the transform, an unknown window, inputs of other shapes.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, preprocessing::MelSpectrogram};
/// let y = MelSpectrogram::new().fft_length(256).sequence_stride(128).num_mel_bins(40).on(&Input([16000]))?;
/// assert_eq!(y.shape().to_string(), "(None, 40, 126)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.MelSpectrogram` of Keras 3.
#[derive(Debug)]
pub struct MelSpectrogram {
    base: Base,
    fft_length: usize,
    sequence_stride: usize,
    sequence_length: Option<usize>,
    window: Option<String>,
    sampling_rate: Json,
    num_mel_bins: usize,
    min_freq: Json,
    max_freq: Option<Json>,
    power_to_db: bool,
    top_db: Json,
    mag_exp: Json,
    min_power: Json,
    ref_power: Json,
}

impl Default for MelSpectrogram {
    fn default() -> MelSpectrogram {
        MelSpectrogram::new()
    }
}

fn number(json: &Json) -> f64 {
    json.as_f64().or_else(|| json.as_i64().map(|i| i as f64)).unwrap_or(0.0)
}

impl MelSpectrogram {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "MelSpectrogram",
        aliases: &[],
        module: "keras.layers",
        from_config: MelSpectrogram::from_config,
    };

    /// With everything at its default.
    pub fn new() -> MelSpectrogram {
        MelSpectrogram {
            base: Base::new("MelSpectrogram"),
            fft_length: 2048,
            sequence_stride: 512,
            sequence_length: None,
            window: Some("hann".into()),
            sampling_rate: Json::Int(16000),
            num_mel_bins: 128,
            min_freq: Json::Float(20.0),
            max_freq: None,
            power_to_db: true,
            top_db: Json::Float(80.0),
            mag_exp: Json::Float(2.0),
            min_power: Json::Float(1e-10),
            ref_power: Json::Float(1.0),
        }
    }

    /// The length of the transform.
    #[must_use]
    pub fn fft_length(mut self, length: usize) -> MelSpectrogram {
        self.fft_length = length;
        self
    }

    /// Samples from one piece to the next.
    #[must_use]
    pub fn sequence_stride(mut self, stride: usize) -> MelSpectrogram {
        self.sequence_stride = stride;
        self
    }

    /// Samples a piece.
    #[must_use]
    pub fn sequence_length(mut self, length: usize) -> MelSpectrogram {
        self.sequence_length = Some(length);
        self
    }

    /// The window; none by `None`.
    #[must_use]
    pub fn window(mut self, window: Option<&str>) -> MelSpectrogram {
        self.window = window.map(str::to_owned);
        self
    }

    /// Samples a second.
    #[must_use]
    pub fn sampling_rate(mut self, rate: i64) -> MelSpectrogram {
        self.sampling_rate = rate.into();
        self
    }

    /// The number of bands.
    #[must_use]
    pub fn num_mel_bins(mut self, bins: usize) -> MelSpectrogram {
        self.num_mel_bins = bins;
        self
    }

    /// The lowest and the highest frequency, in hertz.
    #[must_use]
    pub fn frequencies(mut self, min_freq: f64, max_freq: f64) -> MelSpectrogram {
        (self.min_freq, self.max_freq) = (min_freq.into(), Some(max_freq.into()));
        self
    }

    /// The power of the magnitudes.
    #[must_use]
    pub fn mag_exp(mut self, power: f64) -> MelSpectrogram {
        self.mag_exp = power.into();
        self
    }

    /// Whether decibels are given.
    #[must_use]
    pub fn power_to_db(mut self, decibels: bool) -> MelSpectrogram {
        self.power_to_db = decibels;
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let defaults = MelSpectrogram::new();
        let keep = |key: &str, default: &Json| -> Result<Json> {
            match fields.get(key) {
                Some(node) => {
                    node.float()?;
                    Ok(node.value().clone())
                }
                None => Ok(default.clone()),
            }
        };
        let mut layer = MelSpectrogram {
            base: Base::from_config("MelSpectrogram", fields)?,
            fft_length: fields.positive_or("fft_length", 2048)?,
            sequence_stride: fields.positive_or("sequence_stride", 512)?,
            sequence_length: fields.opt_positive("sequence_length")?,
            window: match fields.present("window") {
                None => Some("hann".into()),
                Some(node) if node.is_null() => None,
                Some(node) => Some(node.str()?.to_owned()),
            },
            sampling_rate: keep("sampling_rate", &defaults.sampling_rate)?,
            num_mel_bins: fields.positive_or("num_mel_bins", 128)?,
            min_freq: keep("min_freq", &defaults.min_freq)?,
            max_freq: fields.get("max_freq").map(|_| keep("max_freq", &Json::Null)).transpose()?,
            power_to_db: fields.bool_or("power_to_db", true)?,
            top_db: keep("top_db", &defaults.top_db)?,
            mag_exp: keep("mag_exp", &defaults.mag_exp)?,
            min_power: keep("min_power", &defaults.min_power)?,
            ref_power: keep("ref_power", &defaults.ref_power)?,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    fn piece(&self) -> usize {
        self.sequence_length.unwrap_or(self.fft_length)
    }

    fn highest(&self) -> Json {
        self.max_freq.clone().unwrap_or_else(|| Json::Int((number(&self.sampling_rate) / 2.0) as i64))
    }

    /// The kernels of the real and the imaginary part, the window in them: `[time, 1, bins]`.
    fn kernel(&self, imaginary: bool) -> Result<Tensor> {
        let (length, piece) = (self.fft_length, self.piece());
        let bins = length / 2 + 1;
        let mut kernel = stft::waves(length, bins, length, imaginary);
        if let Some(name) = &self.window {
            let found = stft::window(name, piece, true).filter(|_| matches!(name.as_str(), "hann" | "hamming"));
            let Some(window) = found else {
                return Err(argument_error(&self.base, "window", "`hann`, `hamming` or none", format!("`{name}`")));
            };
            let before = (length - piece) / 2;
            for (t, row) in kernel.chunks_exact_mut(bins).enumerate() {
                let weight = t.checked_sub(before).and_then(|t| window.get(t)).copied().unwrap_or(0.0);
                row.iter_mut().for_each(|k| *k *= weight);
            }
        }
        Ok(Tensor::from_vec(kernel, [length, 1, bins])?)
    }

    /// How much of each frequency goes to each band: `[bins, bands]`.
    fn bands(&self) -> Result<Tensor> {
        let (bins, bands) = (self.fft_length / 2 + 1, self.num_mel_bins);
        let mel = |hertz: f64| 1127.0 * (1.0 + hertz / 700.0).ln();
        let (low, high) = (mel(number(&self.min_freq)), mel(number(&self.highest())));
        let edge = |i: usize| low + (high - low) * i as f64 / (bands + 1) as f64;
        let nyquist = number(&self.sampling_rate) / 2.0;
        let mut weights = vec![0f64; bins * bands];
        for (k, row) in weights.chunks_exact_mut(bands).enumerate().skip(1) {
            let at = mel(nyquist * k as f64 / (bins - 1).max(1) as f64);
            for (band, weight) in row.iter_mut().enumerate() {
                let (lower, centre, upper) = (edge(band), edge(band + 1), edge(band + 2));
                *weight = ((at - lower) / (centre - lower)).min((upper - at) / (upper - centre)).max(0.0);
            }
        }
        Ok(Tensor::from_vec(weights, [bins, bands])?)
    }

    /// Powers in decibels.
    fn decibels(&self, cx: &mut Call<'_>, x: Value) -> Result<Value> {
        let dtype = cx.g.dtype(x);
        let least = number(&self.min_power);
        let floor = cx.g.number(least, dtype)?;
        let x = cx.g.maximum(x, floor)?;
        let log = cx.g.log(x)?;
        let factor = cx.g.number(10.0 / std::f64::consts::LN_10, dtype)?;
        let y = cx.g.multiply(log, factor)?;
        let reference = 10.0 * number(&self.ref_power).abs().max(least).log10();
        let reference = cx.g.number(reference, dtype)?;
        let y = cx.g.subtract(y, reference)?;
        let rank = cx.g.dims(y).rank().unwrap_or(0) as i64;
        let loudest = cx.g.reduce_max(y, &(0..rank).collect::<Vec<i64>>(), false)?;
        let range = cx.g.number(number(&self.top_db), dtype)?;
        let quietest = cx.g.subtract(loudest, range)?;
        Ok(cx.g.maximum(y, quietest)?)
    }
}

impl Layer for MelSpectrogram {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        let wrong = |argument: &str, expected: &str, found: usize| {
            argument_error(&self.base, argument, expected, found.to_string())
        };
        if self.fft_length < 2 {
            return Err(wrong("fft_length", "at least 2", self.fft_length));
        }
        if self.piece() > self.fft_length || self.piece() == 0 {
            return Err(wrong("sequence_length", "a positive integer of at most `fft_length`", self.piece()));
        }
        if self.sequence_stride == 0 || self.num_mel_bins == 0 {
            return Err(wrong("sequence_stride", "a positive integer, as `num_mel_bins`", 0));
        }
        Shape::from([self.fft_length, self.fft_length / 2 + 1]).checked_elements()?;
        let compute = self.base.policy().compute;
        let wide = if compute == DType::F64 { DType::F64 } else { DType::F32 };
        let dims = cx.g.dims(x).clone();
        let x = cx.g.cast(x, wide)?;
        let x = match dims.rank() {
            Some(2) => x,
            Some(1) => cx.g.expand_dims(x, 0)?,
            _ => return Err(input_error(self, "sound `[batch, time]` or `[time]`".into(), format!("shape {dims}"))),
        };
        let border = self.fft_length as i64 / 2;
        let x = cx.g.mirror_pad(x, &[(0, 0), (border, border)], PadMode::Reflect)?;
        let x = cx.g.expand_dims(x, -1)?;
        let mut squares = Vec::with_capacity(2);
        for imaginary in [false, true] {
            let kernel = cx.g.constant(self.kernel(imaginary)?.cast(wide)?)?;
            let part = cx.g.conv(x, kernel, &[self.sequence_stride], Padding::Valid, &[1])?;
            squares.push(cx.g.square(part)?);
        }
        let power = cx.g.add(squares[0], squares[1])?;
        let mut y = cx.g.sqrt(power)?;
        let exponent = number(&self.mag_exp);
        if exponent == 2.0 {
            y = power;
        } else if exponent != 1.0 {
            let exponent = cx.g.number(exponent, wide)?;
            y = cx.g.pow(y, exponent)?;
        }
        let bands = cx.g.constant(self.bands()?.cast(wide)?)?;
        y = cx.g.batch_matmul(y, bands, false, false)?;
        if self.power_to_db {
            y = self.decibels(cx, y)?;
        }
        y = cx.g.transpose(y, &[0, 2, 1])?;
        if dims.rank() == Some(1) {
            y = cx.g.squeeze(y, &[0])?;
        }
        Ok(vec![cx.g.cast(y, compute)?])
    }

    fn config(&self) -> Result<Config> {
        Ok(self
            .base
            .config()
            .with("fft_length", self.fft_length as i64)
            .with("sequence_stride", self.sequence_stride as i64)
            .with("sequence_length", self.piece() as i64)
            .with("window", self.window.as_deref().map_or(Json::Null, Json::from))
            .with("sampling_rate", self.sampling_rate.clone())
            .with("num_mel_bins", self.num_mel_bins as i64)
            .with("min_freq", self.min_freq.clone())
            .with("max_freq", self.highest())
            .with("power_to_db", self.power_to_db)
            .with("top_db", self.top_db.clone())
            .with("mag_exp", self.mag_exp.clone())
            .with("min_power", self.min_power.clone())
            .with("ref_power", self.ref_power.clone())
            .with_rest(self.base.rest()))
    }
}
