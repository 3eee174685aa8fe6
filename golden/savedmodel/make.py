"""Writes the SavedModels of this directory with TensorFlow 2.15 and Keras 2.15.

python make.py [CASE...]; the versions used are in VERSIONS, inputs and outputs in each case's expected.json.
"""
import json, os, shutil, sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from google.protobuf import text_format

HERE = os.path.dirname(os.path.abspath(__file__))
keras = tf.keras


def case(name):
    path = os.path.join(HERE, name)
    shutil.rmtree(path, ignore_errors=True)
    return path


def expect(path, inputs, outputs, **more):
    record = {"inputs": {k: np.asarray(v).tolist() for k, v in inputs.items()},
              "outputs": {k: np.asarray(v).tolist() for k, v in outputs.items()}, **more}
    with open(os.path.join(path, "expected.json"), "w") as file:
        json.dump(record, file)


def weights(model):
    return {w.name.split(":")[0]: w.numpy().tolist() for w in model.weights}


def mlp():
    """Sequential, compiled, trained for a step: optimizer, metrics and dropout in the object graph."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Dense(6, activation="relu", input_shape=(8,)), keras.layers.Dropout(.2),
                              keras.layers.Dense(4)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"])
    x = np.random.default_rng(0).standard_normal((5, 8)).astype(np.float32)
    model.fit(x, np.arange(5) % 4, verbose=0)
    path = case("mlp")
    model.save(path, save_format="tf")
    expect(path, {"dense_input": x}, {"dense_1": model.predict(x, verbose=0)}, weights=weights(model))


class CustomLayer(keras.layers.Layer):
    """A layer with get_config: tanh(x W + b) squared."""
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, shape):
        self.kernel = self.add_weight("kernel", (shape[-1], self.units), initializer="glorot_uniform")
        self.bias = self.add_weight("bias", (self.units,), initializer="zeros")

    def call(self, inputs):
        return tf.tanh(tf.matmul(inputs, self.kernel) + self.bias) ** 2

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class Backbone(keras.Model):
    """A model without get_config: a list of layers, batch normalization, a training argument."""
    def __init__(self):
        super().__init__()
        self.hidden = [keras.layers.Dense(6, activation="relu"), CustomLayer(5)]
        self.norm, self.out = keras.layers.BatchNormalization(), keras.layers.Dense(3)

    def call(self, inputs, training=False):
        for layer in self.hidden:
            inputs = layer(inputs)
        return self.out(self.norm(inputs, training=training))


def trained(name, model):
    """Trained for two epochs, saved, and trained for two more in memory."""
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal((16, n)).astype(np.float32) for n in (4, 3))
    model.compile(keras.optimizers.Adam(.01), "mse", ["mae"])
    fit = dict(batch_size=8, shuffle=False, verbose=0)
    model.fit(x, y, epochs=2, **fit)
    path = case(name)
    model.save(path, save_format="tf")
    before, state = model.predict(x, verbose=0), [v.numpy().tolist() for v in model.optimizer.variables]
    losses = model.fit(x, y, epochs=2, **fit).history["loss"]
    expect(path, {"x": x, "y": y}, {"before": before, "after": model.predict(x, verbose=0)}, losses=losses,
           optimizer=state)


def custom():
    """A functional model with a layer of a class that only Python knows."""
    keras.utils.set_random_seed(2)
    inputs = keras.layers.Input((4,))
    x = CustomLayer(6)(keras.layers.Dense(5, activation="relu")(inputs))
    trained("custom", keras.Model(inputs, keras.layers.Dense(3)(x)))


def subclassed():
    """A model of a class that only Python knows."""
    keras.utils.set_random_seed(3)
    trained("subclassed", Backbone())


def module():
    """A tf.Module: two signatures, an asset with its table, a list and a dictionary of variables, a constant."""
    class Module(tf.Module):
        def __init__(self, vocabulary):
            super().__init__()
            self.asset = tf.saved_model.Asset(vocabulary)
            self.table = tf.lookup.StaticHashTable(
                tf.lookup.TextFileInitializer(self.asset, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64,
                                              tf.lookup.TextFileIndex.LINE_NUMBER), -1)
            self.parts = [tf.Variable([1., 2.], name="part"), {"inner": tf.Variable(3, name="inner", trainable=False)}]
            self.offset = tf.constant([10., 20.])

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "words")])
        def look_up(self, words):
            return {"ids": self.table.lookup(words)}

        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "x")])
        def scale(self, x):
            return {"y": x * self.parts[0] * tf.cast(self.parts[1]["inner"], tf.float32) + self.offset}

    vocabulary = os.path.join(HERE, "words.txt")
    with open(vocabulary, "w") as file:
        file.write("zero\none\ntwo\n")
    made, path = Module(vocabulary), case("module")
    words, x = ["two", "none", "zero"], np.float32([[1, 2], [3, 4], [5, 6]])
    tf.saved_model.save(made, path, {"look_up": made.look_up, "serving_default": made.scale})
    os.remove(vocabulary)
    expect(path, {"words": words, "x": x}, {"ids": made.look_up(tf.constant(words))["ids"], "y": made.scale(x)["y"]})


class Masked(keras.layers.Layer):
    """A layer that is given masks and hands them on: its class does, the layer that is revived without it does not."""
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        return inputs if mask is None else inputs * tf.cast(mask[..., None], inputs.dtype)


def masked():
    """Embedding with a mask, an unknown layer, a recurrent layer; the outputs are those of the model loaded again."""
    keras.utils.set_random_seed(1)
    i = keras.layers.Input((5,), name="ids")
    y = Masked(name="masked")(keras.layers.Embedding(6, 3, mask_zero=True)(i))
    model = keras.Model(i, [y, keras.layers.SimpleRNN(2, name="rnn")(y)])
    x = np.float32([[1, 2, 0, 0, 0], [3, 4, 5, 1, 0]])
    path = case("masked")
    model.save(path, save_format="tf")
    loaded = keras.models.load_model(path)
    assert type(loaded.get_layer("masked")) is not Masked
    masked, rnn = loaded.predict(x, verbose=0)
    assert not np.allclose(rnn, model.predict(x, verbose=0)[1]), "the mask goes no further than the unknown layer"
    expect(path, {"ids": x}, {"masked": masked, "rnn": rnn})


def tf1():
    """TensorFlow 1: reference variables, an initializer, an asset, collections; also as text."""
    path = case("tf1")
    # The path is a constant of the graph: without folders it is the same wherever this runs.
    os.chdir(HERE)
    asset = "foo.txt"
    with open(asset, "w") as file:
        file.write("asset file\n")
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        a = tf.compat.v1.get_variable("a", initializer=.5, use_resource=False)
        b = tf.compat.v1.get_variable("b", initializer=2., use_resource=True)
        counter = tf.compat.v1.get_variable("counter", initializer=0, trainable=False, use_resource=True)
        name = tf.constant(asset, name="filename_tensor")
        tf.compat.v1.add_to_collection(tf.compat.v1.GraphKeys.ASSET_FILEPATHS, name)
        x = tf.compat.v1.placeholder(tf.float32, [None, 1], name="x")
        y = tf.add(tf.multiply(a, x), b, name="y")
        session.run(tf.compat.v1.global_variables_initializer())
        session.run(counter.assign_add(7))
        info = tf.compat.v1.saved_model.build_tensor_info
        signature = tf.compat.v1.saved_model.build_signature_def(
            {"x": info(x)}, {"y": info(y)}, "tensorflow/serving/predict")
        builder = tf.compat.v1.saved_model.Builder(path)
        builder.add_meta_graph_and_variables(
            session, ["serve"], {"serving_default": signature},
            assets_collection=tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.ASSET_FILEPATHS),
            main_op=tf.group(counter.assign_add(1).op))
        builder.save()
    os.remove(asset)
    expect(path, {"x": [[1.], [2.]]}, {"y": [[2.5], [3.]]}, variables={"a": .5, "b": 2., "counter": 7})
    proto = saved_model_pb2.SavedModel.FromString(open(os.path.join(path, "saved_model.pb"), "rb").read())
    text = case("tf1_text")
    os.makedirs(text)
    with open(os.path.join(text, "saved_model.pbtxt"), "w") as file:
        file.write(text_format.MessageToString(proto))


def one_sample():
    """A graph traced for one sample at a time; TensorFlow's signatures and Keras's models take any number."""
    keras.utils.set_random_seed(4)
    x = keras.Input(batch_shape=(1, 3))
    model = keras.Model(x, keras.layers.Dense(2, "tanh", name="y")(x))
    path = case("one_sample")
    model.save(path, save_format="tf")
    x = np.random.default_rng(5).standard_normal((4, 3)).astype(np.float32)
    found = tf.saved_model.load(path).signatures["serving_default"](tf.constant(x))["y"]
    assert np.allclose(found, keras.models.load_model(path).predict(x, verbose=0))
    try:
        tf.saved_model.load(path)(tf.constant(x))
        raise SystemExit("a function takes another number of samples")
    except ValueError as error:
        assert "Could not find matching concrete function" in str(error)
    expect(path, {"input_1": x}, {"y": found})


class Regression(tf.Module):
    """tanh(x W + b) V, with a function inside; not of Keras."""
    def __init__(self):
        numbers = np.random.default_rng(6).standard_normal
        self.w = tf.Variable(numbers((3, 4)).astype(np.float32), name="w")
        self.b = tf.Variable(np.zeros(4, np.float32), name="b")
        self.v = tf.Variable(numbers((4, 2)).astype(np.float32), name="v")
        self.steps = tf.Variable(7.0, trainable=False, name="steps")

    @tf.function
    def hidden(self, x):
        return tf.tanh(x @ self.w + self.b)

    @tf.function(input_signature=[tf.TensorSpec([None, 3], name="x")])
    def __call__(self, x):
        return {"y": self.hidden(x) @ self.v + 0.0 * self.steps}


def regression():
    """A tf.Module, and how TensorFlow trains what it loads of it."""
    path = case("regression")
    module = Regression()
    tf.saved_model.save(module, path, signatures=module.__call__)
    loaded = tf.saved_model.load(path)
    rng = np.random.default_rng(8)
    x, y = rng.standard_normal((8, 3)).astype(np.float32), rng.standard_normal((8, 2)).astype(np.float32)
    before, losses = loaded(x)["y"], []
    weights = [loaded.w, loaded.b, loaded.v]
    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(loaded(x)["y"] - y))
        losses.append(float(loss))
        for weight, gradient in zip(weights, tape.gradient(loss, weights)):
            weight.assign_sub(0.1 * gradient)
    expect(path, {"x": x, "y": y}, {"before": before, "after": loaded(x)["y"]}, losses=losses,
           trained={w.name.split(":")[0]: w.numpy().tolist() for w in weights})


def tensors():
    """Every form in which a TensorProto holds its elements."""
    rng = np.random.default_rng(0)
    cases, protos = [], []
    from tensorflow.core.framework import tensor_pb2, types_pb2
    for dtype in [tf.float16, tf.bfloat16, tf.float32, tf.float64, tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8,
                  tf.uint16, tf.uint32, tf.uint64, tf.bool, tf.complex64, tf.complex128]:
        value = (rng.standard_normal((2, 3)) * 50).astype(np.complex128)
        if dtype.is_complex:
            value = value + 1j
        else:
            value = np.abs(value.real) if dtype.is_unsigned or dtype == tf.bool else value.real
        array = tf.cast(tf.constant(value if dtype.is_complex else value), dtype).numpy()
        full = tf.make_tensor_proto(array)
        protos.append(full)
        # The list form, short: the last value fills the rest.
        ones = np.broadcast_to(array.reshape(-1)[:1], (3,))
        short = tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum)
        short.tensor_shape.dim.add().size = 3
        scalar = tf.make_tensor_proto(array.reshape(-1)[0])
        for field, data in scalar.ListFields():
            if field.name.endswith("_val"):
                getattr(short, field.name).extend(data)
        if not any(f.name.endswith("_val") for f, _ in short.ListFields()):
            raise SystemExit("no list for %s" % dtype)
        protos.append(short)
        for proto, expected in [(full, array), (short, ones)]:
            assert np.array_equal(tf.make_ndarray(proto), expected), dtype
            cases.append({"dtype": dtype.name, "shape": list(expected.shape), "bytes": np.ascontiguousarray(expected).tobytes().hex(),
                          "proto": proto.SerializeToString().hex()})
    strings = tf.make_tensor_proto(np.array([b"a", b"", b"\xff\x00"], object))
    cases.append({"dtype": "string", "shape": [3], "strings": ["61", "", "ff00"], "proto": strings.SerializeToString().hex()})
    with open(os.path.join(HERE, "tensors.json"), "w") as file:
        json.dump(cases, file, indent=0)


if __name__ == "__main__":
    made = [mlp, custom, subclassed, module, masked, tf1, one_sample, regression, tensors]
    for make in made:
        if len(sys.argv) < 2 or make.__name__ in sys.argv[1:]:
            make()
    with open(os.path.join(HERE, "VERSIONS"), "w") as file:
        file.write("tensorflow %s\nkeras %s\nnumpy %s\n" % (tf.__version__, __import__("keras").__version__, np.__version__))
