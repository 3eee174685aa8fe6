//! Keras 1 classes and arguments in the words of Keras 2.
//!
//! | Keras 1 | Keras 2 |
//! |---|---|
//! | `Convolution2D {nb_filter, nb_row, nb_col, subsample, border_mode, dim_ordering, init, bias}` | `Conv2D {filters, kernel_size, strides, padding, data_format, kernel_initializer, use_bias}` |
//! | `AtrousConvolution2D {atrous_rate}` | `Conv2D {dilation_rate}` |
//! | `Deconvolution2D {output_shape}` | `Conv2DTranspose` (the output shape follows from the input) |
//! | `TimeDistributedDense` | `TimeDistributed(Dense)` |
//! | `Merge {mode}` | `Add`, `Multiply`, `Average`, `Maximum`, `Concatenate`, `Dot` |
//! | `LSTM {output_dim, inner_init, inner_activation, forget_bias_init, dropout_W, dropout_U, consume_less}` | `LSTM {units, recurrent_initializer, recurrent_activation, unit_forget_bias, dropout, recurrent_dropout, implementation}` |
//! | `W_regularizer`, `U_regularizer`, `b_regularizer`, `.._constraint` | `kernel_`, `recurrent_`, `bias_` |
//!
//! `MaxoutDense` and `Highway` have no counterpart in Keras 2: their names are left, so that a registry can find them.

use crate::{Config, Error, Node, Object, Path, Result, Value};

const CLASSES: &[(&str, &str)] = &[
    ("Convolution1D", "Conv1D"),
    ("Convolution2D", "Conv2D"),
    ("Convolution3D", "Conv3D"),
    ("AtrousConvolution1D", "Conv1D"),
    ("AtrousConvolution2D", "Conv2D"),
    ("AtrousConv1D", "Conv1D"),
    ("AtrousConv2D", "Conv2D"),
    ("Deconvolution2D", "Conv2DTranspose"),
    ("Deconv2D", "Conv2DTranspose"),
    ("Deconvolution3D", "Conv3DTranspose"),
    ("SeparableConvolution2D", "SeparableConv2D"),
];

/// Arguments with the same meaning in every class that has them.
const ARGUMENTS: &[(&str, &str)] = &[
    ("nb_filter", "filters"),
    ("filter_length", "kernel_size"),
    ("subsample", "strides"),
    ("subsample_length", "strides"),
    ("border_mode", "padding"),
    ("dim_ordering", "data_format"),
    ("atrous_rate", "dilation_rate"),
    ("inner_init", "recurrent_initializer"),
    ("inner_activation", "recurrent_activation"),
    ("forget_bias_init", "unit_forget_bias"),
    ("dropout_W", "dropout"),
    ("dropout_U", "recurrent_dropout"),
    ("consume_less", "implementation"),
    ("W_regularizer", "kernel_regularizer"),
    ("U_regularizer", "recurrent_regularizer"),
    ("b_regularizer", "bias_regularizer"),
    ("W_constraint", "kernel_constraint"),
    ("U_constraint", "recurrent_constraint"),
    ("b_constraint", "bias_constraint"),
    ("depthwise_init", "depthwise_initializer"),
    ("pointwise_init", "pointwise_initializer"),
    ("beta_init", "beta_initializer"),
    ("gamma_init", "gamma_initializer"),
    ("pool_length", "pool_size"),
    ("bias", "use_bias"),
    ("input_dtype", "dtype"),
];

/// Arguments whose meaning depends on the class.
const CLASS_ARGUMENTS: &[(&str, &str, &str)] = &[
    ("Dense", "output_dim", "units"),
    ("SimpleRNN", "output_dim", "units"),
    ("GRU", "output_dim", "units"),
    ("LSTM", "output_dim", "units"),
    ("MaxoutDense", "output_dim", "units"),
    ("Embedding", "init", "embeddings_initializer"),
    ("Embedding", "kernel_regularizer", "embeddings_regularizer"),
    ("Embedding", "kernel_constraint", "embeddings_constraint"),
    ("PReLU", "init", "alpha_initializer"),
    ("Dropout", "p", "rate"),
    ("SpatialDropout1D", "p", "rate"),
    ("SpatialDropout2D", "p", "rate"),
    ("SpatialDropout3D", "p", "rate"),
    ("GaussianDropout", "p", "rate"),
    ("GaussianNoise", "sigma", "stddev"),
    ("UpSampling1D", "length", "size"),
    ("MaxPooling1D", "stride", "strides"),
    ("AveragePooling1D", "stride", "strides"),
];

