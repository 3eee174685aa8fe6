"""Writes golden/operations/keras2.json: models of Keras 2 whose layers are functions of TensorFlow.

    <environment with TensorFlow 2.15.1, Keras 2.15.0>/bin/python golden/operations/keras2.py
"""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, ".."))

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from arrays import array, seeded  # noqa: E402

TABLE = np.round(seeded("table").uniform(-1, 1, (4, 3)), 3).astype("float32")


def positive(x):
    return tf.abs(x) + 1.0


def below_one(x):
    return tf.tanh(x)


def whole(x):
    return tf.cast(x * 3.0, tf.int32)


CASES = {
    # Of two tensors.
    "add": lambda x: x + x * 2.0,
    "add_array": lambda x: x + TABLE,
    "add_n": lambda x: tf.add_n([x, x * 2.0, x * x]),
    "add_whole": lambda x: whole(x) + 2,
    "atan2": lambda x: tf.atan2(x, x + 1.0),
    "bias_add": lambda x: tf.nn.bias_add(x, tf.constant(TABLE[0])),
    "divide": lambda x: x / 3.0,
    "divide_no_nan": lambda x: tf.math.divide_no_nan(x, tf.nn.relu(x)),
    "equal": lambda x: tf.equal(whole(x), 1),
    "floor_div": lambda x: x // 0.7,
    "floormod": lambda x: x % 0.7,
    "greater": lambda x: x > 0.5,
    "greater_equal": lambda x: x >= 0.5,
    "less": lambda x: x < 0.5,
    "less_equal": lambda x: whole(x) <= 1,
    "logical_and": lambda x: (x > 0.0) & (x < 1.0),
    "logical_not": lambda x: ~(x > 0.0),
    "logical_or": lambda x: (x < 0.0) | (x > 1.0),
    "logical_xor": lambda x: tf.math.logical_xor(x > 0.0, x > 1.0),
    "matmul": lambda x: tf.matmul(x, tf.constant(TABLE[:3])),
    "matmul_transposed": lambda x: tf.matmul(x, x, transpose_b=True),
    "matmul_transposed_first": lambda x: tf.matmul(x, x, transpose_a=True),
    "maximum": lambda x: tf.maximum(x, 0.25),
    "minimum": lambda x: tf.minimum(x, x * x),
    "multiply": lambda x: x * 2.0,
    "not_equal": lambda x: tf.not_equal(x, 0.0),
    "pow": lambda x: positive(x) ** 1.5,
    "pow_whole": lambda x: x ** 2,
    "squared_difference": lambda x: tf.math.squared_difference(x, 0.5),
    "subtract": lambda x: x - x * 2.0,
    "subtract_from": lambda x: 1.0 - x,
    "tensordot": lambda x: tf.tensordot(x, tf.constant(TABLE[:3]), 1),
    "where": lambda x: tf.where(x > 0.0, x, -1.0),
    "where_tensors": lambda x: tf.where(x > 0.0, x, tf.square(x)),
    # Of one.
    "abs": lambda x: tf.abs(x),
    "acos": lambda x: tf.acos(below_one(x)),
    "acosh": lambda x: tf.acosh(positive(x)),
    "asin": lambda x: tf.asin(below_one(x)),
    "asinh": lambda x: tf.asinh(x),
    "atan": lambda x: tf.atan(x),
    "atanh": lambda x: tf.atanh(below_one(x)),
    "cast": lambda x: tf.cast(x, "int32"),
    "ceil": lambda x: tf.math.ceil(x),
    "clip_by_value": lambda x: tf.clip_by_value(x, -0.5, 1.0),
    "cos": lambda x: tf.cos(x),
    "cosh": lambda x: tf.cosh(x),
    "elu": lambda x: tf.nn.elu(x),
    "erf": lambda x: tf.math.erf(x),
    "erfc": lambda x: tf.math.erfc(x),
    "exp": lambda x: tf.exp(x),
    "expm1": lambda x: tf.math.expm1(x),
    "floor": lambda x: tf.floor(x),
    "gelu": lambda x: tf.nn.gelu(x),
    "gelu_approximate": lambda x: tf.nn.gelu(x, approximate=True),
    "identity": lambda x: tf.identity(x),
    "is_finite": lambda x: tf.math.is_finite(tf.math.log(x)),
    "is_inf": lambda x: tf.math.is_inf(x / tf.nn.relu(x)),
    "is_nan": lambda x: tf.math.is_nan(tf.math.log(x)),
    "l2_normalize": lambda x: tf.math.l2_normalize(x, axis=-1),
    "l2_normalize_epsilon": lambda x: tf.math.l2_normalize(x, axis=1, epsilon=4.0),
    "leaky_relu": lambda x: tf.nn.leaky_relu(x),
    "leaky_relu_alpha": lambda x: tf.nn.leaky_relu(x, 0.1),
    "log": lambda x: tf.math.log(positive(x)),
    "log1p": lambda x: tf.math.log1p(positive(x)),
    "log_sigmoid": lambda x: tf.math.log_sigmoid(x),
    "log_softmax": lambda x: tf.nn.log_softmax(x),
    "negative": lambda x: -x,
    "ones_like": lambda x: tf.ones_like(x),
    "reciprocal": lambda x: tf.math.reciprocal(x),
    "relu": lambda x: tf.nn.relu(x),
    "relu6": lambda x: tf.nn.relu6(x * 9.0),
    "round": lambda x: tf.round(x),
    "rsqrt": lambda x: tf.math.rsqrt(positive(x)),
    "saturate_cast": lambda x: tf.saturate_cast(x * 200.0, tf.uint8),
    "selu": lambda x: tf.nn.selu(x),
    "sigmoid": lambda x: tf.sigmoid(x),
    "sign": lambda x: tf.sign(x),
    "silu": lambda x: tf.nn.silu(x),
    "sin": lambda x: tf.sin(x),
    "sinh": lambda x: tf.sinh(x),
    "softmax": lambda x: tf.nn.softmax(x),
    "softmax_axis": lambda x: tf.nn.softmax(x, axis=1),
    "softplus": lambda x: tf.math.softplus(x),
    "softsign": lambda x: tf.nn.softsign(x),
    "sqrt": lambda x: tf.sqrt(positive(x)),
    "square": lambda x: tf.square(x),
    "stop_gradient": lambda x: tf.stop_gradient(x),
    "tan": lambda x: tf.tan(x),
    "tanh": lambda x: tf.tanh(x),
    "zeros_like": lambda x: tf.zeros_like(x, dtype="int32"),
    # Along axes.
    "argmax": lambda x: tf.argmax(x, -1),
    "argmin": lambda x: tf.argmin(x, 1, output_type=tf.int32),
    "cumprod": lambda x: tf.math.cumprod(x, 1),
    "cumsum": lambda x: tf.cumsum(x, 2),
    "reduce_all": lambda x: tf.reduce_all(x > -1.0, axis=-1),
    "reduce_any": lambda x: tf.reduce_any(tf.not_equal(x, 0.0), -1),
    "reduce_logsumexp": lambda x: tf.reduce_logsumexp(x, 1),
    "reduce_max": lambda x: tf.reduce_max(x, 1),
    "reduce_mean": lambda x: tf.reduce_mean(x, [1, 2], keepdims=True),
    "reduce_min": lambda x: tf.reduce_min(x, axis=-1),
    "reduce_prod": lambda x: tf.reduce_prod(x, 1),
    "reduce_std": lambda x: tf.math.reduce_std(x, 1),
    "reduce_sum": lambda x: tf.reduce_sum(x, -1, keepdims=True),
    "reduce_sum_whole": lambda x: tf.reduce_sum(whole(x), 1),
    "reduce_variance": lambda x: tf.math.reduce_variance(x, axis=-1),
    "sort": lambda x: tf.sort(x, axis=1),
    "top_k": lambda x: list(tf.math.top_k(x, 2)),
    # Places.
    "broadcast_to": lambda x: tf.broadcast_to(x[:, None, :1, :1], (2, 2, 1, 3)),
    "concat": lambda x: tf.concat([x, x * 2.0], -1),
    "expand_dims": lambda x: tf.expand_dims(x, 1),
    "gather": lambda x: tf.gather(x, [0, 2], axis=1),
    "gather_one": lambda x: tf.gather(x, 2, axis=2),
    "getitem": lambda x: x[:, 1:3, ::2],
    "getitem_at": lambda x: x[:, -1],
    "getitem_new": lambda x: x[..., None],
    "one_hot": lambda x: tf.one_hot(tf.cast(tf.abs(x), tf.int32), 3),
    "pad": lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 0]]),
    "pad_constant": lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 0]], constant_values=3.0),
    "pad_reflect": lambda x: tf.pad(x, [[0, 0], [1, 1], [0, 0]], "REFLECT"),
    "repeat": lambda x: tf.repeat(x, 2, axis=1),
    "reshape": lambda x: tf.reshape(x, (-1, 3, 4)),
    "reshape_by_shape": lambda x: tf.reshape(x, (tf.shape(x)[0], 12)),
    "reverse": lambda x: tf.reverse(x, [1]),
    "roll": lambda x: tf.roll(x, 1, 1),
    "size": lambda x: tf.size(x),
    "slice": lambda x: tf.slice(x, [0, 1, 0], [2, 2, 3]),
    "split": lambda x: tf.split(x, 2, axis=1),
    "split_sizes": lambda x: tf.split(x, [1, 3], axis=1),
    "squeeze": lambda x: tf.squeeze(tf.expand_dims(x, 1), 1),
    "squeeze_list": lambda x: tf.squeeze(tf.expand_dims(x, 1), [1]),
    "stack": lambda x: tf.stack([x, x * 2.0], 1),
    "strided_slice": lambda x: tf.strided_slice(x, [0, 1, 0], [2, 4, 3], [1, 2, 1]),
    "tile": lambda x: tf.tile(x, [1, 2, 1]),
    "transpose": lambda x: tf.transpose(x, (0, 2, 1)),
    "unstack": lambda x: tf.unstack(x, axis=1),
}


def main():
    x = np.round(seeded("x").uniform(-2, 2, (2, 4, 3)), 3).astype("float32")
    cases = []
    for name, function in CASES.items():
        keras.backend.clear_session()
        inputs = keras.Input((4, 3), name="x")
        model = keras.Model(inputs, function(inputs), name=name)
        text = model.to_json()
        # What a file says is run, as Keras reads it; it cannot read the type that it writes for `size`.
        outputs = (model if name == "size" else keras.models.model_from_json(text))(x)
        outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        cases.append({"name": name, "model": text, "outputs": [array(output) for output in outputs]})
        print("made", name, flush=True)
    with open(os.path.join(FOLDER, "keras2.json"), "w") as file:
        lines = ",\n".join(json.dumps(case) for case in cases)
        file.write('{"keras": %s, "x": %s, "cases": [\n%s\n]}\n' % (json.dumps(keras.__version__), json.dumps(array(x)), lines))


if __name__ == "__main__":
    main()
