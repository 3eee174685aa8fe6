//! Boxes in images: cut out of them, and chosen among those that lie over each other.

use kerox_tensor::{DType, Tensor};

use super::dynamic::int_tensor;
use super::whole::{Given, whole};
use crate::{Attrs, Dims, Infer, Result, ValueInfo};

// A line expands to an entry of the table: name, signature, attributes, shape rule, values, gradient.
whole! {
    "CropAndResize" "image, boxes, box_ind, crop_size -> crops"
        ["T=0" "method" "extrapolation_value"] crop_rule, crop, None;
    "NonMaxSuppression" "boxes, scores, max_output_size -> selected_indices"
        ["iou_threshold"] chosen_rule, chosen, None;
    "NonMaxSuppressionV2" "boxes, scores, max_output_size, iou_threshold -> selected_indices"
        ["T=0" "T_threshold=3"] chosen_rule, chosen, None;
    "NonMaxSuppressionV3" "boxes, scores, max_output_size, iou_threshold, score_threshold -> selected_indices"
        ["T=0" "T_threshold=3"] chosen_rule, chosen, None;
    "NonMaxSuppressionV4" "boxes, scores, max_output_size, iou_threshold, score_threshold -> selected_indices, valid_outputs"
        ["T=0" "T_threshold=3" "pad_to_max_output_size"] chosen_rule, chosen, None;
    "NonMaxSuppressionV5" "boxes, scores, max_output_size, iou_threshold, score_threshold, soft_nms_sigma -> selected_indices, selected_scores, valid_outputs"
        ["T=0" "pad_to_max_output_size"] chosen_rule, chosen, None;
    "CombinedNonMaxSuppression" "boxes, scores, max_output_size_per_class, max_total_size, iou_threshold, score_threshold -> nmsed_boxes, nmsed_scores, nmsed_classes, valid_detections"
        ["pad_per_class" "clip_boxes"] combined_rule, combined, None;
}

fn length(cx: &Infer<'_>, at: usize) -> Result<Option<usize>> {
    Ok(cx.ints(at)?.and_then(|numbers| usize::try_from((*numbers.first()?)?).ok()))
}

fn crop_rule(cx: &Infer<'_>, _: &Attrs) -> Result<Vec<ValueInfo>> {
    cx.arity(4)?;
    let (image, boxes) = (cx.of_rank(0, 4)?, cx.of_rank(1, 2)?);
    let size = cx.ints(3)?.unwrap_or_else(|| vec![None; 2]);
    let &[height, width] = &size[..] else { return Err(cx.wrong("crop_size", "two lengths", size.len().to_string())) };
    let side = |n: Option<i64>| n.and_then(|n| usize::try_from(n).ok());
    let first = |dims: &Dims, at: usize| dims.axes().and_then(|axes| axes[at]);
    Ok(vec![ValueInfo::new(DType::F32, [first(&boxes, 0), side(height), side(width), first(&image, 3)])])
}

/// Parts of images, each brought to one size.
fn crop(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let (image, boxes, of, size) = (i.floats(0)?, i.floats(1)?, i.ints(2)?, i.ints(3)?);
    let &[images, height, width, channels] = &i.input(0)?.shape()[..] else {
        return Err(i.wrong("image", "4 axes", i.input(0)?.shape().to_string()));
    };
    let (count, columns) = i.matrix(1)?;
    let sides: Option<Vec<usize>> = size.iter().map(|&n| usize::try_from(n).ok().filter(|&n| n > 0)).collect();
    let (4, Some(&[rows, cells])) = (columns, sides.as_deref()) else {
        return Err(i.wrong("boxes", "rows of 4 and a crop size", format!("{columns} and {size:?}")));
    };
    if of.len() != count || height == 0 || width == 0 {
        return Err(i.wrong("box_ind", format!("{count} numbers"), of.len().to_string()));
    }
    let is_nearest = match &*i.attrs.string_or("method", "bilinear")? {
        "bilinear" => false,
        "nearest" => true,
        _ => return Err(i.attrs.wrong("method", "bilinear or nearest", i.attrs.get("method"))),
    };
    let outside = f64::from(i.attrs.float_or("extrapolation_value", 0.0)?);
    let shape = i.shape([count, rows, cells, channels])?;
    let mut made = Vec::with_capacity(shape.elements());
    // Where a cell lies along a side; in single precision as TensorFlow has it.
    let place = |from: f64, to: f64, at: usize, n: usize, length: usize| {
        let (from, to, last) = (from as f32, to as f32, (length - 1) as f32);
        let at = match n {
            1 => 0.5 * (from + to) * last,
            _ => from * last + at as f32 * ((to - from) * last / (n - 1) as f32),
        };
        (0.0..=last).contains(&at).then_some(f64::from(at))
    };
    for (corners, &n) in boxes.chunks_exact(4).zip(&of) {
        let n = usize::try_from(n).ok().filter(|&n| n < images);
        let n = n.ok_or_else(|| i.wrong("box_ind", format!("numbers below {images}"), "others"))?;
        let pixel = |y: usize, x: usize, c: usize| image[((n * height + y) * width + x) * channels + c];
        for row in 0..rows {
            let y = place(corners[0], corners[2], row, rows, height);
            for cell in 0..cells {
                let (Some(y), Some(x)) = (y, place(corners[1], corners[3], cell, cells, width)) else {
                    made.extend(std::iter::repeat_n(outside as f32, channels));
                    continue;
                };
                for c in 0..channels {
                    made.push(if is_nearest {
                        pixel(y.round() as usize, x.round() as usize, c) as f32
                    } else {
                        let (top, left) = (y.floor() as usize, x.floor() as usize);
                        let (bottom, right) = (y.ceil() as usize, x.ceil() as usize);
                        let (dy, dx) = (y - y.floor(), x - x.floor());
                        let above = pixel(top, left, c) * (1.0 - dx) + pixel(top, right, c) * dx;
                        let below = pixel(bottom, left, c) * (1.0 - dx) + pixel(bottom, right, c) * dx;
                        (above * (1.0 - dy) + below * dy) as f32
                    });
                }
            }
        }
    }
    Ok(vec![Tensor::from_vec(made, shape)?])
}

