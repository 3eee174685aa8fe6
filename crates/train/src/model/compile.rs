//! `compile`: optimizer, losses and metrics of a model.

use std::sync::Arc;

use kerox_layers::KerasTensor;
use kerox_layers::models::{Functional, Sequential};
use kerox_optim::{IntoOptimizer, Optimizer};

use super::Model;
use crate::Result;
use crate::losses::Loss;
use crate::metrics::{Metric, State};

/// A loss by name or object.
#[derive(Clone, Debug)]
pub enum LossSpec {
    /// A name such as `mse`, looked up when it is needed and written to files as it is.
    Named(String),
    /// An object.
    Object(Loss),
}

/// A metric by name or object. `accuracy` and `crossentropy` are resolved by the shapes of the data.
#[derive(Clone, Debug)]
pub enum MetricSpec {
    /// A name such as `accuracy`.
    Named(String),
    /// An object.
    Object(Metric),
}

/// What `compile` takes as `loss`.
#[derive(Clone, Debug, Default)]
pub enum LossArg {
    /// None: only what layers add.
    #[default]
    None,
    /// One for every output.
    One(LossSpec),
    /// One an output, in order; an output without loss is `None`.
    List(Vec<Option<LossSpec>>),
    /// By the names of outputs.
    Map(Vec<(String, LossSpec)>),
}

/// What `compile` takes as `metrics` and `weighted_metrics`.
#[derive(Clone, Debug, Default)]
pub enum MetricsArg {
    /// None.
    #[default]
    None,
    /// All of them for every output.
    Flat(Vec<MetricSpec>),
    /// A list an output, in order.
    PerOutput(Vec<Vec<MetricSpec>>),
    /// By the names of outputs.
    Map(Vec<(String, Vec<MetricSpec>)>),
}

/// What `compile` takes as `loss_weights`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum LossWeights {
    /// All count alike.
    #[default]
    None,
    /// One an output, in order.
    List(Vec<f64>),
    /// By the names of outputs.
    Map(Vec<(String, f64)>),
}

/// The arguments of `compile`.
#[derive(Clone, Default)]
pub struct CompileArgs {
    /// The optimizer; a model without one can be evaluated.
    pub optimizer: Option<Arc<dyn Optimizer>>,
    /// The losses.
    pub loss: LossArg,
    /// Metrics that ignore sample weights.
    pub metrics: MetricsArg,
    /// Metrics that take sample weights into account.
    pub weighted_metrics: MetricsArg,
    /// Factors of the losses of the outputs.
    pub loss_weights: LossWeights,
    /// Kept for files; operations are always compiled here.
    pub run_eagerly: Option<bool>,
    /// Kept for files.
    pub steps_per_execution: Option<usize>,
    /// Kept for files.
    pub jit_compile: Option<bool>,
}

/// What a model was compiled with.
#[derive(Clone, Default)]
pub struct Compiled {
    /// The arguments as given.
    pub args: CompileArgs,
}

/// Whatever can be the loss: a name, a loss, a list, pairs of output and loss.
pub trait IntoLoss {
    /// The argument.
    fn into_loss(self) -> LossArg;
}

impl IntoLoss for LossArg {
    fn into_loss(self) -> LossArg {
        self
    }
}

impl From<&str> for LossSpec {
    fn from(name: &str) -> LossSpec {
        LossSpec::Named(name.to_string())
    }
}

impl<L: Into<Loss>> From<L> for LossSpec {
    fn from(loss: L) -> LossSpec {
        LossSpec::Object(loss.into())
    }
}

impl<L: Into<LossSpec>> IntoLoss for L {
    fn into_loss(self) -> LossArg {
        LossArg::One(self.into())
    }
}

impl<L: Into<LossSpec>, const N: usize> IntoLoss for [L; N] {
    fn into_loss(self) -> LossArg {
        LossArg::List(self.into_iter().map(|l| Some(l.into())).collect())
    }
}

