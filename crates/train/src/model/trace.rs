//! Traces a model into the graphs of its steps.

use kerox_graph::{Dims, Graph, NodeId, Value, ValueInfo, gradients};
use kerox_layers::{Args, Call, Weight};
use kerox_tensor::{DType, Shape, Tensor};

use super::Model;
use super::step::StepFunction;
use crate::data::Batch;
use crate::metrics::Metric;
use crate::{Error, Result};

/// Which step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Train,
    Test,
    Predict,
}

/// Graphs and compiled steps, kept until something changes.
#[derive(Default)]
pub(crate) struct Traces {
    traces: Vec<Trace>,
}

/// Plans for more different shapes than this are not kept.
const MAX_STEPS: usize = 16;

/// The graph of one kind of step with what it is fed and gives.
pub(crate) struct Trace {
    mode: Mode,
    /// Types and shapes without the batch of what is fed.
    signature: Vec<(DType, Shape)>,
    pub graph: Graph,
    pub feeds: Vec<Value>,
    pub fetches: Vec<Value>,
    pub effects: Vec<NodeId>,
    pub layout: Layout,
    steps: Vec<StepFunction>,
}

/// What the fetches of a step are, in order: predictions, loss, losses of the outputs, contributions of the metrics,
/// metrics added by layers, gradients.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    pub predictions: usize,
    pub has_loss: bool,
    /// Names of the losses of the outputs, where there are several.
    pub output_losses: Vec<String>,
    pub metrics: Vec<Metric>,
    /// Shapes of what each metric adds up.
    pub metric_shapes: Vec<Vec<Shape>>,
    pub added_metrics: Vec<String>,
    /// The weights the gradients are for.
    pub weights: Vec<Weight>,
    /// Whether the gradient of each of them is by rows: numbers of rows, then what comes for them.
    pub by_rows: Vec<bool>,
    /// Whether a factor of the loss is fed last.
    pub is_scaled: bool,
}

impl Traces {
    pub fn clear(&mut self) {
        self.traces.clear();
    }
}

fn signature(batch: &Batch) -> impl Iterator<Item = &Tensor> {
    batch.x.iter().chain(&batch.y).chain(&batch.sample_weight)
}

impl Model {
    /// The generators of random numbers that training draws from: those of dropout and noise.
    pub(crate) fn generators(&self) -> Vec<kerox_graph::Generator> {
        let traces = self.traces.traces.iter().filter(|trace| trace.mode == Mode::Train);
        let mut found: Vec<kerox_graph::Generator> = Vec::new();
        for generator in traces.flat_map(|trace| trace.graph.generators()) {
            if !found.iter().any(|known| known.is_same(&generator)) {
                found.push(generator);
            }
        }
        found
    }

    /// The compiled step for a batch of these types and shapes.
    pub(crate) fn step(&mut self, mode: Mode, batch: &Batch) -> Result<&mut StepFunction> {
        let fits = |trace: &Trace| {
            trace.mode == mode
                && trace.signature.len() == signature(batch).count()
                && signature(batch)
                    .zip(&trace.signature)
                    .all(|(t, (dtype, shape))| t.dtype() == *dtype && t.shape().get(1..) == Some(&shape[..]))
        };
        let at = match self.traces.traces.iter().position(fits) {
            Some(at) => at,
            None => {
                let trace = self.trace(mode, batch)?;
                self.traces.traces.push(trace);
                self.traces.traces.len() - 1
            }
        };
        let trace = &mut self.traces.traces[at];
        let step = match trace.steps.iter().position(|step| step.is_for(signature(batch))) {
            Some(step) => step,
            None => {
                let step = StepFunction::compile(trace, signature(batch))?;
                if trace.steps.len() >= MAX_STEPS {
                    trace.steps.remove(0);
                }
                trace.steps.push(step);
                trace.steps.len() - 1
            }
        };
        Ok(&mut trace.steps[step])
    }

