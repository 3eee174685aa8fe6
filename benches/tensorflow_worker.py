"""The TensorFlow half of benches/run; the protocol stands in README.md."""

import gc
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import h5py
import numpy as np
import tensorflow as tf

L = tf.keras.layers
MEGABYTES = 400


def digits(count):
    """28x28 images in [0, 1] and labels: real ones where they are, else noise of the same shape."""
    place = os.path.join(os.environ.get("KEROX_SHARED", "../shared"), "data/mnist/t10k-images-idx3-ubyte.gz")
    if os.path.exists(place):
        with gzip.open(place) as file:
            images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)
        with gzip.open(place.replace("images-idx3", "labels-idx1")) as file:
            labels = np.frombuffer(file.read(), np.uint8, offset=8)
    else:
        generator = np.random.default_rng(1)
        images, labels = generator.integers(0, 256, (2000, 784)), generator.integers(0, 10, 2000)
    rows = np.arange(count) % len(images)
    return (images[rows] / 255).astype(np.float32), labels[rows].astype(np.int64)


def mlp():
    model = tf.keras.Sequential([L.Dense(512, activation="relu", input_shape=(784,)), L.Dropout(0.2), L.Dense(10)])
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=[tf.keras.metrics.SparseCategoricalAccuracy()])
    return model


