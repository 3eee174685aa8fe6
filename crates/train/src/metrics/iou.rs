//! Intersection over union of classes.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_layers::Call;
use kerox_tensor::DType;
use smallvec::smallvec;

use super::mean::ratio;
use super::{Metric, MetricFunction, Numbers, State};
use crate::Result;
use crate::losses::number_like;

/// How targets and predictions become class numbers.
struct Classes {
    count: usize,
    ignore: Option<i64>,
    sparse_y_true: bool,
    sparse_y_pred: bool,
    axis: i64,
}

impl Classes {
    /// How often each class was taken for each: `[classes, classes]`.
    fn matrix(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value, weight: Option<Value>) -> Result<Vec<Value>> {
        let g = &mut *cx.g;
        let y_true = if self.sparse_y_true { y_true } else { g.argmax(y_true, self.axis)? };
        let y_pred = if self.sparse_y_pred { y_pred } else { g.argmax(y_pred, self.axis)? };
        let (y_true, y_pred) = (g.cast(y_true, DType::I64)?, g.cast(y_pred, DType::I64)?);
        let (y_true, y_pred) = (g.reshape(y_true, &[-1])?, g.reshape(y_pred, &[-1])?);
        let mut rows = g.one_hot(y_true, self.count, -1, DType::F32)?;
        let columns = g.one_hot(y_pred, self.count, -1, DType::F32)?;
        if let Some(class) = self.ignore {
            let class = number_like(g, y_true, class as f64)?;
            let counts = g.not_equal(y_true, class)?;
            let counts = g.cast(counts, DType::F32)?;
            let counts = g.expand_dims(counts, -1)?;
            rows = g.multiply(rows, counts)?;
        }
        if let Some(weight) = weight {
            let weight = g.cast(weight, DType::F32)?;
            let weight = g.reshape(weight, &[-1, 1])?;
            rows = g.multiply(rows, weight)?;
        }
        Ok(vec![g.matmul(rows, columns, true, false)?])
    }

    fn states(&self) -> Vec<State> {
        vec![State::of_shape("total_confusion_matrix", [self.count, self.count])]
    }
}

/// The mean over the classes that occur.
fn mean_iou(matrix: &[f64], count: usize, targets: &[usize]) -> Numbers {
    let (mut sum, mut valid) = (0.0, 0.0);
    for &class in targets.iter().filter(|&&class| class < count) {
        let row: f64 = matrix[class * count..(class + 1) * count].iter().sum();
        let column: f64 = matrix.iter().skip(class).step_by(count).sum();
        let both = matrix[class * count + class];
        let either = row + column - both;
        if either != 0.0 {
            sum += both / either;
            valid += 1.0;
        }
    }
    smallvec![ratio(sum, valid)]
}

fn targets(fields: &Fields<'_>, class: &str, count: usize) -> Result<Vec<usize>> {
    let list = fields.required("target_class_ids")?.list()?;
    let targets = list.iter().map(|n| n.unsigned()).collect::<Result<Vec<usize>, _>>()?;
    match targets.iter().find(|&&t| t >= count) {
        Some(t) => {
            let expected = format!("classes below num_classes = {count}");
            Err(crate::Error::argument(class, "target_class_ids", expected, t.to_string()))
        }
        None => Ok(targets),
    }
}

macro_rules! common {
    ($class:ident, $name:literal, $leading:expr) => {
        fn class_name(&self) -> &str {
            stringify!($class)
        }
        fn default_name(&self) -> String {
            $name.into()
        }
        fn leading(&self) -> &[&str] {
            $leading
        }
        fn states(&self) -> Vec<State> {
            self.classes().states()
        }
        fn contribute(
            &self,
            cx: &mut Call<'_>,
            y_true: Value,
            y_pred: Value,
            weight: Option<Value>,
        ) -> Result<Vec<Value>> {
            let y_pred = self.decide(cx, y_pred)?;
            self.classes().matrix(cx, y_true, y_pred, weight)
        }
    };
}

