"""Small models of every kind of layer, each with another optimizer, for Keras 2 (`keras.__version__` 2.x) and Keras 3.

An architecture is a function of the keras module; it gives the model and what it is compiled with, or `None` where
this Keras has no such thing.
"""
import numpy as np

ALL = {}


class Case:
    def __init__(self, model, optimizer, loss, metrics, x, y, train=True, refused=None, slots3=True, limits=None, tolerance=1e-5,
                 **compile_args):
        self.model, self.optimizer, self.loss, self.metrics = model, optimizer, loss, metrics
        self.x, self.y = list(x), list(y)
        # Whether training it is deterministic.
        self.train = train
        # What the refusal names where the other Keras cannot express the model; none where it can.
        self.refused = refused
        # Whether Keras 3 keeps the slots: not those of SGD without momentum, which Keras 2 fills and never reads.
        self.slots3 = slots3
        # How far predictions may be apart.
        self.tolerance = tolerance
        # What this Keras cannot do with its own files: `what` to the reason. The check has Keras show it.
        self.limits = limits or {}
        self.compile_args = compile_args


def architecture(function):
    ALL[function.__name__] = function
    return function


def is_keras3(keras):
    return keras.__version__.startswith("3")


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal((16, *shape)).astype(np.float32)


def labels(seed, classes):
    return np.random.default_rng(seed).integers(0, classes, (16, 1)).astype(np.int64)


def tokens(seed, steps, top):
    made = np.random.default_rng(seed).integers(1, top, (16, steps)).astype(np.int32)
    for i, row in enumerate(made):
        row[2 + i % (steps - 2):] = 0
    return made


def legacy(keras, name, *args, **kwargs):
    """A legacy optimizer; Keras 3 has none, so its current one stands in."""
    if is_keras3(keras):
        kwargs.pop("decay", None)
        return getattr(keras.optimizers, name)(*args, **kwargs)
    return getattr(keras.optimizers.legacy, name)(*args, **kwargs)


OPERATIONS = "Keras 3 does not find operations in its HDF5 files"
NADAM = "Keras 2 does not save Nadam's product of momenta"


def without_legacy(keras):
    """What a refusal names: Keras 3 has no optimizer that does the steps of some legacy ones."""
    return None if is_keras3(keras) else "a legacy optimizer"


@architecture
def mlp_sgd_nesterov(keras):
    L = keras.layers
    model = keras.Sequential([L.Dense(6, activation="relu", input_shape=(4,)), L.Dense(3)], name="mlp")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return Case(model, keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True), loss, ["accuracy"], [normal(0, 4)], [labels(0, 3)])


@architecture
def mlp_legacy_sgd_decay(keras):
    L = keras.layers
    x = keras.Input((4,), name="features")
    y = L.Dense(2, name="second")(L.Dense(5, activation="tanh", name="first")(x))
    optimizer = legacy(keras, "SGD", 0.05, momentum=0.5, decay=1e-3)
    return Case(keras.Model(x, y), optimizer, "mse", ["mae"], [normal(1, 4)], [normal(2, 2)])


@architecture
def cnn2d_adam_amsgrad(keras):
    L = keras.layers
    model = keras.Sequential([
        L.Conv2D(4, 3, padding="same", input_shape=(8, 8, 3)),
        L.BatchNormalization(),
        L.ReLU(max_value=6.0, negative_slope=0.1),
        L.MaxPooling2D(),
        L.SeparableConv2D(5, 2, depth_multiplier=2, activation="relu"),
        L.DepthwiseConv2D(2, padding="same", strides=1),
        L.AveragePooling2D(2, strides=1),
        L.Conv2D(4, 1, groups=1, use_bias=False),
        L.Flatten(),
        L.Dense(3),
        L.Softmax(),
    ])
    return Case(model, keras.optimizers.Adam(0.01, amsgrad=True), "sparse_categorical_crossentropy",
                ["accuracy"], [normal(3, 8, 8, 3)], [labels(3, 3)])


@architecture
def cnn1d_adamw(keras):
    L = keras.layers
    model = keras.Sequential([
        L.ZeroPadding1D((1, 2), input_shape=(12, 3)),
        L.Conv1D(4, 3, padding="causal", dilation_rate=2, activation="selu"),
        L.UpSampling1D(2),
        L.Cropping1D((1, 1)),
        L.SeparableConv1D(4, 3),
        L.DepthwiseConv1D(2),
        L.MaxPooling1D(2, padding="same"),
        L.AveragePooling1D(2),
        L.Conv1DTranspose(3, 3, strides=2),
        L.GlobalAveragePooling1D(),
        L.Dense(2),
    ])
    return Case(model, keras.optimizers.AdamW(0.01, weight_decay=0.02), "huber" if is_keras3(keras) else keras.losses.Huber(), ["mae"],
                [normal(4, 12, 3)], [normal(5, 2)])