    /// Traces a step for data of these types and shapes, whatever the batch size.
    fn trace(&self, mode: Mode, batch: &Batch) -> Result<Trace> {
        let mut g = Graph::new();
        let mut feeds = Vec::new();
        let mut feed = |g: &mut Graph, name: &str, t: &Tensor| -> Result<Value> {
            let dims: Dims = std::iter::once(None).chain(t.shape().iter().skip(1).map(|&d| Some(d))).collect();
            let value = g.placeholder(name, t.dtype(), dims)?;
            feeds.push(value);
            Ok(value)
        };
        let infos = self.input_infos();
        let mut inputs = Vec::new();
        for (i, tensor) in batch.x.iter().enumerate() {
            let name = infos.get(i).map_or_else(|| format!("input_{}", i + 1), |(name, _)| name.clone());
            let value = feed(&mut g, &name, tensor)?;
            inputs.push(self.conform_input(&mut g, value, infos.get(i).map(|(_, info)| info), &name)?);
        }
        let targets: Vec<Value> = batch.y.iter().map(|t| feed(&mut g, "y_true", t)).collect::<Result<_>>()?;
        let weights: Vec<Value> =
            batch.sample_weight.iter().map(|t| feed(&mut g, "sample_weight", t)).collect::<Result<_>>()?;
        let mut cx = Call::new(&mut g, mode == Mode::Train);
        let outputs = cx.apply(&self.network, &Args::inputs(inputs))?;
        let mut layout = Layout { predictions: outputs.len(), ..Layout::default() };
        let mut fetches = outputs.clone();
        let mut feeds_last = None;
        if mode != Mode::Predict {
            let total = self.trace_losses(&mut cx, &outputs, &targets, &weights, &mut layout, &mut fetches)?;
            if mode == Mode::Train {
                feeds_last = self.trace_gradients(cx.g, total, &mut layout, &mut fetches)?;
            }
        }
        feeds.extend(feeds_last);
        // Layers assign by themselves what changes outside of training too: the states of recurrent layers.
        let effects = g.effects.clone();
        let signature = signature(batch).map(|t| (t.dtype(), t.shape().iter().skip(1).copied().collect())).collect();
        Ok(Trace { mode, signature, graph: g, feeds, fetches, effects, layout, steps: Vec::new() })
    }

