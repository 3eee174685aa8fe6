"""Keras saves models of many kinds as SavedModels; kerox loads each as a model and as a graph: the same outputs, the same
optimizer variables, and training goes on as it does in Keras's memory.

also-tf221: with TensorFlow 2.21 the same models are saved by tf-keras, and Keras 3 exports some (graphs only).

    python interop/savedmodel_read/check.py [--keep DIRECTORY] [CASE...]
"""
import json
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
import numpy as np
import tensorflow as tf
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import workspace

if tf.__version__.startswith("2.15"):
    import keras
    keras3 = None
else:
    import tf_keras as keras
    import keras as keras3
L = keras.layers
TOLERANCE, EPOCHS, BATCH = 1e-5, 3, 8
rng = np.random.default_rng(0)


def floats(*shape):
    return rng.standard_normal(shape).astype(np.float32)


class Squash(L.Layer):
    """A layer without get_config."""
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, shape):
        self.w = self.add_weight("w", (shape[-1], self.units), initializer="glorot_uniform")
        self.b = self.add_weight("b", (self.units,), initializer="zeros")

    def call(self, x):
        return tf.tanh(tf.matmul(x, self.w) + self.b) ** 2


class Scaled(L.Layer):
    """A layer with get_config, a frozen weight and a training argument."""
    def __init__(self, by=2.0, **kwargs):
        super().__init__(**kwargs)
        self.by = by

    def build(self, shape):
        self.gain = self.add_weight("gain", (shape[-1],), initializer="ones")
        self.fixed = self.add_weight("fixed", (shape[-1],), initializer="ones", trainable=False)

    def call(self, x, training=False):
        y = x * self.gain * self.fixed * self.by
        return y + 0.5 if training else y

    def get_config(self):
        return {**super().get_config(), "by": self.by}


class Block(L.Layer):
    """A layer of layers with batch normalization, whose statistics move while it trains."""
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.dense, self.norm = L.Dense(units), L.BatchNormalization()

    def call(self, x, training=None):
        return tf.nn.relu(self.norm(self.dense(x), training=training))


class Recurrent(L.Layer):
    """A layer that holds an LSTM: a loop in its functions."""
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.lstm = L.LSTM(units)

    def call(self, x):
        return self.lstm(x)


class Penalty(L.Layer):
    """A layer that adds to the loss."""
    def call(self, x):
        self.add_loss(0.01 * tf.reduce_mean(tf.square(x)))
        return x


class Plain(keras.Model):
    """A model without get_config: lists and dictionaries of layers."""
    def __init__(self):
        super().__init__()
        self.hidden = [L.Dense(6, activation="relu"), L.Dense(5)]
        self.parts = {"norm": L.LayerNormalization(), "out": L.Dense(3)}

    def call(self, x):
        for layer in self.hidden:
            x = layer(x)
        return self.parts["out"](self.parts["norm"](x))


