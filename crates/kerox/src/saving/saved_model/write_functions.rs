//! The functions of the model and of every layer.
//!
//! | function | arguments | results |
//! |---|---|---|
//! | `..._call_and_return_conditional_losses` | the layer's, variables | outputs, then losses |
//! | `..._call_fn` | the same | outputs |
//! | `_wrapped_model` | the model's inputs, variables | outputs by name |
//! | `signature_wrapper` | the model's inputs by name, variables | outputs by name |
//!
//! The first holds the operations, the others call it. Layers whose graph depends on it have two of each, for training
//! and for inference, and an argument `training` that says which.

use kerox_format_savedmodel::messages::FunctionDef;
use kerox_format_savedmodel::{ArgSpec, NodeId, Structured};
use kerox_graph::{Graph, Value, ValueInfo};
use kerox_graph_def::export::{ExportedFunction, FunctionLibrary};
use kerox_layers::models::Functional;
use kerox_layers::{Arg, Args, Call, CallRecord, LayerRef};

use super::signature::ServingSignature;
use super::trace::{Arguments, Input, Trace, tensor_spec, trace};
use super::write::Writer;
use crate::saving::{Error, Result};

/// Objects of a layer's functions.
pub(super) struct CallFunctions {
    pub call: NodeId,
    pub losses: NodeId,
    pub default_signature: Option<NodeId>,
    /// Whether there is one for training and one for inference.
    pub takes_training: bool,
}

/// A layer's call for one set of arguments.
pub(super) struct Variant {
    pub arguments: Arguments,
    pub trace: Trace,
}

/// The calls of the model.
pub(super) struct RootTraces {
    pub inference: Variant,
    pub training: Variant,
    /// Whether they differ.
    pub takes_training: bool,
}

