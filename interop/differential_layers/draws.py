"""Every class: recurrent layers, wrappers, preprocessing, layers of several tensors, and the rest by import."""

import layers_of_one  # noqa: F401
import numpy as np
from arguments import KERAS3, MANY, ONE, L, Random, axes, many, one  # noqa: F401


# recurrent
def recurrent(r, kind, units=None):
    options = dict(units=units or r.int(1, 4), **r.kernel("kernel", "recurrent"))
    options.pop("activity_regularizer", None)
    options.update(r.some(activation=r.activation) if r.chance() else {})
    if kind != "SimpleRNN":
        options.update(r.some(recurrent_activation=r.activation) if r.chance() else {})
    if kind == "LSTM":
        options.update(r.some(unit_forget_bias=lambda: r.chance()))
    if kind == "GRU":
        options.update(r.some(reset_after=lambda: r.chance()))
    if r.chance(0.3):
        options["implementation"] = r.int(1, 2)
    if KERAS3 or kind == "SimpleRNN":
        options.pop("implementation", None)
    return options


def sequence(r):
    options = r.some(go_backwards=lambda: r.chance(), unroll=lambda: r.chance(0.4))
    if r.chance(0.15) and not KERAS3:
        options["time_major"] = True
    if KERAS3 or not r.chance(0.3):
        options.pop("time_major", None)
    return options


for kind in ("SimpleRNN", "LSTM", "GRU"):

    def layer(r, shape, kind=kind):
        options = {**recurrent(r, kind), **sequence(r)}
        if kind == "SimpleRNN":
            options.pop("time_major", None)
        if r.chance(0.15):
            options["activity_regularizer"] = r.vector_regularizer()
        return getattr(L, kind)(return_sequences=r.chance(), return_state=r.chance(0.3), stateful=r.chance(0.1), **options)

    one(3, name=kind)(layer)


def cell(r):
    kind = r.pick(["SimpleRNN", "LSTM", "GRU"])
    options = recurrent(r, kind)
    options.pop("implementation", None)
    return getattr(L, f"{kind}Cell")(**options)


@one(3)
def RNN(r, shape):
    one_or_more = r.pick([cell, lambda r: [cell(r) for _ in range(r.int(1, 3))], lambda r: L.StackedRNNCells([cell(r), cell(r)])])
    options = sequence(r)
    options.pop("time_major", None)
    return L.RNN(one_or_more(r), return_sequences=r.chance(), return_state=r.chance(0.3), **options)


@one(3)
def Bidirectional(r, shape):
    kind = r.pick(["SimpleRNN", "LSTM", "GRU"])
    sequences, states = r.chance(), r.chance(0.3)
    forward = dict(return_sequences=sequences, return_state=states)
    options = recurrent(r, kind)
    mode = r.pick(["concat", "sum", "mul", "ave", None])
    if r.chance(0.2):
        return L.Bidirectional(L.RNN(cell(r), **forward), merge_mode=mode)
    more = {}
    if r.chance(0.4):
        other = r.pick(["SimpleRNN", "LSTM", "GRU"]) if not states else kind
        units = options["units"] if mode != "concat" else None
        more["backward_layer"] = getattr(L, other)(**recurrent(r, other, units), go_backwards=True, **forward)
    return L.Bidirectional(getattr(L, kind)(**options, **forward), merge_mode=mode, **more)


for rank in (1, 2, 3):

    def layer(r, shape, rank=rank):
        options = r.kernel("kernel", "recurrent")
        options.pop("activity_regularizer", None)
        options.update(r.pick([{}, {"strides": r.sizes(rank, 1, 2)}, {"dilation_rate": r.sizes(rank, 1, 2)}]))
        options.update(r.some(activation=r.activation, recurrent_activation=r.activation, unit_forget_bias=lambda: r.chance()))
        return getattr(L, f"ConvLSTM{rank}D")(
            r.int(1, 3), r.sizes(rank, 1, 3), padding=r.pick(["valid", "same"]), return_sequences=r.chance(), return_state=r.chance(0.3),
            go_backwards=r.chance(0.3), **options,
        )  # fmt: skip

    one(rank + 3, name=f"ConvLSTM{rank}D")(layer)