impl<L: Into<LossSpec>, const N: usize> IntoLoss for [(&str, L); N] {
    fn into_loss(self) -> LossArg {
        LossArg::Map(self.into_iter().map(|(name, l)| (name.to_string(), l.into())).collect())
    }
}

/// Whatever can be the metrics: lists of names or metrics, pairs of output and list.
pub trait IntoMetrics {
    /// The argument.
    fn into_metrics(self) -> MetricsArg;
}

impl From<&str> for MetricSpec {
    fn from(name: &str) -> MetricSpec {
        MetricSpec::Named(name.to_string())
    }
}

impl<M: Into<Metric>> From<M> for MetricSpec {
    fn from(metric: M) -> MetricSpec {
        MetricSpec::Object(metric.into())
    }
}

impl IntoMetrics for MetricsArg {
    fn into_metrics(self) -> MetricsArg {
        self
    }
}

impl IntoMetrics for () {
    fn into_metrics(self) -> MetricsArg {
        MetricsArg::None
    }
}

impl<M: Into<MetricSpec>, const N: usize> IntoMetrics for [M; N] {
    fn into_metrics(self) -> MetricsArg {
        MetricsArg::Flat(self.into_iter().map(Into::into).collect())
    }
}

impl IntoMetrics for Vec<MetricSpec> {
    fn into_metrics(self) -> MetricsArg {
        MetricsArg::Flat(self)
    }
}

impl<M: Into<MetricSpec>, const N: usize> IntoMetrics for Vec<(&str, [M; N])> {
    fn into_metrics(self) -> MetricsArg {
        let each = |(name, metrics): (&str, [M; N])| (name.to_string(), metrics.map(Into::into).into());
        MetricsArg::Map(self.into_iter().map(each).collect())
    }
}

impl Model {
    /// Configures the model for training.
    ///
    /// # Errors
    /// Where the optimizer, a loss or a metric is unknown. The model is then as it was.
    ///
    /// # Example
    /// ```
    /// use kerox_layers::{LayerExt, core::Dense, models::Sequential};
    /// use kerox_train::{Model, losses::SparseCategoricalCrossentropy};
    /// let mut model = Model::new(Sequential::new().with(Dense::new(10).input_shape([4])));
    /// model.compile("adam", SparseCategoricalCrossentropy::from_logits(), ["accuracy"])?;
    /// # Ok::<(), kerox_train::Error>(())
    /// ```
    ///
    /// # Source
    /// `keras.Model.compile`.
    pub fn compile(
        &mut self,
        optimizer: impl IntoOptimizer,
        loss: impl IntoLoss,
        metrics: impl IntoMetrics,
    ) -> Result<()> {
        self.compile_with(CompileArgs {
            optimizer: Some(optimizer.into_optimizer()?),
            loss: loss.into_loss(),
            metrics: metrics.into_metrics(),
            ..CompileArgs::default()
        })
    }

    /// Configures the model with all of Keras's arguments.
    ///
    /// # Errors
    /// As [`Model::compile`].
    pub fn compile_with(&mut self, mut args: CompileArgs) -> Result<()> {
        // Objects of the user's are looked up now: the scope may have ended when they are needed.
        for spec in args.loss.specs_mut() {
            let loss = spec.resolve()?;
            if matches!(spec, LossSpec::Named(name) if crate::losses::registry().canonical(name).is_none()) {
                *spec = LossSpec::Object(loss);
            }
        }
        for spec in args.metrics.specs_mut().into_iter().chain(args.weighted_metrics.specs_mut()) {
            if let MetricSpec::Named(name) = spec {
                if crate::metrics::depends_on_shapes(name) {
                    continue;
                }
                let metric = Metric::by_name(name)?;
                let known = crate::metrics::registry().canonical(name).is_some()
                    || crate::losses::registry().canonical(name).is_some();
                if !known {
                    *spec = MetricSpec::Object(metric);
                }
            }
        }
        let mut args = args;
        // Small gradients of half precision would become 0.
        if self.network.base().policy().name == "mixed_float16"
            && let Some(optimizer) = args.optimizer.take()
        {
            let is_wrapped = optimizer.class_name().starts_with("LossScale");
            let wrap = || kerox_optim::LossScaleOptimizer::new(optimizer.clone()).build_wrapper();
            args.optimizer = Some(if is_wrapped { optimizer.clone() } else { wrap()? });
        }
        self.ensure_built()?;
        self.compiled = Some(Compiled { args });
        self.traces.clear();
        Ok(())
    }
}

