"""Cases of the preprocessing layers. Random layers are recorded at inference, and at training where their range is one point."""

import numpy as np

from case import CASES, add, array, integers, keras, tf, values

L = keras.layers


def numeric():
    x = values(3, 4, low=0, high=255)
    add("Rescaling", "plain", dict(scale=1 / 255), x)
    add("Rescaling", "offset", dict(scale=1 / 127.5, offset=-1.0), x)
    add("Rescaling", "per_channel", dict(scale=[0.1, 0.2, 0.3, 0.4], offset=[1.0, 2.0, 3.0, 4.0]), x)
    add("Rescaling", "int_input", dict(scale=0.5), integers(2, 3, high=9))
    data = values(20, 3, low=-5, high=9, key="adapt")
    y = values(4, 3, low=-5, high=9)
    add("Normalization", "adapt", {}, y, adapt=data, keep_weights=True)
    add("Normalization", "adapt_axis_none", dict(axis=None), y, adapt=data, keep_weights=True)
    add("Normalization", "adapt_axes", dict(axis=(1, 2)), values(3, 2, 3), adapt=values(9, 2, 3, key="adapt"), keep_weights=True)
    add("Normalization", "adapt_rank3", {}, values(3, 2, 3), adapt=values(9, 2, 3, key="adapt"), keep_weights=True)
    add("Normalization", "invert", dict(invert=True), y, adapt=data, keep_weights=True)
    add("Normalization", "given", dict(mean=1.5, variance=4.0), y)
    add("Normalization", "given_per_feature", dict(mean=[1.0, 2.0, 3.0], variance=[4.0, 1.0, 0.0]), y)
    add("Normalization", "given_invert", dict(mean=1.5, variance=4.0, invert=True), y)
    bounds = [-1.0, 0.0, 0.5, 2.0]
    z = np.array([[-3.0, -1.0, -0.5], [0.0, 0.5, 0.49], [2.0, 1.99, 7.0]], np.float32)
    add("Discretization", "int", dict(bin_boundaries=bounds), z)
    add("Discretization", "one_hot", dict(bin_boundaries=bounds, output_mode="one_hot"), z[:, :1].copy())
    add("Discretization", "multi_hot", dict(bin_boundaries=bounds, output_mode="multi_hot"), z)
    add("Discretization", "count", dict(bin_boundaries=bounds, output_mode="count"), z)
    add("Discretization", "adapt", dict(num_bins=4, epsilon=0.01), z, adapt=values(100, key="bins", low=-3, high=3), keep_weights=True)
    add("Discretization", "adapt_coarse", dict(num_bins=3, epsilon=0.1), z, adapt=values(200, key="bins", low=0, high=9), keep_weights=True)
    ids = np.array([[0, 2, 2], [3, 1, 0]], np.int64)
    for mode in ("multi_hot", "count"):
        add("CategoryEncoding", mode, dict(num_tokens=4, output_mode=mode), ids)
        add("CategoryEncoding", mode + "_rank1", dict(num_tokens=4, output_mode=mode), ids[0].copy())
    add("CategoryEncoding", "one_hot", dict(num_tokens=4, output_mode="one_hot"), ids[:, :1].copy())
    add("CategoryEncoding", "one_hot_rank1", dict(num_tokens=4, output_mode="one_hot"), ids[0].copy())
    weights = values(2, 3, low=0, key="count_weights")
    add("CategoryEncoding", "count_weights", dict(num_tokens=4, output_mode="count"), ids, dict(count_weights=weights))


def words(*rows):
    return np.array(rows, dtype=object)


