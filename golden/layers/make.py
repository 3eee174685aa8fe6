"""Writes golden/layers/*.json from real Keras.

    <environment with TensorFlow 2.15.1>/bin/python golden/layers/make.py [FAMILY ...]
    <environment with TensorFlow 2.21.0, Keras 3.15.1>/bin/python golden/layers/make.py keras3
"""

import importlib
import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, FOLDER)

FAMILIES = ["core", "conv", "norm", "rnn", "attention", "preprocessing", "wrapper"]


def main():
    import case

    for family in sys.argv[1:] or FAMILIES:
        importlib.import_module(family).run()
        case.flush(FOLDER, family + ".py")
        print("made", family, flush=True)


if __name__ == "__main__":
    main()
