//! Images: colours, borders, edges, projections and how alike two are.

use kerox_config_json::Value as Json;
use kerox_graph::Value;
use kerox_graph::ops::{Distribution, FillMode, Index, PadMode, Padding, SpaceDepth, Stateless};
use kerox_tensor::kernels::matrices::Lu;
use kerox_tensor::{DType, Tensor};

use super::super::inputs::Inputs;
use super::arrangement::{length, rank};
use super::{Build, IN_CONFIG};
use crate::augmentation::{self, Sampling, bend, from_hsv, grayscale, to_hsv};
use crate::{Arg, Result};

pub(super) const OPERATIONS: &[(&str, Build)] = &[
    ("AffineTransform", affine_transform),
    ("CropImages", crop_images),
    ("DepthToSpace", |i| blocks(i, false)),
    ("ElasticTransform", |i| on_images(i, elastic_transform)),
    ("GaussianBlur", gaussian_blur),
    ("HSVToRGB", |i| {
        on_images(i, |i, x| {
            let planes = i.cx.g.split(x, 3, 3)?;
            match planes[..] {
                [hue, saturation, value] => from_hsv(i.cx, [hue, saturation, value]),
                _ => Err(i.wrong("3 channels", planes.len().to_string())),
            }
        })
    }),
    ("PSNR", psnr),
    ("PadImages", pad_images),
    ("PerspectiveTransform", perspective_transform),
    ("RGBToGrayscale", |i| on_images(i, |i, x| grayscale(i.cx, "RGBToGrayscale", x))),
    ("RGBToHSV", |i| {
        on_images(i, |i, x| {
            let planes = to_hsv(i.cx, "RGBToHSV", x)?;
            Ok(i.cx.g.concat(&planes, 3)?)
        })
    }),
    ("SSIM", ssim),
    ("SobelEdges", sobel_edges),
    ("SpaceToDepth", |i| blocks(i, true)),
];

fn is_channels_first(i: &Inputs<'_, '_>) -> Result<bool> {
    Ok(i.json(IN_CONFIG, &["data_format"])?.is_some_and(|format| format.as_str() == Some("channels_first")))
}

type OfImages = fn(&mut Inputs<'_, '_>, Value) -> Result<Value>;

/// What is made of a batch of images with channels last, whatever the form of the first argument.
fn on_images(i: &mut Inputs<'_, '_>, f: OfImages) -> Result<Vec<Value>> {
    let mut x = i.x()?;
    let is_one = rank(i, x)? == 3;
    if is_one {
        x = i.cx.g.expand_dims(x, 0)?;
    }
    if rank(i, x)? != 4 {
        return Err(i.wrong("images, of 3 or 4 axes", format!("rank {}", rank(i, x)?)));
    }
    let is_first = is_channels_first(i)?;
    if is_first {
        x = i.cx.g.transpose(x, &[0, 2, 3, 1])?;
    }
    let mut y = f(i, x)?;
    if is_first {
        let perm: &[i64] = if rank(i, y)? == 5 { &[0, 3, 1, 2, 4] } else { &[0, 3, 1, 2] };
        y = i.cx.g.transpose(y, perm)?;
    }
    Ok(vec![if is_one { i.cx.g.squeeze(y, &[0])? } else { y }])
}

fn blocks(i: &mut Inputs<'_, '_>, to_depth: bool) -> Result<Vec<Value>> {
    on_images(i, if to_depth { |i, x| block(i, x, true) } else { |i, x| block(i, x, false) })
}

fn block(i: &mut Inputs<'_, '_>, x: Value, to_depth: bool) -> Result<Value> {
    let block = i.int(IN_CONFIG, &["block_size"], 1)?;
    let block = usize::try_from(block).ok().filter(|block| (1..1 << 16).contains(block));
    let block = block.ok_or_else(|| i.wrong("a length of blocks", "another"))?;
    Ok(i.cx.g.add_single(SpaceDepth { to_depth, block }, &[x])?)
}

