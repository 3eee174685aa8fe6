"""Writes golden/generations/keras2.json and keras3.json: models of layers that Keras 2.15 and Keras 3 call alike and in which masks,
statistics or shared weights tell them apart; two steps of training each, by real Keras.

    <environment with TensorFlow 2.15.1>/bin/python golden/generations/make.py
    <environment with TensorFlow 2.21.0, Keras 3.15.1>/bin/python golden/generations/make.py
"""

import json
import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, ".."))

from real import KERAS3, VERSIONS, array, keras, np, plain, values, write  # noqa: E402

L = keras.layers
STEPS = 2
CASES = {}


def case(draw):
    CASES[draw.__name__] = draw
    return draw


def masked(steps=4, width=3, value=0.0):
    x = keras.Input((steps, width))
    return x, L.Masking(value)(x)


def rows(*lengths, steps=4, width=3, key="rows"):
    """Rows of which the first so many steps are not 0."""
    x = values(len(lengths), steps, width, key=key)
    for row, length in zip(x, lengths):
        row[length:] = 0
    return x


@case
def batch_normalization_of_images():
    x = keras.Input((2, 3, 2))
    return keras.Model(x, L.BatchNormalization(momentum=0.6)(x)), [values(3, 2, 3, 2)]


@case
def batch_normalization_of_channels_first():
    x = keras.Input((2, 3, 4))
    return keras.Model(x, L.BatchNormalization(axis=1, momentum=0.6)(x)), [values(3, 2, 3, 4)]


@case
def batch_normalization_with_mask():
    x, y = masked()
    return keras.Model(x, L.BatchNormalization(momentum=0.6)(y)), [rows(4, 2, 1)]


@case
def batch_normalization_of_steps_with_mask():
    x, y = masked()
    return keras.Model(x, L.BatchNormalization(axis=1, momentum=0.6)(y)), [rows(4, 4, 4)]


@case
def batch_normalization_shared():
    a, b, layer = keras.Input((3,)), keras.Input((3,)), L.BatchNormalization(momentum=0.6)
    return keras.Model([a, b], L.Subtract()([layer(a), layer(b)])), [values(4, 3, key="a"), values(4, 3, key="b")]


@case
def batch_normalization_shared_by_outputs():
    a, b, layer = keras.Input((3,)), keras.Input((3,)), L.BatchNormalization(momentum=0.6)
    first, second = layer(a), layer(L.Dense(3)(b))
    return keras.Model([a, b], [second, b, first]), [values(4, 3, key="a"), values(4, 3, key="b")]


def merged(name, **options):
    def both():
        (a, x), (b, y) = masked(), masked()
        return keras.Model([a, b], getattr(L, name)(**options)([x, y])), [rows(4, 2, 1, key="a"), rows(1, 3, 1, key="b")]

    def second():
        a, (b, y) = keras.Input((4, 3)), masked()
        return keras.Model([a, b], getattr(L, name)(**options)([a, y])), [rows(4, 4, 4, key="a"), rows(1, 3, 1, key="b")]

    for draw in (both, second):
        CASES[f"{keras_name(name)}_{draw.__name__}_masked"] = draw


def keras_name(name):
    return name.lower()


for one in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"):
    merged(one)


@case
def maximum_of_three():
    (a, x), (b, y), (c, z) = masked(), masked(), masked()
    data = [rows(4, 2, 1, key="a"), rows(1, 3, 1, key="b"), rows(2, 1, 2, key="c")]
    return keras.Model([a, b, c], L.Maximum()([x, y, z])), data


@case
def identity_with_mask():
    x, y = masked()
    return keras.Model(x, L.Dense(2)(L.Identity()(y))), [rows(4, 2, 1)]


@case
def rescaling_with_mask():
    x, y = masked()
    return keras.Model(x, L.Dense(2)(L.Rescaling(0.5, 0.25)(y))), [rows(4, 2, 1)]


@case
def normalization_with_mask():
    x, y = masked()
    return keras.Model(x, L.Dense(2)(L.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 0.5])(y))), [rows(4, 2, 1)]


@case
def time_distributed_batch_normalization():
    x = keras.Input((4, 3))
    return keras.Model(x, L.TimeDistributed(L.BatchNormalization(momentum=0.6))(x)), [values(3, 4, 3)]


@case
def time_distributed_batch_normalization_with_mask():
    x, y = masked()
    return keras.Model(x, L.TimeDistributed(L.BatchNormalization(momentum=0.6))(y)), [rows(4, 4, 4)]


@case
def time_distributed_with_activity_regularizer():
    x = keras.Input((4, 3))
    return keras.Model(x, L.TimeDistributed(L.Dense(2, activity_regularizer="l2"))(x)), [values(3, 4, 3)]


@case
def p_re_lu_shared_from_the_end():
    x = keras.Input((2, 3, 4))
    return keras.Model(x, L.PReLU(shared_axes=[1, -1])(x)), [values(2, 2, 3, 4)]


if KERAS3:

    @case
    def rms_normalization_of_an_inner_axis():
        x = keras.Input((2, 3, 3))
        return keras.Model(x, L.RMSNormalization(axis=2)(x)), [values(2, 2, 3, 3)]

    @case
    def rms_normalization_with_mask():
        x, y = masked()
        return keras.Model(x, L.RMSNormalization()(y)), [rows(4, 2, 1)]


def listed(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def ordered(model):
    """As Keras 2 orders them: of each layer those that are trained, then the rest."""
    return [w for layer in model.layers for w in layer.trainable_weights + layer.non_trainable_weights]


def record(name, draw):
    keras.backend.clear_session()
    model, x = draw()
    for i, w in enumerate(ordered(model)):
        if "float" in str(w.dtype):
            low = 0.5 if "variance" in getattr(w, "path", w.name) else -0.7
            w.assign(values(*w.shape, key=f"{name}{i}", low=low, high=0.9))
    single = lambda items: items if len(items) > 1 else items[0]
    made = {"name": name, "keras": keras.__version__, "model": plain(json.loads(model.to_json())), "inputs": [array(a) for a in x]}
    made["weights_before"] = [array(w) for w in ordered(model)]
    outputs = listed(model(single(x), training=False))
    made["outputs"] = [array(o) for o in outputs]
    y = [values(*o.shape, key=f"target{i}") for i, o in enumerate(outputs)]
    made["targets"] = [array(t) for t in y]
    model.compile(keras.optimizers.SGD(0.1), ["mse"] * len(y), run_eagerly=True)
    made["losses"] = [float(listed(model.train_on_batch(single(x), single(y)))[0]) for _ in range(STEPS)]
    made["weights_after"] = [array(w) for w in ordered(model)]
    return made


cases = [record(name, draw) for name, draw in CASES.items()]
write(os.path.join(FOLDER, "keras3.json" if KERAS3 else "keras2.json"), {"made_by": "golden/generations/make.py", "versions": VERSIONS, "cases": cases}, "cases")
