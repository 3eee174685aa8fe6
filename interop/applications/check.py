"""The architectures of kerox against those of Keras 2.15: equal JSON, and equal outputs with weights that Keras saved.

Drives the example `applications` of the crate `kerox`, which it builds. `check.py NAME...` checks some architectures only.
"""

import json
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import numpy as np
import tensorflow as tf
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import workspace

tf.get_logger().setLevel("ERROR")

# Arguments beyond the defaults, by which the layers differ.
VARIANTS = {
    "MobileNetV2": [{"include_top": False}, {"include_top": False, "pooling": "max", "input_shape": (97, 131, 3), "alpha": 1.4}],
    "MobileNet": [
        {"include_top": False, "pooling": "avg", "alpha": 0.5},
        {"input_shape": (65, 33, 1), "depth_multiplier": 2, "dropout": 0.25, "classes": 7, "classifier_activation": None},
    ],
    "ResNet50": [{"include_top": False, "input_shape": (None, None, 3), "pooling": "max"}],
    "ResNet50V2": [{"include_top": False, "pooling": "avg"}],
    "VGG16": [{"include_top": False, "pooling": "avg"}],
    "DenseNet121": [{"include_top": False, "pooling": "max"}],
    "InceptionV3": [{"include_top": False, "pooling": "max"}],
    "Xception": [{"include_top": False, "pooling": "avg"}],
    "EfficientNetB0": [{"include_top": False}, {"include_top": False, "pooling": "max", "input_shape": (65, 97, 1)}],
}
# With weights: small images and few classes, so that files stay small.
RUNS = {
    "MobileNet": {"input_shape": (64, 96, 3), "alpha": 0.25, "classes": 10},
    "MobileNetV2": {"input_shape": (96, 96, 3), "alpha": 0.35, "classes": 10},
    "ResNet50": {"input_shape": (64, 64, 3), "classes": 10},
    "ResNet50V2": {"input_shape": (64, 48, 3), "classes": 10, "classifier_activation": None},
    "VGG16": {"input_shape": (48, 32, 3), "include_top": False, "pooling": "max"},
    "DenseNet121": {"input_shape": (64, 64, 3), "classes": 10},
    "InceptionV3": {"input_shape": (75, 75, 3), "include_top": False, "pooling": "avg"},
    "Xception": {"input_shape": (71, 71, 3), "include_top": False},
    "EfficientNetB0": {"input_shape": (64, 64, 3), "classes": 10},
}


def words(options):
    def word(value):
        return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)

    return [f"{key}={word(value)}" for key, value in options.items()]


def build(name, options):
    tf.keras.backend.clear_session()
    return getattr(tf.keras.applications, name)(weights=None, **options)


def randomize(model, generator):
    """Weights of a size that keeps the values in range, none of them at its default."""
    for layer in model.layers:
        weights = []
        for variable in layer.weights:
            name, value = variable.name.rsplit("/", 1)[-1], variable.numpy()
            if name.startswith(("gamma", "moving_variance", "variance")):
                value = generator.uniform(0.6, 1.4, value.shape)
            elif name.startswith(("beta", "moving_mean", "bias", "mean")):
                value = generator.normal(0, 0.1, value.shape)
            weights.append(value)
        if weights:
            layer.set_weights(weights)


def first_difference(ours, theirs, place="$"):
    if type(ours) is not type(theirs) and not {type(ours), type(theirs)} <= {int, float}:
        return f"{place}: {ours!r} and {theirs!r}"
    if isinstance(ours, dict):
        for key in {**ours, **theirs}:
            if key not in ours or key not in theirs:
                return f"{place}.{key}: only {'Keras' if key in theirs else 'kerox'} has it"
            found = first_difference(ours[key], theirs[key], f"{place}.{key}")
            if found:
                return found
    elif isinstance(ours, list):
        if len(ours) != len(theirs):
            return f"{place}: {len(ours)} and {len(theirs)} elements"
        for i, (a, b) in enumerate(zip(ours, theirs)):
            found = first_difference(a, b, f"{place}[{i}]")
            if found:
                return found
    elif ours != theirs:
        return f"{place}: {ours!r} and {theirs!r}"
    return None


def main():
    program = workspace.example("applications")
    names = subprocess.run([program, "names"], check=True, capture_output=True, text=True).stdout.split()
    names = [name for name in names if name in sys.argv[1:] or not sys.argv[1:]]
    problems = []
    for name in names:
        for options in [{}, *VARIANTS.get(name, [])]:
            model = build(name, options)
            done = subprocess.run([program, "json", name, *words(options)], capture_output=True, text=True)
            if done.returncode:
                problems.append(f"{name} {options}: {done.stderr.strip()}")
                continue
            found = first_difference(json.loads(done.stdout), json.loads(model.to_json()))
            if found:
                problems.append(f"{name} {options}: kerox and Keras differ at {found}")
        if name not in RUNS:
            print(f"{name}: architecture")
            continue
        options = RUNS[name]
        model = build(name, options)
        generator = np.random.default_rng(7)
        randomize(model, generator)
        x = generator.uniform(-1, 1, (3, *options["input_shape"])).astype(np.float32)
        expected = model.predict(x, verbose=0)
        with tempfile.TemporaryDirectory() as folder:
            weights, images, output = (os.path.join(folder, file) for file in ("w.h5", "x.npy", "y.npy"))
            model.save_weights(weights)
            np.save(images, x)
            for how in ("order", "by_name"):
                done = subprocess.run([program, "run", name, weights, images, output, how, *words(options)], capture_output=True, text=True)
                if done.returncode:
                    problems.append(f"{name} {how}: {done.stderr.strip()}")
                    continue
                found = np.load(output)
                worst = np.max(np.abs(found - expected) / (1 + np.abs(expected))) if found.shape == expected.shape else np.inf
                print(f"{name}: architecture, outputs {how} within {worst:.1e} of values up to {np.abs(expected).max():.2g}")
                if not worst <= 1e-5:
                    problems.append(f"{name} {how}: outputs differ by {worst}, shapes {found.shape} and {expected.shape}")
    for problem in problems:
        print("error:", problem, file=sys.stderr)
    print(f"{len(names)} architectures, {len(problems)} problems")
    return 1 if problems or not names else 0


sys.exit(main())
