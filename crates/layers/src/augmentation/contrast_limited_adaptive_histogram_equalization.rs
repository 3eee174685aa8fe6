//! `ContrastLimitedAdaptiveHistogramEqualization`.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::ops::PadMode;
use kerox_graph::{Generator, Value};
use kerox_tensor::{DType, Tensor};

use super::augment::{Augment, Augmentation, Factor, Transform, bytes, value_range};
use super::histogram::histogram;
use super::pixels::{change_range, counting, known_size, scale, shift, wrong_images};
use crate::{Base, Call, Lengths, Result};

/// Makes values about equally frequent within each tile of an image, but no value more frequent than a limit, in
/// training and outside of it. Between the middles of tiles the results are mixed.
///
/// # Arguments
/// `clip_limit`: how often a value may occur, as a multiple of the mean; 4 by default, 0 for no limit.
/// `tile_grid_size`: tiles along height and width; 8 by 8 by default. `value_range`: the least and the greatest value
/// of a pixel.
///
/// # Shapes
/// images of known height, width and channels.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::ContrastLimitedAdaptiveHistogramEqualization};
/// let y = ContrastLimitedAdaptiveHistogramEqualization::new().on(&Input([32, 32, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 32, 32, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.ContrastLimitedAdaptiveHistogramEqualization` of Keras 3; Zuiderveld, 1994.
pub type ContrastLimitedAdaptiveHistogramEqualization = Augmentation<AdaptiveEqualize>;

/// What [`ContrastLimitedAdaptiveHistogramEqualization`] does.
#[derive(Clone, Debug)]
pub struct AdaptiveEqualize {
    value_range: Factor,
    clip_limit: Factor,
    tile_grid_size: Lengths<2>,
}

impl ContrastLimitedAdaptiveHistogramEqualization {
    /// With a limit of 4 and 8 by 8 tiles.
    pub fn new() -> ContrastLimitedAdaptiveHistogramEqualization {
        let (clip_limit, tile_grid_size) = (Factor::from(4.0), Lengths([8, 8]));
        Augmentation::of(AdaptiveEqualize { value_range: bytes(), clip_limit, tile_grid_size })
    }

    /// How often a value may occur, as a multiple of the mean; 4 by default.
    #[must_use]
    pub fn clip_limit(self, limit: f64) -> ContrastLimitedAdaptiveHistogramEqualization {
        self.with(|kind| kind.clip_limit = limit.into())
    }

    /// Tiles along height and width; 8 by 8 by default.
    #[must_use]
    pub fn tile_grid_size(self, size: impl Into<Lengths<2>>) -> ContrastLimitedAdaptiveHistogramEqualization {
        self.with(|kind| kind.tile_grid_size = size.into())
    }

    /// The least and the greatest value of a pixel.
    #[must_use]
    pub fn value_range(self, range: impl Into<Factor>) -> ContrastLimitedAdaptiveHistogramEqualization {
        self.with(|kind| kind.value_range = range.into())
    }
}

impl Default for ContrastLimitedAdaptiveHistogramEqualization {
    fn default() -> ContrastLimitedAdaptiveHistogramEqualization {
        ContrastLimitedAdaptiveHistogramEqualization::new()
    }
}

/// Values a pixel can have.
const BINS: usize = 256;

/// For each place along an axis of `tiles` tiles of that length the two tiles between whose middles it lies, and how
/// far it is towards the second.
fn neighbours(tiles: usize, length: usize) -> (Vec<i64>, Vec<i64>, Vec<f64>) {
    let (mut first, mut second, mut part) = (Vec::new(), Vec::new(), Vec::new());
    for at in 0..tiles * length {
        let place = (at as f32 - length as f32 / 2.0) / length as f32 + 1.0;
        let low = place.floor();
        // Beyond the outermost middles the outermost tile stands for both. The list of tiles has it twice there.
        let tile = |place: f32| (place.clamp(0.0, tiles as f32 + 1.0) as i64 - 1).clamp(0, tiles as i64 - 1);
        first.push(tile(low));
        second.push(tile(low + 1.0));
        part.push(f64::from(place - low));
    }
    (first, second, part)
}

