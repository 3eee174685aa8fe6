"""Writes golden/summary/summaries.json: the text of `model.summary()` in Keras 2.15, character for character."""

import json
import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, ".."))

from arrays import write  # noqa: E402
from real import VERSIONS, keras, np, plain, tf  # noqa: E402

L = keras.layers
CASES = []


def record(name, model, build=None, **arguments):
    """`model` is a model, or a function that makes one; its error is recorded where it has no summary."""
    lines = []
    entry = {"name": name, "keras": keras.__version__, "arguments": plain(arguments)}
    try:
        entry["model"] = plain(json.loads(model.to_json()))
    except Exception:
        entry["model"] = None
    try:
        model.summary(print_fn=lambda text, line_break=True: lines.append(text), **arguments)
        entry["text"] = "\n".join(lines) + "\n"
    except Exception as error:
        entry["error"] = f"{type(error).__name__}: {error}"
    CASES.append(entry)


def fresh(builder):
    keras.backend.clear_session()
    return builder()


def tutorial():
    return keras.Sequential([L.Dense(512, activation="relu", input_shape=(784,)), L.Dropout(0.2), L.Dense(10)])


def lenet():
    return keras.Sequential([
        L.Input((28, 28, 1)), L.Conv2D(32, 3, activation="relu"), L.BatchNormalization(), L.MaxPooling2D(), L.Conv2D(64, 3), L.ReLU(),
        L.GlobalAveragePooling2D(), L.Flatten(), L.Dense(10, activation="softmax"),
    ])  # fmt: skip


def linear_functional():
    x = keras.Input((784,), name="digits")
    y = L.Dense(64, activation="relu", name="dense_1")(x)
    y = L.Dense(64, activation="relu", name="dense_2")(y)
    return keras.Model(x, L.Dense(10, name="predictions")(y), name="3_layer_mlp")


def multi():
    a, b = keras.Input((None,), dtype="int32", name="title"), keras.Input((12,), name="tags")
    e = L.Embedding(1000, 16, name="title_embedding")(a)
    h = L.LSTM(8, name="title_lstm")(e)
    joined = L.Concatenate(name="joined")([h, b])
    return keras.Model([a, b], [L.Dense(1, name="priority")(joined), L.Dense(4, name="department")(joined)], name="tickets")


def shared():
    a, b = keras.Input((8,)), keras.Input((8,))
    dense = L.Dense(4, name="shared_dense")
    return keras.Model([a, b], L.Add()([dense(a), dense(b)]))


def residual():
    x = keras.Input((16, 16, 3))
    y = L.Conv2D(8, 3, padding="same", use_bias=False)(x)
    y = L.BatchNormalization()(y)
    z = L.Activation("relu")(y)
    z = L.SeparableConv2D(8, 3, padding="same")(z)
    return keras.Model(x, L.Dense(2)(L.Flatten()(L.Add()([y, z]))))


def nested():
    inner = keras.Sequential([L.Input((4,)), L.Dense(3), L.BatchNormalization()], name="encoder")
    x = keras.Input((4,))
    core = keras.Input((3,), name="core_input")
    functional = keras.Model(core, L.Dense(2)(core), name="head")
    deeper = keras.Sequential([L.Input((2,)), keras.Sequential([L.Input((2,)), L.Dense(5)], name="deepest"), L.Dropout(0.1)], name="deep")
    return keras.Model(x, deeper(functional(inner(x))), name="outer")


def nested_sequential():
    inner = keras.Sequential([L.Input((4,)), L.Dense(3), L.Dense(3)], name="inner")
    return keras.Sequential([inner, L.Dense(1)], name="outer")


def nested_branches():
    x = keras.Input((4,))
    core = keras.Input((4,))
    branch = keras.Model(core, L.Add()([L.Dense(4, name="left")(core), L.Dense(4, name="right")(core)]), name="branch")
    return keras.Model(x, L.Concatenate()([branch(x), L.Dense(2)(x)]), name="outer")


def nested_twice():
    inner = keras.Sequential([L.Input((4,)), L.Dense(4)], name="twice")
    x = keras.Input((4,))
    return keras.Model(x, inner(inner(x)))


def long_names():
    return keras.Sequential([
        L.Input((3, 100000, 17)),
        L.TimeDistributed(L.Dense(12, name="projection_of_everything_that_came_before_it_in_this_model"), name="time_distributed_projection_of_every_single_step"),
        L.Conv2D(7, 1, name="a_convolution_whose_name_is_much_too_long_for_its_column_in_the_table"),
    ])  # fmt: skip


def rnn():
    return keras.Sequential([
        L.Embedding(5000, 32, input_length=200), L.Bidirectional(L.LSTM(50, return_sequences=True)), L.GRU(10), L.Dense(1, activation="sigmoid"),
    ])  # fmt: skip