impl Model {
    /// The metrics that Keras keeps variables for, each with its variables: the mean of the loss, that of each output's
    /// loss where there are several, then the metrics of each output. None for a model that is not compiled.
    ///
    /// # Errors
    /// Where a name is unknown, or is of no output.
    ///
    /// # Source
    /// `keras.Model.metrics`.
    pub fn tracked_metrics(&self) -> Result<Vec<(Metric, Vec<State>)>> {
        let Some(compiled) = &self.compiled else { return Ok(Vec::new()) };
        let args = &compiled.args;
        let outputs = self.network.downcast::<Functional>().map_or(1, |model| model.outputs().len());
        let names = self.output_names(outputs);
        let mut found = Vec::new();
        let mean = |name: String| -> Result<(Metric, Vec<State>)> {
            let mean = Metric::by_name("Mean")?.name(name);
            let states = mean.function.states();
            Ok((mean, states))
        };
        let losses = args.loss.per_output(&names)?;
        if losses.iter().any(Option::is_some) {
            found.push(mean("loss".into())?);
        }
        if outputs > 1 {
            for (name, _) in names.iter().zip(&losses).filter(|(_, loss)| loss.is_some()) {
                found.push(mean(format!("{name}_loss"))?);
            }
        }
        let unweighted = args.metrics.per_output("metrics", &names)?;
        let weighted = args.weighted_metrics.per_output("weighted_metrics", &names)?;
        let widths = self.output_widths();
        let by_output = unweighted.into_iter().zip(weighted).enumerate();
        for (output, spec) in by_output.flat_map(|(i, (a, b))| a.into_iter().chain(b).map(move |spec| (i, spec))) {
            let metric = match spec {
                MetricSpec::Object(metric) => metric,
                // Whatever the shapes make of these, it is a mean.
                MetricSpec::Named(name) if crate::metrics::depends_on_shapes(&name) => {
                    Metric::by_name("binary_accuracy")?.name(name)
                }
                MetricSpec::Named(name) => Metric::by_name(&name)?,
            };
            let states = match widths.get(output).copied().flatten() {
                Some(width) => metric.function.states_for(width),
                None => metric.function.states(),
            };
            found.push((metric, states));
        }
        Ok(found)
    }

    /// The length of the last axis of each output, where it is known.
    fn output_widths(&self) -> Vec<Option<usize>> {
        let width = |tensor: &KerasTensor| tensor.shape().axes().and_then(|axes| axes.last().copied().flatten());
        if let Some(model) = self.network.downcast::<Functional>() {
            return model.outputs().iter().map(width).collect();
        }
        let chain = self.network.downcast::<Sequential>().and_then(|model| model.symbolic().ok());
        chain.and_then(|(_, tensors)| tensors.last().map(width)).into_iter().collect()
    }
}

impl LossSpec {
    /// The loss.
    ///
    /// # Errors
    /// Where the name is unknown.
    pub fn resolve(&self) -> Result<Loss> {
        match self {
            LossSpec::Named(name) => Loss::by_name(name),
            LossSpec::Object(loss) => Ok(loss.clone()),
        }
    }
}

