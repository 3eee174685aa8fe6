//! Arguments that the two Kerases spell in their own ways.

use crate::model::{Arg, TensorSpec};
use crate::{Config, Value};

/// How an argument is spelled on each side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    Same,
    /// The same, and never nothing: the two mean other things by that.
    Given,
    /// The name of a type; Keras 3 may hold a policy of that name.
    Dtype,
    /// TensorFlow has the square of Keras 3's number.
    Squared,
    /// Python's slices.
    Slices,
    /// A list of whole numbers.
    Numbers,
    /// A shape without an open axis.
    Target,
    /// The lengths of a slice, where -1 reaches to the end.
    Lengths,
    /// A shape, of which one axis is what is left.
    Shape,
    /// One whole number; Keras 3 may have a list of it.
    One,
    /// TensorFlow has a list of Keras 3's number.
    ListOfOne,
    /// TensorFlow has the sizes of parts, Keras 3 where they begin.
    Parts,
    /// What is added before and behind each axis.
    Pairs,
    /// TensorFlow writes words in capitals.
    Capitals,
    /// Places within an axis.
    Indices,
}

/// What is known beside the argument.
pub(super) struct Beside<'a> {
    /// The first tensor.
    pub input: Option<&'a TensorSpec>,
    /// The first output.
    pub output: Option<&'a TensorSpec>,
    /// The axis that the operation works on.
    pub axis: Option<i64>,
}

impl Beside<'_> {
    /// The length of the input along the axis.
    fn length(&self) -> Option<i64> {
        let shape = &self.input?.shape;
        let axis = self.axis?;
        let at = if axis < 0 { axis.checked_add(i64::try_from(shape.len()).ok()?)? } else { axis };
        i64::try_from((*shape.get(usize::try_from(at).ok()?)?)?).ok()
    }
}

/// The shape with -1 for the one axis of any length; nothing where there are more.
fn shape(spec: Option<&TensorSpec>) -> Option<Value> {
    let shape = &spec?.shape;
    if shape.iter().filter(|axis| axis.is_none()).count() > 1 {
        return None;
    }
    let axis = |axis: &Option<usize>| axis.map_or(Some(-1), |length| i64::try_from(length).ok());
    Some(Value::List(shape.iter().map(|a| axis(a).map(Value::from)).collect::<Option<_>>()?))
}

fn numbers(value: &Value) -> Option<Vec<i64>> {
    value.as_list()?.iter().map(Value::as_i64).collect()
}

fn list(numbers: Vec<i64>) -> Value {
    Value::List(numbers.into_iter().map(Value::from).collect())
}

/// An array of numbers as Keras 3 writes it.
pub(super) fn array(value: &Value, dtype: &str) -> Value {
    let config = Config::new().with("value", value.clone()).with("dtype", dtype);
    Config::new().with("class_name", "__numpy__").with("config", config).into()
}

/// The numbers and the type of an array of Keras 3.
pub(super) fn of_array(value: &Value) -> Option<(&Value, &str)> {
    if !matches!(value.get("class_name")?.as_str()?, "__numpy__" | "__tensor__") {
        return None;
    }
    let config = value.get("config")?;
    Some((config.get("value")?, config.get("dtype")?.as_str()?))
}

/// Nested lists in place of arrays and tuples.
fn plain(value: &Value) -> Value {
    if let Some((numbers, _)) = of_array(value) {
        return numbers.clone();
    }
    match value.get("config").and_then(|config| config.get("value")) {
        Some(items) if value.get("class_name").and_then(Value::as_str) == Some("__tuple__") => plain(items),
        _ => match value {
            Value::List(items) => Value::List(items.iter().map(plain).collect()),
            other => other.clone(),
        },
    }
}