@architecture
def cnn3d_rmsprop_centered(keras):
    L = keras.layers
    model = keras.Sequential([
        L.ZeroPadding3D(1, input_shape=(4, 4, 4, 2)),
        L.Conv3D(3, 2, activation="relu"),
        L.BatchNormalization(scale=False),
        L.MaxPooling3D(2),
        L.UpSampling3D(2),
        L.AveragePooling3D(2, strides=1),
        L.Conv3DTranspose(2, 2),
        L.Cropping3D(1),
        L.GlobalMaxPooling3D(),
        L.Dense(1),
    ])
    return Case(model, keras.optimizers.RMSprop(0.001, momentum=0.7, centered=True, epsilon=1e-3), "mse", ["mae"],
                [normal(6, 4, 4, 4, 2)], [normal(7, 1)])


@architecture
def conv2d_misc_adagrad(keras):
    L = keras.layers
    leaky = L.LeakyReLU(negative_slope=0.2) if is_keras3(keras) else L.LeakyReLU(0.2)
    x = keras.Input((6, 6, 2))
    y = L.ZeroPadding2D(((1, 0), (0, 1)))(x)
    y = leaky(L.Conv2DTranspose(3, 3, strides=2, padding="same")(y))
    y = L.UpSampling2D(2, interpolation="bilinear")(y)
    y = L.Cropping2D(((1, 2), (3, 1)))(y)
    y = L.PReLU(shared_axes=[1, 2])(y)
    y = L.ELU(0.7)(L.Conv2D(4, (3, 2), strides=(2, 1), dilation_rate=1)(y))
    a, b = L.GlobalMaxPooling2D()(y), L.GlobalAveragePooling2D(keepdims=True)(y)
    y = L.Concatenate()([a, L.Flatten()(b)])
    return Case(keras.Model(x, L.Dense(2, activation="softmax")(y)), keras.optimizers.Adagrad(0.05), "categorical_crossentropy",
                ["accuracy"], [normal(8, 6, 6, 2)], [np.eye(2, dtype=np.float32)[labels(8, 2)[:, 0]]])


@architecture
def masked_lstm_adadelta(keras):
    L = keras.layers
    model = keras.Sequential([
        keras.Input((7,), dtype="int32"),
        L.Embedding(20, 5, mask_zero=True),
        L.LSTM(4, return_sequences=True),
        L.LSTM(3, go_backwards=True, unit_forget_bias=False),
        L.Dense(1, activation="sigmoid"),
    ])
    return Case(model, keras.optimizers.Adadelta(0.5), "binary_crossentropy", ["accuracy"], [tokens(9, 7, 20)],
                [labels(9, 2).astype(np.float32)])


@architecture
def bidirectional_gru_adamax(keras):
    L = keras.layers
    x = keras.Input((6, 3))
    y = L.Bidirectional(L.GRU(4, return_sequences=True))(x)
    y = L.Bidirectional(L.GRU(3, reset_after=False), merge_mode="sum")(y)
    return Case(keras.Model(x, L.Dense(2)(y)), keras.optimizers.Adamax(0.01), "mse", [], [normal(10, 6, 3)], [normal(11, 2)])


@architecture
def simple_rnn_nadam(keras):
    L = keras.layers
    x0 = normal(12, 6, 3)
    x0[:, 4:] = 0
    x = keras.Input((6, 3))
    y = L.Masking()(x)
    y = L.SimpleRNN(4, return_sequences=True)(y)
    y = L.TimeDistributed(L.Dense(3, activation="softplus"))(y)
    y = L.Bidirectional(L.SimpleRNN(2), backward_layer=L.SimpleRNN(2, go_backwards=True, name="back"), merge_mode="ave")(y)
    return Case(keras.Model(x, y), keras.optimizers.Nadam(0.01), "mse", ["mse"], [x0], [normal(13, 2)],
                limits={"read .h5 of keras3": OPERATIONS, "train on .h5 of keras2": NADAM, "train on .keras of keras2": NADAM} if is_keras3(keras) else {
                    "train on .h5 of keras2": NADAM, "train on .keras of keras2": NADAM, "train on .keras of keras3": NADAM})


@architecture
def conv_lstm_sgd_clipvalue(keras):
    L = keras.layers
    x = keras.Input((3, 5, 5, 2))
    y = L.ConvLSTM2D(3, 2, padding="same", return_sequences=True)(x)
    y = L.TimeDistributed(L.Conv2D(2, 2))(y)
    y = L.TimeDistributed(L.Flatten())(y)
    y = L.Reshape((3, 8, 4))(y)
    y = L.ConvLSTM1D(2, 3)(y)
    return Case(keras.Model(x, L.Dense(1)(L.Flatten()(y))), keras.optimizers.SGD(0.1, clipvalue=0.2), "mse", [],
                [normal(14, 3, 5, 5, 2)], [normal(15, 1)], slots3=False,
                # The default of Keras 2 is a function that Keras 3 does not have: its `hard_sigmoid` has another slope.
                refused=None if is_keras3(keras) else "`hard_sigmoid`")


@architecture
def rnn_of_cells_ftrl(keras):
    L = keras.layers
    x = keras.Input((5, 3))
    y = L.RNN([L.LSTMCell(4), L.GRUCell(3)], return_sequences=True)(x)
    y = L.RNN(L.SimpleRNNCell(3))(y)
    return Case(keras.Model(x, L.Dense(2)(y)), keras.optimizers.Ftrl(0.05), "mse", [], [normal(16, 5, 3)], [normal(17, 2)])


