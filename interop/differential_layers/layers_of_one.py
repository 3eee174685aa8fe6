"""Layers of one tensor that are not recurrent."""

from arguments import KERAS3, L, axes, keras, one


# core
@one(2, 3, 4)
def Dense(r, shape):
    return L.Dense(r.int(1, 5), **r.some(activation=r.activation), **r.kernel("kernel"))


@one(2, 3, 4)
def EinsumDense(r, shape):
    n = len(shape)
    u = r.int(1, 4)
    table = {
        1: [("ab,bc->ac", (u,), "c"), ("...x,xy->...y", (u,), "y")],
        2: [("abc,cd->abd", (None, u), "d"), ("abc,cde->abde", (None, u, 2), "de"), ("abc,bcd->ad", (u,), "d"), ("abc,bd->adc", (u, shape[-1]), "d"), ("...x,xy->...y", (None, u), "y")],
        3: [("abcd,de->abce", (None, None, u), "e"), ("abcd,cde->abe", (None, u), "e"), ("abcd,cd->abc", (None, shape[1]), "c"), ("...x,xy->...y", (None, None, u), "y")],
    }  # fmt: skip
    equation, out, bias = r.pick(table[n])
    options = r.kernel("kernel")
    options.pop("use_bias", None)
    return L.EinsumDense(equation, out, bias_axes=bias if r.chance() else None, **r.some(activation=r.activation), **options)


@one(2, 3, 4, 5)
def Activation(r, shape):
    return L.Activation(r.activation())


@one(2, 3, 4)
def LeakyReLU(r, shape):
    return L.LeakyReLU(**{"negative_slope" if KERAS3 else "alpha": r.float(0, 0.6)})


@one(2, 3, 4)
def PReLU(r, shape):
    shared = axes(r, len(shape) + 1) if r.chance() else None
    return L.PReLU(shared_axes=shared, **r.some(alpha_regularizer=r.vector_regularizer, alpha_constraint="non_neg"))


@one(2, 3, 4)
def ELU(r, shape):
    return L.ELU(alpha=r.float(0, 2))


@one(2, 3, 4)
def ThresholdedReLU(r, shape):
    return L.ThresholdedReLU(theta=r.float(0, 1))


@one(2, 3, 4)
def ReLU(r, shape):
    return L.ReLU(**r.some(max_value=lambda: r.float(0, 1), negative_slope=lambda: r.float(0, 0.7), threshold=lambda: r.float(0, 0.5)))


@one(2, 3, 4)
def Softmax(r, shape):
    return L.Softmax(**r.some(axis=lambda: axes(r, len(shape) + 1)))


@one(2, 3, 4)
def ActivityRegularization(r, shape):
    return L.ActivityRegularization(**r.some(l1=lambda: r.float(0, 0.1), l2=lambda: r.float(0, 0.1)))


@one(3, 4)
def Masking(r, shape):
    return L.Masking(mask_value=r.pick([0.0, 0.5, -1.0]))


@one(2, 3, 4, 5)
def Identity(r, shape):
    return L.Identity()


# convolutions
def convolution(r, rank, shape, causal=False):
    channels = shape[-1]
    groups = r.pick([g for g in (1, 1, 2, 3) if channels % g == 0])
    options = dict(filters=groups * r.int(1, 3), kernel_size=r.sizes(rank, 1, 3), padding=r.pick(["valid", "same"] + ["causal"] * causal), groups=groups)
    options.update({"strides": r.sizes(rank, 1, 3)} if r.chance() else {"dilation_rate": r.sizes(rank, 1, 3)})
    return dict(**options, **r.some(activation=r.activation), **r.kernel("kernel"))


for rank in (1, 2, 3):
    one(rank + 2, name=f"Conv{rank}D")(lambda r, shape, rank=rank: getattr(L, f"Conv{rank}D")(**convolution(r, rank, shape, rank == 1)))

    def transposed(r, shape, rank=rank):
        options = convolution(r, rank, shape)
        options.pop("groups")
        if r.chance(0.4) and "strides" in options:
            strides = options["strides"]
            strides = (strides,) * rank if isinstance(strides, int) else strides
            options["output_padding"] = tuple(r.int(0, s - 1) for s in strides)
        return getattr(L, f"Conv{rank}DTranspose")(**options)

    one(rank + 2, name=f"Conv{rank}DTranspose")(transposed)


