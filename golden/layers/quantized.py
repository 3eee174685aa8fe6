"""Cases of layers with quantized weights, which Keras 3 alone has: `<class>_keras3.json`."""

import numpy as np

from case import add, integers, keras, seeded, values

L = keras.layers
Q = keras.quantizers
WEIGHT_ONLY = Q.Int8QuantizationConfig(activation_quantizer=None)
NARROW = Q.Int8QuantizationConfig(activation_quantizer=Q.AbsMaxQuantizer(value_range=(-7, 7), epsilon=0.01))


def four(block_size=None, **options):
    return Q.Int4QuantizationConfig(block_size=block_size, **options)


def quantized(cls, shape, arguments, mode, config=None):
    """A layer of random weights that is quantized after it is built."""

    def make(**kw):
        layer = cls(**arguments, **kw)
        layer.build(shape)
        for at, weight in enumerate(layer.weights):
            weight.assign(values(*weight.shape, key=f"{cls.__name__}{at}{mode}", low=-0.9, high=0.7))
        layer.quantize(mode, config=config)
        return layer

    return dict(make=make, keep_weights=True)


def packed(cls, shape, arguments, policy, order=None):
    """A layer of a policy whose weights calibration would have given."""

    def make(**kw):
        layer = cls(**arguments, dtype=f"{policy}_from_float32", **kw)
        layer.build(shape)
        mode, bits, group = policy.split("/")
        rows, group = layer.g_idx.shape[0], int(group)
        groups = np.zeros(rows) if group < 0 else np.arange(rows) // group
        generator = seeded(policy, cls.__name__, tuple(shape))
        for weight in layer.weights:
            name = weight.path.split("/")[-1]
            if name == "g_idx":
                value = groups if order is None else groups[order(rows)]
            elif weight.dtype == "uint8":
                most = 256 if name == "kernel" and bits == "4" else 2 ** int(bits)
                value = generator.randint(0, most, tuple(weight.shape))
            else:
                value = np.round(generator.uniform(0.02, 0.2, tuple(weight.shape)), 3)
            weight.assign(value.astype(weight.dtype))
        setattr(layer, f"is_{mode}_calibrated", True)
        return layer

    return dict(make=make, keep_weights=True)


def dense():
    x, steps = values(3, 5), values(2, 3, 5)
    relu = dict(units=4, activation="relu")

    def case(name, inputs, arguments, *mode):
        add("Dense", name, None, inputs, **quantized(L.Dense, inputs.shape, arguments, *mode))

    case("int8", x, relu, "int8")
    case("int8_steps", steps, dict(units=3, use_bias=False), "int8")
    case("int8_zeros", np.zeros((2, 5), "float32"), dict(units=3), "int8")
    case("int8_weight_only", x, relu, "int8", WEIGHT_ONLY)
    case("int8_narrow", x, relu, "int8", NARROW)
    case("int8_one", x[:, :1].copy(), dict(units=1), "int8")
    case("int4_default", x, relu, "int4", four(128))
    case("int4_blocks", steps, dict(units=5), "int4", four(2))
    case("int4_blocks_whole", values(2, 6), dict(units=3, use_bias=False), "int4", four(3))
    case("int4_columns", x, dict(units=3), "int4", four())
    case("int4_legacy", x, dict(units=3), "int4")
    case("int4_inputs", steps, relu, "int4", four(activation_quantizer=Q.AbsMaxQuantizer()))
    for policy in ("gptq/4/2", "gptq/4/-1", "gptq/2/3", "gptq/3/-1", "gptq/8/2", "awq/4/2", "awq/4/-1"):
        add("Dense", policy.replace("/", "_"), None, steps, **packed(L.Dense, steps.shape, dict(units=3), policy))
    backwards = packed(L.Dense, x.shape, dict(units=4, use_bias=False), "gptq/4/2", lambda rows: np.arange(rows)[::-1])
    add("Dense", "gptq_order", None, x, **backwards)


def einsum():
    x, heads = values(2, 3, 6, key="x"), values(2, 3, 2, 4, key="heads")
    cases = {
        "matrix": ("ab,bc->ac", 4, "c", x[0].copy()),
        "steps": ("abc,cd->abd", (None, 4), "d", x),
        "query": ("abc,cde->abde", (None, 2, 5), "de", x),
        "output": ("abcd,cde->abe", (None, 9), "e", heads),
        "shared": ("abcd,ce->abed", (None, 3, 4), None, heads),
        "turned": ("abc,dc->adb", (4, 3), "d", x),
        "heads_first": ("abc,dec->abde", (None, 2, 5), "e", x),
        "swapped": ("abc,cde->abed", (None, 5, 2), "ed", x),
        "batched": ("abc,bcd->abd", (3, 4), "bd", x),
    }
    modes = {"int8": ("int8",), "int8_weight_only": ("int8", WEIGHT_ONLY), "int4": ("int4", four(4)), "int4_columns": ("int4", four()),
             "int4_inputs": ("int4", four(activation_quantizer=Q.AbsMaxQuantizer()))}
    for name, (equation, output_shape, bias_axes, inputs) in cases.items():
        arguments = dict(equation=equation, output_shape=output_shape, bias_axes=bias_axes)
        for mode, how in modes.items():
            add("EinsumDense", f"{name}_{mode}", None, inputs, **quantized(L.EinsumDense, inputs.shape, arguments, *how))
        if name in ("steps", "query", "output"):
            for policy in ("gptq/4/4", "gptq/8/-1", "awq/4/4"):
                options = packed(L.EinsumDense, inputs.shape, arguments, policy)
                add("EinsumDense", f"{name}_{policy.replace('/', '_')}", None, inputs, **options)


def embeddings():
    ids, vectors = integers(2, 3, high=6), values(2, 5, key="vectors")
    for mode, how in {"int8": ("int8",), "int4": ("int4", four(2)), "int4_rows": ("int4", four())}.items():
        plain = dict(input_dim=6, output_dim=5)
        add("Embedding", mode, None, ids, **quantized(L.Embedding, ids.shape, plain, *how))
        add("Embedding", mode + "_mask", None, ids, **quantized(L.Embedding, ids.shape, dict(plain, mask_zero=True), *how))
        for tie in (True, False):
            name = f"{mode}_{'tied' if tie else 'untied'}"
            arguments = dict(plain, tie_weights=tie, logit_soft_cap=None if tie else 2.0)
            add("ReversibleEmbedding", name, None, ids, **quantized(L.ReversibleEmbedding, ids.shape, arguments, *how))
            options = quantized(L.ReversibleEmbedding, ids.shape, arguments, *how)
            add("ReversibleEmbedding", name + "_reverse", None, vectors, dict(reverse=True), **options)


def run():
    dense()
    einsum()
    embeddings()
