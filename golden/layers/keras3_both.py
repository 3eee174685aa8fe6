"""Cases of layers that both versions have, in which Keras 3 does what Keras 2 refuses or does otherwise: `<class>_keras3.json`."""

import numpy as np

from case import add, integers, keras, steps_mask, values
from norm import renormalized

L = keras.layers


def encodings():
    ids = integers(2, 3, 2, high=4)
    add("CategoryEncoding", "one_hot_rank3", dict(num_tokens=4, output_mode="one_hot"), ids)
    add("CategoryEncoding", "one_hot_rank2", dict(num_tokens=4, output_mode="one_hot"), ids[0].copy())
    add("CategoryEncoding", "one_hot_last_1", dict(num_tokens=4, output_mode="one_hot"), ids[:, :, :1].copy())
    # As many steps as values: Keras reduces along the steps, and declares the shape as if along the values.
    square = integers(2, 3, 3, high=4)
    for mode in ("multi_hot", "count"):
        add("CategoryEncoding", mode + "_rank3", dict(num_tokens=4, output_mode=mode), square)
        add("Discretization", mode + "_rank3", dict(bin_boundaries=[0.0, 0.5], output_mode=mode), values(2, 3, 3))
        add("IntegerLookup", mode + "_rank3", dict(vocabulary=[1, 2], output_mode=mode), square.astype(np.int64))
    add("Discretization", "one_hot_rank2", dict(bin_boundaries=[0.0, 0.5], output_mode="one_hot"), values(2, 3))
    strings = np.array([["cat", "dog"], ["bird", ""]], dtype=object)
    add("StringLookup", "one_hot_rank2", dict(vocabulary=["dog", "cat"], output_mode="one_hot"), strings)
    add("IntegerLookup", "one_hot_rank3", dict(vocabulary=[1, 2], output_mode="one_hot"), ids.astype(np.int64))


def lookup_types():
    """Lookups give 64-bit integers whatever the policy says, `Discretization` 32-bit ones."""
    ids, words = integers(2, 3, high=4).astype(np.int64), np.array([["cat", "dog"], ["bird", ""]], dtype=object)
    texts = np.array(["cat dog cat", "a bird"], dtype=object)
    for mode in ("int", "multi_hot", "count", "tf_idf"):
        weights = dict(idf_weights=[0.5, 2.0]) if mode == "tf_idf" else {}
        add("IntegerLookup", "type_" + mode, dict(vocabulary=[1, 2], output_mode=mode, **weights), ids)
        add("StringLookup", "type_" + mode, dict(vocabulary=["dog", "cat"], output_mode=mode, dtype="float16", **weights), words)
        add("TextVectorization", "type_" + mode, dict(vocabulary=["dog", "cat"], output_mode=mode, **weights), texts)
    add("StringLookup", "type_one_hot", dict(vocabulary=["dog", "cat"], output_mode="one_hot"), words[:, :1].copy())
    for policy in ("float32", "int64"):
        for mode in ("int", "one_hot", "count"):
            add("Discretization", f"type_{mode}_{policy}", dict(bin_boundaries=[0.0, 0.5], output_mode=mode, dtype=policy), values(2, 1))
    add("CategoryEncoding", "type_int64", dict(num_tokens=4, dtype="int64"), ids)


def integer_inputs():
    """Layers that multiply by weights take integers."""
    flat, steps = integers(3, 4).astype(np.int64), integers(2, 4, 2).astype(np.int64)
    floats = values(3, 4)
    for cls, arguments in [("BatchNormalization", {}), ("LeakyReLU", {}), ("ReLU", {})]:
        add(cls, "integers", arguments, flat)
    for cls in ("SimpleRNN", "LSTM", "GRU"):
        add(cls, "integers", dict(units=2), steps)
    add("MultiHeadAttention", "integers", dict(num_heads=2, key_dim=2), steps, dict(value=steps.copy()))
    add("GlobalAveragePooling1D", "integers", {}, steps)
    add("LayerNormalization", "integers", {}, flat)
    add("LayerNormalization", "integers_rms", dict(rms_scaling=True), flat.astype(np.int32))
    add("GroupNormalization", "integers", dict(groups=2), flat)
    add("MaxPooling1D", "integers", dict(padding="same"), steps)
    add("GlobalMaxPooling1D", "integers", {}, steps)
    for cls in ("Add", "Average", "Concatenate", "Maximum", "Multiply", "Subtract"):
        add(cls, "integers", {}, [flat, flat[::-1].copy()], gradients=False)
        add(cls, "integers_and_floats", {}, [flat, floats])
    add("Dot", "integers_and_floats", dict(axes=1), [flat, floats])


