"""Writes golden/quantized/*: models that Keras 3 has quantized, what they predict and how they train on.

    <environment with TensorFlow 2.21.0, Keras 3.15.1>/bin/python golden/quantized/make.py
"""

import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, ".."))

from real import keras, np, values  # noqa: E402

L = keras.layers
Q = keras.quantizers
MODES = {
    "int8": ("int8", None),
    "int4": ("int4", None),
    "int4_columns": ("int4", Q.Int4QuantizationConfig(block_size=None)),
    "float8": ("float8", None),
}


def model():
    ids = keras.Input((4,), dtype="int32", name="ids")
    x = L.Embedding(9, 5, name="embedding")(ids)
    x = L.EinsumDense("abc,cde->abde", (4, 2, 3), bias_axes="de", activation="tanh", name="heads")(x)
    x = L.Flatten(name="flatten")(x)
    x = L.Dense(6, activation="relu", name="inner")(x)
    return keras.Model(ids, L.Dense(3, name="scores")(x), name="quantized")


def layouts():
    """Products whose kernels lie in every way, and embeddings both ways."""
    x, heads = keras.Input((3, 6), name="x"), keras.Input((3, 2, 4), name="heads")
    ids, vectors = keras.Input((2,), dtype="int32", name="ids"), keras.Input((5,), name="vectors")
    equations = {
        "query": ("abc,cde->abde", (None, 2, 5), x),
        "output": ("abcd,cde->abe", (None, 9), heads),
        "shared": ("abcd,ce->abed", (None, 3, 4), heads),
        "turned": ("abc,dc->adb", (4, 3), x),
        "heads_first": ("abc,dec->abde", (None, 2, 5), x),
        "swapped": ("abc,cde->abed", (None, 5, 2), x),
        "batched": ("abc,bcd->abd", (3, 4), x),
    }
    outputs = [L.EinsumDense(equation, shape, name=name)(of) for name, (equation, shape, of) in equations.items()]
    for name, tie in (("tied", True), ("untied", False)):
        layer = L.ReversibleEmbedding(7, 5, tie_weights=tie, name=name)
        outputs += [layer(ids), layer(vectors, reverse=True)]
    return keras.Model([x, heads, ids, vectors], outputs, name="layouts")


def fill(net):
    for at, weight in enumerate(net.weights):
        weight.assign(values(*weight.shape, key=f"{net.name}{at}", low=-0.9, high=0.8))


def quantized_layouts():
    arrays = {}
    for name, config in {"int8": None, "int4_2": Q.Int4QuantizationConfig(block_size=2), "int4_columns": MODES["int4_columns"][1]}.items():
        keras.backend.clear_session()
        net = layouts()
        fill(net)
        net.save(os.path.join(FOLDER, "layouts.keras"))
        net.quantize(name[:4], config=config)
        for layer in net.layers:
            arrays.update({f"{name}/{layer.name}/{at}": weight for at, weight in enumerate(layer.get_weights())})
    np.savez(os.path.join(FOLDER, "layouts.npz"), **arrays)


def main():
    quantized_layouts()
    ids = np.arange(24, dtype="int32").reshape(6, 4) * 5 % 9
    labels = np.arange(6, dtype="int32") % 3
    for name, (mode, config) in MODES.items():
        keras.backend.clear_session()
        net = model()
        fill(net)
        net.save(os.path.join(FOLDER, "float.keras"))
        net.quantize(mode, config=config)
        net.compile(keras.optimizers.Adam(0.05), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        net.save(os.path.join(FOLDER, f"{name}.keras"))
        predicted = net.predict(ids, verbose=0)
        losses = np.array([net.train_on_batch(ids, labels) for _ in range(5)], "float32")
        trained = net.predict(ids, verbose=0)
        arrays = dict(ids=ids, labels=labels, predicted=predicted, losses=losses, trained=trained)
        np.savez(os.path.join(FOLDER, f"{name}.npz"), **arrays)


main()
