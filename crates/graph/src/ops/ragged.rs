//! Rows of unequal length, and counts of integers.

use std::sync::Arc;

use kerox_tensor::{DType, Shape, Tensor};

use super::declaration::Declaration;
use super::dispatch::{argument, for_any, for_number};
use super::dynamic::{Arguments, partial_input, partial_tensor, run_interpreted};
use crate::{Attr, Attrs, Dims, Infer, Op, Result, Run, RunContext, RuntimeValue, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration {
        name: "RaggedTensorToTensor",
        signature: "shape, values, default_value, row_partition_tensors[num_row_partition_tensors] -> result",
        build: RaggedToTensor::build,
    },
    Declaration {
        name: "Bincount",
        signature: "arr, size, weights -> bins",
        build: |_| Ok(Arc::new(Bincount { dense: false, binary: false })),
    },
    Declaration {
        name: "DenseBincount",
        signature: "input, size, weights -> output",
        build: |a| Ok(Arc::new(Bincount { dense: true, binary: a.bool_or("binary_output", false)? })),
    },
    Declaration {
        name: "Bucketize",
        signature: "input -> output",
        build: |a| {
            let list = a.list("boundaries")?;
            let boundaries: Vec<f32> =
                list.iter().filter_map(|b| if let Attr::Float(b) = b { Some(*b) } else { None }).collect();
            if boundaries.len() != list.len() || boundaries.windows(2).any(|w| w[0] > w[1]) {
                return Err(a.wrong("boundaries", "floats in ascending order", a.get("boundaries")));
            }
            Ok(Arc::new(Bucketize { boundaries }))
        },
    },
];

/// How rows are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partition {
    /// The number of rows; row numbers follow.
    FirstDimSize,
    /// For each value the number of its row.
    ValueRowIds,
    /// Where each row begins, and the end of the last.
    RowSplits,
}

/// `RaggedTensorToTensor(shape, values, default_value, partitions...)`: rows of unequal length as a dense tensor.
#[derive(Clone, Debug)]
pub struct RaggedToTensor {
    /// What the partition inputs are.
    pub partitions: Vec<Partition>,
}

/// Elements a result may have.
const MAX_ELEMENTS: usize = 1 << 31;
/// Rows or values a partition may have.
const MAX_ROWS: usize = 1 << 27;

impl RaggedToTensor {
    fn build(attrs: &Attrs) -> Result<Arc<dyn Op>> {
        let list = attrs.list("row_partition_types")?;
        let partitions: Option<Vec<Partition>> = list
            .iter()
            .map(|item| match item {
                Attr::String(s) => match s.as_slice() {
                    b"FIRST_DIM_SIZE" => Some(Partition::FirstDimSize),
                    b"VALUE_ROWIDS" => Some(Partition::ValueRowIds),
                    b"ROW_SPLITS" => Some(Partition::RowSplits),
                    _ => None,
                },
                _ => None,
            })
            .collect();
        let wrong = || attrs.wrong("row_partition_types", "known partitions", attrs.get("row_partition_types"));
        Ok(Arc::new(RaggedToTensor { partitions: partitions.ok_or_else(wrong)? }))
    }

    /// Number of ragged axes.
    fn ragged(&self) -> usize {
        self.partitions.iter().filter(|p| **p != Partition::FirstDimSize).count()
    }
}

