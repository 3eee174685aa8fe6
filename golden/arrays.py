"""Arrays and JSON for the golden files: every number keeps its full precision and nothing depends on a clock.

An array is `{"dtype": numpy name, "shape": [..], "data": [row-major values]}`. Floats are the shortest decimal that
reads back as the same value of that dtype; `nan`, `inf` and `-inf` are strings; strings and bytes are JSON strings.
"""

import json
import math
import zlib

import numpy as np


def seeded(*key):
    """A generator that depends on the words of `key` only."""
    return np.random.RandomState(zlib.crc32("/".join(map(str, key)).encode()) & 0x7FFFFFFF)


def _float(value, dtype):
    value = value.item() if hasattr(value, "item") else float(value)
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if dtype == np.float64:
        return value
    if dtype == np.float16:
        return float(str(np.float16(value)))
    return float(str(np.float32(value)))


def array(value):
    """The JSON form of one array-like value."""
    if value is None:
        return None
    if hasattr(value, "to_tensor") and not hasattr(value, "numpy_function"):
        value = value.to_tensor()
    if hasattr(value, "numpy"):
        value = value.numpy()
    value = np.asarray(value)
    kind = value.dtype.kind
    flat = value.reshape(-1)
    if value.dtype.name == "bfloat16":
        data, name = [_float(np.float32(v), np.float32) for v in flat], "bfloat16"
    elif kind == "f":
        data, name = [_float(v, value.dtype) for v in flat], value.dtype.name
    elif kind == "b":
        data, name = [bool(v) for v in flat], "bool"
    elif kind in "iu":
        data, name = [int(v) for v in flat], value.dtype.name
    elif kind in "OSU":
        data = [v.decode() if isinstance(v, bytes) else str(v) for v in flat]
        name = "string"
    else:
        raise TypeError(f"no JSON form for dtype {value.dtype}")
    return {"dtype": name, "shape": list(value.shape), "data": data}


def shape(value):
    """A shape as a JSON list with null for an unknown dimension; lists of shapes stay lists."""
    if value is None:
        return None
    if hasattr(value, "as_list"):
        return value.as_list() if value.rank is not None else None
    if isinstance(value, (list, tuple)) and value and not all(v is None or isinstance(v, int) for v in value):
        return [shape(v) for v in value]
    return [None if v is None else int(v) for v in value]


def plain(value):
    """A config as the JSON that Keras writes into files."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if hasattr(value, "numpy"):
        return plain(value.numpy())
    if hasattr(value, "as_list"):
        return plain(value.as_list())
    if callable(value) and hasattr(value, "__name__") and not hasattr(value, "get_config"):
        return value.__name__
    if hasattr(value, "get_config"):
        import keras

        return plain(keras.saving.serialize_keras_object(value))
    if hasattr(value, "name"):
        return value.name
    raise TypeError(f"no JSON form for {value!r}")


def _same(new, old):
    """Whether two values differ in what rounding on another processor leaves at most."""
    if isinstance(new, dict) and isinstance(old, dict):
        return list(new) == list(old) and all(_same(new[key], old[key]) for key in new)
    if isinstance(new, (list, tuple)) and isinstance(old, list):
        return len(new) == len(old) and all(map(_same, new, old))
    if isinstance(new, float) and isinstance(old, float):
        return new == old or abs(new - old) <= 1e-5 * (1 + abs(old))
    return type(new) is type(old) and new == old


def _settled(path, cases):
    """The cases, each as it stands in the file where it differs from that by rounding alone."""
    try:
        with open(path) as file:
            text = file.read()
    except FileNotFoundError:
        return cases
    lists = [value for value in json.loads(text).values() if isinstance(value, list)]
    there = {case.get("name", i): case for old in lists for i, case in enumerate(old) if isinstance(case, dict)}
    pairs = [(case, there.get(case.get("name", i))) for i, case in enumerate(cases)]
    return [old if old is not None and _same(case, old) else case for case, old in pairs]


def write(path, document, rows):
    """Writes `document`; the list under `rows` gets one line per case and per key, so that diffs stay readable.

    A case that stands in the file already keeps its digits where only rounding, which is the processor's, moved them.
    """
    document = {**document, rows: _settled(path, document[rows])}
    head = {k: v for k, v in document.items() if k != rows}
    lines = ["{"]
    for key, value in head.items():
        lines.append(f" {json.dumps(key)}: {json.dumps(value)},")
    lines.append(f" {json.dumps(rows)}: [")
    for i, case in enumerate(document[rows]):
        body = ",\n".join(f"   {json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in case.items())
        lines.append("  {\n" + body + "\n  }" + ("," if i + 1 < len(document[rows]) else ""))
    lines.append(" ]\n}")
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")
