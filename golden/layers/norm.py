"""Cases of the normalization layers."""

import numpy as np

from case import KERAS3, add, integers, keras, steps_mask, values


def batch():
    add("BatchNormalization", "rank2", {}, values(6, 3))
    add("BatchNormalization", "rank3", {}, values(3, 4, 2))
    add("BatchNormalization", "rank4", {}, values(3, 2, 3, 2))
    add("BatchNormalization", "rank5", {}, values(2, 2, 2, 3, 2))
    add("BatchNormalization", "axis1_rank4", dict(axis=1), values(3, 2, 3, 2))
    add("BatchNormalization", "axis1_rank3", dict(axis=1), values(3, 4, 2))
    add("BatchNormalization", "axis1_rank2", dict(axis=1), values(5, 3))
    add("BatchNormalization", "two_axes", dict(axis=[1, 3]), values(3, 2, 3, 2))
    add("BatchNormalization", "no_center", dict(center=False), values(5, 3))
    add("BatchNormalization", "no_scale", dict(scale=False), values(3, 2, 3, 2))
    add("BatchNormalization", "bare", dict(center=False, scale=False), values(5, 3))
    add("BatchNormalization", "momentum_epsilon", dict(momentum=0.7, epsilon=0.1), values(3, 2, 3, 2))
    add("BatchNormalization", "frozen", dict(trainable=False), values(5, 3))
    add("BatchNormalization", "one_sample", {}, values(1, 2, 2, 2))
    add("BatchNormalization", "regularized", dict(gamma_regularizer="l2", beta_regularizer="l1", gamma_constraint="non_neg"), values(5, 3))
    mask = steps_mask(4, 1, 2, steps=4)
    add("BatchNormalization", "mask", {}, values(3, 4, 2), dict(mask=mask))
    add("BatchNormalization", "mask_axis1", dict(axis=1), values(3, 4, 2), dict(mask=mask))
    add("BatchNormalization", "mask_rank4", {}, values(3, 4, 3, 2), dict(mask=integers(3, 4, 3, high=2).astype(bool)))
    add("BatchNormalization", "mask_of_nothing", {}, values(3, 4, 2), dict(mask=np.zeros((3, 4), bool)))
    for name, momentum in [("above_1", 1.5), ("negative", -0.5)]:
        add("BatchNormalization", f"momentum_{name}", dict(momentum=momentum), values(5, 3))
    renormalized()
    if not KERAS3:
        add("BatchNormalization", "synchronized", dict(synchronized=True), values(3, 2, 3, 2))
        add("SyncBatchNormalization", "rank4", {}, values(3, 2, 3, 2), module=keras.layers.experimental)
        add("SyncBatchNormalization", "renorm", dict(renorm=True), values(3, 2, 3, 2), module=keras.layers.experimental)
        add("BatchNormalization", "renorm_two_axes", dict(axis=[1, 3], renorm=True), values(3, 2, 3, 2))
        reversed_bounds = {"rmax": 0.5, "rmin": 0.7, "dmax": -0.2}
        add("BatchNormalization", "renorm_clipping_reversed", dict(renorm=True, renorm_clipping=reversed_bounds), values(5, 3))


def renormalized():
    def renorm(name, arguments, inputs, **call):
        add("BatchNormalization", "renorm_" + name, dict(renorm=True, **arguments), inputs, call)

    renorm("rank2", {}, values(6, 3))
    renorm("rank4", dict(renorm_momentum=0.8, momentum=0.7), values(3, 2, 3, 2))
    renorm("axis1", dict(axis=1), values(3, 2, 3, 2))
    renorm("bare", dict(center=False, scale=False), values(5, 3))
    renorm("no_center", dict(center=False), values(5, 3))
    renorm("clipping", dict(renorm_clipping={"rmax": 1, "rmin": 0.9, "dmax": 0.3}), values(5, 3))
    renorm("clipping_in_part", dict(renorm_clipping={"dmax": 0.2, "rmax": None}), values(5, 3))
    # Above the smallest standard deviation that is believed.
    renorm("epsilon", dict(epsilon=1.5), values(5, 3))
    renorm("frozen", dict(trainable=False), values(5, 3))
    renorm("moving_stddev", dict(momentum=0.0, epsilon=0.5), np.zeros((4, 2), np.float32))
    renorm("mask", {}, values(3, 4, 2), mask=steps_mask(4, 1, 2, steps=4))
    renorm("mask_rank4", {}, values(3, 4, 3, 2), mask=integers(3, 4, 3, high=2).astype(bool))


