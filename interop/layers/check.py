"""Keras trains a small model of every layer class for ten steps; kerox loads the model from Keras's file and does the
same: equal predictions before, equal losses, equal weights after.

also-tf221: Keras 3 does so for its own classes, from a `.keras` file.

    python interop/layers/check.py [--keep DIRECTORY] [CLASS...]

The layers are those of the golden cases, their arguments and inputs too.
"""
import glob
import inspect
import json
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
import numpy as np
import keras
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import workspace

KERAS3 = keras.__version__.startswith("3")
OUTPUTS, WEIGHTS, EPOCHS, CASES = 1e-5, 1e-4, 10, 4
# Classes without a model of their own, with the reason.
APART = {
    "AddLoss": "made by Model.add_loss",
    "AddMetric": "made by Model.add_metric",
    "InputLayer": "part of every model",
    "SlicingOpLambda": "made by operators",
    "TFOpLambda": "made by operators",
    "Identity": "cell of the golden cases only",
}
rng = np.random.default_rng(0)


def array(record):
    special = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf}
    data = [special.get(v, v) if isinstance(v, str) and record["dtype"] != "string" else v for v in record["data"]]
    dtype = object if record["dtype"] == "string" else record["dtype"]
    return np.asarray(data, dtype=dtype).reshape(record["shape"])


def is_array(value):
    return isinstance(value, dict) and "data" in value and "shape" in value


def tensor_of(x):
    return keras.Input(shape=x.shape[1:], dtype=x.dtype.name)


def make(class_name, case):
    """A compiled model around the layer and its arrays, or the reason why there is none."""
    arrays = [array(v) for v in case["inputs"] if is_array(v)]
    if len(arrays) != len(case["inputs"]):
        return None, "nested inputs"
    call = case.get("call") or {}
    if any(isinstance(v, list) for v in call.values()) or "mask" in call:
        return None, "states or masks given to the call"
    if any(a.dtype == object for a in arrays):
        return None, "strings"
    if any(a.ndim < 2 or a.shape[0] != arrays[0].shape[0] or 0 in a.shape for a in arrays):
        return None, "inputs without batch"
    if case.get("stateful") or case["config"].get("stateful"):
        return None, "stateful"
    keras.backend.clear_session()
    layer = keras.layers.deserialize(
        {"module": "keras.layers", "class_name": class_name, "config": case["config"], "registered_name": None}
        if KERAS3 else {"class_name": class_name, "config": case["config"]})
    inputs = [tensor_of(a) for a in arrays]
    more = {k: array(v) for k, v in call.items() if is_array(v)}
    arguments = {k: v for k, v in call.items() if not is_array(v)}
    arguments.update({k: tensor_of(v) for k, v in more.items()})
    arrays += list(more.values())
    single = case.get("inputs_form") != "list"
    outputs = layer(inputs[0] if single else inputs, **arguments)
    inputs += [arguments[k] for k in more]
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    flat = [keras.layers.Flatten()(o) for o in outputs if "float" in str(o.dtype) and None not in o.shape[1:]]
    if not flat:
        return None, "no output of floats of known shape"
    joined = keras.layers.Concatenate()(flat) if len(flat) > 1 else flat[0]
    model = keras.Model(inputs, keras.layers.Dense(2, name="head")(joined))
    weights = case.get("weights") or []
    if weights and len(weights) == len(layer.weights):
        layer.set_weights([array(w["value"]) for w in weights])
    model.compile(keras.optimizers.SGD(0.02, momentum=0.5), "mse")
    takes_training = "training" in inspect.signature(layer.call).parameters
    is_random = takes_training and case.get("training") is None
    return (model, arrays, is_random), None


def differences(found, expected, tolerance):
    if found.shape != expected.shape:
        return f"shape {found.shape} instead of {expected.shape}"
    error = np.abs(found.astype(np.float64) - expected) / (1 + np.abs(expected))
    return None if error.size == 0 or error.max() <= tolerance else f"{error.max():.1e}"


