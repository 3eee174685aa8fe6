//! `Add`, `Subtract`, `Multiply`, `Average`, `Maximum`, `Minimum`: element by element.

use std::marker::PhantomData;

use kerox_config_json::{Config, Fields};
use kerox_graph::{Graph, Value};
use kerox_tensor::DType;

use super::{keras3, of_one_type};
use crate::call::input_error;
use crate::registry::LayerEntry;
use crate::{Args, Base, Call, Layer, LayerRef, Result};

/// How two values become one.
pub trait Combine: Send + Sync + 'static {
    /// The class, as files name it.
    const CLASS: &'static str;

    /// Combines what has been combined so far with the next input.
    ///
    /// # Errors
    /// [`crate::Error::Operation`] where shapes do not go together.
    fn combine(g: &mut Graph, a: Value, b: Value) -> Result<Value>;
}

macro_rules! kinds {
    ($($kind:ident $layer:ident $class:literal $method:ident $doc:literal;)*) => {$(
        #[doc = concat!("What [`", stringify!($layer), "`] does.")]
        #[derive(Debug)]
        pub struct $kind;

        impl Combine for $kind {
            const CLASS: &'static str = $class;
            fn combine(g: &mut Graph, a: Value, b: Value) -> Result<Value> {
                Ok(g.$method(a, b)?)
            }
        }

        #[doc = $doc]
        pub type $layer = Merge<$kind>;
    )*};
}
// A line expands to a marker, its `impl Combine` and the name of the layer.
kinds! {
    Sums Add "Add" add "The sum of the inputs.";
    Differences Subtract "Subtract" subtract "The first input minus the second.";
    Products Multiply "Multiply" multiply "The product of the inputs.";
    Averages Average "Average" add "The mean of the inputs.";
    Largest Maximum "Maximum" maximum "The largest of the inputs, element by element.";
    Smallest Minimum "Minimum" minimum "The smallest of the inputs, element by element.";
}

/// Combines inputs element by element. Inputs with fewer axes are given axes of length 1 after the batch.
///
/// # Shapes
/// inputs `[batch, ...]` that broadcast against each other, output of the common shape. A mask is true where those of
/// all inputs that have one are true. Layers from files of Keras 3 do as it does there: a mask is true where that of one
/// input is, if all have one; maxima, minima and products leave out what does not count.
///
/// # Errors
/// Fewer than 2 inputs (other than 2 for `Subtract`); shapes that do not go together.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, merging::Add};
/// let (a, b) = (Input([4, 3]), Input([1, 3]));
/// let y = Add::new().on([&a, &b])?;
/// assert_eq!(y.shape().to_string(), "(None, 4, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Add`, `Subtract`, `Multiply`, `Average`, `Maximum`, `Minimum`.
#[derive(Debug)]
pub struct Merge<K: Combine> {
    base: Base,
    kind: PhantomData<K>,
}

impl<K: Combine> Merge<K> {
    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: K::CLASS, aliases: &[], module: "keras.layers", from_config: Self::from_config };

    /// The layer has no arguments of its own.
    pub fn new() -> Self {
        Merge { base: Base::new(K::CLASS), kind: PhantomData }
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = Merge::<K> { base: Base::from_config(K::CLASS, fields)?, kind: PhantomData };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl<K: Combine> Default for Merge<K> {
    fn default() -> Self {
        Self::new()
    }
}

/// The masks of the inputs that have one, both having to be true.
fn merge_masks(cx: &mut Call<'_>, inputs: &[Value]) -> Result<Option<Value>> {
    let mut merged: Option<Value> = None;
    for &input in inputs {
        let Some(mask) = cx.mask(input) else { continue };
        merged = Some(match merged {
            Some(other) => cx.g.logical_and(other, mask)?,
            None => mask,
        });
    }
    Ok(merged)
}

/// Gives the value as many axes as `rank`, with new ones of length 1 after the batch.
fn expand(g: &mut Graph, mut x: Value, rank: usize) -> Result<Value> {
    for _ in g.dims(x).rank().unwrap_or(rank)..rank {
        x = g.expand_dims(x, 1)?;
    }
    Ok(x)
}

impl<K: Combine> Layer for Merge<K> {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let inputs: Vec<Value> = args.first().into_iter().copied().collect();
        let inputs = of_one_type(cx, &self.base, &inputs)?;
        let is_pair = K::CLASS == "Subtract";
        // Keras 3 takes a list of one.
        if inputs.is_empty() || is_pair && inputs.len() != 2 {
            let expected = if is_pair { "2 inputs" } else { "at least 1 input" };
            return Err(input_error(self, expected.into(), format!("{} inputs", inputs.len())));
        }
        let rank = inputs.iter().filter_map(|&x| cx.g.dims(x).rank()).max().unwrap_or(0);
        let expanded = inputs.iter().map(|&x| expand(cx.g, x, rank)).collect::<Result<Vec<_>>>()?;
        let mut dims = cx.g.dims(expanded[0]).clone();
        for &x in &expanded[1..] {
            dims = dims.broadcast(cx.g.dims(x)).ok_or_else(|| {
                let shapes: Vec<String> = inputs.iter().map(|&x| cx.g.dims(x).to_string()).collect();
                input_error(self, "shapes that go together".into(), shapes.join(" and "))
            })?;
        }
        if self.base.is_keras3() && inputs.len() > 1 {
            let y = match K::CLASS {
                "Maximum" | "Minimum" => Some(keras3::leave_out::<K>(cx, &expanded)?),
                "Multiply" => Some(keras3::product(cx, &expanded)?),
                _ => None,
            };
            if let Some(y) = y {
                if cx.mask(y).is_none() {
                    let mask = keras3::any_mask(cx, &inputs)?;
                    cx.set_mask(y, mask);
                }
                return Ok(vec![y]);
            }
        }
        let mask = match self.base.is_keras3() {
            true => keras3::any_mask(cx, &inputs)?,
            false => merge_masks(cx, &inputs)?,
        };
        let mut y = expanded[0];
        for &x in &expanded[1..] {
            y = K::combine(cx.g, y, x)?;
        }
        if K::CLASS == "Average" && inputs.len() > 1 {
            if cx.g.dtype(y).is_integer() {
                y = cx.g.cast(y, DType::F64)?;
            }
            let count = cx.g.number(inputs.len() as f64, cx.g.dtype(y))?;
            y = cx.g.divide(y, count)?;
        }
        if inputs.len() == 1 {
            y = cx.g.identity(y)?;
        }
        cx.set_mask(y, mask);
        Ok(vec![y])
    }

    fn config(&self) -> Result<Config> {
        Ok(self.base.config().with_rest(self.base.rest()))
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn computes_masks(&self) -> bool {
        true
    }
}
