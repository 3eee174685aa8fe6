//! The arguments of an operation, however the file gives them.

use kerox_config_json::{Config, Value as Json};
use kerox_graph::Value;
use kerox_tensor::{DType, Tensor};

use super::OpLambda;
use super::types::{alone, beside, common};
use crate::array::{Array, flatten};
use crate::call::input_error;
use crate::{Arg, Args, Call, Error, Result};

/// What an operation is applied to.
pub(super) struct Inputs<'a, 'g> {
    pub cx: &'a mut Call<'g>,
    pub args: &'a Args<Value>,
    /// Arguments in the layer's configuration.
    pub rest: &'a Config,
    pub layer: &'a OpLambda,
}

impl Inputs<'_, '_> {
    /// The error of an argument.
    pub fn wrong(&self, expected: impl Into<String>, found: impl Into<String>) -> Error {
        input_error(self.layer, format!("{} of `{}`", expected.into(), self.layer.function()), found.into())
    }

    /// An argument by position or by one of its names.
    pub fn arg(&self, position: usize, names: &[&str]) -> Option<Arg<Value>> {
        let given = self.args.args.get(position).filter(|arg| !matches!(arg, Arg::None));
        let given = given.or_else(|| names.iter().find_map(|name| self.args.kwarg(name))).cloned();
        given.or_else(|| {
            let constant = names.iter().find_map(|name| self.rest.get(name)).filter(|value| !value.is_null());
            constant.cloned().map(Arg::Const)
        })
    }

    /// A constant argument.
    pub fn json(&self, position: usize, names: &[&str]) -> Result<Option<Json>> {
        match self.arg(position, names) {
            None => Ok(None),
            Some(Arg::Const(value)) => Ok(Some(plain(value))),
            Some(Arg::List(items)) if items.iter().all(|item| matches!(item, Arg::Const(_) | Arg::None)) => {
                let item = |item| match item {
                    Arg::Const(value) => plain(value),
                    _ => Json::Null,
                };
                Ok(Some(Json::List(items.into_iter().map(item).collect())))
            }
            Some(_) => Err(self.wrong(format!("a constant for argument `{}`", names[0]), "a tensor")),
        }
    }

    /// A whole number.
    pub fn int(&self, position: usize, names: &[&str], default: i64) -> Result<i64> {
        match self.json(position, names)? {
            None | Some(Json::Null) => Ok(default),
            Some(value) => whole(&value).ok_or_else(|| self.wrong("a whole number for an argument", value.describe())),
        }
    }

    /// A number.
    pub fn float(&self, position: usize, names: &[&str], default: f64) -> Result<f64> {
        match self.json(position, names)? {
            None | Some(Json::Null) => Ok(default),
            Some(value) => value.as_f64().ok_or_else(|| self.wrong("a number for an argument", value.describe())),
        }
    }

