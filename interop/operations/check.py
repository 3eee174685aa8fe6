"""Operations of one Keras in the words of the other: kerox rewrites the recorded models of golden/operations, Keras loads
what was written and computes what was recorded.

    python interop/operations/check.py

Under TensorFlow 2.15 the models of Keras 3, under 2.21 with Keras 3 those of Keras 2. Under 2.15 TensorFlow runs those of Keras 2
as SavedModels as well.
"""
# also-tf221
import json
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
import keras
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import workspace

KERAS3 = keras.__version__.startswith("3")
SPECIAL = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf}


def array(record):
    data = [SPECIAL.get(v, v) if isinstance(v, str) else v for v in record["data"]]
    return np.asarray(data, record["dtype"]).reshape(record["shape"])


def difference(found, expected):
    if found.dtype != expected.dtype or found.shape != expected.shape:
        return f"expected {expected.dtype} {expected.shape}, found {found.dtype} {found.shape}"
    if np.allclose(found.astype("float64"), expected.astype("float64"), rtol=1e-5, atol=1e-5, equal_nan=True):
        return None
    return f"expected {expected.ravel()[:4]}, found {found.ravel()[:4]}"


def by_signature(kerox, case, x):
    """What the signature gives of a model that kerox saves as a SavedModel, and why it saves none."""
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "model.json"), os.path.join(folder, "saved")
        with open(source, "w") as file:
            file.write(case["model"])
        run = subprocess.run([kerox, "convert", source, target, "--format", "savedmodel"], capture_output=True, text=True)
        if run.returncode != 0:
            return None, run.stderr.strip()
        signature = tf.saved_model.load(target).signatures["serving_default"]
        (name,) = signature.structured_input_signature[1]
        return [output.numpy() for output in signature(**{name: tf.constant(x)}).values()], None


def recorded(file):
    with open(os.path.join(workspace.ROOT, "golden", "operations", file)) as file:
        return json.load(file)


def saved_models(kerox):
    """Models of Keras 2 that kerox saves as SavedModels, run by their signatures."""
    golden, problems = recorded("keras2.json"), []
    x = array(golden["x"])
    for case in golden["cases"]:
        found, problem = by_signature(kerox, case, x)
        if problem:
            problems.append(f"{case['name']}: {problem}")
            continue
        for expected in map(array, case["outputs"]):
            if all(difference(one, expected) for one in found):
                problems.append(f"{case['name']} as a SavedModel: {difference(found[0], expected)}")
    print(f"{len(golden['cases'])} models of Keras 2 run as SavedModels")
    return problems


def drawn(kerox):
    """Models of Keras 2 that draw random numbers, as SavedModels: how the numbers are distributed that TensorFlow draws by them."""
    golden, problems = recorded("drawn.json"), []
    for case in golden["cases"]:
        found, problem = by_signature(kerox, case, np.zeros((golden["rows"], 4, 3), "float32"))
        if problem:
            problems.append(f"{case['name']}: {problem}")
            continue
        (y,) = found
        found = (y.dtype.name, list(y.shape), y.mean(dtype="float64"), y.std(dtype="float64"))
        expected = (case["dtype"], case["shape"], case["mean"], case["deviation"])
        if found[:2] != expected[:2] or abs(found[2] - expected[2]) > 0.04 or abs(found[3] / expected[3] - 1) > 0.04:
            problems.append(f"{case['name']} as a SavedModel: expected {expected}, found {found}")
    print(f"{len(golden['cases'])} models that draw random numbers run as SavedModels")
    return problems


def main():
    kerox = workspace.command()
    golden = recorded("keras2.json" if KERAS3 else "operations.json")
    x = array(golden["x"])
    problems, done, refused = [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for case in golden["cases"]:
            source, target = (os.path.join(folder, f"{case['name']}.{part}.json") for part in ("of", "as"))
            with open(source, "w") as file:
                file.write(case["model"])
            command = [kerox, "convert", source, target, "--dialect", "keras3" if KERAS3 else "keras2"]
            run = subprocess.run(command, capture_output=True, text=True)
            if run.returncode != 0:
                # Which models are refused, and how, the tests of the crate say.
                refused += 1
                if not any(words in run.stderr for words in ("has as a function", "that TensorFlow can have", "a constant array", "that Keras 3 has", "that Keras 3 can have", "found none; write it in its own dialect")):
                    problems.append(f"{case['name']}: {run.stderr.strip()}")
                continue
            try:
                with open(target) as file:
                    model = keras.models.model_from_json(file.read())
                outputs = model(x)
                # What Keras writes of it, it reads again.
                again = keras.models.model_from_json(model.to_json())(x)
            except Exception as error:
                problems.append(f"{case['name']}: {type(error).__name__} {str(error)[:300]}")
                continue
            for made in (outputs, again):
                made = list(made) if isinstance(made, (list, tuple)) else [made]
                expected = [array(output) for output in case["outputs"]]
                found = [difference(np.asarray(a), b) for a, b in zip(made, expected)]
                found = [text for text in found if text] + ([] if len(made) == len(expected) else [f"{len(made)} outputs"])
                problems += [f"{case['name']}: {text}" for text in found]
            done += 1
    if not KERAS3:
        problems += saved_models(kerox) + drawn(kerox)
    print(f"{done} models rewritten for Keras {keras.__version__}, {refused} refused")
    for problem in problems:
        print("PROBLEM", problem)
    sys.exit(1 if problems or not done else 0)


if __name__ == "__main__":
    main()