@one(3, 4, 5)
def TimeDistributed(r, shape):
    inner = [(name, draw) for name, (ranks, draw) in ONE.items() if len(shape) in ranks and name not in ("Masking",)]
    return L.TimeDistributed(r.pick(inner)[1](r, shape[1:]))


# preprocessing of numbers
@one(2, 3, 4)
def Rescaling(r, shape):
    value = lambda: r.pick([r.float(-2, 2), [r.float(-2, 2) for _ in range(shape[-1])]])
    return L.Rescaling(value(), **r.some(offset=value))


@one(2, 3, 4)
def Normalization(r, shape):
    axis = r.pick([-1, None, r.int(1, len(shape)), axes(r, len(shape) + 1)])
    if axis is None:
        mean, variance = r.float(-1, 1), r.float(0.1, 3)
    else:
        kept = [a % (len(shape) + 1) for a in (axis if isinstance(axis, list) else [axis])]
        dims = [shape[a - 1] for a in sorted(kept)]
        mean = np.round(r.generator.uniform(-1, 1, dims), 3).astype("float32")
        variance = np.round(r.generator.uniform(0.1, 3, dims), 3).astype("float32")
        if len(kept) > 1:
            full = [shape[a - 1] if a in kept else 1 for a in range(1, len(shape) + 1)]
            mean, variance = mean.reshape([1] + full), variance.reshape([1] + full)
        if r.chance(0.3):
            mean, variance = r.float(-1, 1), r.float(0.1, 3)
    return L.Normalization(axis=axis, mean=mean, variance=variance, **r.some(invert=lambda: r.chance()))


@one(4)
def Resizing(r, shape):
    modes = ["bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"] + ["area", "gaussian", "mitchellcubic"] * (not KERAS3)
    options = r.pick([{}, {"crop_to_aspect_ratio": True}] + ([{"pad_to_aspect_ratio": True, **r.some(fill_value=lambda: r.float(0, 1))}, {"antialias": True}] if KERAS3 else []))
    return L.Resizing(r.int(1, 8), r.int(1, 8), interpolation=r.pick(modes), **options, **(r.format() if KERAS3 else {}))


@one(4)
def CenterCrop(r, shape):
    return L.CenterCrop(r.int(1, 6), r.int(1, 6))


@one(2, 3)
def Discretization(r, shape):
    bins = sorted({r.float(-1, 1) for _ in range(r.int(1, 5))})
    modes = ["int"] * (len(shape) > 1) + ["int", "multi_hot", "count"] + ["one_hot"] * (shape[-1] == 1)
    return L.Discretization(bin_boundaries=bins, output_mode=r.pick(modes))


@one(2)
def RandomFourierFeatures(r, shape):
    import tensorflow as tf

    return tf.keras.layers.experimental.RandomFourierFeatures(r.int(1, 5))


# several tensors
@many(2, 3, 4, name=["Add", "Multiply", "Average", "Maximum", "Minimum"])
def merge(r, shapes):
    return getattr(L, r.pick(["Add", "Multiply", "Average", "Maximum", "Minimum"]))()


@many(2, 3, 4)
def Subtract(r, shapes):
    return L.Subtract()


@many(2, 3, 4)
def Concatenate(r, shapes):
    return L.Concatenate(**r.some(axis=lambda: r.pick([-1, r.int(1, len(shapes[0]))])))


@many(2, 3, 4)
def Dot(r, shapes):
    n = len(shapes[0])
    return L.Dot(axes=r.pick([r.int(1, n), -1, (r.int(1, n), r.int(1, len(shapes[1])))]), normalize=r.chance(0.4))