def layer():
    for name, axis, dims in [
        ("rank2", -1, (4, 5)),
        ("rank3", -1, (2, 3, 4)),
        ("rank4", -1, (2, 2, 3, 4)),
        ("axis1", 1, (2, 3, 4)),
        ("two_axes", [1, 2], (2, 3, 4)),
        ("two_axes_rank4", [-2, -1], (2, 2, 3, 4)),
        ("three_axes", [1, 2, 3], (2, 2, 3, 2)),
    ]:
        add("LayerNormalization", name, dict(axis=axis), values(*dims))
    add("LayerNormalization", "no_center", dict(center=False), values(3, 4))
    add("LayerNormalization", "no_scale", dict(scale=False), values(3, 4))
    add("LayerNormalization", "bare", dict(center=False, scale=False), values(3, 4))
    add("LayerNormalization", "epsilon", dict(epsilon=1e-6), values(3, 4))
    add("LayerNormalization", "epsilon_tiny", dict(epsilon=1e-12), values(3, 4))
    add("LayerNormalization", "regularized", dict(gamma_regularizer="l2", beta_regularizer="l1"), values(3, 4))


def group():
    add("GroupNormalization", "image", dict(groups=2), values(2, 3, 2, 4))
    add("GroupNormalization", "sequence", dict(groups=2), values(2, 3, 4))
    add("GroupNormalization", "rank2", dict(groups=3), values(2, 6))
    add("GroupNormalization", "layer", dict(groups=1), values(2, 3, 2, 4))
    add("GroupNormalization", "instance", dict(groups=-1), values(2, 3, 2, 4))
    add("GroupNormalization", "each_channel", dict(groups=4), values(2, 3, 4))
    add("GroupNormalization", "axis1", dict(groups=2, axis=1), values(2, 4, 3, 2))
    add("GroupNormalization", "no_center", dict(groups=2, center=False), values(2, 3, 4))
    add("GroupNormalization", "no_scale", dict(groups=2, scale=False, epsilon=0.1), values(2, 3, 4))


def unit():
    add("UnitNormalization", "default", {}, values(3, 4))
    add("UnitNormalization", "axis1", dict(axis=1), values(2, 3, 4))
    add("UnitNormalization", "two_axes", dict(axis=[1, 2]), values(2, 3, 4))
    if not KERAS3:
        add("UnitNormalization", "integers", {}, integers(2, 3))
        add("LayerNormalization", "integers", {}, integers(2, 3))
    zero = values(2, 3)
    zero[0] = 0
    add("UnitNormalization", "zero_row", {}, zero)


def spectral():
    def of(inner, **kw):
        return lambda **more: keras.layers.SpectralNormalization(inner(), **kw, **more)

    add("SpectralNormalization", "dense", {}, values(3, 4), make=of(lambda: keras.layers.Dense(3)))
    add("SpectralNormalization", "dense_iterations", {}, values(3, 4), make=of(lambda: keras.layers.Dense(3), power_iterations=3))
    add("SpectralNormalization", "conv2d", {}, values(2, 4, 4, 2), make=of(lambda: keras.layers.Conv2D(3, 2)))
    add("SpectralNormalization", "embedding", {}, np.array([[0, 2], [1, 1]], np.int32), make=of(lambda: keras.layers.Embedding(3, 2)))


def run():
    batch()
    layer()
    group()
    unit()
    spectral()
