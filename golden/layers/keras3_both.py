"""Cases of layers that both versions have, in which Keras 3 does what Keras 2 refuses: `<class>_keras3.json`."""

import numpy as np

from case import add, integers, keras, values

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
    add("SpectralNormalization", "depthwise", {}, image, make=lambda **kw: L.SpectralNormalization(L.DepthwiseConv2D(3, depth_multiplier=2), **kw))


def run():
    encodings()
    convolutions()
    spectral()
