"""A model whose layer, activation, regularizer and loss are not Keras's: kerox writes it, Keras loads it with Python classes
of these names, trains on and writes it; kerox loads that and trains to the same losses.
"""
# also-tf221
import ast
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
import warnings

warnings.filterwarnings("ignore")
import keras
import numpy as np
import tensorflow as tf
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import workspace

VARIANTS = {"keras2": keras}
if keras.__version__.startswith("3"):
    import tf_keras

    VARIANTS = {"keras2": tf_keras, "keras3": keras}


def register(kit):
    register = kit.saving.register_keras_serializable(package="my_package")

    @register
    class Scale(kit.layers.Layer):
        def __init__(self, start=1.0, **kwargs):
            super().__init__(**kwargs)
            self.start = start

        def build(self, shape):
            self.factor = self.add_weight(name="factor", shape=(1,), initializer=kit.initializers.Constant(self.start))
            super().build(shape)

        def call(self, x):
            return x * self.factor

        def get_config(self):
            return {**super().get_config(), "start": self.start}

    @register
    class Peak(kit.regularizers.Regularizer):
        def __init__(self, strength):
            self.strength = strength

        def __call__(self, x):
            return self.strength * tf.reduce_max(tf.abs(x))

        def get_config(self):
            return {"strength": self.strength}

    @register
    def squash(x):
        return x / (1 + tf.abs(x))

    @register
    def absolute(y_true, y_pred):
        return tf.reduce_mean(tf.abs(tf.cast(y_true, y_pred.dtype) - y_pred), axis=-1)


def main():
    tool = workspace.example("custom_check")
    x = np.random.default_rng(1).standard_normal((16, 3)).astype(np.float32)
    y = np.random.default_rng(2).standard_normal((16, 2)).astype(np.float32)
    loaded = 0
    for kit in VARIANTS.values():
        register(kit)
    with tempfile.TemporaryDirectory() as work:
        at = lambda name: os.path.join(work, name)
        np.save(at("x.npy"), x)
        np.save(at("y.npy"), y)
        subprocess.run([tool, "write", work], check=True)
        expected = np.load(at("prediction.npy"))
        for name, variant in [("k.h5", "keras2"), ("k.keras", "keras2"), ("k3.keras", "keras3")]:
            kit = VARIANTS.get(variant)
            if kit is None:
                continue
            model = kit.models.load_model(at(name))
            np.testing.assert_allclose(np.asarray(model(x)), expected, atol=1e-5)
            assert int(model.optimizer.iterations) == 4, name
            back = at("back_" + name)
            model.save(back)
            losses = model.fit(x, y, epochs=3, batch_size=8, shuffle=False, verbose=0).history["loss"]
            for file in (at(name), back):
                out = subprocess.run([tool, "read", file, at("x.npy"), "3"], check=True, capture_output=True, text=True).stdout
                prediction, trained = map(ast.literal_eval, out.splitlines())
                np.testing.assert_allclose(np.reshape(prediction, expected.shape), expected, atol=1e-5)
                np.testing.assert_allclose(trained, losses, rtol=1e-3, atol=1e-3)
            loaded += 1
            print("equal", name, kit.__version__, losses)
    sys.exit(loaded == 0)


main()
