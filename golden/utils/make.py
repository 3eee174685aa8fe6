"""Expected values of Keras's helpers for sequences, texts and labels. Writes utils.json beside itself."""

import json
import os

import numpy as np
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
SEQUENCES = [[1, 2, 3], [], [4, 5], [6, 7, 8, 9, 10]]
TEXTS = [
    "The quick brown fox jumped over the lazy dog.",
    "The dog -- the LAZY dog! -- slept; it's\tlate.",
    "Ünïcode wörds, naïve_café & 42 numbers (42)",
    "",
    "a-b a_b a'b \"quoted\"\nnew line",
]
TESTS = ["the fox slept late", "nobody knows the dog", "", "42 a b"]


def padding():
    cases = []
    for arguments in [
        {},
        {"maxlen": 3},
        {"maxlen": 3, "padding": "post"},
        {"maxlen": 3, "truncating": "post"},
        {"maxlen": 4, "padding": "post", "truncating": "post", "value": -1},
        {"maxlen": 6, "value": 2.5, "dtype": "float32"},
        {"dtype": "int64", "padding": "post"},
    ]:
        result = tf.keras.preprocessing.sequence.pad_sequences(SEQUENCES, **arguments)
        cases.append({"arguments": arguments, "shape": list(result.shape), "dtype": str(result.dtype), "data": result.ravel().tolist()})
    return {"sequences": SEQUENCES, "cases": cases}


def stable(text):
    """Python's sets have no order, and two of the tables have theirs."""
    document = json.loads(text)
    for key in ("word_docs", "index_docs"):
        document["config"][key] = json.dumps(dict(sorted(json.loads(document["config"][key]).items())))
    return json.dumps(document)


def tokenizers():
    cases = []
    for arguments in [
        {},
        {"num_words": 5},
        {"num_words": 6, "oov_token": "<OOV>"},
        {"lower": False},
        {"char_level": True, "num_words": 10},
        {"char_level": True, "lower": False, "oov_token": "?"},
        {"filters": "", "split": " "},
        {"filters": ".,", "split": "o"},
    ]:
        tokenizer = tf.keras.preprocessing.text.Tokenizer(**arguments)
        tokenizer.fit_on_texts(TEXTS)
        sequences = tokenizer.texts_to_sequences(TESTS)
        matrices = {
            mode: tokenizer.texts_to_matrix(TESTS, mode=mode).tolist() for mode in ("binary", "count", "tfidf", "freq")
        }
        cases.append(
            {
                "arguments": arguments,
                "word_index": tokenizer.word_index,
                "word_counts": list(tokenizer.word_counts.items()),
                "word_docs": dict(sorted(tokenizer.word_docs.items())),
                "document_count": tokenizer.document_count,
                "sequences": sequences,
                "matrices": matrices,
                "texts": tokenizer.sequences_to_texts(sequences),
                "json": stable(tokenizer.to_json()),
            }
        )
    return {"texts": TEXTS, "tests": TESTS, "cases": cases}


def words():
    cases = []
    for arguments in [{}, {"lower": False}, {"filters": "ao"}, {"split": "e"}, {"filters": "", "split": "  "}]:
        cases.append({"arguments": arguments, "words": [tf.keras.preprocessing.text.text_to_word_sequence(t, **arguments) for t in TEXTS]})
    return {"texts": TEXTS, "cases": cases}


def labels():
    cases = []
    for y, shape, classes in [([0, 1, 2, 3], [4], None), ([3, 0, 1], [3, 1], 5), ([1, 0, 2, 2], [2, 2], None), ([], [0], 3)]:
        result = tf.keras.utils.to_categorical(np.array(y, np.int64).reshape(shape), num_classes=classes)
        cases.append({"y": y, "shape": shape, "num_classes": classes, "result_shape": list(result.shape), "data": result.ravel().tolist()})
    return cases


def norms():
    x = np.array([[[1.0, -2.0], [0.0, 0.0]], [[3.0, 4.0], [0.5, 0.25]]])
    cases = []
    for axis in (-1, 0, 1, 2):
        for order in (1, 2, 3):
            result = tf.keras.utils.normalize(x, axis=axis, order=order)
            cases.append({"axis": axis, "order": order, "data": result.ravel().tolist()})
    return {"x": x.ravel().tolist(), "shape": list(x.shape), "cases": cases}


def main():
    result = {
        "made_by": "golden/utils/make.py",
        "tensorflow": tf.__version__,
        "pad_sequences": padding(),
        "tokenizer": tokenizers(),
        "text_to_word_sequence": words(),
        "to_categorical": labels(),
        "normalize": norms(),
    }
    with open(os.path.join(HERE, "utils.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, ensure_ascii=False, indent=1)
        file.write("\n")


main()
