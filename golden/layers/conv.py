"""Cases of the convolution and pooling layers."""

from case import add, add_both_formats, integers, values


def dims_of(rank, channels):
    return {1: (2, 7, channels), 2: (2, 7, 6, channels), 3: (1, 5, 6, 5, channels)}[rank]


def convolutions():
    for rank in (1, 2, 3):
        cls = f"Conv{rank}D"
        x = values(*dims_of(rank, 2))
        kernel = (3, 2, 2)[:rank]
        add_both_formats(cls, "valid", dict(filters=3, kernel_size=kernel), x)
        add_both_formats(cls, "same", dict(filters=3, kernel_size=kernel, padding="same"), x)
        add_both_formats(cls, "strides_same", dict(filters=2, kernel_size=kernel, strides=2, padding="same"), x)
        add_both_formats(cls, "strides_valid", dict(filters=2, kernel_size=kernel, strides=(2, 3, 2)[:rank]), x)
        add(cls, "dilated_same", dict(filters=2, kernel_size=kernel, dilation_rate=2, padding="same"), x)
        add(cls, "dilated_valid", dict(filters=2, kernel_size=2, dilation_rate=(3, 2, 2)[:rank]), x)
        add(cls, "kernel1", dict(filters=3, kernel_size=1, activation="relu"), x)
        add(cls, "kernel1_strides", dict(filters=3, kernel_size=1, strides=2, use_bias=False), x)
        add(cls, "full_kernel", dict(filters=2, kernel_size=x.shape[1:-1]), x)
        add(cls, "even_same", dict(filters=2, kernel_size=4, padding="same", strides=3), x)
        if rank < 3:
            grouped = values(*dims_of(rank, 4))
            add(cls, "groups", dict(filters=6, kernel_size=3, groups=2, padding="same"), grouped)
            add(cls, "groups_depthwise", dict(filters=8, kernel_size=2, groups=4, strides=2), grouped)
        add(cls, "empty_batch", dict(filters=2, kernel_size=2), values(0, *x.shape[1:]), gradients=False)
    x = values(2, 7, 2)
    add("Conv1D", "causal", dict(filters=3, kernel_size=3, padding="causal"), x)
    add("Conv1D", "causal_dilated", dict(filters=2, kernel_size=2, padding="causal", dilation_rate=2), x)
    add("Conv1D", "causal_strides", dict(filters=2, kernel_size=3, padding="causal", strides=2), x)
    add("Conv2D", "leading_axes", dict(filters=2, kernel_size=2), values(2, 2, 4, 3, 1))
    add("Conv2D", "regularized", dict(filters=2, kernel_size=2, kernel_regularizer="l2", activity_regularizer="l1", kernel_constraint="max_norm"), values(2, 4, 3, 1))


def transposed_convolutions():
    for rank in (1, 2, 3):
        cls = f"Conv{rank}DTranspose"
        x = values(*{1: (2, 5, 2), 2: (2, 4, 3, 2), 3: (1, 3, 2, 3, 2)}[rank])
        kernel = (3, 2, 3)[:rank]
        add_both_formats(cls, "valid", dict(filters=3, kernel_size=kernel), x)
        add_both_formats(cls, "same", dict(filters=3, kernel_size=kernel, padding="same"), x)
        add_both_formats(cls, "strides_valid", dict(filters=2, kernel_size=kernel, strides=2), x)
        add_both_formats(cls, "strides_same", dict(filters=2, kernel_size=kernel, strides=(2, 3, 2)[:rank], padding="same"), x)
        add(cls, "small_kernel", dict(filters=2, kernel_size=1, strides=2), x)
        add(cls, "output_padding_valid", dict(filters=2, kernel_size=3, strides=2, output_padding=1), x)
        add(cls, "output_padding_same", dict(filters=2, kernel_size=3, strides=2, output_padding=(1, 0, 1)[:rank], padding="same"), x)
        add(cls, "activation", dict(filters=2, kernel_size=2, activation="tanh", use_bias=False), x)
        if rank < 3:
            add(cls, "dilated", dict(filters=2, kernel_size=2, dilation_rate=2), x)


