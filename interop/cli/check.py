"""Real Keras writes models; the `kerox` command looks into them, predicts, evaluates, trains and converts with equal
numbers; Keras loads what the command wrote. Run by TensorFlow 2.15 (Keras 2) and, as the word also-tf221 asks, by
TensorFlow 2.21 (Keras 3)."""
import hashlib
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import h5py
import keras
import numpy as np
import tensorflow as tf
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import workspace

K3 = keras.__version__.startswith("3")
KEROX = workspace.command()
problems = []
done = 0


def kerox(*args, code=0):
    result = subprocess.run([KEROX, *map(str, args)], capture_output=True, text=True, timeout=600)
    if result.returncode != code:
        text = f"kerox {' '.join(map(str, args))}: exit {result.returncode}, expected {code}: {result.stderr.strip()}"
        raise AssertionError(text)
    return result.stdout


def check(name, function):
    """Runs one question; all are asked whatever fails."""
    global done
    try:
        function()
        done += 1
    except Exception as error:
        problems.append(f"{name}: {type(error).__name__}: {error}"[:600])


def close(found, expected, tolerance=1e-5):
    found, expected = np.asarray(found, "f8"), np.asarray(expected, "f8")
    assert found.shape == expected.shape, f"shape {found.shape}, expected {expected.shape}"
    wrong = np.max(np.abs(found - expected) / (1 + np.abs(expected)), initial=0)
    assert wrong <= tolerance, f"off by {wrong:.3g}, allowed {tolerance:g}"


L = keras.layers


def snake(class_name):
    return re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z0-9]+)", r"\1_\2", class_name)).lower()


def mlp():
    model = keras.Sequential([keras.Input((6,)), L.Dense(8, activation="relu"), L.Dense(3)], name="mlp")
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model, [rng.normal(size=(50, 6)).astype("f4")], [rng.integers(0, 3, 50)]


def two_ends():
    a, b = keras.Input((4,), name="a"), keras.Input((5,), name="b")
    both = L.Concatenate(name="both")([L.Dense(6, activation="tanh", name="da")(a), L.Dense(6, name="db")(b)])
    one = L.Dense(1, activation="sigmoid", name="one")(both)
    two = L.Dense(2, name="two")(L.LayerNormalization(name="ln")(both))
    model = keras.Model([a, b], [one, two], name="two_ends")
    # Keras 3 cannot load its own HDF5 files with losses and metrics by short names.
    losses = {"one": keras.losses.BinaryCrossentropy(), "two": keras.losses.MeanSquaredError()}
    metrics = {"one": ["accuracy"], "two": [keras.metrics.MeanAbsoluteError(name="mae")]}
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), losses, metrics=metrics)
    x = [rng.normal(size=(40, 4)).astype("f4"), rng.normal(size=(40, 5)).astype("f4")]
    return model, x, [rng.integers(0, 2, (40, 1)).astype("f4"), rng.normal(size=(40, 2)).astype("f4")]


def cnn():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            L.Conv2D(4, 3, padding="same", use_bias=False),
            L.BatchNormalization(),
            L.ReLU(),
            L.MaxPooling2D(),
            L.Flatten(),
            L.Dense(2, activation="softmax"),
        ],
        name="cnn",
    )
    model.compile(keras.optimizers.RMSprop(0.01), "categorical_crossentropy", metrics=["categorical_accuracy"])
    return model, [rng.normal(size=(36, 8, 8, 2)).astype("f4")], [np.eye(2, dtype="f4")[rng.integers(0, 2, 36)]]


def text():
    model = keras.Sequential(
        [keras.Input((7,), dtype="int32"), L.Embedding(11, 5), L.LSTM(4), L.Dense(1)], name="text"
    )
    model.compile(keras.optimizers.Adagrad(0.05), "huber", metrics=[keras.metrics.MeanSquaredError(name="mse")])
    return model, [rng.integers(0, 11, (33, 7)).astype("i4")], [rng.normal(size=(33, 1)).astype("f4")]


def one(list_):
    return list_[0] if len(list_) == 1 else list_


def listed(values):
    return list(values) if isinstance(values, (list, tuple)) else [values]


def load(path):
    return keras.models.load_model(path)


def arrays(folder, kind, list_):
    paths = [f"{folder}/{kind}{i}.npy" for i in range(len(list_))]
    for path, array in zip(paths, list_):
        np.save(path, array)
    return paths


