"""Writes golden/precision/keras3_*.json: training in every dtype policy, by real Keras 3.

A file holds small models with the predictions before, the loss of each of ten steps, the weights after them and the type
of each of the optimizer's variables.
"""

import json
import os
import sys

os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, ".."))

from arrays import write  # noqa: E402
from real import VERSIONS, array, integers, keras, np, plain, values  # noqa: E402

L, O = keras.layers, keras.optimizers
STEPS = 10


def dense():
    return [keras.Input((5,)), L.Dense(8, activation="tanh"), L.Dense(3)]


def images():
    return [keras.Input((6, 5, 2)), L.Conv2D(4, 3, activation="tanh", padding="same"), L.MaxPooling2D(), L.Flatten(), L.Dense(3)]


def normalized():
    return [keras.Input((5,)), L.Dense(8, activation="tanh", use_bias=False), L.BatchNormalization(), L.Dense(3)]


def normalizations():
    layers = [L.LayerNormalization(), L.GroupNormalization(2), L.RMSNormalization(), L.UnitNormalization()]
    return [keras.Input((5,)), L.Dense(8, activation="tanh"), *layers, L.Dense(3)]


def renormalized():
    return [keras.Input((5,)), L.Dense(8, activation="tanh"), L.BatchNormalization(renorm=True, renorm_momentum=0.8), L.Dense(3)]


def sequences():
    # There is no orthogonal initializer of type float16 and bfloat16.
    return [keras.Input((4, 5)), L.LSTM(4, recurrent_initializer="glorot_uniform"), L.Dense(3)]


def words():
    return [keras.Input((4,), dtype="int32"), L.Embedding(7, 3), L.GlobalAveragePooling1D(), L.Dense(3)]


# Layers, shape of a sample, loss.
MODELS = {
    "dense": (dense, (5,), "mse"),
    "images": (images, (6, 5, 2), "mse"),
    "normalized": (normalized, (5,), "mse"),
    "normalizations": (normalizations, (5,), "mse"),
    "renormalized": (renormalized, (5,), "mse"),
    "sequences": (sequences, (4, 5), "mse"),
    "words": (words, (4,), "mse"),
}
OPTIMIZERS = {
    "sgd": lambda: O.SGD(0.1, momentum=0.5),
    "adam": lambda: O.Adam(0.01, epsilon=1e-3),
    "rmsprop": lambda: O.RMSprop(0.01, epsilon=1e-3),
}


def run(policy, name, optimizer, samples=8):
    layers, shape, loss = MODELS[name]
    keras.backend.clear_session()
    keras.config.set_dtype_policy(policy)
    model = keras.Sequential(layers())
    draw = lambda i, w: values(*w.shape, key=f"{name}{i}", low=-0.7, high=0.7)  # noqa: E731
    is_statistic = lambda w: "batch_normalization" in w.path  # noqa: E731
    model.set_weights([w.numpy() if is_statistic(w) else draw(i, w) for i, w in enumerate(model.weights)])
    x = integers(samples, *shape, high=7, key=f"{name}x", dtype=np.int32) if name == "words" else values(samples, *shape, key=f"{name}x")
    y = values(samples, 3, key=f"{name}y")
    model.compile(OPTIMIZERS[optimizer](), loss)
    record = {
        "name": f"{name}_{optimizer}",
        "policy": policy,
        "model": plain(json.loads(model.to_json())),
        "compile": plain(json.loads(json.dumps(model.get_compile_config()))),
        "x": array(x),
        "y": array(y),
        "weights_before": [array(w) for w in model.weights],
        "predict_before": array(model.predict(x, verbose=0)),
        "losses": [],
    }
    for _ in range(STEPS):
        model.reset_metrics()
        record["losses"].append(float(model.train_on_batch(x, y)))
    record["weights_after"] = [array(w) for w in model.weights]
    record["predict_after"] = array(model.predict(x, verbose=0))
    record["optimizer_variables"] = [{"path": v.path, "dtype": v.dtype} for v in model.optimizer.variables]
    return record


def main():
    for policy in ("float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16"):
        # Adam takes 0.999 for a number of half precision, which in bfloat16 is 1, so that nothing moves.
        optimizers = [name for name in OPTIMIZERS if name != "adam" or policy not in ("float16", "bfloat16")]
        cases = [run(policy, name, optimizer) for name in MODELS for optimizer in optimizers]
        document = {"made_by": "golden/precision/keras3.py", "versions": VERSIONS, "cases": cases}
        write(os.path.join(FOLDER, f"keras3_{policy}.json"), document, "cases")


main()