impl Spelling {
    /// TensorFlow's argument in the words of Keras 3; nothing where there are none.
    pub fn in_keras3(self, arg: &Arg, beside: &Beside<'_>) -> Option<Arg> {
        let Arg::Constant(value) = arg else {
            return match self {
                Spelling::Shape => shape(beside.output).map(Arg::Constant),
                Spelling::Target => {
                    let known = beside.output.is_some_and(|spec| spec.shape.iter().all(Option::is_some));
                    shape(beside.output.filter(|_| known)).map(Arg::Constant)
                }
                Spelling::Indices if matches!(arg, Arg::Tensor(_)) => Some(arg.clone()),
                _ => None,
            };
        };
        let value = match self {
            Spelling::Same => value.clone(),
            Spelling::Given => Some(value.clone()).filter(|value| !value.is_null())?,
            Spelling::Dtype => Some(value.clone()).filter(|value| value.is_null() || value.as_str().is_some())?,
            Spelling::Squared => Value::from(value.as_f64().filter(|square| *square >= 0.0)?.sqrt()),
            Spelling::Slices => slices(value, true)?,
            Spelling::Numbers | Spelling::Target | Spelling::Lengths | Spelling::Shape => list(numbers(value)?),
            Spelling::One => Value::from(value.as_i64()?),
            Spelling::ListOfOne => match value {
                Value::List(items) => Value::from(Some(items).filter(|items| items.len() == 1)?[0].as_i64()?),
                one => Value::from(one.as_i64()?),
            },
            Spelling::Parts => match value {
                Value::List(_) => list(beginnings(numbers(value)?, beside)?),
                one => Value::from(one.as_i64()?),
            },
            Spelling::Pairs => pairs(value, None)?,
            Spelling::Capitals => Value::from(value.as_str()?.to_lowercase()),
            Spelling::Indices => match value {
                Value::List(_) => array(value, "int32"),
                one => Value::from(one.as_i64()?),
            },
        };
        Some(Arg::Constant(value))
    }

    /// Keras 3's argument in the words of TensorFlow; nothing where there are none.
    pub fn in_tensorflow(self, arg: &Arg, beside: &Beside<'_>) -> Option<Value> {
        let Arg::Constant(value) = arg else { return None };
        let value = &plain(value);
        Some(match self {
            Spelling::Same => value.clone(),
            Spelling::Given => Some(value.clone()).filter(|value| !value.is_null())?,
            Spelling::Dtype => match value {
                Value::Null | Value::String(_) => value.clone(),
                policy => policy.get("config")?.get("name")?.as_str()?.into(),
            },
            Spelling::Squared => Value::from(value.as_f64()?.powi(2)),
            Spelling::Slices => slices(value, false)?,
            Spelling::Numbers | Spelling::Target | Spelling::Lengths => list(numbers(value)?),
            Spelling::Shape => {
                let axis = |axis: &Value| if axis.is_null() { Some(-1) } else { axis.as_i64() };
                list(value.as_list()?.iter().map(axis).collect::<Option<_>>()?)
            }
            Spelling::One => match value {
                Value::List(items) => Value::from(Some(items).filter(|items| items.len() == 1)?[0].as_i64()?),
                one => Value::from(one.as_i64()?),
            },
            Spelling::ListOfOne => match value {
                Value::List(_) => list(numbers(value)?),
                one => list(vec![one.as_i64()?]),
            },
            Spelling::Parts => match value {
                Value::List(_) => list(sizes(&numbers(value)?, beside)?),
                one => Value::from(one.as_i64()?),
            },
            Spelling::Pairs => pairs(value, beside.input.map(|spec| spec.shape.len()))?,
            Spelling::Capitals => Value::from(value.as_str()?.to_uppercase()),
            // TensorFlow does not count from the end.
            Spelling::Indices => from_the_front(value, beside)?,
        })
    }
}

/// Where parts after the first begin.
fn beginnings(mut sizes: Vec<i64>, beside: &Beside<'_>) -> Option<Vec<i64>> {
    if let Some(at) = sizes.iter().position(|&size| size < 0) {
        sizes[at] = 0;
        sizes[at] = beside.length()?.checked_sub(sizes.iter().sum())?;
    }
    sizes.pop()?;
    let mut end = 0i64;
    sizes
        .into_iter()
        .map(|size| {
            end = end.checked_add(size)?;
            Some(end)
        })
        .collect()
}

/// The sizes of parts that begin at these places.
fn sizes(beginnings: &[i64], beside: &Beside<'_>) -> Option<Vec<i64>> {
    let length = beside.length()?;
    let mut before = 0;
    beginnings
        .iter()
        .chain(Some(&length))
        .map(|&end| {
            let size = end.checked_sub(before).filter(|&size| size >= 0 && end <= length)?;
            before = end;
            Some(size)
        })
        .collect()
}

