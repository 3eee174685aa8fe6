"""Cases of the core, activation, regularization, merging and reshaping layers."""

import numpy as np
import tensorflow as tf

from case import add, add_both_formats, integers, keras, steps_mask, values


def core():
    for dims in ((3, 4), (2, 3, 4), (2, 2, 3, 4)):
        add("Dense", f"rank{len(dims)}", dict(units=3), values(*dims))
    add("Dense", "no_bias", dict(units=2, use_bias=False), values(3, 4))
    add("Dense", "one_sample", dict(units=2), values(1, 4))
    add("Dense", "empty_batch", dict(units=2), values(0, 4))
    add("Dense", "integers", dict(units=2), integers(3, 4))
    for name in "relu sigmoid tanh softmax elu selu gelu swish softplus softsign mish exponential hard_sigmoid".split():
        add("Dense", f"activation_{name}", dict(units=3, activation=name), values(3, 4))
    add(
        "Dense",
        "regularized",
        dict(
            units=3,
            kernel_regularizer="l2",
            bias_regularizer=keras.regularizers.L1(0.02),
            activity_regularizer=keras.regularizers.L1L2(0.01, 0.03),
            kernel_constraint="max_norm",
            bias_constraint="non_neg",
            kernel_initializer=keras.initializers.HeNormal(seed=3),
        ),
        values(3, 4),
    )
    einsum = [
        ("two_axes", "ab,bc->ac", 5, "c", (3, 4)),
        ("no_bias", "ab,bc->ac", 5, None, (3, 4)),
        ("sequence", "abc,cd->abd", (None, 5), "d", (2, 3, 4)),
        ("ellipsis", "...x,xy->...y", 5, "y", (2, 3, 4)),
        ("heads", "abc,cde->abde", (None, 2, 3), "de", (2, 3, 4)),
        ("heads_out", "abcd,cde->abe", (None, 5), "e", (2, 3, 2, 4)),
        ("bias_inner", "abc,cd->abd", (3, 5), "bd", (2, 3, 4)),
        ("transposed", "abc,bd->acd", (4, 5), "d", (2, 3, 4)),
    ]
    for name, equation, out, bias, dims in einsum:
        add("EinsumDense", name, dict(equation=equation, output_shape=out, bias_axes=bias), values(*dims))
    add("EinsumDense", "activation", dict(equation="ab,bc->ac", output_shape=3, bias_axes="c", activation="tanh"), values(2, 4))
    ids = np.array([[1, 2, 0], [4, 0, 0]], np.int32)
    add("Embedding", "plain", dict(input_dim=6, output_dim=3), ids)
    add("Embedding", "mask_zero", dict(input_dim=6, output_dim=3, mask_zero=True), ids)
    add("Embedding", "input_length", dict(input_dim=6, output_dim=3, input_length=3), ids)
    add("Embedding", "float_ids", dict(input_dim=6, output_dim=2), ids.astype(np.float32))
    add("Embedding", "rank1", dict(input_dim=6, output_dim=2), ids[:, 0].copy())
    add("Embedding", "rank3", dict(input_dim=6, output_dim=2), integers(2, 2, 2, high=6))
    add("Embedding", "regularized", dict(input_dim=6, output_dim=2, embeddings_regularizer="l2", embeddings_constraint="unit_norm"), ids)
    masked = values(2, 4, 3)
    masked[0, 1:3] = 0
    masked[1, 0] = 0
    masked[1, 3, 1] = 0
    add("Masking", "zero", {}, masked)
    add("Masking", "value", dict(mask_value=0.5), np.where(masked == 0, np.float32(0.5), masked))
    add("Identity", "plain", {}, values(2, 3))
    add("Activation", "linear", dict(activation="linear"), values(2, 3))
    for name in "relu sigmoid tanh softmax elu selu gelu swish softplus softsign mish exponential hard_sigmoid".split():
        add("Activation", name, dict(activation=name), values(2, 5, low=-3, high=3))
    add("Activation", "softmax_rank3", dict(activation="softmax"), values(2, 3, 4, low=-3, high=3))