def outputs(folder):
    return [np.load(f"{folder}/out_{i}.npy") for i in range(len(os.listdir(folder)))]


def ask(make, folder):
    global rng
    rng = np.random.default_rng(7)
    keras.utils.set_random_seed(3)
    model, x, y = make()
    name = model.name
    model.fit(one(x), one(y), epochs=1, batch_size=16, shuffle=False, verbose=0)
    xs, ys = arrays(folder, "x", x), arrays(folder, "y", y)
    expected = listed(model.predict(one(x), verbose=0))
    # A loaded model is the measure: loading is where Keras itself changes what `accuracy` means.
    wholes = [f"{folder}/m.h5", f"{folder}/m.keras"]
    # The `.keras` file first: saving HDF5 makes Keras 3 forget the optimizer's configuration.
    for path in reversed(wholes):
        model.save(path)
    weights = [f"{folder}/w.weights.h5"]
    model.save_weights(weights[0])
    if K3:
        model.export(f"{folder}/saved", verbose=False)
    else:
        model.save(f"{folder}/saved", save_format="tf")
        model.save_weights(f"{folder}/cp.ckpt")
        model.save_weights(f"{folder}/w.h5")
        weights += [f"{folder}/cp.ckpt", f"{folder}/w.h5"]
    with open(f"{folder}/m.json", "w") as file:
        file.write(model.to_json())

    def predict(*args, tolerance=1e-5):
        out = tempfile.mkdtemp(dir=folder)
        kerox("predict", *args, "--input", *xs, "--output-dir", out, "--batch-size", 16)
        for found, value in zip(outputs(out), expected, strict=True):
            close(found, value, tolerance)

    for path in wholes:
        short = f"{name} {os.path.basename(path)}"
        check(f"{short} predict", lambda: predict(path))

        def evaluate():
            found = json.loads(kerox("evaluate", path, "--x", *xs, "--y", *ys, "--batch-size", 16, "--json"))
            # The numbers of the model that wrote the file (Keras 2 resolves `accuracy` wrongly after loading HDF5), under
            # the names of the loaded one (Keras 2 names metric objects of several outputs twice in `.keras` files).
            wanted = model.evaluate(one(x), one(y), batch_size=16, verbose=0, return_dict=True)
            if not K3:
                names = load(path).evaluate(one(x), one(y), batch_size=16, verbose=0, return_dict=True)
                wanted = dict(zip(names, wanted.values(), strict=True))
            assert sorted(found) == sorted(wanted), f"{sorted(found)}, expected {sorted(wanted)}"
            for key in wanted:
                # Keras 3 averages the losses of single outputs over batches of unlike size as if they were alike.
                if K3 and key.endswith("_loss"):
                    continue
                assert abs(found[key] - wanted[key]) <= 1e-5 * (1 + abs(wanted[key])), f"{key}: {found}, expected {wanted}"

        check(f"{short} evaluate", evaluate)

        def fit():
            suffix = path[path.rindex(".") :]
            # What Keras 3 loads from HDF5 it cannot train.
            again = load(wholes[1] if K3 else path)
            history = again.fit(one(x), one(y), epochs=3, batch_size=16, shuffle=False, verbose=0).history
            args = ["--epochs", 3, "--batch-size", 16, "--no-shuffle", "--history", f"{folder}/history.json"]
            tuned = f"{folder}/tuned{suffix}"
            kerox("fit", path, "--x", *xs, "--y", *ys, "--output", tuned, *args)
            with open(f"{folder}/history.json") as file:
                close(json.load(file)["loss"], history["loss"], 1e-3)
            for found, value in zip(load(tuned).get_weights(), again.get_weights(), strict=True):
                close(found, value, 1e-3)
            if not K3 or suffix == ".keras":
                # The optimizer goes on from what was written: its step counts are equal.
                assert int(load(tuned).optimizer.iterations) == int(again.optimizer.iterations)
            kerox("diff", path, tuned, code=1)

        check(f"{short} fit", fit)

        for target in ["c.h5", "c.keras"]:

            def convert():
                new = f"{folder}/{target}"
                kerox("convert", path, new, "--dialect", "keras3" if K3 else "keras2", "--strict")
                for found, value in zip(listed(load(new).predict(one(x), verbose=0)), expected, strict=True):
                    close(found, value, 1e-6)
                # Keras 3 reads no optimizer's state out of HDF5.
                if not K3 or target == "c.keras":
                    for a, b in zip(load(new).optimizer.variables, model.optimizer.variables, strict=True):
                        close(np.asarray(a), np.asarray(b), 1e-7)
                kerox("diff", path, new)
                kerox("verify", new)

            check(f"{short} to {target}", convert)

    for path in weights:
        short = f"{name} m.json with {os.path.basename(path)}"
        check(f"{short} predict", lambda: predict(f"{folder}/m.json", "--weights", path))

    def saved_model():
        if not K3:
            predict(f"{folder}/saved")
        signature = "serving_default"
        loaded = tf.saved_model.load(f"{folder}/saved").signatures[signature]
        wanted = {key: value.numpy() for key, value in call(loaded, model, x).items()}
        out = tempfile.mkdtemp(dir=folder)
        named = [f"{key}={file}" for key, file in zip(signature_inputs(loaded, model), xs)]
        kerox("predict", f"{folder}/saved", "--signature", signature, "--input", *named, "--output-dir", out)
        assert sorted(os.listdir(out)) == sorted(f"{key}.npy" for key in wanted), os.listdir(out)
        for key, value in wanted.items():
            close(np.load(f"{out}/{key}.npy"), value)

    check(f"{name} SavedModel predict", saved_model)

    def weights_only():
        dialect = "keras3" if K3 else "keras2"
        fresh = keras.models.model_from_json(model.to_json())
        kerox("convert", wholes[0], f"{folder}/o.weights.h5", "--dialect", dialect)
        fresh.load_weights(f"{folder}/o.weights.h5")
        for found, value in zip(fresh.get_weights(), model.get_weights(), strict=True):
            close(found, value, 0)
        kerox("convert", wholes[0], f"{folder}/o.json", "--dialect", dialect)
        with open(f"{folder}/o.json") as file:
            again = keras.models.model_from_json(file.read())
        assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
        kerox("convert", wholes[0], f"{folder}/o.safetensors")
        predict(f"{folder}/o.safetensors", tolerance=1e-6)
        if not K3:
            kerox("convert", wholes[0], f"{folder}/o.ckpt", "--shards", 2)
            fresh = keras.models.model_from_json(model.to_json())
            fresh.load_weights(f"{folder}/o.ckpt").expect_partial()
            for found, value in zip(fresh.get_weights(), model.get_weights(), strict=True):
                close(found, value, 0)

    check(f"{name} weights to other formats", weights_only)

    def bare():
        # Weights without an architecture, as far as their names allow it.
        default_names = all(re.sub(r"_\d+$", "", l.name) == snake(type(l).__name__) for l in model.layers if l.weights)
        for source in ["w.h5", "cp.ckpt"]:
            for target in ["b.h5", "b.weights.h5", "b.ckpt", "b.safetensors"]:
                strict = source == "w.h5"
                if target == "b.weights.h5" and not default_names:
                    kerox("convert", f"{folder}/{source}", f"{folder}/{target}", code=1)
                    continue
                kerox("convert", f"{folder}/{source}", f"{folder}/{target}", *(["--strict"] if strict else []))
                # The optimizer's state goes from checkpoint to checkpoint alone.
                kerox("diff", f"{folder}/{source}", f"{folder}/{target}", code=int(not strict and target != "b.ckpt"))
                if target == "b.safetensors":
                    predict(f"{folder}/m.json", "--weights", f"{folder}/{target}")
                    for again in ["c.h5", "c.ckpt"]:
                        kerox("convert", f"{folder}/{target}", f"{folder}/{again}")
                        loads(f"{folder}/{again}")
                    continue
                loads(f"{folder}/{target}")

    def loads(path):
        fresh = keras.models.model_from_json(model.to_json())
        fresh.set_weights([0 * w for w in fresh.get_weights()])
        status = fresh.load_weights(path)
        if status is not None:
            status.assert_existing_objects_matched().expect_partial()
        for found, value in zip(fresh.get_weights(), model.get_weights(), strict=True):
            close(found, value, 0)

    if not K3:
        check(f"{name} weights alone to other formats", bare)

    def to_saved_model():
        kerox("convert", wholes[1], f"{folder}/served", "--format", "savedmodel")
        loaded = tf.saved_model.load(f"{folder}/served").signatures["serving_default"]
        found = call(loaded, model, x)
        for value in expected:
            assert any(v.shape == value.shape and np.allclose(v, value, atol=1e-5) for v in found.values())
        predict(f"{folder}/served")
        if not K3:
            for value, wanted in zip(listed(load(f"{folder}/served").predict(one(x), verbose=0)), expected, strict=True):
                close(value, wanted)

    check(f"{name} to a SavedModel", to_saved_model)

    if not K3:

        def summary():
            lines = []
            load(wholes[0]).summary(print_fn=lambda line: lines.append(line))
            assert kerox("summary", wholes[0]) == "\n".join(lines) + "\n"

        check(f"{name} summary", summary)

    check(f"{name} inspect", lambda: inspect(folder, model))
    check(f"{name} damage", lambda: damage(folder))


