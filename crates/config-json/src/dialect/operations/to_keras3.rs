//! Functions of TensorFlow as operations of Keras 3.

use super::graph::{Graph, constant, default, is_null, operation, same};
use super::operation::{Argument, Form, Operation, Place, Types};
use super::values::{Beside, array};
use crate::model::{Arg, LayerCall, TensorRef, TensorSpec};
use crate::{Config, Object, Result, Value};

/// Puts operations of Keras 3 in the place of the function at an index.
pub(super) fn rewrite(graph: &mut Graph<'_>, at: usize) -> Result<()> {
    let layer = graph.model.layers[at].clone();
    let function = layer.object.config.get("function").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(row) = Operation::of_function(&function) else {
        let expected = "an operation that Keras 3 has";
        return Err(graph.refuse(at, &function, expected, format!("`{}` of TensorFlow", function)));
    };
    let mut made: Option<Object> = None;
    for (number, call) in layer.calls.iter().enumerate() {
        let mut step = Step { graph: &mut *graph, at, number, function: &function, row, name: &layer.name };
        let (object, call) = step.call(call)?;
        if made.as_ref().is_some_and(|before| *before != object) {
            return Err(graph.refuse(at, &function, "the same arguments in every call", "others"));
        }
        made = Some(object);
        graph.model.layers[at].calls[number] = call;
    }
    match made {
        Some(object) => graph.model.layers[at].object = Object { path: layer.object.path, ..object },
        None => return Err(graph.refuse(at, &function, "a call", "none")),
    }
    Ok(())
}

struct Step<'s, 'g> {
    graph: &'s mut Graph<'g>,
    at: usize,
    number: usize,
    function: &'s str,
    row: &'static Operation,
    name: &'s str,
}

impl Step<'_, '_> {
    fn refuse(&self, expected: impl Into<String>, found: impl Into<String>) -> crate::Error {
        self.graph.refuse(self.at, self.function, expected, found)
    }

    fn refuse_argument(&self, argument: &Argument, arg: &Arg) -> crate::Error {
        let found = constant(arg).map_or_else(|| "a tensor".to_owned(), Value::describe);
        let name = argument.tf.first().unwrap_or(&argument.keras);
        self.refuse(format!("an argument `{name}` that Keras 3 can have"), found)
    }

    /// The arguments of the table as the call gives them.
    fn given(&self, call: &LayerCall) -> Result<Vec<Option<Arg>>> {
        let mut given: Vec<Option<Arg>> = vec![None; self.row.arguments.len()];
        if call.args.len() > given.len() {
            return Err(self.refuse(format!("{} arguments", given.len()), call.args.len().to_string()));
        }
        for (place, arg) in given.iter_mut().zip(&call.args) {
            *place = Some(arg.clone());
        }
        for (key, arg) in call.kwargs.iter().filter(|(_, arg)| !is_null(arg)) {
            let known = |argument: &Argument| argument.tf.contains(&key.as_str());
            // The first argument has no name here: it may be that of another one (`where`, `atan2`).
            match self.row.arguments.iter().skip(1).position(known) {
                Some(at) => given[at + 1] = Some(arg.clone()),
                None if key == "name" => {}
                None => return Err(self.refuse("arguments that Keras 3 has", format!("`{key}`"))),
            }
        }
        Ok(given.into_iter().map(|arg| arg.filter(|arg| !is_null(arg))).collect())
    }