fn fill_mode(i: &Inputs<'_, '_>) -> Result<FillMode> {
    let mode = i.json(IN_CONFIG, &["fill_mode"])?;
    Ok(match mode.as_ref().and_then(Json::as_str) {
        Some("constant") | None => FillMode::Constant,
        Some("nearest") => FillMode::Nearest,
        Some("wrap") => FillMode::Wrap,
        Some("reflect") => FillMode::Reflect,
        Some(other) => {
            return Err(i.wrong("fill mode `constant`, `nearest`, `wrap` or `reflect`", format!("`{other}`")));
        }
    })
}

/// Images seen through projections.
fn projected(i: &mut Inputs<'_, '_>, x: Value, transforms: Value, fill: FillMode) -> Result<Value> {
    let interpolation = i.json(IN_CONFIG, &["interpolation"])?;
    let is_nearest = interpolation.as_ref().and_then(Json::as_str) == Some("nearest");
    let fill_value = i.float(IN_CONFIG, &["fill_value"], 0.0)?;
    Ok(i.cx.g.project(x, transforms, (fill, is_nearest), fill_value)?)
}

fn affine_transform(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    on_images(i, |i, x| {
        let transform = i.arg(1, &["transform"]).ok_or_else(|| i.wrong("argument `transform`", "none"))?;
        let mut transform = i.value(&transform, Some(DType::F32))?;
        transform = i.cx.g.cast(transform, DType::F32)?;
        if rank(i, transform)? == 1 {
            transform = i.cx.g.expand_dims(transform, 0)?;
        }
        let fill = fill_mode(i)?;
        projected(i, x, transform, fill)
    })
}

/// The projection that takes four points to four others.
fn homography(start: &[f64], end: &[f64]) -> Option<Vec<f64>> {
    let (mut rows, mut targets) = (Vec::with_capacity(64), Vec::with_capacity(8));
    for (from, to) in start.chunks_exact(2).zip(end.chunks_exact(2)) {
        let (&[x, y], &[u, v]) = (from, to) else { return None };
        rows.extend([u, v, 1.0, 0.0, 0.0, 0.0, -x * u, -x * v]);
        rows.extend([0.0, 0.0, 0.0, u, v, 1.0, -y * u, -y * v]);
        targets.extend([x, y]);
    }
    let lu = (targets.len() == 8).then(|| Lu::of(&rows, 8)).filter(|lu| !lu.is_singular())?;
    Some(lu.solve(&targets, 1))
}

fn perspective_transform(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    on_images(i, |i, x| {
        let points = |i: &Inputs<'_, '_>, at: usize, name: &'static str| -> Result<Vec<f64>> {
            let value = i.json(at, &[name])?.unwrap_or_default();
            let (mut shape, mut numbers) = (Vec::new(), Vec::new());
            let is_regular = crate::array::flatten(&value, 0, &mut shape, &mut numbers);
            let is_points = is_regular && (2..=3).contains(&shape.len()) && shape.ends_with(&[4, 2]);
            is_points.then_some(numbers).ok_or_else(|| i.wrong("constants of shape (4, 2)", value.describe()))
        };
        let (start, end) = (points(i, 1, "start_points")?, points(i, 2, "end_points")?);
        let rows: Option<Vec<Vec<f64>>> = start.chunks(8).zip(end.chunks(8)).map(|(a, b)| homography(a, b)).collect();
        let rows = rows.ok_or_else(|| i.wrong("points of which no three lie on a line", "others"))?;
        let count = rows.len();
        let transforms = Tensor::from_vec(rows.concat(), [count, 8])?.cast(DType::F32)?;
        let transforms = i.cx.g.constant(transforms)?;
        projected(i, x, transforms, FillMode::Constant)
    })
}

