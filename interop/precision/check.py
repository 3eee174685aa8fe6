"""Models of every dtype policy in files of every format, both ways: Keras writes, kerox reads and writes, Keras reads.

Of each policy a small model is trained (with a loss scale where Keras takes one by itself) and saved in every format of this
Keras. kerox predicts from each of them and makes each of the other formats of it. Keras loads what kerox wrote: equal weights,
the same predictions within what the policy's type can tell, the same optimizer variables. What Keras loses of its own files,
kerox's may lose there; nothing else.

    python interop/precision/check.py [policy]...
"""
# also-tf221
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import keras
import numpy as np
import tensorflow as tf

tf.get_logger().setLevel("ERROR")
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import workspace

L = keras.layers
KERAS3 = keras.__version__.startswith("3")
# How far apart predictions of a few layers may be.
POLICIES = {"float64": 1e-6, "float16": 4e-3, "bfloat16": 3e-2, "mixed_float16": 4e-3, "mixed_bfloat16": 3e-2}
# What holds a whole model, and what holds weights for one. (Keras 3 takes the optimizer out of a model that it writes as HDF5.)
WHOLE = ["m.keras", "m.h5"] if KERAS3 else ["m.h5", "m.keras", "saved_model"]
WEIGHTS = ["w.weights.h5"] if KERAS3 else ["w.weights.h5", "w.h5", "ckpt/w"]
x = np.random.default_rng(5).normal(size=(12, 5, 4)).astype("float32")
y = np.random.default_rng(6).normal(size=(12, 2)).astype("float32")
problems, counts = [], {"predictions": 0, "loads": 0, "limits": 0}


def build():
    return keras.Sequential([
        keras.Input((5, 4)), L.Conv1D(4, 2, padding="same", activation="relu", name="convolution"), L.BatchNormalization(name="statistics"),
        L.LSTM(3, return_sequences=True, recurrent_initializer="glorot_uniform", name="recurrent"), L.LayerNormalization(name="norm"),
        L.Flatten(name="flat"), L.Dense(2, name="last"),
    ])


def numbers(array):
    return np.asarray(array).astype("float64")


def variables(model):
    if model.optimizer is None:
        return []
    found = model.optimizer.variables
    return [numbers(v) for v in (found() if callable(found) else found)]


def weights(model):
    return [numbers(w) for w in model.get_weights()]


def predictions(model):
    return numbers(model(x, training=False))


def equal(a, b):
    return len(a) == len(b) and all(u.shape == v.shape and np.array_equal(u, v) for u, v in zip(a, b))


def close(a, b, tolerance):
    return a.shape == b.shape and np.all(np.abs(a - b) <= tolerance * (1 + np.abs(b)))


def load(path, model, compiled=True):
    """The model in a file; `model` gives one for files of weights."""
    if os.path.basename(path).startswith("w"):
        loaded = model(compiled)
        loaded.set_weights([np.zeros_like(w) for w in loaded.get_weights()])
        loaded.load_weights(path)
        return loaded
    loaded = keras.models.load_model(path)
    if os.path.isdir(path):
        # What a checkpoint holds of the optimizer is restored when its variables are made.
        build_optimizer(loaded)
    return loaded


class Saved:
    """What Keras wrote of one policy."""

    def __init__(self, policy, folder):
        self.policy, self.folder = policy, folder
        set_policy(policy)
        keras.utils.set_random_seed(9)
        model = self.model()
        model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
        self.weights, self.variables, self.predictions = weights(model), variables(model), predictions(model)
        self.files = []
        for name in WEIGHTS + WHOLE:
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            try:
                if name in WEIGHTS:
                    model.save_weights(path)
                elif name == "saved_model":
                    model.save(path, save_format="tf")
                else:
                    model.save(path)
                self.files.append(name)
            except Exception as error:
                counts["limits"] += 1
                print("LIMIT", policy, "Keras does not write", name + ":", reason(error), flush=True)
        with open(os.path.join(folder, "m.json"), "w") as file:
            file.write(model.to_json())
        # What Keras restores of its own files.
        self.own = {}
        for name in self.files:
            try:
                own = load(os.path.join(folder, name), self.model)
                self.own[name] = (equal(weights(own), self.weights), equal(variables(own), self.variables))
            except Exception as error:
                self.own[name] = None
                counts["limits"] += 1
                print("LIMIT", policy, "Keras does not read its own", name + ":", reason(error), flush=True)
        set_policy("float32")

    def model(self, compiled=True):
        set_policy(self.policy)
        model = build()
        if not compiled:
            set_policy("float32")
            return model
        model.compile(keras.optimizers.Adam(0.01), keras.losses.MeanSquaredError(), run_eagerly=True)
        # The optimizer's variables come with the first step.
        build_optimizer(model)
        set_policy("float32")
        return model


