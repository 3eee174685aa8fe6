//! Floats to few bits.

/// Whole numbers of a matrix, row by row, and what brings them back.
pub(super) struct Whole {
    /// The numbers.
    pub numbers: Vec<i8>,
    /// Of each column, or of each block of each column.
    pub scale: Vec<f32>,
    /// The number that stands for 0 in each block.
    pub zero: Vec<i8>,
}

/// What keeps the scale of zeros finite: `keras.config.epsilon()`.
const EPSILON: f32 = 1e-7;

/// Rounds numbers to `low..=high`, those of each column by the largest of them; `column` tells the column of a place.
///
/// # Source
/// `keras.quantizers.abs_max_quantize`.
pub(super) fn by_largest(
    floats: &[f32],
    columns: usize,
    column: impl Fn(usize) -> usize,
    (low, high): (f32, f32),
) -> Whole {
    let mut scale = vec![0.0f32; columns];
    for (at, x) in floats.iter().enumerate() {
        let largest = &mut scale[column(at)];
        *largest = if x.is_nan() { *x } else { largest.max(x.abs()) };
    }
    scale.iter_mut().for_each(|largest| *largest = high / (*largest + EPSILON));
    let round = |(at, x): (usize, &f32)| (x * scale[column(at)]).round_ties_even().clamp(low, high) as i8;
    let numbers = floats.iter().enumerate().map(round).collect();
    Whole { numbers, scale, zero: Vec::new() }
}

/// Rounds a matrix of that many columns to -8 to 7, each block of `size` rows of a column by its least and largest. The
/// last block is filled up with zeros.
///
/// # Source
/// `keras.quantizers.abs_max_quantize_grouped_with_zero_point`.
pub(super) fn by_blocks(floats: &[f32], columns: usize, size: usize) -> Whole {
    let rows = floats.len().checked_div(columns).unwrap_or_default();
    let blocks = rows.div_ceil(size);
    let mut whole = Whole { numbers: vec![0; floats.len()], scale: Vec::new(), zero: Vec::new() };
    for block in 0..blocks {
        let places = block * size..rows.min((block + 1) * size);
        let padded = if places.len() < size { 0.0 } else { f32::NAN };
        for column in 0..columns {
            let of = |row: usize| floats[row * columns + column];
            let least = places.clone().map(of).fold(padded, f32::min);
            let most = places.clone().map(of).fold(padded, f32::max);
            let scale = (most - least + EPSILON) / 15.0;
            let zero = ((-least / scale).round_ties_even() - 8.0).clamp(-8.0, 7.0);
            for row in places.clone() {
                let number = (of(row) / scale).round_ties_even() + zero;
                whole.numbers[row * columns + column] = number.clamp(-8.0, 7.0) as i8;
            }
            whole.scale.push(scale);
            whole.zero.push(zero as i8);
        }
    }
    whole
}

/// Two numbers of a row to a byte, the earlier in the low half; rows of odd length end with a zero.
pub(super) fn pack(numbers: &[i8], columns: usize) -> Vec<i8> {
    let low = |pair: &[i8]| pair[0] & 15 | pair.get(1).copied().unwrap_or(0) << 4;
    numbers.chunks(columns.max(1)).flat_map(|row| row.chunks(2).map(low)).collect()
}

/// Columns for rows.
pub(super) fn transposed<T: Copy>(matrix: &[T], columns: usize) -> Vec<T> {
    let rows = matrix.len().checked_div(columns).unwrap_or_default();
    (0..columns).flat_map(|column| (0..rows).map(move |row| matrix[row * columns + column])).collect()
}
