//! `+`, `-`, `*`, `/` and slices of symbolic tensors.

use std::ops::{Add, Div, Mul, Neg, Sub};

use kerox_config_json::Value as Json;
use kerox_graph::ops::Index;

use super::OpLambda;
use super::layer::number;
use super::table::slice_spec;
use crate::{Arg, Args, KerasTensor, Result};

impl KerasTensor {
    /// The part that a Python slice takes.
    ///
    /// # Errors
    /// Where it lies outside the tensor.
    ///
    /// # Example
    /// ```
    /// use kerox_graph::ops::Index;
    /// use kerox_layers::Input;
    /// let x = Input([4, 3]);
    /// let last = x.slice(&[Index::ALL, Index::At(-1)])?; // x[:, -1]
    /// assert_eq!(last.shape().to_string(), "(None, 3)");
    /// assert_eq!(last.node.layer.class_name(), "SlicingOpLambda");
    /// # Ok::<(), kerox_layers::Error>(())
    /// ```
    pub fn slice(&self, entries: &[Index]) -> Result<KerasTensor> {
        let args = Args::one(self.clone()).with("slice_spec", Arg::Const(slice_spec(entries)));
        Ok(OpLambda::apply("__operators__.getitem", args)?.swap_remove(0))
    }

    /// The tensor to a power.
    ///
    /// # Errors
    /// Where the tensor is not of a type that has powers.
    pub fn pow(&self, exponent: f64) -> Result<KerasTensor> {
        two("math.pow", Arg::Tensor(self.clone()), number(exponent))
    }
}

/// A function of two arguments as Keras records it.
fn two(function: &str, a: Arg<KerasTensor>, b: Arg<KerasTensor>) -> Result<KerasTensor> {
    let args = Args { args: vec![a], kwargs: vec![("y".into(), b), ("name".into(), Arg::Const(Json::Null))] };
    Ok(OpLambda::apply(function, args)?.swap_remove(0))
}

/// What an operator gives.
///
/// # Panics
/// Where the shapes or types do not go together; operators have no other way to say so.
fn operator(function: &str, a: Arg<KerasTensor>, b: Arg<KerasTensor>) -> KerasTensor {
    match two(function, a, b) {
        Ok(tensor) => tensor,
        Err(error) => panic!("{error}"),
    }
}

/// Each line expands to the operator for tensors and numbers, by value and by reference.
macro_rules! operators {
    ($($trait:ident $method:ident $function:literal;)*) => {$(
        operators!(@pair $trait $method $function; KerasTensor, KerasTensor);
        operators!(@pair $trait $method $function; KerasTensor, &KerasTensor);
        operators!(@pair $trait $method $function; &KerasTensor, KerasTensor);
        operators!(@pair $trait $method $function; &KerasTensor, &KerasTensor);
        operators!(@number $trait $method $function; KerasTensor);
        operators!(@number $trait $method $function; &KerasTensor);
    )*};
    (@pair $trait:ident $method:ident $function:literal; $a:ty, $b:ty) => {
        impl $trait<$b> for $a {
            type Output = KerasTensor;
            /// # Panics
            /// Where the shapes or types do not go together.
            fn $method(self, other: $b) -> KerasTensor {
                operator($function, Arg::Tensor(self.clone()), Arg::Tensor(other.clone()))
            }
        }
    };
    (@number $trait:ident $method:ident $function:literal; $a:ty) => {
        impl $trait<f64> for $a {
            type Output = KerasTensor;
            /// # Panics
            /// Where the tensor is not of a type with numbers.
            fn $method(self, other: f64) -> KerasTensor {
                operator($function, Arg::Tensor(self.clone()), number(other))
            }
        }
        impl $trait<$a> for f64 {
            type Output = KerasTensor;
            /// # Panics
            /// Where the tensor is not of a type with numbers.
            fn $method(self, other: $a) -> KerasTensor {
                operator($function, number(self), Arg::Tensor(other.clone()))
            }
        }
    };
}
operators! {
    Add add "__operators__.add";
    Sub sub "math.subtract";
    Mul mul "math.multiply";
    Div div "math.truediv";
}

impl Neg for &KerasTensor {
    type Output = KerasTensor;
    /// # Panics
    /// Where the tensor is not of a type with negative numbers.
    fn neg(self) -> KerasTensor {
        let args = Args::one(self.clone()).with("name", Arg::Const(Json::Null));
        match OpLambda::apply("math.negative", args) {
            Ok(mut tensors) => tensors.swap_remove(0),
            Err(error) => panic!("{error}"),
        }
    }
}

impl Neg for KerasTensor {
    type Output = KerasTensor;
    fn neg(self) -> KerasTensor {
        -&self
    }
}

#[cfg(test)]
mod tests {
    use crate::{Input, clear_session};

    #[test]
    fn operators_are_named_as_keras_names_them() {
        clear_session();
        let (x, y) = (Input([4]), Input([4]));
        let sums = [&x + &y, &x + 1.0, 1.0 - &x, &x / 2.0, -&x, &x * &y];
        let names: Vec<&str> = sums.iter().map(|t| t.node.layer.name()).collect();
        assert_eq!(
            names,
            [
                "tf.__operators__.add",
                "tf.__operators__.add_1",
                "tf.math.subtract",
                "tf.math.truediv",
                "tf.math.negative",
                "tf.math.multiply"
            ]
        );
        assert!(sums.iter().all(|t| t.shape().to_string() == "(None, 4)"));
    }

    #[test]
    #[should_panic(expected = "__operators__.add")]
    fn shapes_that_do_not_go_together() {
        let _ = Input([4]) + Input([3]);
    }
}
