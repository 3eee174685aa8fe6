"""Writes golden/precision/*.json: training in every dtype policy, by real Keras 2.15.

A file holds one small model with the predictions before, the loss of each of ten steps and the weights after them.
"""

import json
import os
import sys

# Its layer normalization has no kernel for float16.
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, ".."))

from arrays import write  # noqa: E402
from real import VERSIONS, array, keras, np, plain, tf, values  # noqa: E402

L = keras.layers
STEPS = 10


def dense():
    return [L.Dense(8, activation="tanh", kernel_regularizer="l2", input_shape=(5,)), L.Dense(3)]


def normalized():
    return [L.Dense(8, activation="relu", input_shape=(5,)), L.BatchNormalization(), L.LayerNormalization(), L.Dense(3, activation="softmax")]


def images():
    return [L.Conv2D(4, 3, activation="relu", padding="same", input_shape=(6, 5, 2)), L.MaxPooling2D(), L.DepthwiseConv2D(2), L.Flatten(), L.Dense(3)]


def normalized_images():
    return [L.Conv2D(4, 3, input_shape=(6, 5, 2)), L.BatchNormalization(), L.Flatten(), L.Dense(3)]


def grouped():
    return [L.Dense(8, activation="tanh", input_shape=(5,)), L.GroupNormalization(2), L.UnitNormalization(), L.Dense(3)]


def renormalized():
    return [L.Dense(8, activation="tanh", input_shape=(5,)), L.BatchNormalization(renorm=True, renorm_momentum=0.8), L.Dense(3)]


def sequences():
    # There is no orthogonal initializer of type bfloat16.
    plain = dict(recurrent_initializer="glorot_uniform")
    return [L.LSTM(4, return_sequences=True, input_shape=(4, 5), **plain), L.GRU(4, **plain), L.Dense(3)]


# Layers, shape of a sample, loss.
MODELS = {
    "dense": (dense, (5,), "mse"),
    "normalized": (normalized, (5,), "categorical_crossentropy"),
    "images": (images, (6, 5, 2), "mae"),
    "normalized_images": (normalized_images, (6, 5, 2), "mse"),
    "sequences": (sequences, (4, 5), "mse"),
    "grouped": (grouped, (5,), "mse"),
    "renormalized": (renormalized, (5,), "mse"),
}


def run(policy, name, optimizer, scale=1.0, samples=8):
    """Ten steps on one batch; `scale` multiplies the targets, so that scaled gradients may not be finite."""
    layers, shape, loss = MODELS[name]
    keras.backend.clear_session()
    keras.mixed_precision.set_global_policy(policy)
    model = keras.Sequential(layers())
    model.set_weights([values(*w.shape, key=f"{name}{i}", low=-0.7, high=0.7) for i, w in enumerate(model.get_weights())])
    for layer in model.layers:
        if isinstance(layer, L.BatchNormalization):
            n = layer.weights[0].shape[0]
            values_of = [np.ones(n), np.zeros(n), np.zeros(n), np.ones(n)]
            layer.set_weights(values_of + [np.ones(n), np.zeros(n), np.ones(n)] * layer.renorm)
    x, y = values(samples, *shape, key=f"{name}x"), values(samples, 3, key=f"{name}y") * np.float32(scale)
    if loss == "categorical_crossentropy":
        y = np.eye(3, dtype=np.float32)[np.argmax(y, -1)]
    model.compile(optimizer(), loss)
    record = {
        "name": name if scale == 1 else f"{name}_scaled",
        "policy": policy,
        "config": plain(json.loads(model.to_json())),
        "loss": loss,
        "metrics": [],
        "optimizer": plain(keras.optimizers.serialize(model.optimizer)),
        "x": array(x),
        "y": array(y),
        "weights_before": [array(w) for w in model.weights],
        "predict_before": array(model.predict(x, verbose=0)),
    }
    record["losses"] = [float(model.train_on_batch(x, y)) for _ in range(STEPS)]
    record["weights_after"] = [array(w) for w in model.weights]
    record["predict_after"] = array(model.predict(x, verbose=0))
    wrapped = isinstance(model.optimizer, keras.mixed_precision.LossScaleOptimizer)
    record["loss_scale"] = float(model.optimizer.loss_scale) if wrapped else None
    inner = model.optimizer.inner_optimizer if wrapped else model.optimizer
    record["iterations"] = int(inner.iterations)
    record["optimizer_variables"] = [{"name": v.name.split(":")[0], "dtype": v.dtype.name} for v in inner.variables]
    return record


def is_recorded(name, policy):
    # Keras has no renormalization in float64.
    return name != {"float64": "renormalized"}.get(policy, "normalized_images")


def main():
    for policy in ("float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16"):
        cases = [run(policy, name, lambda: keras.optimizers.SGD(0.1, momentum=0.5)) for name in MODELS if is_recorded(name, policy)]
        # In pure half precision Adam's second moments underflow, and what Keras does then is no training.
        if policy not in ("float16", "bfloat16"):
            cases.append({**run(policy, "dense", lambda: keras.optimizers.Adam(0.01)), "name": "dense_adam"})
        if policy == "mixed_float16":
            # One sample: no sums, whose order would decide which of them are finite.
            cases.append(run(policy, "dense", lambda: keras.optimizers.SGD(0.001), 20.0, 1))
        write(os.path.join(FOLDER, policy + ".json"), {"made_by": "golden/precision/make.py", "versions": VERSIONS, "cases": cases}, "cases")


main()