impl LossArg {
    fn specs_mut(&mut self) -> Vec<&mut LossSpec> {
        match self {
            LossArg::None => Vec::new(),
            LossArg::One(spec) => vec![spec],
            LossArg::List(specs) => specs.iter_mut().flatten().collect(),
            LossArg::Map(specs) => specs.iter_mut().map(|(_, spec)| spec).collect(),
        }
    }

    /// The loss of each output.
    pub(crate) fn per_output(&self, names: &[String]) -> Result<Vec<Option<LossSpec>>> {
        Ok(match self {
            LossArg::None => vec![None; names.len()],
            LossArg::One(spec) => vec![Some(spec.clone()); names.len()],
            LossArg::List(specs) if specs.len() == names.len() => specs.clone(),
            LossArg::List(specs) => {
                let found = format!("{} losses", specs.len());
                return Err(crate::Error::argument("compile", "loss", format!("{} losses", names.len()), found));
            }
            LossArg::Map(specs) => {
                check_names("loss", specs.iter().map(|(name, _)| name), names)?;
                names.iter().map(|n| specs.iter().find(|(name, _)| name == n).map(|(_, s)| s.clone())).collect()
            }
        })
    }
}

impl MetricsArg {
    fn specs_mut(&mut self) -> Vec<&mut MetricSpec> {
        match self {
            MetricsArg::None => Vec::new(),
            MetricsArg::Flat(specs) => specs.iter_mut().collect(),
            MetricsArg::PerOutput(lists) => lists.iter_mut().flatten().collect(),
            MetricsArg::Map(lists) => lists.iter_mut().flat_map(|(_, list)| list).collect(),
        }
    }

    /// The metrics of each output.
    pub(crate) fn per_output(&self, argument: &str, names: &[String]) -> Result<Vec<Vec<MetricSpec>>> {
        Ok(match self {
            MetricsArg::None => vec![Vec::new(); names.len()],
            MetricsArg::Flat(specs) => vec![specs.clone(); names.len()],
            MetricsArg::PerOutput(lists) if lists.len() == names.len() => lists.clone(),
            // A nested list with one entry serves every output, as Keras reads it.
            MetricsArg::PerOutput(lists) if lists.len() == 1 => vec![lists[0].clone(); names.len()],
            MetricsArg::PerOutput(lists) => {
                let found = format!("{} lists", lists.len());
                return Err(crate::Error::argument("compile", argument, format!("{} lists", names.len()), found));
            }
            MetricsArg::Map(lists) => {
                check_names(argument, lists.iter().map(|(name, _)| name), names)?;
                let of = |n: &String| lists.iter().find(|(name, _)| name == n).map(|(_, l)| l.clone());
                names.iter().map(|n| of(n).unwrap_or_default()).collect()
            }
        })
    }
}

impl LossWeights {
    /// The factor of each output's loss.
    pub(crate) fn per_output(&self, names: &[String]) -> Result<Vec<f64>> {
        Ok(match self {
            LossWeights::None => vec![1.0; names.len()],
            LossWeights::List(weights) if weights.len() == names.len() => weights.clone(),
            LossWeights::List(weights) => {
                let found = format!("{} numbers", weights.len());
                return Err(crate::Error::argument(
                    "compile",
                    "loss_weights",
                    format!("{} numbers", names.len()),
                    found,
                ));
            }
            LossWeights::Map(weights) => {
                check_names("loss_weights", weights.iter().map(|(name, _)| name), names)?;
                let of = |n: &String| weights.iter().find(|(name, _)| name == n).map_or(1.0, |(_, w)| *w);
                names.iter().map(of).collect()
            }
        })
    }
}

fn check_names<'a>(argument: &str, given: impl Iterator<Item = &'a String>, names: &[String]) -> Result<()> {
    for name in given {
        if !names.contains(name) {
            let expected = format!("names of outputs ({})", names.join(", "));
            return Err(crate::Error::argument("compile", argument, expected, format!("`{name}`")));
        }
    }
    Ok(())
}
