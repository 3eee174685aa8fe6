"""Models of texts, categories and ranges; check.py saves them as `.keras`, which holds what was learnt of data."""
import numpy as np
import tensorflow as tf

from models import L, keras, numbers, plain

TEXTS = np.array([["The cat sat."], ["a dog sat, on the CAT!"], ["Hello, world"], [""], ["über café déjà-vu the the"]],
                 dtype=object)
WORDS = np.array([["cat", "dog", ""], ["dog", "what", "cat"], ["", "", "mouse"], ["mouse", "mouse", "whale"]])
NUMBERS = np.array([[1, 2, 3], [7, 2, 0], [0, 5, 40], [-3, 7, 1]], dtype=np.int64)


def encoded(array):
    """Strings as bytes of one width: what numpy's files hold without pickling."""
    return np.char.encode(array.astype(str), "utf-8")


def after(layer, x, *layers):
    """A model that begins with that layer."""
    dtype = tf.string if x.dtype.kind == "S" else x.dtype
    return plain(keras.Sequential([L.Input(x.shape[1:], dtype=dtype), layer] + list(layers)), x)


def vectorized(*layers, adapt=True, **options):
    def build():
        x = encoded(TEXTS)
        layer = L.TextVectorization(**options)
        if adapt:
            layer.adapt(TEXTS)
        return after(layer, x, *[make(layer) for make in layers])
    return build


def embedded(**options):
    return lambda layer: L.Embedding(layer.vocabulary_size(), 4, **options)


def looked_up(make, x, *layers):
    return lambda: after(make(), x, *[make() for make in layers])


def adapted(layer, data):
    layer.adapt(data)
    return layer


def cases():
    pool, dense, flat = lambda _: L.GlobalAveragePooling1D(), lambda _: L.Dense(3), lambda: L.Flatten()
    words, two = encoded(WORDS), lambda: L.Dense(2)
    embedding = lambda: L.Embedding(12, 3)
    yield "text_classifier", vectorized(embedded(mask_zero=True), lambda _: L.LSTM(4), dense, output_sequence_length=6)
    yield "text_of_any_length", vectorized(embedded(), pool, dense, max_tokens=9)
    yield "text_characters", vectorized(embedded(), pool, dense, standardize="lower", split="character")
    yield "text_count_of_ngrams", vectorized(dense, ngrams=2, output_mode="count")
    yield "text_multi_hot", vectorized(dense, adapt=False, vocabulary=["cat", "dog", "the"], output_mode="multi_hot")
    yield "text_tf_idf", vectorized(dense, output_mode="tf_idf", max_tokens=20, pad_to_max_tokens=True)
    yield "text_as_it_is", vectorized(embedded(), pool, dense, standardize=None, split=None, output_sequence_length=2)
    yield "lookup_embedding", looked_up(
        lambda: L.StringLookup(vocabulary=["cat", "dog"], mask_token="", num_oov_indices=2), words, embedding, flat, two)
    yield "lookup_adapted_multi_hot", looked_up(
        lambda: adapted(L.StringLookup(output_mode="multi_hot", mask_token=""), WORDS), words, two)
    yield "lookup_there_and_back", looked_up(
        lambda: L.StringLookup(vocabulary=["cat", "dog"]), words, lambda: L.StringLookup(vocabulary=["cat", "dog"], invert=True),
        lambda: L.StringLookup(vocabulary=["dog", "[UNK]"], num_oov_indices=0, oov_token="?", mask_token="cat"), embedding, flat, two)
    yield "lookup_integers_one_hot", looked_up(
        lambda: L.IntegerLookup(vocabulary=[1, 2, 7], num_oov_indices=3, output_mode="one_hot"), NUMBERS[:, :1], flat, two)
    yield "lookup_integers_count", looked_up(
        lambda: adapted(L.IntegerLookup(output_mode="count", mask_token=0), NUMBERS), NUMBERS, two)
    yield "lookup_integers_tf_idf", looked_up(
        lambda: L.IntegerLookup(vocabulary=[1, 2, 7], idf_weights=[0.5, 1.5, 2.5], output_mode="tf_idf"), NUMBERS, two)
    yield "hashing", looked_up(lambda: L.Hashing(7, mask_value=""), words, embedding, flat, two)
    yield "hashing_with_salt", looked_up(
        lambda: L.Hashing(7, salt=[13, 37], output_mode="multi_hot"), NUMBERS, two)
    yield "categories", looked_up(lambda: L.CategoryEncoding(41, output_mode="count"), np.abs(NUMBERS), two)
    yield "ranges", looked_up(lambda: adapted(L.Discretization(num_bins=4), numbers(100, 3)), numbers(4, 3), embedding, flat,
                              two)
    yield "ranges_one_hot", looked_up(
        lambda: L.Discretization(bin_boundaries=[-0.5, 0.0, 1.0], output_mode="one_hot"), numbers(4, 1), two)

    def crossed():
        a, b = L.Input((1,), dtype=tf.string), L.Input((1,), dtype=tf.int64)
        x = L.HashedCrossing(6, output_mode="one_hot")([a, b])
        return plain(keras.Model([a, b], L.Dense(2)(x)), [words[:, :1], NUMBERS[:, :1]])
    yield "crossing", crossed
