//! `RandomColorJitter`.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::{Generator, Value};

use super::augment::{Augment, Augmentation, Factor, Transform, bytes, value_range};
use super::random_brightness::Brightness;
use super::random_contrast::Contrast;
use super::random_hue::Hue;
use super::random_saturation::Saturation;
use crate::{Base, Call, Result};

/// Changes brightness, contrast, saturation and hue of each image in training, one after the other.
///
/// # Arguments
/// `brightness_factor`, `contrast_factor`, `saturation_factor`, `hue_factor`: as `RandomBrightness`, `RandomContrast`,
/// `RandomSaturation` and `RandomHue` take them; what is not given is not changed. `value_range`: the least and the
/// greatest value of a pixel.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::RandomColorJitter};
/// let y = RandomColorJitter::new().brightness_factor(0.2).hue_factor(0.1).on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RandomColorJitter` of Keras 3.
pub type RandomColorJitter = Augmentation<ColorJitter>;

/// What [`RandomColorJitter`] does.
#[derive(Clone, Debug)]
pub struct ColorJitter {
    value_range: Factor,
    brightness: Option<Factor>,
    contrast: Option<Factor>,
    saturation: Option<Factor>,
    hue: Option<Factor>,
}

impl RandomColorJitter {
    /// That changes nothing yet.
    pub fn new() -> RandomColorJitter {
        let value_range = bytes();
        Augmentation::of(ColorJitter { value_range, brightness: None, contrast: None, saturation: None, hue: None })
    }

    /// As `RandomBrightness` takes it.
    #[must_use]
    pub fn brightness_factor(self, factor: impl Into<Factor>) -> RandomColorJitter {
        self.with(|kind| kind.brightness = Some(factor.into()))
    }

    /// As `RandomContrast` takes it.
    #[must_use]
    pub fn contrast_factor(self, factor: impl Into<Factor>) -> RandomColorJitter {
        self.with(|kind| kind.contrast = Some(factor.into()))
    }

    /// As `RandomSaturation` takes it.
    #[must_use]
    pub fn saturation_factor(self, factor: impl Into<Factor>) -> RandomColorJitter {
        self.with(|kind| kind.saturation = Some(factor.into()))
    }

    /// As `RandomHue` takes it.
    #[must_use]
    pub fn hue_factor(self, factor: impl Into<Factor>) -> RandomColorJitter {
        self.with(|kind| kind.hue = Some(factor.into()))
    }

    /// The least and the greatest value of a pixel.
    #[must_use]
    pub fn value_range(self, range: impl Into<Factor>) -> RandomColorJitter {
        self.with(|kind| kind.value_range = range.into())
    }
}

impl Default for RandomColorJitter {
    fn default() -> RandomColorJitter {
        RandomColorJitter::new()
    }
}

impl ColorJitter {
    fn factors(&self) -> [(&'static str, &Option<Factor>); 4] {
        [
            ("brightness_factor", &self.brightness),
            ("contrast_factor", &self.contrast),
            ("saturation_factor", &self.saturation),
            ("hue_factor", &self.hue),
        ]
    }
}

impl Transform for ColorJitter {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let range = || self.value_range.clone();
        let mut y = x;
        if let Some(factor) = &self.brightness {
            y = Brightness::new(factor.clone(), range()).apply(cx, y, generator)?;
        }
        if let Some(factor) = &self.contrast {
            // The layer inside knows its factor as a range.
            let factor = Factor::from(factor.range(0.0));
            y = Contrast::new(factor, range()).apply(cx, y, generator)?;
        }
        if let Some(factor) = &self.saturation {
            y = Saturation::new(factor.clone(), range()).apply(cx, y, generator)?;
        }
        if let Some(factor) = &self.hue {
            y = Hue::new(factor.clone(), range()).apply(cx, y, generator)?;
        }
        Ok(y)
    }
}

impl Augment for ColorJitter {
    const CLASS: &'static str = "RandomColorJitter";

    fn read(fields: &Fields<'_>) -> Result<ColorJitter> {
        let factor = |key: &str| -> Result<Option<Factor>> {
            fields.get(key).map(|_| Factor::read(fields, key, None)).transpose()
        };
        Ok(ColorJitter {
            value_range: value_range(fields)?,
            brightness: factor("brightness_factor")?,
            contrast: factor("contrast_factor")?,
            saturation: factor("saturation_factor")?,
            hue: factor("hue_factor")?,
        })
    }

    fn write(&self, config: Config) -> Config {
        let config = config.with("value_range", self.value_range.0.clone());
        self.factors().into_iter().fold(config, |config, (key, factor)| {
            config.with(key, factor.as_ref().map_or(Json::Null, |factor| factor.0.clone()))
        })
    }

    fn check(&self, base: &Base) -> Result<()> {
        for (key, factor) in self.factors() {
            let low = if key == "brightness_factor" { -1.0 } else { 0.0 };
            if let Some(factor) = factor {
                factor.check(base, key, (low, 1.0))?;
            }
        }
        Ok(())
    }
}