/// Intersection over union of some classes, averaged.
///
/// # Source
/// `keras.metrics.IoU`.
#[derive(Clone, Debug)]
pub struct IoU {
    /// How many classes there are.
    pub num_classes: usize,
    /// Those that are averaged.
    pub target_class_ids: Vec<usize>,
    /// Targets of this class do not count.
    pub ignore_class: Option<i64>,
    /// Whether targets are class numbers instead of one-hot.
    pub sparse_y_true: bool,
    /// Whether predictions are class numbers instead of scores.
    pub sparse_y_pred: bool,
    /// The axis of the scores.
    pub axis: i64,
}

impl IoU {
    /// Of class numbers.
    pub fn new(num_classes: usize, target_class_ids: impl Into<Vec<usize>>) -> IoU {
        IoU {
            num_classes,
            target_class_ids: target_class_ids.into(),
            ignore_class: None,
            sparse_y_true: true,
            sparse_y_pred: true,
            axis: -1,
        }
    }

    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Metric> {
        let num_classes = fields.positive("num_classes")?;
        Ok(IoU {
            num_classes,
            target_class_ids: targets(fields, "IoU", num_classes)?,
            ignore_class: fields.opt_int("ignore_class")?,
            sparse_y_true: fields.bool_or("sparse_y_true", true)?,
            sparse_y_pred: fields.bool_or("sparse_y_pred", true)?,
            axis: fields.int_or("axis", -1)?,
        }
        .into())
    }

    fn classes(&self) -> Classes {
        Classes {
            count: self.num_classes,
            ignore: self.ignore_class,
            sparse_y_true: self.sparse_y_true,
            sparse_y_pred: self.sparse_y_pred,
            axis: self.axis,
        }
    }

    fn decide(&self, _: &mut Call<'_>, y_pred: Value) -> Result<Value> {
        Ok(y_pred)
    }
}

impl MetricFunction for IoU {
    common!(IoU, "io_u", &[]);
    fn config(&self) -> Config {
        Config::new()
            .with("num_classes", self.num_classes)
            .with("target_class_ids", self.target_class_ids.clone())
            .with("ignore_class", self.ignore_class)
            .with("sparse_y_true", self.sparse_y_true)
            .with("sparse_y_pred", self.sparse_y_pred)
            .with("axis", self.axis)
    }
    fn result(&self, sums: &[Vec<f64>]) -> Numbers {
        mean_iou(&sums[0], self.num_classes, &self.target_class_ids)
    }
}

/// Intersection over union of all classes, averaged.
///
/// # Source
/// `keras.metrics.MeanIoU`.
#[derive(Clone, Debug)]
pub struct MeanIoU(pub IoU);

impl MeanIoU {
    /// Of class numbers.
    pub fn new(num_classes: usize) -> MeanIoU {
        MeanIoU(IoU::new(num_classes, (0..num_classes).collect::<Vec<_>>()))
    }

    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Metric> {
        let num_classes = fields.positive("num_classes")?;
        Ok(MeanIoU(IoU {
            num_classes,
            target_class_ids: (0..num_classes).collect(),
            ignore_class: fields.opt_int("ignore_class")?,
            sparse_y_true: fields.bool_or("sparse_y_true", true)?,
            sparse_y_pred: fields.bool_or("sparse_y_pred", true)?,
            axis: fields.int_or("axis", -1)?,
        })
        .into())
    }

    fn classes(&self) -> Classes {
        self.0.classes()
    }

    fn decide(&self, _: &mut Call<'_>, y_pred: Value) -> Result<Value> {
        Ok(y_pred)
    }
}

impl MetricFunction for MeanIoU {
    common!(MeanIoU, "mean_io_u", &["num_classes"]);
    fn config(&self) -> Config {
        let mut config = self.0.config();
        config.remove("target_class_ids");
        config
    }
    fn result(&self, sums: &[Vec<f64>]) -> Numbers {
        self.0.result(sums)
    }
}

/// Intersection over union of some classes of one-hot targets, averaged.
///
/// # Source
/// `keras.metrics.OneHotIoU`.
#[derive(Clone, Debug)]
pub struct OneHotIoU(pub IoU);

impl OneHotIoU {
    /// Of one-hot targets and scores.
    pub fn new(num_classes: usize, target_class_ids: impl Into<Vec<usize>>) -> OneHotIoU {
        OneHotIoU(IoU { sparse_y_true: false, sparse_y_pred: false, ..IoU::new(num_classes, target_class_ids) })
    }

    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Metric> {
        let num_classes = fields.positive("num_classes")?;
        Ok(OneHotIoU(IoU {
            num_classes,
            target_class_ids: targets(fields, "OneHotIoU", num_classes)?,
            ignore_class: fields.opt_int("ignore_class")?,
            sparse_y_true: false,
            sparse_y_pred: fields.bool_or("sparse_y_pred", false)?,
            axis: fields.int_or("axis", -1)?,
        })
        .into())
    }

