"""Writes the JSON of one set of models in every form that Keras has; run once per Keras version.

    python make_models.py DIR [NAME...]        (TensorFlow 2.15.1 for keras2, TensorFlow 2.21 for keras3)

Per model: `<name>.h5.json` (the model_config attribute), `<name>.to_json.json`, `<name>.keras.json` (config.json of the
zip, compiled models carry compile_config), `<name>.training.json` (the training_config attribute).
"""
import json, os, sys, tempfile, zipfile
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"; os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
import h5py, keras, tensorflow as tf
from keras import layers
K2 = keras.__version__.startswith("2.")
out = sys.argv[1]
os.makedirs(out, exist_ok=True)

def mlp():
    return keras.Sequential([keras.Input((6,)), layers.Dense(8, activation="relu"), layers.Dropout(0.2), layers.Dense(4, kernel_regularizer="l2", dtype="float64")], name="mlp")

def unbuilt():
    return keras.Sequential([layers.Dense(8), layers.Dense(4)], name="unbuilt")

def two_inputs():
    a = keras.Input((4,), name="a"); b = keras.Input((4,), name="b", dtype="int32")
    s = layers.Dense(3, name="s"); x = s(a); y = s(layers.Rescaling(0.5, name="r")(b))
    z = layers.Add(name="add")([x, y])
    return keras.Model([a, b], [z, x], name="two")

def mha():
    q = keras.Input((5, 8), name="q"); v = keras.Input((7, 8), name="v")
    o = layers.MultiHeadAttention(2, 4, name="mha")(q, v, key=v)
    o = layers.LayerNormalization(name="ln")(layers.Add(name="res")([q, o]))
    return keras.Model([q, v], o, name="attention")

def seq2seq():
    e = keras.Input((None, 3), name="e"); d = keras.Input((None, 2), name="d")
    _, h, c = layers.LSTM(4, return_state=True, name="enc")(e)
    y = layers.LSTM(4, return_sequences=True, name="dec")(d, initial_state=[h, c])
    y = layers.Bidirectional(layers.GRU(3), name="bi")(y)
    return keras.Model([e, d], y, name="seq2seq")

def nested():
    inner_in = keras.Input((4,), name="ii"); inner = keras.Model(inner_in, layers.Dense(4, name="id")(inner_in), name="inner")
    seq = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="sd")], name="seq")
    x = keras.Input((4,), name="x")
    y = layers.Concatenate(name="cat")([inner(x), inner(seq(x))])
    return keras.Model(x, y, name="outer")

def dicts():
    a = keras.Input((2,), name="a"); b = keras.Input((3,), name="b")
    y = layers.Concatenate(name="cat")([a, b])
    return keras.Model({"a": a, "b": b}, {"y": layers.Dense(1, name="y")(y)}, name="dicts")

def conv():
    return keras.Sequential([keras.Input((28, 28, 1)), layers.Conv2D(4, 3, activation="relu"), layers.BatchNormalization(),
        layers.MaxPooling2D(), layers.SeparableConv2D(4, 3), layers.DepthwiseConv2D(3), layers.LeakyReLU(), layers.SpatialDropout2D(0.1), layers.GlobalAveragePooling2D(), layers.Dense(2, activation="softmax")], name="conv")

def embed():
    return keras.Sequential([keras.Input((10,), dtype="int32"), layers.Embedding(100, 8, mask_zero=True), layers.LSTM(4), layers.Dense(1, activation="sigmoid")], name="embed")

def ops():
    x = keras.Input((4, 3), name="x"); w = keras.Input((4, 3), name="w")
    y = x * 2.0 + w
    y = y[:, 1:3]
    y = (tf.nn.relu(y) if K2 else keras.ops.relu(y))
    y = (tf.concat([y, y], axis=-1) if K2 else keras.ops.concatenate([y, y], axis=-1))
    return keras.Model([x, w], 1.0 - y, name="ops")

def mixed():
    keras.mixed_precision.set_global_policy("mixed_float16")
    m = keras.Sequential([keras.Input((4,)), layers.Dense(2), layers.Activation("softmax", dtype="float32")], name="mixed")
    keras.mixed_precision.set_global_policy("float32")
    return m

def training():
    x = keras.Input((4,), name="x")
    y = layers.BatchNormalization(name="bn")(x, training=False)
    y = layers.Dropout(0.5, name="do")(y, training=True)
    return keras.Model(x, y, name="training")