@architecture
def transformer_lion(keras):
    L = keras.layers
    x = keras.Input((6, 8))
    y = L.MultiHeadAttention(2, 4, name="heads")(x, x)
    y = L.LayerNormalization()(L.Add()([x, y]))
    z = L.Dense(12, activation="gelu")(y)
    y = L.LayerNormalization(epsilon=1e-6)(L.Add()([y, L.Dense(8)(z)]))
    y = L.GlobalAveragePooling1D()(y)
    return Case(keras.Model(x, L.Dense(3)(y)), keras.optimizers.Lion(0.001), keras.losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"],
                [normal(18, 6, 8)], [labels(18, 3)])


@architecture
def attention_adafactor(keras):
    L = keras.layers
    q, v = keras.Input((4, 5), name="query"), keras.Input((6, 5), name="value")
    a = L.Attention(use_scale=True)([q, v])
    b = L.AdditiveAttention()([q, v])
    y = L.Flatten()(L.Concatenate(axis=1)([a, b]))
    return Case(keras.Model([q, v], L.Dense(2)(y)), keras.optimizers.Adafactor(0.01), "mse", [], [normal(19, 4, 5), normal(20, 6, 5)],
                [normal(21, 2)], limits={
                    "read .h5 of keras3": "Keras 3 takes the word `dot` for the function of that name",
                    **({"write .h5": "Keras 3 gives variables of Adafactor one name"} if is_keras3(keras) else {})})


@architecture
def merging_exponential_decay(keras):
    L = keras.layers
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    d = L.Dense(4)
    p, q = d(a), L.Dense(4)(b)
    parts = [L.Add()([p, q]), L.Subtract()([p, q]), L.Multiply()([p, q]), L.Average()([p, q]), L.Maximum()([p, q]),
             L.Minimum()([p, q]), L.Dot(axes=1, normalize=True)([p, q])]
    y = L.Dense(1)(L.Concatenate()(parts))
    rate = keras.optimizers.schedules.ExponentialDecay(0.01, 3, 0.9, staircase=True)
    return Case(keras.Model([a, b], y), keras.optimizers.Adam(rate), "mse", [], [normal(22, 4), normal(23, 4)], [normal(24, 1)])


@architecture
def two_outputs_clipnorm(keras):
    L = keras.layers
    x = keras.Input((5,))
    h = L.Dense(6, activation="elu")(x)
    model = keras.Model(x, [L.Dense(3, name="kind")(h), L.Dense(1, name="size")(h)])
    losses = {"kind": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "size": "mse"}
    metrics = {"kind": ["accuracy"], "size": ["mae"]}
    return Case(model, keras.optimizers.Adam(0.01, clipnorm=0.5), losses, metrics, [normal(25, 5)],
                [labels(25, 3), normal(26, 1)], loss_weights={"kind": 0.7, "size": 0.3})


@architecture
def nested_cosine_decay(keras):
    L = keras.layers
    inner_input = keras.Input((6,))
    inner = keras.Model(inner_input, L.Dense(4, name="deep")(L.BatchNormalization(name="norm")(inner_input)), name="inner")
    stack = keras.Sequential([L.Dense(6, activation="relu"), L.Dense(6)], name="stack")
    x = keras.Input((3,))
    y = L.Dense(2)(inner(stack(x)))
    rate = keras.optimizers.schedules.CosineDecay(0.02, 20)
    return Case(keras.Model(x, y, name="outer"), keras.optimizers.SGD(rate, momentum=0.9), "mse", [], [normal(27, 3)], [normal(28, 2)])


@architecture
def shared_encoder_rmsprop(keras):
    L = keras.layers
    e = keras.Input((4,))
    encoder = keras.Model(e, L.Dense(3, activation="swish")(e), name="encoder")
    a, b = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    shared = L.Dense(4, name="shared")
    y = L.Concatenate()([encoder(shared(a)), encoder(shared(b))])
    return Case(keras.Model([a, b], L.Dense(1)(y)), keras.optimizers.RMSprop(0.01), "mse", [], [normal(29, 4), normal(30, 4)], [normal(31, 1)])


@architecture
def operations_legacy_adam(keras):
    if is_keras3(keras):
        return None
    import tensorflow as tf
    L = keras.layers
    x = keras.Input((4, 3))
    y = L.Dense(3)(x) * 2.0 + 1.0
    y = tf.nn.relu(y) - tf.reduce_mean(y, axis=1, keepdims=True)
    y = tf.concat([y[:, 0], y[:, -1, :2], tf.squeeze(y[:, 1:2], 1)], axis=-1)
    y = tf.math.sigmoid(y) / 2.0
    return Case(keras.Model(x, L.Dense(2)(y)), legacy(keras, "Adam", 0.01), "mse", [], [normal(32, 4, 3)], [normal(33, 2)],
                limits={"read .h5 of keras3": OPERATIONS})


@architecture
def operations_of_keras3(keras):
    if not is_keras3(keras):
        return None
    L = keras.layers
    x = keras.Input((4, 3))
    y = L.Dense(3)(x) * 2.0 + 1.0
    y = keras.ops.relu(y) - keras.ops.mean(y, axis=1, keepdims=True)
    y = keras.ops.concatenate([y[:, 0], y[:, -1, :2]], axis=-1)
    return Case(keras.Model(x, L.Dense(2)(y)), keras.optimizers.Adam(0.01), "mse", [], [normal(32, 4, 3)], [normal(33, 2)],
                limits={"read .h5 of keras3": OPERATIONS})


