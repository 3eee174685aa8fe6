//! One declaration for each operation that both Kerases have.

use super::operation::{Argument, Casts, Form, Operation, Place, Types, Way, config, only_keras, only_tf, row, tensor};
use super::values::Spelling;

const X: Argument = tensor(&["x", "input", "a", "value", "features", "tensor", "input_tensor", "values"], "x");
const X1: Argument = tensor(&["x", "a", "value"], "x1");
const AXIS: Argument = config(&["axis", "reduction_indices"], "axis", "null");
const KEEPDIMS: Argument = config(&["keepdims", "keep_dims"], "keepdims", "false");

const ONE: &[Argument] = &[X];
const TWO: &[Argument] = &[X1, tensor(&["y"], "x2")];
const REDUCE: &[Argument] = &[X, AXIS, KEEPDIMS];
const EXTREME: &[Argument] = &[X, AXIS, KEEPDIMS, only_keras("initial", "null")];
const LIKE: &[Argument] =
    &[X, config(&["dtype"], "dtype", "null").spelled(Spelling::Dtype), only_tf(&["optimize"], "true")];
const SOFTMAX: &[Argument] = &[X, config(&["axis"], "axis", "-1")];
const PLACE: &[Argument] = &[
    X,
    config(&["axis", "dimension"], "axis", "0").keras_default("null").spelled(Spelling::Given),
    only_tf(&["output_type"], "\"int64\""),
    only_keras("keepdims", "false"),
];
const CUMULATIVE: &[Argument] = &[
    X,
    config(&["axis"], "axis", "0").keras_default("null").spelled(Spelling::Given),
    only_tf(&["exclusive"], "false"),
    only_tf(&["reverse"], "false"),
    only_keras("dtype", "null"),
];
const BITS: &[Argument] = &[X, tensor(&["y"], "y")];
const IMAGES: &[Argument] = &[tensor(&["images", "image"], "images"), only_keras("data_format", "null")];
const BLOCKS: &[Argument] = &[
    X,
    config(&["block_size"], "block_size", ""),
    only_tf(&["data_format"], "\"NHWC\""),
    only_keras("data_format", "\"channels_last\""),
];
const DTYPE: &[Argument] = &[X, config(&["dtype"], "dtype", "").spelled(Spelling::Dtype)];

const ARITHMETIC: (Types, Casts) = (Types::Numbers, Casts::ToResult);
const FLOATING: (Types, Casts) = (Types::Floats, Casts::ToResult);
const WHOLE: (Types, Casts) = (Types::Any, Casts::ToResult);
const COMPARISON: (Types, Casts) = (Types::Any, Casts::ToCommon);
const LOGIC: (Types, Casts) = (Types::Bools, Casts::ToBool);
const MOVED: (Types, Casts) = (Types::Any, Casts::None);
/// What Keras 3 takes as it is, although its result is of another type.
const FLOATS_AS_THEY_ARE: (Types, Casts) = (Types::Floats, Casts::None);

