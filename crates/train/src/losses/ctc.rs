//! `CTC`.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Graph, Value};
use kerox_layers::Call;
use kerox_tensor::DType;

use super::{EPSILON, Loss, LossFunction, number_like};
use crate::{Error, Result};

/// How unlikely it is that the steps of a sequence, with equal neighbours merged and blanks left out, spell the labels:
/// connectionist temporal classification.
///
/// Class 0 is the blank, and fills up rows of labels that are shorter than others. Predictions are logits.
///
/// # Shapes
/// labels `[batch, labels]`, predictions `[batch, steps, classes]`; one loss a sample.
///
/// # Errors
/// Other ranks. A run fails where a label is no class number.
///
/// # Example
/// ```
/// use kerox_tensor::Tensor;
/// use kerox_train::losses::{CTC, Loss};
/// let labels = Tensor::from_vec(vec![1i64, 0], [1, 2])?;
/// let loss = Loss::from(CTC).compute(&labels, &Tensor::full(0f32, [1, 2, 2])?, None)?;
/// // `1 1`, `1 _` and `_ 1` spell the label 1: three of four.
/// assert!((loss.as_slice::<f32>()?[0] + 0.75f32.ln()).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.losses.CTC` of Keras 3. As there, labels that do not fit into the steps have a loss of more than 706, not an
/// infinite one; differs: double precision is computed in double precision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CTC;

impl CTC {
    pub(super) fn from_config(_: &Fields<'_>) -> Result<Loss> {
        Ok(CTC.into())
    }
}

impl LossFunction for CTC {
    fn class_name(&self) -> &str {
        "CTC"
    }
    fn function_name(&self) -> &str {
        "ctc"
    }
    fn is_keras3(&self) -> bool {
        true
    }
    fn config(&self) -> Config {
        Config::new()
    }
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let g = &mut *cx.g;
        let (labels, logits) = inputs(g, "CTC", y_true, y_pred)?;
        let zero = g.number(0.0, DType::I64)?;
        let is_label = g.not_equal(labels, zero)?;
        let is_label = g.cast(is_label, DType::I64)?;
        let label_length = g.reduce_sum(is_label, &[-1], false)?;
        let shape = g.shape_of(logits)?;
        let steps = g.slice(shape, &[1], &[1])?;
        let steps = g.cast(steps, DType::I64)?;
        let ones = g.ones_like(label_length)?;
        let logit_length = g.multiply(ones, steps)?;
        Ok(g.ctc_loss(logits, labels, label_length, logit_length, 0)?)
    }
}

/// Labels as integers and logits of at least single precision.
fn inputs(g: &mut Graph, what: &str, y_true: Value, y_pred: Value) -> Result<(Value, Value)> {
    for (argument, value, rank, expected) in [
        ("y_true", y_true, 2, "class numbers of shape `[batch, labels]`"),
        ("y_pred", y_pred, 3, "predictions of shape `[batch, steps, classes]`"),
    ] {
        if g.dims(value).rank() != Some(rank) {
            return Err(Error::data(what, argument, expected, format!("shape {}", g.dims(value))));
        }
    }
    let dtype = if g.dtype(y_pred) == DType::F64 { DType::F64 } else { DType::F32 };
    Ok((g.cast(y_true, DType::I64)?, g.cast(y_pred, dtype)?))
}

/// The loss of connectionist temporal classification from probabilities, with lengths; the last class is the blank.
///
/// # Shapes
/// `y_true` is `[batch, labels]`, `y_pred` is `[batch, steps, classes]`, both lengths are `[batch, 1]`, as is the loss.
///
/// # Errors
/// Other ranks. A run fails where a label is no class number or a length is beyond the end.
///
/// # Example
/// As the loss of a model that is given labels and lengths as inputs: add it to the graph of a layer's call.
/// ```
/// use kerox_graph::Graph;
/// use kerox_tensor::{DType, Tensor};
/// use kerox_train::losses::ctc_batch_cost;
/// let mut g = Graph::new();
/// let y_true = g.constant(Tensor::full(0i64, [4, 2])?)?;
/// let y_pred = g.constant(Tensor::full(0.2f32, [4, 7, 5])?)?;
/// let labels = g.constant(Tensor::full(2i64, [4, 1])?)?;
/// let steps = g.constant(Tensor::full(7i64, [4, 1])?)?;
/// let loss = ctc_batch_cost(&mut g, y_true, y_pred, steps, labels)?;
/// assert_eq!(g.dims(loss).to_string(), "(4, 1)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.backend.ctc_batch_cost` of Keras 2; labels that do not fit into the steps have a loss of more than 706, where
/// TensorFlow stops.
pub fn ctc_batch_cost(
    g: &mut Graph,
    y_true: Value,
    y_pred: Value,
    input_length: Value,
    label_length: Value,
) -> Result<Value> {
    let (labels, y_pred) = inputs(g, "ctc_batch_cost", y_true, y_pred)?;
    let epsilon = number_like(g, y_pred, EPSILON)?;
    let shifted = g.add(y_pred, epsilon)?;
    let logits = g.log(shifted)?;
    let mut lengths = [input_length, label_length];
    for length in &mut lengths {
        let column = g.squeeze(*length, &[-1])?;
        *length = g.cast(column, DType::I64)?;
    }
    let [input_length, label_length] = lengths;
    let loss = g.ctc_loss(logits, labels, label_length, input_length, -1)?;
    Ok(g.expand_dims(loss, 1)?)
}