    fn classes(&self) -> Classes {
        self.0.classes()
    }

    fn decide(&self, _: &mut Call<'_>, y_pred: Value) -> Result<Value> {
        Ok(y_pred)
    }
}

impl MetricFunction for OneHotIoU {
    common!(OneHotIoU, "one_hot_io_u", &["num_classes", "target_class_ids"]);
    fn config(&self) -> Config {
        let mut config = self.0.config();
        config.remove("sparse_y_true");
        config
    }
    fn result(&self, sums: &[Vec<f64>]) -> Numbers {
        self.0.result(sums)
    }
}

/// Intersection over union of all classes of one-hot targets, averaged.
///
/// # Source
/// `keras.metrics.OneHotMeanIoU`.
#[derive(Clone, Debug)]
pub struct OneHotMeanIoU(pub IoU);

impl OneHotMeanIoU {
    /// Of one-hot targets and scores.
    pub fn new(num_classes: usize) -> OneHotMeanIoU {
        OneHotMeanIoU(OneHotIoU::new(num_classes, (0..num_classes).collect::<Vec<_>>()).0)
    }

    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Metric> {
        let num_classes = fields.positive("num_classes")?;
        Ok(OneHotMeanIoU(IoU {
            num_classes,
            target_class_ids: (0..num_classes).collect(),
            ignore_class: fields.opt_int("ignore_class")?,
            sparse_y_true: false,
            sparse_y_pred: fields.bool_or("sparse_y_pred", false)?,
            axis: fields.int_or("axis", -1)?,
        })
        .into())
    }

    fn classes(&self) -> Classes {
        self.0.classes()
    }

    fn decide(&self, _: &mut Call<'_>, y_pred: Value) -> Result<Value> {
        Ok(y_pred)
    }
}

impl MetricFunction for OneHotMeanIoU {
    common!(OneHotMeanIoU, "one_hot_mean_io_u", &["num_classes"]);
    fn config(&self) -> Config {
        let mut config = self.0.config();
        config.remove("sparse_y_true");
        config.remove("target_class_ids");
        config
    }
    fn result(&self, sums: &[Vec<f64>]) -> Numbers {
        self.0.result(sums)
    }
}

/// Intersection over union of yes and no.
///
/// # Source
/// `keras.metrics.BinaryIoU`.
#[derive(Clone, Debug)]
pub struct BinaryIoU {
    /// Which of 0 and 1 are averaged; both by default.
    pub target_class_ids: Vec<usize>,
    /// Predictions from it on count as 1.
    pub threshold: f64,
}

impl Default for BinaryIoU {
    fn default() -> Self {
        BinaryIoU { target_class_ids: vec![0, 1], threshold: 0.5 }
    }
}

impl BinaryIoU {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Metric> {
        let target_class_ids = match fields.get("target_class_ids") {
            Some(_) => targets(fields, "BinaryIoU", 2)?,
            None => vec![0, 1],
        };
        Ok(BinaryIoU { target_class_ids, threshold: fields.float_or("threshold", 0.5)? }.into())
    }

    fn classes(&self) -> Classes {
        Classes { count: 2, ignore: None, sparse_y_true: true, sparse_y_pred: true, axis: -1 }
    }

    fn decide(&self, cx: &mut Call<'_>, y_pred: Value) -> Result<Value> {
        let threshold = number_like(cx.g, y_pred, self.threshold)?;
        Ok(cx.g.greater_equal(y_pred, threshold)?)
    }
}

impl MetricFunction for BinaryIoU {
    common!(BinaryIoU, "binary_io_u", &["target_class_ids", "threshold"]);
    fn config(&self) -> Config {
        Config::new().with("target_class_ids", self.target_class_ids.clone()).with("threshold", self.threshold)
    }
    fn result(&self, sums: &[Vec<f64>]) -> Numbers {
        mean_iou(&sums[0], 2, &self.target_class_ids)
    }
}
