//! Operations of Keras 3 as functions of TensorFlow.

use super::graph::{Graph, constant, default, function, is_null, same};
use super::operation::{Argument, Casts, Form, Operation, Place};
use super::values::{Beside, of_array};
use crate::model::{Arg, LayerCall, TensorRef, TensorSpec};
use crate::{Config, Object, Result, Value};

/// Puts a function of TensorFlow in the place of the operation at an index.
pub(super) fn rewrite(graph: &mut Graph<'_>, at: usize) -> Result<()> {
    let layer = graph.model.layers[at].clone();
    let class_name = layer.object.class_name.as_str();
    let Some(row) = Operation::of_class(class_name) else {
        let expected = "an operation that TensorFlow has as a function";
        return Err(graph.refuse(at, class_name, expected, format!("`{class_name}` of Keras 3")));
    };
    let empty = Config::new();
    let config = layer.object.config.as_map().unwrap_or(&empty);
    let unknown = config.iter().find(|(key, value)| {
        *key != "name" && !value.is_null() && !row.arguments.iter().any(|argument| argument.keras == *key)
    });
    if let Some((key, value)) = unknown {
        return Err(graph.refuse(
            at,
            class_name,
            "arguments that TensorFlow has",
            format!("`{key}`: {}", value.describe()),
        ));
    }
    for (number, call) in layer.calls.iter().enumerate() {
        let call = Step { graph: &mut *graph, at, number, class_name, row, config, name: &layer.name }.call(call)?;
        graph.model.layers[at].calls[number] = call;
    }
    let shape = graph.model.layers[at].calls.first().map(|call| input_shape(graph, call));
    graph.model.layers[at].object = Object {
        path: layer.object.path.clone(),
        build_config: shape.map(|shape| Config::new().with("input_shape", shape).into()),
        ..function(row.function, &layer.name)
    };
    Ok(())
}

/// The shape of the first argument, as Keras 2 keeps it.
fn input_shape(graph: &Graph<'_>, call: &LayerCall) -> Value {
    let shape = |arg: &Arg| match arg {
        Arg::Tensor(tensor) => graph.spec(tensor).map_or(Value::Null, |spec| Value::from(spec.shape)),
        _ => Value::List(Vec::new()),
    };
    match call.args.first() {
        Some(Arg::List(items) | Arg::Tuple(items)) => Value::List(items.iter().map(shape).collect()),
        Some(arg) => shape(arg),
        None => Value::Null,
    }
}

struct Step<'s, 'g> {
    graph: &'s mut Graph<'g>,
    at: usize,
    number: usize,
    class_name: &'s str,
    row: &'static Operation,
    config: &'s Config,
    name: &'s str,
}

impl Step<'_, '_> {
    fn refuse(&self, expected: impl Into<String>, found: impl Into<String>) -> crate::Error {
        self.graph.refuse(self.at, self.class_name, expected, found)
    }

    fn refuse_argument(&self, argument: &Argument, arg: &Arg) -> crate::Error {
        let found = constant(arg).map_or_else(|| "a tensor".to_owned(), Value::describe);
        self.refuse(format!("an argument `{}` that TensorFlow can have", argument.keras), found)
    }

    /// The arguments of the table as call and configuration give them.
    fn given(&self, call: &LayerCall) -> Result<Vec<Option<Arg>>> {
        let mut positional = call.args.iter();
        let mut given = Vec::with_capacity(self.row.arguments.len());
        for argument in self.row.arguments {
            let arg = match argument.place {
                Place::Tensor | Place::Tensors | Place::Call => {
                    let named = call.kwargs.iter().find(|(key, _)| key == argument.keras).map(|(_, arg)| arg);
                    positional.next().or(named).cloned()
                }
                Place::Config | Place::Keras => self.config.get(argument.keras).cloned().map(Arg::Constant),
                Place::Tf => None,
            };
            given.push(arg.filter(|arg| !is_null(arg)));
        }
        let known = |key: &str| self.row.arguments.iter().any(|argument| argument.keras == key);
        if let Some((key, _)) = call.kwargs.iter().find(|(key, arg)| !known(key) && !is_null(arg)) {
            return Err(self.refuse("arguments that TensorFlow has", format!("`{key}`")));
        }
        match positional.next() {
            Some(_) => Err(self.refuse("fewer arguments", call.args.len().to_string())),
            None => Ok(given),
        }
    }

