"""Cases of the recurrent layers, their cells and wrappers."""

import numpy as np

from case import add, keras, steps_mask, values

L = keras.layers
X = values(3, 4, 2, key="rnn")
MASK = steps_mask(4, 2, 1, steps=4)
HOLES = np.array([[True, False, True, False], [False, False, True, True], [True, True, True, True]])


def layers():
    shared = [
        ("default", {}),
        ("sequences", dict(return_sequences=True)),
        ("state", dict(return_state=True)),
        ("sequences_state", dict(return_sequences=True, return_state=True)),
        ("backwards", dict(go_backwards=True)),
        ("backwards_sequences", dict(go_backwards=True, return_sequences=True)),
        ("no_bias", dict(use_bias=False, return_sequences=True)),
        ("relu", dict(activation="relu", return_sequences=True)),
        ("unroll", dict(unroll=True, return_sequences=True)),
        ("regularized", dict(kernel_regularizer="l2", recurrent_regularizer="l1", bias_regularizer="l2", kernel_constraint="max_norm")),
    ]
    gated = [
        ("hard_sigmoid", dict(recurrent_activation="hard_sigmoid", return_sequences=True)),
        ("activations", dict(activation="softsign", recurrent_activation="tanh", return_sequences=True)),
        ("time_major", dict(time_major=True, return_sequences=True)),
    ]
    kinds = [
        ("SimpleRNN", {}, 1),
        ("LSTM", {}, 2),
        ("GRU", {}, 1),
    ]
    for cls, extra, states in kinds:
        table = shared + (gated if cls != "SimpleRNN" else [])
        if cls == "LSTM":
            table = table + [("no_unit_forget_bias", dict(unit_forget_bias=False))]
        if cls == "GRU":
            table = table + [(n + "_reset_before", {**a, "reset_after": False}) for n, a in shared + gated]
        for name, arguments in table:
            x = X.transpose(1, 0, 2).copy() if arguments.get("time_major") else X
            add(cls, name, dict(units=3, **extra, **arguments), x, batch=4 if arguments.get("time_major") else None)
        for suffix, mask in (("mask", MASK), ("mask_left", MASK[:, ::-1].copy()), ("mask_holes", HOLES)):
            add(cls, suffix, dict(units=3, **extra), X, dict(mask=mask))
            add(cls, suffix + "_sequences", dict(units=3, return_sequences=True, return_state=True, **extra), X, dict(mask=mask))
        add(cls, "mask_backwards", dict(units=3, go_backwards=True, return_sequences=True), X, dict(mask=MASK))
        initial = [values(3, 3, key=f"state{i}") for i in range(states)]
        if cls == "GRU":
            add(cls, "mask_reset_before", dict(units=3, reset_after=False, return_sequences=True), X, dict(mask=HOLES))
        add(cls, "initial_state", dict(units=3, return_sequences=True, return_state=True), X, dict(initial_state=initial))
        add(cls, "initial_state_mask", dict(units=3), X, dict(initial_state=initial, mask=MASK))
        add(cls, "one_step", dict(units=3), X[:, :1].copy())
        add(cls, "one_sample", dict(units=2, return_sequences=True), X[:1].copy())
        add(cls, "empty_batch", dict(units=2), X[:0].copy(), gradients=False)
        add(cls, "dropout", dict(units=2, dropout=0.3, recurrent_dropout=0.2), X, random=True)
        more = [values(3, 4, 2, key=f"later{i}") for i in range(2)]
        add(cls, "stateful", dict(units=2, stateful=True, return_sequences=True), X, batch=3, stateful_steps=more)


def cells():
    x = values(3, 2, key="cell")
    h = [values(3, 3, key=f"h{i}") for i in range(2)]
    for name, arguments in [("default", {}), ("no_bias", dict(use_bias=False)), ("relu", dict(activation="relu"))]:
        add("SimpleRNNCell", name, dict(units=3, **arguments), x, dict(states=h[:1]))
        add("LSTMCell", name, dict(units=3, **arguments), x, dict(states=h))
        add("GRUCell", name, dict(units=3, **arguments), x, dict(states=h[:1]))
        add("GRUCell", name + "_reset_before", dict(units=3, reset_after=False, **arguments), x, dict(states=h[:1]))
    add("LSTMCell", "hard_sigmoid", dict(units=3, recurrent_activation="hard_sigmoid"), x, dict(states=h))

    def stacked(**more):
        return L.StackedRNNCells([L.LSTMCell(3), L.GRUCell(2)], **more)

    states = [[values(3, 3, key="s0"), values(3, 3, key="s1")], values(3, 2, key="s2")]
    add("StackedRNNCells", "lstm_gru", {}, x, dict(states=states), make=stacked, gradients=False)

    def rnn(cell, **options):
        return lambda **more: L.RNN(cell(), **options, **more)

    add("RNN", "simple", {}, X, make=rnn(lambda: L.SimpleRNNCell(3)))
    add("RNN", "lstm_sequences", {}, X, make=rnn(lambda: L.LSTMCell(3), return_sequences=True, return_state=True))
    add("RNN", "gru_backwards", {}, X, make=rnn(lambda: L.GRUCell(3), go_backwards=True, return_sequences=True))
    add("RNN", "mask", {}, X, dict(mask=HOLES), make=rnn(lambda: L.GRUCell(3), return_sequences=True))
    add("RNN", "stacked", {}, X, make=rnn(lambda: [L.LSTMCell(3), L.GRUCell(2)], return_sequences=True))
    add("RNN", "stacked_state", {}, X, make=rnn(lambda: [L.SimpleRNNCell(3), L.SimpleRNNCell(2)], return_state=True))
    add("RNN", "unroll", {}, X, make=rnn(lambda: L.LSTMCell(3), unroll=True))
    add("RNN", "initial_state", {}, X, dict(initial_state=[values(3, 3, key="i0")]), make=rnn(lambda: L.SimpleRNNCell(3)))