@architecture
def normalizations_legacy_rmsprop(keras):
    L = keras.layers
    x = keras.Input((6, 4))
    y = L.BatchNormalization(momentum=0.9, center=False)(x)
    y = L.LayerNormalization(axis=[1, 2])(y)
    y = L.UnitNormalization()(L.Dense(4)(y))
    y = L.GroupNormalization(groups=2)(y)
    return Case(keras.Model(x, L.Dense(2)(L.Flatten()(y))), legacy(keras, "RMSprop", 0.005, momentum=0.3, centered=True), "mse", [],
                [normal(34, 6, 4)], [normal(35, 2)],
                limits={"read .h5 of keras3": "Keras 3 loses one of two axes of LayerNormalization in HDF5 files"})


@architecture
def reshaping_legacy_adagrad(keras):
    L = keras.layers
    x = keras.Input((12,))
    y = L.RepeatVector(2)(L.Dense(6)(x))
    y = L.Permute((2, 1))(y)
    y = L.Reshape((3, -1))(y)
    y = L.Flatten(data_format="channels_last")(y)
    return Case(keras.Model(x, L.Dense(1, use_bias=False)(y)), legacy(keras, "Adagrad", 0.05), "mse", [], [normal(36, 12)], [normal(37, 1)],
                refused=without_legacy(keras))


@architecture
def penalties_legacy_adadelta(keras):
    L, R, C = keras.layers, keras.regularizers, keras.constraints
    model = keras.Sequential([
        L.Dense(5, kernel_regularizer=R.L1L2(0.01, 0.02), bias_regularizer="l2", kernel_constraint=C.MaxNorm(1.5), input_shape=(4,)),
        L.Dense(4, activity_regularizer=R.L2(0.01), kernel_constraint=C.UnitNorm(), bias_constraint=C.NonNeg(),
                kernel_initializer=keras.initializers.HeNormal(seed=3), bias_initializer="ones"),
        L.Dense(3, kernel_regularizer=R.OrthogonalRegularizer(0.01), kernel_constraint=C.MinMaxNorm(0.2, 1.0, 0.8)),
        L.ActivityRegularization(l1=0.01),
        L.Dense(1),
    ])
    return Case(model, legacy(keras, "Adadelta", 0.3), "mse", [], [normal(38, 4)], [normal(39, 1)])


@architecture
def activations_legacy_adamax(keras):
    L = keras.layers
    names = ["elu", "exponential", "gelu", "linear", "relu", "selu", "sigmoid", "softmax", "softplus",
             "softsign", "swish", "tanh"] + ([] if is_keras3(keras) else ["hard_sigmoid"])
    x = keras.Input((5,))
    y = L.Concatenate()([L.Dense(3, activation=name, name="of_" + name)(x) for name in names] + [L.Activation("tanh")(x)])
    return Case(keras.Model(x, L.Dense(2)(y)), legacy(keras, "Adamax", 0.01), "mse", [], [normal(40, 5)], [normal(41, 2)], refused=None if is_keras3(keras) else "`hard_sigmoid`")


@architecture
def noise_legacy_nadam(keras):
    L = keras.layers
    x = keras.Input((6, 4))
    y = L.SpatialDropout1D(0.2)(L.Dense(4)(x))
    y = L.GaussianDropout(0.3)(L.GaussianNoise(0.1)(L.Dropout(0.5, seed=1)(y)))
    y = L.AlphaDropout(0.1)(y)
    y = L.LSTM(3, dropout=0.2, recurrent_dropout=0.1)(y)
    return Case(keras.Model(x, L.Dense(1)(y)), legacy(keras, "Nadam", 0.01), "mse", [], [normal(42, 6, 4)], [normal(43, 1)], train=False,
                refused=without_legacy(keras))


@architecture
def preprocessing_legacy_ftrl(keras):
    L = keras.layers
    x = keras.Input((8, 8, 3))
    y = L.Rescaling(0.5, offset=-0.25)(x)
    y = L.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 0.5])(y)
    y = L.CenterCrop(6, 6)(y)
    y = L.Resizing(4, 4)(y)
    return Case(keras.Model(x, L.Dense(1)(L.Flatten()(y))), legacy(keras, "Ftrl", 0.05), "mse", [], [normal(44, 8, 8, 3)], [normal(45, 1)])


@architecture
def categories_adam_piecewise(keras):
    L = keras.layers
    x = keras.Input((3,), dtype="float32")
    y = L.Discretization(bin_boundaries=[-0.5, 0.0, 0.5])(x)
    y = L.CategoryEncoding(num_tokens=5, output_mode="multi_hot")(y)
    rate = keras.optimizers.schedules.PiecewiseConstantDecay([4, 8], [0.05, 0.02, 0.01])
    return Case(keras.Model(x, L.Dense(2)(y)), keras.optimizers.Adam(rate), "mse", [], [normal(46, 3)], [normal(47, 2)])