class Configured(keras.Model):
    """A model with get_config and a training argument."""
    def __init__(self, units=4, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.first, self.drop, self.last = L.Dense(units, activation="tanh"), L.Dropout(0.0), L.Dense(3)

    def call(self, x, training=False):
        return self.last(self.drop(self.first(x), training=training))

    def get_config(self):
        return {"units": self.units}


def softsign2(x):
    return x / (1 + tf.abs(x)) * 2


def sequential(*layers):
    return lambda: keras.Sequential(list(layers))


def mlp():
    return keras.Sequential([L.Dense(6, activation="relu", input_shape=(5,)), L.Dense(3)])


def two_in_two_out():
    a, b = L.Input((5,), name="a"), L.Input((4,), name="b")
    x = L.Concatenate()([L.Dense(3)(a), L.Dense(3)(b)])
    return keras.Model([a, b], [L.Dense(2, name="left")(x), L.Dense(1, name="right")(x)])


def nested():
    i = L.Input((6,))
    inner_in = L.Input((4,))
    inner = keras.Model(inner_in, L.Dense(4, activation="relu")(L.Dense(5)(inner_in)), name="inner")
    head = keras.Sequential([L.Dense(4), L.Dense(3)], name="head")
    return keras.Model(i, head(inner(L.Dense(4)(i))))


def shared():
    i, j = L.Input((4,)), L.Input((4,))
    d = L.Dense(3, activation="tanh")
    return keras.Model([i, j], L.Subtract()([d(i), d(j)]))


def attention():
    i = L.Input((5, 8))
    x = L.MultiHeadAttention(2, 4)(i, i)
    x = L.LayerNormalization()(L.Add()([x, i]))
    return keras.Model(i, L.Dense(3)(L.GlobalAveragePooling1D()(x)))


def cnn():
    return keras.Sequential([L.Conv2D(4, 3, padding="same", input_shape=(8, 8, 2)), L.BatchNormalization(), L.ReLU(),
                             L.MaxPooling2D(), L.SeparableConv2D(3, 3), L.Flatten(), L.Dense(3)])


def operations():
    i = L.Input((5,))
    x = tf.nn.relu(L.Dense(5)(i)) + i * 2.0
    return keras.Model(i, L.Dense(3)(x))


def with_custom(make):
    def build():
        i = L.Input((5,))
        return keras.Model(i, L.Dense(3)(make()(L.Dense(5, activation="relu")(i))))
    return build


def custom_in_nested():
    i = L.Input((5,))
    inner = keras.Sequential([L.Dense(5), Squash(4)], name="inner")
    return keras.Model(i, L.Dense(3)(inner(i)))


def recurrent_custom():
    i = L.Input((4, 3))
    return keras.Model(i, L.Dense(3)(Recurrent(4)(i)))


def unbuilt():
    model = keras.Sequential([L.Dense(4), L.Dense(3)])
    model.build((None, 5))
    return model


X = (16, 5)
O = keras.optimizers
CASES = {
    # name: (model, optimizer, shapes of the inputs, is the model whole without its classes)
    "mlp": (mlp, lambda: O.Adam(0.01), [X]),
    "cnn_bn": (cnn, lambda: O.SGD(0.01, momentum=0.9), [(16, 8, 8, 2)]),
    "lstm": (sequential(L.LSTM(4, return_sequences=True, input_shape=(6, 3)), L.LSTM(3), L.Dense(3)),
             lambda: O.Adam(0.01), [(16, 6, 3)]),
    "gru": (sequential(L.GRU(4, input_shape=(6, 3)), L.Dense(3)), lambda: O.RMSprop(0.01), [(16, 6, 3)]),
    "simple_rnn": (sequential(L.SimpleRNN(4, input_shape=(6, 3)), L.Dense(3)), lambda: O.SGD(0.01), [(16, 6, 3)]),
    "bidirectional": (sequential(L.Bidirectional(L.LSTM(3), input_shape=(5, 2)), L.Dense(3)), lambda: O.Adam(0.01),
                      [(16, 5, 2)]),
    "time_distributed": (sequential(L.TimeDistributed(L.Dense(4), input_shape=(5, 3)), L.GlobalMaxPooling1D(), L.Dense(3)),
                         lambda: O.Adam(0.01), [(16, 5, 3)]),
    "attention": (attention, lambda: O.Adam(0.01), [(16, 5, 8)]),
    "embedding": (sequential(L.Embedding(10, 4, mask_zero=True, input_length=6), L.LSTM(3), L.Dense(3)),
                  lambda: O.Adam(0.01), ["ids"]),
    "two_in_two_out": (two_in_two_out, lambda: O.Adam(0.01), [X, (16, 4)]),
    "nested": (nested, lambda: O.SGD(0.05), [(16, 6)]),
    "shared": (shared, lambda: O.Adam(0.01), [(16, 4), (16, 4)]),
    "operations": (operations, lambda: O.Adam(0.01), [X]),
    "regularized": (sequential(L.Dense(4, kernel_regularizer="l2", activity_regularizer="l1", input_shape=(5,)), L.Dense(3)),
                    lambda: O.SGD(0.01), [X]),
    "unbuilt": (unbuilt, lambda: O.Adam(0.01), [X]),
    "squash": (with_custom(lambda: Squash(4)), lambda: O.Adam(0.01), [X]),
    "scaled": (with_custom(Scaled), lambda: O.Adam(0.01), [X]),
    "block": (with_custom(lambda: Block(4)), lambda: O.SGD(0.05), [X]),
    "penalty": (with_custom(Penalty), lambda: O.SGD(0.05), [X]),
    "custom_activation": (sequential(L.Dense(4, activation=softsign2, input_shape=(5,)), L.Dense(3)),
                          lambda: O.Adam(0.01), [X]),
    "lambda": (sequential(L.Dense(4, input_shape=(5,)), L.Lambda(lambda x: x * x + 1.0), L.Dense(3)),
               lambda: O.Adam(0.01), [X]),
    "custom_in_nested": (custom_in_nested, lambda: O.Adam(0.01), [X]),
    "recurrent_custom": (recurrent_custom, lambda: O.Adam(0.01), [(16, 4, 3)]),
    "plain": (Plain, lambda: O.Adam(0.01), [X]),
    "configured": (Configured, lambda: O.Adam(0.01), [X]),
    "sgd_nesterov": (mlp, lambda: O.SGD(0.05, momentum=0.8, nesterov=True), [X]),
    "rmsprop_centered": (mlp, lambda: O.RMSprop(0.01, momentum=0.5, centered=True), [X]),
    "adagrad": (mlp, lambda: O.Adagrad(0.05), [X]),
    "adadelta": (mlp, lambda: O.Adadelta(0.5), [X]),
    "adam_amsgrad": (mlp, lambda: O.Adam(0.01, amsgrad=True, clipnorm=1.0), [X]),
    "adamw": (mlp, lambda: O.AdamW(0.01, weight_decay=0.01), [X]),
    "adamax": (mlp, lambda: O.Adamax(0.01), [X]),
    "nadam": (mlp, lambda: O.Nadam(0.01), [X]),
    "ftrl": (mlp, lambda: O.Ftrl(0.05), [X]),
    "adafactor": (mlp, lambda: O.Adafactor(0.01), [X]),
    "lion": (mlp, lambda: O.Lion(0.003), [X]),
    "schedule": (mlp, lambda: O.Adam(O.schedules.ExponentialDecay(0.02, 3, 0.9)), [X]),
    "legacy_adam": (mlp, lambda: O.legacy.Adam(0.01), [X]),
    "legacy_sgd": (mlp, lambda: O.legacy.SGD(0.05, momentum=0.9), [X]),
    "legacy_rmsprop": (mlp, lambda: O.legacy.RMSprop(0.01, momentum=0.5), [X]),
    "no_traces": (mlp, lambda: O.Adam(0.01), [X]),
    "not_compiled": (mlp, None, [X]),
}


def save_npy(path, array):
    np.save(path, np.asarray(array))


def optimizer_variables(model):
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return []
    variables = optimizer.variables
    variables = variables() if callable(variables) else variables
    return [v.numpy() for v in variables]


def write_case(where, name):
    make, optimizer, shapes = CASES[name]
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    model = make()
    x = [rng.integers(0, 10, (16, 6)).astype(np.float32) if shape == "ids" else floats(*shape) for shape in shapes]
    given = x if len(x) > 1 else x[0]
    outputs = model(given)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    y = [floats(*o.shape) for o in outputs]
    targets = y if len(y) > 1 else y[0]
    path = os.path.join(where, name)
    os.makedirs(path)
    if optimizer is not None:
        model.compile(optimizer(), "mse", metrics=["mae"] if len(y) == 1 else None)
        model.fit(given, targets, batch_size=BATCH, epochs=2, shuffle=False, verbose=0)
    else:
        model.predict(given, verbose=0)
    model.save(os.path.join(path, "model"), save_format="tf", **({"save_traces": False} if name == "no_traces" else {}))
    for i, array in enumerate(x):
        save_npy(os.path.join(path, f"x_{i}.npy"), array)
    for i, array in enumerate(y):
        save_npy(os.path.join(path, f"y_{i}.npy"), array)
    predictions = model.predict(given, verbose=0)
    predictions = predictions if isinstance(predictions, list) else [predictions]
    record = {"predictions": predictions, "optimizer": optimizer_variables(model), "graph": name != "no_traces",
              "compiled": optimizer is not None}
    fits = {"inputs": len(x), "outputs": len(y), "epochs": EPOCHS, "batch_size": BATCH, "compiled": optimizer is not None,
            "graph": name != "no_traces", "model": True}
    if optimizer is not None:
        history = model.fit(given, targets, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0)
        record["losses"] = history.history["loss"]
        after = model.predict(given, verbose=0)
        record["after"] = after if isinstance(after, list) else [after]
    with open(os.path.join(path, "case.json"), "w") as file:
        json.dump(fits, file)
    return record


def write_exports(where):
    """Keras 3's exports: graphs alone."""
    records = {}
    if keras3 is None:
        return records
    K = keras3.layers
    made = {
        "export_mlp": (keras3.Sequential([K.Input((5,)), K.Dense(4, activation="relu"), K.Dense(3)]), (16, 5)),
        "export_cnn": (keras3.Sequential([K.Input((8, 8, 2)), K.Conv2D(3, 3), K.BatchNormalization(), K.MaxPooling2D(),
                                          K.Flatten(), K.Dense(3)]), (16, 8, 8, 2)),
        "export_lstm": (keras3.Sequential([K.Input((6, 3)), K.LSTM(4), K.Dense(3)]), (16, 6, 3)),
        "export_gru": (keras3.Sequential([K.Input((6, 3)), K.Bidirectional(K.GRU(4)), K.Dense(3)]), (16, 6, 3)),
    }
    for name, (model, shape) in made.items():
        path = os.path.join(where, name)
        os.makedirs(path)
        x = floats(*shape)
        model.export(os.path.join(path, "model"), verbose=False)
        save_npy(os.path.join(path, "x_0.npy"), x)
        with open(os.path.join(path, "case.json"), "w") as file:
            json.dump({"inputs": 1, "outputs": 1, "epochs": 0, "batch_size": BATCH, "compiled": False, "graph": True,
                       "model": False}, file)
        records[name] = {"predictions": [model.predict(x, verbose=0)], "optimizer": [], "graph": True, "compiled": False,
                         "export": True}
    return records


def far(found, expected, tolerance):
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        return f"shape {found.shape}, not {expected.shape}"
    if found.size and not np.allclose(found, expected, rtol=tolerance, atol=tolerance):
        return f"off by {np.abs(found.astype(np.float64) - expected).max():.3g}"
    return None


def judge(path, record):
    """What is wrong with what kerox made of a case."""
    problems = []
    read = lambda kind, i: np.load(os.path.join(path, f"{kind}_{i}.npy"))
    with open(os.path.join(path, "result.json")) as file:
        result = json.load(file)
    problems += [f"{part}: {text}" for part, text in result["errors"].items()]

    def arrays(kind, expected, tolerance):
        if kind in result["errors"]:
            return
        if result["counts"].get(kind) != len(expected):
            problems.append(f"{kind}: {result['counts'].get(kind)} arrays, not {len(expected)}")
            return
        for i, array in enumerate(expected):
            wrong = far(read(kind, i), array, tolerance)
            if wrong:
                problems.append(f"{kind} {i}: {wrong}")

    if record.get("export"):
        arrays("graph", record["predictions"], TOLERANCE)
        return problems
    arrays("predict", record["predictions"], TOLERANCE)
    if record["graph"]:
        arrays("graph", record["predictions"], TOLERANCE)
    if record["compiled"]:
        arrays("optimizer", record["optimizer"], 1e-6)
        arrays("after", record["after"], 1e-3)
        if "fit" not in result["errors"]:
            wrong = far(result["losses"], record["losses"], 1e-3)
            if wrong:
                problems.append(f"losses of further training: {wrong}")
    return problems


def main():
    arguments = sys.argv[1:]
    keep = None
    if arguments[:1] == ["--keep"]:
        keep, arguments = arguments[1], arguments[2:]
    binary = workspace.example("read_saved_models")
    failed = 0
    with tempfile.TemporaryDirectory() as where:
        where = keep or where
        records = {name: write_case(where, name) for name in arguments or CASES}
        if not arguments:
            records.update(write_exports(where))
        subprocess.run([binary, where], check=True)
        for name, record in records.items():
            problems = judge(os.path.join(where, name), record)
            failed += bool(problems)
            print(f"{'FAILED' if problems else 'ok':6} {name}")
            for problem in problems:
                print(f"       {problem}")
    print(f"{len(records) - failed} of {len(records)} SavedModels read as Keras reads them (TensorFlow {tf.__version__})")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
