//! The Python module that Keras names for each of its classes.

const INITIALIZERS: &[&str] = &[
    "Zeros",
    "Ones",
    "Constant",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Orthogonal",
    "OrthogonalInitializer",
    "Identity",
    "IdentityInitializer",
    "GlorotUniform",
    "GlorotNormal",
    "HeUniform",
    "HeNormal",
    "LecunUniform",
    "LecunNormal",
    "STFT",
];
const REGULARIZERS: &[&str] = &["L1", "L2", "L1L2", "OrthogonalRegularizer"];
const CONSTRAINTS: &[&str] = &["MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "RadialConstraint"];
const SCHEDULES: &[&str] = &[
    "ExponentialDecay",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "InverseTimeDecay",
    "CosineDecay",
    "CosineDecayRestarts",
    "LearningRateSchedule",
];

const QUANTIZERS: &[&str] = &[
    "AbsMaxQuantizer",
    "Int8QuantizationConfig",
    "Int4QuantizationConfig",
    "Float8QuantizationConfig",
    "GPTQConfig",
    "AWQConfig",
];

const SECTIONS: &[(&[&str], &str, &str)] = &[
    (INITIALIZERS, "keras.initializers", "initializers"),
    (REGULARIZERS, "keras.regularizers", "regularizers"),
    (CONSTRAINTS, "keras.constraints", "constraints"),
    (SCHEDULES, "keras.optimizers.schedules", "optimizers.schedules"),
    (QUANTIZERS, "keras.quantizers", "quantizers"),
];

/// The part of the table of arguments that a class inside a layer's configuration belongs to.
pub(super) fn section_of(class_name: &str) -> &'static str {
    SECTIONS.iter().find(|(classes, ..)| classes.contains(&class_name)).map_or("layers", |(_, _, section)| section)
}

/// The module Keras 2.12 and later write for a class inside a layer's configuration: initializers, regularizers,
/// constraints, schedules and quantizers by name, everything else as a layer.
///
/// # Example
/// ```
/// use kerox_config_json::dialect::module_of;
/// assert_eq!(module_of("GlorotUniform"), "keras.initializers");
/// assert_eq!(module_of("Dense"), "keras.layers");
/// ```
pub fn module_of(class_name: &str) -> &'static str {
    if let Some((_, module, _)) = SECTIONS.iter().find(|(classes, ..)| classes.contains(&class_name)) {
        return module;
    }
    match class_name {
        "Sequential" | "Model" => "keras",
        "TFOpLambda" | "SlicingOpLambda" => "keras.src.layers.core.tf_op_layer",
        _ => "keras.layers",
    }
}
