//! `STFTSpectrogram`: the frequencies in pieces of sound.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::ops::{Atan2, Padding};
use kerox_graph::{Value, ValueInfo};
use kerox_tensor::{Shape, Tensor, Variable};

use crate::arguments::{axes_of_rank, one_input};
use crate::call::input_error;
use crate::registry::{LayerEntry, argument_error};
use crate::{Args, Base, Build, Call, DataFormat, Layer, LayerRef, Result, Weight, stft};

/// Keras's `epsilon`.
const EPSILON: f64 = 1e-7;
const MODES: [&str; 7] = ["log", "magnitude", "psd", "real", "imag", "angle", "stft"];

/// The short-time Fourier transform of sound, by convolutions whose kernels are waves that can be trained.
///
/// # Arguments
/// * `mode`: `log` (the default), `magnitude`, `psd`, `real`, `imag`, `angle` or `stft` (real, then imaginary parts).
/// * `frame_length`: samples a piece, 256 by default; `frame_step`: samples from one to the next, half of it by default.
/// * `fft_length`: the length of the transform, by default the next power of 2.
/// * `window`: `hann` (the default), `hamming`, `blackman`, ..., or none; `periodic`: false by default.
/// * `scaling`: `density` (the default), `spectrum` or none.
/// * `padding`: `valid` (the default) or `same`.
/// * `expand_dims`: whether channels keep an axis of their own.
///
/// # Shapes
/// input `[batch, time, channels]`, output `[batch, pieces, channels * bins]` with `fft_length / 2 + 1` bins, or
/// `[batch, pieces, bins, channels]`; with channels first `[batch, channels, time]` and `[batch, channels * bins,
/// pieces]` or `[batch, channels, pieces, bins]`.
///
/// # Errors
/// An unknown mode, window, scaling or padding; a step longer than a piece; a transform shorter than one.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, preprocessing::STFTSpectrogram};
/// let y = STFTSpectrogram::new(64).frame_step(32).mode("magnitude").on(&Input([640, 1]))?;
/// assert_eq!(y.shape().to_string(), "(None, 19, 33)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.STFTSpectrogram` of Keras 3.
#[derive(Debug)]
pub struct STFTSpectrogram {
    base: Base,
    mode: String,
    frame_length: usize,
    frame_step: Option<usize>,
    fft_length: Option<usize>,
    window: Option<String>,
    periodic: bool,
    scaling: Option<String>,
    padding: String,
    expand_dims: bool,
    data_format: DataFormat,
}