def depthwise(r, shape, rank):
    options = dict(kernel_size=r.sizes(rank, 1, 3), padding=r.pick(["valid", "same"]), **r.some(depth_multiplier=lambda: r.int(1, 3)))
    if r.chance():
        options.update(r.pick([{"strides": r.int(1, 3)}, {"dilation_rate": r.sizes(rank, 1, 3)}]))
    return {**options, **r.some(activation=r.activation)}


for rank in (1, 2):
    one(rank + 2, name=f"DepthwiseConv{rank}D")(
        lambda r, shape, rank=rank: getattr(L, f"DepthwiseConv{rank}D")(**depthwise(r, shape, rank), **r.kernel("depthwise"))
    )
    one(rank + 2, name=f"SeparableConv{rank}D")(
        lambda r, shape, rank=rank: getattr(L, f"SeparableConv{rank}D")(r.int(1, 4), **depthwise(r, shape, rank), **r.kernel("depthwise", "pointwise"))
    )

    def local(r, shape, rank=rank):
        implementation = r.int(1, 3)
        padding = "same" if implementation > 1 and r.chance() else "valid"
        return getattr(L, f"LocallyConnected{rank}D")(
            r.int(1, 3), r.sizes(rank, 1, 3), strides=r.sizes(rank, 1, 2), padding=padding, implementation=implementation,
            **r.some(activation=r.activation), **r.kernel("kernel"),
        )  # fmt: skip

    one(rank + 2, name=f"LocallyConnected{rank}D")(local)


# pooling
for rank in (1, 2, 3):
    for kind in ("Max", "Average"):
        one(rank + 2, name=f"{kind}Pooling{rank}D")(
            lambda r, shape, rank=rank, kind=kind: getattr(L, f"{kind}Pooling{rank}D")(
                r.sizes(rank, 1, 3) if rank > 1 else r.int(1, 3),
                strides=r.pick([None, r.sizes(rank, 1, 3) if rank > 1 else r.int(1, 3)]),
                padding=r.pick(["valid", "same"]),
            )
        )
        one(rank + 2, name=f"Global{kind}Pooling{rank}D")(
            lambda r, shape, rank=rank, kind=kind: getattr(L, f"Global{kind}Pooling{rank}D")(**r.format(), **r.some(keepdims=lambda: r.chance()))
        )
        one(rank + 2, name=f"Adaptive{kind}Pooling{rank}D")(
            lambda r, shape, rank=rank, kind=kind: getattr(L, f"Adaptive{kind}Pooling{rank}D")(r.sizes(rank, 1, 4), **r.format())
        )


# reshaping
def pads(r, rank, low=0, high=2):
    if rank == 1:
        return r.pick([r.int(low, high), (r.int(low, high), r.int(low, high))])
    pair = lambda: (r.int(low, high), r.int(low, high))
    return r.pick([r.int(low, high), tuple(r.int(low, high) for _ in range(rank)), tuple(pair() for _ in range(rank))])


for rank in (1, 2, 3):
    for kind in ("ZeroPadding", "Cropping"):
        one(rank + 2, name=f"{kind}{rank}D")(
            lambda r, shape, rank=rank, kind=kind: getattr(L, f"{kind}{rank}D")(
                pads(r, rank), **(r.format() if rank > 1 or KERAS3 and kind == "ZeroPadding" else {})
            )
        )


@one(3)
def UpSampling1D(r, shape):
    return L.UpSampling1D(r.int(1, 3))


@one(4)
def UpSampling2D(r, shape):
    modes = ["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"] + ["area", "gaussian", "mitchellcubic"] * (not KERAS3)
    return L.UpSampling2D(r.sizes(2, 1, 3), interpolation=r.pick(modes), **r.format())


@one(5)
def UpSampling3D(r, shape):
    return L.UpSampling3D(r.sizes(3, 1, 3), **r.format())


@one(2, 3, 4, 5)
def Flatten(r, shape):
    return L.Flatten(**r.format())


