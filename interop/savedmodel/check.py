"""kerox writes SavedModels; real Keras and TensorFlow load them in every way there is.

Keras makes models, trains them a little and saves them as HDF5 or `.keras`. kerox loads those and saves them as SavedModels, and
some of its own classes besides. Then, for each of them:

- `keras.models.load_model`: predictions, weights, optimizer variables as before saving; it trains on;
- `tf.saved_model.load`: called, called for training, and by its signature; where the number of steps is open, with two;
- `tf.compat.v1.saved_model.load` in a Session, and what its saver writes;
- `saved_model_cli run` (a few of them: it is slow);
- Keras 3's `TFSMLayer` and tf-keras under TensorFlow 2.21.

`check.py [NAME...]` checks some models alone.
"""
import json
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
LATER = sys.argv[1:2] == ["--later"]
if LATER:
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
import numpy as np
import tensorflow as tf

tf.get_logger().setLevel("ERROR")
import logging
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import workspace

logging.disable(logging.WARNING)
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = workspace.ROOT
problems = []


def listed(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def close(what, found, wanted, atol=1e-5):
    found, wanted = [np.asarray(v) for v in listed(found)], [np.asarray(v) for v in listed(wanted)]
    assert len(found) == len(wanted), "%s: %d values, not %d" % (what, len(found), len(wanted))
    for a, b in zip(found, wanted):
        assert a.shape == b.shape, "%s: shape %s, not %s" % (what, a.shape, b.shape)
        assert np.allclose(a, b, atol=atol, rtol=atol), "%s: off by %g" % (what, np.abs(a - b).max())


def run(model, what, check):
    try:
        check()
    except Exception as error:
        text = "%s: %s" % (type(error).__name__, str(error).strip().split("\n")[0][:300])
        problems.append("%s, %s: %s" % (model, what, text))
        print("FAILED ", model, what, text, flush=True)


def variables(optimizer):
    found = optimizer.variables
    return [v.numpy() for v in (found() if callable(found) else found)]


class Case:
    """A saved model with what it is to compute."""

    def __init__(self, path, x, y):
        self.path, self.name = path, os.path.basename(path)
        self.x, self.y = listed(x), listed(y)

    def tensors(self):
        return [tf.constant(x) for x in self.x]

    def argument(self):
        return self.tensors() if len(self.x) > 1 else tf.constant(self.x[0])

    def names(self):
        with open(self.path + ".json") as file:
            return json.load(file)

    def loads_as_graph(self):
        loaded = tf.saved_model.load(self.path)
        close("call", loaded(self.argument()), self.y)
        names = self.names()
        found = loaded.signatures["serving_default"](**dict(zip(names["inputs"], self.tensors())))
        close("signature", [found[name] for name in names["outputs"]], self.y)
        with tf.GradientTape() as tape:
            loss = tf.add_n([tf.reduce_sum(tf.square(y)) for y in listed(loaded(self.argument()))])
        gradients = tape.gradient(loss, loaded.trainable_variables)
        assert gradients and all(g is not None for g in gradients), "gradients of all variables"
        # This moves the statistics of batch normalization.
        if "training" in str(loaded.__call__.function_spec.fullargspec.args):
            loaded(self.argument(), training=True)

    def runs_at_any_length(self, longer):
        """`longer`: an input of more steps and its output."""
        loaded = tf.saved_model.load(self.path)
        close("call", loaded(self.argument()), self.y)
        close("call with more steps", loaded(tf.constant(longer[0])), longer[1])
        loaded = tf.saved_model.load(self.path)
        names, function = self.names(), loaded.signatures["serving_default"]
        for x, y in [(self.x[0], self.y[0]), longer]:
            close("signature, %d steps" % x.shape[1], function(**{names["inputs"][0]: tf.constant(x)})[names["outputs"][0]], y)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(loaded(tf.constant(longer[0]), training=True)))
        gradients = tape.gradient(loss, loaded.trainable_variables)
        assert gradients and all(g is not None for g in gradients), "gradients of all variables"

    def has_its_fingerprint(self):
        from tensorflow.core.protobuf import fingerprint_pb2
        from tensorflow.python.saved_model.pywrap_saved_model import fingerprinting
        found = tf.saved_model.experimental.read_fingerprint(self.path)
        wanted = fingerprint_pb2.FingerprintDef.FromString(fingerprinting.CreateFingerprintDef(self.path))
        for name in ("saved_model_checksum", "graph_def_program_hash", "signature_def_hash", "saved_object_graph_hash",
                     "checkpoint_hash"):
            assert getattr(found, name) == getattr(wanted, name), name

    def runs_in_session(self):
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], self.path)
            signature, names = meta_graph.signature_def["serving_default"], self.names()
            feeds = {signature.inputs[name].name: x for name, x in zip(names["inputs"], self.x)}
            close("run", session.run([signature.outputs[name].name for name in names["outputs"]], feeds), self.y)
            saver, prefix = meta_graph.saver_def, os.path.join(self.path + "_again", "variables")
            session.run(saver.save_tensor_name, {saver.filename_tensor_name: prefix})
            old, new = tf.train.load_checkpoint(self.path + "/variables/variables"), tf.train.load_checkpoint(prefix)
            for key in new.get_variable_to_shape_map():
                close(key, new.get_tensor(key), old.get_tensor(key), atol=0)

    def runs_by_command(self):
        inputs = []
        for name, x in zip(self.names()["inputs"], self.x):
            file = "%s.%s.npy" % (self.path, name)
            np.save(file, x)
            inputs.append("%s=%s" % (name, file))
        os.makedirs(self.path + "_out", exist_ok=True)
        # By the interpreter: the script's first line may name one that has moved.
        command = [sys.executable, os.path.join(os.path.dirname(sys.executable), "saved_model_cli"), "run", "--dir", self.path,
                   "--tag_set", "serve", "--signature_def", "serving_default", "--inputs", ";".join(inputs),
                   "--outdir", self.path + "_out", "--overwrite"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-300:]
        names = self.names()["outputs"]
        close("run", [np.load("%s_out/%s.npy" % (self.path, name)) for name in names], self.y)

    def runs_in_keras3(self):
        import keras as keras3
        if len(self.x) == 1:
            layer = keras3.layers.TFSMLayer(self.path, call_endpoint="serving_default")
            found = layer(self.argument())
            close("signature", [found[name] for name in self.names()["outputs"]], self.y)
        layer = keras3.layers.TFSMLayer(self.path, call_endpoint="__call__")
        close("call", layer(self.argument()), self.y)