/// A pair for each axis; Keras 3 takes one pair, or one number, for all.
fn pairs(value: &Value, rank: Option<usize>) -> Option<Value> {
    let pair = |value: &Value| numbers(value).filter(|pair| pair.len() == 2);
    let for_all = |pair: Vec<i64>| Some(Value::List(vec![list(pair); rank?]));
    match value {
        Value::List(items) if items.iter().all(|item| item.as_list().is_some()) => {
            let pairs: Vec<Vec<i64>> = items.iter().map(pair).collect::<Option<_>>()?;
            match (pairs.len(), rank) {
                (1, Some(rank)) if rank > 1 => for_all(pairs.into_iter().next()?),
                _ => Some(Value::List(pairs.into_iter().map(list).collect())),
            }
        }
        Value::List(_) => for_all(pair(value)?),
        one => {
            let one = one.as_i64()?;
            for_all(vec![one, one])
        }
    }
}

fn from_the_front(value: &Value, beside: &Beside<'_>) -> Option<Value> {
    match value {
        Value::List(items) => {
            Some(Value::List(items.iter().map(|i| from_the_front(i, beside)).collect::<Option<_>>()?))
        }
        one => {
            let at = one.as_i64()?;
            Some(Value::from(if at < 0 { at.checked_add(beside.length()?)? } else { at }))
        }
    }
}

/// Slices in the words of one of the two: `{"start", "stop", "step"}`, for Keras 3 inside `__slice__`.
fn slices(value: &Value, keras3: bool) -> Option<Value> {
    let entry = |entry: &Value| -> Option<Value> {
        if entry.is_null() || entry.as_i64().is_some() {
            return Some(entry.clone());
        }
        let class_name = entry.get("class_name").and_then(Value::as_str);
        if class_name == Some("__ellipsis__") {
            let ellipsis = Config::new().with("class_name", "__ellipsis__");
            return Some(if keras3 { ellipsis.with("config", Config::new()) } else { ellipsis }.into());
        }
        let fields = if class_name == Some("__slice__") { entry.get("config")? } else { entry };
        fields.as_map()?;
        let mut slice = Config::new();
        for key in ["start", "stop", "step"] {
            let part = fields.get(key).cloned().unwrap_or_default();
            slice.insert(key, Some(part).filter(|part| part.is_null() || part.as_i64().is_some())?);
        }
        Some(match keras3 {
            true => Config::new().with("class_name", "__slice__").with("config", slice).into(),
            false => slice.into(),
        })
    };
    Some(match value {
        Value::List(entries) => Value::List(entries.iter().map(entry).collect::<Option<_>>()?),
        one if keras3 => entry(one)?,
        one => Value::List(vec![entry(one)?]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(spelling: Spelling, tensorflow: &str, keras3: &str) {
        let input = TensorSpec { shape: vec![None, Some(4), Some(3)], dtype: "float32".into() };
        let beside = Beside { input: Some(&input), output: None, axis: Some(1) };
        let (a, b) = (Value::parse(tensorflow).unwrap(), Value::parse(keras3).unwrap());
        assert_eq!(spelling.in_keras3(&Arg::Constant(a.clone()), &beside), Some(Arg::Constant(b.clone())));
        assert_eq!(spelling.in_tensorflow(&Arg::Constant(b), &beside), Some(a));
    }

    #[test]
    fn spellings_go_both_ways() {
        both(Spelling::Parts, "[1, 3]", "[1]");
        both(Spelling::Parts, "2", "2");
        both(Spelling::ListOfOne, "[1]", "1");
        both(Spelling::Capitals, r#""REFLECT""#, r#""reflect""#);
        both(Spelling::Squared, "0.25", "0.5");
        both(
            Spelling::Indices,
            "[0, 3]",
            r#"{"class_name": "__numpy__", "config": {"value": [0, 3], "dtype": "int32"}}"#,
        );
        both(
            Spelling::Slices,
            r#"[{"class_name": "__ellipsis__"}, {"start": 1, "stop": null, "step": null}, null, -1]"#,
            r#"[{"class_name": "__ellipsis__", "config": {}}, {"class_name": "__slice__", "config": {"start": 1, "stop": null, "step": null}}, null, -1]"#,
        );
    }

    #[test]
    fn places_from_the_end_are_counted_from_the_front() {
        let input = TensorSpec { shape: vec![None, Some(4)], dtype: "float32".into() };
        let found = |axis| {
            let beside = Beside { input: Some(&input), output: None, axis: Some(axis) };
            Spelling::Indices.in_tensorflow(&Arg::Constant(Value::from(-1)), &beside)
        };
        assert_eq!((found(1), found(0)), (Some(Value::from(3)), None));
    }
}