/// Every operation that both have.
pub const OPERATIONS: &[Operation] = &[
    // Of two tensors.
    row("__operators__.add", &[], &["Add"], "numpy", TWO, ARITHMETIC),
    row("math.subtract", &[], &["Subtract"], "numpy", TWO, ARITHMETIC),
    row("math.multiply", &[], &["Multiply"], "numpy", TWO, ARITHMETIC),
    row("math.truediv", &["true_divide", "divide", "div"], &["TrueDivide", "Divide"], "numpy", TWO, FLOATING),
    row("math.divide_no_nan", &[], &["DivideNoNan"], "numpy", TWO, FLOATING),
    row("compat.v1.floor_div", &["floordiv", "floor_divide"], &["FloorDivide"], "numpy", TWO, ARITHMETIC),
    row("math.floormod", &["mod"], &["Mod"], "numpy", TWO, ARITHMETIC),
    row("math.pow", &["power"], &["Power"], "numpy", TWO, ARITHMETIC),
    row("math.maximum", &[], &["Maximum"], "numpy", TWO, ARITHMETIC),
    row("math.minimum", &[], &["Minimum"], "numpy", TWO, ARITHMETIC),
    row("math.atan2", &[], &["Arctan2"], "numpy", &[tensor(&["y"], "x1"), tensor(&["x"], "x2")], FLOATING),
    row("math.squared_difference", &[], &["Square"], "numpy", TWO, ARITHMETIC)
        .form(Form::SquaredDifference)
        .only(Way::ToKeras3),
    row(
        "nn.bias_add",
        &[],
        &["Add"],
        "numpy",
        &[X1, tensor(&["bias"], "x2"), only_tf(&["data_format"], "null")],
        ARITHMETIC,
    )
    .only(Way::ToKeras3),
    row("math.add_n", &[], &["Add"], "numpy", &[tensor(&["inputs"], "x1").at(Place::Tensors)], ARITHMETIC)
        .form(Form::Sum)
        .only(Way::ToKeras3),
    row("math.equal", &["eq"], &["Equal"], "numpy", TWO, COMPARISON),
    row("math.not_equal", &["ne"], &["NotEqual"], "numpy", TWO, COMPARISON),
    row("math.less", &[], &["Less"], "numpy", TWO, COMPARISON),
    row("math.less_equal", &[], &["LessEqual"], "numpy", TWO, COMPARISON),
    row("math.greater", &[], &["Greater"], "numpy", TWO, COMPARISON),
    row("math.greater_equal", &[], &["GreaterEqual"], "numpy", TWO, COMPARISON),
    row("math.logical_and", &[], &["LogicalAnd"], "numpy", TWO, LOGIC),
    row("math.logical_or", &[], &["LogicalOr"], "numpy", TWO, LOGIC),
    // What TensorFlow makes of three others when it is called.
    row("math.logical_xor", &[], &["LogicalXor"], "numpy", TWO, LOGIC).only(Way::ToKeras2),
    row("math.logical_not", &[], &["LogicalNot"], "numpy", ONE, LOGIC),
    row(
        "linalg.matmul",
        &[],
        &["Matmul"],
        "numpy",
        &[
            X1,
            tensor(&["b"], "x2"),
            only_tf(&["transpose_a"], "false"),
            only_tf(&["transpose_b"], "false"),
            only_tf(&["adjoint_a"], "false"),
            only_tf(&["adjoint_b"], "false"),
            only_tf(&["a_is_sparse"], "false"),
            only_tf(&["b_is_sparse"], "false"),
            only_tf(&["output_type"], "null"),
        ],
        ARITHMETIC,
    )
    .form(Form::Product),
    row(
        "tensordot",
        &[],
        &["Tensordot"],
        "numpy",
        &[X1, tensor(&["b"], "x2"), config(&["axes"], "axes", "2")],
        FLOATING,
    ),
    // Keras 3.15 takes no plain number beside a tensor here.
    row("bitwise.bitwise_and", &[], &["BitwiseAnd"], "numpy", BITS, WHOLE).only(Way::ToKeras2),
    row("bitwise.bitwise_or", &[], &["BitwiseOr"], "numpy", BITS, WHOLE).only(Way::ToKeras2),
    row("bitwise.bitwise_xor", &[], &["BitwiseXor"], "numpy", BITS, WHOLE).only(Way::ToKeras2),
    row("bitwise.left_shift", &[], &["LeftShift", "BitwiseLeftShift"], "numpy", BITS, WHOLE),
    row("bitwise.right_shift", &[], &["RightShift", "BitwiseRightShift"], "numpy", BITS, WHOLE),
    row("bitwise.invert", &[], &["BitwiseInvert", "BitwiseNot"], "numpy", ONE, WHOLE),
    // Of matrices.
    row("linalg.det", &[], &["Det"], "linalg", ONE, FLOATING),
    row("linalg.inv", &[], &["Inv"], "linalg", &[X, only_tf(&["adjoint"], "false")], FLOATING),
    row("linalg.cholesky", &[], &["Cholesky"], "linalg", &[X, only_keras("upper", "false")], FLOATING),
    row(
        "linalg.qr",
        &[],
        &["Qr"],
        "linalg",
        &[X, only_tf(&["full_matrices"], "false"), only_keras("mode", "\"reduced\"")],
        FLOATS_AS_THEY_ARE,
    ),
    row(
        "linalg.solve",
        &[],
        &["Solve"],
        "linalg",
        &[tensor(&["matrix"], "a"), tensor(&["rhs"], "b"), only_tf(&["adjoint"], "false")],
        FLOATING,
    )
    .only(Way::ToKeras3),
    row(
        "linalg.triangular_solve",
        &[],
        &["SolveTriangular"],
        "linalg",
        &[
            tensor(&["matrix"], "a"),
            tensor(&["rhs"], "b"),
            config(&["lower"], "lower", "true").keras_default("false"),
            only_tf(&["adjoint"], "false"),
        ],
        FLOATING,
    )
    .only(Way::ToKeras3),
    // Of images.
    row("image.rgb_to_grayscale", &[], &["RGBToGrayscale"], "image", IMAGES, FLOATS_AS_THEY_ARE),
    row("image.rgb_to_hsv", &[], &["RGBToHSV"], "image", IMAGES, FLOATS_AS_THEY_ARE),
    row("image.hsv_to_rgb", &[], &["HSVToRGB"], "image", IMAGES, FLOATS_AS_THEY_ARE),
    row(
        "image.resize",
        &[],
        &["Resize"],
        "image",
        &[
            tensor(&["images"], "images"),
            config(&["size"], "size", ""),
            config(&["method"], "interpolation", "\"bilinear\""),
            config(&["antialias"], "antialias", "false"),
            only_tf(&["preserve_aspect_ratio"], "false"),
            only_keras("crop_to_aspect_ratio", "false"),
            only_keras("pad_to_aspect_ratio", "false"),
            only_keras("fill_mode", "\"constant\""),
            only_keras("fill_value", "0.0"),
            only_keras("data_format", "null"),
        ],
        FLOATS_AS_THEY_ARE,
    ),
    row("nn.depth_to_space", &[], &["DepthToSpace"], "nn", BLOCKS, MOVED),
    row("nn.space_to_depth", &[], &["SpaceToDepth"], "nn", BLOCKS, MOVED),
    // Of one tensor.
    row("math.abs", &["absolute"], &["Abs", "Absolute"], "numpy", ONE, ARITHMETIC),
    row("math.negative", &[], &["Negative"], "numpy", ONE, ARITHMETIC),
    row("math.square", &[], &["Square"], "numpy", ONE, ARITHMETIC),
    row("math.sign", &[], &["Sign"], "numpy", ONE, ARITHMETIC),
    row("math.exp", &[], &["Exp"], "numpy", ONE, FLOATING),
    row("math.expm1", &[], &["Expm1"], "numpy", ONE, FLOATING),
    row("math.log", &[], &["Log"], "numpy", ONE, FLOATING),
    row("math.log1p", &[], &["Log1p"], "numpy", ONE, FLOATING),
    row("math.sqrt", &[], &["Sqrt"], "numpy", ONE, FLOATING),
    row("math.rsqrt", &[], &["Rsqrt"], "math", ONE, FLOATING),
    row("math.reciprocal", &[], &["Reciprocal"], "numpy", ONE, FLOATING),
    row("math.floor", &[], &["Floor"], "numpy", ONE, FLOATING),
    row("math.ceil", &[], &["Ceil"], "numpy", ONE, FLOATING),
    row("math.round", &[], &["Round"], "numpy", &[X, only_keras("decimals", "0")], FLOATING),
    row("math.sin", &[], &["Sin"], "numpy", ONE, FLOATING),
    row("math.cos", &[], &["Cos"], "numpy", ONE, FLOATING),
    row("math.tan", &[], &["Tan"], "numpy", ONE, FLOATING),
    row("math.sinh", &[], &["Sinh"], "numpy", ONE, FLOATING),
    row("math.cosh", &[], &["Cosh"], "numpy", ONE, FLOATING),
    row("math.tanh", &[], &["Tanh"], "numpy", ONE, FLOATING),
    row("math.asin", &[], &["Arcsin"], "numpy", ONE, FLOATING),
    row("math.acos", &[], &["Arccos"], "numpy", ONE, FLOATING),
    row("math.atan", &[], &["Arctan"], "numpy", ONE, FLOATING),
    row("math.asinh", &[], &["Arcsinh"], "numpy", ONE, FLOATING),
    row("math.acosh", &[], &["Arccosh"], "numpy", ONE, FLOATING),
    row("math.atanh", &[], &["Arctanh"], "numpy", ONE, FLOATING),
    row("math.erfinv", &[], &["Erfinv"], "math", ONE, FLOATING),
    row("math.erf", &[], &["Erf"], "math", ONE, FLOATING),
    row("math.erfc", &[], &["Erfc"], "math", ONE, FLOATING),
    row("math.sigmoid", &[], &["Sigmoid"], "nn", ONE, FLOATING),
    row("math.log_sigmoid", &[], &["LogSigmoid"], "nn", ONE, FLOATING),
    row("math.softplus", &[], &["Softplus"], "nn", ONE, FLOATING),
    row("nn.relu", &[], &["Relu"], "nn", ONE, ARITHMETIC),
    row("nn.relu6", &[], &["Relu6"], "nn", ONE, FLOATING),
    row("nn.elu", &[], &["Elu"], "nn", &[X, only_keras("alpha", "1.0")], FLOATING),
    row("nn.selu", &[], &["Selu"], "nn", ONE, FLOATING),
    row("nn.softsign", &[], &["Softsign"], "nn", ONE, FLOATING),
    row("nn.silu", &["swish"], &["Silu"], "nn", &[X, only_tf(&["beta"], "1.0")], FLOATING),
    row("nn.leaky_relu", &[], &["LeakyRelu"], "nn", &[X, config(&["alpha"], "negative_slope", "0.2")], FLOATING),
    row(
        "nn.gelu",
        &[],
        &["Gelu"],
        "nn",
        &[X, config(&["approximate"], "approximate", "false").keras_default("true")],
        FLOATING,
    ),
    row("nn.softmax", &[], &["Softmax"], "nn", SOFTMAX, FLOATING),
    row("nn.log_softmax", &[], &["LogSoftmax"], "nn", SOFTMAX, FLOATING),
    row(
        "clip_by_value",
        &[],
        &["Clip"],
        "numpy",
        &[X, config(&["clip_value_min"], "x_min", ""), config(&["clip_value_max"], "x_max", "")],
        ARITHMETIC,
    ),
    row(
        "math.l2_normalize",
        &[],
        &["Normalize"],
        "nn",
        &[
            X,
            config(&["axis", "dim"], "axis", "null").keras_default("-1").spelled(Spelling::Given),
            config(&["epsilon"], "epsilon", "1e-12").keras_default("1e-7").spelled(Spelling::Squared),
            only_keras("order", "2"),
        ],
        FLOATING,
    ),
    row("math.is_nan", &["isnan"], &["Isnan"], "numpy", ONE, FLOATS_AS_THEY_ARE),
    row("math.is_inf", &["isinf"], &["Isinf"], "numpy", ONE, FLOATS_AS_THEY_ARE),
    row("math.is_finite", &["isfinite"], &["Isfinite"], "numpy", ONE, FLOATS_AS_THEY_ARE),
    row("zeros_like", &[], &["ZerosLike"], "numpy", LIKE, MOVED),
    row("ones_like", &[], &["OnesLike"], "numpy", LIKE, MOVED),
    row("identity", &[], &["Copy"], "numpy", ONE, MOVED),
    row("stop_gradient", &[], &["StopGradient"], "core", &[tensor(&["input"], "variable")], MOVED),
    row("size", &[], &["Size"], "numpy", &[X, only_tf(&["out_type"], "\"int32\"")], MOVED),
    row("cast", &[], &["Cast"], "core", DTYPE, MOVED),
    row("saturate_cast", &[], &["SaturateCast"], "core", DTYPE, MOVED),
    // Along axes.
    row("math.reduce_sum", &["sum"], &["Sum"], "numpy", REDUCE, ARITHMETIC),
    row("math.reduce_mean", &["mean"], &["Mean"], "numpy", REDUCE, FLOATING),
    row(
        "math.reduce_prod",
        &["prod"],
        &["Prod"],
        "numpy",
        &[X, AXIS, KEEPDIMS, only_keras("dtype", "null")],
        ARITHMETIC,
    ),
    row("math.reduce_max", &["max", "amax"], &["Max", "Amax"], "numpy", EXTREME, ARITHMETIC),
    row("math.reduce_min", &["min", "amin"], &["Min", "Amin"], "numpy", EXTREME, ARITHMETIC),
    row("math.reduce_all", &["all"], &["All"], "numpy", REDUCE, LOGIC),
    row("math.reduce_any", &["any"], &["Any"], "numpy", REDUCE, LOGIC),
    row("math.reduce_std", &[], &["Std"], "numpy", REDUCE, FLOATING),
    row("math.reduce_variance", &[], &["Var"], "numpy", REDUCE, FLOATING),
    row("math.reduce_logsumexp", &[], &["Logsumexp"], "math", REDUCE, FLOATING),
    row("math.argmax", &[], &["Argmax"], "numpy", PLACE, MOVED).form(Form::Place64),
    row("math.argmin", &[], &["Argmin"], "numpy", PLACE, MOVED).form(Form::Place64),
    row("math.cumsum", &[], &["Cumsum"], "numpy", CUMULATIVE, ARITHMETIC),
    row("math.cumprod", &[], &["Cumprod"], "numpy", CUMULATIVE, ARITHMETIC),
    row(
        "math.top_k",
        &[],
        &["TopK"],
        "math",
        &[X, config(&["k"], "k", "1"), config(&["sorted"], "sorted", "true")],
        MOVED,
    ),
    row(
        "sort",
        &[],
        &["Sort"],
        "numpy",
        &[X, config(&["axis"], "axis", "-1"), only_tf(&["direction"], "\"ASCENDING\"")],
        MOVED,
    ),
    // Places.
    row(
        "__operators__.getitem",
        &[],
        &["GetItem"],
        "numpy",
        &[X, config(&["slice_spec"], "key", "").at(Place::Call).spelled(Spelling::Slices)],
        MOVED,
    ),
    row(
        "slice",
        &[],
        &["Slice"],
        "core",
        &[
            tensor(&["input_"], "inputs"),
            config(&["begin"], "start_indices", "").at(Place::Call).spelled(Spelling::Numbers),
            config(&["size"], "shape", "").spelled(Spelling::Lengths),
        ],
        MOVED,
    ),
    row(
        "strided_slice",
        &[],
        &["GetItem"],
        "numpy",
        &[
            X,
            only_tf(&["begin"], ""),
            only_tf(&["end"], ""),
            only_tf(&["strides"], "null"),
            only_tf(&["begin_mask"], "0"),
            only_tf(&["end_mask"], "0"),
            only_tf(&["ellipsis_mask"], "0"),
            only_tf(&["new_axis_mask"], "0"),
            only_tf(&["shrink_axis_mask"], "0"),
        ],
        MOVED,
    )
    .form(Form::Strides)
    .only(Way::ToKeras3),
    row(
        "reshape",
        &[],
        &["Reshape"],
        "numpy",
        &[X, config(&["shape"], "newshape", "").spelled(Spelling::Shape)],
        MOVED,
    ),
    row(
        "broadcast_to",
        &[],
        &["BroadcastTo"],
        "numpy",
        &[X, config(&["shape"], "shape", "").spelled(Spelling::Target)],
        MOVED,
    ),
    row(
        "expand_dims",
        &[],
        &["ExpandDims"],
        "numpy",
        &[X, config(&["axis", "dim"], "axis", "").spelled(Spelling::One)],
        MOVED,
    ),
    row(
        "compat.v1.squeeze",
        &[],
        &["Squeeze"],
        "numpy",
        &[X, config(&["axis", "squeeze_dims"], "axis", "null")],
        MOVED,
    ),
    row(
        "compat.v1.transpose",
        &[],
        &["Transpose"],
        "numpy",
        &[X, config(&["perm"], "axes", "null"), only_tf(&["conjugate"], "false")],
        MOVED,
    ),
    row(
        "compat.v1.transpose",
        &[],
        &["Swapaxes"],
        "numpy",
        &[X, config(&[], "axis1", ""), config(&[], "axis2", "")],
        MOVED,
    )
    .form(Form::Swapaxes)
    .only(Way::ToKeras2),
    row(
        "concat",
        &["concatenate"],
        &["Concatenate"],
        "numpy",
        &[tensor(&["values"], "xs").at(Place::Tensors), config(&["axis"], "axis", "").keras_default("0")],
        (Types::Any, Casts::ToResult),
    ),
    row(
        "stack",
        &[],
        &["Stack"],
        "numpy",
        &[tensor(&["values"], "x").at(Place::Tensors), config(&["axis"], "axis", "0")],
        (Types::Any, Casts::ToResult),
    ),
    row(
        "unstack",
        &[],
        &["Unstack"],
        "core",
        &[X, config(&["num"], "num", "null"), config(&["axis"], "axis", "0")],
        MOVED,
    ),
    row(
        "split",
        &[],
        &["Split"],
        "numpy",
        &[
            X,
            config(&["num_or_size_splits"], "indices_or_sections", "").spelled(Spelling::Parts),
            config(&["axis"], "axis", "0"),
            only_tf(&["num"], "null"),
        ],
        MOVED,
    ),
    row("tile", &[], &["Tile"], "numpy", &[X, config(&["multiples"], "repeats", "").spelled(Spelling::Numbers)], MOVED),
    row("repeat", &[], &["Repeat"], "numpy", &[X, config(&["repeats"], "repeats", ""), AXIS], MOVED),
    row(
        "roll",
        &[],
        &["Roll"],
        "numpy",
        &[
            X,
            config(&["shift"], "shift", ""),
            config(&["axis"], "axis", "").keras_default("null").spelled(Spelling::Given),
        ],
        MOVED,
    ),
    row(
        "reverse",
        &["flip"],
        &["Flip"],
        "numpy",
        &[X, config(&["axis"], "axis", "").keras_default("null").spelled(Spelling::ListOfOne)],
        MOVED,
    ),
    row(
        "compat.v1.pad",
        &[],
        &["Pad"],
        "numpy",
        &[
            X,
            config(&["paddings"], "pad_width", "").spelled(Spelling::Pairs),
            config(&["mode"], "mode", "\"CONSTANT\"").keras_default("\"constant\"").spelled(Spelling::Capitals),
            config(&["constant_values"], "constant_values", "0").keras_default("null").at(Place::Call),
        ],
        MOVED,
    ),
    row(
        "compat.v1.gather",
        &[],
        &["Take"],
        "numpy",
        &[
            tensor(&["params"], "x"),
            config(&["indices"], "indices", "").at(Place::Call).spelled(Spelling::Indices),
            config(&["axis"], "axis", "0").keras_default("null").spelled(Spelling::Given),
            only_tf(&["batch_dims"], "0"),
            only_tf(&["validate_indices"], "null"),
        ],
        MOVED,
    ),
    row(
        "one_hot",
        &[],
        &["OneHot"],
        "nn",
        &[
            tensor(&["indices"], "x"),
            config(&["depth"], "num_classes", ""),
            only_tf(&["on_value"], "null"),
            only_tf(&["off_value"], "null"),
            config(&["axis"], "axis", "-1"),
            config(&["dtype"], "dtype", "\"float32\"").spelled(Spelling::Dtype),
            only_keras("sparse", "false"),
        ],
        MOVED,
    ),
    row(
        "where",
        &[],
        &["Where"],
        "numpy",
        &[tensor(&["condition"], "condition"), tensor(&["x"], "x1"), tensor(&["y"], "x2")],
        (Types::Any, Casts::Select),
    ),
];
