"""Writes golden/regularizers/regularizers.json: penalty and its gradient."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from real import array, keras, plain, save, tf, values  # noqa: E402

R = keras.regularizers
TABLE = [
    ("L1", {}, (3, 4)),
    ("L1", dict(l1=0.3), (3, 4)),
    ("L2", {}, (3, 4)),
    ("L2", dict(l2=0.3), (2, 3, 4)),
    ("L1L2", {}, (3, 4)),
    ("L1L2", dict(l1=0.1, l2=0.2), (5,)),
    ("OrthogonalRegularizer", {}, (4, 3)),
    ("OrthogonalRegularizer", dict(factor=0.5, mode="rows"), (4, 3)),
    ("OrthogonalRegularizer", dict(factor=0.5, mode="columns"), (4, 3)),
]


def main():
    cases = []
    for i, (class_name, arguments, dims) in enumerate(TABLE):
        regularizer = getattr(R, class_name)(**arguments)
        x = tf.constant(values(*dims, key="regularizer"))
        with tf.GradientTape() as tape:
            tape.watch(x)
            penalty = regularizer(x)
        gradient = tape.gradient(penalty, x)
        cases.append({"name": f"{class_name}_{i}", "keras": keras.__version__, "class_name": class_name, "serialized": plain(R.serialize(regularizer)), "x": array(x), "penalty": array(penalty), "gradient": array(gradient)})
    for name in ("l1", "l2", "l1_l2", "orthogonal_regularizer"):
        regularizer = R.get(name)
        cases.append({"name": "string_" + name, "keras": keras.__version__, "class_name": type(regularizer).__name__, "serialized": plain(R.serialize(regularizer)), "x": array(values(3, 4, key="regularizer")), "penalty": array(regularizer(tf.constant(values(3, 4, key="regularizer")))), "gradient": None})
    save(__file__, "Regularizers", cases)


main()
