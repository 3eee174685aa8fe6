"""Writes crates/kerox/data/imdb-slice.npz: 1,200 training and 300 test reviews of the IMDB data set as word numbers.

    python datasets/make_imdb.py <imdb-5000.npz>

The source holds reviews as Keras's `imdb.load_data(num_words=...)` numbers them (1 starts a review, 2 is a word beyond the
vocabulary, words count from 4 on), one after another with offsets. The slice takes the first reviews of each label that have at
most 250 words, alternating labels, cut to words below 5,000 (others become 2).
`train_ids`, `test_ids` uint16, `train_offsets`, `test_offsets` int32, `train_labels`, `test_labels` uint8.
"""

import os
import sys

import numpy as np

from npz import write


def choose(data, part, count):
    ids, offsets, labels = (data[f"{part}_{k}"] for k in ("ids", "offsets", "labels"))
    lengths = np.diff(offsets)
    picked = [np.flatnonzero((labels == label) & (lengths <= 250))[: count // 2] for label in (0, 1)]
    order = np.stack(picked, 1).reshape(-1)
    assert len(order) == count
    reviews = [ids[offsets[i] : offsets[i + 1]] for i in order]
    reviews = [np.where(r < 5000, r, 2) for r in reviews]
    return {
        f"{part}_ids": np.concatenate(reviews).astype(np.uint16),
        f"{part}_offsets": np.cumsum([0] + [len(r) for r in reviews]).astype(np.int32),
        f"{part}_labels": labels[order].astype(np.uint8),
    }


source = np.load(sys.argv[1])
place = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "crates", "kerox", "data", "imdb-slice.npz")
write(place, {**choose(source, "train", 1200), **choose(source, "test", 300)})
