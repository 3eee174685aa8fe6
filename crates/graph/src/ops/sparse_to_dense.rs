//! Values at places as a dense tensor.

use std::sync::Arc;

use kerox_tensor::{Shape, Tensor};

use super::declaration::Declaration;
use super::dispatch::for_any;
use super::dynamic::{Arguments, partial_input, run_interpreted};
use super::index::GatherNd;
use crate::{Attr, Grad, Infer, Op, Result, Run, RunContext, RuntimeValue, Value, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[Declaration {
    name: "SparseToDense",
    signature: "sparse_indices, output_shape, sparse_values, default_value -> dense",
    build: |a| Ok(Arc::new(SparseToDense { validate_indices: a.bool_or("validate_indices", true)? })),
}];

/// `SparseToDense(sparse_indices, output_shape, sparse_values, default_value)`: values at places, the default elsewhere.
///
/// # Shapes
/// places `[n, rank]`, or `[n]` or a scalar for vectors; values `[n]`, or one for all places.
#[derive(Clone, Copy, Debug)]
pub struct SparseToDense {
    /// Whether places have to be in ascending order, each once; otherwise the last value of a place stays.
    pub validate_indices: bool,
}

/// Elements a result may have.
const MAX_ELEMENTS: usize = 1 << 31;

impl Op for SparseToDense {
    fn name(&self) -> &'static str {
        "SparseToDense"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![
            ("T", Attr::Type(inputs[2].dtype)),
            ("Tindices", Attr::Type(inputs[0].dtype)),
            ("validate_indices", Attr::Bool(self.validate_indices)),
        ]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(4)?;
        let dtype = cx.dtype(2)?;
        cx.of_dtype(3, dtype)?;
        Ok(vec![ValueInfo::new(dtype, partial_input(cx, 1)?)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        run_interpreted(self, run)
    }
    fn interpret(&self, cx: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let mut a = Arguments::new(self.name(), cx, inputs);
        let indices = a.tensor()?;
        let places = super::dynamic::ints(&indices)
            .filter(|_| indices.rank() <= 2)
            .ok_or_else(|| a.wrong("integers, one row for each place", indices.shape().to_string()))?;
        let lengths = a.tensor()?;
        let shape: Option<Shape> = super::dynamic::ints(&lengths)
            .filter(|_| lengths.rank() == 1)
            .and_then(|lengths| lengths.into_iter().map(|n| usize::try_from(n).ok()).collect());
        let shape = shape.ok_or_else(|| a.wrong("a vector of lengths of at least 0", lengths.shape().to_string()))?;
        let (count, depth) = match indices.shape()[..] {
            [count, depth] => (count, depth),
            [count] => (count, 1),
            _ => (1, 1),
        };
        if depth != shape.rank() {
            return Err(a.wrong(format!("{depth} lengths, as there are in a place"), shape.rank().to_string()));
        }
        let elements = shape.checked_elements()?;
        if elements > MAX_ELEMENTS {
            return Err(a.wrong(format!("at most {MAX_ELEMENTS} elements"), shape.to_string()));
        }
        let values = a.tensor()?;
        if values.rank() > 0 && values.shape()[..] != [count] {
            return Err(a.wrong(format!("one value or {count} values"), format!("shape {}", values.shape())));
        }
        let default = a.tensor()?;
        if default.rank() != 0 {
            return Err(a.wrong("one value", format!("shape {}", default.shape())));
        }
        let mut offsets = Vec::with_capacity(count);
        for (i, place) in (0..count).map(|i| (i, places.get(i * depth..(i + 1) * depth).unwrap_or_default())) {
            let within = |(at, &n): (&i64, &usize)| usize::try_from(*at).ok().filter(|&at| at < n).map(|at| (at, n));
            let inside: Option<Vec<(usize, usize)>> = place.iter().zip(&shape[..]).map(within).collect();
            let wrong = |expected: &str| {
                super::dispatch::argument("SparseToDense", "", &format!("place {i}"), expected, format!("{place:?}"))
            };
            let inside = inside.ok_or_else(|| wrong(&format!("one inside {shape}")))?;
            let offset = inside.into_iter().fold(0, |offset, (at, n)| offset * n + at);
            if self.validate_indices && offsets.last().is_some_and(|&before| before >= offset) {
                return Err(wrong("places in ascending order, each once"));
            }
            offsets.push(offset);
        }
        for_any!(values.dtype(), self.name(), T => {
            let fill = default.to_scalar::<T>()?;
            let mut all: Vec<T> = vec![fill; elements];
            let values = values.as_slice::<T>()?;
            for (value, &offset) in values.iter().cycle().zip(&offsets) {
                all[offset].clone_from(value);
            }
            Ok(vec![Tensor::from_vec(all, shape)?.into()])
        })
    }
    /// Values have that of their places, the default has the rest.
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        let mut places = cx.inputs[0];
        for _ in cx.g.dims(places).rank().unwrap_or(2)..2 {
            places = cx.g.expand_dims(places, -1)?;
        }
        let mut values = cx.g.add_single(GatherNd, &[dy, places])?;
        let rank = cx.g.dims(dy).rank().unwrap_or(1) as i64;
        let all = cx.g.reduce_sum(dy, &(0..rank).collect::<Vec<_>>(), false)?;
        let of_places = cx.g.reduce_sum(values, &[0], false)?;
        if cx.g.dims(cx.inputs[2]).rank() == Some(0) {
            values = of_places;
        }
        Ok(vec![None, None, Some(values), Some(cx.g.subtract(all, of_places)?)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Graph, Interpreter};

    /// What TensorFlow 2.15 gives, or refuses for the reason of which `expected` is a part.
    fn check(
        places: (Vec<i64>, &[usize]),
        lengths: &[i64],
        values: (Vec<f32>, &[usize]),
        validate: bool,
        expected: &str,
    ) {
        let mut g = Graph::new();
        let inputs = [
            Tensor::from_vec(places.0, places.1).unwrap(),
            Tensor::from_vec(lengths.to_vec(), [lengths.len()]).unwrap(),
            Tensor::from_vec(values.0, values.1).unwrap(),
            Tensor::scalar(9f32),
        ];
        let inputs: Vec<_> = inputs.into_iter().map(|tensor| g.constant(tensor).unwrap()).collect();
        let dense = g.add_single(SparseToDense { validate_indices: validate }, &inputs).unwrap();
        let found = match Interpreter::new(&g, &[], &[dense], &[]).run(Vec::new()) {
            Ok(mut found) => format!("{:?}", found.remove(0).into_tensor().unwrap().as_slice::<f32>().unwrap()),
            Err(error) => error.to_string(),
        };
        assert!(found.contains(expected), "{found}");
    }

    #[test]
    fn values_at_their_places() {
        let ends = || (vec![0, 1, 1, 0], &[2, 2][..]);
        check(ends(), &[2, 3], (vec![5., 6.], &[2]), true, "[9.0, 5.0, 9.0, 6.0, 9.0, 9.0]");
        check(ends(), &[2, 3], (vec![5.], &[]), true, "[9.0, 5.0, 9.0, 5.0, 9.0, 9.0]");
        check((vec![1, 3], &[2]), &[5], (vec![5., 6.], &[2]), true, "[9.0, 5.0, 9.0, 6.0, 9.0]");
        check((vec![2], &[]), &[5], (vec![5.], &[]), true, "[9.0, 9.0, 5.0, 9.0, 9.0]");
        check((vec![], &[0, 2]), &[2, 2], (vec![], &[0]), true, "[9.0, 9.0, 9.0, 9.0]");
        let twice = || (vec![1, 0, 1, 0], &[2, 2][..]);
        check(twice(), &[2, 3], (vec![5., 6.], &[2]), false, "[9.0, 9.0, 9.0, 6.0, 9.0, 9.0]");
        check((vec![1, 0, 0, 1], &[2, 2]), &[2, 3], (vec![5., 6.], &[2]), false, "[9.0, 6.0, 9.0, 5.0, 9.0, 9.0]");
    }

    #[test]
    fn places_that_do_not_fit() {
        for validate in [true, false] {
            check((vec![0, 3], &[1, 2]), &[2, 3], (vec![5.], &[1]), validate, "one inside [2, 3]");
            check((vec![0, -1], &[1, 2]), &[2, 3], (vec![5.], &[1]), validate, "one inside [2, 3]");
        }
        check((vec![1, 0, 1, 0], &[2, 2]), &[2, 3], (vec![5., 6.], &[2]), true, "ascending order");
        check((vec![1, 0, 0, 1], &[2, 2]), &[2, 3], (vec![5., 6.], &[2]), true, "ascending order");
        check((vec![0, 1, 1], &[1, 3]), &[2, 3], (vec![5.], &[1]), true, "3 lengths");
        check((vec![0, 1], &[1, 2]), &[2, 3], (vec![5., 6.], &[2]), true, "one value or 1 values");
        check((vec![0, 1], &[1, 1, 2]), &[2, 3], (vec![5.], &[1]), true, "one row for each place");
        check((vec![0, 1], &[1, 2]), &[2, -3], (vec![5.], &[1]), true, "at least 0");
        check((vec![0, 1], &[1, 2]), &[1 << 40, 1 << 40], (vec![5.], &[1]), true, "elements");
    }
}