def activation():
    x = values(2, 7, low=-3, high=3)
    add("ELU", "default", {}, x)
    add("ELU", "alpha", dict(alpha=0.3), x)
    add("LeakyReLU", "default", {}, x)
    add("LeakyReLU", "alpha", dict(alpha=0.1), x)
    add("PReLU", "default", {}, x)
    add("PReLU", "image", {}, values(2, 3, 2, 2))
    add("PReLU", "shared_axes", dict(shared_axes=[1, 2]), values(2, 3, 2, 2))
    add("PReLU", "shared_from_the_end", dict(shared_axes=[1, -1]), values(2, 3, 2, 4))
    add("PReLU", "shared_one", dict(shared_axes=[1], alpha_regularizer="l2"), values(2, 3, 2))
    add("ReLU", "default", {}, x)
    add("ReLU", "max_value", dict(max_value=1.5), x)
    add("ReLU", "negative_slope", dict(negative_slope=0.2), x)
    add("ReLU", "threshold", dict(threshold=0.5), x)
    add("ReLU", "all", dict(max_value=2.0, negative_slope=0.1, threshold=0.3), x)
    add("ReLU", "six", dict(max_value=6.0), x * 4)
    add("ThresholdedReLU", "default", {}, x)
    add("ThresholdedReLU", "theta", dict(theta=0.4), x)
    add("Softmax", "default", {}, x)
    add("Softmax", "axis1", dict(axis=1), values(2, 3, 4))
    add("Softmax", "two_axes", dict(axis=(1, 2)), values(2, 3, 4))
    add("Softmax", "masked", {}, values(2, 4), dict(mask=steps_mask(3, 2, steps=4)))


def regularization():
    x = values(2, 3, 4)
    image = values(2, 3, 3, 2)
    add("Dropout", "plain", dict(rate=0.3), x, random=True)
    add("Dropout", "noise_shape", dict(rate=0.3, noise_shape=(None, 1, 4), seed=7), x, random=True)
    add("Dropout", "rate0", dict(rate=0.0), x)
    add("AlphaDropout", "plain", dict(rate=0.3), x, random=True)
    add("GaussianDropout", "plain", dict(rate=0.3), x, random=True)
    add("GaussianNoise", "plain", dict(stddev=0.3), x, random=True)
    add("SpatialDropout1D", "plain", dict(rate=0.3), x, random=True)
    add("SpatialDropout2D", "plain", dict(rate=0.3), image, random=True)
    add("SpatialDropout2D", "channels_first", dict(rate=0.3, data_format="channels_first"), image, random=True)
    add("SpatialDropout3D", "plain", dict(rate=0.3), values(2, 2, 2, 2, 2), random=True)
    add("ActivityRegularization", "l1", dict(l1=0.1), x)
    add("ActivityRegularization", "l2", dict(l2=0.2), x)
    add("ActivityRegularization", "both", dict(l1=0.1, l2=0.2), x)


def merge():
    three = [values(2, 3, 4, key=k) for k in "abc"]
    wide = [values(2, 3, 4, key="a"), values(2, 1, 4, key="b")]
    ranks = [values(2, 3, 4, key="a"), values(2, 4, key="b")]
    for cls in "Add Average Maximum Minimum Multiply".split():
        add(cls, "three", {}, three)
        add(cls, "two", {}, three[:2])
        add(cls, "broadcast", {}, wide)
        add(cls, "ranks", {}, ranks)
    add("Subtract", "two", {}, three[:2])
    add("Subtract", "broadcast", {}, wide)
    add("Concatenate", "default", {}, three)
    add("Concatenate", "widths", {}, [values(2, 3, 4, key="a"), values(2, 3, 2, key="b")])
    add("Concatenate", "axis1", dict(axis=1), [values(2, 3, 4, key="a"), values(2, 1, 4, key="b")])
    add("Concatenate", "axis_minus2", dict(axis=-2), [values(2, 3, 4, key="a"), values(2, 2, 4, key="b")])
    add("Concatenate", "rank2", dict(axis=1), [values(2, 3, key="a"), values(2, 1, key="b")])
    pair = [values(2, 4, key="a"), values(2, 4, key="b")]
    add("Dot", "vectors", dict(axes=1), pair)
    add("Dot", "normalized", dict(axes=1, normalize=True), pair)
    add("Dot", "matrices", dict(axes=(2, 1)), [values(2, 3, 4, key="a"), values(2, 4, 5, key="b")])
    add("Dot", "matrices_minus", dict(axes=-1), [values(2, 3, 4, key="a"), values(2, 5, 4, key="b")])
    add("Dot", "axis1", dict(axes=1), [values(2, 3, 4, key="a"), values(2, 3, 5, key="b")])
    add("Dot", "matrices_normalized", dict(axes=(2, 2), normalize=True), [values(2, 3, 4, key="a"), values(2, 5, 4, key="b")])
    add("Dot", "mixed_ranks", dict(axes=(1, 2)), [values(2, 4, key="a"), values(2, 3, 4, key="b")])


