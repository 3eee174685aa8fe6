"""The running Keras (2.15 or 3.x) and values for the scripts of this folder."""

import os
import re

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from arrays import array, plain, seeded, write  # noqa: E402

KERAS3 = keras.__version__.startswith("3")
VERSIONS = {"tensorflow": tf.__version__, "keras": keras.__version__, "numpy": np.__version__}
FAILED = []


def snake(name):
    """Keras's own rule for automatic names."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def values(*dims, key="x", low=-1.0, high=1.0, digits=3):
    """Float32 values of few digits."""
    return np.round(seeded(key, dims, low, high).uniform(low, high, dims), digits).astype(np.float32)


def integers(*dims, low=0, high=10, key="i", dtype=np.int64):
    """Integer values in [low, high)."""
    return seeded(key, dims, low, high).randint(low, high, dims).astype(dtype)


def probabilities(*dims, key="p"):
    """Rows that sum to 1 (as far as 4 digits can)."""
    raw = seeded(key, dims).uniform(0.05, 1.0, dims)
    return np.round(raw / raw.sum(-1, keepdims=True), 4).astype(np.float32)


def one_hot(ids, n):
    """One-hot float32."""
    return np.eye(n, dtype=np.float32)[ids]


def save(file, class_name, cases):
    """Writes one class's cases beside the script that made them."""
    folder = os.path.dirname(os.path.abspath(file))
    made_by = "golden/" + os.path.basename(folder) + "/make.py"
    document = {"class_name": class_name, "made_by": made_by, "versions": VERSIONS, "cases": cases}
    write(os.path.join(folder, snake(class_name) + ".json"), document, "cases")


__all__ = ["FAILED", "KERAS3", "VERSIONS", "array", "integers", "keras", "np", "one_hot", "plain", "probabilities", "save", "snake", "tf", "values"]