def wrappers():
    def both(inner, **options):
        return lambda **more: L.Bidirectional(inner(), **options, **more)

    for mode in ("concat", "sum", "mul", "ave", None):
        for sequences in (False, True):
            name = f"{mode or 'none'}{'_sequences' if sequences else ''}"
            add("Bidirectional", "lstm_" + name, {}, X, make=both(lambda: L.LSTM(3, return_sequences=sequences), merge_mode=mode))
    add("Bidirectional", "gru", {}, X, make=both(lambda: L.GRU(3, return_sequences=True)))
    add("Bidirectional", "gru_reset_before", {}, X, make=both(lambda: L.GRU(3, reset_after=False)))
    add("Bidirectional", "simple", {}, X, make=both(lambda: L.SimpleRNN(3, return_sequences=True), merge_mode="sum"))
    add("Bidirectional", "state", {}, X, make=both(lambda: L.LSTM(3, return_state=True)))
    add("Bidirectional", "sequences_state", {}, X, make=both(lambda: L.GRU(3, return_state=True, return_sequences=True)))
    add("Bidirectional", "mask", {}, X, dict(mask=HOLES), make=both(lambda: L.LSTM(3)))
    add("Bidirectional", "mask_sequences", {}, X, dict(mask=MASK), make=both(lambda: L.LSTM(3, return_sequences=True)))
    add("Bidirectional", "rnn_cell", {}, X, make=both(lambda: L.RNN(L.LSTMCell(2), return_sequences=True)))
    add("Bidirectional", "backward_layer", {}, X, make=lambda **kw: L.Bidirectional(L.LSTM(3, return_sequences=True), backward_layer=L.GRU(2, go_backwards=True, return_sequences=True), **kw))
    initial = [values(3, 3, key=f"b{i}") for i in range(4)]
    add("Bidirectional", "initial_state", {}, X, dict(initial_state=initial), make=both(lambda: L.LSTM(3, return_sequences=True)))

    def over(inner):
        return lambda **more: L.TimeDistributed(inner(), **more)

    add("TimeDistributed", "dense", {}, X, make=over(lambda: L.Dense(3)))
    add("TimeDistributed", "conv2d", {}, values(2, 3, 4, 4, 1), make=over(lambda: L.Conv2D(2, 3)))
    add("TimeDistributed", "flatten", {}, values(2, 3, 2, 2), make=over(L.Flatten))
    add("TimeDistributed", "max_pooling", {}, values(2, 2, 4, 4, 1), make=over(L.MaxPooling2D))
    add("TimeDistributed", "lstm", {}, values(2, 3, 2, 2), make=over(lambda: L.LSTM(2)))
    add("TimeDistributed", "batch_normalization", {}, values(2, 3, 2), make=over(L.BatchNormalization))
    add("TimeDistributed", "mask", {}, X, dict(mask=MASK), make=over(lambda: L.Dense(3)))
    add("TimeDistributed", "nested", {}, values(2, 2, 3, 2), make=over(lambda: L.TimeDistributed(L.Dense(2))))


def conv_lstm():
    for rank in (1, 2, 3):
        cls = f"ConvLSTM{rank}D"
        dims = {1: (2, 3, 5, 2), 2: (2, 3, 4, 3, 2), 3: (1, 2, 3, 3, 2, 1)}[rank]
        x = values(*dims, key="convlstm")
        table = [
            ("default", dict(kernel_size=2)),
            ("same_sequences", dict(kernel_size=3, padding="same", return_sequences=True)),
            ("strides", dict(kernel_size=2, strides=2, return_state=True)),
            ("sigmoid", dict(kernel_size=2, recurrent_activation="sigmoid", activation="relu")),
            ("backwards", dict(kernel_size=2, go_backwards=True, return_sequences=True, use_bias=False)),
        ]
        if rank < 3:
            table.append(("dilated", dict(kernel_size=2, dilation_rate=2)))
        for name, arguments in table:
            add(cls, name, dict(filters=2, **arguments), x)
        mask = steps_mask(*([dims[1], 1][: dims[0]]), steps=dims[1])
        add(cls, "mask", dict(filters=2, kernel_size=2, return_sequences=True), x, dict(mask=mask))
        add(cls, "channels_first", dict(filters=2, kernel_size=2, data_format="channels_first"), np.moveaxis(x, -1, 2).copy())


def run():
    layers()
    cells()
    wrappers()
    conv_lstm()