def signature_inputs(loaded, model):
    """The names of a signature's inputs in the model's order."""
    keys = list(loaded.structured_input_signature[1])
    names = [tensor.name.split(":")[0] for tensor in model.inputs]
    return sorted(keys, key=lambda key: names.index(key) if key in names else keys.index(key))


def call(loaded, model, x):
    specs = loaded.structured_input_signature[1]
    return loaded(**{key: tf.constant(a, specs[key].dtype) for key, a in zip(signature_inputs(loaded, model), x)})


def digest(array):
    # numpy drops zero bytes at the end of strings.
    array = np.asarray(array, object if isinstance(array, bytes) else None)
    if array.dtype.kind in "OSU":
        items = [item.encode() if isinstance(item, str) else bytes(item) for item in array.ravel()]
        raw = b"".join(struct.pack("<Q", len(item)) + item for item in items)
    else:
        raw = np.ascontiguousarray(array).tobytes()
    return hashlib.sha256(raw).hexdigest()


def inspect(folder, model):
    found = json.loads(kerox("inspect", f"{folder}/m.h5", "--json"))
    assert found["format"] == "keras-h5" and found["keras_version"] == keras.__version__, found["keras_version"]
    assert found["class_name"] == type(model).__name__ and found["training_config"]["loss"]
    counts = {layer["name"]: layer["params"] for layer in found["layers"]}
    assert all(counts[layer.name] == layer.count_params() for layer in model.layers), counts
    wanted = {}
    with h5py.File(f"{folder}/m.h5") as file:
        file.visititems(lambda key, item: wanted.update({key: item[()]}) if isinstance(item, h5py.Dataset) else None)
    compare_digests(found["tensors"], wanted)
    counts = {l["name"]: l["params"] for l in json.loads(kerox("inspect", f"{folder}/m.keras", "--json"))["layers"]}
    assert all(counts[layer.name] == layer.count_params() for layer in model.layers), counts
    if not K3:
        for path, format_ in [(f"{folder}/cp.ckpt", "tf-checkpoint"), (f"{folder}/saved", "saved-model")]:
            found = json.loads(kerox("inspect", path, "--json"))
            assert found["format"] == format_, found["format"]
            prefix = path if format_ == "tf-checkpoint" else f"{path}/variables/variables"
            reader = tf.train.load_checkpoint(prefix)
            compare_digests(found["tensors"], {k: reader.get_tensor(k) for k in reader.get_variable_to_shape_map()})