impl AdaptiveEqualize {
    fn equalize(&self, cx: &mut Call<'_>, x: Value) -> Result<Value> {
        let class = AdaptiveEqualize::CLASS;
        let dtype = cx.g.dtype(x);
        let (height, width) = known_size(cx, class, x)?;
        let Some(channels) = cx.g.dims(x).axes().and_then(|axes| axes.get(3).copied().flatten()) else {
            return Err(wrong_images(class, "images of known channels", format!("shape {}", cx.g.dims(x))));
        };
        let [rows, columns] = self.tile_grid_size.0;
        let (tile_height, tile_width) = (height.div_ceil(rows), width.div_ceil(columns));
        let (pad_height, pad_width) = (tile_height * rows - height, tile_width * columns - width);
        if height == 0 || width == 0 || pad_height > height || pad_width > width {
            let expected = format!("images of at least half as many pixels as {rows} by {columns} tiles need");
            return Err(wrong_images(class, &expected, format!("{height} by {width} pixels")));
        }
        let pads = [(0, 0), (0, pad_height as i64), (0, pad_width as i64), (0, 0)];
        let x = cx.g.mirror_pad(x, &pads, PadMode::Symmetric)?;
        let pixels = cx.g.clip_by_value(x, 0.0, 255.0)?;
        let pixels = cx.g.cast(pixels, DType::I32)?;
        // Each pixel's number among all values of all tiles, of its own tile first.
        let shape = cx.g.shape_of(x)?;
        let batch = cx.g.slice(shape, &[0], &[1])?;
        let scalar = cx.g.reshape(batch, &[])?;
        let image = counting(cx, scalar)?;
        let image = cx.g.reshape(image, &[-1, 1, 1, 1])?;
        let int = |cx: &mut Call<'_>, n: usize| -> Result<Value> { Ok(cx.g.number(n as f64, DType::I32)?) };
        let per_image = int(cx, rows * columns * channels * BINS)?;
        let image = cx.g.multiply(image, per_image)?;
        let channel: Vec<i32> = (0..channels).map(|c| (c * BINS) as i32).collect();
        let channel = cx.g.constant(Tensor::from_vec(channel, [1, 1, 1, channels])?)?;
        let base = cx.g.add(pixels, image)?;
        let base = cx.g.add(base, channel)?;
        let place = |cx: &mut Call<'_>, tiles: &[i64], step: usize, is_row: bool| -> Result<Value> {
            let offsets: Vec<i32> = tiles.iter().map(|&tile| tile as i32 * step as i32).collect();
            let n = offsets.len();
            let shape = if is_row { [1, n, 1, 1] } else { [1, 1, n, 1] };
            Ok(cx.g.constant(Tensor::from_vec(offsets, shape)?)?)
        };
        let (row_step, column_step) = (columns * channels * BINS, channels * BINS);
        let own: Vec<i64> = (0..tile_height * rows).map(|at| (at / tile_height) as i64).collect();
        let own_row = place(cx, &own, row_step, true)?;
        let own: Vec<i64> = (0..tile_width * columns).map(|at| (at / tile_width) as i64).collect();
        let own_column = place(cx, &own, column_step, false)?;
        let number = cx.g.add(base, own_row)?;
        let number = cx.g.add(number, own_column)?;
        let per_image = cx.g.reshape(per_image, &[1])?;
        let count = cx.g.multiply(batch, per_image)?;
        let counts = histogram(cx, number, count, dtype)?;
        let mut counts = cx.g.reshape(counts, &[-1, BINS as i64])?;
        let area = (tile_height * tile_width) as f64;
        let limit = self.clip_limit.pair().0;
        if limit > 0.0 {
            let most = cx.g.number(limit * area / BINS as f64, dtype)?;
            let clipped = cx.g.minimum(counts, most)?;
            let excess = cx.g.subtract(counts, clipped)?;
            let excess = cx.g.reduce_sum(excess, &[1], true)?;
            let share = scale(cx, excess, 1.0 / BINS as f64)?;
            counts = cx.g.add(clipped, share)?;
        }
        let sums = cx.g.cumsum(counts, 1, false, false)?;
        let lowest = cx.g.reduce_min(sums, &[1], true)?;
        let above = cx.g.subtract(sums, lowest)?;
        let above = scale(cx, above, 255.0)?;
        let whole = cx.g.number(area, dtype)?;
        let rest = cx.g.subtract(whole, lowest)?;
        let zero = cx.g.number(0.0, dtype)?;
        let one = cx.g.number(1.0, dtype)?;
        let is_nothing = cx.g.equal(rest, zero)?;
        let rest = cx.g.select(is_nothing, one, rest)?;
        let ranks = cx.g.divide(above, rest)?;
        let ranks = cx.g.clip_by_value(ranks, 0.0, 255.0)?;
        let ranks = cx.g.reshape(ranks, &[-1])?;