def convolutions():
    steps, image = values(2, 11, 2, key="steps"), values(2, 11, 9, 2, key="image")
    both = dict(strides=2, dilation_rate=2)
    for padding in ("valid", "same"):
        add("DepthwiseConv1D", f"strides_dilation_{padding}", dict(kernel_size=3, padding=padding, **both), steps)
        add("DepthwiseConv2D", f"strides_dilation_{padding}", dict(kernel_size=3, padding=padding, depth_multiplier=2, **both), image)
        add("SeparableConv1D", f"strides_dilation_{padding}", dict(filters=3, kernel_size=3, padding=padding, **both), steps)
        add("SeparableConv2D", f"strides_dilation_{padding}", dict(filters=3, kernel_size=(3, 2), padding=padding, **both), image)


def spectral():
    image = values(2, 5, 6, 3, key="image")
    add("SpectralNormalization", "dense", {}, values(3, 4), make=lambda **kw: L.SpectralNormalization(L.Dense(2), **kw))
    add("SpectralNormalization", "integers", {}, integers(3, 4), make=lambda **kw: L.SpectralNormalization(L.Dense(2), **kw))
    add("SpectralNormalization", "depthwise", {}, image, make=lambda **kw: L.SpectralNormalization(L.DepthwiseConv2D(3, depth_multiplier=2), **kw))


def norm():
    cls = "BatchNormalization"
    add(cls, "rank4", {}, values(3, 2, 3, 2))
    add(cls, "rank5", {}, values(2, 2, 2, 3, 2))
    add(cls, "axis1_rank4", dict(axis=1), values(3, 2, 3, 2))
    add(cls, "one_sample", {}, values(1, 2, 2, 2))
    mask = steps_mask(4, 1, 2, steps=4)
    add(cls, "mask", {}, values(3, 4, 2), dict(mask=mask))
    add(cls, "mask_axis1", dict(axis=1), values(3, 4, 2), dict(mask=mask))
    add(cls, "mask_rank4", {}, values(3, 4, 3, 2), dict(mask=integers(3, 4, 3, high=2).astype(bool)))
    add(cls, "mask_of_nothing", {}, values(3, 4, 2), dict(mask=np.zeros((3, 4), bool)))
    renormalized()
    add("LayerNormalization", "rms_scaling", dict(rms_scaling=True), values(3, 4))
    add("LayerNormalization", "rms_scaling_axes", dict(rms_scaling=True, scale=False, axis=[1, 2]), values(2, 3, 4))


def attention():
    q, v, k = values(2, 3, 4, key="q"), values(2, 5, 4, key="v"), values(2, 5, 4, key="k")
    two, cls = dict(num_heads=2, key_dim=3), "MultiHeadAttention"
    add(cls, "activity", dict(**two, activity_regularizer="l2"), q, dict(value=v))
    add(cls, "gate", dict(**two, use_gate=True), q, dict(value=v, key=k))
    add(cls, "gate_value_dim", dict(**two, use_gate=True, value_dim=5, use_bias=False), q, dict(value=v))
    add(cls, "gate_activity", dict(**two, use_gate=True, activity_regularizer="l2"), q, dict(value=v))
    add(cls, "attention_axes_negative", dict(**two, attention_axes=(-2,)), q, dict(value=q.copy()))
    for steps in (1, 2, 9):
        add(cls, f"sliding_window_{steps}", dict(**two, sliding_window=steps), q, dict(value=v))
    add(cls, "sliding_window_causal", dict(**two, sliding_window=2, use_gate=True), q, dict(value=q.copy(), use_causal_mask=True))


def run():
    norm()
    attention()
    encodings()
    lookup_types()
    integer_inputs()
    convolutions()
    spectral()
