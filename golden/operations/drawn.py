"""Writes golden/operations/drawn.json: models of Keras 2 that draw random numbers, with the mean and the deviation of many.

    <environment with TensorFlow 2.15.1, Keras 2.15.0>/bin/python golden/operations/drawn.py
"""

import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
FOLDER = os.path.dirname(os.path.abspath(__file__))

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

K = keras.backend
ROWS = 20000
# All parts of two by two have the same mean.
CHECKERS = (np.indices((4, 3)).sum(0) % 2).astype("float32")


def sampled(x):
    """What a variational autoencoder draws."""
    mean, log_variance = x[..., 0] + 1.0, x[..., 1]
    return mean + tf.exp(0.5 * log_variance) * K.random_normal(shape=(K.shape(mean)[0], K.int_shape(mean)[1]))


CASES = {
    "bernoulli_of_keras": lambda x: x + K.random_bernoulli(shape=K.shape(x), p=0.3),
    "categorical": lambda x: tf.random.categorical(x[:, 0] + np.float32([0.0, 1.0, 2.0]), 5),
    "categorical_whole": lambda x: tf.random.categorical(x[:, 0], 2, dtype=tf.int32, seed=3),
    "crop": lambda x: tf.image.random_crop(x + CHECKERS, (ROWS, 2, 2)),
    "dropout": lambda x: tf.nn.dropout(x + 1.0, 0.25),
    "dropout_of_keras": lambda x: K.dropout(x + 1.0, 0.4),
    "dropout_shared": lambda x: tf.nn.dropout(x + 1.0, rate=0.5, noise_shape=[ROWS, 1, 3], seed=4),
    "flip_left_right": lambda x: tf.image.random_flip_left_right(x[..., None] + np.arange(3, dtype="float32")[:, None])[:, :, 0],
    "flip_up_down": lambda x: tf.image.random_flip_up_down(x[..., None] + np.arange(4, dtype="float32")[:, None, None])[:, 0],
    "gamma": lambda x: tf.random.gamma((tf.shape(x)[0],), [2.0, 0.5], beta=[1.0, 4.0]),
    "gamma_of_tensor": lambda x: tf.random.gamma([3], tf.abs(x) + 2.0, seed=2),
    "normal": lambda x: x + tf.random.normal(tf.shape(x)),
    "normal_arguments": lambda x: x + tf.random.normal(shape=tf.shape(x), mean=1.0, stddev=2.0, seed=3),
    "normal_double": lambda x: tf.random.normal(tf.shape(x), dtype=tf.float64),
    "normal_half": lambda x: tf.random.normal(tf.shape(x), dtype=tf.float16),
    "normal_of_tensor": lambda x: tf.random.normal(tf.shape(x), mean=x + 3.0, stddev=tf.exp(x)),
    "poisson": lambda x: tf.random.poisson([3], x + np.float32([0.5, 4.0, 20.0])),
    "sampled": sampled,
    "shuffle": lambda x: tf.random.shuffle(x[0] + np.arange(4, dtype="float32")[:, None]),
    "truncated_normal": lambda x: x + tf.random.truncated_normal(tf.shape(x), stddev=0.5),
    "uniform": lambda x: x + tf.random.uniform(shape=(tf.shape(x)[0], 4, 3)),
    "uniform_bounds": lambda x: x + tf.random.uniform(tf.shape(x), -2.0, 3.0),
    "uniform_of_keras": lambda x: x + K.random_uniform(shape=K.shape(x), minval=0.5),
    "uniform_whole": lambda x: tf.random.uniform(tf.shape(x), minval=-3, maxval=5, dtype=tf.int32),
}


def main():
    cases = []
    x = tf.zeros((ROWS, 4, 3))
    for name, function in CASES.items():
        keras.backend.clear_session()
        inputs = keras.Input((4, 3), name="x")
        text = keras.Model(inputs, function(inputs), name=name).to_json()
        y = keras.models.model_from_json(text)(x).numpy()
        numbers = {"dtype": y.dtype.name, "shape": list(y.shape), "mean": float(y.mean(dtype="float64")), "deviation": float(y.std(dtype="float64"))}
        cases.append({"name": name, "model": text, **numbers})
        print("made", name, numbers, flush=True)
    with open(os.path.join(FOLDER, "drawn.json"), "w") as file:
        lines = ",\n".join(json.dumps(case) for case in cases)
        file.write('{"keras": %s, "rows": %d, "cases": [\n%s\n]}\n' % (json.dumps(keras.__version__), ROWS, lines))


if __name__ == "__main__":
    main()