def attention():
    q, v = keras.Input((None, 8)), keras.Input((None, 8))
    y, scores = L.MultiHeadAttention(2, 4)(q, v, return_attention_scores=True)
    return keras.Model([q, v], [L.LayerNormalization()(y), scores])


def arguments_by_name():
    """Keras lists what comes by name in the order of the names."""
    q, v, k, scores = keras.Input((4, 8)), keras.Input((5, 8)), keras.Input((5, 8)), keras.Input((4, 5))
    y = L.MultiHeadAttention(2, 4)(q, value=v, key=k, attention_mask=scores)
    return keras.Model([q, v, k, scores], y)


def operators():
    x = keras.Input((4,))
    y = tf.nn.relu(x * 2.0 + 1.0)
    return keras.Model(x, tf.reduce_mean(y[:, 1:], axis=-1))


def big():
    return keras.Sequential([L.Input((4096,)), L.Dense(4096), L.Dense(4096), L.Dense(4096, use_bias=False)])


def fixed_batch():
    return keras.Sequential([L.InputLayer((10, 3), batch_size=7), L.LSTM(4, stateful=True), L.Dense(1)])


def frozen():
    m = lenet()
    m.layers[0].trainable = False
    return m


def all_frozen():
    m = tutorial()
    m.trainable = False
    return m


def half():
    return keras.Sequential([L.Input((8,)), L.Dense(4, dtype="float16"), L.Dense(4, dtype="float64"), L.Dense(2, dtype=keras.mixed_precision.Policy("mixed_float16"))])


def no_weights():
    return keras.Sequential([L.Input((8,)), L.Dropout(0.5), L.Flatten()])


def multi_output_layer():
    x = keras.Input((5, 3))
    y, h, c = L.LSTM(4, return_state=True, return_sequences=True)(x)
    return keras.Model(x, [y, h, c])


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = L.Dense(4, activation="relu")
        self.many = [L.Dense(3) for _ in range(2)]
        self.unused = L.Dense(9)

    def call(self, x):
        x = self.first(x)
        for layer in self.many:
            x = layer(x)
        return x


def called():
    m = Subclassed()
    m(np.zeros((1, 5), np.float32))
    return m


def built():
    m = Subclassed()
    m.build((None, 5))
    return m


def unbuilt_sequential():
    return keras.Sequential([L.Dense(3), L.Dense(1)])


def late_sequential():
    m = unbuilt_sequential()
    m(np.zeros((2, 5), np.float32))
    return m


def main():
    for builder in (tutorial, lenet, linear_functional, multi, shared, residual, nested, nested_sequential, nested_branches, nested_twice, long_names, rnn, attention, arguments_by_name, operators, big, fixed_batch, frozen, all_frozen, half, no_weights, multi_output_layer, called, built, unbuilt_sequential, late_sequential):
        record(builder.__name__, fresh(builder))
    for builder in (lenet, frozen, all_frozen, multi, nested, called):
        record(builder.__name__ + "_show_trainable", fresh(builder), show_trainable=True)
    for builder in (nested, nested_sequential, nested_branches, nested_twice, tutorial):
        record(builder.__name__ + "_expand_nested", fresh(builder), expand_nested=True)
        record(builder.__name__ + "_expand_nested_show_trainable", fresh(builder), expand_nested=True, show_trainable=True)
    for length in (40, 80, 120):
        for builder in (tutorial, multi, nested):
            record(f"{builder.__name__}_line_length{length}", fresh(builder), line_length=length)
    record("nested_line_length120_expand_nested", fresh(nested), line_length=120, expand_nested=True)
    record("tutorial_positions", fresh(tutorial), positions=[0.3, 0.6, 1.0])
    record("multi_positions", fresh(multi), positions=[0.2, 0.5, 0.6, 1.0])
    record("lenet_layer_range", fresh(lenet), layer_range=["conv2d_1", "dense"])
    record("long_names_line_length", fresh(long_names), line_length=90)
    record("unbuilt_subclassed", fresh(Subclassed))
    m = fresh(tutorial)
    m.compile("adam", "mse")
    m.fit(np.zeros((2, 784), np.float32), np.zeros((2, 10), np.float32), verbose=0)
    record("trained_with_adam", m)
    write(os.path.join(FOLDER, "summaries.json"), {"made_by": "golden/summary/make.py", "versions": VERSIONS, "cases": CASES}, "cases")
    with open(os.path.join(FOLDER, "summaries.txt"), "w") as file:
        for case in CASES:
            file.write(f"### {case['name']} {json.dumps(case['arguments'])}\n{case.get('text', case.get('error'))}\n")


main()
