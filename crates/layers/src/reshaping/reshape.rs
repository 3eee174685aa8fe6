//! `Reshape`: other axes for the same elements.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::Value;

use crate::arguments::one_input;
use crate::registry::{LayerEntry, argument_error};
use crate::{Args, Base, Call, Layer, LayerRef, Result};

/// The elements of each sample in another shape.
///
/// # Shapes
/// input `[batch, ...]`, output `[batch, target_shape...]`; one length may be -1, which stands for what is left.
///
/// # Errors
/// A shape of another number of elements.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, reshaping::Reshape};
/// let y = Reshape::new([3, -1]).on(&Input([12]))?;
/// assert_eq!(y.shape().to_string(), "(None, 3, 4)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Reshape`.
#[derive(Debug)]
pub struct Reshape {
    base: Base,
    target_shape: Vec<i64>,
}

impl Reshape {
    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: "Reshape", aliases: &[], module: "keras.layers", from_config: Reshape::from_config };

    /// To that shape, without the batch.
    pub fn new(target_shape: impl IntoIterator<Item = i64>) -> Reshape {
        Reshape { base: Base::new("Reshape"), target_shape: target_shape.into_iter().collect() }
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let base = Base::from_config("Reshape", fields)?;
        let node = fields.required("target_shape")?;
        // Keras 3 allows null for a length that is not known.
        let list = node.list()?;
        let target_shape = list.iter().map(|n| if n.is_null() { Ok(-1) } else { n.int() }).collect::<Result<_, _>>()?;
        let mut layer = Reshape { base, target_shape };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    /// The lengths with the -1 replaced, where the input is known.
    fn lengths(&self, rest: Option<usize>, found: &str) -> Result<Vec<i64>> {
        let fail = |expected: String| Err(argument_error(&self.base, "target_shape", expected, found));
        let unknown = self.target_shape.iter().filter(|&&n| n == -1).count();
        if unknown > 1 || self.target_shape.iter().any(|&n| n < -1) {
            return fail(format!("lengths of at least 0 and at most one -1, given {:?}", self.target_shape));
        }
        let Some(elements) = rest else { return Ok(self.target_shape.clone()) };
        let known = self.target_shape.iter().filter(|&&n| n != -1).try_fold(1usize, |a, &n| a.checked_mul(n as usize));
        let Some(known) = known else { return fail("a shape that fits memory".into()) };
        if unknown == 0 {
            return match known == elements {
                true => Ok(self.target_shape.clone()),
                false => fail(format!("the {elements} elements of a sample")),
            };
        }
        if known == 0 || elements % known != 0 {
            return fail(format!("lengths whose product divides the {elements} elements of a sample"));
        }
        Ok(self.target_shape.iter().map(|&n| if n == -1 { (elements / known) as i64 } else { n }).collect())
    }
}

impl Layer for Reshape {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        let dims = cx.g.dims(x).clone();
        let rest = dims.axes().and_then(|axes| axes.get(1..)?.iter().copied().product::<Option<usize>>());
        let lengths = self.lengths(rest, &format!("{:?} for an input of shape {dims}", self.target_shape))?;
        Ok(vec![cx.g.reshape_keeping_batch(x, &lengths)?])
    }

    fn config(&self) -> Result<Config> {
        let target_shape = Json::from(self.target_shape.clone());
        Ok(self.base.config().with("target_shape", target_shape).with_rest(self.base.rest()))
    }
}