def main():
    arguments = sys.argv[1:]
    keep = None
    if arguments[:1] == ["--keep"]:
        keep, arguments = arguments[1], arguments[2:]
    program = workspace.example("train_layers")
    work = keep or tempfile.mkdtemp()
    os.makedirs(work, exist_ok=True)
    expected, skipped = {}, {}
    for path in sorted(glob.glob("golden/layers/*.json")):
        with open(path) as file:
            golden = json.load(file)
        class_name = golden["class_name"]
        if arguments and class_name not in arguments:
            continue
        own = [c for c in golden["cases"] if c["keras"].startswith("3") == KERAS3]
        if not own or class_name in APART or class_name in ("Functional", "Sequential"):
            continue
        done, reasons = 0, []
        for case in own:
            if done == CASES:
                break
            name = f"{class_name}-{case['name']}"
            try:
                made, reason = make(class_name, case)
            except Exception as error:
                made, reason = None, f"{type(error).__name__}: {str(error)[:120]}"
            if made is None:
                reasons.append(reason)
                continue
            model, x, is_random = made
            folder = os.path.join(work, name)
            os.makedirs(folder, exist_ok=True)
            file = "model.keras" if KERAS3 else "model.h5"
            y = rng.standard_normal((x[0].shape[0], 2)).astype(np.float32)
            for i, value in enumerate(x):
                np.save(os.path.join(folder, f"x_{i}.npy"), value)
            np.save(os.path.join(folder, "y.npy"), y)
            try:
                model.save(os.path.join(folder, file))
                record = {"predict": np.asarray(model.predict(x, verbose=0))}
                if not is_random:
                    fit = dict(epochs=EPOCHS, batch_size=len(y), shuffle=False, verbose=0)
                    record["losses"] = model.fit(x, y, **fit).history["loss"]
                    record["weights"] = [np.asarray(w) for w in model.get_weights()]
                    if not np.isfinite(record["losses"]).all():
                        raise ValueError("diverges with this data under Keras")
            except Exception as error:
                reasons.append(f"{type(error).__name__}: {str(error)[:120]}")
                continue
            settings = {"file": file, "inputs": len(x), "batch": len(y), "epochs": 0 if is_random else EPOCHS}
            with open(os.path.join(folder, "case.json"), "w") as out:
                json.dump(settings, out)
            expected[name] = record
            done += 1
        if not done:
            skipped[class_name] = "; ".join(sorted(set(reasons)))
    subprocess.run([program, work], check=True)

    problems = []
    for name, record in expected.items():
        folder = os.path.join(work, name)
        with open(os.path.join(folder, "result.json")) as file:
            result = json.load(file)
        if "error" in result:
            problems.append(f"{name}: {result['error']}")
            continue
        wrong = differences(np.load(os.path.join(folder, "predict.npy")), record["predict"], OUTPUTS)
        if wrong:
            problems.append(f"{name}: predictions differ by {wrong}")
        if "losses" not in record:
            continue
        wrong = differences(np.asarray(result["losses"]), np.asarray(record["losses"]), WEIGHTS)
        if wrong:
            problems.append(f"{name}: losses differ by {wrong}")
        for i, weight in enumerate(record["weights"]):
            found = os.path.join(folder, f"weight_{i}.npy")
            if not os.path.exists(found):
                problems.append(f"{name}: no weight {i}")
                continue
            if weight.dtype.kind not in "fiub":
                continue
            wrong = differences(np.load(found), weight, WEIGHTS)
            if wrong:
                problems.append(f"{name}: weight {i} differs by {wrong}")
    for class_name, reason in skipped.items():
        print(f"no model of {class_name}: {reason}")
    classes = {name.split("-")[0] for name in expected}
    trained = sum("losses" in record for record in expected.values())
    print(f"{len(expected)} models of {len(classes)} classes, {trained} of them trained for {EPOCHS} steps")
    for problem in problems:
        print("WRONG", problem)
    return bool(problems) or not expected


sys.exit(main())
