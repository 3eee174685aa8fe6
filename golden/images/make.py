"""Small images of every kind, and what Keras 2.15 with Pillow makes of them.

    <environment>/bin/python -m pip install --target <folder> --no-deps pillow
    PYTHONPATH=<folder> <environment>/bin/python golden/images/make.py

`<class>/*.png` and `colours.bmp` are the images; `load_img.npz` holds for each case `<file>|<color_mode>|<size>|<interpolation>|<keep>` the array
of `img_to_array(load_img(...))` as uint16; `batches.npz` holds what `image_dataset_from_directory` gives, `order.json` the
order of its files.
"""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
import tensorflow as tf
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "datasets"))
from npz import write  # noqa: E402

U = tf.keras.utils


def smooth(height, width, channels, seed):
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = [127 + 100 * np.sin(x * a + y * b + c) for a, b, c in generator.uniform(0.1, 1.2, (channels, 3))]
    return np.clip(np.stack(waves, -1) + generator.normal(0, 9, (height, width, channels)), 0, 255).astype(np.uint8)


def save(name, image):
    place = os.path.join(HERE, name)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    image.save(place)


save("a/colours.png", Image.fromarray(smooth(9, 14, 3, 1), "RGB"))
save("a/alpha.png", Image.fromarray(smooth(8, 5, 4, 2), "RGBA"))
save("a/gray.png", Image.fromarray(smooth(7, 11, 1, 3)[:, :, 0], "L"))
save("b/deep.png", Image.fromarray((smooth(6, 9, 1, 4)[:, :, 0].astype(np.uint16) * 251 + 7)))
save("b/gray_alpha.png", Image.fromarray(smooth(6, 6, 2, 5), "LA"))
save("b/palette.png", Image.fromarray(smooth(10, 10, 3, 6), "RGB").quantize(16))
save("b/inner/colours.png", Image.fromarray(smooth(12, 5, 3, 7), "RGB"))
save("colours.bmp", Image.fromarray(smooth(4, 6, 3, 8), "RGB"))

cases = {}
for file in ("a/colours.png", "a/alpha.png", "a/gray.png", "b/gray_alpha.png", "b/palette.png", "b/inner/colours.png", "colours.bmp"):
    for mode in ("rgb", "rgba", "grayscale"):
        for size, interpolation, keep in (
            (None, "nearest", False), ((5, 6), "nearest", False), ((5, 6), "bilinear", False), ((20, 17), "bicubic", False), ((4, 7), "lanczos", True),
            ((13, 3), "box", False), ((6, 6), "hamming", True), ((16, 16), "bilinear", True), ((3, 8), "nearest", True),
        ):  # fmt: skip
            image = U.load_img(os.path.join(HERE, file), color_mode=mode, target_size=size, interpolation=interpolation, keep_aspect_ratio=keep)
            key = "|".join([file, mode, "-" if size is None else f"{size[0]}x{size[1]}", interpolation, str(int(keep))])
            cases[key.replace("/", ":")] = U.img_to_array(image).astype(np.uint16)
deep = U.img_to_array(U.load_img(os.path.join(HERE, "b/deep.png"), color_mode="grayscale"))
cases["b:deep.png|grayscale|-|nearest|0"] = deep.astype(np.uint16)
write(os.path.join(HERE, "load_img.npz"), cases)

batches, orders = {}, {}
for name, arguments in {
    "plain": {"shuffle": False},
    "gray": {"shuffle": False, "color_mode": "grayscale", "interpolation": "nearest", "label_mode": "binary"},
    "cropped": {"shuffle": False, "crop_to_aspect_ratio": True, "label_mode": "categorical", "interpolation": "bicubic"},
    "area": {"shuffle": False, "interpolation": "area", "class_names": ["b", "a"]},
}.items():
    data = U.image_dataset_from_directory(HERE, image_size=(5, 7), batch_size=4, **arguments)
    for i, (x, y) in enumerate(data):
        batches[f"{name}_{i}_x"], batches[f"{name}_{i}_y"] = x.numpy(), y.numpy()
    orders[name] = [os.path.relpath(p, HERE) for p in data.file_paths]
for name, arguments in {
    "shuffled": {"seed": 5},
    "training": {"seed": 9, "validation_split": 0.3, "subset": "training"},
    "validation": {"seed": 9, "validation_split": 0.3, "subset": "validation"},
}.items():
    orders[name] = [os.path.relpath(p, HERE) for p in U.image_dataset_from_directory(HERE, image_size=(5, 7), **arguments).file_paths]
write(os.path.join(HERE, "batches.npz"), batches)
with open(os.path.join(HERE, "order.json"), "w") as file:
    json.dump(orders, file, indent=1)
    file.write("\n")