def loads_as_model(keras, case, before, targets, longer):
    """`before`: weights and optimizer variables; `longer`: an input of more steps and its output, or none."""
    model = keras.models.load_model(case.path)
    model.run_eagerly = True
    argument = case.x if len(case.x) > 1 else case.x[0]
    close("predict", model.predict(argument, verbose=0), case.y)
    if longer is not None:
        close("predict more steps", model.predict(longer[0], verbose=0), longer[1])
    weights, state, rate = before
    # Counts of tokens are weights of Keras's, with the tokens as strings.
    numeric = lambda weights: [w for w in weights if w.dtype.kind not in "OSU"]
    weights = numeric(weights)
    found = sorted(numeric(model.get_weights()), key=lambda w: (w.shape, w.tobytes()))
    close("weights", found, sorted(weights, key=lambda w: (w.shape, w.tobytes())), atol=0)
    optimizer = model.optimizer
    assert optimizer is not None, "not compiled"
    if hasattr(optimizer, "build"):
        optimizer.build(model.trainable_variables)
        close("optimizer", variables(optimizer), state, atol=0)
        if rate is not None:
            close("learning rate", float(optimizer.learning_rate), rate)
    trained = [w.numpy() for w in model.trainable_weights]
    model.fit(argument, targets, epochs=1, verbose=0)
    still = [w.name for w, old in zip(model.trainable_weights, trained) if np.array_equal(w.numpy(), old)]
    assert not still, "weights that did not move: %s" % still
    if not hasattr(optimizer, "build"):
        assert int(optimizer.iterations.numpy()) == int(state[0]) + 1, "iterations"
        assert len(optimizer.variables()) == len(state)