@one(2, 3, 4, 5)
def Reshape(r, shape):
    total = 1
    for n in shape:
        total *= n
    divisors = [d for d in range(1, total + 1) if total % d == 0]
    a = r.pick(divisors)
    target = r.pick([(total,), (a, total // a), (a, -1), (-1,), (1, -1, a), (total, 1)])
    return L.Reshape(target)


@one(3, 4, 5)
def Permute(r, shape):
    order = list(range(1, len(shape) + 1))
    r.generator.shuffle(order)
    return L.Permute(tuple(int(o) for o in order))


@one(2)
def RepeatVector(r, shape):
    return L.RepeatVector(r.int(1, 4))


# normalization
@one(2, 3, 4)
def BatchNormalization(r, shape):
    rank = len(shape) + 1
    axis = r.pick([-1, r.int(1, rank - 1), [r.int(1, rank - 1)]] + ([[1, rank - 1]] if rank > 2 and not KERAS3 else []))
    axis = axis[0] if KERAS3 and isinstance(axis, list) else axis
    clipping = lambda: r.some(rmin=lambda: r.float(0, 0.9), rmax=lambda: r.float(1, 3), dmax=lambda: r.float(0, 2))
    renorm = dict(renorm=True, **r.some(renorm_clipping=clipping, renorm_momentum=lambda: r.float(0.5, 1))) if r.chance(0.3) else {}
    return L.BatchNormalization(
        axis=axis, **renorm, momentum=r.float(0.5, 1), epsilon=r.pick([1e-3, 1e-5, 0.1]), center=r.chance(0.8), scale=r.chance(0.8),
        **r.some(beta_regularizer=r.vector_regularizer, gamma_regularizer=r.vector_regularizer, gamma_constraint="non_neg", beta_constraint="non_neg"),
    )  # fmt: skip


@one(2, 3, 4, 5)
def LayerNormalization(r, shape):
    return L.LayerNormalization(
        axis=axes(r, len(shape) + 1), epsilon=r.pick([1e-3, 1e-5, 0.1]), center=r.chance(0.8), scale=r.chance(0.8),
        **r.some(beta_regularizer=r.vector_regularizer, gamma_constraint="non_neg"),
    )  # fmt: skip


@one(2, 3, 4)
def GroupNormalization(r, shape):
    axis = r.int(1, len(shape))
    n = shape[axis - 1]
    groups = r.pick([g for g in range(1, n + 1) if n % g == 0] + [-1])
    return L.GroupNormalization(groups=groups, axis=axis if r.chance() else axis - len(shape) - 1, center=r.chance(0.8), scale=r.chance(0.8), epsilon=r.pick([1e-3, 0.1]))


@one(2, 3, 4)
def UnitNormalization(r, shape):
    return L.UnitNormalization(axis=axes(r, len(shape) + 1))


@one(2, 3, 4)
def RMSNormalization(r, shape):
    return L.RMSNormalization(axis=axes(r, len(shape) + 1), epsilon=r.pick([1e-6, 0.1]))


@one(2, 3, 4, name=["SpectralNormalization"] * KERAS3)
def spectral(r, shape):
    # Keras 2.15 does not load its own.
    inner = Conv2D_plain(r) if len(shape) == 3 else L.Dense(r.int(1, 4), use_bias=r.chance())
    return L.SpectralNormalization(inner, power_iterations=r.int(1, 3))


def Conv2D_plain(r):
    return L.Conv2D(r.int(1, 3), r.sizes(2, 1, 3), padding="same")


# regularization, at inference
@one(2, 3, 4, name=["Dropout", "GaussianDropout", "GaussianNoise", "AlphaDropout"])
def noise(r, shape):
    rate = r.float(0.1, 0.6)
    kind = r.pick(["Dropout", "GaussianDropout", "GaussianNoise", "AlphaDropout", "SpatialDropout"])
    if kind == "SpatialDropout" and len(shape) > 1:
        return getattr(L, f"SpatialDropout{len(shape) - 1}D")(rate)
    return getattr(L, kind if kind != "SpatialDropout" else "Dropout")(rate)