/// Words that only Keras 1 uses as arguments: they mark a configuration to convert.
const MARKS: &[&str] = &[
    "nb_filter",
    "filter_length",
    "nb_row",
    "nb_col",
    "kernel_dim1",
    "subsample",
    "subsample_length",
    "border_mode",
    "dim_ordering",
    "atrous_rate",
    "inner_init",
    "inner_activation",
    "forget_bias_init",
    "dropout_W",
    "dropout_U",
    "consume_less",
    "W_regularizer",
    "U_regularizer",
    "b_regularizer",
    "W_constraint",
    "U_constraint",
    "b_constraint",
    "beta_init",
    "gamma_init",
    "pool_length",
    "init",
];

/// Converts one object; objects of later versions are left alone.
///
/// # Errors
/// [`Error::Field`] when an argument has no counterpart (`Merge` with a lambda, `BatchNormalization` mode 1).
pub fn convert(object: &mut Object) -> Result<()> {
    if object.module.is_some() {
        return Ok(());
    }
    let path = object.path.clone();
    let Value::Map(config) = &mut object.config else { return Ok(()) };
    match object.class_name.as_str() {
        "Merge" => return convert_merge(object),
        "TimeDistributedDense" => return wrap_time_distributed(object),
        _ => {}
    }
    let renamed = CLASSES.iter().find(|(old, _)| *old == object.class_name);
    // `p`, `sigma`, `length` and `stride` are Keras 1's own in these classes.
    let own = CLASS_ARGUMENTS
        .iter()
        .any(|(class, old, now)| *class == object.class_name && config.contains_key(old) && !config.contains_key(now));
    if renamed.is_none() && !own && !MARKS.iter().any(|mark| config.contains_key(mark)) {
        return Ok(());
    }
    if let Some((_, now)) = renamed {
        object.class_name = (*now).into();
        if *now == "Conv2DTranspose" || *now == "Conv3DTranspose" {
            config.remove("output_shape");
        }
    }
    convert_arguments(&object.class_name, config, &path.key("config"))
}

fn convert_arguments(class_name: &str, config: &mut Config, path: &Path) -> Result<()> {
    join_sizes(config, &["nb_row", "nb_col"]);
    join_sizes(config, &["kernel_dim1", "kernel_dim2", "kernel_dim3"]);
    for (old, now) in ARGUMENTS {
        if !config.contains_key(now) {
            config.rename(old, now);
        }
    }
    for (class, old, now) in CLASS_ARGUMENTS {
        if *class == class_name && !config.contains_key(now) {
            config.rename(old, now);
        }
    }
    if !config.contains_key("kernel_initializer") {
        config.rename("init", "kernel_initializer");
    }
    if class_name.ends_with("1D") {
        for key in ["kernel_size", "strides", "dilation_rate"] {
            if let Some(value @ Value::Int(_)) = config.get_mut(key)
                && class_name.contains("Conv")
            {
                *value = Value::List(vec![value.clone()]);
            }
        }
    }
    convert_words(class_name, config, path)
}

/// Several sizes with a name each become one list `kernel_size`, in the place of the first.
fn join_sizes(config: &mut Config, names: &[&str]) {
    let sizes: Option<Vec<Value>> = names.iter().map(|name| config.get(name).cloned()).collect();
    let (Some(sizes), Some(first)) = (sizes, names.first()) else { return };
    for name in &names[1..] {
        config.remove(name);
    }
    config.rename(first, "kernel_size");
    config.insert("kernel_size", sizes);
}

fn convert_words(class_name: &str, config: &mut Config, path: &Path) -> Result<()> {
    let word = |config: &Config, key: &str| config.get(key).and_then(Value::as_str).map(str::to_owned);
    if let Some(format) = word(config, "data_format") {
        match format.as_str() {
            "tf" => drop(config.insert("data_format", "channels_last")),
            "th" => drop(config.insert("data_format", "channels_first")),
            "default" => drop(config.remove("data_format")),
            _ => {}
        }
    }
    if let Some(bias) = word(config, "unit_forget_bias") {
        match bias.as_str() {
            "one" | "ones" => drop(config.insert("unit_forget_bias", true)),
            "zero" | "zeros" => drop(config.insert("unit_forget_bias", false)),
            _ => {
                let node_value = config.get("unit_forget_bias").cloned().unwrap_or_default();
                let node = Node::at(&node_value, path.key("forget_bias_init"));
                return Err(node.expected_with_help(
                    "`one` or `zero`",
                    "Keras 2 has no other initial forget bias: convert the model by hand",
                ));
            }
        }
    }
    if let Some(implementation) = word(config, "implementation") {
        config.insert("implementation", if implementation == "gpu" { 2 } else { i32::from(implementation == "mem") });
    }
    if class_name == "BatchNormalization"
        && let Some(mode) = config.remove("mode")
        && mode.as_i64() == Some(1)
    {
        return Err(Node::at(&mode, path.key("mode"))
            .expected_with_help("0 or 2", "Keras 2 has no sample-wise batch normalization: use another layer"));
    }
    if class_name == "Embedding"
        && let Some(dropout) = config.remove("dropout")
        && dropout.as_f64() != Some(0.0)
        && !dropout.is_null()
    {
        return Err(Node::at(&dropout, path.key("dropout"))
            .expected_with_help("0.0", "Keras 2 has no dropout inside `Embedding`: add a `SpatialDropout1D`"));
    }
    Ok(())
}

