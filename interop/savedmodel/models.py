"""The models that check.py saves as HDF5 for kerox to turn into SavedModels: name -> (model, inputs, targets)."""
import numpy as np
import tensorflow as tf

keras = tf.keras
L = keras.layers
RNG = np.random.default_rng(7)


def numbers(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def compiled(model, optimizer="adam", loss="mse", metrics=("mae",)):
    model.compile(optimizer=optimizer, loss=loss, metrics=list(metrics))
    return model


def plain(model, x, optimizer="adam"):
    """A model with targets of its own output's shapes."""
    y = model(x)
    one = lambda y: numbers(*y.shape)
    y = [one(part) for part in y] if isinstance(y, list) else one(y)
    return compiled(model, optimizer), x, y


def sequential(layers, x, optimizer="adam"):
    return plain(keras.Sequential([L.Input(x.shape[1:], dtype=x.dtype)] + layers), x, optimizer)


def tokens(batch=4, steps=7, words=20):
    x = RNG.integers(1, words, (batch, steps)).astype(np.float32)
    for row, length in zip(x, RNG.integers(2, steps + 1, batch)):
        row[length:] = 0
    return x


def cases():
    image, steps, flat = numbers(4, 12, 12, 3), numbers(4, 7, 5), numbers(5, 8)
    yield "mlp", lambda: (
        compiled(keras.Sequential([L.Dense(16, "relu", input_shape=(8,)), L.Dropout(0.2), L.Dense(4)]),
                 loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                 metrics=[keras.metrics.SparseCategoricalAccuracy()]), flat, np.arange(5) % 4)
    yield "cnn_bn", lambda: sequential(
        [L.Conv2D(6, 3, activation="relu"), L.BatchNormalization(), L.MaxPooling2D(), L.Conv2D(4, 3, padding="same"),
         L.ReLU(), L.AveragePooling2D(2), L.Flatten(), L.Dense(3, "softmax")], image)
    yield "cnn_depthwise", lambda: sequential(
        [L.DepthwiseConv2D(3, depth_multiplier=2, strides=2, padding="same"), L.SeparableConv2D(5, 3, activation="elu"),
         L.ZeroPadding2D(1), L.GlobalAveragePooling2D(), L.Dense(2, "sigmoid")], image)
    yield "cnn_transposed", lambda: sequential(
        [L.Conv2DTranspose(4, 3, strides=2, padding="same", activation="selu"), L.Cropping2D(2), L.UpSampling2D(2),
         L.GlobalMaxPooling2D(), L.Dense(2)], image)
    yield "conv1d", lambda: sequential(
        [L.Conv1D(6, 3, padding="causal", activation="tanh"), L.BatchNormalization(), L.MaxPooling1D(2),
         L.SeparableConv1D(4, 2), L.Conv1DTranspose(3, 2), L.GlobalMaxPooling1D(), L.Dense(2)], steps)
    yield "conv3d", lambda: sequential(
        [L.Conv3D(4, 2, activation="softplus"), L.BatchNormalization(), L.MaxPooling3D(2), L.Conv3DTranspose(2, 2),
         L.GlobalAveragePooling3D(), L.Dense(2)], numbers(3, 6, 6, 6, 2))
    yield "cnn_double", lambda: sequential(
        [L.Conv2D(4, 3, dtype="float64"), L.BatchNormalization(dtype="float64"), L.Flatten(dtype="float64"), L.Dense(2, dtype="float64")], image)
    yield "bn_dense", lambda: sequential(
        [L.Dense(6), L.BatchNormalization(momentum=0.9), L.Activation("gelu"), L.Dense(2)], flat)
    yield "activations", lambda: sequential(
        [L.Dense(6, "swish"), L.Dense(6, "hard_sigmoid"), L.LeakyReLU(0.2), L.Dense(6, "mish"), L.ELU(0.5),
         L.ThresholdedReLU(0.1), L.Dense(6, "softsign"), L.Dense(6, "exponential"), L.ReLU(6.0, 0.1, 0.2), L.Dense(5), L.PReLU(),
         L.Softmax(), L.Dense(2, "linear")], flat)
    yield "lstm", lambda: sequential([L.LSTM(4, return_sequences=True), L.LSTM(3), L.Dense(2)], steps)
    yield "lstm_options", lambda: sequential(
        [L.LSTM(4, return_sequences=True, go_backwards=True, unit_forget_bias=False, use_bias=False),
         L.LSTM(3, activation="relu", recurrent_activation="hard_sigmoid", dropout=0.1, recurrent_dropout=0.1),
         L.Dense(2)], steps)
    yield "gru", lambda: sequential([L.GRU(4, return_sequences=True), L.GRU(3), L.Dense(2)], steps)
    yield "gru_reset_before", lambda: sequential(
        [L.GRU(4, reset_after=False, return_sequences=True), L.GRU(3, reset_after=False), L.Dense(2)], steps)
    yield "simple_rnn", lambda: sequential(
        [L.SimpleRNN(4, return_sequences=True), L.SimpleRNN(3, activation="sigmoid"), L.Dense(2)], steps)
    yield "bidirectional", lambda: sequential(
        [L.Bidirectional(L.GRU(3, return_sequences=True)), L.Bidirectional(L.LSTM(2), merge_mode="sum"), L.Dense(2)],
        steps)
    yield "masks", lambda: sequential(
        [L.Embedding(20, 6, mask_zero=True), L.LSTM(5, return_sequences=True), L.Bidirectional(L.GRU(4)), L.Dense(2)],
        tokens())
    yield "time_distributed", lambda: sequential(
        [L.Masking(), L.TimeDistributed(L.Dense(4, "relu")), L.Permute((2, 1)), L.Reshape((7, 4)), L.Flatten(),
         L.RepeatVector(3), L.LSTM(3), L.Dense(2)], steps)
    yield "noise", lambda: sequential(
        [L.GaussianNoise(0.1), L.Dense(6), L.GaussianDropout(0.1), L.AlphaDropout(0.1), L.Dropout(0.2, noise_shape=(None, 1)),
         L.Rescaling(0.5, 0.1), L.UnitNormalization(), L.Dense(2)], flat)

    def attention():
        x = L.Input((7, 8))
        y = L.MultiHeadAttention(2, 3, dropout=0.1)(x, x)
        y = L.LayerNormalization()(L.Add()([x, y]))
        z = L.Dense(8, "gelu")(y)
        y = L.LayerNormalization(epsilon=1e-6)(y + z)
        return plain(keras.Model(x, L.Dense(2)(L.GlobalAveragePooling1D()(y))), numbers(3, 7, 8))
    yield "attention", attention

    def multi():
        a, b = L.Input((4,), name="left"), L.Input((3,), name="a_right")
        both = L.Concatenate()([L.Dense(5, "relu")(a), L.Dense(5)(b)])
        outputs = [L.Dense(2, name="z_first")(both), L.Dense(1, "sigmoid", name="second")(L.Multiply()([both, both]))]
        return plain(keras.Model([a, b], outputs), [numbers(4, 4), numbers(4, 3)])
    yield "multi_io", multi

    def nested():
        inner = keras.Sequential([L.Dense(5, "relu", input_shape=(8,), kernel_regularizer="l2"), L.Dropout(0.1), L.Dense(4)])
        x = L.Input((8,))
        block = keras.Model(x, L.Average()([L.Dense(4, "tanh")(x), inner(x)]), name="block")
        x = L.Input((8,))
        return plain(keras.Model(x, L.Dense(2, activity_regularizer="l1")(block(x))), flat)
    yield "nested", nested

    def shared():
        a, b = L.Input((4,)), L.Input((4,))
        dense = L.Dense(3, "relu")
        y = L.Subtract()([dense(a), dense(b)])
        return plain(keras.Model([a, b], L.Dense(1)(L.Maximum()([y, L.Minimum()([dense(a), dense(b)])]))),
                     [numbers(4, 4), numbers(4, 4)])
    yield "shared", shared

    def operations():
        x = L.Input((8,))
        y = tf.nn.relu(x) * 2.0 + 1.0
        y = tf.concat([y[:, 1:5], tf.reduce_mean(x, axis=-1, keepdims=True)], axis=-1)
        return plain(keras.Model(x, L.Dense(2)(y)), flat)
    yield "operations", operations

    def states():
        x = L.Input((7, 5))
        y, h, c = L.LSTM(4, return_sequences=True, return_state=True)(x)
        z = L.LSTM(4)(y, initial_state=[h, c])
        return plain(keras.Model(x, L.Dense(2)(z)), steps)
    yield "states", states

    def stacked():
        return sequential([L.RNN([L.LSTMCell(4), L.GRUCell(3)]), L.Dense(2)], steps)
    yield "stacked_cells", stacked
    yield "conv_lstm", lambda: sequential(
        [L.ConvLSTM2D(3, 2, return_sequences=True), L.ConvLSTM2D(2, 2), L.GlobalAveragePooling2D(), L.Dense(2)],
        numbers(2, 4, 6, 6, 2))

    # Loops over steps whose number is not known: cells that no single operation computes.
    unknown = lambda *shape, **kwargs: L.Input((None,) + shape, **kwargs)
    any_length = lambda layers, x, **kwargs: plain(keras.Sequential([unknown(*x.shape[2:], **kwargs)] + layers), x)
    cells = lambda: [L.LSTMCell(4, dropout=0.1, recurrent_dropout=0.1), L.GRUCell(3, recurrent_dropout=0.1)]
    yield "any_length_cells", lambda: any_length(
        [L.RNN(cells(), return_sequences=True, go_backwards=True), L.RNN(L.SimpleRNNCell(3), return_sequences=True),
         L.Bidirectional(L.RNN(L.LSTMCell(2))), L.Dense(2)], steps)
    yield "any_length_activations", lambda: any_length(
        [L.LSTM(4, activation="selu", return_sequences=True), L.GRU(3, recurrent_dropout=0.2, return_sequences=True),
         L.SimpleRNN(3, activation="swish"), L.Dense(2)], steps)

    def any_length_masks():
        x = unknown()
        y = L.Embedding(20, 6, mask_zero=True)(x)
        y = L.RNN(cells(), return_sequences=True)(y)
        y = L.RNN(L.StackedRNNCells([L.GRUCell(4), L.LSTMCell(3)]), zero_output_for_mask=True, return_sequences=True)(y)
        y = L.RNN([L.LSTMCell(4)])(y)
        return plain(keras.Model(x, L.Dense(2)(y)), tokens())
    yield "any_length_masks", any_length_masks

    def any_length_states():
        x = unknown(5)
        y, *states = L.RNN([L.LSTMCell(4), L.GRUCell(3)], return_sequences=True, return_state=True)(x)
        y = L.RNN([L.LSTMCell(4), L.GRUCell(3)])(y, initial_state=states)
        return plain(keras.Model(x, L.Dense(2)(y)), steps)
    yield "any_length_states", any_length_states
    yield "any_length_stateful", lambda: any_length(
        [L.RNN(cells(), stateful=True, return_sequences=True), L.LSTM(3, stateful=True), L.Dense(2)], steps, batch_size=4)
    yield "any_length_conv1d", lambda: any_length(
        [L.ConvLSTM1D(3, 2, return_sequences=True, dropout=0.1, recurrent_dropout=0.1), L.ConvLSTM1D(2, 2), L.Flatten(),
         L.Dense(2)], numbers(4, 4, 6, 2))
    yield "any_length_conv2d", lambda: any_length(
        [L.ConvLSTM2D(3, 2, return_sequences=True, padding="same", go_backwards=True), L.ConvLSTM2D(2, 2, strides=2),
         L.GlobalAveragePooling2D(), L.Dense(2)], numbers(4, 4, 6, 6, 2))
    yield "any_length_conv3d", lambda: any_length(
        [L.ConvLSTM3D(2, 2, return_sequences=True, recurrent_dropout=0.1), L.ConvLSTM3D(2, 2), L.Flatten(), L.Dense(2)],
        numbers(4, 3, 4, 4, 4, 1))

    def dot_attention():
        q, v = L.Input((3, 4)), L.Input((5, 4))
        y = L.Attention(use_scale=True)([q, v])
        y = L.Concatenate()([y, L.AdditiveAttention()([q, v])])
        return plain(keras.Model([q, v], L.Dense(2)(L.GlobalMaxPooling1D()(y))), [numbers(3, 3, 4), numbers(3, 5, 4)])
    yield "dot_attention", dot_attention

    # Networks with weights of their own: small images, few classes.
    small = numbers(4, 64, 64, 3)
    yield "mobilenet_v2", lambda: plain(
        keras.applications.MobileNetV2((64, 64, 3), alpha=0.35, weights=None, classes=5), small)
    yield "resnet50", lambda: plain(
        keras.applications.ResNet50(weights=None, input_shape=(64, 64, 3), classes=5), small, keras.optimizers.SGD(0.001))

    O, legacy = keras.optimizers, keras.optimizers.legacy
    optimizers = [
        O.SGD(0.05), O.SGD(0.05, momentum=0.9, nesterov=True), O.RMSprop(0.01, momentum=0.5, centered=True),
        O.Adam(0.01, amsgrad=True), O.AdamW(0.01), O.Adagrad(0.1), O.Adadelta(0.5), O.Adamax(0.01), O.Nadam(0.01),
        O.Ftrl(0.1), O.Lion(0.001), O.Adafactor(0.01),
        O.Adam(O.schedules.ExponentialDecay(0.01, 2, 0.9), use_ema=True),
        legacy.SGD(0.05, momentum=0.9), legacy.Adam(0.01), legacy.RMSprop(0.01), legacy.Adagrad(0.1),
    ]
    for place, optimizer in enumerate(optimizers):
        name = "optimizer_%02d_%s%s" % (place, "legacy_" if "legacy" in type(optimizer).__module__ else "",
                                        type(optimizer).__name__)
        yield name, lambda optimizer=optimizer: sequential([L.Dense(6, "relu"), L.Dense(2)], flat, optimizer)