def lookup():
    strings = words(["cat", "dog", "bird"], ["dog", "dog", "snail"])
    vocabulary = ["dog", "cat", "fish"]
    for mode in ("int", "multi_hot", "count"):
        add("StringLookup", mode, dict(vocabulary=vocabulary, output_mode=mode), strings)
    add("StringLookup", "one_hot", dict(vocabulary=vocabulary, output_mode="one_hot"), strings[:, :1].copy())
    add("StringLookup", "tf_idf", dict(vocabulary=vocabulary, idf_weights=[0.5, 1.0, 2.0], output_mode="tf_idf"), strings)
    add("StringLookup", "no_oov", dict(vocabulary=vocabulary, num_oov_indices=0), words(["cat", "dog"], ["fish", "cat"]))
    add("StringLookup", "three_oov", dict(vocabulary=vocabulary, num_oov_indices=3), words(["a", "b", "c"], ["d", "dog", "é"]))
    add("StringLookup", "mask_token", dict(vocabulary=vocabulary, mask_token=""), words(["", "cat"], ["x", ""]))
    add("StringLookup", "invert", dict(vocabulary=vocabulary, invert=True), np.array([[0, 1], [3, 2]], np.int64))
    add("StringLookup", "max_tokens_padded", dict(vocabulary=vocabulary, max_tokens=7, output_mode="multi_hot", pad_to_max_tokens=True), strings)
    text = words("b", "a", "b", "c", "a", "b", "d")
    add("StringLookup", "adapt", {}, words(["a", "b"], ["z", "d"]), adapt=text)
    add("StringLookup", "adapt_max", dict(max_tokens=3), words(["a", "b"], ["z", "d"]), adapt=text)
    ids = np.array([[10, 30, 99], [20, 20, 7]], np.int64)
    for mode in ("int", "multi_hot", "count"):
        add("IntegerLookup", mode, dict(vocabulary=[10, 20, 30], output_mode=mode), ids)
    add("IntegerLookup", "mask_token", dict(vocabulary=[10, 20, 30], mask_token=0), np.array([[0, 10], [5, 0]], np.int64))
    add("IntegerLookup", "three_oov", dict(vocabulary=[10, 20], num_oov_indices=3), ids)
    add("IntegerLookup", "invert", dict(vocabulary=[10, 20, 30], invert=True), np.array([[0, 1], [3, 2]], np.int64))
    add("IntegerLookup", "adapt", {}, ids, adapt=np.array([5, 7, 7, 20, 20, 20], np.int64))


def hashing():
    strings = words(["cat", "dog", "bird"], ["", "naïve", "a longer sentence, with more than 32 bytes in it"])
    add("Hashing", "farmhash", dict(num_bins=7), strings)
    add("Hashing", "many_bins", dict(num_bins=1000003), strings)
    add("Hashing", "salt", dict(num_bins=1000003, salt=133), strings)
    add("Hashing", "salt_pair", dict(num_bins=1000003, salt=[133, 137]), strings)
    add("Hashing", "mask_value", dict(num_bins=5, mask_value=""), strings)
    add("Hashing", "integers", dict(num_bins=1000003), np.array([[1, -2], [10**12, 0]], np.int64))
    add("Hashing", "one_hot", dict(num_bins=4, output_mode="one_hot"), strings[:, :1].copy())
    add("Hashing", "multi_hot", dict(num_bins=4, output_mode="multi_hot"), strings)
    lengths = ["x" * n for n in (1, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 200)]
    add("Hashing", "lengths", dict(num_bins=2**31 - 1), words(lengths))
    add("Hashing", "lengths_salt", dict(num_bins=2**31 - 1, salt=9), words(lengths))
    a, b = words(["cat"], ["dog"], [""]), words(["x"], ["yy"], ["zzz"])
    add("HashedCrossing", "strings", dict(num_bins=1000003), [a, b])
    add("HashedCrossing", "three", dict(num_bins=101), [a, b, a])
    add("HashedCrossing", "integers", dict(num_bins=1000003), [np.array([[1], [-5]], np.int64), np.array([[7], [9]], np.int64)])
    add("HashedCrossing", "one_hot", dict(num_bins=5, output_mode="one_hot"), [a, b])


def text():
    lines = words("The quick, brown FOX!", "the dog; the end", "")
    train = words("the quick brown fox jumps", "the lazy dog", "the end of the dog")
    add("TextVectorization", "adapt", {}, lines, adapt=train)
    add("TextVectorization", "sequence_length", dict(output_sequence_length=3), lines, adapt=train)
    add("TextVectorization", "max_tokens", dict(max_tokens=5), lines, adapt=train)
    for mode in ("multi_hot", "count", "tf_idf"):
        add("TextVectorization", mode, dict(output_mode=mode), lines, adapt=train)
        add("TextVectorization", mode + "_padded", dict(output_mode=mode, max_tokens=15, pad_to_max_tokens=True), lines, adapt=train)
    add("TextVectorization", "ngrams", dict(ngrams=2), lines, adapt=train)
    add("TextVectorization", "ngrams_some", dict(ngrams=(1, 3)), lines, adapt=train)
    add("TextVectorization", "vocabulary", dict(vocabulary=["the", "fox", "dog"]), lines)
    for standardize in (None, "lower", "strip_punctuation"):
        add("TextVectorization", f"standardize_{standardize or 'none'}", dict(standardize=standardize), lines, adapt=train)
    add("TextVectorization", "character", dict(split="character", output_sequence_length=6), lines, adapt=train)
    add("TextVectorization", "no_split", dict(split=None), lines, adapt=train)
    rows = np.array([["A", "b", "c"], ["c", "a", "a"]], dtype=object)
    add("TextVectorization", "no_split_ngrams", dict(split=None, ngrams=2), rows, adapt=rows)
    add("TextVectorization", "no_split_ngrams_some", dict(split=None, ngrams=(1, 3), output_mode="multi_hot"), rows, adapt=rows)
    add("TextVectorization", "no_split_ngrams_length", dict(split=None, ngrams=2, output_sequence_length=7), rows, adapt=rows)
    add("TextVectorization", "no_split_ngrams_cut", dict(split=None, ngrams=2, output_sequence_length=4), rows, adapt=rows)
    add("TextVectorization", "no_split_ngrams_vector", dict(split=None, ngrams=2), rows[0], adapt=rows[0])
    add("TextVectorization", "no_split_ngrams_rank3", dict(split=None, ngrams=2), rows.reshape(2, 1, 3), adapt=rows.reshape(2, 1, 3))
    add("TextVectorization", "rank3", {}, np.concatenate([lines, lines[::-1]]).reshape(3, 2, 1), adapt=train)
    add("TextVectorization", "column", {}, lines.reshape(3, 1), adapt=train)