@architecture
def einsum_polynomial(keras):
    L = keras.layers
    x = keras.Input((4, 6))
    y = L.EinsumDense("abc,cd->abd", output_shape=(None, 5), bias_axes="d", activation="relu")(x)
    rate = keras.optimizers.schedules.PolynomialDecay(0.05, 10, 0.001, power=2.0, cycle=True)
    # The axis that `output_shape` leaves open stays open in Keras 3, which then cannot build a Dense after a Flatten.
    y = L.GlobalAveragePooling1D()(y)
    return Case(keras.Model(x, L.Dense(1)(y)), keras.optimizers.SGD(rate), "mse", [], [normal(48, 4, 6)], [normal(49, 1)], slots3=False)


@architecture
def frozen_inverse_time(keras):
    L = keras.layers
    base = keras.Sequential([L.Dense(5, activation="relu", input_shape=(4,)), L.BatchNormalization(), L.Dense(4)], name="base")
    base.layers[0].trainable = False
    base.layers[1].trainable = False
    x = keras.Input((4,))
    rate = keras.optimizers.schedules.InverseTimeDecay(0.01, 2, 0.5)
    return Case(keras.Model(x, L.Dense(1, name="head")(base(x))), keras.optimizers.Adam(rate), "mse", [], [normal(50, 4)], [normal(51, 1)])


@architecture
def average_restarts(keras):
    L = keras.layers
    model = keras.Sequential([L.Dense(5, input_shape=(4,)), L.Dense(1)])
    rate = keras.optimizers.schedules.CosineDecayRestarts(0.02, 5)
    return Case(model, keras.optimizers.Adam(rate, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=None), "mse", [], [normal(52, 4)],
                [normal(53, 1)])


@architecture
def metrics_binary(keras):
    L, M = keras.layers, keras.metrics
    model = keras.Sequential([L.Dense(5, activation="relu", input_shape=(4,)), L.Dense(1, activation="sigmoid")])
    metrics = [M.BinaryAccuracy(name="acc"), M.AUC(), M.Precision(thresholds=0.4), M.Recall(), "mae"]
    return Case(model, keras.optimizers.Adam(0.01, global_clipnorm=1.0), keras.losses.BinaryCrossentropy(label_smoothing=0.1), metrics, [normal(54, 4)],
                [labels(54, 2).astype(np.float32)])


@architecture
def locally_connected(keras):
    if is_keras3(keras):
        return None
    L = keras.layers
    x = keras.Input((6, 6, 2))
    y = L.LocallyConnected2D(3, 2, implementation=1)(x)
    y = L.Reshape((25, 3))(y)
    y = L.LocallyConnected1D(2, 3)(y)
    y = L.ThresholdedReLU(0.1)(y)
    return Case(keras.Model(x, L.Dense(1)(L.Flatten()(y))), keras.optimizers.SGD(0.01), "mse", [], [normal(55, 6, 6, 2)], [normal(56, 1)], refused="`LocallyConnected2D`")


@architecture
def stateful_lstm(keras):
    L = keras.layers
    x = keras.Input(batch_shape=(8, 5, 3))
    y = L.LSTM(4, stateful=True, return_sequences=True)(x)
    y = L.GRU(3, return_sequences=False)(y)
    return Case(keras.Model(x, L.Dense(1)(y)), keras.optimizers.SGD(0.05), "mse", [], [normal(57, 5, 3)], [normal(58, 1)], train=False, slots3=False)


@architecture
def many_of_one_class(keras):
    """Counted group names, names with slashes, and a model in a wrapper."""
    L = keras.layers
    inner = keras.Sequential([L.Dense(3, activation="relu", input_shape=(4,)), L.Dense(2)], name="per_step")
    x = keras.Input((5, 4))
    y = L.TimeDistributed(inner)(x)
    for i in range(12):
        y = L.Dense(2 + i % 3, name=f"block_{i}")(y)
    return Case(keras.Model(x, y), keras.optimizers.Adam(0.01), "mse", ["mae", "mse"], [normal(59, 5, 4)], [normal(60, 5, 4)])


@architecture
def only_of_keras3(keras):
    if not is_keras3(keras):
        return None
    L = keras.layers
    x = keras.Input((6, 8))
    y = L.GroupQueryAttention(4, 4, 2)(x, x)
    y = L.RMSNormalization()(y)
    y = L.Dense(4, activation="hard_swish")(y)
    return Case(keras.Model(x, L.Dense(1)(L.Flatten()(y))), keras.optimizers.Lamb(0.01), "mse", [], [normal(61, 6, 8)], [normal(62, 1)], refused="`GroupQueryAttention`",
                limits={"read .h5 of keras3": "Keras 3 does not find this optimizer by its name in HDF5 files"})