fn chosen_rule(cx: &Infer<'_>, attrs: &Attrs) -> Result<Vec<ValueInfo>> {
    cx.of_rank(0, 2)?;
    let dtype = cx.dtype(1)?;
    let most = length(cx, 2)?;
    let pads = attrs.bool_or("pad_to_max_output_size", false)?;
    let count = if pads { most } else { None };
    let indices = ValueInfo::new(DType::I32, [count]);
    let number = ValueInfo::new(DType::I32, Dims::scalar());
    Ok(match attrs.op() {
        "NonMaxSuppressionV4" => vec![indices, number],
        "NonMaxSuppressionV5" => vec![indices, ValueInfo::new(dtype, [count]), number],
        _ => vec![indices],
    })
}

/// How much of two boxes is in both.
fn overlap(a: &[f64], b: &[f64]) -> f64 {
    let sides = |x: &[f64], at: usize| (x[at].min(x[at + 2]), x[at].max(x[at + 2]));
    let area = |x: &[f64]| {
        let ((top, bottom), (left, right)) = (sides(x, 0), sides(x, 1));
        (bottom - top) * (right - left)
    };
    let (area_a, area_b) = (area(a), area(b));
    if area_a <= 0.0 || area_b <= 0.0 {
        return 0.0;
    }
    let shared = |at: usize| {
        let ((a0, a1), (b0, b1)) = (sides(a, at), sides(b, at));
        (a1.min(b1) - a0.max(b0)).max(0.0)
    };
    let both = shared(0) * shared(1);
    both / (area_a + area_b - both)
}

/// What decides which boxes are chosen.
struct Limits {
    most: usize,
    overlap: f64,
    score: f64,
    /// How fast the scores of boxes that lie over chosen ones fall; 0 where they are dropped instead.
    sigma: f64,
}

/// The chosen boxes with their scores, the best first.
///
/// # Source
/// N. Bodla and others, Soft-NMS: improving object detection with one line of code, 2017.
fn choose(boxes: &[f64], scores: &[f64], limits: &Limits) -> Vec<(usize, f64)> {
    // Score, box, and up to which chosen box it was looked at.
    let mut waiting: Vec<(f64, usize, usize)> = scores
        .iter()
        .enumerate()
        .filter(|(_, score)| **score > limits.score)
        .map(|(at, &score)| (score, at, 0))
        .collect();
    let mut chosen: Vec<(usize, f64)> = Vec::new();
    let better = |a: &(f64, usize, usize), b: &(f64, usize, usize)| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1));
    waiting.sort_by(better);
    while chosen.len() < limits.most {
        let Some((score, at, seen)) = waiting.pop() else { break };
        let of = |at: usize| &boxes[at * 4..at * 4 + 4];
        let (mut now, mut is_dropped) = (score, false);
        for &(other, _) in chosen[seen..].iter().rev() {
            let shared = overlap(of(at), of(other));
            let weight = if shared > limits.overlap { 0.0 } else { (-0.5 * shared * shared / limits.sigma).exp() };
            if limits.sigma > 0.0 {
                now *= weight;
            } else if shared > limits.overlap {
                is_dropped = true;
            }
            if is_dropped || now <= limits.score {
                break;
            }
        }
        if is_dropped {
            continue;
        }
        if now == score {
            chosen.push((at, now));
        } else if now > limits.score {
            let entry = (now, at, chosen.len());
            let place = waiting.partition_point(|other| better(other, &entry).is_lt());
            waiting.insert(place, entry);
        }
    }
    chosen
}

/// Boxes that are looked at, at most.
const MAX_BOXES: i64 = 1 << 24;

fn most(i: &Given<'_>, at: usize) -> Result<usize> {
    match i.int(at)? {
        n @ 0..=MAX_BOXES => Ok(n as usize),
        n => Err(i.wrong(&format!("input {at}"), format!("0 to {MAX_BOXES}"), n.to_string())),
    }
}