def make(folder, wanted):
    sys.path.insert(0, HERE)
    import models
    import texts
    made = []
    kinds = [(name, build, ".h5") for name, build in models.cases()]
    kinds += [(name, build, ".keras") for name, build in texts.cases()]
    for name, build, kind in kinds:
        if wanted and name not in wanted:
            continue
        tf.keras.backend.clear_session()
        tf.keras.utils.set_random_seed(11)
        model, x, targets = build()
        # Tracing takes far longer than computing so little.
        model.run_eagerly = True
        model.fit(x, targets, epochs=2, batch_size=4, verbose=0)
        if not hasattr(model.optimizer, "build"):
            model.optimizer.iterations
        model.save(os.path.join(folder, name + kind))
        # Of a schedule the rate follows from the iterations; HDF5 does not hold that of the last step.
        scheduled = isinstance(getattr(model.optimizer, "_learning_rate", None),
                               tf.keras.optimizers.schedules.LearningRateSchedule)
        rate = None if scheduled else float(model.optimizer.learning_rate)
        before = (model.get_weights(), variables(model.optimizer), rate)
        if not name.startswith("any_length"):
            y, more = model.predict(x, verbose=0), None
        else:
            longer = np.concatenate([x, x[:, ::-1]], axis=1)[:, :2 * x.shape[1] - 1]
            model.reset_states()
            y, more = model.predict(x, verbose=0), (longer, model.predict(longer, verbose=0))
        made.append((name, x, y, more, targets, before, model.input_names, model.output_names))
    return made


def later(folder):
    """Under TensorFlow 2.21: what check.py under 2.15 has written there."""
    import tf_keras as keras
    for file in sorted(os.listdir(folder)):
        if not file.endswith(".npz"):
            continue
        data = np.load(os.path.join(folder, file))
        part = lambda key: [data["%s%d" % (key, i)] for i in range(sum(k.startswith(key) for k in data.files))]
        case = Case(os.path.join(folder, file[:-4]), part("x"), part("y"))
        run(case.name, "TFSMLayer", case.runs_in_keras3)
        if case.name == "kerox_custom_cell":
            continue
        run(case.name, "tf-keras load_model", lambda: close(
            "predict", keras.models.load_model(case.path).predict(case.x if len(case.x) > 1 else case.x[0], verbose=0),
            case.y))


def check_own(case, classes):
    """A model of classes that only kerox knows: without them where Keras can (it does not revive recurrent layers), and
    with them."""
    revivable = "cell" not in case.name
    loaded = tf.keras.models.load_model(case.path, custom_objects=None if revivable else classes)
    close("predict", loaded.predict(case.x[0], verbose=0), case.y)
    assert loaded.optimizer is not None, "not compiled"
    loaded.optimizer.build(loaded.trainable_variables)
    assert int(loaded.optimizer.iterations.numpy()) == 2, "iterations"
    before = [w.numpy() for w in loaded.trainable_weights]
    assert len(before) == 6, "%d trainable weights, not 6" % len(before)
    loaded.fit(case.x[0], np.arange(6) % 3, verbose=0)
    assert all(not np.array_equal(a, b.numpy()) for a, b in zip(before, loaded.trainable_weights)), "weights move"
    if not revivable:
        return
    loaded = tf.keras.models.load_model(case.path, custom_objects=classes)
    close("predict with classes", loaded.predict(case.x[0], verbose=0), case.y)


