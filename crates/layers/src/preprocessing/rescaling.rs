//! `Rescaling`: numbers brought to another range.

use kerox_config_json::{Config, Fields, Node, Value as Json};
use kerox_graph::Value;
use kerox_tensor::Tensor;

use crate::arguments::one_input;
use crate::registry::LayerEntry;
use crate::{Args, Base, Call, Layer, LayerRef, Result};

/// `x * scale + offset`; both are numbers, or lists with a number for each channel.
///
/// # Shapes
/// input and output alike; integers become floats.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, preprocessing::Rescaling};
/// let y = Rescaling::new(1.0 / 255.0, 0.0).on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Rescaling`.
#[derive(Debug)]
pub struct Rescaling {
    base: Base,
    scale: Json,
    offset: Json,
}

impl Rescaling {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "Rescaling",
        aliases: &[],
        module: "keras.layers",
        from_config: Rescaling::from_config,
    };

    /// With these two numbers.
    pub fn new(scale: f64, offset: f64) -> Rescaling {
        Rescaling { base: Base::new("Rescaling"), scale: scale.into(), offset: offset.into() }
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let number = |key: &str, default: Option<f64>| -> Result<Json> {
            let node = match (fields.get(key), default) {
                (Some(node), _) => node,
                (None, Some(default)) => return Ok(default.into()),
                (None, None) => fields.required(key)?,
            };
            numbers(&node)?;
            Ok(node.value().clone())
        };
        let base = Base::from_config("Rescaling", fields)?;
        let mut layer = Rescaling { base, scale: number("scale", None)?, offset: number("offset", Some(0.0))? };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

fn numbers(node: &Node<'_>) -> Result<(Vec<f64>, bool)> {
    if let Ok(number) = node.float() {
        return Ok((vec![number], false));
    }
    let list = node.list()?;
    Ok((list.iter().map(Node::float).collect::<std::result::Result<_, _>>()?, true))
}

impl Layer for Rescaling {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        let dtype = self.base.policy().compute;
        let x = cx.g.cast(x, dtype)?;
        let mut parts = Vec::with_capacity(2);
        for json in [&self.scale, &self.offset] {
            let (list, is_list) = numbers(&Node::root(json))?;
            parts.push(if is_list {
                let n = list.len();
                let value = cx.g.constant(Tensor::from_vec(list, [n])?)?;
                cx.g.cast(value, dtype)?
            } else {
                cx.g.number(list[0], dtype)?
            });
        }
        let y = cx.g.multiply(x, parts[0])?;
        Ok(vec![cx.g.add(y, parts[1])?])
    }

    fn config(&self) -> Result<Config> {
        let config = self.base.config().with("scale", self.scale.clone()).with("offset", self.offset.clone());
        Ok(config.with_rest(self.base.rest()))
    }

    fn supports_masking(&self) -> bool {
        self.base.is_keras3()
    }
}