/// The borders of height and width by which images grow, or shrink: two of before, after and the new length are given.
fn borders(i: &Inputs<'_, '_>, x: Value, is_padding: bool) -> Result<[(i64, i64); 2]> {
    let names = match is_padding {
        true => [["top_padding", "bottom_padding", "target_height"], ["left_padding", "right_padding", "target_width"]],
        false => {
            [["top_cropping", "bottom_cropping", "target_height"], ["left_cropping", "right_cropping", "target_width"]]
        }
    };
    let whole = |name: &'static str| -> Result<Option<i64>> {
        Ok(i.ints(IN_CONFIG, &[name])?.and_then(|numbers| numbers.first().copied()))
    };
    let mut found = [(0, 0); 2];
    for (at, [before, after, target]) in names.into_iter().enumerate() {
        let length = length(i, x, at + 1)? as i64;
        let apart = |target: i64| if is_padding { target - length } else { length - target };
        found[at] = match (whole(before)?, whole(after)?, whole(target)?) {
            (Some(before), Some(after), _) => (before, after),
            (Some(before), None, Some(target)) => (before, apart(target) - before),
            (None, Some(after), Some(target)) => (apart(target) - after, after),
            _ => return Err(i.wrong(format!("two of `{before}`, `{after}` and `{target}`"), "others")),
        };
        let (before, after) = found[at];
        if before < 0 || after < 0 || !is_padding && before + after > length {
            return Err(i.wrong(format!("borders that fit {length} pixels"), format!("{before} and {after}")));
        }
    }
    Ok(found)
}

fn pad_images(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    on_images(i, |i, x| {
        let [rows, columns] = borders(i, x, true)?;
        Ok(i.cx.g.pad(x, &[(0, 0), rows, columns, (0, 0)])?)
    })
}

fn crop_images(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    on_images(i, |i, x| {
        let [rows, columns] = borders(i, x, false)?;
        let part =
            |(before, after): (i64, i64), length: usize| Index::Range(Some(before), Some(length as i64 - after), 1);
        let (rows, columns) = (part(rows, length(i, x, 1)?), part(columns, length(i, x, 2)?));
        Ok(i.cx.g.strided_slice(x, &[Index::ALL, rows, columns])?)
    })
}

