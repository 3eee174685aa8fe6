"""Runs one layer of real Keras (2.15 or 3.x) and records everything that another implementation has to reproduce."""

import os
import re
import sys

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import tensorflow as tf  # noqa: E402
import keras  # noqa: E402

from arrays import array, plain, seeded, shape, write  # noqa: E402

KERAS3 = keras.__version__.startswith("3")
CASES = {}


def snake(name):
    """Keras's own rule for automatic names."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def values(*dims, key="x", low=-1.0, high=1.0, digits=3):
    """Float32 values of few digits."""
    return np.round(seeded(key, dims, low, high).uniform(low, high, dims), digits).astype(np.float32)


def integers(*dims, low=0, high=10, key="i", dtype=np.int32):
    """Integer values in [low, high)."""
    return seeded(key, dims, low, high).randint(low, high, dims).astype(dtype)


def steps_mask(*lengths, steps, left=False):
    """Mask [len(lengths), steps]: the first (or, from the left, the last) n steps of a row are valid."""
    mask = np.arange(steps)[None, :] < np.asarray(lengths)[:, None]
    return mask[:, ::-1].copy() if left else mask


def channels_first(value):
    """Moves the last axis to place 1."""
    return np.moveaxis(np.asarray(value), -1, 1)


def channels_last(value):
    """Moves axis 1 to the end."""
    return np.moveaxis(np.asarray(value), 1, -1)


def _weight_values(variable, key):
    name = variable.name.split("/")[-1].split(":")[0]
    generator = seeded("weight", key, name, tuple(variable.shape))
    dims = tuple(variable.shape)
    if "int" in str(variable.dtype) or "string" in str(variable.dtype) or "seed" in name:
        return None
    if "variance" in name or "stddev" in name or name == "gamma":
        value = generator.uniform(0.5, 1.5, dims)
    elif name == "alpha":
        value = generator.uniform(0.0, 0.5, dims)
    else:
        value = generator.uniform(-0.6, 0.6, dims)
    return np.round(value, 3).astype("float32")


def _flat(value):
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in _flat(item)]
    if isinstance(value, dict):
        return list(value.values())
    return [value]


def _is_array(value):
    return isinstance(value, np.ndarray)


def _to_tensor(value):
    if _is_array(value):
        return tf.constant(value)
    if isinstance(value, (list, tuple)):
        return [_to_tensor(v) for v in value]
    return value


def _symbolic(value, batch=None, unknown=False):
    """Keras inputs of the same shapes, with an unknown batch; `unknown` forgets every dimension but the last."""
    if _is_array(value):
        dims = list(value.shape[1:])
        if unknown and len(dims) > 1:
            dims = [None] * (len(dims) - 1) + dims[-1:]
        dtype = "string" if value.dtype.kind in "OSU" else value.dtype.name
        return keras.Input(shape=tuple(dims), batch_size=batch, dtype=dtype)
    if isinstance(value, (list, tuple)):
        return [_symbolic(v, batch, unknown) for v in value]
    return value


def _json(value):
    if _is_array(value) or hasattr(value, "numpy"):
        return array(value)
    if isinstance(value, (list, tuple)):
        return [_json(v) for v in value]
    return plain(value)


def _mask_of(outputs):
    masks = [getattr(o, "_keras_mask", None) for o in _flat(outputs)]
    return None if all(m is None for m in masks) else [array(m) for m in masks]


def _watchable(value):
    return [v for v in _flat(value) if tf.is_tensor(v) and v.dtype.is_floating]


def _differentiate(layer, inputs, call, cotangents, training, with_training):
    """Outputs and gradients of sum(output * cotangent)."""
    arguments = dict(call)
    if with_training:
        arguments["training"] = training
    sources = _watchable(inputs)
    for value in call.values():
        sources += _watchable(value)
    weights = list(layer.trainable_weights)
    weights = [getattr(w, "value", w) if KERAS3 else w for w in weights]

    def forward():
        with tf.GradientTape() as tape:
            tape.watch(sources)
            outputs = layer(inputs, **arguments)
            if isinstance(outputs, tf.RaggedTensor):
                outputs = outputs.to_tensor()
            total = 0.0
            for out, cotangent in zip(_flat(outputs), cotangents):
                if out.dtype.is_floating:
                    total += tf.reduce_sum(tf.cast(out, tf.float32) * cotangent)
        targets = sources + weights
        if not targets or not tf.is_tensor(total):
            return outputs, [None] * len(targets)
        return outputs, tape.gradient(total, targets)

    try:
        outputs, gradients = forward()
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
        # Some dilated and grouped convolutions have no CPU kernel (for their gradient); the compiler has.
        outputs, gradients = tf.function(forward, jit_compile=True, autograph=False)()
    gradients = [None if g is None else tf.convert_to_tensor(g) for g in gradients]
    place = {id(s): g for s, g in zip(sources, gradients)}

    def lookup(value):
        if isinstance(value, (list, tuple)):
            return [lookup(v) for v in value]
        return array(place.get(id(value)))

    record = {
        "inputs": [lookup(v) for v in _flat(inputs)],
        "call": {k: lookup(v) for k, v in call.items() if _watchable(v)},
        "weights": [array(g) for g in gradients[len(sources) :]],
    }
    return outputs, record


def _lookup_record(layer):
    """Vocabulary (and inverse document frequencies) of a lookup layer, whose table is not a weight."""
    lookup = getattr(layer, "_lookup_layer", layer)
    if not hasattr(lookup, "get_vocabulary"):
        return {}
    record = {"vocabulary": [plain(v) for v in layer.get_vocabulary()]}
    idf = getattr(lookup, "idf_weights_const", None)
    idf = getattr(lookup, "idf_weights", None) if idf is None else idf
    if idf is not None:
        record["idf_weights"] = array(idf)
    return record


def _weights_record(layer):
    if hasattr(getattr(layer, "_lookup_layer", layer), "get_vocabulary"):
        return []
    weights, trainable = _weights(layer), {id(w) for w in layer.trainable_weights}
    names = [getattr(w, "path", w.name) if KERAS3 else w.name.split(":")[0] for w in weights]
    return [{"name": n, "trainable": id(w) in trainable, "value": array(w)} for n, w in zip(names, weights)]


def _weights(layer):
    """The trainable weights, then the rest, as Keras 2 orders them; those of a wrapper of Keras 3 as they are."""
    if KERAS3 and isinstance(layer, keras.layers.Wrapper):
        return list(layer.weights)
    trainable = {id(w) for w in layer.trainable_weights}
    return sorted(layer.weights, key=lambda weight: id(weight) not in trainable)


FAILED = []
ONLY = set()


def add(class_name, name, *args, **options):
    """Records one case; a case that TensorFlow refuses is reported at the end (see `_record` for the arguments)."""
    if ONLY and class_name not in ONLY:
        return
    try:
        _record(class_name, name, *args, **options)
    except Exception as error:
        FAILED.append(f"{class_name}/{name}: {type(error).__name__}: {str(error)[:300]}")


def _record(
    class_name,
    name,
    arguments=None,
    inputs=None,
    call=None,
    *,
    make=None,
    adapt=None,
    keep_weights=False,
    random=False,
    gradients=True,
    stateful_steps=None,
    batch=None,
    transposed=False,
    module=None,
):
    """Records one case of `class_name`.

    `arguments` go to the constructor (or `make()` builds the layer); `inputs` is an array, or a list of arrays when the
    layer takes a list; `call` holds further call arguments; `adapt` is data for `adapt`; `random` layers are recorded
    with training=False only; `stateful_steps` are further inputs fed one after another; `transposed` computes a
    channels_first case through channels_last where the CPU has no kernel.
    """
    keras.backend.clear_session()
    tf.random.set_seed(1)
    call = dict(call or {})
    arguments = dict(arguments or {})
    build = make or (lambda **kw: getattr(module or keras.layers, class_name)(**{**arguments, **kw}))
    layer = build()
    config = plain(layer.get_config())
    native_inputs = inputs
    if transposed:
        layer = build(data_format="channels_last", name=layer.name)
        inputs = channels_last(inputs)
        call = {k: channels_last(v) if _is_array(v) else v for k, v in call.items()}
    if adapt is not None:
        layer.adapt(adapt)
        config = plain(layer.get_config())
    with_training = _takes_training(layer)
    symbolic = layer(
        _symbolic(inputs, batch), **{k: _symbolic(v, batch) if not isinstance(v, bool) else v for k, v in call.items()}
    )
    out_shapes = [shape(o.shape) for o in _flat(symbolic)]
    lookup = _lookup_record(layer)
    keep_weights = keep_weights or bool(lookup)
    if not keep_weights and layer.weights:
        fresh = []
        for variable in layer.weights:
            value = _weight_values(variable, f"{class_name}/{name}")
            fresh.append(np.asarray(variable) if value is None else value)
        layer.set_weights(fresh)
    tensors, call_tensors = _to_tensor(inputs), {k: _to_tensor(v) for k, v in call.items()}
    record = {"name": name, "keras": keras.__version__, "config": config}
    record["inputs"] = [array(v) for v in (native_inputs if isinstance(native_inputs, list) else [native_inputs])]
    record["inputs_form"] = "list" if isinstance(native_inputs, list) else "single"
    record["call"] = {k: _json(v) for k, v in call.items()}
    record["weights"] = _weights_record(layer)
    record.update(lookup)
    record["output_shape"] = out_shapes
    before = [] if lookup else [np.asarray(w).copy() for w in _weights(layer)]

    def run(training):
        arguments = dict(call_tensors)
        if with_training:
            arguments["training"] = training
        try:
            return layer(tensors, **arguments)
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
            return tf.function(lambda: layer(tensors, **arguments), jit_compile=True, autograph=False)()

    outputs = run(False)
    flat = [o.to_tensor() if isinstance(o, tf.RaggedTensor) else o for o in _flat(outputs)]
    flat = [tf.sparse.to_dense(o) if isinstance(o, tf.SparseTensor) else o for o in flat]
    record["outputs"] = [array(o) for o in flat]
    record["outputs_form"] = "list" if isinstance(outputs, (list, tuple)) else "single"
    record["output_mask"] = _mask_of(outputs)
    losses = [array(v) for v in layer.losses]
    if losses:
        record["losses"] = losses
    if gradients and any(o.dtype.is_floating for o in flat):
        cotangents = [values(*o.shape, key=f"cotangent{i}", digits=2) for i, o in enumerate(flat)]
        record["cotangents"] = [array(c) for c in cotangents]
        _reset(layer)
        try:
            _, record["gradients"] = _differentiate(layer, tensors, call_tensors, cotangents, False, with_training)
        except LookupError:
            record["gradients"] = None  # TensorFlow itself has none (ResizeArea, Lanczos and the like).
        if with_training and not random:
            _reset(layer)
            for weight, value in zip(_weights(layer), before):
                weight.assign(value)
            trained, training_gradients = _differentiate(
                layer, tensors, call_tensors, cotangents, True, with_training
            )
            trained = [array(o) for o in _flat(trained)]
            updates = [
                {"name": w["name"], "value": w["value"]}
                for w, old in zip(_weights_record(layer), before)
                if not np.array_equal(np.asarray(w["value"]["data"], object).ravel(), _data(old))
            ]
            same = trained == record["outputs"] and not updates
            record["training"] = (
                "same" if same else {"outputs": trained, "updates": updates, "gradients": training_gradients}
            )
    if stateful_steps is not None:
        layer.reset_states() if hasattr(layer, "reset_states") else layer.reset_state()
        record["stateful"] = []
        for step_inputs in [inputs] + list(stateful_steps):
            out = layer(_to_tensor(step_inputs))
            states = [array(s) for s in tf.nest.flatten(layer.states)]
            record["stateful"].append(
                {"inputs": [array(step_inputs)], "outputs": [array(o) for o in _flat(out)], "states": states}
            )
    if transposed:
        _transpose_record(record)
    CASES.setdefault(class_name, []).append(record)


def _data(old):
    return np.asarray(array(old)["data"], object).ravel()


def _reset(layer):
    if getattr(layer, "stateful", False) and hasattr(layer, "reset_states"):
        layer.reset_states()


def _takes_training(layer):
    import inspect

    return "training" in inspect.signature(layer.call).parameters


def _transpose_record(record):
    def move(value):
        if value is None:
            return None
        data = np.asarray(value["data"], object).reshape(value["shape"])
        data = np.moveaxis(data, -1, 1)
        return {"dtype": value["dtype"], "shape": list(data.shape), "data": data.reshape(-1).tolist()}

    def rotate(dims):
        return dims[:1] + dims[-1:] + dims[1:-1]

    spatial = len(record["inputs"][0]["shape"]) == len(record["outputs"][0]["shape"])
    if spatial:
        record["outputs"] = [move(v) for v in record["outputs"]]
        record["output_shape"] = [rotate(v) for v in record["output_shape"]]
        if "cotangents" in record:
            record["cotangents"] = [move(v) for v in record["cotangents"]]
    if record.get("gradients"):
        record["gradients"]["inputs"] = [move(v) for v in record["gradients"]["inputs"]]
    training = record.get("training")
    if isinstance(training, dict):
        if spatial:
            training["outputs"] = [move(v) for v in training["outputs"]]
        training["gradients"]["inputs"] = [move(v) for v in training["gradients"]["inputs"]]


def add_both_formats(class_name, name, arguments, inputs, **options):
    """One case as given (channels_last) and one in channels_first."""
    add(class_name, name, arguments, inputs, **options)
    first = {**arguments, "data_format": "channels_first"}
    add(class_name, name + "_channels_first", first, channels_first(inputs), transposed=True, **options)


def flush(folder, source):
    """Writes what was recorded."""
    versions = {"tensorflow": tf.__version__, "keras": keras.__version__, "numpy": np.__version__}
    for class_name, cases in CASES.items():
        suffix = "_keras3" if KERAS3 and source != "keras3.py" else ""
        path = os.path.join(folder, snake(class_name) + suffix + ".json")
        write(path, {"class_name": class_name, "made_by": "golden/layers/" + source, "versions": versions, "cases": cases}, "cases")
    CASES.clear()
    for line in FAILED:
        print("FAILED", line)
