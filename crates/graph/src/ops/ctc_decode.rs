//! Sequences of labels out of scores for each step, where a blank label separates repeated ones.

use std::collections::HashMap;

use kerox_tensor::{DType, Tensor};

use super::dynamic::int_tensor;
use super::whole::{Given, whole};
use crate::{Attrs, Infer, Result, ValueInfo};

// A line expands to an entry of the table: name, signature, attributes, shape rule, values, gradient.
whole! {
    "CTCGreedyDecoder" "inputs, sequence_length -> decoded_indices, decoded_values, decoded_shape, log_probability"
        ["merge_repeated" "blank_index" "T=0"] greedy_rule, greedy, None;
    "CTCBeamSearchDecoder" "inputs, sequence_length -> decoded_indices[top_paths], decoded_values[top_paths], decoded_shape[top_paths], log_probability"
        ["beam_width" "top_paths" "merge_repeated" "T=0"] beams_rule, beams, None;
}

fn rule(cx: &Infer<'_>, paths: usize, scores: usize) -> Result<Vec<ValueInfo>> {
    cx.arity(2)?;
    let dtype = cx.float(0)?;
    let batch = cx.of_rank(0, 3)?.axes().and_then(|axes| axes[1]);
    let mut outputs = vec![ValueInfo::new(DType::I64, [None, Some(2)]); paths];
    outputs.extend(vec![ValueInfo::new(DType::I64, [None]); paths]);
    outputs.extend(vec![ValueInfo::new(DType::I64, [Some(2)]); paths]);
    outputs.push(ValueInfo::new(dtype, [batch, Some(scores)]));
    Ok(outputs)
}

fn greedy_rule(cx: &Infer<'_>, _: &Attrs) -> Result<Vec<ValueInfo>> {
    rule(cx, 1, 1)
}

/// Paths that may be asked for, and beams that may be followed.
const MAX_BEAMS: i64 = 1 << 12;

fn count(attrs: &Attrs, name: &str, default: i64) -> Result<usize> {
    match attrs.int_or(name, default)? {
        n @ 1..=MAX_BEAMS => Ok(n as usize),
        _ => Err(attrs.wrong(name, "1 to 4096", attrs.get(name))),
    }
}

fn beams_rule(cx: &Infer<'_>, attrs: &Attrs) -> Result<Vec<ValueInfo>> {
    let paths = count(attrs, "top_paths", 1)?;
    rule(cx, paths, paths)
}

/// Scores `[steps, batch, classes]` and how many steps each sample has.
struct Scores {
    numbers: Vec<f64>,
    batch: usize,
    classes: usize,
    lengths: Vec<usize>,
}

impl Scores {
    fn of(i: &Given<'_>) -> Result<Scores> {
        let &[steps, batch, classes] = &i.input(0)?.shape()[..] else {
            return Err(i.wrong("inputs", "axes steps, batch and classes", i.input(0)?.shape().to_string()));
        };
        let lengths = i.ints(1)?;
        let known: Option<Vec<usize>> =
            lengths.iter().map(|&n| usize::try_from(n).ok().filter(|&n| n <= steps)).collect();
        match known {
            Some(known) if known.len() == batch && classes > 0 => {
                Ok(Scores { numbers: i.floats(0)?, batch, classes, lengths: known })
            }
            _ => Err(i.wrong("sequence_length", format!("{batch} lengths up to {steps}"), format!("{lengths:?}"))),
        }
    }

    fn row(&self, step: usize, sample: usize) -> &[f64] {
        let from = (step * self.batch + sample) * self.classes;
        &self.numbers[from..from + self.classes]
    }
}

/// Labels of each sample as a sparse matrix: places, values, shape.
fn sparse(sequences: &[Vec<usize>]) -> Result<[Tensor; 3]> {
    let places = sequences.iter().enumerate().flat_map(|(row, labels)| (0..labels.len()).flat_map(move |at| [row, at]));
    let places: Vec<i64> = places.map(|n| n as i64).collect();
    let values: Vec<i64> = sequences.iter().flatten().map(|&label| label as i64).collect();
    let longest = sequences.iter().map(Vec::len).max().unwrap_or(0);
    let n = values.len();
    Ok([
        int_tensor(places, DType::I64, [n, 2])?,
        int_tensor(values, DType::I64, [n])?,
        int_tensor(vec![sequences.len() as i64, longest as i64], DType::I64, [2])?,
    ])
}

/// The best label of each step.
fn greedy(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let scores = Scores::of(i)?;
    let merges = i.attrs.bool_or("merge_repeated", false)?;
    let blank = i.attrs.int_or("blank_index", -1)?;
    let blank = if blank < 0 { blank + scores.classes as i64 } else { blank };
    let (mut sequences, mut sums) = (Vec::new(), Vec::new());
    for (sample, &length) in scores.lengths.iter().enumerate() {
        let (mut labels, mut sum, mut last) = (Vec::new(), 0.0, None);
        for step in 0..length {
            let row = scores.row(step, sample);
            let best = (0..row.len()).fold(0, |best, at| if row[at] > row[best] { at } else { best });
            sum -= row[best];
            if best as i64 != blank && !(merges && last == Some(best)) {
                labels.push(best);
            }
            last = Some(best);
        }
        sequences.push(labels);
        sums.push(sum);
    }
    let [places, values, shape] = sparse(&sequences)?;
    let sums = Tensor::from_vec(sums, [scores.batch, 1])?.cast(i.input(0)?.dtype())?;
    Ok(vec![places, values, shape, sums])
}

/// Logarithms of probabilities of one sequence of labels.
#[derive(Clone, Copy)]
struct Logs {
    total: f64,
    /// Of the ways that end with a blank.
    blank: f64,
    /// Of those that end with the last label.
    label: f64,
}

