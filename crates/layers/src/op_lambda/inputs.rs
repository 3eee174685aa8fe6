//! The arguments of an operation, however the file gives them.

use kerox_config_json::{Config, Value as Json};
use kerox_graph::Value;
use kerox_tensor::{DType, Tensor};

use super::OpLambda;
use crate::call::input_error;
use crate::{Arg, Args, Call, Error, Result};

/// Elements of a constant inside a configuration, at most.
const MAX_ELEMENTS: usize = 1 << 20;

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
        let found = value.as_str().and_then(DType::from_name);
        found.map(Some).ok_or_else(|| self.wrong("the name of a type", value.describe()))
    }

    /// The first argument: a tensor.
    pub fn x(&mut self) -> Result<Value> {
        match self.arg(0, FIRST) {
            Some(arg) => self.value(&arg, None),
            None => Err(self.wrong("a tensor as first argument", "none")),
        }
    }

    /// The tensors of the first argument.
    pub fn list(&mut self) -> Result<Vec<Value>> {
        let Some(arg) = self.arg(0, FIRST) else { return Err(self.wrong("tensors as first argument", "none")) };
        let like = arg.tensors().first().map(|&&value| self.cx.g.dtype(value));
        match arg {
            Arg::List(items) => items.iter().map(|item| self.value(item, like)).collect(),
            one => Ok(vec![self.value(&one, like)?]),
        }
    }

    /// Two arguments, of which one may be a constant: it takes the type of the other.
    pub fn pair(&mut self) -> Result<(Value, Value)> {
        let (a, b) = match (self.arg(0, FIRST), self.arg(1, SECOND)) {
            (Some(a), Some(b)) => (a, b),
            _ => return Err(self.wrong("two arguments", "fewer")),
        };
        let like = a.tensors().first().or(b.tensors().first()).map(|&&value| self.cx.g.dtype(value));
        Ok((self.value(&a, like)?, self.value(&b, like)?))
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
];

/// What the second argument of an operation of two is called.
const SECOND: &[&str] = &["y", "x2", "other", "b", "bias"];

/// Keras's words for tuples and numpy numbers, taken apart.
fn plain(value: Json) -> Json {
    if value.get("class_name").and_then(Json::as_str) == Some("__tuple__")
        && let Some(inner) = value.get("config").and_then(|config| config.get("value"))
    {
        return inner.clone();
    }
    value
}

fn whole(value: &Json) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().filter(|number| number.fract() == 0.0).map(|number| number as i64))
}

/// Numbers of a regular nested list.
fn flatten(value: &Json, depth: usize, shape: &mut Vec<usize>, numbers: &mut Vec<f64>) -> bool {
    match value {
        Json::List(items) => {
            if shape.len() == depth {
                shape.push(items.len());
            }
            shape.get(depth) == Some(&items.len()) && items.iter().all(|item| flatten(item, depth + 1, shape, numbers))
        }
        Json::Bool(yes) => {
            numbers.push(f64::from(u8::from(*yes)));
            shape.len() == depth
        }
        _ => match value.as_f64() {
            Some(number) if numbers.len() < MAX_ELEMENTS && shape.len() == depth => {
                numbers.push(number);
                true
            }
            _ => false,
        },
    }
}