impl Op for RaggedToTensor {
    fn name(&self) -> &'static str {
        "RaggedTensorToTensor"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let name = |p: &Partition| match p {
            Partition::FirstDimSize => b"FIRST_DIM_SIZE".to_vec(),
            Partition::ValueRowIds => b"VALUE_ROWIDS".to_vec(),
            Partition::RowSplits => b"ROW_SPLITS".to_vec(),
        };
        vec![
            ("T", Attr::Type(inputs[1].dtype)),
            ("Tshape", Attr::Type(inputs[0].dtype)),
            ("Tindex", inputs.get(3).map_or(Attr::Type(DType::I64), |i| Attr::Type(i.dtype))),
            ("num_row_partition_tensors", Attr::Int(self.partitions.len() as i64)),
            ("row_partition_types", Attr::List(self.partitions.iter().map(|p| Attr::String(name(p))).collect())),
        ]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(3 + self.partitions.len())?;
        let dims = partial_input(cx, 0)?;
        let rank = cx.dims(1)?.rank().map(|r| r + self.ragged());
        let dims = if dims.rank().is_none() { rank.map_or(dims, Dims::of_rank) } else { dims };
        Ok(vec![ValueInfo::new(cx.dtype(1)?, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        run_interpreted(self, run)
    }
    fn interpret(&self, cx: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let mut a = Arguments::new(self.name(), cx, inputs);
        let shape = partial_tensor(&a.tensor()?);
        let (values, default) = (a.tensor()?, a.tensor()?);
        // Row numbers of each ragged axis, and the number of rows of the outermost.
        let (mut rows, mut count): (Vec<Vec<usize>>, Option<usize>) = (Vec::new(), None);
        for partition in &self.partitions {
            let ints = a.ints()?;
            let ints: Option<Vec<usize>> = ints.iter().map(|&i| usize::try_from(i).ok()).collect();
            let ints = ints.ok_or_else(|| a.wrong("numbers of at least 0", "a negative one"))?;
            if ints.windows(2).any(|w| w[0] > w[1]) {
                return Err(a.wrong("numbers in ascending order", "others"));
            }
            match partition {
                Partition::FirstDimSize => count = ints.first().copied(),
                Partition::ValueRowIds => {
                    count = count.or(ints.last().map(|l| l + 1)).or(Some(0));
                    rows.push(ints);
                }
                Partition::RowSplits => {
                    // Values that take no space could come in any number.
                    if ints.first().is_some_and(|&first| first != 0) || ints.last() > Some(&MAX_ROWS) {
                        return Err(a.wrong(format!("row splits from 0 to at most {MAX_ROWS}"), "others"));
                    }
                    count = count.or(Some(ints.len().saturating_sub(1)));
                    let ids = ints.windows(2).enumerate().flat_map(|(row, w)| std::iter::repeat_n(row, w[1] - w[0]));
                    rows.push(ids.collect());
                }
            }
        }
        let ragged = rows.len();
        let n = values.shape().first().copied().unwrap_or(0);
        if ragged == 0 || rows.last().map(Vec::len) != Some(n) {
            return Err(a.wrong(format!("row partitions of {n} values"), format!("{:?}", rows.last().map(Vec::len))));
        }
        // Position of each element of each level within its row, and the longest row.
        let mut positions = Vec::with_capacity(ragged);
        let mut longest = vec![count.unwrap_or(0)];
        for ids in &rows {
            let (mut at, mut widest) = (Vec::with_capacity(ids.len()), 0);
            for (i, id) in ids.iter().enumerate() {
                let next = if i > 0 && ids[i - 1] == *id { at[i - 1] + 1 } else { 0 };
                widest = widest.max(next + 1);
                at.push(next);
            }
            positions.push(at);
            longest.push(widest);
        }
        let inner: Vec<usize> = values.shape()[1..].to_vec();
        let natural: Vec<usize> = longest.iter().chain(&inner).copied().collect();
        let asked: Vec<Option<usize>> = match shape.axes() {
            Some(axes) if axes.len() == natural.len() => axes.to_vec(),
            Some(axes) => return Err(a.wrong(format!("{} lengths", natural.len()), axes.len().to_string())),
            None => vec![None; natural.len()],
        };
        let whole: Shape = asked.iter().zip(&natural).map(|(asked, natural)| asked.unwrap_or(*natural)).collect();
        let elements = whole.checked_elements()?;
        if elements > MAX_ELEMENTS {
            return Err(a.wrong(format!("at most {MAX_ELEMENTS} elements"), whole.to_string()));
        }
        if whole[ragged + 1..] != inner[..] {
            return Err(a.wrong(format!("values (_, {inner:?})"), whole.to_string()));
        }
        let block: usize = inner.iter().product();
        for_any!(values.dtype(), self.name(), T => {
            let fill = default.as_slice::<T>()?;
            if fill.is_empty() || (fill.len() != 1 && fill.len() != block) {
                return Err(a.wrong("a default of one value, or one a position", default.shape().to_string()));
            }
            let mut result: Vec<T> = fill.iter().cycle().take(elements).cloned().collect();
            let all = values.as_slice::<T>()?;
            for i in 0..n {
                let (mut offset, mut step, mut element, mut inside) = (0, 1, i, true);
                for level in (0..ragged).rev() {
                    let Some((&at, &row)) = positions[level].get(element).zip(rows[level].get(element)) else {
                        return Err(a.wrong("row partitions that fit each other", "a row beyond them"));
                    };
                    inside = inside && at < whole[level + 1];
                    offset += at * step;
                    step *= whole[level + 1];
                    element = row;
                }
                if inside && element < whole[0] {
                    let to = (offset + element * step) * block;
                    result[to..to + block].clone_from_slice(&all[i * block..(i + 1) * block]);
                }
            }
            Ok(vec![Tensor::from_vec(result, whole)?.into()])
        })
    }
}

/// `Bincount` and `DenseBincount`: how often each integer below a size comes, or the sum of its weights.
#[derive(Clone, Copy, Debug)]
pub struct Bincount {
    /// Whether rows of a matrix are counted each on its own (`DenseBincount`).
    pub dense: bool,
    /// Whether only is told if an integer comes at all.
    pub binary: bool,
}

impl Op for Bincount {
    fn name(&self) -> &'static str {
        if self.dense { "DenseBincount" } else { "Bincount" }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let mut attrs = vec![("T", Attr::Type(inputs[2].dtype))];
        if self.dense {
            attrs.extend([("Tidx", Attr::Type(inputs[0].dtype)), ("binary_output", Attr::Bool(self.binary))]);
        }
        attrs
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(3)?;
        let size = match super::join::scalar(cx, 1)? {
            Some(size) => Some(usize::try_from(size).map_err(|_| cx.wrong("size", "at least 0", size.to_string()))?),
            None => None,
        };
        let dims = match cx.dims(0)?.axes() {
            Some(&[rows, _]) if self.dense => Dims::from([rows, size]),
            None if self.dense => Dims::unknown(),
            _ => Dims::from([size]),
        };
        Ok(vec![ValueInfo::new(cx.dtype(2)?, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        use kerox_tensor::kernels::Number;
        let input = run.input(0);
        let values = super::movement::ints_of(&input)?;
        let weights = run.input(2);
        let output = &mut run.outputs[0];
        let size = output.shape.last().copied().unwrap_or(0);
        let row = if self.dense && input.shape.rank() == 2 { input.shape[1] } else { values.len() };
        for_number!(output.dtype(), self.name(), T => {
            let weights = weights.slice::<T>()?;
            if !weights.is_empty() && weights.len() != values.len() {
                let expected = format!("none or {}", values.len());
                return Err(argument(self.name(), "", "weights", expected, weights.len().to_string()));
            }
            let out = output.slice::<T>()?;
            out.fill(T::ZERO);
            for (i, &value) in values.iter().enumerate() {
                let Ok(value) = usize::try_from(value) else {
                    return Err(argument(self.name(), "", "input", "integers of at least 0", value.to_string()));
                };
                if value < size {
                    let bin = &mut out[i / row.max(1) * size + value];
                    let weight = if weights.is_empty() { T::ONE } else { weights[i] };
                    *bin = if self.binary { T::ONE } else { bin.plus(weight) };
                }
            }
            Ok(())
        })
    }
}

/// `Bucketize`: for each number how many boundaries are at most as large.
#[derive(Clone, Debug)]
pub struct Bucketize {
    /// The boundaries in ascending order.
    pub boundaries: Vec<f32>,
}

impl Op for Bucketize {
    fn name(&self) -> &'static str {
        "Bucketize"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let boundaries = self.boundaries.iter().map(|&b| Attr::Float(b)).collect();
        vec![("T", Attr::Type(inputs[0].dtype)), ("boundaries", Attr::List(boundaries))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        Ok(vec![ValueInfo::new(DType::I32, cx.dims(0)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let input = run.input(0);
        let out = run.outputs[0].slice::<i32>()?;
        // What is no number is not below any boundary.
        let bucket = |value: f64| match value.is_nan() {
            true => self.boundaries.len() as i32,
            false => self.boundaries.partition_point(|&b| f64::from(b) <= value) as i32,
        };
        match input.dtype() {
            Some(DType::F32) => {
                out.iter_mut().zip(input.slice::<f32>()?).for_each(|(o, &v)| *o = bucket(f64::from(v)));
            }
            Some(DType::F64) => out.iter_mut().zip(input.slice::<f64>()?).for_each(|(o, &v)| *o = bucket(v)),
            _ => {
                let values = super::movement::ints_of(&input)?;
                out.iter_mut().zip(values).for_each(|(o, v)| *o = bucket(v as f64));
            }
        }
        Ok(())
    }
}
