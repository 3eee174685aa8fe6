"""Writes golden/embedding/keras2.json and keras3.json: ten steps of an embedding whose rows come and go, under every optimizer.

Run once with each Keras. Where a batch names a row twice, what comes for it is clipped before it is summed, and in Keras 3
squared before it is summed; legacy optimizers leave the rows alone that a batch does not name.
"""

import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, ".."))

from arrays import write  # noqa: E402
from real import KERAS3, VERSIONS, array, integers, keras, plain, values  # noqa: E402

ROWS, WIDTH, STEPS = 6, 3, 10
NAMES = ["SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl"]
NEW = ["AdamW", "Lion", "Adafactor"]
MORE = {
    "SGD": [dict(momentum=0.9), dict(momentum=0.9, nesterov=True), dict(clipnorm=0.1), dict(clipvalue=0.02), dict(global_clipnorm=0.1)],
    "Adam": [dict(amsgrad=True), dict(clipnorm=0.1), dict(clipvalue=0.02), dict(global_clipnorm=0.1)],
    "RMSprop": [dict(momentum=0.5), dict(centered=True), dict(momentum=0.5, centered=True)],
    "Ftrl": [dict(l1_regularization_strength=0.01, l2_shrinkage_regularization_strength=0.01)],
}


def case(module, name, arguments):
    keras.backend.clear_session()
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Embedding(ROWS, WIDTH), keras.layers.Flatten(), keras.layers.Dense(2)])
    before = [values(*w.shape, key=f"w{i}", low=-0.7, high=0.7) for i, w in enumerate(model.get_weights())]
    model.set_weights(before)
    # Two of four rows a batch, then others.
    x = integers(2 * STEPS, 2, high=4, key="x")
    x[8:] += 2
    y = values(2 * STEPS, 2, key="y")
    optimizer = getattr(module, name)(**arguments)
    # Compiled, Nadam of Keras 2.15 multiplies its product of momenta once a variable.
    model.compile(optimizer, "mse", run_eagerly=name == "Nadam")
    words = [f"{k}={v}" for k, v in arguments.items() if k != "learning_rate"]
    record = {
        "name": "/".join([("legacy." if module is not keras.optimizers else "") + name, *words]),
        "optimizer": plain(keras.optimizers.serialize(optimizer)),
        "x": array(x),
        "y": array(y),
        "weights_before": [array(w) for w in before],
    }
    record["loss"] = float(model.fit(x, y, batch_size=2, shuffle=False, verbose=0).history["loss"][0])
    record["weights_after"] = [array(w) for w in model.get_weights()]
    return record


def main():
    modules = [(keras.optimizers, NAMES + NEW + (["Lamb"] if KERAS3 else []))]
    if not KERAS3:
        modules.append((keras.optimizers.legacy, NAMES))
    cases = []
    for module, names in modules:
        for name in names:
            for more in [{}, *MORE.get(name, [])]:
                cases.append(case(module, name, dict(learning_rate=0.1, **more)))
    file = "keras3.json" if KERAS3 else "keras2.json"
    write(os.path.join(FOLDER, file), {"made_by": "golden/embedding/make.py", "versions": VERSIONS, "cases": cases}, "cases")


main()