    /// Brings an input to the type and rank the model was made for, as Keras does.
    fn conform_input(&self, g: &mut Graph, value: Value, info: Option<&ValueInfo>, name: &str) -> Result<Value> {
        let Some(info) = info else { return Ok(value) };
        let mut value = value;
        if g.dtype(value) != info.dtype {
            if g.dtype(value) == DType::String || info.dtype == DType::String {
                let found = g.dtype(value).to_string();
                return Err(Error::data("call", name, info.dtype.to_string(), found));
            }
            value = g.cast(value, info.dtype)?;
        }
        if let (Some(want), Some(have)) = (info.dims.axes(), g.dims(value).axes()) {
            if want.len() == have.len() + 1 && want.last() == Some(&Some(1)) {
                value = g.expand_dims(value, -1)?;
            } else if have.len() == want.len() + 1 && have.last() == Some(&Some(1)) {
                value = g.squeeze(value, &[-1])?;
            }
        }
        let found = g.dims(value).clone();
        let axes = |d: &Dims| d.axes().map(|a| a.iter().skip(1).copied().collect::<Vec<_>>());
        if let (Some(a), Some(b)) = (axes(&info.dims), axes(&found)) {
            let fits = a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.is_none() || b.is_none() || a == b);
            if !fits {
                return Err(Error::data("call", name, format!("shape {}", info.dims), format!("shape {found}")));
            }
        }
        Ok(value)
    }

    /// Adds losses and metrics; gives the total loss.
    fn trace_losses(
        &self,
        cx: &mut Call<'_>,
        outputs: &[Value],
        targets: &[Value],
        weights: &[Value],
        layout: &mut Layout,
        fetches: &mut Vec<Value>,
    ) -> Result<Value> {
        let args = &self.compiled.as_ref().ok_or(Error::NotCompiled)?.args;
        let names = self.output_names(outputs.len());
        let losses = args.loss.per_output(&names)?;
        let factors = args.loss_weights.per_output(&names)?;
        let weight_of = |i: usize| weights.get(i).or(if weights.len() == 1 { weights.first() } else { None }).copied();
        let expected = losses.iter().filter(|loss| loss.is_some()).count();
        if targets.len() != outputs.len() && expected > 0 {
            let found = targets.len().to_string();
            return Err(Error::data("fit", "y", format!("{} arrays, one an output", outputs.len()), found));
        }
        let mut total: Option<Value> = None;
        let mut parts = Vec::new();
        for (i, spec) in losses.iter().enumerate() {
            let Some(spec) = spec else { continue };
            let loss = spec.resolve()?;
            let value = loss.call(cx, targets[i], outputs[i], weight_of(i))?;
            // Keras reports the mean where a loss is not reduced.
            let value = if cx.g.dims(value).rank() == Some(0) { value } else { crate::losses::mean_all(cx.g, value)? };
            let value = wide(cx.g, value)?;
            if outputs.len() > 1 {
                layout.output_losses.push(format!("{}_loss", names[i]));
                parts.push(value);
            }
            let weighted = match factors[i] {
                1.0 => value,
                factor => {
                    let factor = cx.g.number(factor, cx.g.dtype(value))?;
                    cx.g.multiply(value, factor)?
                }
            };
            total = Some(plus(cx.g, total, weighted)?);
        }
        for loss in std::mem::take(&mut cx.losses) {
            let loss = wide(cx.g, loss)?;
            let loss = if cx.g.dims(loss).rank() == Some(0) { loss } else { crate::losses::mean_all(cx.g, loss)? };
            total = Some(plus(cx.g, total, loss)?);
        }
        for weight in self.network.weights() {
            if let Some(regularizer) = &weight.regularizer {
                let value = cx.g.read(&weight.variable)?;
                let penalty = regularizer.penalty(cx.g, value)?;
                total = Some(plus(cx.g, total, penalty)?);
            }
        }
        let Some(total) = total else {
            let expected = "a loss, or layers that add losses";
            return Err(Error::argument("compile", "loss", expected, "none"));
        };
        layout.has_loss = true;
        fetches.push(total);
        fetches.extend(parts);
        let unweighted = args.metrics.per_output("metrics", &names)?;
        let weighted = args.weighted_metrics.per_output("weighted_metrics", &names)?;
        for (i, (unweighted, weighted)) in unweighted.iter().zip(&weighted).enumerate() {
            if targets.is_empty() {
                break;
            }
            let specs = unweighted.iter().map(|s| (s, false)).chain(weighted.iter().map(|s| (s, true)));
            for (spec, is_weighted) in specs {
                let (y_true, y_pred) = (targets[i], outputs[i]);
                let metric = crate::metrics::resolve(spec, cx.g.dims(y_true), cx.g.dims(y_pred))?;
                let mut weight = if is_weighted { weight_of(i) } else { None };
                if let Some(mask) = cx.mask(y_pred) {
                    let mask = cx.g.cast(mask, DType::F32)?;
                    weight = Some(match weight {
                        Some(weight) => {
                            let weight = crate::losses::fit_rank(cx.g, weight, mask)?;
                            cx.g.multiply(weight, mask)?
                        }
                        None => mask,
                    });
                }
                let contributions = metric.function.contribute(cx, y_true, y_pred, weight)?;
                let mut shapes = Vec::with_capacity(contributions.len());
                for &value in &contributions {
                    let axes = cx.g.dims(value).axes().map(|axes| axes.iter().copied().collect::<Option<Shape>>());
                    let Some(shape) = axes.flatten() else {
                        let found = format!("{} in metric `{}`", cx.g.dims(value), metric.name);
                        return Err(Error::data("compile", "metrics", "sums of a shape that is known", found));
                    };
                    shapes.push(shape);
                }
                layout.metric_shapes.push(shapes);
                fetches.extend(contributions);
                let name =
                    if outputs.len() > 1 { format!("{}_{}", names[i], metric.name) } else { metric.name.clone() };
                layout.metrics.push(metric.name(name));
            }
        }
        for (name, value) in std::mem::take(&mut cx.metrics) {
            let value = cx.g.cast(value, DType::F32)?;
            // The sum and the number of the elements, so that a smaller batch counts for less.
            let axes = cx.g.all_axes(value)?;
            let sum = cx.g.reduce_sum(value, &axes, false)?;
            let count = cx.g.size_of(value)?;
            let count = cx.g.cast(count, DType::F32)?;
            fetches.extend([sum, count]);
            layout.added_metrics.push(name);
        }
        Ok(total)
    }

    /// Adds the gradients of the trainable weights; gives the placeholder of the loss's factor, where there is one.
    fn trace_gradients(
        &self,
        g: &mut Graph,
        total: Value,
        layout: &mut Layout,
        fetches: &mut Vec<Value>,
    ) -> Result<Option<Value>> {
        let optimizer = self.optimizer()?;
        layout.is_scaled = optimizer.class_name().starts_with("LossScale");
        let factor = match layout.is_scaled {
            true => Some(g.placeholder("loss_scale", DType::F32, Dims::scalar())?),
            false => None,
        };
        let scaled = match factor {
            Some(factor) => {
                let factor = g.cast(factor, g.dtype(total))?;
                g.multiply(total, factor)?
            }
            None => total,
        };
        let weights = self.network.trainable_weights();
        let reads: Vec<Value> = weights.iter().map(|w| g.read(&w.variable)).collect::<Result<_, _>>()?;
        for (weight, gradient) in weights.into_iter().zip(gradients(g, &[scaled], None, &reads)?) {
            let Some(gradient) = gradient else { continue };
            let by_rows = super::rows::by_rows(g, gradient)?;
            layout.by_rows.push(by_rows.is_some());
            layout.weights.push(weight);
            match by_rows {
                Some((rows, values)) => fetches.extend([rows, values]),
                None => fetches.push(gradient),
            }
        }
        Ok(factor)
    }
}

/// A part of the loss in double precision if it is that, else in single precision.
fn wide(g: &mut Graph, value: Value) -> Result<Value> {
    let dtype = if g.dtype(value) == DType::F64 { DType::F64 } else { DType::F32 };
    Ok(g.cast(value, dtype)?)
}

/// A sum in the wider type of both.
fn plus(g: &mut Graph, total: Option<Value>, part: Value) -> Result<Value> {
    let part = wide(g, part)?;
    let Some(total) = total else { return Ok(part) };
    if g.dtype(total) == g.dtype(part) {
        return Ok(g.add(total, part)?);
    }
    let (total, part) = (g.cast(total, DType::F64)?, g.cast(part, DType::F64)?);
    Ok(g.add(total, part)?)
}
