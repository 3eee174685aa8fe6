"""Writes golden/lora/*: models whose kernels are frozen beside two small matrices that are trained, what they predict
and how they train.

    <environment with TensorFlow 2.21.0, Keras 3.15.1>/bin/python golden/lora/make.py
"""

import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, ".."))

from real import keras, np, values  # noqa: E402

L = keras.layers


def products():
    ids = keras.Input((4,), dtype="int32", name="ids")
    x = L.Embedding(9, 5, lora_rank=2, lora_alpha=6, embeddings_regularizer="l2", name="embedding")(ids)
    x = L.EinsumDense("abc,cde->abde", (4, 2, 3), bias_axes="de", activation="tanh", lora_rank=3, lora_alpha=6, name="heads")(x)
    x = L.Flatten(name="flatten")(x)
    x = L.Dense(6, activation="relu", lora_rank=2, lora_alpha=8, kernel_regularizer="l2", name="inner")(x)
    return keras.Model(ids, L.Dense(3, use_bias=False, lora_rank=1, name="scores")(x), name="products")


def convolutions():
    ids = keras.Input((36,), dtype="int32", name="ids")
    x = L.Reshape((36, 1), name="floats")(L.Rescaling(0.1, name="scaled")(ids))
    x = L.Conv1D(4, 3, padding="causal", lora_rank=2, lora_alpha=4, name="steps")(x)
    x = L.Reshape((6, 6, 4), name="plane")(x)
    x = L.Conv2D(6, (3, 2), groups=2, activation="relu", lora_rank=2, kernel_regularizer="l2", name="image")(x)
    x = L.Reshape((4, 5, 2, 3), name="solid")(x)
    x = L.Conv3D(2, 2, use_bias=False, lora_rank=1, lora_alpha=3, name="volume")(x)
    return keras.Model(ids, L.Dense(3, name="scores")(L.Flatten(name="flatten")(x)), name="convolutions")


def both_ways():
    ids = keras.Input((4,), dtype="int32", name="ids")
    tied = L.ReversibleEmbedding(9, 5, lora_rank=2, embeddings_regularizer="l2", name="tied")
    x = L.Dense(5, activation="tanh", name="inner")(tied(ids))
    x = L.Flatten(name="flatten")(tied(x, reverse=True))
    return keras.Model(ids, L.Dense(3, name="scores")(x), name="both_ways")


def beside_few_bits(name, mode, config):
    """Matrices beside kernels that have been quantized."""
    ids = keras.Input((4,), dtype="int32", name="ids")
    x = L.Embedding(9, 5, name="embedding")(ids)
    x = L.EinsumDense("abc,cde->abde", (4, 2, 3), bias_axes="de", activation="tanh", name="heads")(x)
    x = L.Reshape((4, 6), name="steps")(x)
    x = L.Dense(5, activation="relu", name="inner")(x)
    x = L.Add(name="sum")([x, L.ReversibleEmbedding(9, 5, tie_weights=False, name="vectors")(ids)])
    net = keras.Model(ids, L.Dense(3, name="scores")(L.Flatten(name="flatten")(x)), name=name)
    fill(net)
    net.quantize(mode, config=config)
    for rank, layer in enumerate(("embedding", "heads", "inner", "vectors", "scores"), 1):
        net.get_layer(layer).enable_lora(rank)
    matrices = [weight for weight in net.weights if weight.name.startswith("lora_")]
    for at, weight in enumerate(matrices):
        weight.assign(values(*weight.shape, key=f"{name}{at}", low=-0.5, high=0.4))
    return net


def fill(net):
    for at, weight in enumerate(net.weights):
        weight.assign(values(*weight.shape, key=f"{net.name}{at}", low=-0.5, high=0.4))


def main():
    models = {"products": products, "convolutions": convolutions, "both_ways": both_ways}
    blocks = keras.quantizers.Int4QuantizationConfig
    few_bits = {"int8": ("int8", None), "int4_2": ("int4", blocks(block_size=2)), "int4_columns": ("int4", blocks(block_size=None))}
    for name in sys.argv[1:] or [*models, *few_bits]:
        keras.backend.clear_session()
        if name in few_bits:
            net = beside_few_bits(name, *few_bits[name])
        else:
            net = models[name]()
            fill(net)
        ids = np.arange(6 * net.input_shape[1], dtype="int32").reshape(6, -1) * 5 % 9
        labels = np.arange(6, dtype="int32") % 3
        net.compile(keras.optimizers.Adam(0.05), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        losses = [net.train_on_batch(ids, labels) for _ in range(3)]
        # HDF5 has every weight, the archive kernels with the small matrices in them. The older format takes the
        # optimizer out of what the model was compiled with.
        net.save(os.path.join(FOLDER, f"{name}.keras"))
        net.save(os.path.join(FOLDER, f"{name}.h5"))
        predicted = net.predict(ids, verbose=0)
        losses = np.array([net.train_on_batch(ids, labels) for _ in range(5)], "float32")
        trained = net.predict(ids, verbose=0)
        restored = keras.models.load_model(os.path.join(FOLDER, f"{name}.keras"))
        restored_predicted = restored.predict(ids, verbose=0)
        restored_losses = np.array([restored.train_on_batch(ids, labels) for _ in range(3)], "float32")
        arrays = dict(ids=ids, labels=labels, predicted=predicted, losses=losses, trained=trained)
        if name in few_bits:
            # Few bits of the sum are not the sum.
            arrays.update(restored_predicted=restored_predicted)
        arrays.update(restored_losses=restored_losses, restored=restored.predict(ids, verbose=0))
        np.savez(os.path.join(FOLDER, f"{name}.npz"), **arrays)


main()
