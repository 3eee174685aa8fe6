//! Values of arguments that one Keras takes and the other refuses.

use crate::model::{Form, Generation};
use crate::{Config, Error, Result, Value};

/// What a Keras takes for an argument of some classes.
struct Limit {
    generation: Generation,
    classes: &'static [&'static str],
    argument: &'static str,
    takes: fn(&Value, &Config) -> bool,
    expected: &'static str,
}

const LIMITS: &[Limit] = &[
    Limit {
        generation: Generation::Keras3,
        classes: &["Resizing", "UpSampling2D"],
        argument: "interpolation",
        takes: |value, _| !matches!(value.as_str(), Some("gaussian" | "mitchellcubic")),
        expected: "area, bicubic, bilinear, lanczos3, lanczos5 or nearest",
    },
    Limit {
        generation: Generation::Keras3,
        classes: &["SeparableConv1D"],
        argument: "padding",
        takes: |value, _| value.as_str() != Some("causal"),
        expected: "valid or same",
    },
    Limit {
        generation: Generation::Keras3,
        classes: &["BatchNormalization"],
        argument: "axis",
        takes: |value, _| value.as_list().is_none_or(|axes| axes.len() == 1),
        expected: "one axis",
    },
    Limit {
        generation: Generation::Keras3,
        classes: &["BatchNormalization"],
        argument: "renorm_clipping",
        takes: |bounds, _| {
            let bound = |key| bounds.get(key).and_then(Value::as_f64);
            let is_reversed = matches!((bound("rmin"), bound("rmax")), (Some(low), Some(high)) if low > high);
            !is_reversed && bound("dmax").is_none_or(|bound| bound >= 0.0)
        },
        expected: "`rmax` of at least `rmin` and `dmax` of at least 0",
    },
    Limit {
        generation: Generation::Keras3,
        classes: &["AlphaDropout", "GaussianDropout"],
        argument: "rate",
        takes: |value, _| is_between(value, 0.0, 1.0),
        expected: "a fraction in [0, 1]",
    },
    Limit {
        generation: Generation::Keras3,
        classes: &["GaussianNoise"],
        argument: "stddev",
        takes: |value, _| is_between(value, 0.0, 1.0),
        expected: "a number in [0, 1]",
    },
    Limit {
        generation: Generation::Keras3,
        classes: &["LeakyReLU"],
        argument: "alpha",
        takes: |value, _| is_between(value, 0.0, f64::INFINITY),
        expected: "a number of at least 0",
    },
    Limit {
        generation: Generation::Keras2,
        classes: &["DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"],
        argument: "dilation_rate",
        takes: |value, config| !(is_above_1(value) && config.get("strides").is_some_and(is_above_1)),
        expected: "1 where strides are above 1",
    },
];

fn is_between(value: &Value, low: f64, high: f64) -> bool {
    value.as_f64().is_none_or(|number| (low..=high).contains(&number))
}

/// Whether a length, or one of several, is above 1.
fn is_above_1(value: &Value) -> bool {
    match value {
        Value::List(lengths) => lengths.iter().any(is_above_1),
        length => length.as_i64().is_some_and(|length| length > 1),
    }
}

/// Whether the Keras of a form takes the arguments of a class.
///
/// # Errors
/// [`Error::Dialect`] that names the first that it refuses.
pub(super) fn check(class_name: &str, config: &Config, form: Form) -> Result<()> {
    let here =
        LIMITS.iter().filter(|limit| limit.generation == form.generation() && limit.classes.contains(&class_name));
    for limit in here {
        let Some(value) = config.get(limit.argument).filter(|value| !(limit.takes)(value, config)) else { continue };
        return Err(Error::Dialect {
            class_name: format!("`{class_name}`"),
            dialect: form.dialect(),
            expected: format!("`{}` of {}, which is all that this Keras takes", limit.argument, limit.expected),
            found: value.describe(),
            help: "change the argument, or write the model in its own dialect".into(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(class_name: &str, config: &str, form: Form) -> bool {
        check(class_name, Value::parse(config).unwrap().as_map().unwrap(), form).is_err()
    }

    #[test]
    fn each_keras_refuses_its_own() {
        let strided = r#"{"strides": [2, 2], "dilation_rate": [2, 2]}"#;
        for (class_name, config, limited) in [
            ("Resizing", r#"{"interpolation": "gaussian"}"#, Form::Keras3Json),
            ("SeparableConv1D", r#"{"padding": "causal"}"#, Form::Keras3Json),
            ("BatchNormalization", r#"{"axis": [1, 3]}"#, Form::Keras3Json),
            ("BatchNormalization", r#"{"renorm_clipping": {"rmin": 2.0, "rmax": 1}}"#, Form::Keras3Json),
            ("BatchNormalization", r#"{"renorm_clipping": {"dmax": -1.0}}"#, Form::Keras3Json),
            ("GaussianNoise", r#"{"stddev": -1.0}"#, Form::Keras3Json),
            ("GaussianDropout", r#"{"rate": 1.5}"#, Form::Keras3Json),
            ("LeakyReLU", r#"{"alpha": -0.5}"#, Form::Keras3Json),
            ("DepthwiseConv2D", strided, Form::Keras2Json),
        ] {
            let other = if limited == Form::Keras3Json { Form::Keras2Json } else { Form::Keras3Json };
            assert!(refused(class_name, config, limited), "{class_name}");
            assert!(!refused(class_name, config, other), "{class_name}");
        }
        assert!(!refused("Conv1D", r#"{"padding": "causal"}"#, Form::Keras3Json));
    }

    #[test]
    fn the_error_says_what_is_taken() {
        let config = Config::new().with("padding", "causal");
        assert_eq!(
            check("SeparableConv1D", &config, Form::Keras3Json).unwrap_err().to_string(),
            "write `SeparableConv1D` as keras3: expected `padding` of valid or same, which is all that this Keras takes, \
             found \"causal\"; change the argument, or write the model in its own dialect"
        );
    }
}
