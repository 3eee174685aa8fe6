//! The traces of a function, and which of them a call takes.

use kerox_config_json::Value as Json;
use kerox_format_savedmodel::messages::saved_object_graph::Kind;
use kerox_format_savedmodel::{MetaGraph, Object, Structured, TensorSpec};
use kerox_graph::{Dims, Value, ops};
use kerox_graph_def::GraphModel;
use kerox_layers::{Arg, Args, Call, Error, Layer};
use kerox_tensor::Tensor;

/// A function with its traces.
#[derive(Clone, Debug)]
pub(crate) struct Traces {
    traces: Vec<Trace>,
    /// Whether the results are followed by what is added to the loss.
    with_losses: bool,
}

/// One trace.
#[derive(Clone, Debug)]
struct Trace {
    /// Its name in the library.
    function: String,
    /// Names of the arguments by position.
    names: Vec<String>,
    args: Vec<Structured>,
    kwargs: Vec<(String, Structured)>,
    output: Structured,
}

/// An error of the graph as one of the layer.
pub(crate) fn layer_error(layer: &dyn Layer, error: kerox_graph_def::Error) -> Error {
    let (layer, class_name) = (layer.name().to_owned(), layer.class_name().to_owned());
    match error {
        kerox_graph_def::Error::Graph(source) => Error::Graph { layer, class_name, source },
        other => {
            let expected = "a function of the SavedModel that can be imported".to_owned();
            Error::Input { layer, class_name, expected, found: other.to_string() }
        }
    }
}

impl Traces {
    /// The traces of a function object.
    pub fn read(
        meta: &MetaGraph<'_>,
        function: Object<'_>,
        with_losses: bool,
    ) -> kerox_format_savedmodel::Result<Traces> {
        let spec = match &function.def.kind {
            Some(Kind::Function(function)) => function.function_spec.as_ref(),
            Some(Kind::BareConcreteFunction(function)) => function.function_spec.as_ref(),
            _ => None,
        };
        let spec = spec.and_then(|spec| spec.fullargspec.as_deref()).map(Structured::decode).transpose()?;
        let names = match spec.as_ref().and_then(|spec| spec.field("args")) {
            Some(Structured::List(names) | Structured::Tuple(names)) => names
                .iter()
                .filter_map(|name| if let Structured::Str(name) = name { Some(name.clone()) } else { None })
                .filter(|name| name != "self")
                .collect(),
            _ => Vec::new(),
        };
        let mut traces = Vec::new();
        for name in function.concrete_functions() {
            let concrete = meta.concrete_function(name)?;
            let own = concrete.def.signature.as_ref().map_or(0, |s| s.input_arg.len()) - concrete.captures.len();
            let inputs = || concrete.args.iter().chain(concrete.kwargs.iter().map(|(_, value)| value));
            let told: usize = inputs().map(|value| value.tensors().len()).sum();
            if own != told {
                let (expected, found) = (format!("{told} inputs, as its signature says"), own.to_string());
                return Err(kerox_format_savedmodel::Error::Invalid {
                    what: "function",
                    place: format!("`{name}`"),
                    expected,
                    found,
                });
            }
            traces.push(Trace {
                function: name.to_owned(),
                names: Vec::clone(&names),
                args: concrete.args,
                kwargs: concrete.kwargs,
                output: concrete.output,
            });
        }
        Ok(Traces { traces, with_losses })
    }

    /// Adds the trace that fits the arguments to the graph of the call, and gives its results.
    pub fn call(
        &self,
        graph: &GraphModel,
        layer: &dyn Layer,
        cx: &mut Call<'_>,
        args: &Args<Value>,
    ) -> kerox_layers::Result<Vec<Value>> {
        // Where no trace fits, one that takes a mask is given one that lets everything count.
        let fits = |fills: bool| self.traces.iter().find_map(|trace| Some((trace, trace.inputs(cx, args, fills)?)));
        let Some((trace, inputs)) = fits(false).or_else(|| fits(true)) else {
            return Err(self.no_trace(layer, cx, args));
        };
        let specs = trace.tensors();
        let mut values = Vec::with_capacity(inputs.len());
        for (value, spec) in inputs.into_iter().zip(specs) {
            let value = match value {
                Some(value) => value,
                None => everything(cx, args, spec)?,
            };
            let dtype = spec.dtype.dtype().unwrap_or(cx.g.dtype(value));
            values.push(if dtype == cx.g.dtype(value) { value } else { cx.g.cast(value, dtype)? });
        }
        let results = graph.inline(cx.g, &trace.function, &values).map_err(|error| layer_error(layer, error))?;
        let (output, losses) = match (&trace.output, self.with_losses) {
            (Structured::Tuple(parts) | Structured::List(parts), true) if parts.len() == 2 => {
                (&parts[0], parts[1].tensors())
            }
            (output, _) => (output, Vec::new()),
        };
        let outputs = output.tensors();
        let mut given = Vec::with_capacity(outputs.len());
        for (&value, spec) in results.iter().zip(&outputs) {
            given.push(shaped(cx, value, spec)?);
        }
        for &loss in results.iter().skip(outputs.len()).take(losses.len()) {
            cx.add_loss(loss);
        }
        Ok(given)
    }

    fn no_trace(&self, layer: &dyn Layer, cx: &Call<'_>, args: &Args<Value>) -> Error {
        let traces: Vec<String> = self.traces.iter().map(Trace::describe).collect();
        let found: Vec<String> =
            args.tensors().iter().map(|v| format!("{} {}", cx.g.dtype(**v), cx.g.dims(**v))).collect();
        Error::Input {
            layer: layer.name().into(),
            class_name: layer.class_name().into(),
            expected: format!("arguments of one of the traces {}", traces.join("; ")),
            found: format!("{} with training={}", found.join(", "), if cx.training { "True" } else { "False" }),
        }
    }
}

