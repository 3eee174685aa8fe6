"""States of stateful recurrent layers in SavedModels: what Keras 2.15 restores, kerox restores, and the other way round.

Keras writes models that stand in the middle of a sequence. kerox loads them and goes on, and writes them again; Keras loads
what was written and goes on. Only SavedModels hold states: in all other files neither Keras keeps them.

    python interop/states/check.py [model]...
"""
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
import numpy as np
import tensorflow as tf

tf.get_logger().setLevel("ERROR")
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import workspace

keras = tf.keras
L = keras.layers
STEPS = (4, 5, 3)


def first(make, **options):
    return keras.Sequential([make(stateful=True, batch_input_shape=STEPS, **options), L.Dense(2)])


def images():
    return keras.Sequential([L.ConvLSTM2D(2, 2, stateful=True, batch_input_shape=(4, 3, 4, 4, 2)), L.Flatten()])


def nested():
    inner = keras.Sequential([L.LSTM(2, stateful=True, return_sequences=True, batch_input_shape=STEPS)], name="inner")
    return keras.Sequential([inner, L.GRU(3, stateful=True)])


def functional():
    x = keras.Input(batch_shape=STEPS)
    y, h, c = L.LSTM(3, stateful=True, return_sequences=True, return_state=True)(x)
    z = L.GRU(2, stateful=True, reset_after=False, unroll=True)(y)
    return keras.Model(x, L.Concatenate()([z, h, c]))


def cells():
    return [L.LSTMCell(2), L.GRUCell(3), L.SimpleRNNCell(2)]


MODELS = {
    "simple_rnn": lambda: first(L.SimpleRNN, units=2),
    "gru": lambda: first(L.GRU, units=2),
    "lstm": lambda: first(L.LSTM, units=2),
    "cell": lambda: first(L.RNN, cell=L.LSTMCell(2)),
    "stacked_cells": lambda: first(L.RNN, cell=L.StackedRNNCells(cells())),
    "conv_lstm2d": images,
    "bidirectional": lambda: keras.Sequential(
        [L.Bidirectional(L.LSTM(2, stateful=True, return_sequences=True), batch_input_shape=STEPS), L.Flatten()]),
    "bidirectional_of_two": lambda: keras.Sequential(
        [L.Bidirectional(L.GRU(2, stateful=True), backward_layer=L.GRU(2, stateful=True, go_backwards=True),
                         merge_mode="sum", batch_input_shape=STEPS)]),
    "bidirectional_of_cells": lambda: keras.Sequential(
        [L.Bidirectional(L.RNN(cells(), stateful=True), batch_input_shape=STEPS)]),
    "nested": nested,
    "functional": functional,
    "half": lambda: first(L.LSTM, units=2, dtype="mixed_float16"),
}


def states(layer):
    if isinstance(layer, keras.Model):
        parts = layer.layers
    elif isinstance(layer, L.Bidirectional):
        parts = [layer.forward_layer, layer.backward_layer]
    else:
        return [np.asarray(state) for state in tf.nest.flatten(getattr(layer, "states", None) or [])]
    return [state for part in parts for state in states(part)]


def differences(what, found, expected, tolerance):
    if [a.shape for a in found] != [b.shape for b in expected]:
        return ["%s: shapes %s, not %s" % (what, [a.shape for a in found], [b.shape for b in expected])]
    off = [np.abs(a.astype("float64") - b).max() for a, b in zip(found, expected)]
    return ["%s: off by %g" % (what, worst) for worst in off if not worst <= tolerance]


def check(name, folder, command):
    keras.utils.set_random_seed(7)
    tolerance = 2e-3 if name == "half" else 1e-5
    model = MODELS[name]()
    model.compile("sgd", "mse", run_eagerly=True)
    x = np.random.default_rng(3).normal(size=(2,) + model.input_shape).astype("float32")
    model.predict(x[0], batch_size=4, verbose=0)
    written, again = os.path.join(folder, name), os.path.join(folder, name + "_again")
    model.save(written, save_format="tf")
    kept = states(model)
    assert kept and all(state.any() for state in kept), "states that are not zero"
    wanted = model.predict(x[1], batch_size=4, verbose=0)

    def kerox(*arguments):
        done = subprocess.run([command, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, (done.stdout + done.stderr).strip()[-300:]

    np.save(os.path.join(folder, "x.npy"), x[1])
    output = os.path.join(folder, name + ".npy")
    kerox("predict", written, "--input", os.path.join(folder, "x.npy"), "--batch-size", "4", "--output", output)
    problems = differences("kerox goes on", [np.load(output)], [wanted], tolerance)
    kerox("convert", written, again)
    loaded = keras.models.load_model(again)
    loaded.run_eagerly = True
    problems += differences("states that Keras restores", states(loaded), kept, 0)
    problems += differences("Keras goes on", [loaded.predict(x[1], batch_size=4, verbose=0)], [wanted], tolerance)
    graph = tf.saved_model.load(again)
    problems += differences("TensorFlow goes on", [np.asarray(graph(tf.constant(x[1])))], [wanted], tolerance)
    loaded.reset_states()
    assert not any(state.any() for state in states(loaded)), "states are reset"
    return problems


def main(names):
    command, failed = workspace.command(), 0
    with tempfile.TemporaryDirectory() as folder:
        for name in names or MODELS:
            tf.keras.backend.clear_session()
            try:
                problems = check(name, folder, command)
            except Exception as error:
                problems = ["%s: %s" % (type(error).__name__, str(error)[:300])]
            failed += bool(problems)
            for problem in problems:
                print("PROBLEM", name, problem, flush=True)
        print("%d models, %d with problems" % (len(names or MODELS), failed))
    return 1 if failed else 0


sys.exit(main(sys.argv[1:]))