    fn call(&mut self, call: &LayerCall) -> Result<LayerCall> {
        let mut given = self.given(call)?;
        let input = call.tensors().first().and_then(|tensor| self.graph.spec(tensor));
        let output = self.graph.output(self.at, self.number);
        self.cast(&mut given, output.as_ref())?;
        let axis = given.iter().zip(self.row.arguments).find(|(_, argument)| argument.keras == "axis");
        let axis = axis.and_then(|(arg, argument)| match arg {
            Some(arg) => constant(arg)?.as_i64(),
            None => default(argument.keras_default).as_i64(),
        });
        let (mut first, mut kwargs) = (None, Vec::new());
        for (argument, arg) in self.row.arguments.iter().zip(&given) {
            let beside = Beside { input: input.as_ref(), output: output.as_ref(), axis };
            let is_there = arg.clone().unwrap_or_else(|| Arg::Constant(default(argument.keras_default)));
            match argument.place {
                Place::Tensor | Place::Tensors => {
                    let Some(arg) = arg else {
                        return Err(self.refuse(format!("an argument `{}`", argument.keras), "none"));
                    };
                    match first {
                        None => first = Some(arg.clone()),
                        Some(_) => kwargs.push((argument.tf[0].to_owned(), arg.clone())),
                    }
                }
                Place::Keras => {
                    if !constant(&is_there).is_some_and(|value| same(value, &default(argument.keras_default))) {
                        return Err(self.refuse_argument(argument, &is_there));
                    }
                }
                Place::Call | Place::Config if self.row.form == Form::Swapaxes => {}
                Place::Call if arg.is_none() && !argument.tf_default.is_empty() => {}
                Place::Call | Place::Config => {
                    let spelled = argument.spelling.in_tensorflow(&is_there, &beside);
                    let spelled = spelled.ok_or_else(|| self.refuse_argument(argument, &is_there))?;
                    let is_default = !argument.tf_default.is_empty() && same(&spelled, &default(argument.tf_default));
                    if !is_default {
                        kwargs.push((argument.tf[0].to_owned(), Arg::Constant(spelled)));
                    }
                }
                Place::Tf => {}
            }
        }
        match self.row.form {
            Form::Place64 => kwargs.push(("output_type".into(), Arg::Constant("int32".into()))),
            Form::Swapaxes => kwargs.push(("perm".into(), Arg::Constant(self.swapped(input.as_ref())?))),
            _ => {}
        }
        let first = first.ok_or_else(|| self.refuse("a tensor", "none"))?;
        Ok(LayerCall::new(vec![first], kwargs))
    }

    /// The order of the axes after two have changed places.
    fn swapped(&self, input: Option<&TensorSpec>) -> Result<Value> {
        let rank = input.map_or(0, |spec| spec.shape.len());
        let mut axes: Vec<i64> = (0..).take(rank).collect();
        let axis = |key: &str| {
            let axis = self.config.get(key).and_then(Value::as_i64)?;
            let axis = if axis < 0 { axis.checked_add(i64::try_from(rank).ok()?)? } else { axis };
            usize::try_from(axis).ok().filter(|axis| *axis < rank)
        };
        match (axis("axis1"), axis("axis2")) {
            (Some(a), Some(b)) => axes.swap(a, b),
            _ => return Err(self.refuse("two axes of a tensor of known rank", format!("rank {rank}"))),
        }
        Ok(Value::List(axes.into_iter().map(Value::from).collect()))
    }

    /// The type of a tensor or an array; nothing for numbers.
    fn dtype(&self, arg: &Arg) -> Option<String> {
        match arg {
            Arg::Tensor(tensor) => self.graph.spec(tensor).map(|spec| spec.dtype),
            Arg::Constant(value) => of_array(value).map(|(_, dtype)| dtype.to_owned()),
            _ => None,
        }
    }