fn convert_merge(object: &mut Object) -> Result<()> {
    let path = object.path.key("config");
    let Value::Map(config) = &mut object.config else { return Ok(()) };
    if config.get("layers").and_then(Value::as_list).is_some_and(|layers| !layers.is_empty()) {
        // A Merge of whole models: its place in a Sequential is refused there.
        return Ok(());
    }
    let fields = crate::Fields::new(config, path.clone());
    let mode = fields.str_or("mode", "sum").map_err(|_| {
        fields.error("mode", "a mode by name", "a lambda as mode is Python code, which is never run: use a layer")
    })?;
    let mut now = Config::new();
    if let Some(name) = config.get("name") {
        now.insert("name", name.clone());
    }
    let class_name = match mode {
        "sum" => "Add",
        "mul" => "Multiply",
        "ave" => "Average",
        "max" => "Maximum",
        "concat" => {
            now.insert("axis", fields.int_or("concat_axis", -1)?);
            "Concatenate"
        }
        "dot" | "cos" => {
            now.insert("axes", config.get("dot_axes").cloned().unwrap_or(Value::Int(-1)));
            now.insert("normalize", mode == "cos");
            "Dot"
        }
        _ => {
            return Err(fields.required("mode")?.expected_with_help(
                "`sum`, `mul`, `concat`, `ave`, `max`, `dot` or `cos`",
                "a lambda as mode is Python code, which is never run: use a layer of your own",
            ));
        }
    };
    object.class_name = class_name.into();
    object.config = now.into();
    Ok(())
}

fn wrap_time_distributed(object: &mut Object) -> Result<()> {
    let path = object.path.key("config");
    let Value::Map(config) = &mut object.config else { return Ok(()) };
    let mut inner = config.clone();
    let mut outer = Config::new();
    for key in ["name", "trainable", "batch_input_shape"] {
        if let Some(value) = config.get(key) {
            outer.insert(key, value.clone());
        }
    }
    inner.remove("batch_input_shape");
    inner.remove("input_length");
    convert_arguments("Dense", &mut inner, &path)?;
    outer.insert("layer", Object::new("Dense", inner));
    object.class_name = "TimeDistributed".into();
    object.config = outer.into();
    Ok(())
}

/// A Keras 1 regularizer or constraint: `{"name": "WeightRegularizer", "l1": 0.0, "l2": 0.01}`.
pub(super) fn is_regularizer_or_constraint(value: &Value) -> bool {
    let Some(map) = value.as_map() else { return false };
    let Some(name) = map.get("name").and_then(Value::as_str) else { return false };
    !map.contains_key("class_name") && PENALTIES.iter().any(|(old, _)| *old == name)
}

const PENALTIES: &[(&str, &str)] = &[
    ("WeightRegularizer", "L1L2"),
    ("ActivityRegularizer", "L1L2"),
    ("L1L2Regularizer", "L1L2"),
    ("MaxNorm", "MaxNorm"),
    ("NonNeg", "NonNeg"),
    ("UnitNorm", "UnitNorm"),
];

pub(super) fn convert_penalty(value: &mut Value) {
    let Value::Map(map) = value else { return };
    let name = map.remove("name");
    let name = name.as_ref().and_then(Value::as_str).unwrap_or_default();
    let class_name = PENALTIES.iter().find(|(old, _)| *old == name).map_or(name, |(_, now)| now);
    map.rename("m", "max_value");
    *value = Object::new(class_name, map.clone()).to_value();
}

