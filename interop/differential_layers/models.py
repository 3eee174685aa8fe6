"""Random models: a layer of the class asked for, and layers before, beside and after it."""

import zlib

import keras
import numpy as np

import draws
from draws import KERAS3, L, MANY, ONE, Random

INTEGERS, STRINGS = draws.integer_table(), draws.string_table()
CLASSES = list(ONE) + list(MANY) + list(INTEGERS) + ["String" + name for name in STRINGS]
LIMIT = 400


class Refused(Exception):
    """Keras does not take this draw."""


class Graph:
    """Tensors that grow by layers; those that nothing takes become the outputs."""

    def __init__(self, r, batch):
        self.r, self.batch = r, batch
        self.inputs, self.arrays, self.open, self.applied, self.fixed = [], [], [], [], r.chance(0.2)

    def input(self, shape, values):
        dtype = "string" if values.dtype.kind in "OU" else values.dtype.name
        tensor = keras.Input(shape=shape, batch_size=self.batch if self.fixed else None, dtype=dtype)
        self.inputs.append(tensor)
        self.arrays.append(values)
        self.open.append(tensor)
        return tensor

    def floats(self, shape):
        values = np.round(self.r.generator.uniform(-1, 1, (self.batch, *shape)), 3).astype(np.float32)
        if len(shape) == 2 and self.r.chance(0.3):
            # Rows of one value at the end, for Masking.
            value = self.r.pick([0.0, 0.5])
            for row in values:
                row[self.r.int(0, shape[0] - 1) :] = value
            return self.put(L.Masking(value), self.input(shape, values))
        return self.input(shape, values)

    def shape(self, rank):
        high = {2: 6, 3: 6, 4: 7, 5: 4, 6: 3}[rank]
        return tuple(self.r.int(1, high) for _ in range(rank - 1))

    def put(self, layer, tensors, **call):
        """Applies a layer; what it takes is not open any more, most of the time."""
        result = layer(tensors, **call)
        result = [t for t in (result if isinstance(result, (list, tuple)) else [result])]
        taken = tensors if isinstance(tensors, (list, tuple)) else [tensors]
        for t in taken:
            if self.r.chance(0.85):
                self.open = [o for o in self.open if o is not t]
        for t in result:
            if any(n is not None and (n == 0 or n > LIMIT) for n in t.shape[1:]):
                raise Refused("sizes")
        self.open += result
        self.applied.append((layer, len(taken)))
        return result[0]

    def put_attention(self, layer, query, others, call):
        result = layer(query, others[0], **call)
        result = list(result) if isinstance(result, (list, tuple)) else [result]
        self.open = [o for o in self.open if not any(o is t for t in (query, *others))] + result
        self.applied.append((layer, 0))
        return result[0]


def fits(tensor, ranks):
    return len(tensor.shape) in ranks and "float" in str(getattr(tensor.dtype, "name", tensor.dtype)) and None not in tensor.shape[1:]


def apply(graph, class_name):
    """A layer of the class on a tensor that is there, or on a new one."""
    r = graph.r
    if class_name in INTEGERS:
        layer = INTEGERS[class_name](r)
        is_deep = class_name == "Embedding" or getattr(layer, "output_mode", "") == "int"
        shape = tuple(r.int(1, 5) for _ in range(r.int(1, 2 if is_deep else 1)))
        values = r.generator.integers(0, 8, (graph.batch, *shape)).astype(r.pick(["int32", "int64"]))
        return graph.put(layer, graph.input(shape, values))
    if class_name.startswith("String") and class_name[6:] in STRINGS:
        shape = (1,) if class_name == "StringTextVectorization" else (r.int(1, 4),)
        values = np.array([r.pick(draws.WORDS) for _ in range(graph.batch * shape[0])], dtype=object).reshape(graph.batch, *shape)
        return graph.put(STRINGS[class_name[6:]](r), graph.input(shape, values))
    ranks, draw = ONE.get(class_name) or MANY[class_name]
    found = [t for t in graph.open if fits(t, ranks)]
    first = r.pick(found) if found and r.chance(0.8) else graph.floats(graph.shape(r.pick(ranks)))
    shape = tuple(first.shape[1:])
    if class_name in ONE:
        layer = draw(r, shape)
        if getattr(layer, "stateful", False):
            graph.fixed or refuse("stateful without batch")
        tensors = first
        is_recurrent = isinstance(layer, (L.LSTM, L.GRU, L.SimpleRNN))
        if is_recurrent and not getattr(layer, "time_major", False) and r.chance(0.15):
            states = 2 if isinstance(layer, L.LSTM) else 1
            return graph.put(layer, first, initial_state=[graph.floats((layer.units,)) for _ in range(states)])
        return graph.put(layer, tensors)
    others = []
    for _ in range(1 if class_name in ("Dot", "Subtract") else r.int(1, 2)):
        same = [t for t in graph.open if fits(t, ranks) and t is not first]
        if same and r.chance(0.3):
            others.append(r.pick(same))
            continue
        other = list(shape)
        if class_name.endswith("Attention"):
            steps = others[0].shape[1:-1] if others else tuple(r.int(1, 5) for _ in shape[1:])
            width = shape[-1] if class_name in ("Attention", "AdditiveAttention") else r.int(1, 4)
            others.append(graph.floats((*steps, width)))
            continue
        change = r.int(0, 3)
        if change == 0:
            other[r.int(0, len(other) - 1)] = r.int(1, 4)
        elif change == 1:
            other = [n if r.chance() else 1 for n in other]
        elif change == 2 and not KERAS3 and class_name not in ("Dot", "Concatenate") and len(other) > 1:
            # Keras 3 takes some of these for biases of channels.
            other = other[1:]
        others.append(graph.floats(tuple(other)))
    layer = draw(r, [shape] + [tuple(t.shape[1:]) for t in others])
    if class_name == "MultiHeadAttention":
        call = dict(use_causal_mask=True) if r.chance(0.3) else {}
        if len(others) > 1:
            call["key"] = others[1]
        if r.chance(0.2):
            call["return_attention_scores"] = True
        return graph.put_attention(layer, first, others, call)
    if class_name == "GroupQueryAttention":
        return graph.put_attention(layer, first, others, dict(key=others[1]) if len(others) > 1 else {})
    call = dict(use_causal_mask=True) if class_name.endswith("Attention") and r.chance(0.3) else {}
    return graph.put(layer, [first] + others, **call)


