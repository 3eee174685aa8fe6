"""Writes golden/layers/*.json from real Keras.

    <environment with TensorFlow 2.15.1>/bin/python golden/layers/make.py [FAMILY ...]
    <environment with TensorFlow 2.21.0, Keras 3.15.1>/bin/python golden/layers/make.py keras3 keras3_both quantized

Names of classes after a family make the files of these alone.
"""

import importlib
import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, FOLDER)

FAMILIES = ["core", "conv", "norm", "rnn", "attention", "preprocessing", "wrapper"]


def main():
    import case

    words = sys.argv[1:]
    case.ONLY.update(word for word in words if word[0].isupper())
    for family in [word for word in words if word not in case.ONLY] or FAMILIES:
        importlib.import_module(family).run()
        case.flush(FOLDER, family + ".py")
        print("made", family, flush=True)


if __name__ == "__main__":
    main()