def compare_digests(tensors, wanted):
    assert [t["name"] for t in tensors] == sorted(wanted), [t["name"] for t in tensors]
    for tensor in tensors:
        value = np.asarray(wanted[tensor["name"]])
        assert tensor["shape"] == list(value.shape), tensor
        assert tensor["dtype"] == (value.dtype.name if value.dtype.kind not in "OSU" else "string"), tensor
        assert tensor["sha256"] == digest(wanted[tensor["name"]]), tensor


def damage(folder):
    with open(f"{folder}/m.keras", "rb") as file:
        content = bytearray(file.read())
    content[len(content) // 2] ^= 0xFF
    with open(f"{folder}/bad.keras", "wb") as file:
        file.write(content)
    found = json.loads(kerox("verify", f"{folder}/bad.keras", "--json", code=1))
    assert not found["ok"] and found["problems"]
    for name in os.listdir(folder):
        path = f"{folder}/{name}"
        if name.startswith("m.") or name in ("saved", "w.weights.h5", "w.h5"):
            assert json.loads(kerox("verify", path, "--json")) == {"ok": True, "problems": []}, path


for make in [mlp, two_ends, cnn, text]:
    with tempfile.TemporaryDirectory() as folder:
        check(make.__name__, lambda: ask(make, folder))
print(f"Keras {keras.__version__}: {done} questions answered as expected, {len(problems)} not")
for problem in problems:
    print("  " + problem)
sys.exit(bool(problems))
