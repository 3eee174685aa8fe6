"""Writes cases.npz: what TensorFlow computes for the kernels of kerox-tensor.

    python golden/kernels/make.py        (TensorFlow 2.15; see VERSIONS)

Inputs are not stored: element i of an array with seed s is ((i + 31 s) * 7919 mod 1009) / 504.5 - 1, in float32, as
crates/tensor/tests/golden_kernels.rs makes them too.
"""

import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
import numpy as np
import tensorflow as tf

out = {}


def values(shape, seed):
    i = np.arange(int(np.prod(shape)), dtype=np.int64)
    v = ((i + 31 * seed) * 7919 % 1009) / 504.5 - 1.0
    return tf.constant(v.reshape(shape).astype(np.float32))


def put(name, value):
    out[name] = np.asarray(value)


def case(name, f, *inputs, gradients=True):
    """Value, and the gradients of sum(value * values(seed 9))."""
    if not gradients:
        return put(name + "/y", f(*inputs))
    with tf.GradientTape() as tape:
        for x in inputs:
            tape.watch(x)
        y = f(*inputs)
        loss = tf.reduce_sum(y * values(y.shape, 9))
    put(name + "/y", y)
    for k, g in enumerate(tape.gradient(loss, inputs)):
        put(f"{name}/d{k}", g)


for pad in ["SAME", "VALID"]:
    # TensorFlow has no gradients of dilated convolutions on CPUs.
    for name, k, s, d in [("plain", 3, 1, 1), ("strided", 3, 2, 1), ("even", 2, 2, 1), ("dilated", 3, 1, 2)]:
        case(f"conv2d/{name}/{pad}", lambda x, w: tf.nn.conv2d(x, w, s, pad, dilations=d), values((2, 7, 6, 3), 1), values((k, k, 3, 4), 2), gradients=d == 1)
    case(f"conv1d/{pad}", lambda x, w: tf.nn.conv1d(x, w, 2, pad), values((2, 9, 3), 1), values((3, 3, 2), 2))
    case(f"conv3d/{pad}", lambda x, w: tf.nn.conv3d(x, w, [1, 2, 1, 2, 1], pad), values((1, 5, 4, 5, 2), 1), values((2, 3, 2, 2, 3), 2))
    case(f"depthwise/{pad}", lambda x, w: tf.nn.depthwise_conv2d(x, w, [1, 2, 2, 1], pad), values((2, 6, 5, 3), 1), values((3, 3, 3, 2), 2))
    size = (2, 8, 10, 3) if pad == "SAME" else (2, 9, 11, 3)
    case(f"transposed/{pad}", lambda y, w: tf.nn.conv2d_transpose(y, w, size, 2, pad), values((2, 4, 5, 4), 1), values((3, 3, 3, 4), 2))
    for pool in ["MAX", "AVG"]:
        case(f"pool1d/{pool}/{pad}", lambda x: tf.nn.pool(x, [3], pool, [2], pad), values((2, 8, 3), 1))
        case(f"pool2d/{pool}/{pad}", lambda x: tf.nn.pool(x, [3, 2], pool, [2, 2], pad), values((2, 6, 7, 3), 1))
        case(f"pool3d/{pool}/{pad}", lambda x: tf.nn.pool(x, [2, 2, 2], pool, [1, 2, 2], pad), values((1, 4, 5, 4, 2), 1))
case("conv2d/explicit", lambda x, w: tf.nn.conv2d(x, w, 2, [[0, 0], [2, 1], [0, 3], [0, 0]]), values((1, 5, 6, 2), 1), values((3, 3, 2, 3), 2))

for method in ["nearest", "bilinear", "bicubic", "area"]:
    for h, w in [(3, 9), (10, 14), (5, 7), (11, 2), (1, 1)]:
        if method == "area":
            put(f"resize/{method}/{h}x{w}/y", tf.image.resize(values((2, 5, 7, 2), 1), (h, w), method))
        else:
            case(f"resize/{method}/{h}x{w}", lambda x: tf.image.resize(x, (h, w), method), values((2, 5, 7, 2), 1))

