"""Writes golden/constraints/constraints.json: a weight before and after."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from real import array, keras, plain, save, tf, values  # noqa: E402

C = keras.constraints
TABLE = [
    ("MaxNorm", {}, (3, 4)),
    ("MaxNorm", dict(max_value=0.7), (3, 4)),
    ("MaxNorm", dict(max_value=0.7, axis=1), (3, 4)),
    ("MaxNorm", dict(max_value=0.7, axis=[0, 1, 2]), (2, 2, 3, 2)),
    ("MinMaxNorm", {}, (3, 4)),
    ("MinMaxNorm", dict(min_value=0.5, max_value=0.9, rate=0.4), (3, 4)),
    ("MinMaxNorm", dict(min_value=2.0, max_value=3.0, axis=1), (3, 4)),
    ("NonNeg", {}, (3, 4)),
    ("UnitNorm", {}, (3, 4)),
    ("UnitNorm", dict(axis=1), (3, 4)),
    ("UnitNorm", dict(axis=[0, 1, 2]), (2, 2, 3, 2)),
    ("RadialConstraint", {}, (3, 3, 2, 2)),
    ("RadialConstraint", {}, (4, 4, 1, 2)),
    ("RadialConstraint", {}, (5, 5, 1, 1)),
]


def main():
    cases = []
    for i, (class_name, arguments, dims) in enumerate(TABLE):
        constraint = getattr(C, class_name)(**arguments)
        for label, x in (("", values(*dims, key="constraint")), ("_zero_column", values(*dims, key="constraint"))):
            if label:
                x[..., 0] = 0
            cases.append({"name": f"{class_name}_{i}{label}", "keras": keras.__version__, "class_name": class_name, "serialized": plain(C.serialize(constraint)), "x": array(x), "y": array(constraint(tf.constant(x)))})
    for name in ("max_norm", "min_max_norm", "non_neg", "nonneg", "unit_norm", "unitnorm", "maxnorm", "radial_constraint"):
        try:
            constraint = C.get(name)
        except ValueError:
            continue
        x = values(3, 3, 1, 2, key="constraint")
        cases.append({"name": "string_" + name, "keras": keras.__version__, "class_name": type(constraint).__name__, "serialized": plain(C.serialize(constraint)), "x": array(x), "y": array(constraint(tf.constant(x)))})
    save(__file__, "Constraints", cases)


main()