        let (top, bottom, down) = neighbours(rows, tile_height);
        let (left, right, across) = neighbours(columns, tile_width);
        let part = |cx: &mut Call<'_>, parts: Vec<f64>, shape: [usize; 4]| -> Result<Value> {
            let parts = cx.g.constant(Tensor::from_vec(parts, shape)?)?;
            Ok(cx.g.cast(parts, dtype)?)
        };
        let (n, m) = (down.len(), across.len());
        let (down, across) = (part(cx, down, [1, n, 1, 1])?, part(cx, across, [1, 1, m, 1])?);
        let mix = |cx: &mut Call<'_>, a: Value, b: Value, part: Value| -> Result<Value> {
            let rest = scale(cx, part, -1.0)?;
            let rest = shift(cx, rest, 1.0)?;
            let (a, b) = (cx.g.multiply(a, rest)?, cx.g.multiply(b, part)?);
            Ok(cx.g.add(a, b)?)
        };
        let mut mixed = Vec::with_capacity(2);
        for row in [&top, &bottom] {
            let row = place(cx, row, row_step, true)?;
            let row = cx.g.add(base, row)?;
            let mut values = Vec::with_capacity(2);
            for column in [&left, &right] {
                let column = place(cx, column, column_step, false)?;
                let number = cx.g.add(row, column)?;
                values.push(cx.g.gather(ranks, number, 0)?);
            }
            mixed.push(mix(cx, values[0], values[1], across)?);
        }
        let y = mix(cx, mixed[0], mixed[1], down)?;
        Ok(cx.g.slice(y, &[0, 0, 0, 0], &[-1, height as i64, width as i64, -1])?)
    }
}

impl Transform for AdaptiveEqualize {
    fn apply(&self, cx: &mut Call<'_>, x: Value, _: &Generator) -> Result<Value> {
        let range = self.value_range.range(0.0);
        let x = change_range(cx, x, range, (0.0, 255.0))?;
        let y = self.equalize(cx, x)?;
        change_range(cx, y, (0.0, 255.0), range)
    }

    fn at_rest(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        self.apply(cx, x, generator)
    }
}

impl Augment for AdaptiveEqualize {
    const CLASS: &'static str = "ContrastLimitedAdaptiveHistogramEqualization";
    const HAS_SEED: bool = false;

    fn read(fields: &Fields<'_>) -> Result<AdaptiveEqualize> {
        let limit = fields.get("clip_limit").map(|node| node.float().map(|_| node.value().clone())).transpose()?;
        Ok(AdaptiveEqualize {
            value_range: value_range(fields)?,
            clip_limit: Factor(limit.unwrap_or(Json::from(4.0))),
            tile_grid_size: Lengths::read(fields, "tile_grid_size", 8)?,
        })
    }

    fn write(&self, config: Config) -> Config {
        config
            .with("value_range", self.value_range.0.clone())
            .with("clip_limit", self.clip_limit.0.clone())
            .with("tile_grid_size", Json::from(self.tile_grid_size))
    }

    fn check(&self, base: &Base) -> Result<()> {
        if self.tile_grid_size.0.contains(&0) {
            let found = format!("{:?}", self.tile_grid_size.0);
            return Err(crate::registry::argument_error(base, "tile_grid_size", "two positive integers", found));
        }
        self.clip_limit.check(base, "clip_limit", (0.0, f64::INFINITY))
    }
}
