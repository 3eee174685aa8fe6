//! The waves of a short-time Fourier transform.

use std::sync::Arc;

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_tensor::{DType, Shape, Tensor};

use super::random::floats;
use super::{Initialize, unfit};
use crate::{Error, Result, stft};

/// Kernels of convolutions that make a short-time Fourier transform: the real or the imaginary part of its waves under a window.
///
/// # Shapes
/// `[time, 1, bins]`: points of time a piece, and `fft_length / 2 + 1` frequencies.
///
/// # Example
/// ```
/// use kerox_layers::initializers::{Initialize, STFT};
/// use kerox_tensor::DType;
/// let kernel = STFT { window: None, ..STFT::default() }.sample(&[4, 1, 3].into(), DType::F32)?;
/// assert_eq!(kernel.as_slice::<f32>()?[..6], [1.0, 1.0, 1.0, 1.0, kernel.as_slice::<f32>()?[4], -1.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.initializers.STFT` of Keras 3.
#[derive(Clone, Debug)]
pub struct STFT {
    /// Whether it is the imaginary part.
    pub imaginary: bool,
    /// The window, if any.
    pub window: Option<StftWindow>,
    /// What the window is divided by: `density` (the root of its squares' sum), `spectrum` (the sum of its sizes), or nothing.
    pub scaling: Option<String>,
    /// Whether a window that is named is periodic.
    pub periodic: bool,
}

/// The window of an [`STFT`].
#[derive(Clone, Debug)]
pub enum StftWindow {
    /// One of `scipy.signal.windows`, such as `hann`.
    Named(String),
    /// Its values, one a point of time.
    Values(Vec<f64>),
}

impl Default for STFT {
    fn default() -> STFT {
        let window = Some(StftWindow::Named("hann".into()));
        STFT { imaginary: false, window, scaling: Some("density".into()), periodic: false }
    }
}

impl STFT {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Arc<dyn Initialize>> {
        let default = STFT::default();
        let imaginary = match fields.present("side") {
            None => false,
            Some(node) => match node.str()? {
                "real" => false,
                "imag" => true,
                other => return Err(wrong("side", "`real` or `imag`", format!("`{other}`"))),
            },
        };
        let window = match fields.present("window") {
            None => default.window,
            Some(node) if node.is_null() => None,
            Some(node) if node.value().as_str().is_some() => Some(StftWindow::Named(node.str()?.into())),
            Some(node) => {
                let values: Result<Vec<f64>> = node.list()?.iter().map(|value| Ok(value.float()?)).collect();
                Some(StftWindow::Values(values?))
            }
        };
        let scaling = match fields.present("scaling") {
            None => default.scaling,
            Some(node) if node.is_null() => None,
            Some(node) => Some(node.str()?.to_owned()),
        };
        if !matches!(scaling.as_deref(), None | Some("density" | "spectrum")) {
            return Err(wrong("scaling", "`density`, `spectrum` or none", format!("{scaling:?}")));
        }
        Ok(Arc::new(STFT { imaginary, window, scaling, periodic: fields.bool_or("periodic", false)? }))
    }
}

fn wrong(argument: &str, expected: impl Into<String>, found: impl Into<String>) -> Error {
    Error::Argument {
        layer: "STFT".into(),
        class_name: "STFT".into(),
        argument: argument.into(),
        expected: expected.into(),
        found: found.into(),
    }
}

impl Initialize for STFT {
    fn class_name(&self) -> &str {
        "STFT"
    }
    fn config(&self) -> Config {
        let window = match &self.window {
            None => Json::Null,
            Some(StftWindow::Named(name)) => Json::from(name.as_str()),
            Some(StftWindow::Values(values)) => Json::List(values.iter().map(|&value| Json::from(value)).collect()),
        };
        Config::new()
            .with("side", if self.imaginary { "imag" } else { "real" })
            .with("window", window)
            .with("periodic", self.periodic)
            .with("scaling", self.scaling.as_deref().map_or(Json::Null, Json::from))
    }
    fn sample(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        let [time, 1, bins] = shape[..] else { return Err(unfit("STFT", "3 axes, the second of length 1", shape)) };
        shape.checked_elements()?;
        let window = match &self.window {
            None => None,
            Some(StftWindow::Named(name)) => Some(
                stft::window(name, time, self.periodic)
                    .ok_or_else(|| wrong("window", stft::window_names(), format!("`{name}`")))?,
            ),
            Some(StftWindow::Values(values)) if values.len() == time => Some(values.clone()),
            Some(StftWindow::Values(values)) => {
                return Err(wrong("window", format!("{time} values"), format!("{}", values.len())));
            }
        };
        floats(stft::kernel(time, bins, window.as_deref(), self.scaling.as_deref(), self.imaginary), shape, dtype)
    }
}