/// A mask that lets everything count.
fn everything(cx: &mut Call<'_>, args: &Args<Value>, spec: &TensorSpec) -> kerox_layers::Result<Value> {
    let yes = cx.g.constant(Tensor::scalar(true))?;
    let (Some(&&x), Some(rank)) = (args.first().first(), dims(spec).rank()) else { return Ok(yes) };
    let shape = cx.g.shape_of(x)?;
    let shape = cx.g.slice(shape, &[0], &[rank as i64])?;
    Ok(cx.g.fill(shape, yes)?)
}

/// The value with what the trace says of its shape, where the graph alone does not tell.
fn shaped(cx: &mut Call<'_>, value: Value, spec: &TensorSpec) -> kerox_layers::Result<Value> {
    let said = dims(spec);
    match cx.g.dims(value).merge(&said) {
        Some(both) if both != *cx.g.dims(value) => Ok(cx.g.add_single(ops::EnsureShape { dims: said }, &[value])?),
        _ => Ok(value),
    }
}

fn dims(spec: &TensorSpec) -> Dims {
    match &spec.shape {
        Some(axes) => axes.iter().map(|axis| axis.and_then(|n| usize::try_from(n).ok())).collect(),
        None => Dims::unknown(),
    }
}

impl Trace {
    /// The tensors it takes, in the order of the function's arguments.
    fn tensors(&self) -> Vec<&TensorSpec> {
        let mut kwargs: Vec<&(String, Structured)> = self.kwargs.iter().collect();
        kwargs.sort_by(|a, b| a.0.cmp(&b.0));
        self.args.iter().chain(kwargs.into_iter().map(|(_, value)| value)).flat_map(Structured::tensors).collect()
    }

    /// The values of the call for those tensors; nothing where the trace is for other arguments. `fills`: a mask may be
    /// missing.
    fn inputs(&self, cx: &Call<'_>, args: &Args<Value>, fills: bool) -> Option<Vec<Option<Value>>> {
        let mut kwargs: Vec<&(String, Structured)> = self.kwargs.iter().collect();
        kwargs.sort_by(|a, b| a.0.cmp(&b.0));
        let by_place =
            self.args.iter().enumerate().map(|(at, spec)| (at, self.names.get(at).map_or("", String::as_str), spec));
        let by_name = kwargs.into_iter().map(|(name, spec)| {
            let at = self.names.iter().position(|known| known == name).unwrap_or(usize::MAX);
            (at, name.as_str(), spec)
        });
        let mut values = Vec::new();
        let mut used = 0;
        for (at, name, spec) in by_place.chain(by_name) {
            let given = args.get(at, name);
            let mask = || cx.mask(**args.first().first()?);
            let tensors: Vec<Value> = match given {
                Some(given) => given.tensors().into_iter().copied().collect(),
                None => Vec::new(),
            };
            used += tensors.len();
            let wanted = spec.tensors();
            if !wanted.is_empty() {
                let tensors = if tensors.is_empty() && name == "mask" { mask().into_iter().collect() } else { tensors };
                if let (true, "mask", [_], []) = (fills, name, &wanted[..], &tensors[..]) {
                    values.push(None);
                    continue;
                }
                if tensors.len() != wanted.len() || !tensors.iter().zip(&wanted).all(|(v, spec)| fits(cx, *v, spec)) {
                    return None;
                }
                values.extend(tensors.into_iter().map(Some));
                continue;
            }
            if !tensors.is_empty() || !constant_fits(spec, given, name, cx.training) {
                return None;
            }
        }
        (used == args.tensors().len()).then_some(values)
    }

    fn describe(&self) -> String {
        let tensor = |spec: &TensorSpec| {
            let dtype = spec.dtype.dtype().map_or_else(|| format!("{:?}", spec.dtype), |dtype| dtype.to_string());
            format!("{dtype} {}", dims(spec))
        };
        let one = |(name, value): (&str, &Structured)| match value {
            Structured::Bool(value) => format!("{name}={}", if *value { "True" } else { "False" }),
            value if value.tensors().is_empty() => String::new(),
            value => format!("{name}: {}", value.tensors().into_iter().map(tensor).collect::<Vec<_>>().join(", ")),
        };
        let names = self.names.iter().map(String::as_str).chain(std::iter::repeat("inputs"));
        let args = names.zip(&self.args).chain(self.kwargs.iter().map(|(name, value)| (name.as_str(), value)));
        let parts: Vec<String> = args.map(one).filter(|part| !part.is_empty()).collect();
        format!("({})", parts.join(", "))
    }
}

fn fits(cx: &Call<'_>, value: Value, spec: &TensorSpec) -> bool {
    let dtype = cx.g.dtype(value);
    let is_type = spec.dtype.dtype().is_some_and(|wanted| wanted == dtype || (wanted.is_float() && dtype.is_float()));
    is_type && cx.g.dims(value).merge(&dims(spec)).is_some()
}

/// Whether a trace made for a constant serves a call with that argument.
fn constant_fits(spec: &Structured, given: Option<&Arg<Value>>, name: &str, training: bool) -> bool {
    let given = match given {
        Some(Arg::Const(value)) => Some(value),
        _ => None,
    };
    match spec {
        Structured::Bool(value) if name == "training" => *value == training,
        Structured::Bool(value) => given.and_then(Json::as_bool).is_none_or(|given| given == *value),
        Structured::Int(value) => given.and_then(Json::as_i64).is_none_or(|given| given == *value),
        Structured::Float(value) => given.and_then(Json::as_f64).is_none_or(|given| given == *value),
        Structured::Str(value) => given.and_then(Json::as_str).is_none_or(|given| given == value),
        _ => true,
    }
}