impl Logs {
    const NONE: Logs = Logs { total: f64::NEG_INFINITY, blank: f64::NEG_INFINITY, label: f64::NEG_INFINITY };
}

fn log_sum(a: f64, b: f64) -> f64 {
    let (most, least) = if a > b { (a, b) } else { (b, a) };
    if least == f64::NEG_INFINITY { most } else { most + (least - most).exp().ln_1p() }
}

/// A sequence of labels that is followed: its last label behind those of its parent.
struct Beam {
    parent: Option<usize>,
    label: usize,
    children: HashMap<usize, usize>,
    old: Logs,
    new: Logs,
}

/// The likeliest sequences of one sample, the best first.
///
/// # Source
/// A. Graves and others, connectionist temporal classification: prefix search; the order of steps is TensorFlow's.
fn search<'a>(rows: impl Iterator<Item = &'a [f64]>, width: usize, paths: usize) -> Vec<(Vec<usize>, f64)> {
    let root = Logs { total: 0.0, blank: 0.0, label: f64::NEG_INFINITY };
    let mut beams =
        vec![Beam { parent: None, label: usize::MAX, children: HashMap::new(), old: Logs::NONE, new: root }];
    let mut leaves = vec![0];
    for row in rows {
        let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let norm = most + row.iter().map(|x| (x - most).exp()).sum::<f64>().ln();
        let blank = row.len() - 1;
        // The best first.
        leaves.sort_by(|&a, &b| beams[b].new.total.total_cmp(&beams[a].new.total));
        let branches = std::mem::take(&mut leaves);
        branches.iter().for_each(|&at| beams[at].old = beams[at].new);
        for &at in &branches {
            if let Some(parent) = beams[at].parent {
                let label = beams[at].label;
                let above = &beams[parent];
                if above.new.total > f64::NEG_INFINITY {
                    let before = if label == above.label { above.old.blank } else { above.old.total };
                    beams[at].new.label = log_sum(beams[at].new.label, before);
                }
                beams[at].new.label += row[label] - norm;
            }
            let new = beams[at].old.total + row[blank] - norm;
            beams[at].new.blank = new;
            beams[at].new.total = log_sum(new, beams[at].new.label);
            leaves.push(at);
        }
        for &at in &branches {
            let worst = |leaves: &[usize], beams: &[Beam]| {
                leaves.iter().copied().min_by(|&a, &b| beams[a].new.total.total_cmp(&beams[b].new.total))
            };
            let is_candidate = |total: f64, leaves: &[usize], beams: &[Beam]| {
                let least = worst(leaves, beams).map_or(f64::NEG_INFINITY, |at| beams[at].new.total);
                total > f64::NEG_INFINITY && (leaves.len() < width || total > least)
            };
            if !is_candidate(beams[at].old.total, &leaves, &beams) {
                continue;
            }
            for (label, &score) in row[..blank].iter().enumerate() {
                let next = beams.len();
                let child = *beams[at].children.entry(label).or_insert(next);
                if child == next {
                    let parent = Some(at);
                    beams.push(Beam { parent, label, children: HashMap::new(), old: Logs::NONE, new: Logs::NONE });
                }
                if beams[child].new.total > f64::NEG_INFINITY {
                    continue;
                }
                let before = if label == beams[at].label { beams[at].old.blank } else { beams[at].old.total };
                let total = score - norm + before;
                if !is_candidate(total, &leaves, &beams) {
                    (beams[child].old, beams[child].new) = (Logs::NONE, Logs::NONE);
                    continue;
                }
                if leaves.len() == width
                    && let Some(worst) = worst(&leaves, &beams)
                {
                    beams[worst].new = Logs::NONE;
                    leaves.retain(|&leaf| leaf != worst);
                }
                beams[child].new = Logs { total, blank: f64::NEG_INFINITY, label: total };
                leaves.push(child);
            }
        }
    }
    leaves.sort_by(|&a, &b| beams[b].new.total.total_cmp(&beams[a].new.total));
    let sequence = |&leaf: &usize| {
        let mut labels = Vec::new();
        let mut at = leaf;
        while let Some(parent) = beams[at].parent {
            labels.push(beams[at].label);
            at = parent;
        }
        labels.reverse();
        (labels, beams[leaf].new.total)
    };
    leaves.iter().take(paths).map(sequence).collect()
}

fn beams(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let scores = Scores::of(i)?;
    let (width, paths) = (count(i.attrs, "beam_width", 100)?, count(i.attrs, "top_paths", 1)?);
    let merges = i.attrs.bool_or("merge_repeated", true)?;
    let mut sequences = vec![Vec::with_capacity(scores.batch); paths];
    let mut logs = Vec::with_capacity(scores.batch * paths);
    for (sample, &length) in scores.lengths.iter().enumerate() {
        let found = search((0..length).map(|step| scores.row(step, sample)), width, paths);
        if found.len() < paths {
            return Err(i.wrong(
                "top_paths",
                format!("at most the {} sequences there are", found.len()),
                paths.to_string(),
            ));
        }
        for (path, (mut labels, log)) in found.into_iter().enumerate() {
            if merges {
                labels.dedup();
            }
            sequences[path].push(labels);
            logs.push(log);
        }
    }
    let found = sequences.iter().map(|path| sparse(path)).collect::<Result<Vec<[Tensor; 3]>>>()?;
    let part = |at: usize| found.iter().map(move |parts| parts[at].clone());
    let logs = Tensor::from_vec(logs, [scores.batch, paths])?.cast(i.input(0)?.dtype())?;
    Ok(part(0).chain(part(1)).chain(part(2)).chain([logs]).collect())
}