    fn call(&mut self, call: &LayerCall) -> Result<(Object, LayerCall)> {
        let given = self.given(call)?;
        let tensors: Vec<TensorRef> = call.tensors().into_iter().cloned().collect();
        let input = tensors.first().and_then(|tensor| self.graph.spec(tensor));
        let output = self.graph.output(self.at, self.number);
        self.check_types(&given, input.as_ref())?;
        let axis = self.axis(&given);
        let mut config = Config::new().with("name", self.name);
        let mut args = Vec::new();
        for (argument, arg) in self.row.arguments.iter().zip(&given) {
            let beside = Beside { input: input.as_ref(), output: output.as_ref(), axis };
            let is_there = arg.clone().unwrap_or_else(|| Arg::Constant(default(argument.tf_default)));
            match argument.place {
                Place::Tensor => args.push(self.tensor(argument, arg.as_ref(), input.as_ref())?),
                Place::Tensors => args.push(self.tensors(argument, arg.as_ref())?),
                Place::Tf => {
                    let is_default = constant(&is_there).is_some_and(|v| same(v, &default(argument.tf_default)));
                    if !is_default && !self.is_of_form(argument) {
                        return Err(self.refuse_argument(argument, &is_there));
                    }
                }
                Place::Keras => drop(config.insert(argument.keras, default(argument.keras_default))),
                Place::Call | Place::Config => {
                    if arg.is_none() && argument.tf_default.is_empty() {
                        return Err(self.refuse(format!("an argument `{}`", argument.tf[0]), "none"));
                    }
                    let spelled = argument.spelling.in_keras3(&is_there, &beside);
                    let spelled = spelled.ok_or_else(|| self.refuse_argument(argument, &is_there))?;
                    let is_default = constant(&is_there).is_some_and(|v| same(v, &default(argument.tf_default)));
                    match (argument.place, &spelled) {
                        (Place::Call, _) if is_default && !argument.tf_default.is_empty() => {}
                        (Place::Call, _) => args.push(spelled),
                        (_, Arg::Constant(value)) => drop(config.insert(argument.keras, value.clone())),
                        _ => return Err(self.refuse_argument(argument, &is_there)),
                    }
                }
            }
        }
        self.finish(&given, config, args, output)
    }

    /// Whether the form of the operation takes care of an argument.
    fn is_of_form(&self, argument: &Argument) -> bool {
        match self.row.form {
            Form::Product => argument.tf.iter().any(|name| name.starts_with("transpose")),
            Form::Place64 => argument.tf.contains(&"output_type"),
            Form::Strides => argument.tf.iter().any(|name| matches!(*name, "begin" | "end" | "strides")),
            _ => false,
        }
    }

    fn axis(&self, given: &[Option<Arg>]) -> Option<i64> {
        let at = self.row.arguments.iter().position(|argument| argument.keras == "axis")?;
        match given.get(at)? {
            Some(arg) => constant(arg)?.as_i64(),
            None => default(self.row.arguments.get(at)?.tf_default).as_i64(),
        }
    }

    /// Whether both compute the same for tensors of this type.
    fn check_types(&self, given: &[Option<Arg>], input: Option<&TensorSpec>) -> Result<()> {
        let dtype = input.map(|spec| spec.dtype.as_str());
        let is_float = dtype.is_some_and(|dtype| dtype.contains("float"));
        let (fits, expected) = match self.row.types {
            Types::Any => return Ok(()),
            Types::Numbers => {
                (is_float || matches!(dtype, Some("int32" | "int64")), "floating-point numbers, int32 or int64")
            }
            Types::Floats => (is_float, "floating-point numbers"),
            Types::Bools => (dtype == Some("bool"), "truth values"),
        };
        let has_tensors = given.iter().flatten().any(|arg| !arg.tensors().is_empty());
        if fits || !has_tensors {
            return Ok(());
        }
        Err(self.refuse(expected, dtype.unwrap_or("a tensor of unknown type")))
    }

    /// A tensor or a constant; constants that are no single numbers become arrays of the tensors' type.
    fn tensor(&self, argument: &Argument, arg: Option<&Arg>, input: Option<&TensorSpec>) -> Result<Arg> {
        match arg {
            Some(tensor @ Arg::Tensor(_)) => Ok(tensor.clone()),
            Some(Arg::Constant(value @ Value::List(_))) => match input {
                // A condition beside what it chooses from has a type of its own.
                Some(spec) if self.row.class_name() != "Where" => Ok(Arg::Constant(array(value, &spec.dtype))),
                _ => Err(self.refuse("a type for the constant", "none")),
            },
            Some(number @ Arg::Constant(value)) if value.as_f64().is_some() => Ok(number.clone()),
            Some(other) => Err(self.refuse_argument(argument, other)),
            None => Err(self.refuse(format!("an argument `{}`", argument.tf[0]), "none")),
        }
    }

    fn tensors(&self, argument: &Argument, arg: Option<&Arg>) -> Result<Arg> {
        let items = match arg {
            Some(Arg::List(items) | Arg::Tuple(items)) => items.clone(),
            Some(one @ Arg::Tensor(_)) => vec![one.clone()],
            Some(other) => return Err(self.refuse_argument(argument, other)),
            None => return Err(self.refuse("tensors", "none")),
        };
        match items.iter().all(|item| matches!(item, Arg::Tensor(_))) {
            true => Ok(Arg::List(items)),
            false => Err(self.refuse("tensors alone", "constants among them")),
        }
    }

