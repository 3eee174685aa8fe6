//! What of TensorFlow's boosted trees graphs of data preparation use.

use std::sync::Arc;

use kerox_tensor::DType;

use super::declaration::Declaration;
use super::dispatch::argument;
use crate::{Attr, Infer, Op, Result, Run, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[Declaration {
    name: "BoostedTreesBucketize",
    signature: "float_values[num_features], bucket_boundaries[num_features] -> buckets[num_features]",
    build: |a| {
        let features = a.int("num_features")?;
        match usize::try_from(features) {
            Ok(features) => Ok(Arc::new(BoostedTreesBucketize { features })),
            Err(_) => Err(a.wrong("num_features", "a number of at least 0", a.get("num_features"))),
        }
    },
}];

/// `BoostedTreesBucketize(float_values..., bucket_boundaries...)`: for each number of each feature the first of its boundaries
/// that is at least as large, by number; the last one for numbers above all, 0 where there are none and for NaN.
///
/// # Shapes
/// values `[n]` and boundaries `[m]`, each as often as there are features; buckets `[n]`, int32.
///
/// # Source
/// TensorFlow up to 2.7 computes it; later versions declare it without a kernel.
#[derive(Clone, Debug)]
pub struct BoostedTreesBucketize {
    /// How many features there are.
    pub features: usize,
}

impl Op for BoostedTreesBucketize {
    fn name(&self) -> &'static str {
        "BoostedTreesBucketize"
    }
    fn attrs(&self, _: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("num_features", Attr::Int(self.features as i64))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(self.features.saturating_mul(2))?;
        for i in 0..2 * self.features {
            cx.of_dtype(i, DType::F32)?;
            cx.of_rank(i, 1)?;
        }
        (0..self.features).map(|i| Ok(ValueInfo::new(DType::I32, cx.dims(i)?.clone()))).collect()
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        for (i, output) in run.outputs.iter_mut().enumerate() {
            let (values, boundaries) = (run.inputs[i].slice::<f32>()?, run.inputs[self.features + i].slice::<f32>()?);
            let last = boundaries.len().saturating_sub(1);
            let output = output.slice::<i32>()?;
            if output.len() != values.len() {
                let expected = format!("{} buckets", values.len());
                return Err(argument(self.name(), "", &format!("output {i}"), expected, output.len().to_string()));
            }
            for (output, value) in output.iter_mut().zip(values) {
                *output = boundaries.partition_point(|boundary| boundary < value).min(last) as i32;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use kerox_tensor::Tensor;

    use super::*;
    use crate::{Attrs, Dims, Graph, Interpreter, Value};

    /// Expected buckets are those of TensorFlow 2.7.4.
    #[test]
    fn buckets_of_two_features_and_of_odd_boundaries() {
        let x = vec![0., 1., 1.5, 2., 3., 10., -5., f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
        let cases: [(&[f32], [i32; 10]); 4] = [
            (&[1., 2., 3.], [0, 0, 1, 1, 2, 2, 0, 0, 2, 0]),
            (&[2.], [0; 10]),
            (&[1., 1., 2.], [0, 0, 2, 2, 2, 2, 0, 0, 2, 0]),
            (&[], [0; 10]),
        ];
        let mut g = Graph::new();
        let x = g.constant(Tensor::from_vec(x, [10]).unwrap()).unwrap();
        let boundaries: Vec<Value> =
            cases.iter().map(|(b, _)| g.constant(Tensor::from_vec(b.to_vec(), [b.len()]).unwrap()).unwrap()).collect();
        let inputs: Vec<Value> = std::iter::repeat_n(x, cases.len()).chain(boundaries).collect();
        let buckets = g.add_op(BoostedTreesBucketize { features: cases.len() }, &inputs).unwrap();
        let found = Interpreter::new(&g, &[], &buckets, &[]).run(Vec::new()).unwrap();
        for (found, (_, expected)) in found.into_iter().zip(cases) {
            assert_eq!(found.into_tensor().unwrap().as_slice::<i32>().unwrap(), expected);
        }
    }

    #[test]
    fn boundaries_that_are_no_vector() {
        let mut g = Graph::new();
        let x = g.placeholder("x", DType::F32, Dims::from([None])).unwrap();
        let matrix = g.full(&[2, 2], 0.0, DType::F32).unwrap();
        let error = g.add_op(BoostedTreesBucketize { features: 1 }, &[x, matrix]).unwrap_err().to_string();
        assert!(error.contains("BoostedTreesBucketize") && error.contains("input 1"), "{error}");
        let mut attrs = Attrs::new("BoostedTreesBucketize", "node");
        attrs.insert("num_features", Attr::Int(-1));
        assert!(crate::ops::build("BoostedTreesBucketize", &attrs).is_err());
    }
}
