//! Changes of the plane, shared by rotation, shear, translation, zoom and perspective.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::Value;
use kerox_graph::ops::FillMode;
use kerox_tensor::DType;

use super::pixels::check_word;
use crate::{Base, Call, Result};

const FILL_MODES: [(&str, FillMode); 4] = [
    ("reflect", FillMode::Reflect),
    ("wrap", FillMode::Wrap),
    ("constant", FillMode::Constant),
    ("nearest", FillMode::Nearest),
];

/// How pixels between pixels are made, and what lies beyond the borders.
#[derive(Clone, Debug)]
pub(crate) struct Sampling {
    pub fill_mode: String,
    pub interpolation: String,
    /// As it was written: 0 is not 0.0.
    pub fill_value: Json,
}

impl Sampling {
    pub fn new() -> Sampling {
        Sampling { fill_mode: "reflect".into(), interpolation: "bilinear".into(), fill_value: Json::from(0.0) }
    }

    pub fn read(fields: &Fields<'_>) -> Result<Sampling> {
        let fill_value = match fields.get("fill_value") {
            Some(node) => {
                node.float()?;
                node.value().clone()
            }
            None => Json::from(0.0),
        };
        Ok(Sampling {
            fill_mode: fields.str_or("fill_mode", "reflect")?.into(),
            interpolation: fields.str_or("interpolation", "bilinear")?.into(),
            fill_value,
        })
    }

    pub fn write(&self, config: Config) -> Config {
        config
            .with("fill_mode", self.fill_mode.as_str())
            .with("fill_value", self.fill_value.clone())
            .with("interpolation", self.interpolation.as_str())
    }

    pub fn check(&self, base: &Base) -> Result<()> {
        check_word(base, "fill_mode", &self.fill_mode, &FILL_MODES.map(|(name, _)| name))?;
        check_word(base, "interpolation", &self.interpolation, &["nearest", "bilinear"])
    }

    /// Images seen through projections `[batch, 8]`, given as columns `[batch, 1]`; `None` stands for zeros.
    pub fn project(&self, cx: &mut Call<'_>, x: Value, columns: [Option<Value>; 8]) -> Result<Value> {
        let like = columns.iter().flatten().next().copied().unwrap_or(x);
        let zeros = cx.g.zeros_like(like)?;
        let columns = columns.map(|column| column.unwrap_or(zeros));
        let transforms = cx.g.concat(&columns, 1)?;
        let transforms = cx.g.cast(transforms, DType::F32)?;
        let fill = FILL_MODES.iter().find(|(name, _)| *name == self.fill_mode).map_or(FillMode::Reflect, |(_, f)| *f);
        let is_nearest = self.interpolation == "nearest";
        Ok(cx.g.project(x, transforms, (fill, is_nearest), self.fill_value.as_f64().unwrap_or(0.0))?)
    }
}