def own_classes():
    class TanhLayer(tf.keras.layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units

        def build(self, shape):
            self.w = self.add_weight(name="w", shape=(shape[-1], self.units))
            self.b = self.add_weight(name="b", shape=(self.units,))

        def call(self, inputs, training=False):
            return tf.tanh(inputs @ self.w + self.b) * (2.0 if training else 1.0)

        def get_config(self):
            return dict(super().get_config(), units=self.units)

    class CustomModel(tf.keras.Model):
        def __init__(self, units):
            super().__init__()
            self.units = units
            self.hidden = [tf.keras.layers.Dense(units, "relu"), TanhLayer(units)]
            self.dropout = tf.keras.layers.Dropout(0.25)
            self.last = tf.keras.layers.Dense(3)

        def call(self, inputs, training=False):
            for layer in self.hidden:
                inputs = layer(inputs)
            return self.last(self.dropout(inputs, training=training))

        def get_config(self):
            return {"units": self.units}

    class TanhCell(tf.keras.layers.AbstractRNNCell):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units

        state_size = property(lambda self: self.units)

        def build(self, shape):
            self.w = self.add_weight(name="w", shape=(shape[-1], self.units))
            self.u = self.add_weight(name="u", shape=(self.units, self.units))

        def call(self, inputs, states):
            y = tf.tanh(inputs @ self.w + states[0] @ self.u)
            return y, [y]

        def get_config(self):
            return dict(super().get_config(), units=self.units)

    return {"TanhLayer": TanhLayer, "CustomModel": CustomModel, "TanhCell": TanhCell}


def writer(folder, out):
    program = workspace.example("write_saved_models")
    done = subprocess.run([program, folder, out], cwd=ROOT, capture_output=True, text=True)
    print(done.stdout + done.stderr)
    if done.returncode != 0:
        problems.append("kerox could not write all models")


def main(wanted):
    print("TensorFlow", tf.__version__, flush=True)
    folder = os.environ.get("KEROX_KEEP") or tempfile.mkdtemp(prefix="kerox-savedmodel-")
    os.makedirs(folder, exist_ok=True)
    out = os.path.join(folder, "out")
    made = make(folder, wanted)
    writer(folder, out)
    cases = []
    for name, x, y, longer, targets, before, inputs, outputs in made:
        case = Case(os.path.join(out, name), x, y)
        if not os.path.isdir(case.path):
            continue
        cases.append(case)
        with open(case.path + ".json", "w") as file:
            json.dump({"inputs": inputs, "outputs": outputs}, file)
        np.savez(case.path + ".npz", **{"x%d" % i: v for i, v in enumerate(case.x)},
                 **{"y%d" % i: v for i, v in enumerate(case.y)})
        tf.keras.backend.clear_session()
        run(name, "fingerprint", case.has_its_fingerprint)
        run(name, "load_model", lambda: loads_as_model(tf.keras, case, before, targets, longer))
        if name.startswith("optimizer"):
            continue
        if longer is not None:
            run(name, "more steps", lambda: case.runs_at_any_length(longer))
        if "stateful" in name:
            # Each call of one loaded model would begin where the one before ended.
            continue
        run(name, "tf.saved_model.load", case.loads_as_graph)
        run(name, "session", case.runs_in_session)
        if name in ("mlp", "lstm", "multi_io", "text_classifier"):
            run(name, "saved_model_cli", case.runs_by_command)
        print("done   ", name, flush=True)
    own = [("kerox_custom_layer", (["input_1"], ["dense_1"])), ("kerox_subclassed", (["input_1"], ["output_1"])),
           ("kerox_custom_cell", (["input_1"], ["dense"]))]
    for name, names in own:
        if wanted and name not in wanted:
            continue
        path = os.path.join(out, name)
        case = Case(path, np.load(path + ".x.npy"), np.load(path + ".y.npy"))
        cases.append(case)
        with open(path + ".json", "w") as file:
            json.dump({"inputs": names[0], "outputs": names[1]}, file)
        np.savez(path + ".npz", x0=case.x[0], y0=case.y[0])
        run(name, "load_model", lambda: check_own(case, own_classes()))
        if os.path.exists(path + ".x_longer.npy"):
            longer = np.load(path + ".x_longer.npy"), np.load(path + ".y_longer.npy")
            run(name, "more steps", lambda: case.runs_at_any_length(longer))
        run(name, "tf.saved_model.load", case.loads_as_graph)
        run(name, "session", case.runs_in_session)
    if not wanted or "kerox_custom_layer" in wanted:
        path = os.path.join(out, "kerox_custom_layer")
        x, y = np.load(path + ".x.npy"), np.load(path + ".y.npy")
        def classify():
            found = tf.saved_model.load(path).signatures["classify"](features=tf.constant(x))
            close("scores", found["scores"], y)
            close("class", found["class"], y.argmax(-1))
        run("kerox_custom_layer", "signature of the caller's", classify)
    later_python = os.environ.get("KEROX_TF221", os.path.expanduser("~/.cache/kerox-interop/tf221/bin/python"))
    if os.path.exists(later_python):
        done = subprocess.run([later_python, os.path.abspath(__file__), "--later", out], capture_output=True, text=True)
        print(done.stdout)
        if done.returncode != 0:
            problems.append("TensorFlow 2.21: %s" % (done.stdout + done.stderr)[-2000:])
    print("%d models, %d problems" % (len(cases), len(problems)))
    for problem in problems:
        print("  " + problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    if LATER:
        later(sys.argv[2])
        sys.exit(1 if problems else 0)
    main(sys.argv[1:])