    /// The constant that TensorFlow's argument of a name is.
    fn named<'v>(&self, given: &'v [Option<Arg>], name: &str) -> Option<&'v Value> {
        let at = self.row.arguments.iter().position(|argument| argument.tf.contains(&name))?;
        constant(given.get(at)?.as_ref()?)
    }

    /// Python's slices of beginnings, ends and steps.
    fn slices(&self, given: &[Option<Arg>]) -> Result<Value> {
        let lists = ["begin", "end", "strides"].map(|name| self.named(given, name).and_then(Value::as_list));
        let (Some(begin), Some(end)) = (lists[0], lists[1]) else {
            return Err(self.refuse("lists of numbers for `begin` and `end`", "others"));
        };
        let steps = lists[2].map_or_else(|| vec![Value::Null; begin.len()], <[Value]>::to_vec);
        if begin.len() != end.len() || begin.len() != steps.len() {
            return Err(
                self.refuse(format!("{} ends and steps", begin.len()), format!("{} and {}", end.len(), steps.len()))
            );
        }
        let slices = begin.iter().zip(end).zip(steps).map(|((start, stop), step)| {
            let slice = Config::new().with("start", start.clone()).with("stop", stop.clone()).with("step", step);
            Value::from(Config::new().with("class_name", "__slice__").with("config", slice))
        });
        Ok(Value::List(slices.collect()))
    }

    fn plain(&self, config: Config) -> Object {
        operation(self.row.module, self.row.class_name(), config)
    }

    fn finish(
        &mut self,
        given: &[Option<Arg>],
        config: Config,
        mut args: Vec<Arg>,
        output: Option<TensorSpec>,
    ) -> Result<(Object, LayerCall)> {
        let called = |args: Vec<Arg>| LayerCall::new(args, Vec::new());
        let stem = |part: &str| format!("{}_{part}", self.name);
        match self.row.form {
            Form::Plain | Form::Swapaxes => {}
            Form::Strides => args.push(Arg::Constant(self.slices(given)?)),
            Form::SquaredDifference => {
                let object = operation("numpy", "Subtract", Config::new());
                let apart = self.graph.add(&stem("subtract"), object, called(args), output);
                args = vec![Arg::Tensor(apart)];
            }
            Form::Sum => {
                let Some(Arg::List(items)) = args.pop() else { return Err(self.refuse("tensors", "none")) };
                let mut items = items.into_iter();
                let (Some(first), Some(second)) = (items.next(), items.next()) else {
                    return Err(self.refuse("two tensors at least", "one"));
                };
                let mut pair = vec![first, second];
                for next in items {
                    let object = operation("numpy", "Add", Config::new());
                    let sum = self.graph.add(&stem("add"), object, called(pair), output.clone());
                    pair = vec![Arg::Tensor(sum), next];
                }
                args = pair;
            }
            Form::Product => {
                for (operand, flag) in args.iter_mut().zip(["transpose_a", "transpose_b"]) {
                    if self.named(given, flag).and_then(Value::as_bool) != Some(true) {
                        continue;
                    }
                    let Arg::Tensor(tensor) = operand else {
                        return Err(self.refuse("a tensor to transpose", "a constant"));
                    };
                    let mut spec = self.graph.spec(tensor);
                    if let Some(spec) = &mut spec
                        && let Some(last) = spec.shape.len().checked_sub(1).filter(|last| *last > 0)
                    {
                        spec.shape.swap(last - 1, last);
                    }
                    let object = operation(
                        "numpy",
                        "Swapaxes",
                        Config::new().with("name", "").with("axis1", -2).with("axis2", -1),
                    );
                    let call = called(vec![Arg::Tensor(tensor.clone())]);
                    *operand = Arg::Tensor(self.graph.add(&stem("swapaxes"), object, call, spec));
                }
            }
            Form::Place64 => {
                let dtype = self.named(given, "output_type").and_then(Value::as_str).unwrap_or("int64").to_owned();
                if dtype != "int32" {
                    let place = output.map(|spec| TensorSpec { dtype: "int32".into(), ..spec });
                    let place = self.graph.add(&stem("place"), self.plain(config), called(args), place);
                    let cast = operation("core", "Cast", Config::new().with("name", self.name).with("dtype", dtype));
                    return Ok((cast, called(vec![Arg::Tensor(place)])));
                }
            }
        }
        Ok((self.plain(config), called(args)))
    }
}