impl STFTSpectrogram {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "STFTSpectrogram",
        aliases: &[],
        module: "keras.layers",
        from_config: STFTSpectrogram::from_config,
    };

    /// Of pieces of that many samples.
    pub fn new(frame_length: usize) -> STFTSpectrogram {
        STFTSpectrogram {
            base: Base::new("STFTSpectrogram"),
            mode: "log".into(),
            frame_length,
            frame_step: None,
            fft_length: None,
            window: Some("hann".into()),
            periodic: false,
            scaling: Some("density".into()),
            padding: "valid".into(),
            expand_dims: false,
            data_format: DataFormat::ChannelsLast,
        }
    }

    /// What is given of the frequencies.
    #[must_use]
    pub fn mode(mut self, mode: &str) -> STFTSpectrogram {
        self.mode = mode.into();
        self
    }

    /// Samples from one piece to the next.
    #[must_use]
    pub fn frame_step(mut self, step: usize) -> STFTSpectrogram {
        self.frame_step = Some(step);
        self
    }

    /// The length of the transform.
    #[must_use]
    pub fn fft_length(mut self, length: usize) -> STFTSpectrogram {
        self.fft_length = Some(length);
        self
    }

    /// The window; none by `None`.
    #[must_use]
    pub fn window(mut self, window: Option<&str>) -> STFTSpectrogram {
        self.window = window.map(str::to_owned);
        self
    }

    /// Whether the window is periodic.
    #[must_use]
    pub fn periodic(mut self, periodic: bool) -> STFTSpectrogram {
        self.periodic = periodic;
        self
    }

    /// What the waves are divided by: `density`, `spectrum` or nothing.
    #[must_use]
    pub fn scaling(mut self, scaling: Option<&str>) -> STFTSpectrogram {
        self.scaling = scaling.map(str::to_owned);
        self
    }

    /// `valid` or `same`.
    #[must_use]
    pub fn padding(mut self, padding: &str) -> STFTSpectrogram {
        self.padding = padding.into();
        self
    }

    /// Whether channels keep an axis of their own.
    #[must_use]
    pub fn expand_dims(mut self, expand: bool) -> STFTSpectrogram {
        self.expand_dims = expand;
        self
    }

    /// Where the channels stand; last by default.
    #[must_use]
    pub fn data_format(mut self, data_format: impl Into<DataFormat>) -> STFTSpectrogram {
        self.data_format = data_format.into();
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let word = |key: &str, default: &str| -> Result<Option<String>> {
            match fields.present(key) {
                None => Ok(Some(default.to_owned())),
                Some(node) if node.is_null() => Ok(None),
                Some(node) => Ok(Some(node.str()?.to_owned())),
            }
        };
        let mut layer = STFTSpectrogram {
            base: Base::from_config("STFTSpectrogram", fields)?,
            mode: fields.str_or("mode", "log")?.into(),
            frame_length: fields.positive_or("frame_length", 256)?,
            frame_step: fields.opt_positive("frame_step")?,
            fft_length: fields.opt_positive("fft_length")?,
            window: word("window", "hann")?,
            periodic: fields.bool_or("periodic", false)?,
            scaling: word("scaling", "density")?,
            padding: fields.str_or("padding", "valid")?.into(),
            expand_dims: fields.bool_or("expand_dims", false)?,
            data_format: DataFormat::read(fields)?,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    fn step(&self) -> usize {
        self.frame_step.unwrap_or(self.frame_length / 2).max(1)
    }

    fn transform(&self) -> usize {
        self.fft_length.unwrap_or_else(|| self.frame_length.max(1).next_power_of_two())
    }

    fn bins(&self) -> usize {
        self.transform() / 2 + 1
    }

    fn check(&self) -> Result<()> {
        let wrong =
            |argument: &str, expected: &str, found: String| Err(argument_error(&self.base, argument, expected, found));
        if !MODES.contains(&self.mode.as_str()) {
            return wrong(
                "mode",
                "one of `log`, `magnitude`, `psd`, `real`, `imag`, `angle`, `stft`",
                self.mode.clone(),
            );
        }
        if self.frame_length == 0 {
            return wrong("frame_length", "a positive integer", "0".into());
        }
        if self.step() > self.frame_length {
            return wrong("frame_step", "at most `frame_length`", self.step().to_string());
        }
        if self.transform() < self.frame_length {
            return wrong("fft_length", "at least `frame_length`", self.transform().to_string());
        }
        if !matches!(self.scaling.as_deref(), None | Some("density" | "spectrum")) {
            return wrong("scaling", "`density`, `spectrum` or none", format!("{:?}", self.scaling));
        }
        if !matches!(self.padding.as_str(), "valid" | "same") {
            return wrong("padding", "`valid` or `same`", format!("`{}`", self.padding));
        }
        Shape::from([self.frame_length, self.bins()]).checked_elements()?;
        Ok(())
    }

    fn kernel(&self, imaginary: bool) -> Result<Tensor> {
        let (time, bins) = (self.frame_length, self.bins());
        let window = self.window.as_ref().map(|name| {
            stft::window(name, time, self.periodic)
                .ok_or_else(|| argument_error(&self.base, "window", stft::window_names(), format!("`{name}`")))
        });
        let window = window.transpose()?;
        let kernel = stft::kernel(time, bins, window.as_deref(), self.scaling.as_deref(), imaginary);
        Ok(Tensor::from_vec(kernel, [time, 1, bins])?.cast(self.base.policy().variable)?)
    }

    /// What the mode gives for one channel: `[batch, pieces, bins]`.
    fn of_channel(&self, cx: &mut Call<'_>, x: Value) -> Result<Value> {
        let dtype = cx.g.dtype(x);
        let padding = if self.padding == "same" { Padding::Same } else { Padding::Valid };
        let mut parts = Vec::with_capacity(2);
        for attr in ["real_kernel", "imag_kernel"] {
            if self.base.variable(attr).is_some() {
                let kernel = cx.weight(&self.base, attr)?;
                parts.push(cx.g.conv(x, kernel, &[self.step()], padding.clone(), &[1])?);
            }
        }
        let (first, last) = match parts[..] {
            [only] => return Ok(only),
            [real, imaginary] => (real, imaginary),
            _ => return Err(crate::Error::NotBuilt),
        };
        if self.mode == "angle" {
            return Ok(cx.g.add_single(Atan2, &[last, first])?);
        }
        if self.mode == "stft" {
            return Ok(cx.g.concat(&[first, last], 2)?);
        }
        let (a, b) = (cx.g.square(first)?, cx.g.square(last)?);
        let power = cx.g.add(a, b)?;
        if self.mode == "psd" {
            let inner = self.bins() as i64 - 2;
            if inner <= 0 {
                return Ok(power);
            }
            let middle = cx.g.slice(power, &[0, 0, 1], &[-1, -1, inner])?;
            let middle = cx.g.pad(middle, &[(0, 0), (0, 0), (1, 1)])?;
            return Ok(cx.g.add(power, middle)?);
        }
        let least = cx.g.number(EPSILON, dtype)?;
        let power = cx.g.maximum(power, least)?;
        let magnitude = cx.g.sqrt(power)?;
        if self.mode == "magnitude" {
            return Ok(magnitude);
        }
        let magnitude = cx.g.maximum(magnitude, least)?;
        Ok(cx.g.log(magnitude)?)
    }
}

impl Layer for STFTSpectrogram {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, _: &[ValueInfo]) -> Result<()> {
        self.check()?;
        for (attr, imaginary) in [("real_kernel", false), ("imag_kernel", true)] {
            if self.mode == if imaginary { "real" } else { "imag" } {
                continue;
            }
            let variable = Variable::new(cx.full_name(attr), self.kernel(imaginary)?, true);
            let attr = attr.to_string();
            self.base.push_weight(Weight { attr, variable, trainable: true, regularizer: None, constraint: None });
        }
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        let shape = match self.data_format {
            DataFormat::ChannelsLast => "[batch, time, channels]",
            DataFormat::ChannelsFirst => "[batch, channels, time]",
        };
        axes_of_rank(self, cx.g.dims(x), 3, shape)?;
        if !cx.g.dtype(x).is_float() {
            return Err(input_error(self, "floats".into(), cx.g.dtype(x).to_string()));
        }
        let x = self.data_format.to_last(cx.g, x)?;
        let channels = match cx.g.dims(x).axes() {
            Some(&[_, _, Some(channels)]) if channels > 0 => channels,
            _ => return Err(input_error(self, "a known number of channels".into(), format!("shape {}", cx.g.dims(x)))),
        };
        let mut outputs = Vec::with_capacity(channels);
        for channel in 0..channels {
            let one = match channels {
                1 => x,
                _ => cx.g.slice(x, &[0, 0, channel as i64], &[-1, -1, 1])?,
            };
            outputs.push(self.of_channel(cx, one)?);
        }
        let is_first = self.data_format == DataFormat::ChannelsFirst;
        Ok(vec![match (self.expand_dims, is_first) {
            (true, first) => cx.g.stack(&outputs, if first { 1 } else { 3 })?,
            (false, first) => {
                let y = if channels == 1 { outputs[0] } else { cx.g.concat(&outputs, 2)? };
                if first { cx.g.transpose(y, &[0, 2, 1])? } else { y }
            }
        }])
    }

    fn config(&self) -> Result<Config> {
        let word = |word: &Option<String>| word.as_deref().map_or(Json::Null, Json::from);
        Ok(self
            .base
            .config()
            .with("mode", self.mode.as_str())
            .with("frame_length", self.frame_length as i64)
            .with("frame_step", self.frame_step.map(|n| n as i64))
            .with("fft_length", self.fft_length.map(|n| n as i64))
            .with("window", word(&self.window))
            .with("periodic", self.periodic)
            .with("scaling", word(&self.scaling))
            .with("padding", self.padding.as_str())
            .with("data_format", self.data_format.name())
            .with("expand_dims", self.expand_dims)
            .with_rest(self.base.rest()))
    }
}