fn chosen(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let (boxes, scores) = (i.floats(0)?, i.floats(1)?);
    if i.matrix(0)? != (scores.len(), 4) {
        return Err(i.wrong("boxes", format!("{} rows of 4", scores.len()), i.input(0)?.shape().to_string()));
    }
    let number = |at: usize, default: f64| if i.inputs.len() > at { i.float(at) } else { Ok(default) };
    let limits = Limits {
        most: most(i, 2)?,
        overlap: number(3, f64::from(i.attrs.float_or("iou_threshold", 0.5)?))?,
        score: number(4, f64::NEG_INFINITY)?,
        sigma: number(5, 0.0)?,
    };
    let found = choose(&boxes, &scores, &limits);
    let count = found.len() as i64;
    let mut indices: Vec<i64> = found.iter().map(|(at, _)| *at as i64).collect();
    let mut kept: Vec<f64> = found.iter().map(|(_, score)| *score).collect();
    if i.attrs.bool_or("pad_to_max_output_size", false)? {
        indices.resize(limits.most, 0);
        kept.resize(limits.most, 0.0);
    }
    let n = indices.len();
    let indices = int_tensor(indices, DType::I32, [n])?;
    let count = int_tensor(vec![count], DType::I32, [])?;
    Ok(match i.name() {
        "NonMaxSuppressionV4" => vec![indices, count],
        "NonMaxSuppressionV5" => vec![indices, Tensor::from_vec(kept, [n])?.cast(i.input(1)?.dtype())?, count],
        _ => vec![indices],
    })
}

fn combined_rule(cx: &Infer<'_>, attrs: &Attrs) -> Result<Vec<ValueInfo>> {
    let (boxes, scores) = (cx.of_rank(0, 4)?, cx.of_rank(1, 3)?);
    let batch = boxes.axes().and_then(|axes| axes[0]);
    let classes = scores.axes().and_then(|axes| axes[2]);
    let (each, all) = (length(cx, 2)?, length(cx, 3)?);
    let count = match attrs.bool_or("pad_per_class", false)? {
        false => all,
        true => all.zip(each).zip(classes).map(|((all, each), classes)| all.min(each.saturating_mul(classes))),
    };
    Ok(vec![
        ValueInfo::new(DType::F32, [batch, count, Some(4)]),
        ValueInfo::new(DType::F32, [batch, count]),
        ValueInfo::new(DType::F32, [batch, count]),
        ValueInfo::new(DType::I32, [batch]),
    ])
}

/// The best boxes of all classes of each image.
fn combined(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let (boxes, scores) = (i.floats(0)?, i.floats(1)?);
    let (&[batch, n, kinds, 4], &[other, m, classes]) = (&i.input(0)?.shape()[..], &i.input(1)?.shape()[..]) else {
        return Err(i.wrong("boxes", "axes batch, boxes, classes or 1, and 4", i.input(0)?.shape().to_string()));
    };
    if (batch, n) != (other, m) || kinds != 1 && kinds != classes {
        return Err(i.wrong("scores", format!("{batch} and {n}"), format!("{other} and {m}")));
    }
    let (each, all) = (most(i, 2)?, most(i, 3)?);
    let limits = Limits { most: each, overlap: i.float(4)?, score: i.float(5)?, sigma: 0.0 };
    let pads = i.attrs.bool_or("pad_per_class", false)?;
    let clips = i.attrs.bool_or("clip_boxes", true)?;
    let count = if pads { all.min(each.saturating_mul(classes)) } else { all };
    let shape = i.shape([batch, count, 4])?;
    let mut made = [vec![0f32; shape.elements()], vec![0f32; batch * count], vec![0f32; batch * count]];
    let mut numbers = Vec::with_capacity(batch);
    for image in 0..batch {
        let mut found: Vec<(f64, usize, Vec<f64>)> = Vec::new();
        for class in 0..classes {
            let kind = if kinds == 1 { 0 } else { class };
            let own: Vec<f64> = (0..n)
                .flat_map(|at| {
                    let from = ((image * n + at) * kinds + kind) * 4;
                    boxes[from..from + 4].to_vec()
                })
                .collect();
            let of_class: Vec<f64> = (0..n).map(|at| scores[(image * n + at) * classes + class]).collect();
            let chosen = choose(&own, &of_class, &limits);
            found.extend(chosen.into_iter().map(|(at, score)| (score, class, own[at * 4..at * 4 + 4].to_vec())));
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        found.truncate(count);
        numbers.push(found.len() as i64);
        for (at, (score, class, corners)) in found.into_iter().enumerate() {
            let at = image * count + at;
            let clip = |x: f64| if clips { x.clamp(0.0, 1.0) } else { x };
            made[0][at * 4..at * 4 + 4].iter_mut().zip(corners).for_each(|(to, x)| *to = clip(x) as f32);
            made[1][at] = score as f32;
            made[2][at] = class as f32;
        }
    }
    let [corners, kept, kinds] = made;
    Ok(vec![
        Tensor::from_vec(corners, shape)?,
        Tensor::from_vec(kept, [batch, count])?,
        Tensor::from_vec(kinds, [batch, count])?,
        int_tensor(numbers, DType::I32, [batch])?,
    ])
}