@architecture
def volumes_lamb(keras):
    """Three spatial axes, and optimizers that only Keras 3 has."""
    L = keras.layers
    x = keras.Input((2, 4, 4, 4, 1))
    y = L.ConvLSTM3D(2, 2, recurrent_activation="sigmoid", return_sequences=True)(x)
    y = L.ConvLSTM3D(3, 2, recurrent_activation="sigmoid")(y)
    y = L.SpatialDropout3D(0.0)(y)
    y = L.Concatenate()([L.GlobalAveragePooling3D()(y), L.GlobalMaxPooling3D()(y)])
    optimizer = keras.optimizers.Lamb(0.01) if is_keras3(keras) else keras.optimizers.Adam(0.01)
    return Case(keras.Model(x, L.Dense(1)(y)), optimizer, "mse", [], [normal(63, 2, 4, 4, 4, 1)], [normal(64, 1)],
                refused="`Lamb`" if is_keras3(keras) else None,
                limits={"read .h5 of keras3": "Keras 3 does not find this optimizer by its name in HDF5 files"})


@architecture
def everyday_layers_muon(keras):
    L = keras.layers
    x = keras.Input((6, 4))
    y = L.Identity()(x)
    convolution = L.Conv1D(4, 2, padding="same")
    # Keras 2.15 cannot train it in a graph.
    y = L.SpectralNormalization(convolution, power_iterations=2)(y) if is_keras3(keras) else convolution(y)
    y = L.GroupNormalization(groups=2, axis=-1, center=False)(y)
    y = L.UnitNormalization(axis=-1)(L.Dense(5)(y))
    y = L.LayerNormalization(axis=[1, 2], scale=False)(y)
    y = L.RNN(L.StackedRNNCells([L.LSTMCell(3), L.SimpleRNNCell(4, activation="relu")]), return_sequences=True)(y)
    y = L.BatchNormalization(synchronized=True)(y)
    y = L.Concatenate()([L.GlobalMaxPooling1D()(y), L.Flatten()(L.MaxPooling1D(3, strides=2, padding="same")(y))])
    optimizer = keras.optimizers.Muon(0.01) if is_keras3(keras) else keras.optimizers.Nadam(0.01)
    return Case(keras.Model(x, L.Dense(2)(y)), optimizer, "mse", [], [normal(65, 6, 4)], [normal(66, 2)],
                refused="`Muon`" if is_keras3(keras) else None,
                limits={"read .h5 of keras3": "Keras 3 loses one of two axes of LayerNormalization in HDF5 files",
                        "train on .h5 of keras2": NADAM, "train on .keras of keras2": NADAM})


@architecture
def random_layers_schedule_free(keras):
    """Layers that do something while training only; what they draw is no part of a model. (`RandomCrop` is not among them:
    while predicting Keras 3 does not always crop.)"""
    L = keras.layers
    x = keras.Input((8, 8, 3))
    y = L.RandomFlip("horizontal", seed=1)(x)
    y = L.RandomRotation(0.1, fill_mode="nearest", seed=2)(y)
    y = L.RandomZoom((-0.1, 0.2), seed=3)(y)
    y = L.RandomTranslation(0.1, (-0.2, 0.1), interpolation="nearest", seed=4)(y)
    y = L.RandomContrast(0.2, seed=5)(y)
    y = L.RandomBrightness(0.1, value_range=(-1.0, 1.0), seed=6)(y)
    y = L.SpatialDropout2D(0.2)(L.Conv2D(4, 2)(y))
    y = L.GaussianNoise(0.1)(L.GaussianDropout(0.2)(L.Dropout(0.3, noise_shape=(None, 1, 1, None))(y)))
    y = L.AlphaDropout(0.1)(y) if hasattr(L, "AlphaDropout") else y
    optimizer = keras.optimizers.ScheduleFreeAdamW(0.01) if is_keras3(keras) else keras.optimizers.Adamax(0.01)
    return Case(keras.Model(x, L.Dense(1)(L.Flatten()(y))), optimizer, "mse", [], [normal(67, 8, 8, 3)], [normal(68, 1)], train=False,
                refused="`ScheduleFreeAdamW`" if is_keras3(keras) else None,
                limits={"write .h5": "Keras 3 cannot copy what RandomBrightness holds"} if is_keras3(keras) else None)


@architecture
def whole_numbers_adam(keras):
    L = keras.layers
    x, left, right = keras.Input((3,), dtype="int64"), keras.Input((1,), dtype="int64"), keras.Input((1,), dtype="int64")
    a = L.IntegerLookup(vocabulary=[3, 5, 7, 11], num_oov_indices=2)(x)
    b = L.Hashing(6)(x)
    c = L.Flatten()(L.Embedding(7, 2)(a))
    d = L.CategoryEncoding(6, output_mode="count")(b)
    e = L.HashedCrossing(5, output_mode="one_hot")([left, right])
    y = L.Concatenate()([c, L.Dense(2)(d), L.Dense(2)(L.Flatten()(e))])
    values = np.random.default_rng(69).integers(0, 13, (16, 3)).astype(np.int64)
    return Case(keras.Model([x, left, right], L.Dense(1)(y)), keras.optimizers.Adam(0.01), "mse", [],
                [values, values[:, :1], values[:, 1:2]], [normal(70, 1)],
                limits={"train on .keras of keras3": "the two Kerases square gradients of rows that a batch repeats before and after adding them up"})


@architecture
def preprocessing_adam(keras):
    L = keras.layers
    x = keras.Input((8, 8, 3))
    y = L.Rescaling([0.5, 1.0, 2.0], offset=-0.25)(x)
    y = L.Normalization(axis=-1, mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 0.5])(y)
    y = L.Resizing(4, 5, interpolation="nearest")(L.CenterCrop(6, 7)(y))
    return Case(keras.Model(x, L.Dense(1)(L.Flatten()(y))), keras.optimizers.Adam(0.01), "mse", [], [normal(71, 8, 8, 3)], [normal(72, 1)])