@many(3)
def Attention(r, shapes):
    return L.Attention(use_scale=r.chance(), score_mode=r.pick(["dot", "concat"]))


@many(3)
def AdditiveAttention(r, shapes):
    return L.AdditiveAttention(use_scale=r.chance())


@many(3, 4)
def MultiHeadAttention(r, shapes):
    options = r.some(value_dim=lambda: r.int(1, 4), output_shape=lambda: r.pick([r.int(1, 4), (2, r.int(1, 3))]), use_bias=lambda: r.chance())
    if len(shapes[0]) == 3:
        options["attention_axes"] = r.pick([None, (1,), (2,), (1, 2)])
    return L.MultiHeadAttention(r.int(1, 3), r.int(1, 4), **options, **{k: v for k, v in r.kernel("kernel").items() if k != "use_bias"})


@many(3)
def GroupQueryAttention(r, shapes):
    heads = r.int(1, 3)
    return L.GroupQueryAttention(r.int(1, 4), heads * r.int(1, 2), heads, **r.some(use_bias=lambda: r.chance()))


# integers
def integer_table():
    def embedding(r):
        return L.Embedding(8, r.int(1, 4), mask_zero=r.chance(0.7), **r.some(embeddings_regularizer=r.vector_regularizer, embeddings_constraint="unit_norm"))

    def encoding(r):
        return L.CategoryEncoding(r.int(8, 10), output_mode=r.pick(["multi_hot", "count", "one_hot"]))

    def hashing(r):
        return L.Hashing(r.int(2, 9), **r.some(mask_value=0, salt=lambda: r.pick([7, [3, 9]])), output_mode=r.pick(["int", "multi_hot", "count", "one_hot"]))

    def lookup(r):
        return L.IntegerLookup(vocabulary=[3, 1, 5, 6][: r.int(1, 4)], **lookup_options(r, 0))

    return {"Embedding": embedding, "CategoryEncoding": encoding, "Hashing": hashing, "IntegerLookup": lookup}


def lookup_options(r, mask):
    mode = r.pick(["int", "multi_hot", "count", "one_hot"])
    options = dict(output_mode=mode, num_oov_indices=r.int(1, 3), **r.some(mask_token=mask))
    if mode != "int" and r.chance():
        options.update(max_tokens=10, pad_to_max_tokens=True)
    return options


WORDS = ["cat", "dog", "bird", "snail", "", "é", "A b", "dog, cat!"]


def string_table():
    def lookup(r):
        vocabulary = ["dog", "cat", "é", "fish"][: r.int(1, 4)]
        options = lookup_options(r, "")
        if options["output_mode"] != "int" and r.chance(0.4):
            options.update(output_mode="tf_idf", idf_weights=[r.float(0, 2) for _ in vocabulary])
        return L.StringLookup(vocabulary=vocabulary, **options)

    def hashing(r):
        return L.Hashing(r.int(2, 9), **r.some(mask_value="", salt=lambda: r.pick([7, [3, 9]])), output_mode=r.pick(["int", "multi_hot", "count", "one_hot"]))

    def text(r):
        mode = r.pick(["int", "multi_hot", "count"])
        options = r.some(standardize=lambda: r.pick([None, "lower", "strip_punctuation", "lower_and_strip_punctuation"]), split=lambda: r.pick(["whitespace", "character"]), ngrams=lambda: r.int(1, 3))  # fmt: skip
        if mode == "int":
            options.update(r.some(output_sequence_length=lambda: r.int(1, 5)))
        else:
            options.update(r.some(max_tokens=12, pad_to_max_tokens=lambda: r.chance()))
        return L.TextVectorization(vocabulary=["dog", "cat", "a", "b", "dog cat"], output_mode=mode, **options)

    return {"StringLookup": lookup, "Hashing": hashing, "TextVectorization": text}