    /// Yes or no.
    pub fn flag(&self, position: usize, names: &[&str]) -> Result<bool> {
        match self.json(position, names)? {
            None | Some(Json::Null) => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| self.wrong("a bool for an argument", value.describe())),
        }
    }

    /// Whole numbers, or one of them; nothing where the argument is not given.
    pub fn ints(&self, position: usize, names: &[&str]) -> Result<Option<Vec<i64>>> {
        let Some(value) = self.json(position, names)?.filter(|value| !value.is_null()) else { return Ok(None) };
        let numbers = match &value {
            Json::List(items) => items.iter().map(|item| if item.is_null() { Some(-1) } else { whole(item) }).collect(),
            one => whole(one).map(|one| vec![one]),
        };
        numbers.map(Some).ok_or_else(|| self.wrong("whole numbers for an argument", value.describe()))
    }

    /// A type by name.
    pub fn dtype(&self, position: usize, names: &[&str]) -> Result<Option<DType>> {
        let Some(value) = self.json(position, names)?.filter(|value| !value.is_null()) else { return Ok(None) };
        // Keras 3 may write a policy, whose name is that of the type.
        let name = value.get("config").and_then(|config| config.get("name")).unwrap_or(&value);
        let found = name.as_str().and_then(DType::from_name);
        found.map(Some).ok_or_else(|| self.wrong("the name of a type", value.describe()))
    }

    /// The first argument: a tensor.
    pub fn x(&mut self) -> Result<Value> {
        match self.arg(0, FIRST) {
            Some(arg) => self.value(&arg, None),
            None => Err(self.wrong("a tensor as first argument", "none")),
        }
    }

    /// The tensors of the first argument; those of an operation of Keras 3 in the type where theirs meet.
    pub fn list(&mut self) -> Result<Vec<Value>> {
        let Some(arg) = self.arg(0, FIRST) else { return Err(self.wrong("tensors as first argument", "none")) };
        let like = arg.tensors().first().map(|&&value| self.cx.g.dtype(value));
        let values: Vec<Value> = match arg {
            Arg::List(items) => items.iter().map(|item| self.value(item, like)).collect::<Result<_>>()?,
            one => vec![self.value(&one, like)?],
        };
        let met = values.iter().map(|&value| self.cx.g.dtype(value)).reduce(common);
        match met.filter(|_| self.layer.is_operation()) {
            Some(dtype) => values.into_iter().map(|value| Ok(self.cx.g.cast(value, dtype)?)).collect(),
            None => Ok(values),
        }
    }

    /// Two arguments. Of Keras 2 one may be a constant, which takes the type of the other; those of Keras 3 are cast to
    /// the type where theirs meet.
    pub fn pair(&mut self) -> Result<(Value, Value)> {
        let (a, b) = match (self.arg(0, FIRST), self.arg(1, SECOND)) {
            (Some(a), Some(b)) => (a, b),
            _ => return Err(self.wrong("two arguments", "fewer")),
        };
        if self.layer.is_operation() {
            return self.meet(&a, &b);
        }
        let like = a.tensors().first().or(b.tensors().first()).map(|&&value| self.cx.g.dtype(value));
        Ok((self.value(&a, like)?, self.value(&b, like)?))
    }

    /// Two arguments of an operation of Keras 3, as floating-point numbers.
    pub fn pair_as_float(&mut self) -> Result<(Value, Value)> {
        let (a, b) = self.pair()?;
        if self.cx.g.dtype(a).is_float() {
            return Ok((a, b));
        }
        Ok((self.cx.g.cast(a, DType::F32)?, self.cx.g.cast(b, DType::F32)?))
    }

    /// Two arguments of an operation of Keras 3, in the type where theirs meet.
    pub fn meet(&mut self, a: &Arg<Value>, b: &Arg<Value>) -> Result<(Value, Value)> {
        let (first, second) = (self.dtype_of(a), self.dtype_of(b));
        let dtype = match (first, second, a, b) {
            (Some(first), Some(second), ..) => common(first, second),
            (Some(first), None, _, Arg::Const(number)) => common(first, beside(number, first)),
            (None, Some(second), Arg::Const(number), _) => common(second, beside(number, second)),
            (None, None, Arg::Const(a), Arg::Const(b)) => common(alone(a), beside(b, alone(a))),
            _ => DType::F32,
        };
        let (a, b) = (self.value(a, first.or(Some(dtype)))?, self.value(b, second.or(Some(dtype)))?);
        Ok((self.cx.g.cast(a, dtype)?, self.cx.g.cast(b, dtype)?))
    }

    /// The type of an argument that has one: all but numbers.
    fn dtype_of(&self, arg: &Arg<Value>) -> Option<DType> {
        match arg {
            Arg::Tensor(value) => Some(self.cx.g.dtype(*value)),
            Arg::Const(json) => Array::of(json).map(|array| array.dtype),
            Arg::List(items) => {
                let types = items.iter().filter_map(|item| self.dtype_of(item));
                Some(types.reduce(common).unwrap_or(DType::F32))
            }
            _ => None,
        }
    }

    /// The first argument, as floating-point numbers.
    pub fn x_as_float(&mut self) -> Result<Value> {
        let x = self.x()?;
        if self.cx.g.dtype(x).is_float() {
            return Ok(x);
        }
        Ok(self.cx.g.cast(x, DType::F32)?)
    }

    /// An argument as a value; constants become tensors of type `like`.
    pub fn value(&mut self, arg: &Arg<Value>, like: Option<DType>) -> Result<Value> {
        match arg {
            Arg::Tensor(value) => Ok(*value),
            Arg::Const(value) => self.constant(value, like),
            Arg::List(items) => {
                let like = arg.tensors().first().map(|&&value| self.cx.g.dtype(value)).or(like);
                let items: Vec<Value> = items.iter().map(|item| self.value(item, like)).collect::<Result<_>>()?;
                Ok(self.cx.g.stack(&items, 0)?)
            }
            Arg::Map(_) | Arg::None => Err(self.wrong("a tensor", "a dictionary or nothing")),
        }
    }

    fn constant(&mut self, value: &Json, like: Option<DType>) -> Result<Value> {
        if let Some(array) = Array::of(value) {
            let tensor = array.tensor().ok_or_else(|| self.wrong("a regular array of numbers", value.describe()))?;
            return Ok(self.cx.g.constant(tensor)?);
        }
        let (mut numbers, mut shape) = (Vec::new(), Vec::new());
        if !flatten(value, 0, &mut shape, &mut numbers) {
            return Err(self.wrong("a number or a regular list of numbers", value.describe()));
        }
        let dtype = like.unwrap_or(DType::F32);
        let tensor = Tensor::from_vec(numbers, shape)?.cast(dtype)?;
        Ok(self.cx.g.constant(tensor)?)
    }
}

/// What the first argument is called.
const FIRST: &[&str] = &[
    "x",
    "x1",
    "input",
    "inputs",
    "input_tensor",
    "tensor",
    "tensors",
    "values",
    "value",
    "features",
    "logits",
    "params",
    "a",
    "xs",
    "arrays",
    "condition",
    "image",
    "images",
    "data",
    "indices",
    "y",
    "query",
    "target",
    "matrix",
    "scalar",
    "signal",
    "start",
    "lengths",
    "t",
];

/// What the second argument of an operation of two is called.
const SECOND: &[&str] = &["y", "x2", "other", "b", "bias", "x"];

/// Keras's words for tuples and numpy numbers, taken apart.
fn plain(value: Json) -> Json {
    if value.get("class_name").and_then(Json::as_str) == Some("__tuple__")
        && let Some(inner) = value.get("config").and_then(|config| config.get("value"))
    {
        return inner.clone();
    }
    if let Some(array) = Array::of(&value) {
        return array.value.clone();
    }
    value
}

fn whole(value: &Json) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().filter(|number| number.fract() == 0.0).map(|number| number as i64))
}