def cnn():
    model = tf.keras.Sequential([
        L.Conv2D(32, 3, activation="relu", input_shape=(28, 28, 1)), L.MaxPooling2D(), L.Conv2D(64, 3, activation="relu"), L.MaxPooling2D(),
        L.Flatten(), L.Dense(10),
    ])  # fmt: skip
    model.compile("adam", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def lstm():
    model = tf.keras.Sequential([L.Embedding(5000, 32, input_length=200), L.LSTM(100), L.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def gru():
    model = tf.keras.Sequential([L.Embedding(5000, 32, input_length=200), L.GRU(100), L.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def text_cnn():
    model = tf.keras.Sequential([
        L.Embedding(5000, 64, input_length=200), L.Dropout(0.2), L.Conv1D(128, 7, activation="relu"),
        L.Conv1D(128, 7, strides=3, activation="relu"), L.GlobalMaxPooling1D(), L.Dense(1, activation="sigmoid"),
    ])  # fmt: skip
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def transformer():
    words = L.Input((200,), dtype="int32")
    x = L.Embedding(5000, 64)(words)
    x = L.LayerNormalization(epsilon=1e-6)(x + L.Dropout(0.1)(L.MultiHeadAttention(4, 16)(x, x)))
    forward = L.Dense(64)(L.Dense(128, activation="relu")(x))
    x = L.LayerNormalization(epsilon=1e-6)(x + L.Dropout(0.1)(forward))
    y = L.Dense(1, activation="sigmoid")(L.GlobalAveragePooling1D()(x))
    model = tf.keras.Model(words, y)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def small_mobilenet():
    model = tf.keras.applications.MobileNetV2((96, 96, 3), weights=None, classes=10)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def training(build, data, batch, steps):
    """One iteration is one step inside `fit`: `steps` of them are timed at once, so that `fit`'s start is spread thin."""

    def prepare(folder):
        model = build()
        x, y = data(batch * steps)

        def run():
            model.fit(x, y, batch_size=batch, epochs=1, verbose=0)
            return steps

        return run

    return prepare


def images(count):
    x, y = digits(count)
    return x.reshape(-1, 28, 28, 1), y


def words(count):
    generator = np.random.default_rng(1)
    return generator.integers(1, 5000, (count, 200)).astype(np.int32), generator.integers(0, 2, count).astype(np.float32)


def pictures(count):
    x = np.random.default_rng(1).random((count, 96, 96, 3), np.float32)
    return x, np.arange(count, dtype=np.int64) * 7 % 10


def predict_one(folder):
    model = mlp()
    call = tf.function(lambda x: model(x, training=False), input_signature=[tf.TensorSpec((1, 784), tf.float32)])
    x = tf.constant(digits(1)[0])

    def run():
        for _ in range(100):
            call(x).numpy()
        return 100

    return run


def predict_32(folder):
    model, x = mlp(), digits(1000)[0]

    def run():
        model.predict(x, batch_size=32, verbose=0)
        return 1

    return run


class Weights(tf.Module):
    def __init__(self):
        super().__init__()
        elements = MEGABYTES * 1000 * 1000 // 4 // 20
        generator = tf.random.Generator.from_seed(1)
        self.parts = [tf.Variable(generator.normal((elements,)), name=f"part{i}") for i in range(20)]


def checkpoint_write(folder):
    checkpoint = tf.train.Checkpoint(model=Weights())

    def run():
        prefix = checkpoint.write(os.path.join(folder, "big"))
        for name in os.listdir(folder):
            if name.startswith(os.path.basename(prefix)):
                flush(os.path.join(folder, name))
        return 1

    return run


def checkpoint_read(folder):
    weights = Weights()
    checkpoint = tf.train.Checkpoint(model=weights)
    prefix = checkpoint.write(os.path.join(folder, "big"))

    def run():
        checkpoint.read(prefix).assert_consumed()
        return 1

    return run


def plain_write(folder):
    body = np.random.default_rng(1).bytes(MEGABYTES * 1000 * 1000)

    def run():
        descriptor = os.open(os.path.join(folder, "plain"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        view = memoryview(body)
        while view:
            view = view[os.write(descriptor, view[: 1 << 24]) :]
        os.fsync(descriptor)
        os.close(descriptor)
        return 1

    return run


def plain_read(folder):
    plain_write(folder)()
    into = bytearray(MEGABYTES * 1000 * 1000)

    def run():
        with open(os.path.join(folder, "plain"), "rb", buffering=0) as file:
            view = memoryview(into)
            while view:
                view = view[file.readinto(view) :]
        return 1

    return run


def trained():
    model = mlp()
    x, y = digits(64)
    model.fit(x, y, verbose=0)
    return model


def saver(name, weights=False):
    def prepare(folder):
        model, place = trained(), os.path.join(folder, name)

        def run():
            (model.save_weights if weights else model.save)(place)
            return 1

        return run

    return prepare


def loader(name, weights=False):
    def prepare(folder):
        model, place = trained(), os.path.join(folder, name)
        (model.save_weights if weights else model.save)(place)

        def run():
            if weights:
                model.load_weights(place)
            else:
                tf.keras.models.load_model(place)
            return 1

        return run

    return prepare


def signature_one(folder):
    model, place = trained(), os.path.join(folder, "saved")
    model.save(place)
    loaded = tf.saved_model.load(place)
    signature = loaded.signatures["serving_default"]
    name = list(signature.structured_input_signature[1])[0]
    x = tf.constant(digits(1)[0])

    def run():
        for _ in range(100):
            signature(**{name: x})
        return 100

    run.keeps = loaded
    return run


def large():
    """Four matrices of 100 MB."""
    return {f"dense_{i}": np.ones((5000, 5000), np.float32) for i in range(4)}


def write_h5py(place, arrays):
    with h5py.File(place, "w") as file:
        for name, array in arrays.items():
            file.create_group(f"model_weights/{name}/{name}").create_dataset("kernel:0", data=array)


def flush(place):
    descriptor = os.open(place, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def save_h5py(flushed=False):
    def prepare(folder):
        arrays, place = large(), os.path.join(folder, "model.h5")

        def run():
            write_h5py(place, arrays)
            if flushed:
                flush(place)
            return 1

        return run

    return prepare


def load_h5py(folder):
    place = os.path.join(folder, "model.h5")
    write_h5py(place, large())

    def run():
        with h5py.File(place, "r") as file:
            return len([file[f"model_weights/dense_{i}/dense_{i}/kernel:0"][()] for i in range(4)]) // 4

    return run


def copy_file(flushed=False):
    def prepare(folder):
        place = os.path.join(folder, "plain")
        plain_write(folder)()

        def run():
            shutil.copyfile(place, place + ".copy")
            if flushed:
                flush(place + ".copy")
            return 1

        return run

    return prepare


def application(name, batch):
    def prepare(folder):
        model = getattr(tf.keras.applications, name)(weights=None)
        call = tf.function(lambda x: model(x, training=False))
        x = tf.random.uniform((batch, 224, 224, 3))

        def run():
            call(x).numpy()
            return 1

        return run

    return prepare


def start(folder):
    place = os.path.join(folder, "model.h5")
    trained().save(place)
    code = f"import numpy, tensorflow as tf; print(tf.keras.models.load_model({place!r}).predict(numpy.zeros((1, 784)), verbose=0).shape)"

    def run():
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        return 1

    return run


BENCHES = {
    "mlp_train_32": training(mlp, digits, 32, 128),
    "mlp_train_128": training(mlp, digits, 128, 32),
    "mlp_train_1024": training(mlp, digits, 1024, 10),
    "predict_one": predict_one,
    "predict_32": predict_32,
    "cnn_train_32": training(cnn, images, 32, 128),
    "cnn_train_128": training(cnn, images, 128, 32),
    "lstm_train_64": training(lstm, words, 64, 64),
    "gru_train_64": training(gru, words, 64, 64),
    "text_cnn_train_64": training(text_cnn, words, 64, 10),
    "transformer_train_32": training(transformer, words, 32, 10),
    "mobilenet_train_16": training(small_mobilenet, pictures, 16, 10),
    "checkpoint_write": checkpoint_write,
    "checkpoint_read": checkpoint_read,
    "plain_write": plain_write,
    "plain_read": plain_read,
    "save_h5": saver("model.h5"),
    "load_h5": loader("model.h5"),
    "save_savedmodel": saver("saved"),
    "load_savedmodel": loader("saved"),
    "save_keras": saver("model.keras"),
    "load_keras": loader("model.keras"),
    "signature_one": signature_one,
    "save_h5_400": save_h5py(),
    "save_h5_400_flushed": save_h5py(True),
    "load_h5_400": load_h5py,
    "save_keras_400": copy_file(),
    "save_keras_400_flushed": copy_file(True),
    "load_keras_400": copy_file(),
    "save_weights": saver("weights", True),
    "load_weights": loader("weights", True),
    "mobilenet_1": application("MobileNetV2", 1),
    "mobilenet_16": application("MobileNetV2", 16),
    "resnet50_1": application("ResNet50", 1),
    "resnet50_16": application("ResNet50", 16),
    "start": start,
}


def one_round(run, seconds):
    times, total, iterations = [], 0.0, 0
    while total < seconds or not times:
        begin = time.perf_counter()
        count = run()
        spent = time.perf_counter() - begin
        times.append(spent / count)
        total += spent
        iterations += count
    return {"iterations": iterations, "seconds": total, "per_iteration_us": statistics.median(times) * 1e6}


def answer(request, ready):
    bench = request.get("bench")
    if request["do"] == "list":
        return {"benches": list(BENCHES)}
    if request["do"] == "prepare":
        if bench not in BENCHES:
            return {"missing": bench}
        run = BENCHES[bench](request["folder"])
        run()
        ready[bench] = run
        return {"ready": bench}
    if request["do"] == "round":
        return {"bench": bench, **one_round(ready[bench], request["seconds"])}
    if request["do"] == "drop":
        ready.pop(bench, None)
        tf.keras.backend.clear_session()
        gc.collect()
        return {"dropped": bench}
    raise ValueError(f"unknown request {request['do']!r}")


def main():
    # The library prints on stdout; answers keep a channel of their own.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    threads = int(os.environ.get("KEROX_BENCH_THREADS", "0"))
    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    ready = {}
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "quit":
            break
        try:
            reply = answer(request, ready)
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        out.write(json.dumps(reply) + "\n")
        out.flush()


main()
