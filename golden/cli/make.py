"""What real Keras says about the files of golden/: predictions, losses, training, tensors and tables that the tests of
the `kerox` command compare with. Run by Keras 2.15 and by Keras 3; each writes its own part.

    <tf215>/bin/python golden/cli/make.py && <tf221>/bin/python golden/cli/make.py
"""
import hashlib
import io
import json
import os
import struct
import sys
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import h5py
import keras
import numpy as np
import tensorflow as tf

here = os.path.dirname(os.path.abspath(__file__))
golden = os.path.dirname(here)
K3 = keras.__version__.startswith("3")
rng = np.random.default_rng(20)
x = rng.normal(size=(10, 8)).astype("f4")
y = rng.integers(0, 4, 10)
L = keras.layers


def data():
    """Arrays in every form that numpy writes."""
    np.save(f"{here}/x.npy", x)
    np.save(f"{here}/x_fortran_f8.npy", np.asfortranarray(x.astype("f8")))
    np.save(f"{here}/x_big_endian.npy", x.astype(">f4"))
    np.savez_compressed(f"{here}/data.npz", x=x, y=y)
    np.save(f"{here}/y.npy", y)
    np.save(f"{here}/weight.npy", np.linspace(0.5, 1.5, 10).astype("f4"))
    np.save(f"{here}/words_unicode.npy", np.array(["to", "be", "or", "n\u00f6"]))
    np.save(f"{here}/words_bytes.npy", np.array([b"to", b"be", b"or", "n\u00f6".encode()]))


def trainable():
    """Models without anything random."""
    model = keras.Sequential([keras.Input((8,)), L.Dense(6, activation="relu"), L.Dense(4)], name="tune")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    model.fit(x, y, epochs=1, batch_size=4, shuffle=False, verbose=0)
    return model


def digest(array):
    # numpy drops zero bytes at the end of strings.
    array = np.asarray(array, object if isinstance(array, bytes) else None)
    if array.dtype.kind in "OSU":
        raw = b"".join(struct.pack("<Q", len(item)) + item for item in map(bytes, array.ravel()))
    else:
        raw = np.ascontiguousarray(array).tobytes()
    dtype = "string" if array.dtype.kind in "OSU" else array.dtype.name
    shape = list(array.shape)
    return {"dtype": dtype, "shape": shape, "bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}


def h5_tensors(file):
    found = {}
    with h5py.File(file) as h5:
        h5.visititems(lambda key, item: found.update({key: digest(item[()])}) if isinstance(item, h5py.Dataset) else None)
    return [{"name": key, **found[key]} for key in sorted(found)]


def ckpt_tensors(prefix):
    reader = tf.train.load_checkpoint(prefix)
    keys = sorted(reader.get_variable_to_shape_map())
    return [{"name": key, **digest(reader.get_tensor(key))} for key in keys]


def tensors(name):
    path = f"{golden}/{name}"
    if name.endswith(".keras"):
        with zipfile.ZipFile(path) as archive:
            return h5_tensors(io.BytesIO(archive.read("model.weights.h5")))
    if os.path.isdir(path):
        return ckpt_tensors(f"{path}/variables/variables")
    return h5_tensors(path) if name.endswith(".h5") else ckpt_tensors(path)


def answers(name):
    """What a whole model computes."""
    model = keras.models.load_model(f"{golden}/{name}")
    lines = []
    model.summary(print_fn=lambda line, **_: lines.append(line))
    found = {"predict": model.predict(x, verbose=0).tolist()}
    # The loss function of the file, and the accuracy that its labels mean.
    logits = tf.constant(found["predict"])
    losses = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")(y, logits).numpy()
    hits = np.argmax(logits, -1) == y
    found["evaluate"] = {"loss": float(losses.mean()), "accuracy": float(hits.mean())}
    if not K3:
        found["summary"] = "\n".join(lines) + "\n"
    return found


def fit(name):
    model = keras.models.load_model(f"{golden}/{name}")
    # Keras 2.15 takes `accuracy` of an HDF5 file for another metric: it is compiled anew, with its optimizer's state.
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(model.optimizer, loss, metrics=["accuracy"])
    run = model.fit(x, y, epochs=3, batch_size=4, shuffle=False, verbose=0, validation_split=0.2)
    return {"history": run.history, "predict": model.predict(x, verbose=0).tolist()}


if K3:
    wholes = ["h5/k315_model.h5", "keras/k315_model.keras"]
    others = ["h5/k315_w.weights.h5"]
    tuned = ["cli/tune_k3.keras"]
else:
    data()
    wholes = ["h5/k215_model.h5", "h5/k215_legacy_adam_model.h5", "keras/k215_model.keras", "savedmodel/mlp"]
    others = ["h5/k215_w.weights.h5", "h5/k215_weights.h5", "ckpt/mlp_adam/cp.ckpt", "ckpt/mlp_legacy_adam/cp.ckpt"]
    others += ["ckpt/tables/merged", "savedmodel/module"]
    tuned = ["cli/tune_k2.h5", "cli/tune_k2.keras"]
keras.utils.set_random_seed(5)
model = trainable()
for name in tuned:
    model.save(f"{golden}/{name}")
found = {"version": keras.__version__, "answers": {}, "tensors": {}, "fit": {}}
for name in wholes:
    found["answers"][name] = answers(name)
for name in wholes + others:
    found["tensors"][name] = tensors(name)
for name in tuned:
    found["fit"][name] = fit(name)
if not K3:
    # The architecture alone, with the weights of each format.
    json_model = keras.models.load_model(f"{golden}/h5/k215_model.h5")
    with open(f"{here}/mlp.json", "w") as file:
        file.write(json_model.to_json())
    for name in ["h5/k215_w.weights.h5", "h5/k215_weights.h5"]:
        json_model.load_weights(f"{golden}/{name}")
        found["answers"][f"cli/mlp.json+{name}"] = {"predict": json_model.predict(x, verbose=0).tolist()}
    weighted = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    weights = np.load(f"{here}/weight.npy")
    logits = np.array(found["answers"]["h5/k215_model.h5"]["predict"], "f4")
    found["weighted_loss"] = float(weighted(y, logits, weights).numpy())
with open(f"{here}/{'keras3' if K3 else 'keras2'}.json", "w") as file:
    json.dump(found, file, indent=1)
    file.write("\n")
print(f"Keras {keras.__version__}: {len(wholes)} models, {len(found['tensors'])} files", file=sys.stderr)
