//! What Attention and AdditiveAttention do alike.

use kerox_graph::{Generator, Value};

use super::masks;
use crate::call::input_error;
use crate::{Arg, Args, Base, Call, Layer, Result};

/// Query, value and key with the masks of query and value.
pub(super) struct Inputs {
    pub query: Value,
    pub value: Value,
    pub key: Value,
    query_mask: Option<Value>,
    value_mask: Option<Value>,
    causal: bool,
    return_scores: bool,
}

/// A flag among the arguments of a call.
pub(super) fn flag(args: &Args<Value>, position: usize, name: &str) -> bool {
    matches!(args.get(position, name), Some(Arg::Const(json)) if json.as_bool() == Some(true))
}

impl Inputs {
    /// Takes the arguments apart: `inputs` is a list of query, value and, where it differs from the value, key.
    pub fn new(layer: &dyn Layer, cx: &mut Call<'_>, args: &Args<Value>, causal: bool) -> Result<Inputs> {
        let (query, value, key) = match args.first()[..] {
            [&query, &value] => (query, value, value),
            [&query, &value, &key] => (query, value, key),
            ref found => {
                let expected = "a list of query, value and perhaps key".into();
                return Err(input_error(layer, expected, format!("{} inputs", found.len())));
            }
        };
        for &(what, x) in &[("query", query), ("value", value), ("key", key)] {
            let dims = cx.g.dims(x);
            if dims.rank().is_some_and(|rank| rank < 2) {
                return Err(input_error(layer, format!("a {what} `[..., steps, dim]`"), format!("shape {dims}")));
            }
        }
        let given = match args.get(1, "mask") {
            Some(Arg::List(list)) => Some(list.clone()),
            Some(arg) => Some(vec![arg.clone()]),
            None => None,
        };
        let tensor = |i: usize| given.as_ref().and_then(|g| g.get(i)?.tensors().first().map(|&&v| v));
        let (query_mask, value_mask) = match &given {
            Some(_) => (tensor(0), tensor(1)),
            None => (cx.mask(query), cx.mask(value)),
        };
        Ok(Inputs {
            query,
            value,
            key,
            query_mask: query_mask.map(|mask| masks::to_bool(cx, mask)).transpose()?,
            value_mask: value_mask.map(|mask| masks::to_bool(cx, mask)).transpose()?,
            causal: causal || flag(args, 4, "use_causal_mask"),
            return_scores: flag(args, 3, "return_attention_scores"),
        })
    }

    /// From scores `[batch, queries, keys]` to the weighted values, and the weights where they were asked for.
    pub fn apply(
        &self,
        cx: &mut Call<'_>,
        base: &Base,
        scores: Value,
        dropout: f64,
        generator: &Generator,
    ) -> Result<Vec<Value>> {
        let of_value = self.value_mask.map(|mask| cx.g.expand_dims(mask, -2)).transpose()?;
        let rank = cx.g.dims(scores).rank().unwrap_or(3);
        let causal = match self.causal {
            true => {
                let causal = masks::causal(cx, (scores, rank - 2), (scores, rank - 1))?;
                // Without a batch the mask has none.
                Some(if rank == 2 { cx.g.squeeze(causal, &[0])? } else { causal })
            }
            false => None,
        };
        let mut scores = scores;
        if let Some(mask) = masks::both(cx, of_value, causal)? {
            scores = masks::apply(cx, scores, mask)?;
        }
        let weights = cx.g.softmax(scores, -1)?;
        let weights = masks::dropped(cx, base, weights, dropout, generator)?;
        let mut result = cx.g.batch_matmul(weights, self.value, false, false)?;
        if let Some(mask) = self.query_mask {
            let column = cx.g.expand_dims(mask, -1)?;
            let column = cx.g.cast(column, cx.g.dtype(result))?;
            result = cx.g.multiply(result, column)?;
        }
        cx.set_mask(result, self.query_mask);
        Ok(if self.return_scores { vec![result, weights] } else { vec![result] })
    }

    /// Query and key as `[batch, queries, 1, dim]` and `[batch, 1, keys, dim]`, added.
    pub fn sums(&self, cx: &mut Call<'_>) -> Result<Value> {
        let query = cx.g.expand_dims(self.query, -2)?;
        let key = cx.g.expand_dims(self.key, -3)?;
        Ok(cx.g.add(query, key)?)
    }
}