/// A name as functions may have it.
fn clean(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// The function a trace becomes, for comparison.
fn definition(trace: &Trace) -> Result<Vec<FunctionDef>> {
    let mut library = FunctionLibrary::new();
    add(&mut library, "f", trace)?;
    Ok(library.into_functions())
}

fn add(library: &mut FunctionLibrary, name: &str, trace: &Trace) -> Result<ExportedFunction> {
    let outputs = trace.outputs.iter().chain(&trace.losses);
    let outputs: Vec<(String, Value)> = outputs.map(|&value| ("identity".to_string(), value)).collect();
    Ok(library.add(name, &trace.graph, &trace.inputs, &outputs, &trace.effects)?)
}

impl Writer<'_> {
    fn function_name(&mut self, base: &str) -> String {
        self.count += 1;
        format!("__inference_{}_{}", clean(base), self.count)
    }

    fn captures(&mut self, function: &ExportedFunction) -> Result<Vec<NodeId>> {
        function.captures.iter().map(|capture| self.captured(capture)).collect()
    }

    /// Traces the model for training and for inference.
    pub fn root_traces(&mut self) -> Result<RootTraces> {
        let network = self.model.network();
        let args = self.root_arguments()?;
        let variant = |training: bool| -> Result<Variant> {
            let arguments = Arguments { args: args.clone(), masks: Vec::new(), training };
            let trace = trace(network, &arguments, !training)?;
            Ok(Variant { arguments, trace })
        };
        let (inference, training) = (variant(false)?, variant(true)?);
        for record in &inference.trace.records {
            self.records.entry(record.layer.id()).or_default().push(record.clone());
        }
        let takes_training = is_graph(network) || definition(&inference.trace)? != definition(&training.trace)?;
        Ok(RootTraces { inference, training, takes_training })
    }

    /// What the model is called with: its inputs in the structure it was made with.
    fn root_arguments(&self) -> Result<Args<Input>> {
        let network = self.model.network();
        let mut infos = self.model.input_infos();
        if infos.is_empty() {
            let built = network.base().built().ok_or_else(|| kerox_layers::Error::NotBuilt)?;
            let dtype = network.input_dtype();
            let name = |i: usize| format!("input_{}", i + 1);
            infos.extend(built.into_iter().enumerate().map(|(i, dims)| (name(i), ValueInfo::new(dtype, dims))));
        }
        let mut inputs = infos.into_iter().map(|(name, info)| Input { name, info });
        let structure = network.downcast::<Functional>().map(Functional::input_structure);
        let Some(structure) = structure else { return Ok(Args::inputs(inputs)) };
        let mut structure = structure.clone();
        if let Arg::List(items) = &structure {
            // Keras takes a list of one for the one.
            if let [Arg::Tensor(_)] = items[..] {
                structure = items[0].clone();
            }
        }
        if let Arg::Map(entries) = &mut structure {
            entries.sort_by(|a, b| a.0.cmp(&b.0));
        }
        let fewer = || Error::from(kerox_layers::Error::NotBuilt);
        let first = structure.try_map(&mut |_| inputs.next().ok_or_else(fewer))?;
        Ok(Args { args: vec![first], kwargs: Vec::new() })
    }

    /// The functions of the model, and its signatures.
    pub fn root_functions(&mut self, traces: &RootTraces) -> Result<CallFunctions> {
        let network = self.model.network().clone();
        let is_graph = is_graph(&network);
        let mut variants = vec![&traces.inference];
        if traces.takes_training {
            variants.insert(0, &traces.training);
        }
        let mut names = vec!["inputs".to_string()];
        let mut defaults = Vec::new();
        if traces.takes_training {
            names.push("training".into());
            defaults.push(Structured::Bool(false));
        }
        if is_graph {
            names.push("mask".into());
            defaults.push(Structured::None);
        }
        let spec = ArgSpec { args: names, defaults, ..ArgSpec::default() };
        let arguments = |variant: &Variant| {
            let mut arguments = variant.arguments.structured();
            arguments.extend(traces.takes_training.then_some(Structured::Bool(variant.arguments.training)));
            arguments.extend(is_graph.then_some(Structured::None));
            arguments
        };
        let output = |specs: Vec<Structured>| output_structure(&network, specs);
        let (mut functions, bodies) = self.call_functions(&network, &variants, &spec, &arguments, &output)?;

        // The last variant is the one for inference.
        let Some(body) = bodies.last() else { return Ok(functions) };
        let inputs: Vec<String> = traces.inference.trace.inputs.iter().map(|(name, _)| name.clone()).collect();
        let outputs = self.model.output_names(traces.inference.trace.outputs.len());
        let name = self.function_name("_wrapped_model");
        let wrapped = self.wrap(&name, body, &inputs, &outputs)?;
        let captures = self.captures(&wrapped)?;
        let args = traces.inference.arguments.structured();
        self.builder.concrete_function(&wrapped.name, &captures, args, vec![], named_outputs(&wrapped, &outputs));
        let keywords: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let spec = ArgSpec::positional(&["args_0"], vec![]);
        functions.default_signature = Some(self.builder.bare_function(&wrapped.name, &keywords, 1, spec));

        let named: Vec<(String, ServingSignature)> = self.options.signatures.clone();
        if !named.iter().any(|(name, _)| name == "serving_default") {
            let name = self.function_name("signature_wrapper");
            let function = self.wrap_sorted(&name, body, &inputs, &outputs)?;
            self.signature("serving_default", &function, &inputs, &outputs)?;
        }
        for (name, signature) in &named {
            self.named_signature(name, signature)?;
        }
        Ok(functions)
    }

    /// Adds the functions of a layer for its variants; gives their objects and those that hold the operations.
    fn call_functions(
        &mut self,
        layer: &LayerRef,
        variants: &[&Variant],
        spec: &ArgSpec,
        arguments: &dyn Fn(&Variant) -> Vec<Structured>,
        output: &dyn Fn(Vec<Structured>) -> Structured,
    ) -> Result<(CallFunctions, Vec<ExportedFunction>)> {
        let (mut calls, mut losses, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
        for variant in variants {
            let name = self.function_name(&format!("{}_layer_call_and_return_conditional_losses", layer.name()));
            let body = add(&mut self.library, &name, &variant.trace)?;
            let captures = self.captures(&body)?;
            let n = variant.trace.outputs.len();
            let specs = |name: &str, from: usize, to: usize| -> Vec<Structured> {
                let parts = body.outputs[from..to].iter().enumerate();
                parts
                    .map(|(i, (dtype, dims))| {
                        let name = if name == "unknown" { name.to_string() } else { format!("{name}_{}", from + i) };
                        Structured::Tensor(tensor_spec(&name, *dtype, dims))
                    })
                    .collect()
            };
            let result = Structured::Tuple(vec![
                output(specs("tensor", 0, n)),
                Structured::List(specs("tensor", n, body.outputs.len())),
            ]);
            self.builder.concrete_function(&body.name, &captures, arguments(variant), vec![], result);
            losses.push(body.name.clone());

            let name = self.function_name(&format!("{}_layer_call_fn", layer.name()));
            let inputs = variant.trace.inputs.iter().enumerate().map(|(i, (name, _))| (name.clone(), i));
            let outputs: Vec<(String, usize)> = (0..n).map(|at| ("identity".to_string(), at)).collect();
            let call = self.library.wrap(&name, &body, &inputs.collect::<Vec<_>>(), &outputs)?;
            let result = output(specs("unknown", 0, n));
            self.builder.concrete_function(&call.name, &captures, arguments(variant), vec![], result);
            calls.push(call.name);
            bodies.push(body);
        }
        let call = self.builder.function(&calls.iter().map(String::as_str).collect::<Vec<_>>(), spec.clone());
        let losses = self.builder.function(&losses.iter().map(String::as_str).collect::<Vec<_>>(), spec.clone());
        Ok((CallFunctions { call, losses, default_signature: None, takes_training: false }, bodies))
    }

    /// The functions of a layer inside the model, for everything it was called with.
    pub fn layer_functions(&mut self, layer: &LayerRef, records: &[CallRecord]) -> Result<Option<CallFunctions>> {
        let mut calls: Vec<(LayerCall, &CallRecord)> = Vec::new();
        for record in records {
            let call = LayerCall::new(layer, record)?;
            // Calls with other arguments would be another function of Python's.
            if calls.first().is_none_or(|(first, _)| first.names == call.names) {
                calls.push((call, record));
            }
        }
        let Some((first, _)) = calls.first() else { return Ok(None) };
        let mut names = first.names.clone();
        let takes_training = calls.iter().any(|(call, _)| call.takes_training);
        let takes_mask = calls.iter().any(|(call, _)| call.takes_mask) && !names.iter().any(|name| name == "mask");
        let mut defaults = Vec::new();
        if takes_training {
            names.push("training".into());
            defaults.push(Structured::Bool(false));
        }
        if takes_mask {
            names.push("mask".into());
            defaults.push(Structured::None);
        }
        let spec = ArgSpec { args: names, defaults, ..ArgSpec::default() };
        let arguments = |variant: &Variant| {
            let mut arguments = variant.arguments.structured();
            arguments.extend(takes_training.then_some(Structured::Bool(variant.arguments.training)));
            arguments.extend(takes_mask.then(|| variant.arguments.structured_masks()));
            arguments
        };
        let mut variants: Vec<Variant> = Vec::new();
        for (call, record) in calls {
            // Where one call differs in training, all of them have both.
            if takes_training && !call.takes_training {
                variants.push(LayerCall::variant(layer, record, true, false)?);
            }
            variants.extend(call.variants);
        }
        let output = |specs: Vec<Structured>| output_structure(layer, specs);
        let variants: Vec<&Variant> = variants.iter().collect();
        let (functions, _) = self.call_functions(layer, &variants, &spec, &arguments, &output)?;
        Ok(Some(CallFunctions { takes_training, ..functions }))
    }

    /// A function that calls another one and names its results, in the order of their names.
    fn wrap(
        &mut self,
        name: &str,
        body: &ExportedFunction,
        inputs: &[String],
        outputs: &[String],
    ) -> Result<ExportedFunction> {
        let inputs: Vec<(String, usize)> = inputs.iter().cloned().zip(0..).collect();
        let mut outputs: Vec<(String, usize)> = outputs.iter().cloned().zip(0..).collect();
        outputs.sort();
        Ok(self.library.wrap(name, body, &inputs, &outputs)?)
    }

    /// As [`Self::wrap`], with the arguments in the order of their names too.
    fn wrap_sorted(
        &mut self,
        name: &str,
        body: &ExportedFunction,
        inputs: &[String],
        outputs: &[String],
    ) -> Result<ExportedFunction> {
        let mut inputs: Vec<(String, usize)> = inputs.iter().cloned().zip(0..).collect();
        inputs.sort();
        let mut outputs: Vec<(String, usize)> = outputs.iter().cloned().zip(0..).collect();
        outputs.sort();
        Ok(self.library.wrap(name, body, &inputs, &outputs)?)
    }

    /// Makes a function a signature. Names are in the order of the model; the function's are sorted.
    fn signature(
        &mut self,
        name: &str,
        function: &ExportedFunction,
        inputs: &[String],
        outputs: &[String],
    ) -> Result<()> {
        let captures = self.captures(function)?;
        let mut sorted = inputs.to_vec();
        sorted.sort();
        let keywords = sorted.into_iter().zip(&function.inputs).map(|(name, (dtype, dims))| {
            let spec = Structured::Tensor(tensor_spec(&name, *dtype, dims));
            (name, spec)
        });
        let output = named_outputs(function, outputs);
        self.builder.concrete_function(&function.name, &captures, vec![], keywords.collect(), output);
        self.builder.signature(name, &function.name);
        Ok(())
    }

    /// A signature of the caller's.
    fn named_signature(&mut self, name: &str, signature: &ServingSignature) -> Result<()> {
        let mut g = Graph::new();
        let mut inputs = Vec::new();
        for (name, info) in &signature.inputs {
            inputs.push((name.clone(), g.placeholder(name, info.dtype, info.dims.clone())?));
        }
        let values: Vec<Value> = inputs.iter().map(|(_, value)| *value).collect();
        let mut cx = Call::new(&mut g, false);
        cx.keep_loops();
        let mut outputs = (signature.compute)(&mut cx, &values)?;
        inputs.sort_by(|a, b| a.0.cmp(&b.0));
        outputs.sort_by(|a, b| a.0.cmp(&b.0));
        let effects = g.effects.clone();
        let function = self.function_name(&format!("signature_wrapper_{name}"));
        let function = self.library.add(&function, &g, &inputs, &outputs, &effects)?;
        let names = |ends: &[(String, Value)]| ends.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        self.signature(name, &function, &names(&inputs), &names(&outputs))
    }

    /// A function without arguments: the penalty on a weight.
    pub fn penalty_function(&mut self, g: &Graph, penalty: Value) -> Result<NodeId> {
        let name = self.function_name("loss_fn");
        let function = self.library.add(&name, g, &[], &[("identity".into(), penalty)], &[])?;
        let captures = self.captures(&function)?;
        let (dtype, dims) = (g.dtype(penalty), g.dims(penalty));
        let output = Structured::Tensor(tensor_spec("unknown", dtype, dims));
        self.builder.concrete_function(&function.name, &captures, vec![], vec![], output);
        Ok(self.builder.function(&[&function.name], ArgSpec::default()))
    }
}

/// A layer's call with one set of arguments, in all its variants.
struct LayerCall {
    /// The names of the arguments without `training` and `mask`.
    names: Vec<String>,
    variants: Vec<Variant>,
    takes_training: bool,
    takes_mask: bool,
}

impl LayerCall {
    fn variant(layer: &LayerRef, record: &CallRecord, training: bool, with_masks: bool) -> Result<Variant> {
        let arguments = Arguments::of(record, training, with_masks);
        let trace = trace(layer, &arguments, false)?;
        Ok(Variant { arguments, trace })
    }

    fn new(layer: &LayerRef, record: &CallRecord) -> Result<LayerCall> {
        let inference = LayerCall::variant(layer, record, false, false)?;
        let training = LayerCall::variant(layer, record, true, false)?;
        let names = inference.arguments.names();
        let takes_training = definition(&inference.trace)? != definition(&training.trace)?;
        let mut variants = if takes_training { vec![training, inference] } else { vec![inference] };
        let mut takes_mask = false;
        if record.masks.iter().any(Option::is_some) {
            let masked = LayerCall::variant(layer, record, false, true)?;
            let first_mask = masked.trace.inputs.len() - masked.arguments.masks.iter().flatten().count();
            let masks: Vec<Value> = masked.trace.inputs[first_mask..].iter().map(|(_, value)| *value).collect();
            let mut used = masked.trace.graph.nodes().iter().flat_map(|node| &node.inputs);
            takes_mask = used.any(|value| masks.contains(value));
            if takes_mask {
                if takes_training {
                    variants.push(LayerCall::variant(layer, record, true, true)?);
                }
                variants.push(masked);
            }
        }
        Ok(LayerCall { names, variants, takes_training, takes_mask })
    }
}

/// Whether the model is a graph of layers: Sequential or functional.
pub(super) fn is_graph(network: &LayerRef) -> bool {
    network.downcast::<kerox_layers::models::Sequential>().is_some() || network.downcast::<Functional>().is_some()
}

/// Outputs by name, sorted.
fn named_outputs(function: &ExportedFunction, names: &[String]) -> Structured {
    let mut names = names.to_vec();
    names.sort();
    let entry = |(name, (dtype, dims)): (String, &(kerox_tensor::DType, kerox_graph::Dims))| {
        let spec = Structured::Tensor(tensor_spec(&name, *dtype, dims));
        (name, spec)
    };
    Structured::Dict(names.into_iter().zip(&function.outputs).map(entry).collect())
}

/// Outputs in the structure in which a layer gives them.
fn output_structure(layer: &LayerRef, specs: Vec<Structured>) -> Structured {
    let mut specs = specs.into_iter();
    if let Some(Arg::Map(entries)) = layer.downcast::<Functional>().map(Functional::output_structure) {
        let mut keys: Vec<&String> = entries.iter().map(|(key, _)| key).collect();
        keys.sort();
        return Structured::Dict(keys.into_iter().cloned().zip(specs).collect());
    }
    match specs.len() {
        1 => specs.next().unwrap_or(Structured::None),
        _ => Structured::List(specs.collect()),
    }
}
