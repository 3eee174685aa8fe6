"""Writes golden/added/added.json: training with what layers and models add to the loss and to the metrics, by real Keras 2.15.

A case holds the configuration, two epochs of two batches each, as logs of `fit`, the logs of `evaluate` and the weights after.
"""

import json
import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, ".."))

from real import array, keras, plain, save, tf, values  # noqa: E402

L = keras.layers


def of_a_model():
    x = keras.Input((5,), name="x")
    h = L.Dense(8, activation="tanh", kernel_regularizer="l2", name="h")(x)
    model = keras.Model(x, L.Dense(3, name="y")(h), name="model")
    model.add_loss(0.1 * tf.reduce_mean(tf.square(h)))
    model.add_metric(tf.reduce_max(h), name="peak", aggregation="mean")
    model.add_metric(tf.reduce_mean(tf.abs(model.output)), name="size", aggregation="mean")
    return model


def of_layers():
    inner = keras.Sequential([L.Dense(4, activation="relu", input_shape=(6,)), L.ActivityRegularization(l1=0.01, l2=0.02)], name="inner")
    x = keras.Input((5,), name="x")
    h = inner(L.Dense(6, activity_regularizer="l2", name="h")(x))
    return keras.Model(x, L.Dense(3, name="y")(h), name="outer")


def shared():
    x = keras.Input((5,), name="x")
    layer = L.Dense(5, activation="tanh", activity_regularizer="l1", name="h")
    h = layer(layer(x))
    model = keras.Model(x, L.Dense(3, name="y")(h), name="shared")
    model.add_loss(tf.reduce_mean(tf.reduce_sum(h, axis=-1)) * 0.01)
    return model


def case(make):
    keras.backend.clear_session()
    model = make()
    model.set_weights([values(*w.shape, key=f"{make.__name__}{i}", low=-0.7, high=0.7) for i, w in enumerate(model.get_weights())])
    x, y = values(8, 5, key="x"), values(8, 3, key="y")
    model.compile(keras.optimizers.SGD(0.1, momentum=0.5), "mse", metrics=["mae"])
    record = {
        "name": make.__name__,
        "keras": keras.__version__,
        "config": plain(json.loads(model.to_json())),
        "x": array(x),
        "y": array(y),
        "weights_before": [array(w) for w in model.get_weights()],
    }
    history = model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0).history
    record["logs"] = {name: [float(v) for v in values] for name, values in history.items()}
    record["evaluated"] = {name: float(v) for name, v in model.evaluate(x, y, batch_size=4, verbose=0, return_dict=True).items()}
    record["weights_after"] = [array(w) for w in model.get_weights()]
    return record


save(__file__, "Added", [case(make) for make in (of_a_model, of_layers, shared)])