def reshape():
    x = values(2, 3, 4)
    image = values(2, 4, 3, 2)
    volume = values(1, 3, 2, 4, 2)
    add("Flatten", "rank3", {}, x)
    add("Flatten", "rank2", {}, values(2, 3))
    add("Flatten", "rank1", {}, values(3))
    add("Flatten", "channels_first", dict(data_format="channels_first"), image)
    add("Flatten", "empty_batch", {}, values(0, 3, 2))
    add("Reshape", "known", dict(target_shape=(4, 3)), x)
    add("Reshape", "inferred", dict(target_shape=(2, -1)), x)
    add("Reshape", "flat", dict(target_shape=(12,)), x)
    add("Reshape", "deeper", dict(target_shape=(-1, 2, 2)), x)
    add("Permute", "swap", dict(dims=(2, 1)), x)
    add("Permute", "three", dict(dims=(3, 1, 2)), image)
    add("RepeatVector", "three", dict(n=3), values(2, 4))
    add("Cropping1D", "default", {}, x)
    add("Cropping1D", "uneven", dict(cropping=(2, 0)), x)
    add("Cropping1D", "int", dict(cropping=1), x)
    add_both_formats("Cropping2D", "pairs", dict(cropping=((1, 2), (0, 1))), image)
    add_both_formats("Cropping2D", "int", dict(cropping=1), image)
    add_both_formats("Cropping2D", "tuple", dict(cropping=(1, 0)), image)
    add_both_formats("Cropping3D", "pairs", dict(cropping=((1, 0), (0, 1), (1, 1))), volume)
    add_both_formats("Cropping3D", "tuple", dict(cropping=(1, 0, 1)), volume)
    add("ZeroPadding1D", "default", {}, x)
    add("ZeroPadding1D", "uneven", dict(padding=(0, 2)), x)
    add_both_formats("ZeroPadding2D", "pairs", dict(padding=((1, 2), (0, 1))), image)
    add_both_formats("ZeroPadding2D", "int", dict(padding=2), image)
    add_both_formats("ZeroPadding2D", "tuple", dict(padding=(1, 0)), image)
    add_both_formats("ZeroPadding3D", "default", {}, volume)
    add_both_formats("ZeroPadding3D", "pairs", dict(padding=((1, 0), (0, 1), (2, 1))), volume)
    add("UpSampling1D", "default", {}, x)
    add("UpSampling1D", "three", dict(size=3), x)
    add_both_formats("UpSampling2D", "default", {}, image)
    add_both_formats("UpSampling2D", "uneven", dict(size=(1, 3)), image)
    for interpolation in "bilinear bicubic area lanczos3 lanczos5 gaussian mitchellcubic".split():
        add_both_formats("UpSampling2D", interpolation, dict(size=(2, 3), interpolation=interpolation), image)
    add_both_formats("UpSampling3D", "default", {}, volume)
    add_both_formats("UpSampling3D", "uneven", dict(size=(1, 2, 3)), volume)


def input_layer():
    """InputLayer has no arithmetic: only its config is of interest."""
    x = values(2, 3)
    keras.backend.clear_session()
    add("InputLayer", "batch_size", {}, x, make=lambda **kw: _CalledInput(input_shape=(3,), batch_size=2))
    add("InputLayer", "unknown_batch", {}, x, make=lambda **kw: _CalledInput(input_shape=(3,)))
    add("InputLayer", "int32", {}, integers(2, 3), make=lambda **kw: _CalledInput(input_shape=(3,), dtype="int32"))
    add("InputLayer", "unknown_length", {}, values(2, 3, 1), make=lambda **kw: _CalledInput(input_shape=(None, 1)))


class _CalledInput(keras.layers.InputLayer):
    """InputLayer that may be called, as a model does with what it is fed."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._name = "input_1"

    def __call__(self, inputs, *args, **kwargs):
        return tf.identity(inputs)


def run():
    core()
    activation()
    regularization()
    merge()
    reshape()
    input_layer()