def wrappers():
    """Shapes that layers were built for, inside others: each Keras writes them of other layers."""
    x = keras.Input((5, 4, 3), name="x"); y = keras.Input((6, 3), name="y"); h = keras.Input((2,), name="h")
    per_step = [layers.Dense(2), layers.Flatten(), layers.ReLU(), layers.Dropout(0.1), layers.BatchNormalization(), layers.LayerNormalization(),
        layers.Conv1D(2, 2), layers.MaxPooling1D(2), layers.GlobalAveragePooling1D(), layers.Reshape((12,)), layers.LSTM(2), layers.PReLU(),
        layers.Bidirectional(layers.GRU(2)), layers.TimeDistributed(layers.Dense(2)), layers.GroupNormalization(3),
        keras.Sequential([keras.Input((4, 3)), layers.Dense(2), layers.Activation("relu"), layers.Flatten()], name="inner")]
    outputs = [layers.TimeDistributed(layer, name="each_" + layer.name)(x) for layer in per_step]
    cells = lambda: [layers.LSTMCell(2), layers.GRUCell(3)]
    over = [layers.RNN(layers.SimpleRNNCell(2)), layers.RNN(cells()), layers.Bidirectional(layers.LSTM(2)), layers.Bidirectional(layers.RNN(cells())),
        layers.Bidirectional(layers.GRU(2), backward_layer=layers.GRU(2, go_backwards=True), merge_mode="sum"), layers.ConvLSTM1D(2, 2, recurrent_activation="sigmoid"),
        layers.UpSampling1D(2), layers.Permute((2, 1)), layers.GaussianNoise(0.1), layers.ELU(), layers.AveragePooling1D(2),
        layers.SpatialDropout1D(0.1), layers.RepeatVector(2), layers.EinsumDense("abc,cd->abd", (None, 2))]
    of = lambda layer: x if isinstance(layer, layers.ConvLSTM1D) else h if isinstance(layer, layers.RepeatVector) else y
    outputs += [layer(of(layer)) for layer in over]
    outputs.append(layers.SpectralNormalization(layers.Dense(2))(h))
    outputs.append(layers.LSTM(2)(y, initial_state=[h, h]))
    outputs.append(layers.Attention()([y, y]))
    outputs.append(layers.MultiHeadAttention(2, 4)(y, y))
    return keras.Model([x, y, h], outputs, name="wrappers")

sparse = dict(optimizer="adam", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
O = keras.optimizers
compiles = {
    "mlp": sparse,
    "conv": dict(optimizer=O.SGD(O.schedules.ExponentialDecay(0.1, 100, 0.9), momentum=0.9, nesterov=True, clipnorm=1.0), loss="categorical_crossentropy", metrics=[keras.metrics.TopKCategoricalAccuracy(k=2)]),
    "two_inputs": dict(optimizer=O.RMSprop(0.01), loss={"add": "mse", "s": "mae"} if K2 else ["mse", "mae"], loss_weights=[1.0, 0.5] if not K2 else {"add": 1.0, "s": 0.5}),
    "embed": dict(optimizer=O.Adam(1e-4, amsgrad=True, weight_decay=0.01), loss="binary_crossentropy", metrics=["accuracy", keras.metrics.AUC()]),
}
if K2:
    compiles["nested"] = dict(optimizer=O.legacy.Adam(0.002, decay=1e-5), loss=keras.losses.Huber(delta=2.0), metrics=["mae"], weighted_metrics=["mse"])

for make in [mlp, unbuilt, two_inputs, mha, seq2seq, nested, dicts, conv, embed, ops, mixed, training, wrappers]:
    name = make.__name__
    if sys.argv[2:] and name not in sys.argv[2:]: continue
    try:
        keras.backend.clear_session()
        model = make()
        if name in compiles: model.compile(**compiles[name])
        open(f"{out}/{name}.to_json.json", "w").write(model.to_json())
        with tempfile.TemporaryDirectory() as d:
            for suffix in ("keras", "h5"):
                try:
                    model.save(f"{d}/m.{suffix}")
                    if suffix == "h5":
                        with h5py.File(f"{d}/m.h5") as f:
                            for a, n in (("model_config", "h5"), ("training_config", "training")):
                                if a in f.attrs:
                                    t = f.attrs[a]
                                    open(f"{out}/{name}.{n}.json", "w").write(t.decode() if isinstance(t, bytes) else t)
                    else:
                        open(f"{out}/{name}.keras.json", "wb").write(zipfile.ZipFile(f"{d}/m.keras").read("config.json"))
                except Exception as e: print(name, suffix, type(e).__name__, str(e)[:200])
    except Exception as e: print(name, type(e).__name__, str(e)[:300])
open(f"{out}/VERSIONS", "w").write(f"keras {keras.__version__}\ntensorflow {tf.__version__}\n")
