//! Inputs rounded to what a byte can hold.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::Value;
use kerox_tensor::DType;

use crate::{Call, Quantization, Result};

/// Rounds numbers to multiples of the largest of them over `high`.
///
/// # Source
/// `keras.quantizers.AbsMaxQuantizer`.
#[derive(Clone, Copy, Debug)]
struct AbsMax {
    low: f64,
    high: f64,
    epsilon: f64,
}

impl AbsMax {
    const DEFAULT: AbsMax = AbsMax { low: -127.0, high: 127.0, epsilon: 1e-7 };
}

/// The classes of configurations.
const CONFIGS: [&str; 5] =
    ["Int8QuantizationConfig", "Int4QuantizationConfig", "Float8QuantizationConfig", "GPTQConfig", "AWQConfig"];

/// What the gradient of rounded inputs is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InputGradient {
    /// That of the inputs themselves, as `Dense` and `EinsumDense` say.
    Straight,
    /// What is left of it where the integers have none: that of the largest input. `ReversibleEmbedding` has no other.
    OfScale,
}

/// What a quantized layer does to its inputs: `quantization_config` in files.
#[derive(Clone, Debug, Default)]
pub(crate) struct InputQuantizer {
    written: Option<Json>,
    quantizer: Option<AbsMax>,
}

impl InputQuantizer {
    /// Reads `quantization_config`.
    ///
    /// # Errors
    /// [`kerox_config_json::Error::Field`] where it asks for another quantizer of inputs.
    pub(crate) fn read(fields: &Fields<'_>) -> Result<InputQuantizer> {
        let Some(node) = fields.any(&["quantization_config"]) else {
            return Ok(InputQuantizer::default());
        };
        if !node.value().is_null() {
            let class = node.required("class_name").and_then(|name| name.str().map(str::to_owned));
            if !class.is_ok_and(|class| CONFIGS.contains(&class.as_str())) {
                return Err(node.expected("the configuration of a quantization").into());
            }
        }
        let mut read = InputQuantizer { written: Some(node.value().clone()), quantizer: None };
        let quantizer = node.get("config").and_then(|config| config.get("activation_quantizer"));
        let Some(quantizer) = quantizer.filter(|node| !node.value().is_null()) else { return Ok(read) };
        if quantizer.required("class_name")?.str()? != "AbsMaxQuantizer" {
            return Err(quantizer.expected("an `AbsMaxQuantizer`, or none").into());
        }
        let mut abs_max = AbsMax::DEFAULT;
        if let Some(config) = quantizer.get("config") {
            if let Some(range) = config.get("value_range") {
                let ends: Vec<f64> = range.list()?.iter().map(|end| end.float()).collect::<Result<_, _>>()?;
                let [low, high] = ends[..] else { return Err(range.expected("two numbers").into()) };
                if !(-128.0..=0.0).contains(&low) || !(1.0..=127.0).contains(&high) {
                    return Err(range.expected("two numbers from -128 to 127 with 0 between them").into());
                }
                (abs_max.low, abs_max.high) = (low, high);
            }
            if let Some(epsilon) = config.get("epsilon") {
                abs_max.epsilon = epsilon.float()?;
            }
        }
        read.quantizer = Some(abs_max);
        Ok(read)
    }

    /// Writes it as it was read.
    pub(crate) fn write(&self, mut config: Config) -> Config {
        if let Some(written) = &self.written {
            config.insert("quantization_config", written.clone());
        }
        config
    }

    /// The inputs as their integers stand for them, in float32, each group along `axes` by its largest; as they are
    /// where a layer of that kind leaves inputs alone.
    pub(crate) fn apply(
        &self,
        cx: &mut Call<'_>,
        x: Value,
        axes: &[i64],
        mode: Quantization,
        gradient: InputGradient,
    ) -> Result<Value> {
        let told = self.written.as_ref().is_some_and(|written| !written.is_null());
        let quantizer = match mode {
            Quantization::Int8 | Quantization::Int4 { .. } if told => self.quantizer,
            Quantization::Int8 => Some(AbsMax::DEFAULT),
            _ => None,
        };
        let Some(AbsMax { low, high, epsilon }) = quantizer else { return Ok(x) };
        let dtype = cx.g.dtype(x);
        let size = cx.g.abs(x)?;
        let largest = cx.g.reduce_max(size, axes, true)?;
        let epsilon = cx.g.number(epsilon, dtype)?;
        let largest = cx.g.add(largest, epsilon)?;
        let most = cx.g.number(high, dtype)?;
        let scale = cx.g.divide(most, largest)?;
        let scaled = cx.g.multiply(x, scale)?;
        let whole = cx.g.round(scaled)?;
        let whole = cx.g.clip_by_value(whole, low, high)?;
        let whole = cx.g.cast(whole, DType::F32)?;
        let scale = cx.g.cast(scale, DType::F32)?;
        let whole = cx.g.stop_gradient(whole)?;
        let rounded = cx.g.divide(whole, scale)?;
        if gradient == InputGradient::OfScale {
            return Ok(rounded);
        }
        let x = cx.g.cast(x, DType::F32)?;
        let moved = cx.g.subtract(rounded, x)?;
        let moved = cx.g.stop_gradient(moved)?;
        Ok(cx.g.add(x, moved)?)
    }
}