def build_optimizer(model):
    optimizer = model.optimizer
    optimizer = getattr(optimizer, "inner_optimizer", optimizer) if not KERAS3 else optimizer
    optimizer.build(model.trainable_variables)


def set_policy(policy):
    (keras.config.set_dtype_policy if KERAS3 else keras.mixed_precision.set_global_policy)(policy)


def reason(error):
    return f"{type(error).__name__} {str(error).strip().splitlines()[0] if str(error).strip() else ''}"[:200]


def kerox(*arguments):
    done = subprocess.run([kerox.path, *arguments], capture_output=True, text=True)
    return (done.stdout + done.stderr).strip() if done.returncode else None


kerox.path = None


def problem(*words):
    problems.append(" ".join(words))
    print("PROBLEM", problems[-1], flush=True)


def check(saved):
    at = lambda *parts: os.path.join(saved.folder, *parts)
    tolerance = POLICIES[saved.policy]
    np.save(at("x.npy"), x)
    for source in saved.files:
        label = f"{saved.policy} {source}"
        given = [at("m.json"), "--weights", at(source)] if source in WEIGHTS else [at(source)]
        wrong = kerox("predict", *given, "--input", at("x.npy"), "--output", at("y.npy"))
        if wrong:
            problem(label, "predict:", wrong)
            continue
        if not close(numbers(np.load(at("y.npy"))), saved.predictions, tolerance):
            problem(label, f"predictions are off by {np.abs(numbers(np.load(at('y.npy'))) - saved.predictions).max():.3g}")
        counts["predictions"] += 1
        # By way of safetensors, too, which Keras does not read.
        steps = [(source, given, saved.files)]
        if source in WEIGHTS:
            steps = [(source, given, [name for name in saved.files if name in WEIGHTS])]
        elif source == "m.keras":
            between = at("m.safetensors")
            wrong = kerox("convert", *given, between)
            if wrong:
                problem(label, "convert to safetensors:", wrong)
            else:
                steps.append(("m.safetensors", [between], ["m.keras"]))
        for name, given, targets in steps:
            for target in targets:
                # Keras takes long to load these.
                if target != "saved_model" or name == "m.keras":
                    keras_loads(saved, name, given, target, tolerance)


def keras_loads(saved, source, given, target, tolerance):
    label = f"{saved.policy} {source} -> {target}"
    path = os.path.join(saved.folder, "out", source.replace("/", "_"), target)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    # An architecture of Keras 2 does not say which optimizer weights are of; the same form again needs none.
    has_optimizer = source != "w.h5" and (KERAS3 or source not in WEIGHTS or source == target)
    given = [os.path.join(saved.folder, source)] if source == target else given
    wrong = kerox("convert", *given, path, *(["--format", "ckpt"] if target == "ckpt/w" else []))
    if wrong:
        return problem(label, "convert:", wrong)
    try:
        loaded = load(path, saved.model, has_optimizer)
    except Exception as error:
        if saved.own[target] is not None:
            problem(label, "Keras:", reason(error))
        return
    counts["loads"] += 1
    own_weights, own_variables = saved.own[target] or (False, False)
    if not equal(weights(loaded), saved.weights) and own_weights:
        problem(label, "weights differ")
    if not close(predictions(loaded), saved.predictions, tolerance) and own_weights:
        problem(label, "predictions differ")
    # Of its own SavedModels Keras restores no optimizer, of kerox's it does.
    if (own_variables or target == "saved_model") and has_optimizer:
        found = variables(loaded)
        if not equal(found, saved.variables):
            problem(label, f"optimizer: {len(found)} variables, {len(saved.variables)} expected,",
                    str([i for i, (a, b) in enumerate(zip(found, saved.variables)) if a.shape != b.shape or not np.array_equal(a, b)]), "differ")


def main(wanted):
    kerox.path = workspace.command()
    with tempfile.TemporaryDirectory() as folder:
        for policy in wanted or POLICIES:
            keras.backend.clear_session()
            place = os.path.join(folder, policy)
            os.makedirs(place)
            check(Saved(policy, place))
    print(f"{counts['predictions']} predictions, {counts['loads']} loads by Keras {keras.__version__}, {counts['limits']} limits of Keras, "
          f"{len(problems)} problems")
    return 1 if problems else 0


sys.exit(main(sys.argv[1:]))