def depthwise():
    for rank in (1, 2):
        x = values(*dims_of(rank, 3))
        kernel = (3, 2)[:rank]
        first = add_both_formats
        for cls in (f"DepthwiseConv{rank}D",):
            first(cls, "valid", dict(kernel_size=kernel), x)
            first(cls, "same_multiplier", dict(kernel_size=kernel, depth_multiplier=2, padding="same"), x)
            first(cls, "strides_same", dict(kernel_size=3, strides=2, padding="same", activation="relu"), x)
            add(cls, "strides_valid", dict(kernel_size=2, strides=2, use_bias=False), x)
            add(cls, "dilated_same", dict(kernel_size=3, dilation_rate=2, padding="same"), x)
            add(cls, "dilated_valid", dict(kernel_size=2, dilation_rate=2), x)
            add(cls, "regularized", dict(kernel_size=2, depthwise_regularizer="l2", depthwise_constraint="unit_norm"), x)
        cls = f"SeparableConv{rank}D"
        first(cls, "valid", dict(filters=4, kernel_size=kernel), x)
        first(cls, "same_multiplier", dict(filters=4, kernel_size=kernel, depth_multiplier=2, padding="same"), x)
        first(cls, "strides_same", dict(filters=2, kernel_size=3, strides=2, padding="same", activation="relu"), x)
        add(cls, "strides_valid", dict(filters=2, kernel_size=2, strides=2, use_bias=False), x)
        add(cls, "dilated_same", dict(filters=2, kernel_size=3, dilation_rate=2, padding="same"), x)
        add(cls, "regularized", dict(filters=2, kernel_size=2, depthwise_regularizer="l2", pointwise_regularizer="l1", bias_regularizer="l2"), x)
        if rank == 1:
            add(cls, "causal", dict(filters=2, kernel_size=3, padding="causal"), x)


def locally_connected():
    for rank in (1, 2):
        cls = f"LocallyConnected{rank}D"
        x = values(*{1: (2, 6, 2), 2: (2, 4, 5, 2)}[rank])
        first = values(*{1: (2, 2, 6), 2: (2, 2, 4, 5)}[rank])
        for implementation in (1, 2, 3):
            name = f"implementation{implementation}"
            add(cls, name, dict(filters=3, kernel_size=2, implementation=implementation), x)
            add(cls, name + "_strides", dict(filters=2, kernel_size=3, strides=2, implementation=implementation, activation="tanh"), x)
            add(cls, name + "_channels_first", dict(filters=2, kernel_size=2, data_format="channels_first", implementation=implementation), first)
            if implementation > 1:
                add(cls, name + "_same", dict(filters=2, kernel_size=2, padding="same", implementation=implementation), x)
        add(cls, "no_bias", dict(filters=2, kernel_size=2, use_bias=False), x)


def pooling():
    for rank in (1, 2, 3):
        x = values(*{1: (2, 7, 3), 2: (2, 5, 6, 2), 3: (1, 4, 5, 3, 2)}[rank])
        for kind in ("MaxPooling", "AveragePooling"):
            cls = f"{kind}{rank}D"
            add_both_formats(cls, "default", {}, x)
            add_both_formats(cls, "same", dict(pool_size=2, padding="same"), x)
            add_both_formats(cls, "overlap_same", dict(pool_size=3, strides=1, padding="same"), x)
            add(cls, "overlap_valid", dict(pool_size=3, strides=2), x)
            add(cls, "uneven", dict(pool_size=(2, 3, 1)[:rank], strides=(1, 2, 3)[:rank]), x)
            add(cls, "gaps", dict(pool_size=2, strides=3, padding="same"), x)
        for kind in ("GlobalMaxPooling", "GlobalAveragePooling"):
            cls = f"{kind}{rank}D"
            add_both_formats(cls, "default", {}, x)
            if cls != "GlobalAveragePooling1D" or True:
                add(cls, "keepdims", dict(keepdims=True), x)
    import numpy as np

    mask = np.array([[True, True, False, True, False, False, False], [True] * 7])
    add("GlobalAveragePooling1D", "masked", {}, values(2, 7, 3), dict(mask=mask))
    ties = values(1, 4, 4, 1).round(0)
    add("MaxPooling2D", "ties", {}, ties)
    add("GlobalMaxPooling1D", "ties", {}, values(2, 4, 2).round(0))
    for rank in (1, 2, 3):
        whole = integers(2, *[5, 4, 3][:rank], 2, low=-9)
        if rank < 3:
            add(f"MaxPooling{rank}D", "integers", {}, whole)
            add(f"MaxPooling{rank}D", "integers_same", dict(padding="same", strides=1), whole.astype("int64"))
        add(f"GlobalMaxPooling{rank}D", "integers", {}, whole)
        add(f"GlobalAveragePooling{rank}D", "integers", {}, whole)


def run():
    convolutions()
    transposed_convolutions()
    depthwise()
    locally_connected()
    pooling()