/// The error for a Keras 1 class without counterpart, for registries that do not know it either.
pub fn no_counterpart(class_name: &str, path: &Path) -> Option<Error> {
    let advice = match class_name {
        "MaxoutDense" => "rebuild it from `Dense`, `Reshape` and a maximum",
        "Highway" => "rebuild it from two `Dense` layers, `Multiply` and `Add`",
        _ => return None,
    };
    Some(Error::Field {
        field: "class_name".into(),
        path: path.key("class_name").to_string(),
        expected: "a class that Keras 2 or 3 has".into(),
        found: format!("the Keras 1 class `{class_name}`"),
        help: advice.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::normalize;

    fn check(text: &str, expected: &str) {
        let value = Value::parse(text).unwrap();
        let mut object = Object::read(&Node::root(&value)).unwrap();
        normalize(&mut object).unwrap();
        assert_eq!(object.to_value().to_string(), expected);
    }

    #[test]
    fn layers() {
        check(
            r#"{"class_name": "Convolution2D", "config": {"name": "c", "nb_filter": 24, "nb_row": 5, "nb_col": 3, "subsample": [2, 2], "border_mode": "valid", "dim_ordering": "tf", "init": "glorot_uniform", "bias": true, "W_regularizer": {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.01}}}"#,
            r#"{"class_name": "Conv2D", "config": {"name": "c", "filters": 24, "kernel_size": [5, 3], "strides": [2, 2], "padding": "valid", "data_format": "channels_last", "kernel_initializer": "glorot_uniform", "use_bias": true, "kernel_regularizer": {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.01}}}}"#,
        );
        check(
            r#"{"class_name": "LSTM", "config": {"output_dim": 4, "inner_init": "orthogonal", "inner_activation": "hard_sigmoid", "forget_bias_init": "one", "dropout_W": 0.1, "dropout_U": 0.2, "consume_less": "gpu", "go_backwards": false}}"#,
            r#"{"class_name": "LSTM", "config": {"units": 4, "recurrent_initializer": "orthogonal", "recurrent_activation": "hard_sigmoid", "unit_forget_bias": true, "dropout": 0.1, "recurrent_dropout": 0.2, "implementation": 2, "go_backwards": false}}"#,
        );
        check(
            r#"{"class_name": "Embedding", "config": {"input_dim": 10, "output_dim": 4, "init": "uniform", "W_regularizer": null, "dropout": 0.0}}"#,
            r#"{"class_name": "Embedding", "config": {"input_dim": 10, "output_dim": 4, "embeddings_initializer": "uniform", "embeddings_regularizer": null}}"#,
        );
        check(
            r#"{"class_name": "Dropout", "config": {"p": 0.25, "name": "d"}}"#,
            r#"{"class_name": "Dropout", "config": {"rate": 0.25, "name": "d"}}"#,
        );
        check(
            r#"{"class_name": "TimeDistributedDense", "config": {"name": "t", "output_dim": 3, "init": "zero"}}"#,
            r#"{"class_name": "TimeDistributed", "config": {"name": "t", "layer": {"class_name": "Dense", "config": {"name": "t", "units": 3, "kernel_initializer": "zero"}}}}"#,
        );
        check(
            r#"{"class_name": "TimeDistributed", "config": {"layer": {"class_name": "Dense", "config": {"output_dim": 2, "W_constraint": {"name": "MaxNorm", "m": 2, "axis": 0}}}}}"#,
            r#"{"class_name": "TimeDistributed", "config": {"layer": {"class_name": "Dense", "config": {"units": 2, "kernel_constraint": {"class_name": "MaxNorm", "config": {"max_value": 2, "axis": 0}}}}}}"#,
        );
    }

    #[test]
    fn merges() {
        for (mode, class_name) in [("sum", "Add"), ("mul", "Multiply"), ("ave", "Average"), ("max", "Maximum")] {
            check(
                &format!(
                    r#"{{"class_name": "Merge", "config": {{"name": "m", "mode": "{mode}", "concat_axis": -1, "dot_axes": -1}}}}"#
                ),
                &format!(r#"{{"class_name": "{class_name}", "config": {{"name": "m"}}}}"#),
            );
        }
        check(
            r#"{"class_name": "Merge", "config": {"name": "m", "mode": "cos", "dot_axes": [1, 1]}}"#,
            r#"{"class_name": "Dot", "config": {"name": "m", "axes": [1, 1], "normalize": true}}"#,
        );
        let value = Value::parse(r#"{"class_name": "Merge", "config": {"mode": "lambda x: x"}}"#).unwrap();
        let mut object = Object::read(&Node::root(&value)).unwrap();
        assert_eq!(
            normalize(&mut object).unwrap_err().to_string(),
            "read config field `mode` at $.config.mode: expected `sum`, `mul`, `concat`, `ave`, `max`, `dot` or `cos`, \
             found \"lambda x: x\"; a lambda as mode is Python code, which is never run: use a layer of your own"
        );
    }

    #[test]
    fn later_versions_are_left_alone() {
        for text in [
            r#"{"class_name": "Dense", "config": {"units": 2, "use_bias": true}}"#,
            r#"{"module": "my", "class_name": "Convolution2D", "config": {"nb_filter": 2}, "registered_name": "my>Convolution2D"}"#,
            r#"{"class_name": "Permute", "config": {"dims": [2, 1]}}"#,
        ] {
            check(text, text);
        }
    }
}
