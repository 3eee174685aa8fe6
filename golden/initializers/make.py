"""Writes golden/initializers/initializers.json (Keras 2) or keras3_initializers.json (what only Keras 3 has; needs scipy): what can be told of random values without copying a generator.

For each initializer and shape: fans, the bound or standard deviation that Keras documents, and mean, deviation, least and
greatest of a large real sample. Deterministic initializers have their exact `value`.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from real import KERAS3, array, keras, np, plain, save  # noqa: E402

I = keras.initializers  # noqa: E741
SHAPES = [(), (7,), (5, 3), (3, 2, 4), (3, 5, 2, 4), (2, 3, 4, 5, 6), (1, 1, 8, 2), (4, 1), (1, 4)]
FANNED = ["GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform"]


def fans(dims):
    from keras.src.initializers.initializers import _compute_fans

    return [int(v) for v in _compute_fans(dims)]


def sample(initializer, dims, repeat):
    out = []
    for seed in range(repeat):
        config = {**initializer.get_config(), "seed": seed + 1}
        out.append(np.asarray(type(initializer).from_config(config)(dims)).ravel())
    return np.concatenate(out).astype(np.float64)


def exact_case(name, i, arguments, dims):
    initializer = getattr(I, name)(**arguments)
    return {"name": f"{name}_{i}", "keras": keras.__version__, "kind": "exact", "class_name": name, "serialized": plain(I.serialize(initializer)), "shape": list(dims), "value": array(initializer(dims))}


def keras3():
    dims = (6, 1, 5)
    arguments = [{}, dict(side="imag"), dict(side="imag", window="hamming", scaling="spectrum"), dict(window=None), dict(window="blackman", scaling=None, periodic=True), dict(window=[0.1, 0.5, 1.0, 1.0, 0.5, 0.25])]
    save(__file__, "Keras3Initializers", [exact_case("STFT", i, one, dims) for i, one in enumerate(arguments)])


def main():
    if KERAS3:
        return keras3()
    cases = []
    for dims in SHAPES:
        fan_in, fan_out = fans(dims)
        cases.append({"name": f"fans_{'x'.join(map(str, dims)) or 'scalar'}", "keras": keras.__version__, "kind": "fans", "shape": list(dims), "fan_in": fan_in, "fan_out": fan_out})
    random = [(n, {}) for n in FANNED]
    random += [("RandomNormal", {}), ("RandomNormal", dict(mean=1.0, stddev=2.0)), ("RandomUniform", {}), ("RandomUniform", dict(minval=-1.0, maxval=3.0)), ("TruncatedNormal", {}), ("TruncatedNormal", dict(mean=-1.0, stddev=0.5))]
    for mode in ("fan_in", "fan_out", "fan_avg"):
        for distribution in ("truncated_normal", "untruncated_normal", "uniform"):
            random.append(("VarianceScaling", dict(scale=1.5, mode=mode, distribution=distribution)))
    for i, (name, arguments) in enumerate(random):
        initializer = getattr(I, name)(**arguments)
        for dims in [(40, 30), (3, 3, 8, 6)]:
            values = sample(initializer, dims, 100)
            cases.append({"name": f"{name}_{i}_rank{len(dims)}", "keras": keras.__version__, "kind": "statistics", "class_name": name, "serialized": plain(I.serialize(initializer)), "shape": list(dims), "samples": len(values), "mean": float(values.mean()), "std": float(values.std()), "min": float(values.min()), "max": float(values.max())})
    exact = [("Zeros", {}, (2, 3)), ("Ones", {}, (2, 3)), ("Constant", {}, (2,)), ("Constant", dict(value=2.5), (2, 2)), ("Identity", {}, (3, 3)), ("Identity", dict(gain=0.5), (2, 4)), ("Identity", {}, (4, 2))]
    for i, (name, arguments, dims) in enumerate(exact):
        cases.append(exact_case(name, i, arguments, dims))
    for i, dims in enumerate([(4, 4), (3, 5), (5, 3), (2, 3, 4)]):
        initializer = I.Orthogonal(gain=1.5, seed=3)
        value = np.asarray(initializer(dims))
        flat = value.reshape(-1, dims[-1]).astype(np.float64)
        gram = flat @ flat.T if flat.shape[0] < flat.shape[1] else flat.T @ flat
        cases.append({"name": f"Orthogonal_{i}", "keras": keras.__version__, "kind": "orthogonal", "class_name": "Orthogonal", "serialized": plain(I.serialize(initializer)), "shape": list(dims), "gram": array(np.round(gram, 5)), "axis": "rows" if flat.shape[0] < flat.shape[1] else "columns"})
    save(__file__, "Initializers", cases)


main()
