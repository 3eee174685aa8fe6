"""Writes golden/operations/dtypes.json: operations of `keras.ops` on tensors of every type and of many shapes.

    <environment with TensorFlow 2.21.0, Keras 3.15.1>/bin/python golden/operations/dtypes.py

A case is a model of every operation that Keras runs on inputs of these types, which are all `values`: the operations' names,
one for each output, and the outputs.
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
from keras import ops  # noqa: E402

from arrays import array  # noqa: E402

TYPES = ["bool", "int8", "uint8", "int32", "int64", "float16", "bfloat16", "float32", "float64"]
VALUES = [[0, 1, 3], [2, 0, 1]]

ONE = "abs arccos arctan arctanh ceil cos exp expm1 floor isfinite isnan log log1p log2 logical_not negative reciprocal relu round rsqrt sigmoid sign sin softplus sqrt square tanh trunc ones_like zeros_like copy ravel gelu silu elu log_softmax softmax signbit bitwise_not sort argsort flip".split()
REDUCED = "all any argmax argmin max mean min prod sum std var count_nonzero logsumexp cumsum cumprod median ptp average diff norm".split()
TWO = "add subtract multiply divide floor_divide mod power maximum minimum equal less greater_equal logical_and logical_or not_equal arctan2 matmul dot outer bitwise_and left_shift".split()
PAIRS = [("int32", "float32"), ("int32", "float16"), ("bool", "int32"), ("uint8", "int8"), ("int64", "int32"), ("float16", "bfloat16"), ("float32", "float64"), ("bool", "float32"), ("int64", "bfloat16"), ("uint8", "bool")]
SHAPES = {
    "scalar": lambda x: [ops.abs(x[0, 0]), ops.sum(x[0, 0]), ops.reshape(x[0, 0], (1, 1)), ops.expand_dims(x[0, 0], 0)],
    "negative_axes": lambda x: [ops.sum(x, axis=-2), ops.argmax(x, axis=-2), ops.softmax(x, axis=-2), ops.cumsum(x, axis=-2)],
    "several_axes": lambda x: [ops.max(x, axis=(0, -1)), ops.mean(x, axis=(-1, 0), keepdims=True), ops.var(x, axis=(0, 1))],
    "kept": lambda x: [ops.sum(x, axis=1, keepdims=True), ops.argmin(x, axis=0, keepdims=True), ops.all(x, axis=1, keepdims=True)],
    "ranks": lambda x: [x[:, None, :] + x[0], ops.maximum(x[0, 0], x), ops.where(x[0] > 0, x[:, None], x[1, 1])],
    "empty": lambda x: [ops.sum(x[:, :0], axis=1), ops.concatenate([x[:, :0], x], axis=1), ops.prod(x[:, 3:], axis=-1), ops.exp(x[:, :0])],
    "empty_mean": lambda x: [ops.mean(x[:, :0], axis=1), ops.max(x[:0], axis=1), ops.matmul(x[:, :0], ops.transpose(x[:, :0]))],
    "split_empty": lambda x: ops.split(x, [0, 3], axis=1),
    "one_by_one": lambda x: [ops.squeeze(x[:1, :1]), ops.stack([x, x], axis=-1), ops.tile(x, (2, 1, 1)), ops.repeat(x, 2)],
}


def of_two(name):
    f = getattr(ops, name)
    if name in ("matmul", "dot"):
        return lambda x, y: f(x, ops.transpose(y))
    return f


def functions(types):
    if len(types) == 1:
        yield from ((name, getattr(ops, name)) for name in ONE)
        yield from ((name, lambda x, f=getattr(ops, name): f(x, axis=-1)) for name in REDUCED)
        yield from SHAPES.items()
        return
    yield from ((name, of_two(name)) for name in TWO)
    yield "where", lambda x, y: ops.where(ops.cast(x, "bool"), x, y)
    yield "concatenate", lambda x, y: ops.concatenate([x, y], axis=1)
    yield "stack", lambda x, y: ops.stack([x, y])


def values(dtype):
    return tf.cast(tf.constant(VALUES, "float64"), dtype)


def main():
    cases = []
    for types in [[dtype] for dtype in TYPES] + [[dtype, dtype] for dtype in TYPES] + [list(pair) for pair in PAIRS]:
        keras.utils.clear_session()
        inputs = [keras.Input((3,), name=f"x{at}", dtype=dtype) for at, dtype in enumerate(types)]
        given = [values(dtype) for dtype in types]
        names, outputs = [], []
        for name, function in functions(types):
            try:
                function(*given)
                symbolic = function(*inputs)
                keras.Model(inputs, symbolic)(given)
            except Exception:
                continue
            symbolic = list(symbolic) if isinstance(symbolic, (list, tuple)) else [symbolic]
            names += [name] * len(symbolic)
            outputs += symbolic
        text = keras.Model(inputs, outputs, name="m").to_json()
        found = keras.models.model_from_json(text)(given)
        cases.append({"types": types, "model": text, "names": names, "outputs": [array(output) for output in found]})
        print("made", *types, len(names), flush=True)
    with open(os.path.join(FOLDER, "dtypes.json"), "w") as file:
        lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
        file.write('{"keras": %s, "values": %s, "cases": [\n%s\n]}\n' % (json.dumps(keras.__version__), json.dumps(VALUES), lines))


if __name__ == "__main__":
    main()
