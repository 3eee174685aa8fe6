"""Writes golden/activations/*.json: values and gradients on a grid. With Keras 3 only the functions that 2.15 lacks."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from real import KERAS3, array, keras, np, plain, save, tf, values  # noqa: E402

NAMES = "elu exponential gelu hard_sigmoid linear mish relu selu sigmoid softmax softplus softsign swish tanh".split()
KERAS3_NAMES = "celu glu hard_shrink hard_silu hard_swish hard_tanh leaky_relu log_sigmoid log_softmax relu6 silu soft_shrink sparse_plus sparse_sigmoid sparsemax squareplus tanh_shrink threshold".split()
ARGUMENTS = {
    "elu": [dict(alpha=0.3)],
    "gelu": [dict(approximate=True)],
    "relu": [dict(max_value=2.0), dict(alpha=0.2), dict(threshold=0.5), dict(alpha=0.1, max_value=3.0, threshold=-0.5)],
    "softmax": [dict(axis=0), dict(axis=1)],
    "celu": [dict(alpha=0.4)],
    "glu": [dict(axis=1)],
    "hard_shrink": [dict(threshold=1.0)],
    "soft_shrink": [dict(threshold=1.0)],
    "leaky_relu": [dict(negative_slope=0.3)],
    "log_softmax": [dict(axis=1)],
    "sparsemax": [dict(axis=1)],
    "squareplus": [dict(b=1)],
    "threshold": [dict(threshold=0.5, default_value=-2.0)],
}
GRID = np.array([[-100, -20, -6, -3.5, -3, -2.5, -2, -1, -0.7, -0.5, -0.1, -1e-4, 0], [1e-4, 0.1, 0.5, 0.7, 1, 2, 2.5, 3, 3.5, 6, 7, 20, 85]], np.float32)
SPECIAL = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 1e30, -1e30], np.float32)


def special_rows():
    """One special value in each row of two by three, and both infinities in the last."""
    rows = values(len(SPECIAL) + 1, 2, 4)
    rows[:-1, 1, 2] = SPECIAL
    rows[-1, 0, :2] = [np.inf, -np.inf]
    return rows


def case(name, label, arguments, x):
    function = getattr(keras.activations, name)
    cotangent = values(*x.shape, key="c", digits=2)
    tensor = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        y = function(tensor, **arguments)
        if y.shape != x.shape:
            cotangent = values(*y.shape, key="c", digits=2)
        total = tf.reduce_sum(y * cotangent)
    return {
        "name": label,
        "keras": keras.__version__,
        "function": name,
        "serialized": plain(keras.activations.serialize(function)),
        "arguments": plain(arguments),
        "x": array(x),
        "y": array(y),
        "cotangent": array(cotangent),
        "gradient": array(tape.gradient(total, tensor)),
    }


def main():
    for name in KERAS3_NAMES if KERAS3 else NAMES:
        grid = values(2, 4, 6, low=-3, high=3)
        cases = []
        if "soft" in name and "max" in name or name in ("glu", "log_softmax", "sparsemax"):
            cases.append(case(name, "rank3", {}, grid))
            cases.append(case(name, "large", {}, grid * 40))
            # Sorting what is no number is up to the machine.
            if name != "sparsemax":
                cases.append(case(name, "special", {}, special_rows()))
        elif name != "threshold":
            cases.append(case(name, "grid", {}, GRID))
            cases.append(case(name, "special", {}, SPECIAL))
        for i, arguments in enumerate(ARGUMENTS.get(name, [])):
            cases.append(case(name, "_".join(arguments) + f"_{i}", arguments, grid if "axis" in arguments else GRID))
        save(__file__, name, cases)


main()