def refuse(why):
    raise Refused(why)


def nested(graph):
    """A model of one or two layers as a layer."""
    r = graph.r
    found = [t for t in graph.open if fits(t, (2, 3, 4))]
    outer = r.pick(found) if found else graph.floats(graph.shape(r.pick([2, 3, 4])))
    inner = Graph(r, graph.batch)
    inner.fixed = False
    start = inner.input(tuple(outer.shape[1:]), np.zeros((1, *outer.shape[1:]), np.float32))
    layers, tensor = [], start
    for _ in range(r.int(1, 2)):
        fitting = [(n, d) for n, (ranks, d) in ONE.items() if fits(tensor, ranks)]
        fitting or refuse("nothing fits")
        layer = r.pick(fitting)[1](r, tuple(tensor.shape[1:]))
        if getattr(layer, "stateful", False) or getattr(layer, "return_state", False):
            refuse("states in a nested model")
        tensor = layer(tensor)
        isinstance(tensor, (list, tuple)) and refuse("several tensors")
        layers.append(layer)
    if r.chance():
        model = keras.Model(start, tensor)
    else:
        model = keras.Sequential([keras.Input(tuple(outer.shape[1:]))] + layers)
    return graph.put(model, outer)


def again(graph):
    """A layer that is there, applied once more to a tensor of the same shape."""
    r = graph.r
    single = [layer for layer, count in graph.applied if count == 1 and not isinstance(layer, L.Masking) and not getattr(layer, "stateful", False)]
    single or refuse("nothing to share")
    layer = r.pick(single)
    shape = layer.input.shape if KERAS3 else layer.get_input_at(0).shape
    dtype = layer.input.dtype if KERAS3 else layer.get_input_at(0).dtype.name
    "float" in dtype or refuse("integers")
    return graph.put(layer, graph.floats(tuple(shape[1:])))


def weight_values(r, model):
    values = []
    for weight in model.weights:
        value = np.asarray(weight)
        name = getattr(weight, "path", weight.name)
        if value.dtype.kind != "f":
            values.append(value)
        elif "variance" in name:
            values.append(np.round(r.generator.uniform(0.5, 1.5, value.shape), 3).astype(value.dtype))
        elif "normalization" in name and ("mean" in name or "count" in name) and "moving" not in name:
            values.append(value)
        else:
            values.append(np.round(r.generator.uniform(-0.6, 0.6, value.shape), 3).astype(value.dtype))
    return values


def make(seed, attempt, class_name):
    """A model around a layer of the class, and arrays for it."""
    keras.backend.clear_session()
    r = Random(np.random.default_rng([seed, attempt, zlib.crc32(class_name.encode())]))
    graph = Graph(r, r.pick([1, 2, 3, 4]))
    apply(graph, class_name)
    # The shape that Keras 3 declares after texts is not that of the values: nothing follows them.
    follows = 0 if KERAS3 and class_name == "StringTextVectorization" else 3
    for _ in range(r.int(0, follows)):
        action = r.int(0, 9)
        before = [list(items) for items in (graph.inputs, graph.arrays, graph.open, graph.applied)]
        try:
            if action == 0:
                nested(graph)
            elif action == 1:
                again(graph)
            else:
                fitting = [n for n, (ranks, _) in {**ONE, **MANY}.items() if any(fits(t, ranks) for t in graph.open)]
                if fitting:
                    apply(graph, r.pick(fitting))
        except Exception:
            graph.inputs, graph.arrays, graph.open, graph.applied = before
    is_plain = len(graph.inputs) == 1 and len(graph.open) == 1 and all(count == 1 for _, count in graph.applied)
    if is_plain and r.chance(0.4) and len({id(layer) for layer, _ in graph.applied}) == len(graph.applied):
        first = keras.Input(batch_shape=tuple(graph.inputs[0].shape), dtype=graph.inputs[0].dtype)
        model = keras.Sequential([first] + [layer for layer, _ in graph.applied])
    else:
        model = keras.Model(graph.inputs, graph.open)
    model.set_weights(weight_values(r, model))
    return model, graph.arrays, r
