"""Models drawn at random, over all arguments of each layer class: Keras saves, predicts and trains; kerox loads the file
and has to give the same predictions, losses, weights, configuration and summary, and files that Keras loads.

    python interop/differential_layers/check.py [--seeds FIRST LAST] [--keep DIRECTORY] [--judge DIRECTORY] [CLASS...]

also-tf221: Keras 3 does so with its own classes. Draws that Keras refuses are left out. `--judge` runs kerox alone on what an
earlier run kept.
"""

import argparse
import json
import os
import pickle
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
import warnings

warnings.filterwarnings("ignore")
import keras
import numpy as np
import tensorflow as tf

tf.get_logger().setLevel("ERROR")
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..")]
import models
import workspace

KERAS3 = keras.__version__.startswith("3")
OUTPUTS, WEIGHTS, STEPS = 1e-5, 1e-4, 2
NOISE = {"Dropout", "GaussianDropout", "GaussianNoise", "AlphaDropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"}


def listed(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def class_names(value):
    if isinstance(value, dict):
        found = {value["class_name"]} if isinstance(value.get("class_name"), str) else set()
        return found.union(*(class_names(v) for v in value.values()))
    return set().union(*(class_names(v) for v in value)) if isinstance(value, list) else set()


def tensors(model, arrays):
    return [tf.constant(a.tolist() if a.dtype == object else a, dtype=tf.string if a.dtype == object else None) for a in arrays]


def predicted(model, arrays):
    x = tensors(model, arrays)
    return [np.asarray(y) for y in listed(model(x if len(x) > 1 else x[0], training=False))]


def summary_of(model):
    lines = []
    model.summary(print_fn=lambda text, line_break=True: lines.append(text))
    return "\n".join(lines) + "\n"


def in_order(layer):
    """Weights as kerox orders them: each layer's trainable ones, then the rest, but for wrappers of Keras 3 with weights of their own."""
    if KERAS3 and isinstance(layer, keras.layers.SpectralNormalization):
        return layer.weights
    if not hasattr(layer, "layers"):
        return layer.trainable_weights + layer.non_trainable_weights
    found = {id(w): w for inner in layer.layers for w in in_order(inner)}
    return list(found.values())


def write(folder, seed, attempt, class_name, formats):
    """Makes a model, its files, and what Keras computes with it."""
    model, arrays, r = models.make(seed, attempt, class_name)
    model.compile(keras.optimizers.SGD(0.05), ["mse"] * len(model.outputs), run_eagerly=True, **({"jit_compile": False} if KERAS3 else {}))
    record = {"config": json.loads(model.to_json()), "params": model.count_params(), "class": class_name}
    record["shapes"] = [[None if n is None else int(n) for n in t.shape] for t in model.outputs]
    outputs = predicted(model, arrays)
    all(np.isfinite(y).all() for y in outputs if y.dtype.kind == "f") or models.refuse("not finite")
    os.makedirs(folder, exist_ok=True)
    stateful = any(getattr(layer, "stateful", False) for layer in model.layers)
    if stateful:
        for layer in model.layers:
            getattr(layer, "stateful", False) and layer.reset_states() if not KERAS3 else hasattr(layer, "reset_state") and layer.reset_state()
    file = f"model{formats[seed % len(formats)]}"
    model.save(os.path.join(folder, file))
    record.update(outputs=predicted(model, arrays), summary=summary_of(model), file=file)
    names = class_names(record["config"])
    is_trained = not names & NOISE and all(y.dtype.kind == "f" for y in outputs)
    settings = {"file": file, "dialect": "keras3" if KERAS3 else "keras2", "inputs": [], "outputs": len(outputs), "steps": 0, "back": "back.keras" if KERAS3 or seed % 2 else "back.h5"}
    for i, array in enumerate(arrays):
        if array.dtype == object:
            settings["inputs"].append({"shape": list(array.shape), "strings": array.ravel().tolist()})
        else:
            settings["inputs"].append(None)
            np.save(os.path.join(folder, f"x_{i}.npy"), array)
    if is_trained:
        y = [np.round(r.generator.uniform(-1, 1, o.shape), 3).astype(np.float32) for o in outputs]
        x = tensors(model, arrays)
        try:
            losses = []
            for _ in range(STEPS):
                result = model.train_on_batch(x if len(x) > 1 else x[0], y if len(y) > 1 else y[0])
                losses.append(float(listed(result)[0]))
            weights = [np.asarray(w) for w in in_order(model)]
            if np.isfinite(losses).all() and all(np.isfinite(w).all() and np.abs(w).max(initial=0) < 1e3 for w in weights if w.dtype.kind == "f"):
                record.update(losses=losses, weights=weights, trainable=len(model.trainable_weights))
                settings["steps"] = STEPS
                for i, array in enumerate(y):
                    np.save(os.path.join(folder, f"y_{i}.npy"), array)
        except Exception as error:
            record["untrained"] = f"{type(error).__name__}: {str(error)[:200]}"
    with open(os.path.join(folder, "case.json"), "w") as out:
        json.dump(settings, out)
    with open(os.path.join(folder, "record.pickle"), "wb") as out:
        pickle.dump(record, out)


def differences(found, expected, tolerance):
    if found.shape != expected.shape:
        return f"shape {found.shape} instead of {expected.shape}"
    if expected.dtype.kind not in "fiub":
        return None if (found == expected).all() else "values"
    scale = 1 + np.abs(expected.astype(np.float64)) if expected.size == 0 else np.maximum(1, np.abs(expected.astype(np.float64)).max())
    error = np.abs(found.astype(np.float64) - expected) / scale
    return None if error.size == 0 or error.max() <= tolerance else f"{error.max():.1e}"


def first_difference(a, b, path="$"):
    if isinstance(a, dict) and isinstance(b, dict):
        for key in list(a) + [k for k in b if k not in a]:
            if key == "build_config":
                continue
            if key not in a or key not in b:
                return f"{path}.{key}: {a.get(key, 'nothing')!r} became {b.get(key, 'nothing')!r}"
            found = first_difference(a[key], b[key], f"{path}.{key}")
            if found:
                return found
        return None
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return next((d for i, (x, y) in enumerate(zip(a, b)) if (d := first_difference(x, y, f"{path}[{i}]"))), None)
    if isinstance(a, float) and isinstance(b, (int, float)):
        return None if abs(a - b) <= 1e-6 * max(1, abs(a)) else f"{path}: {a!r} became {b!r}"
    return None if a == b and type(a) is type(b) else f"{path}: {str(a)[:200]!r} became {str(b)[:200]!r}"


def judge(folder):
    """What differs, as texts."""
    with open(os.path.join(folder, "record.pickle"), "rb") as file:
        record = pickle.load(file)
    if not os.path.exists(os.path.join(folder, "result.json")):
        return ["the program ended here"], record
    with open(os.path.join(folder, "result.json")) as file:
        result = json.load(file)
    problems = [f"{what}: {text}" for what, text in result.get("errors", {}).items()]
    if "load" in result.get("errors", {}):
        return problems, record
    load = lambda name: np.load(os.path.join(folder, name + ".npy"))
    for i, expected in enumerate(record["outputs"]):
        if os.path.exists(os.path.join(folder, f"output_{i}.npy")):
            wrong = differences(load(f"output_{i}"), expected, OUTPUTS)
            if wrong:
                problems.append(f"output {i} differs: {wrong}")
    if result.get("params") != record["params"]:
        problems.append(f"params: {record['params']} became {result.get('params')}")
    expected = record["config"]["config"]
    texts = [] if KERAS3 or "summary" not in result else [record["summary"]]
    is_equal = "config" not in result or not first_difference(expected, json.loads(result["config"])["config"])
    # Keras 3 has other summaries; SavedModels have the arguments of calls in alphabetical order.
    if not KERAS3 and record["file"] != "model" and not (is_equal and texts == [result.get("summary")]):
        # Keras's own reading of its file counts.
        keras.backend.clear_session()
        try:
            model = keras.models.load_model(os.path.join(folder, record["file"]))
            expected, texts = json.loads(model.to_json())["config"], texts and [summary_of(model)]
        except Exception as error:
            return problems + [f"LIMIT: Keras does not load it either: {type(error).__name__}: {str(error)[:200]}"], record
        if texts:
            # A length that Keras forgets where masks are may be known.
            lines = list(zip(texts[0].split("\n"), result["summary"].split("\n")))
            lines = [(a, b) for a, b in lines if a != b and ("None, None" not in a or "None, None" in b)]
            problems += [f"summary: {a!r} became {b!r}" for a, b in lines[:1]]
        wrong = first_difference(expected, json.loads(result["config"])["config"])
        if wrong:
            problems.append(f"config: {wrong}")
    if "losses" in record and "losses" in result:
        wrong = differences(np.asarray(result["losses"]), np.asarray(record["losses"]), OUTPUTS)
        if wrong:
            problems.append(f"losses differ: {record['losses']} became {result['losses']}")
        for i, expected in enumerate(record["weights"]):
            if expected.dtype.kind in "fiub":
                wrong = differences(load(f"weight_{i}"), expected, WEIGHTS)
                if wrong:
                    problems.append(f"weight {i} {expected.shape} differs: {wrong}")
    back = os.path.join(folder, result.get("back") or "nothing")
    if os.path.exists(back):
        keras.backend.clear_session()
        try:
            model = keras.models.load_model(back)
            found = predicted(model, arrays_of(folder))
            for i, expected in enumerate(record["outputs"]):
                wrong = differences(found[i], expected, OUTPUTS)
                if wrong:
                    problems.append(f"{os.path.basename(back)} in Keras: output {i} differs: {wrong}")
        except Exception as error:
            text = str(error).rpartition("Exception encountered: ")[2].strip()
            problems.append(f"{os.path.basename(back)} in Keras: {type(error).__name__}: {text[:300]}")
    return problems, record


def arrays_of(folder):
    with open(os.path.join(folder, "case.json")) as file:
        settings = json.load(file)
    return [
        np.load(os.path.join(folder, f"x_{i}.npy")) if value is None else np.array(value["strings"], object).reshape(value["shape"])
        for i, value in enumerate(settings["inputs"])
    ]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", nargs=2, type=int, default=(0, 1))
    parser.add_argument("--keep")
    parser.add_argument("--judge")
    parser.add_argument("classes", nargs="*")
    options = parser.parse_args()
    work = options.judge or options.keep or tempfile.mkdtemp()
    formats = [".keras"] if KERAS3 else [".h5", ".keras", ".h5", ".keras", ".h5", ".keras", ""]
    start, refused = time.time(), {}
    program = os.environ.get("KEROX_DRIVER") or workspace.example("differential_layers")
    if not options.judge:
        for class_name in options.classes or models.CLASSES:
            for seed in range(*options.seeds):
                folder = os.path.join(work, f"{class_name}-{seed}")
                if os.path.exists(os.path.join(folder, "case.json")):
                    continue
                for attempt in range(5):
                    try:
                        write(folder, seed, attempt, class_name, formats)
                        break
                    except Exception as error:
                        refused.setdefault(class_name, []).append(f"{type(error).__name__}: {str(error)[:200]}")
        print(f"Keras in {time.time() - start:.0f} s", flush=True)
    start = time.time()
    subprocess.run([program, work], check=False)
    print(f"kerox in {time.time() - start:.0f} s", flush=True)
    start, wrong, count, trained = time.time(), 0, 0, 0
    for name in sorted(os.listdir(work)):
        folder = os.path.join(work, name)
        if not os.path.exists(os.path.join(folder, "case.json")) or options.classes and name.split("-")[0] not in options.classes:
            continue
        problems, record = judge(folder)
        count, trained = count + 1, trained + ("losses" in record)
        wrong += bool(problems)
        for problem in problems:
            print("WRONG", name, record["file"], problem, flush=True)
    for class_name, reasons in refused.items():
        if len(reasons) == 5 * (options.seeds[1] - options.seeds[0]):
            print(f"no model of {class_name}: {reasons[0]}")
    if os.environ.get("KEROX_REFUSALS"):
        for class_name, reasons in refused.items():
            for reason in reasons:
                print("refused", class_name, reason.replace("\n", " "))
    total = sum(map(len, refused.values()))
    print(f"judged in {time.time() - start:.0f} s; {count} models, {trained} of them trained, {total} draws refused by Keras; {wrong} models differ")
    return bool(wrong) or not count


sys.exit(main())
