//! Tensors that nodes take out of the checkpoint.

use kerox_graph::{Graph, Interpreter, ops};
use kerox_tensor::Tensor;

use crate::handle::Stored;
use crate::{Error, Result};

/// The part of a tensor that a slice in TensorFlow's notation names: `4 2 0,2:-`.
pub(crate) fn part(whole: &Tensor, stored: &Stored) -> Result<Tensor> {
    let wrong = || {
        let expected = format!("a slice of {}, as `4 2 0,2:-`", whole.shape());
        Error::invalid("variable", &stored.key, expected, format!("`{}`", stored.slice))
    };
    let spec = stored.slice.rsplit(' ').next().ok_or_else(wrong)?;
    let (mut begin, mut size) = (Vec::new(), Vec::new());
    for (axis, part) in spec.split(':').enumerate() {
        let length = *whole.shape().get(axis).ok_or_else(wrong)? as i64;
        let (start, count) = match part {
            "-" => (0, length),
            _ => {
                let (start, count) = part.split_once(',').ok_or_else(wrong)?;
                (start.parse::<i64>().map_err(|_| wrong())?, count.parse::<i64>().map_err(|_| wrong())?)
            }
        };
        if start < 0 || count < 0 || start.checked_add(count).is_none_or(|end| end > length) {
            return Err(wrong());
        }
        begin.push(start);
        size.push(count);
    }
    let rank = begin.len();
    if rank != whole.rank() {
        return Err(wrong());
    }
    let mut g = Graph::new();
    let mut constant = |value: Tensor| g.add_single(ops::Const { value }, &[]);
    let inputs = [
        constant(whole.clone())?,
        constant(Tensor::from_vec(begin, [rank])?)?,
        constant(Tensor::from_vec(size, [rank])?)?,
    ];
    let y = g.add_single(ops::Slice, &inputs)?;
    let mut results = Interpreter::new(&g, &[], &[y], &[]).run(Vec::new())?;
    match results.pop() {
        Some(value) => Ok(value.into_tensor()?),
        None => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_variables() {
        let whole = Tensor::from_vec((0..12).collect::<Vec<i32>>(), [4, 3]).unwrap();
        let of = |slice: &str| part(&whole, &Stored { key: "v".into(), slice: slice.into() });
        assert_eq!(of("4 3 1,2:-").unwrap().as_slice::<i32>().unwrap(), [3, 4, 5, 6, 7, 8]);
        assert_eq!(of("4 3 -:2,1").unwrap().as_slice::<i32>().unwrap(), [2, 5, 8, 11]);
        for wrong in ["4 3 3,2:-", "4 3 -", "4 3 -:-:-", "4 3 x", "4 3 -1,1:-", "4 3 0,9223372036854775807:-"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
