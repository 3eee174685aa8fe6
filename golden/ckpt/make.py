"""Writes checkpoints of the kinds that lie here: python make.py DIR, with TensorFlow 2.15."""
import json
import os
import sys

import numpy as np
import tensorflow as tf
from tensorflow import keras

base = sys.argv[1]


def mlp(name, optimizer):
    model = keras.Sequential(
        [keras.layers.Dense(6, "relu", input_shape=(8,)), keras.layers.Dropout(0.2), keras.layers.Dense(4)]
    )
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(np.random.default_rng(0).random((32, 8), "float32"), np.arange(32) % 4, batch_size=8, verbose=0)
    model.save_weights(os.path.join(base, name, "cp.ckpt"), save_format="tf")
    variables = model.optimizer.variables
    variables = variables() if callable(variables) else variables
    expected = {
        "weights": {v.name: v.numpy().tolist() for v in model.weights},
        "optimizer_variables": {v.name: v.numpy().tolist() for v in variables},
    }
    with open(os.path.join(base, name, "expected.json"), "w") as file:
        json.dump(expected, file, indent=0)


mlp("mlp_adam", keras.optimizers.Adam())
mlp("mlp_legacy_adam", keras.optimizers.legacy.Adam())

layer = keras.layers.Dense(4)
layer.build((None, 3))
tf.train.Checkpoint(layer=layer).save(os.path.join(base, "layer", "custom_layer"))

types = "bool bfloat16 complex64 float16 float64 int16 int64 int8 uint16 uint32 uint64 uint8".split()
tensors = {name: tf.cast([1], name) for name in types}
tensors |= {"empty": tf.zeros([0, 3]), "scalar": tf.constant(1.0)}
os.makedirs(os.path.join(base, "tables"), exist_ok=True)
tf.raw_ops.SaveV2(
    prefix=os.path.join(base, "tables", "d"),
    tensor_names=list(tensors),
    shape_and_slices=[""] * len(tensors),
    tensors=list(tensors.values()),
)
parts = []
for i in range(2):
    parts.append(os.path.join(base, f"part{i}"))
    names, places = ["part", ["str", "z"][i]], [f"4 3 {2 * i},2:-", ""]
    values = [tf.reshape(tf.range(6.0) + 6 * i, [2, 3]), [tf.constant(["a", "", "b" * 300]), tf.constant([True, False])][i]]
    tf.raw_ops.SaveV2(prefix=parts[-1], tensor_names=names, shape_and_slices=places, tensors=values)
tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=parts, destination_prefix=os.path.join(base, "tables", "merged"))

# Zeros by the gigabyte behind a few numbers: the index alone is kept, tests make the data file as a hole.
os.makedirs(os.path.join(base, "huge"), exist_ok=True)
for name, count, size in [("huge", 10, 1 << 28), ("large", 1, 1 << 27)]:
    names = ["a_few"] + [f"zeros_{i}" for i in range(count)]
    prefix = os.path.join(base, "huge", name)
    values = [tf.constant([1.0, 2.0, 3.0, 4.0])] + [tf.zeros(size)] * count
    tf.raw_ops.SaveV2(prefix=prefix, tensor_names=names, shape_and_slices=[""] * len(names), tensors=values)
    os.remove(f"{prefix}.data-00000-of-00001")
