"""Random arguments, and the register of classes: `draw(r, shape)` makes a layer for an input of `shape`, without the batch."""

import keras

L = keras.layers
KERAS3 = keras.__version__.startswith("3")
ACTIVATIONS = ["linear", "relu", "elu", "selu", "softplus", "softsign", "tanh", "sigmoid", "exponential", "gelu", "swish", "hard_sigmoid", "softmax", "mish"]
if KERAS3:
    ACTIVATIONS += ["silu", "leaky_relu", "relu6", "celu", "log_sigmoid", "hard_tanh", "hard_shrink", "soft_shrink", "tanh_shrink", "threshold", "squareplus", "sparse_plus", "sparse_sigmoid", "hard_silu", "log_softmax"]  # fmt: skip
ONE, MANY = {}, {}


def one(*ranks, name=None, several=False):
    """A layer of one tensor; its rank counts the batch."""

    def register(draw):
        for class_name in [name] if isinstance(name, (str, type(None))) else name:
            class_name = class_name or draw.__name__
            if hasattr(L, class_name):
                (MANY if several else ONE)[class_name] = (ranks, draw)
        return draw

    return register


def many(*ranks, name=None):
    return one(*ranks, name=name, several=True)


class Random:
    """Draws of a seed."""

    def __init__(self, generator):
        self.generator = generator

    def int(self, low, high):
        return int(self.generator.integers(low, high + 1))

    def pick(self, items):
        return items[self.int(0, len(items) - 1)]

    def chance(self, p=0.5):
        return bool(self.generator.random() < p)

    def float(self, low, high):
        return round(float(self.generator.uniform(low, high)), 3)

    def some(self, **options):
        """Each option with a probability of one half; functions are called."""
        return {k: v() if callable(v) else v for k, v in options.items() if self.chance()}

    def sizes(self, rank, low, high):
        return self.int(low, high) if self.chance() else tuple(self.int(low, high) for _ in range(rank))

    def activation(self):
        return self.pick(ACTIVATIONS)

    def vector_regularizer(self):
        return self.pick(["l1", "l2", keras.regularizers.L1L2(0.01, 0.02)])

    def constraint(self):
        c = keras.constraints
        return self.pick(["non_neg", "unit_norm", "max_norm", c.MaxNorm(0.7, axis=0), c.MinMaxNorm(0.3, 0.8, rate=0.7, axis=0), c.UnitNorm(axis=0)])

    def kernel(self, *names, bias="bias", use_bias=True):
        """Options of weights: those of `names` and of a bias."""
        options = {}
        for name in names:
            options.update(self.some(**{f"{name}_regularizer": self.vector_regularizer}) if self.chance(0.4) else {})
            options.update(self.some(**{f"{name}_constraint": self.constraint}) if self.chance(0.3) else {})
        if self.chance(0.2):
            options["activity_regularizer"] = self.vector_regularizer()
        if bias and use_bias:
            options["use_bias"] = self.chance(0.8)
            if self.chance(0.2):
                options[f"{bias}_regularizer"] = self.vector_regularizer()
            if self.chance(0.2):
                options[f"{bias}_constraint"] = self.pick(["non_neg", "max_norm"])
        return options

    def format(self, p=0.2):
        return {"data_format": "channels_first"} if self.chance(p) else self.some(data_format="channels_last")


def axes(r, rank, least=1):
    chosen = [a for a in range(1, rank) if r.chance()]
    chosen = chosen if len(chosen) >= least else [rank - 1]
    chosen = [a - rank if r.chance() else a for a in chosen]
    return chosen[0] if len(chosen) == 1 and r.chance() else chosen