/// A gaussian over `size` elements, whose sum is 1.
fn gaussian(size: usize, sigma: f64) -> Vec<f64> {
    let middle = (size as f64 - 1.0) / 2.0;
    let weights: Vec<f64> = (0..size).map(|at| (-0.5 * ((at as f64 - middle) / sigma).powi(2)).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// Each channel convolved with the same `[height, width]` numbers.
fn smoothed(i: &mut Inputs<'_, '_>, x: Value, kernel: &[f64], size: [usize; 2], padding: Padding) -> Result<Value> {
    let channels = length(i, x, 3)?;
    let kernel = kernel.iter().flat_map(|&weight| std::iter::repeat_n(weight, channels)).collect::<Vec<f64>>();
    let kernel = Tensor::from_vec(kernel, [size[0], size[1], channels, 1])?.cast(i.cx.g.dtype(x))?;
    let kernel = i.cx.g.constant(kernel)?;
    Ok(i.cx.g.depthwise_conv(x, kernel, &[1, 1], padding, &[1, 1])?)
}

/// The longest kernel that smooths the noise.
const LONGEST: usize = 1 << 12;

/// Pixels moved by smoothed noise: with a seed by Keras's own, which is the same down and along.
fn elastic_transform(i: &mut Inputs<'_, '_>, x: Value) -> Result<Value> {
    const CLASS: &str = "ElasticTransform";
    let word = |i: &Inputs<'_, '_>, name: &'static str, default: &str| -> Result<String> {
        Ok(i.json(IN_CONFIG, &[name])?.as_ref().and_then(Json::as_str).unwrap_or(default).to_owned())
    };
    let sampling = Sampling {
        fill_mode: word(i, "fill_mode", "reflect")?,
        interpolation: word(i, "interpolation", "bilinear")?,
        fill_value: Json::from(i.float(IN_CONFIG, &["fill_value"], 0.0)?),
    };
    fill_mode(i)?;
    if !matches!(sampling.interpolation.as_str(), "nearest" | "bilinear") {
        return Err(i.wrong("interpolation `nearest` or `bilinear`", format!("`{}`", sampling.interpolation)));
    }
    let (alpha, sigma) = (i.float(IN_CONFIG, &["alpha"], 20.0)?, i.float(IN_CONFIG, &["sigma"], 5.0)?);
    let length = (6 * sigma.abs().min(LONGEST as f64) as usize) | 1;
    if sigma <= 0.0 || length > LONGEST {
        return Err(i.wrong("a deviation `sigma` above 0 that is no longer than an image", sigma.to_string()));
    }
    let dtype = i.cx.g.dtype(x);
    let whole = i.cx.g.shape_of(x)?;
    let lengths = i.cx.g.unstack(whole, 0)?;
    let one = i.cx.g.number(1.0, i.cx.g.dtype(whole))?;
    let shape = i.cx.g.stack(&[lengths[0], lengths[1], lengths[2], one], 0)?;
    let (sigma, alpha) = (i.cx.g.number(sigma, dtype)?, i.cx.g.number(alpha, dtype)?);
    let noise = match i.json(IN_CONFIG, &["seed"])?.filter(|seed| !seed.is_null()) {
        Some(_) => {
            // The seed's 32 bits, whatever their sign.
            let seed = i.int(IN_CONFIG, &["seed"], 0)? as i32;
            let seed = i.cx.g.constant(Tensor::from_vec(vec![seed, 0], [2])?)?;
            let noise = i.cx.g.stateless_random(Stateless::Normal, shape, seed, dtype)?;
            [noise, noise]
        }
        None => {
            let generator = i.layer.generator(None);
            let mut draw = || i.cx.g.random(shape, Distribution::Normal, dtype, &generator);
            [draw()?, draw()?]
        }
    };
    let noise = [i.cx.g.multiply(noise[0], sigma)?, i.cx.g.multiply(noise[1], sigma)?];
    let vector = augmentation::gaussian(i.cx, length, sigma, None)?;
    bend(i.cx, CLASS, x, noise, (vector, length), alpha, &sampling)
}

fn gaussian_blur(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    on_images(i, |i, x| {
        let size = i.ints(IN_CONFIG, &["kernel_size"])?.unwrap_or_else(|| vec![3, 3]);
        let size: Vec<usize> =
            size.iter().filter_map(|&n| usize::try_from(n).ok().filter(|n| (1..1024).contains(n))).collect();
        let sigma = i.json(IN_CONFIG, &["sigma"])?.unwrap_or_default();
        let sigma: Vec<f64> = match sigma.as_list() {
            Some(list) => list.iter().filter_map(Json::as_f64).collect(),
            None => vec![1.0, 1.0],
        };
        let (&[height, width], &[first, second]) = (&size[..], &sigma[..]) else {
            return Err(i.wrong("two lengths and two deviations", format!("{size:?} and {sigma:?}")));
        };
        // The first of both belongs to the columns, in whatever shape the products are put then.
        let (along, down) = (gaussian(height, first), gaussian(width, second));
        let kernel: Vec<f64> = down.iter().flat_map(|&b| along.iter().map(move |&a| a * b)).collect();
        smoothed(i, x, &kernel, [height, width], Padding::Same)
    })
}

fn sobel_edges(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    on_images(i, |i, x| {
        const DOWN: [f64; 9] = [-1.0, -2.0, -1.0, 0.0, 0.0, 0.0, 1.0, 2.0, 1.0];
        const ALONG: [f64; 9] = [-1.0, 0.0, 1.0, -2.0, 0.0, 2.0, -1.0, 0.0, 1.0];
        let padded = i.cx.g.mirror_pad(x, &[(0, 0), (1, 1), (1, 1), (0, 0)], PadMode::Reflect)?;
        let down = smoothed(i, padded, &DOWN, [3, 3], Padding::Valid)?;
        let along = smoothed(i, padded, &ALONG, [3, 3], Padding::Valid)?;
        Ok(i.cx.g.stack(&[down, along], -1)?)
    })
}

/// `20 log10(max_val) - 10 log10` of the mean squared difference.
fn psnr(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (a, b) = i.pair_as_float()?;
    let dtype = i.cx.g.dtype(a);
    let most = i.float(IN_CONFIG, &["max_val"], 1.0)?;
    let square = i.cx.g.squared_difference(a, b)?;
    let axes = i.cx.g.all_axes(square)?;
    let mean = i.cx.g.reduce_mean(square, &axes, false)?;
    let log = i.cx.g.log(mean)?;
    let (factor, start) =
        (i.cx.g.number(10.0 / std::f64::consts::LN_10, dtype)?, i.cx.g.number(20.0 * most.log10(), dtype)?);
    let log = i.cx.g.multiply(log, factor)?;
    Ok(vec![i.cx.g.subtract(start, log)?])
}

/// How alike the structure of two images is, by means under a gaussian.
fn ssim(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let image = |i: &mut Inputs<'_, '_>, at: usize, names: &[&str]| -> Result<Value> {
        let image = i.arg(at, names).ok_or_else(|| i.wrong(format!("argument `{}`", names[0]), "none"))?;
        let mut x = i.value(&image, None)?;
        if !i.cx.g.dtype(x).is_float() {
            x = i.cx.g.cast(x, DType::F32)?;
        }
        if rank(i, x)? == 3 {
            x = i.cx.g.expand_dims(x, 0)?;
        }
        Ok(if is_channels_first(i)? { i.cx.g.transpose(x, &[0, 2, 3, 1])? } else { x })
    };
    let is_one = match i.arg(0, &["image1"]) {
        Some(Arg::Tensor(x)) => rank(i, x)? == 3,
        _ => false,
    };
    let (a, b) = (image(i, 0, &["image1", "img1"])?, image(i, 1, &["image2", "img2"])?);
    let size = i.int(IN_CONFIG, &["filter_size"], 11)?;
    let size = usize::try_from(size).ok().filter(|size| (1..1024).contains(size));
    let size = size.ok_or_else(|| i.wrong("a length of the filter", "another"))?;
    let line = gaussian(size, i.float(IN_CONFIG, &["filter_sigma"], 1.5)?);
    let kernel: Vec<f64> = line.iter().flat_map(|&a| line.iter().map(move |&b| a * b)).collect();
    let most = i.float(IN_CONFIG, &["max_val"], 1.0)?;
    let small = |part: f64| (part * most).powi(2);
    let dtype = i.cx.g.dtype(a);
    let (c1, c2) = (small(i.float(IN_CONFIG, &["k1"], 0.01)?), small(i.float(IN_CONFIG, &["k2"], 0.03)?));
    let (c1, c2) = (i.cx.g.number(c1, dtype)?, i.cx.g.number(c2, dtype)?);
    let mean = |i: &mut Inputs<'_, '_>, x: Value, y: Option<Value>| -> Result<Value> {
        let x = match y {
            Some(y) => i.cx.g.multiply(x, y)?,
            None => x,
        };
        smoothed(i, x, &kernel, [size, size], Padding::Valid)
    };
    let (mean_a, mean_b) = (mean(i, a, None)?, mean(i, b, None)?);
    let (aa, bb) = (i.cx.g.square(mean_a)?, i.cx.g.square(mean_b)?);
    let ab = i.cx.g.multiply(mean_a, mean_b)?;
    let (var_a, var_b, both) = (mean(i, a, Some(a))?, mean(i, b, Some(b))?, mean(i, a, Some(b))?);
    let (var_a, var_b) = (i.cx.g.subtract(var_a, aa)?, i.cx.g.subtract(var_b, bb)?);
    let both = i.cx.g.subtract(both, ab)?;
    let double = |i: &mut Inputs<'_, '_>, x: Value, c: Value| -> Result<Value> {
        let twice = i.cx.g.add(x, x)?;
        Ok(i.cx.g.add(twice, c)?)
    };
    let (above, above_too) = (double(i, ab, c1)?, double(i, both, c2)?);
    let above = i.cx.g.multiply(above, above_too)?;
    let (below, below_too) = (i.cx.g.add(aa, bb)?, i.cx.g.add(var_a, var_b)?);
    let (below, below_too) = (i.cx.g.add(below, c1)?, i.cx.g.add(below_too, c2)?);
    let below = i.cx.g.multiply(below, below_too)?;
    let ratio = i.cx.g.divide(above, below)?;
    let found = i.cx.g.reduce_mean(ratio, &[1, 2, 3], false)?;
    Ok(vec![if is_one { i.cx.g.squeeze(found, &[0])? } else { found }])
}
