"""What layers make of numbers that are none, infinite, tiny or zeros with a sign, and of integers: each layer class alone, with
arguments drawn at random, gives in kerox what it gives in Keras: the same numbers, the same infinities, none where there is none,
and the same type.

    python interop/odd_values/check.py [--seeds FIRST LAST] [--keep DIRECTORY] [CLASS...]

also-tf221: Keras 3 does so with its own classes. Draws that Keras refuses are left out.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
import keras
import numpy as np
import tensorflow as tf

tf.get_logger().setLevel("ERROR")
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "differential_layers"), os.path.join(HERE, "..")]
import models
import workspace
from draws import KERAS3, L, MANY, ONE, Random

TOLERANCE = 1e-3
# One a sample; the last sample gets both infinities.
ODD = [np.nan, np.inf, -np.inf, 1e-40, -1e-40, -0.0, np.inf]
KINDS = ["floats", "int32", "int64"]
# TensorFlow multiplies some of the pixels around a point by 0; here they are left out, with what is no number in them. Halves
# between whole pixels are rounded as single precision makes them.
MIXES_PIXELS = ["CenterCrop", "Resizing", "UpSampling2D"]


def odd_values(r, kind, shape):
    if kind != "floats":
        return r.generator.integers(-5, 9, (4, *shape)).astype(kind)
    values = np.round(r.generator.uniform(-1, 1, (len(ODD), *shape)), 3).astype(np.float32)
    for sample, odd in zip(values.reshape(len(ODD), -1), ODD):
        sample[r.int(0, sample.size - 1)] = odd
    last = values[-1].reshape(-1)
    last[r.int(0, last.size - 1)] = -np.inf
    return values


def write(folder, seed, class_name, kind):
    """Makes a model of one layer, its file, and what Keras computes with it."""
    keras.backend.clear_session()
    r = Random(np.random.default_rng([seed, zlib.crc32(f"{class_name}{kind}".encode())]))
    ranks, draw = ONE.get(class_name) or MANY[class_name]
    shape = tuple(r.int(2, 5) for _ in range(r.pick(ranks) - 1))
    count = 2 if class_name in MANY else 1
    arrays = [odd_values(r, kind, shape) for _ in range(count)]
    inputs = [keras.Input(shape, dtype=array.dtype.name) for array in arrays]
    layer = draw(r, [shape] * count if count > 1 else shape)
    if getattr(layer, "stateful", False):
        models.refuse("stateful without batch")
    if class_name in ("MultiHeadAttention", "GroupQueryAttention"):
        outputs = layer(inputs[0], inputs[1])
    else:
        outputs = layer(inputs if count > 1 else inputs[0])
    model = keras.Model(inputs, outputs)
    model.set_weights(models.weight_values(r, model))
    tensors = [tf.constant(array) for array in arrays]
    found = model(tensors if count > 1 else tensors[0], training=False)
    found = [np.asarray(y) for y in (found if isinstance(found, (list, tuple)) else [found])]
    if not all(y.size for y in found):
        models.refuse("sizes")
    os.makedirs(folder, exist_ok=True)
    file = "model.keras" if KERAS3 or seed % 2 else "model.h5"
    model.save(os.path.join(folder, file))
    for i, array in enumerate(arrays):
        np.save(os.path.join(folder, f"x_{i}.npy"), array)
    for i, array in enumerate(found):
        np.save(os.path.join(folder, f"expected_{i}.npy"), array)
    settings = {"file": file, "dialect": "keras3" if KERAS3 else "keras2", "inputs": [None] * count, "outputs": len(found), "steps": 0, "back": "back.keras"}
    with open(os.path.join(folder, "case.json"), "w") as out:
        json.dump(settings, out)


def difference(found, expected):
    """What differs, as a text."""
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return f"{found.dtype} {found.shape} instead of {expected.dtype} {expected.shape}"
    for what, of in [("not a number", np.isnan), ("infinite", np.isinf)]:
        wrong = of(found) != of(expected) if expected.dtype.kind == "f" else np.zeros(expected.shape, bool)
        if wrong.any():
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            return f"{what}: {found[at]} instead of {expected[at]} at {at}, {wrong.sum()} of {wrong.size}"
    with np.errstate(invalid="ignore", over="ignore"):
        far = np.abs(found.astype(np.float64) - expected) > TOLERANCE * (1 + np.abs(expected.astype(np.float64)))
    wrong = far | (np.isinf(expected) & (found != expected)) if expected.dtype.kind == "f" else far
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        return f"{found[at]} instead of {expected[at]} at {at}, {wrong.sum()} of {wrong.size}"
    return None


def judge(folder):
    """What differs, as texts."""
    with open(os.path.join(folder, "result.json")) as file:
        errors = json.load(file).get("errors", {})
    if "load" in errors or "predict" in errors:
        return [f"{what}: {text}" for what, text in errors.items()]
    problems = []
    for name in sorted(os.listdir(folder)):
        if name.startswith("expected_"):
            expected = np.load(os.path.join(folder, name))
            problem = difference(np.load(os.path.join(folder, name.replace("expected", "output"))), expected)
            if problem:
                problems.append(f"{name[9:-4]}: {problem}")
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", nargs=2, type=int, default=(0, 1))
    parser.add_argument("--keep")
    parser.add_argument("classes", nargs="*")
    options = parser.parse_args()
    work = options.keep or tempfile.mkdtemp()
    program = os.environ.get("KEROX_DRIVER") or workspace.example("differential_layers")
    for class_name in options.classes or [*ONE, *MANY]:
        for kind in KINDS if class_name not in MIXES_PIXELS else []:
            for seed in range(*options.seeds):
                folder = os.path.join(work, f"{class_name}-{kind}-{seed}")
                if os.path.exists(os.path.join(folder, "case.json")):
                    continue
                try:
                    write(folder, seed, class_name, kind)
                except Exception as error:
                    if os.environ.get("KEROX_REFUSALS"):
                        print("refused", class_name, kind, seed, str(error)[:200].replace("\n", " "))
    subprocess.run([program, work], check=True)
    count = wrong = 0
    for name in sorted(os.listdir(work)):
        folder = os.path.join(work, name)
        if os.path.exists(os.path.join(folder, "case.json")):
            problems = judge(folder)
            count, wrong = count + 1, wrong + bool(problems)
            for problem in problems:
                print("WRONG", name, problem, flush=True)
    print(f"{count} layers, {wrong} differ")
    return bool(wrong) or not count


sys.exit(main())
