"""Loads what `cargo run -p kerox-format-savedmodel --example build_mlp -- DIR` wrote, in every way there is.

python check.py DIR          under TensorFlow 2.15 (Keras 2.15), or
python check.py DIR legacy   under TensorFlow 2.21 (tf-keras, and Keras 3's TFSMLayer)
Prints one line a check and ends with an error when one fails.
"""
import os
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
LEGACY = sys.argv[2:] == ["legacy"]
if LEGACY:
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
import numpy as np
import tensorflow as tf

if LEGACY:
    import keras as keras3
    import tf_keras as keras
else:
    keras = tf.keras
tf.get_logger().setLevel("ERROR")
X = np.random.default_rng(0).standard_normal((5, 8)).astype(np.float32)
KEY = "/.ATTRIBUTES/VARIABLE_VALUE"


def expected(values, custom):
    y = X
    for layer in range(3 if custom else 2):
        y = y @ values("layer_with_weights-%d/kernel" % layer) + values("layer_with_weights-%d/bias" % layer)
        y = np.maximum(y, 0) if layer == 0 else np.tanh(y) if custom and layer == 1 else y
    return y


def close(what, found, wanted):
    assert np.allclose(found, wanted, atol=1e-5), what
    print("ok  ", what)


def same(what, found, wanted):
    assert found == wanted, "%s: expected %s, found %s" % (what, wanted, found)
    print("ok  ", what)


def check(path, custom):
    reader = tf.train.load_checkpoint(path + "/variables/variables")
    values = lambda key: reader.get_tensor(key + KEY)
    y, weights = expected(values, custom), 6 if custom else 4

    model = keras.models.load_model(path)
    close("load_model, predict", model.predict(X, verbose=0), y)
    optimizer = model.optimizer
    optimizer.build(model.trainable_variables)
    variables = optimizer.variables() if callable(optimizer.variables) else optimizer.variables
    same("optimizer, iterations", int(variables[0].numpy()), 37)
    same("optimizer, slots", len(variables), 1 + 2 * weights)
    for place, variable in enumerate(variables):
        close("optimizer, variable %d" % place, variable.numpy(), values("optimizer/_variables/%d" % place if place else "optimizer/_iterations"))
    close("optimizer, learning rate", float(optimizer.learning_rate), 0.004)
    before = model.get_weights()
    model.fit(X, np.arange(5) % 4, verbose=0)
    same("fit, weights moved", sum(not np.array_equal(a, b) for a, b in zip(before, model.get_weights())), weights)
    same("fit, metrics", model.metrics_names, ["loss", "sparse_categorical_accuracy"])

    loaded = tf.saved_model.load(path)
    close("tf.saved_model.load, signature", list(loaded.signatures["serving_default"](tf.constant(X)).values())[0], y)
    close("tf.saved_model.load, call", loaded(X), y)
    close("tf.saved_model.load, call for training", loaded(X, training=True), y)
    same("tf.saved_model.load, trainable variables", len(loaded.trainable_variables), weights)

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], path)
        signature = meta_graph.signature_def["serving_default"]
        found = session.run(signature.outputs["dense_1"].name, {signature.inputs["dense_input"].name: X})
        close("session", found, y)
        # The nodes that save: what they write holds the variables.
        saver, prefix = meta_graph.saver_def, os.path.join(path, "..", "again", "variables")
        session.run(saver.save_tensor_name, {saver.filename_tensor_name: prefix})
        key = "layer_with_weights-0/kernel"
        close("session, save", tf.train.load_checkpoint(prefix).get_tensor(key + KEY), values(key))

    np.save("/tmp/kerox_x.npy", X)
    command = ["saved_model_cli", "run", "--dir", path, "--tag_set", "serve", "--signature_def", "serving_default",
               "--inputs", "dense_input=/tmp/kerox_x.npy"]
    command[0] = os.path.join(os.path.dirname(sys.executable), command[0])
    out = subprocess.run(command, capture_output=True, text=True)
    printed = out.stdout[out.stdout.rindex("[["):].replace("[", " ").replace("]", " ").split()
    close("saved_model_cli", np.array(printed, np.float32).reshape(y.shape), y)

    if LEGACY:
        layer = keras3.layers.TFSMLayer(path, call_endpoint="serving_default")
        close("TFSMLayer, signature", list(layer(X).values())[0], y)
        layer = keras3.layers.TFSMLayer(path, call_endpoint="__call__")
        close("TFSMLayer, call", layer(X), y)


if __name__ == "__main__":
    print("TensorFlow", tf.__version__)
    for case in ["mlp", "custom"]:
        print(case)
        check(os.path.join(sys.argv[1], case), case == "custom")