def images():
    image = values(2, 5, 6, 3, low=0, high=255, digits=1)
    for interpolation in "bilinear nearest bicubic area lanczos3 lanczos5 gaussian mitchellcubic".split():
        add("Resizing", interpolation + "_up", dict(height=8, width=9, interpolation=interpolation), image)
        add("Resizing", interpolation + "_down", dict(height=3, width=4, interpolation=interpolation), image)
    add("Resizing", "crop", dict(height=4, width=2, crop_to_aspect_ratio=True), image)
    add("Resizing", "rank3", dict(height=3, width=3), image[0].copy())
    add("Resizing", "uint8", dict(height=3, width=3), image.astype(np.uint8))
    add("CenterCrop", "plain", dict(height=3, width=4), image)
    add("CenterCrop", "odd", dict(height=2, width=3), image)
    add("CenterCrop", "larger", dict(height=7, width=4), image)
    add("CenterCrop", "rank3", dict(height=3, width=3), image[0].copy())
    add("RandomCrop", "inference", dict(height=3, width=4), image, random=True)
    add("RandomCrop", "inference_larger", dict(height=7, width=8), image, random=True)
    for cls, arguments in [
        ("RandomFlip", {}),
        ("RandomContrast", dict(factor=0.2)),
        ("RandomBrightness", dict(factor=0.2)),
        ("RandomRotation", dict(factor=0.1)),
        ("RandomTranslation", dict(height_factor=0.1, width_factor=0.2)),
        ("RandomZoom", dict(height_factor=0.1)),
        ("RandomHeight", dict(factor=0.2)),
        ("RandomWidth", dict(factor=0.2)),
    ]:
        add(cls, "inference", arguments, image, random=True)
    for fill in ("reflect", "wrap", "constant", "nearest"):
        for how in ("bilinear", "nearest"):
            more = dict(fill_mode=fill, interpolation=how, fill_value=7.0 if fill == "constant" else 0.0)
            fixed("RandomRotation", f"fixed_{fill}_{how}", dict(factor=(0.1, 0.1), **more), image)
            fixed("RandomTranslation", f"fixed_{fill}_{how}", dict(height_factor=(0.25, 0.25), width_factor=(-0.3, -0.3), **more), image)
            fixed("RandomZoom", f"fixed_{fill}_{how}", dict(height_factor=(-0.3, -0.3), width_factor=(0.2, 0.2), **more), image)
    fixed("RandomZoom", "fixed_same", dict(height_factor=(0.4, 0.4)), image)
    fixed("RandomBrightness", "fixed", dict(factor=(0.3, 0.3)), image)
    fixed("RandomBrightness", "fixed_range", dict(factor=(-0.2, -0.2), value_range=(0.0, 1.0)), image / 255)
    fixed("RandomHeight", "fixed", dict(factor=(0.4, 0.4)), image)
    fixed("RandomWidth", "fixed", dict(factor=(-0.4, -0.4), interpolation="nearest"), image)


def fixed(class_name, name, arguments, inputs):
    """A random layer whose range is one point: training=True is deterministic."""
    add(class_name, name, arguments, inputs, random=True, gradients=False)
    cases = CASES.get(class_name)
    if not cases or cases[-1]["name"] != name:
        return
    layer = getattr(L, class_name)(**arguments)
    outputs = layer(tf.constant(inputs), training=True)
    cases[-1]["training"] = {"outputs": [array(outputs)], "updates": [], "gradients": None}


def run():
    numeric()
    lookup()
    hashing()
    text()
    images()
