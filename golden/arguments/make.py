"""What each Keras says to odd values of every argument of every layer: whether it takes them, and the shape that comes out.

    <environment with TensorFlow 2.15.1>/bin/python golden/arguments/make.py
    <environment with TensorFlow 2.21.0, Keras 3.15.1>/bin/python golden/arguments/make.py

The layers are those of `golden/config/*_default_configs.json`, the inputs those of `golden/layers`.
"""

import contextlib
import inspect
import io
import json
import os
import sys

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
FOLDER = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(FOLDER, "..")
sys.path.insert(0, GOLDEN)
sys.path.insert(0, os.path.join(GOLDEN, "layers"))

import tensorflow as tf  # noqa: E402
import keras  # noqa: E402

from case import snake  # noqa: E402

KERAS3 = keras.__version__.startswith("3")
# What is not an argument, or says nothing of numbers.
APART = {"name", "dtype", "trainable", "batch_input_shape", "batch_shape", "seed", "vocabulary", "layer", "layers", "cell", "cells",
         "backward_layer", "input_length", "jit_compile", "vocabulary_size"}
# Made by other means, or without inputs of floats.
CLASSES_APART = {"InputLayer", "Lambda", "Layer", "Wrapper", "AbstractRNNCell", "Hashing", "HashedCrossing", "TextVectorization",
                 "StringLookup", "IntegerLookup", "Pipeline", "StackedRNNCells", "SimpleRNNCell", "LSTMCell", "GRUCell", "Normalization"}


def array(record):
    special = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf}
    data = [special.get(v, v) if isinstance(v, str) else v for v in record["data"]]
    return tf.constant(np.asarray(data, record["dtype"]).reshape(record["shape"]))


def odd_values(value):
    """Values of the same kind that could be refused."""
    if isinstance(value, bool):
        return []
    if isinstance(value, (int, float)):
        return [0, -1, -0.5, 1.5, "nan", "inf"] if isinstance(value, float) else [0, -1, -2, 1, 3, 9]
    if isinstance(value, str):
        return ["unknown"]
    if isinstance(value, list) and value and all(isinstance(v, int) for v in value):
        n = len(value)
        return [[0] * n, [-1] * n, [1] * n, [3] * n, [9] * n, [1] * (n + 1), []]
    if isinstance(value, dict) and "class_name" in value:
        return ["unknown", None]
    return [] if value is not None else ["unknown"]


def number(value):
    return {"nan": float("nan"), "inf": float("inf")}.get(value, value) if isinstance(value, str) else value


def verdict(class_name, config, inputs, call):
    """The shapes of inference and training, null where it is refused."""
    shapes = []
    try:
        config = json.loads(json.dumps(config))
        data = {"module": "keras.layers", "class_name": class_name, "config": config, "registered_name": None}
        layer = keras.layers.deserialize(data if KERAS3 else {"class_name": class_name, "config": config})
        takes_training = "training" in inspect.signature(layer.call).parameters
        for training in (False, True):
            arguments = dict(call, **({"training": training} if takes_training else {}))
            outputs = layer(inputs, **arguments)
            shapes.append([list(o.shape) for o in tf.nest.flatten(outputs)])
    except Exception:
        pass
    return shapes + [None] * (2 - len(shapes))


def inputs_of(class_name, config):
    """The name of a recorded case whose inputs the default configuration takes, inputs and arguments of the call."""
    path = os.path.join(GOLDEN, "layers", snake(class_name) + ".json")
    if not os.path.exists(path):
        return None
    with open(path) as file:
        golden = json.load(file)["cases"]
    for case in golden:
        arrays = case["inputs"]
        if any(not isinstance(v, dict) or v["dtype"] == "string" or 0 in v["shape"] for v in arrays):
            continue
        inputs = [array(v) for v in arrays]
        inputs = inputs if case["inputs_form"] == "list" else inputs[0]
        call = {k: array(v) for k, v in (case.get("call") or {}).items() if k == "value"}
        if verdict(class_name, config, inputs, call)[0] is not None:
            return case["name"], inputs, call
    return None


def judge(class_name, config, odd, skip, pipe):
    """Writes the name of the recorded case, then a verdict a line for all but the first `skip` odd values."""
    found = inputs_of(class_name, config)
    if found is None:
        return
    name, inputs, call = found
    pipe.write(json.dumps(name) + "\n")
    for key, value in odd[skip:]:
        pipe.flush()
        pipe.write(json.dumps(verdict(class_name, {**config, key: number(value)}, inputs, call)) + "\n")


def cases_of(class_name, config):
    """Asks in processes of their own, as TensorFlow does not survive every value."""
    odd = [(key, value) for key in config if key not in APART for value in odd_values(config[key])]
    verdicts, name = [], None
    while name is None or len(verdicts) < len(odd):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            with os.fdopen(write, "w") as pipe, contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                judge(class_name, config, odd, len(verdicts), pipe)
                pipe.flush()
                os._exit(0)
        os.close(write)
        with os.fdopen(read) as pipe:
            lines = pipe.read().splitlines()
        os.waitpid(child, 0)
        if not lines:
            return None
        name = json.loads(lines[0])
        verdicts += [json.loads(line) for line in lines[1:]]
        if len(verdicts) < len(odd):
            verdicts.append([None, None])
    cases = [{"argument": k, "value": v, "inference": i, "training": t} for (k, v), (i, t) in zip(odd, verdicts)]
    return {"case": name, "config": config, "cases": cases}


def main():
    name = "keras3" if KERAS3 else "keras2"
    source = "keras3_default_configs.json" if KERAS3 else "keras215_default_configs.json"
    with open(os.path.join(GOLDEN, "config", source)) as file:
        defaults = json.load(file)["layers"]
    lines, without = [], []
    for class_name in sys.argv[1:] or sorted(defaults):
        config = defaults[class_name].get("serialized", {}).get("config")
        if class_name in CLASSES_APART or not isinstance(config, dict):
            continue
        record = cases_of(class_name, config)
        if record is None:
            without.append(class_name)
            continue
        head = json.dumps({"case": record["case"], "config": record["config"]})[:-1]
        body = ",\n".join("   " + json.dumps(case) for case in record["cases"])
        lines.append(f'  "{class_name}": {head}, "cases": [\n{body}\n  ]}}')
    versions = json.dumps({"tensorflow": tf.__version__, "keras": keras.__version__})
    with open(os.path.join(FOLDER, name + ".json"), "w") as file:
        file.write('{\n "versions": ' + versions + ',\n "layers": {\n' + ",\n".join(lines) + "\n }\n}\n")
    print("without a case:", without)


if __name__ == "__main__":
    main()