mask = tf.constant([[True, True, False, True], [False, True, True, False]])
x = values((2, 4, 3), 1)
for name, layer, n, gates in [
    ("simple", tf.keras.layers.SimpleRNN(5, return_sequences=True), 1, 1),
    ("lstm", tf.keras.layers.LSTM(5, return_sequences=True), 2, 4),
    ("lstm_hard", tf.keras.layers.LSTM(5, activation="relu", recurrent_activation="hard_sigmoid", return_sequences=True), 2, 4),
    ("gru", tf.keras.layers.GRU(5, return_sequences=True), 1, 3),
    ("gru_before", tf.keras.layers.GRU(5, reset_after=False, return_sequences=True), 1, 3),
]:
    layer.build(x.shape)
    bias = (2, 15) if name == "gru" else (5 * gates,)
    weights = [values((3, 5 * gates), 2), values((5, 5 * gates), 3), values(bias, 4)]
    layer.set_weights([w.numpy() for w in weights])
    for masked in [False, True]:
        # Zero initial states: with others Keras lets the output of masked first steps be 0.
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, mask=mask if masked else None)
            loss = tf.reduce_sum(y * values(y.shape, 9))
        label = f"rnn/{name}/{'masked' if masked else 'plain'}"
        put(label + "/y", y)
        for k, g in enumerate(tape.gradient(loss, [x] + layer.trainable_weights)):
            put(f"{label}/d{k}", g)

v = tf.constant(np.linspace(-6, 6, 25).astype(np.float32))
a = tf.keras.activations
for name, f in [
    ("Relu", a.relu), ("Relu6", tf.nn.relu6), ("LeakyRelu", lambda x: tf.nn.leaky_relu(x, 0.3)), ("Elu", a.elu), ("Selu", a.selu),
    ("Sigmoid", a.sigmoid), ("HardSigmoid", a.hard_sigmoid), ("Tanh", a.tanh), ("Softplus", a.softplus), ("Softsign", a.softsign),
    ("Swish", a.swish), ("Gelu", a.gelu), ("GeluTanh", lambda x: a.gelu(x, approximate=True)), ("Mish", a.mish), ("Exp", a.exponential),
    ("Erf", tf.math.erf), ("Erfc", tf.math.erfc), ("Expm1", tf.math.expm1), ("LogSigmoid", tf.math.log_sigmoid),
]:
    with tf.GradientTape() as tape:
        tape.watch(v)
        y = f(v)
    put(f"unary/{name}/y", y)
    put(f"unary/{name}/d0", tape.gradient(y, v))

case("softmax", tf.nn.softmax, values((3, 7), 1))
case("log_softmax", tf.nn.log_softmax, values((3, 7), 1))
case("layer_norm", lambda x: tf.keras.layers.LayerNormalization()(x), values((3, 7), 1))
y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(x=values((2, 3, 3, 4), 1), scale=values((4,), 2), offset=values((4,), 3), mean=[], variance=[], epsilon=1e-3)
put("batch_norm/y", y)
put("batch_norm/mean", mean)

for dtype in [tf.float32, tf.float64]:
    g = tf.random.Generator.from_key_counter(key=0x1234567890ABCDEF, counter=[5, 7], alg="philox")
    put(f"random/{dtype.name}/uniform", g.uniform((11,), dtype=dtype))
    put(f"random/{dtype.name}/normal", g.normal((11,), dtype=dtype))
    put(f"random/{dtype.name}/truncated", g.truncated_normal((37,), dtype=dtype))
    put(f"random/{dtype.name}/state", g.state)

here = pathlib.Path(__file__).parent
np.savez_compressed(here / "cases.npz", **out)
(here / "VERSIONS").write_text(f"tensorflow {tf.__version__}\nnumpy {np.__version__}\n")
print(len(out), "arrays")
