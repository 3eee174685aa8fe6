"""Writes golden/operations/refused.json: operations that Keras 3 on TensorFlow has and cannot save, load or run, and what it says.

    <environment with TensorFlow 2.21.0, Keras 3.15.1>/bin/python golden/operations/refused.py
"""

import json
import os
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
FOLDER = os.path.dirname(os.path.abspath(__file__))

import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import ops  # noqa: E402

KERNEL = np.ones((2, 2, 3), "float32")
CASES = {
    "AdaptiveAveragePool": lambda x: ops.adaptive_average_pool(x, (2,)),
    "AdaptiveMaxPool": lambda x: ops.adaptive_max_pool(x, (2,)),
    "AssociativeScan": lambda x: ops.associative_scan(lambda a, b: a + b, x),
    "Cond": lambda x: ops.cond(x[0, 0, 0] > 0, lambda: x, lambda: x * 2),
    "ConvTranspose": lambda x: ops.conv_transpose(x, KERNEL, 2),
    "ForiLoop": lambda x: ops.fori_loop(0, 3, lambda i, a: a + 1, x),
    "Histogram": lambda x: ops.histogram(ops.ravel(x), 4),
    "JVP": lambda x: ops.jvp(lambda a: a * a, (x,), (x,)),
    "Map": lambda x: ops.map(lambda a: a * 2, x),
    "Scan": lambda x: ops.scan(lambda c, a: (c + a, c), x[0, 0], xs=x[0]),
    "Switch": lambda x: ops.switch(ops.cast(x[0, 0, 0], "int32"), [lambda a: a, lambda a: a * 2], x),
    "VectorizedMap": lambda x: ops.vectorized_map(lambda a: a * 2, x),
    "ViewAsComplex": lambda x: ops.view_as_complex(x[..., :2]),
    "WhileLoop": lambda x: ops.while_loop(lambda a: ops.sum(a) < 10, lambda a: a + 1, (x,)),
}


def refusal(function, path):
    """At which step Keras gives up, and with what."""
    step = "make"
    try:
        inputs = keras.Input((4, 3))
        model = keras.Model(inputs, function(inputs))
        step = "save"
        model.save(path)
        step = "load"
        model = keras.models.load_model(path)
        step = "run"
        model(np.ones((2, 4, 3), "float32"))
    except Exception as error:
        return f"{step}: {type(error).__name__}"
    return None


def main():
    with tempfile.TemporaryDirectory() as folder:
        found = {name: refusal(function, os.path.join(folder, "m.keras")) for name, function in CASES.items()}
    with open(os.path.join(FOLDER, "refused.json"), "w") as file:
        json.dump(found, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
