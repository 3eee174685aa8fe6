"""Writes crates/kerox/data/digits.npz: the 1,797 handwritten digits of scikit-learn's `load_digits`.

    python -m venv venv && venv/bin/pip install scikit-learn && venv/bin/python datasets/make_digits.py

`images` uint8 [1797, 8, 8] with values 0 to 16, `labels` uint8 [1797].
"""

import os

from npz import write
from sklearn.datasets import load_digits

digits = load_digits()
images, labels = digits.images.astype("uint8"), digits.target.astype("uint8")
assert images.shape == (1797, 8, 8) and images.max() == 16 and (images == digits.images).all()
write(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "crates", "kerox", "data", "digits.npz"), {"images": images, "labels": labels})