@architecture
def initializers_rmsprop(keras):
    L, I, R, C = keras.layers, keras.initializers, keras.regularizers, keras.constraints
    kinds = [I.Constant(0.3), I.GlorotNormal(seed=1), I.GlorotUniform(seed=2), I.HeNormal(seed=3), I.HeUniform(seed=4), I.Identity(0.5),
             I.LecunNormal(seed=5), I.LecunUniform(seed=6), I.Ones(), I.Orthogonal(0.9, seed=7), I.RandomNormal(0.1, 0.2, seed=8),
             I.RandomUniform(-0.2, 0.3, seed=9), I.TruncatedNormal(0.0, 0.3, seed=10),
             I.VarianceScaling(2.0, "fan_avg", "uniform", seed=11), I.Zeros()]
    x = keras.Input((4,))
    parts = [L.Dense(3, kernel_initializer=kind, bias_initializer="zeros", name=f"of_{i}")(x) for i, kind in enumerate(kinds)]
    y = L.Dense(3, kernel_regularizer=R.L1(0.01), activity_regularizer=R.L1L2(0.001, 0.002), kernel_constraint=C.MaxNorm(1.2, axis=0),
                bias_regularizer=R.L2(0.02), bias_constraint=C.NonNeg())(L.Concatenate()(parts))
    y = L.ActivityRegularization(l1=0.01, l2=0.02)(y)
    y = L.Dense(2, kernel_regularizer=R.OrthogonalRegularizer(0.01, mode="columns"), kernel_constraint=C.UnitNorm())(y)
    y = L.Dense(1, kernel_constraint=C.MinMaxNorm(0.2, 1.0, 0.8))(y)
    return Case(keras.Model(x, y), keras.optimizers.RMSprop(0.002), "mse", [], [normal(73, 4)], [normal(74, 1)])


@architecture
def activations_adam(keras):
    L = keras.layers
    names = ["elu", "exponential", "gelu", "linear", "mish", "relu", "selu", "sigmoid", "softmax", "softplus", "softsign", "swish", "tanh"]
    x = keras.Input((5,))
    parts = [L.Dense(3, activation=name, name="of_" + name)(x) for name in names]
    parts += [L.Activation("relu")(x), L.Softmax(axis=-1)(x), L.ReLU(2.0, 0.1, 0.2)(x), L.PReLU()(x), L.ELU(0.5)(x), L.LeakyReLU()(x)]
    y = L.Concatenate()(parts)
    return Case(keras.Model(x, L.Dense(2)(y)), keras.optimizers.Adam(0.01), "mse", [], [normal(75, 5)], [normal(76, 2)])


@architecture
def losses_of_every_kind(keras):
    L, K = keras.layers, keras.losses
    one_hot = np.eye(3, dtype=np.float32)[labels(77, 3)[:, 0]]
    zero_one, signs = labels(78, 2).astype(np.float32), np.sign(normal(79, 3))
    numbers, positive = normal(80, 3), np.abs(normal(81, 3)) + 0.1
    kinds = [
        (K.BinaryCrossentropy(from_logits=True), None, zero_one), (K.BinaryFocalCrossentropy(gamma=1.5), "sigmoid", zero_one),
        (K.CategoricalCrossentropy(label_smoothing=0.1), "softmax", one_hot), (K.CategoricalFocalCrossentropy(alpha=0.3), "softmax", one_hot),
        (K.SparseCategoricalCrossentropy(ignore_class=0), "softmax", labels(77, 3)), (K.CategoricalHinge(), None, one_hot),
        (K.CosineSimilarity(axis=-1), None, numbers), (K.Hinge(), None, signs), (K.SquaredHinge(), None, signs),
        (K.Huber(delta=0.5), None, numbers), (K.KLDivergence(), "softmax", one_hot), (K.LogCosh(), None, numbers),
        (K.MeanAbsoluteError(), None, numbers), (K.MeanAbsolutePercentageError(), None, positive), (K.MeanSquaredError(), None, numbers),
        (K.MeanSquaredLogarithmicError(), None, positive), (K.Poisson(), "exponential", positive),
    ]
    x = keras.Input((4,))
    h = L.Dense(5, activation="tanh")(x)
    outputs = [L.Dense(y.shape[1] if not isinstance(kind, K.SparseCategoricalCrossentropy) else 3, activation=activation, name=f"out_{i}")(h)
               for i, (kind, activation, y) in enumerate(kinds)]
    weights = [0.1 + 0.01 * i for i in range(len(kinds))]
    return Case(keras.Model(x, outputs), keras.optimizers.Adam(0.002), [kind for kind, _, _ in kinds], None, [normal(82, 4)],
                [y for _, _, y in kinds], loss_weights=weights)


