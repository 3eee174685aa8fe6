"""Cases of what files name beyond the public list: whole models as layers, older class names, TFOpLambda."""

import numpy as np
import tensorflow as tf

from case import add, keras, values

L = keras.layers


def models():
    def sequential(**more):
        return keras.Sequential([L.Input((4,)), L.Dense(3, activation="relu"), L.Dropout(0.5), L.Dense(2)])

    def functional(**more):
        a, b = keras.Input((4,), name="left"), keras.Input((4,), name="right")
        dense = L.Dense(3, activation="tanh")
        joined = L.Concatenate()([dense(a), dense(b)])
        return keras.Model([a, b], [L.Dense(2)(joined), L.Add()([dense(a), dense(b)])])

    def operators(**more):
        x = keras.Input((4, 3))
        y = tf.nn.relu(x * 2.0 - 1.0) / 3.0
        y = tf.reduce_mean(y, axis=1, keepdims=True) + tf.transpose(tf.reshape(x, (-1, 3, 4)), (0, 2, 1))
        z = x[:, 1:3, ::2]
        return keras.Model(x, [tf.concat([y, x], -1), tf.square(z), tf.matmul(x, x, transpose_b=True)])

    add("Sequential", "mlp", {}, values(3, 4), make=sequential, random=True)
    add("Functional", "shared", {}, [values(3, 4, key="a"), values(3, 4, key="b")], make=functional)
    add("TFOpLambda", "operators", {}, values(2, 4, 3), make=operators)


def older():
    from keras.src.layers.kernelized import RandomFourierFeatures
    from keras.src.layers.rnn import gru_v1, lstm_v1

    x = values(2, 4, 3)
    add("LSTMV1", "default", {}, x, make=lambda **kw: lstm_v1.LSTM(2, return_sequences=True, **kw))
    add("GRUV1", "default", {}, x, make=lambda **kw: gru_v1.GRU(2, return_sequences=True, **kw))
    wide = values(3, 4)
    for kernel in ("gaussian", "laplacian"):
        add("RandomFourierFeatures", kernel, {}, wide, make=lambda **kw: RandomFourierFeatures(6, kernel_initializer=kernel, **kw))
    add("RandomFourierFeatures", "scale", {}, wide, make=lambda **kw: RandomFourierFeatures(6, scale=2.0, trainable=True, **kw))


def run():
    np.random.seed(0)
    models()
    older()
