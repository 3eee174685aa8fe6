"""Files and answers of `keras.datasets.imdb`, made by Keras 2.15 on a data set of twelve short reviews.

    <environment>/bin/python golden/datasets/make.py

`object_<protocol>.npy` hold the training reviews as numpy keeps arrays of lists, in each protocol of pickle;
`imdb.npz` is a file as Keras keeps it; `imdb.json` what `load_data` gives for several arguments.
"""

import io
import json
import os
import pickle
import sys
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
from keras.src.datasets import imdb

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "datasets"))
from npz import write  # noqa: E402


def reviews(count, seed):
    generator = np.random.default_rng(seed)
    lengths = generator.integers(2, 9, count)
    # Numbers of one, two and four bytes.
    words = [generator.choice([1, 2, 5, 9, 40, 255, 256, 300, 65535, 65536, 70000], n) for n in lengths]
    array = np.empty(count, dtype=object)
    array[:] = [[int(w) for w in review] for review in words]
    return array, generator.integers(0, 2, count)


def array_file(array, protocol):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": array.shape})
    file.write(pickle.dumps(array, protocol=protocol))
    return file.getvalue()


x_train, y_train = reviews(12, 1)
x_test, y_test = reviews(5, 2)
for protocol in (2, 3, 4, 5):
    with open(os.path.join(HERE, f"object_{protocol}.npy"), "wb") as file:
        file.write(array_file(x_train, protocol))

path = os.path.join(HERE, "imdb.npz")
write(path, {"y_train": y_train, "y_test": y_test})
with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file:
    for name, array in (("x_train", x_train), ("x_test", x_test)):
        info = zipfile.ZipInfo(name + ".npy", (1980, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED
        file.writestr(info, array_file(array, 2))

imdb.get_file = lambda *arguments, **more: path
cases = []
for arguments in (
    {"num_words": 100000},
    {"num_words": 300},
    {"num_words": 300, "skip_top": 6},
    {"num_words": 300, "maxlen": 7},
    {"num_words": 300, "seed": 5},
    {"num_words": 300, "start_char": None},
    {"num_words": 300, "start_char": None, "index_from": 5},
    {"num_words": 50, "oov_char": None},
    {"num_words": 300, "start_char": 7, "oov_char": 8, "index_from": 10},
):
    (a, b), (c, d) = imdb.load_data(**arguments)
    cases.append({"arguments": arguments, "x_train": [list(x) for x in a], "y_train": b.tolist(), "x_test": [list(x) for x in c], "y_test": d.tolist()})
with open(os.path.join(HERE, "imdb.json"), "w") as file:
    json.dump({"reviews": [list(x) for x in x_train], "cases": cases}, file, indent=None)
    file.write("\n")