@architecture
def metrics_of_every_kind(keras):
    L, M = keras.layers, keras.metrics
    one_hot = np.eye(3, dtype=np.float32)[labels(83, 3)[:, 0]]
    x = keras.Input((4,))
    h = L.Dense(5, activation="tanh")(x)
    outputs = [L.Dense(3, activation="softmax", name="kind")(h), L.Dense(1, activation="sigmoid", name="flag")(h), L.Dense(2, name="size")(h),
               L.Dense(3, activation="softmax", name="number")(h)]
    metrics = {
        "kind": [M.CategoricalAccuracy(), M.TopKCategoricalAccuracy(k=2), M.CategoricalCrossentropy(), M.CategoricalHinge(), M.F1Score(average="macro"),
                 M.FBetaScore(beta=0.5), M.KLDivergence(), M.OneHotIoU(3, [0, 2]), M.OneHotMeanIoU(3), M.AUC(multi_label=True, num_labels=3)],
        "flag": [M.TruePositives(), M.TrueNegatives([0.3, 0.6]), M.FalsePositives(), M.FalseNegatives(0.4), M.PrecisionAtRecall(0.5),
                 M.RecallAtPrecision(0.5), M.SensitivityAtSpecificity(0.5, num_thresholds=50), M.SpecificityAtSensitivity(0.5),
                 M.BinaryIoU([0, 1], threshold=0.4), M.BinaryCrossentropy(), M.Hinge(), M.SquaredHinge()],
        "size": [M.MeanSquaredError(), M.RootMeanSquaredError(), M.MeanAbsoluteError(), M.MeanAbsolutePercentageError(),
                 M.MeanSquaredLogarithmicError(), M.CosineSimilarity(axis=-1), M.LogCoshError(), M.R2Score(), M.Poisson()],
        "number": [M.SparseCategoricalAccuracy(), M.SparseCategoricalCrossentropy(), M.SparseTopKCategoricalAccuracy(k=2),
                   M.MeanIoU(3, sparse_y_pred=False), M.IoU(3, [0, 1], sparse_y_pred=False), "accuracy"],
    }
    loss = {"kind": "categorical_crossentropy", "flag": "binary_crossentropy", "size": "mse", "number": "sparse_categorical_crossentropy"}
    return Case(keras.Model(x, outputs), keras.optimizers.Adam(0.01), loss, metrics, [normal(84, 4)],
                [one_hot, labels(85, 2).astype(np.float32), np.abs(normal(86, 2)), labels(87, 3)],
                limits={"read .weights.h5 of keras2": "Keras 2 makes the variables of some metrics with the first batch"})


@architecture
def half_precision_loss_scale(keras):
    """Mixed precision: the optimizer scales the loss."""
    L = keras.layers
    x = keras.Input((4,))
    y = L.Dense(6, activation="relu", dtype="mixed_float16")(x)
    y = L.LayerNormalization(dtype="mixed_float16")(y)
    y = L.Dense(1, dtype="float32")(y)
    if is_keras3(keras):
        optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.01, momentum=0.5), initial_scale=1024.0, dynamic_growth_steps=3)
    else:
        inner = keras.optimizers.SGD(0.01, momentum=0.5)
        optimizer = keras.mixed_precision.LossScaleOptimizer(inner, initial_scale=1024.0, dynamic_growth_steps=3)
    return Case(keras.Model(x, y), optimizer, "mse", [], [normal(88, 4)], [normal(89, 1)],
                # Numbers of 16 bits have 11 digits.
                tolerance=4e-3,
                limits={"optimizer of .h5 of keras2": "Keras 2 does not restore the state of a wrapped optimizer from HDF5"})


@architecture
def pooling_of_keras3(keras):
    if not is_keras3(keras):
        return None
    L = keras.layers
    x = keras.Input((6, 6, 2))
    y = L.AdaptiveAveragePooling2D((4, 3))(L.Conv2D(3, 3, padding="same")(x))
    y = L.AdaptiveMaxPooling2D(2)(y)
    y = L.Reshape((4, 3))(y)
    y = L.AdaptiveMaxPooling1D(2)(L.AdaptiveAveragePooling1D(3)(y))
    return Case(keras.Model(x, L.Dense(1)(L.Flatten()(y))), keras.optimizers.Adam(0.01), "mse", [], [normal(90, 6, 6, 2)], [normal(91, 1)],
                refused="`AdaptiveAveragePooling2D`")


@architecture
def tied_embedding_of_keras3(keras):
    if not is_keras3(keras):
        return None
    L = keras.layers
    x = keras.Input((5,), dtype="int32")
    embedding = L.ReversibleEmbedding(12, 4, tie_weights=True)
    y = L.RMSNormalization(axis=-1)(embedding(x))
    y = embedding(y, reverse=True)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return Case(keras.Model(x, y), keras.optimizers.AdamW(0.01), loss, [], [tokens(92, 5, 12)], [tokens(92, 5, 12)], refused="`ReversibleEmbedding`")


@architecture
def operations_adam(keras):
    if is_keras3(keras):
        return None
    L = keras.layers
    x = keras.Input((4, 3))
    y = L.Dense(3)(x)[:, 1:3] * 2.0
    return Case(keras.Model(x, L.Dense(2)(L.Flatten()(y))), keras.optimizers.Adam(0.01), "mse", [], [normal(95, 4, 3)], [normal(96, 2)],
                limits={"read .h5 of keras3": OPERATIONS})