    /// Does what Keras 3 does to the types of tensors before it computes.
    fn cast(&mut self, given: &mut [Option<Arg>], output: Option<&TensorSpec>) -> Result<()> {
        let result = output.map(|spec| spec.dtype.clone());
        let arguments = self.row.arguments;
        let operands =
            given.iter_mut().zip(arguments).filter(|(_, a)| matches!(a.place, Place::Tensor | Place::Tensors));
        let mut operands: Vec<&mut Arg> = operands.filter_map(|(arg, _)| arg.as_mut()).collect();
        let common = match self.row.casts {
            Casts::ToCommon => Some(self.common(&operands)?),
            _ => None,
        };
        for (place, arg) in operands.iter_mut().enumerate() {
            let target = match (self.row.casts, place) {
                (Casts::None, _) => None,
                (Casts::ToBool, _) | (Casts::Select, 0) => Some("bool".to_owned()),
                (Casts::ToCommon, _) => common.clone(),
                (Casts::ToResult | Casts::Select, _) => match &result {
                    Some(result) => Some(result.clone()),
                    None => return Err(self.refuse("a result of known type", "an unknown one")),
                },
            };
            self.cast_to(arg, target.as_deref(), place == 0)?;
        }
        Ok(())
    }

    /// The one type of all tensors, in which numbers beside them stay what they are.
    fn common(&self, operands: &[&mut Arg]) -> Result<String> {
        let mut types: Vec<String> = operands.iter().filter_map(|arg| self.dtype(arg)).collect();
        types.dedup();
        let [dtype] = &types[..] else { return Err(self.refuse("tensors of one type", types.join(" and "))) };
        let fits = |arg: &Arg| match constant(arg) {
            Some(Value::Float(_)) => dtype.contains("float"),
            Some(Value::Int(_)) => dtype != "bool",
            _ => true,
        };
        match operands.iter().find(|arg| !fits(arg)) {
            Some(arg) => Err(self.refuse_argument(&self.row.arguments[0], arg)),
            None => Ok(dtype.clone()),
        }
    }

    fn cast_to(&mut self, arg: &mut Arg, dtype: Option<&str>, is_first: bool) -> Result<()> {
        match arg {
            Arg::Tensor(tensor) => {
                let spec = self.graph.spec(tensor);
                let Some(dtype) = dtype.filter(|dtype| spec.as_ref().is_none_or(|spec| spec.dtype != *dtype)) else {
                    return Ok(());
                };
                *arg = Arg::Tensor(self.add_cast(tensor.clone(), spec, dtype));
            }
            Arg::List(items) | Arg::Tuple(items) => {
                for item in items.iter_mut() {
                    self.cast_to(item, dtype, false)?;
                }
            }
            Arg::Constant(value) => {
                let own = of_array(value).map(|(numbers, dtype)| (numbers.clone(), dtype.to_owned()));
                let (numbers, own) = own.unwrap_or_else(|| (value.clone(), String::new()));
                let dtype = dtype.unwrap_or(&own);
                // What TensorFlow takes numbers for where no tensor stands before them.
                if is_first && !matches!(dtype, "float32" | "int32" | "bool" | "") {
                    return Err(self.refuse("a first argument that is a tensor", format!("a constant of type {dtype}")));
                }
                *value = typed(&numbers, dtype);
            }
            Arg::Map(_) => return Err(self.refuse("tensors", "a dictionary")),
        }
        Ok(())
    }

    fn add_cast(&mut self, tensor: TensorRef, spec: Option<TensorSpec>, dtype: &str) -> TensorRef {
        let spec = spec.map(|spec| TensorSpec { dtype: dtype.to_owned(), ..spec });
        let call = LayerCall::new(vec![Arg::Tensor(tensor)], vec![("dtype".into(), Arg::Constant(dtype.into()))]);
        self.graph.add(&format!("{}_cast", self.name), function("cast", ""), call, spec)
    }
}

/// Numbers as JSON of a type.
fn typed(value: &Value, dtype: &str) -> Value {
    match (value, dtype) {
        (Value::List(items), _) => Value::List(items.iter().map(|item| typed(item, dtype)).collect()),
        (Value::Int(number), dtype) if dtype.contains("float") => Value::Float(*number as f64),
        (Value::Int(_) | Value::Float(_), "bool") => Value::Bool(value.as_f64() != Some(0.0)),
        (Value::Bool(yes), dtype) if dtype.contains("float") => Value::Float(f64::from(u8::from(*yes))),
        (Value::Bool(yes), dtype) if dtype.contains("int") => Value::Int(i64::from(*yes)),
        _ => value.clone(),
    }
}
