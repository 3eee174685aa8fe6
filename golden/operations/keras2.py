"""Writes golden/operations/keras2.json: models of Keras 2 whose layers are functions of TensorFlow.

    <environment with TensorFlow 2.15.1, Keras 2.15.0>/bin/python golden/operations/keras2.py
"""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, ".."))

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from arrays import array, seeded  # noqa: E402

TABLE = np.round(seeded("table").uniform(-1, 1, (4, 3)), 3).astype("float32")


def positive(x):
    return tf.abs(x) + 1.0


def below_one(x):
    return tf.tanh(x)


def whole(x):
    return tf.cast(x * 3.0, tf.int32)


def square(x):
    """Matrices far from singular."""
    return x[:, :3] + 3.0 * np.eye(3, dtype="float32")


def image(x):
    return x[..., None]


def row(x):
    return tf.reshape(x, (-1, 12))


def words(x):
    return tf.strings.as_string(whole(x))


def hashed(words):
    """Numbers by which texts are compared."""
    return tf.strings.to_hash_bucket_fast(words, 1 << 20)


def colours(x):
    return tf.sigmoid(x)[:, :, None]


KERNEL = np.round(seeded("kernel").uniform(-1, 1, (2, 3, 2)), 3).astype("float32")
CASES = {
    # Of two tensors.
    "add": lambda x: x + x * 2.0,
    "add_array": lambda x: x + TABLE,
    "add_n": lambda x: tf.add_n([x, x * 2.0, x * x]),
    "add_whole": lambda x: whole(x) + 2,
    "atan2": lambda x: tf.atan2(x, x + 1.0),
    "bias_add": lambda x: tf.nn.bias_add(x, tf.constant(TABLE[0])),
    "divide": lambda x: x / 3.0,
    "divide_no_nan": lambda x: tf.math.divide_no_nan(x, tf.nn.relu(x)),
    "equal": lambda x: tf.equal(whole(x), 1),
    "floor_div": lambda x: x // 0.7,
    "floormod": lambda x: x % 0.7,
    "greater": lambda x: x > 0.5,
    "greater_equal": lambda x: x >= 0.5,
    "less": lambda x: x < 0.5,
    "less_equal": lambda x: whole(x) <= 1,
    "logical_and": lambda x: (x > 0.0) & (x < 1.0),
    "logical_not": lambda x: ~(x > 0.0),
    "logical_or": lambda x: (x < 0.0) | (x > 1.0),
    "logical_xor": lambda x: tf.math.logical_xor(x > 0.0, x > 1.0),
    "matmul": lambda x: tf.matmul(x, tf.constant(TABLE[:3])),
    "matmul_transposed": lambda x: tf.matmul(x, x, transpose_b=True),
    "matmul_transposed_first": lambda x: tf.matmul(x, x, transpose_a=True),
    "maximum": lambda x: tf.maximum(x, 0.25),
    "minimum": lambda x: tf.minimum(x, x * x),
    "multiply": lambda x: x * 2.0,
    "not_equal": lambda x: tf.not_equal(x, 0.0),
    "pow": lambda x: positive(x) ** 1.5,
    "pow_whole": lambda x: x ** 2,
    "squared_difference": lambda x: tf.math.squared_difference(x, 0.5),
    "subtract": lambda x: x - x * 2.0,
    "subtract_from": lambda x: 1.0 - x,
    "tensordot": lambda x: tf.tensordot(x, tf.constant(TABLE[:3]), 1),
    "where": lambda x: tf.where(x > 0.0, x, -1.0),
    "where_tensors": lambda x: tf.where(x > 0.0, x, tf.square(x)),
    # Of one.
    "abs": lambda x: tf.abs(x),
    "acos": lambda x: tf.acos(below_one(x)),
    "acosh": lambda x: tf.acosh(positive(x)),
    "asin": lambda x: tf.asin(below_one(x)),
    "asinh": lambda x: tf.asinh(x),
    "atan": lambda x: tf.atan(x),
    "atanh": lambda x: tf.atanh(below_one(x)),
    "cast": lambda x: tf.cast(x, "int32"),
    "ceil": lambda x: tf.math.ceil(x),
    "clip_by_value": lambda x: tf.clip_by_value(x, -0.5, 1.0),
    "cos": lambda x: tf.cos(x),
    "cosh": lambda x: tf.cosh(x),
    "elu": lambda x: tf.nn.elu(x),
    "erf": lambda x: tf.math.erf(x),
    "erfc": lambda x: tf.math.erfc(x),
    "exp": lambda x: tf.exp(x),
    "expm1": lambda x: tf.math.expm1(x),
    "floor": lambda x: tf.floor(x),
    "gelu": lambda x: tf.nn.gelu(x),
    "gelu_approximate": lambda x: tf.nn.gelu(x, approximate=True),
    "identity": lambda x: tf.identity(x),
    "is_finite": lambda x: tf.math.is_finite(tf.math.log(x)),
    "is_inf": lambda x: tf.math.is_inf(x / tf.nn.relu(x)),
    "is_nan": lambda x: tf.math.is_nan(tf.math.log(x)),
    "l2_normalize": lambda x: tf.math.l2_normalize(x, axis=-1),
    "l2_normalize_epsilon": lambda x: tf.math.l2_normalize(x, axis=1, epsilon=4.0),
    "leaky_relu": lambda x: tf.nn.leaky_relu(x),
    "leaky_relu_alpha": lambda x: tf.nn.leaky_relu(x, 0.1),
    "log": lambda x: tf.math.log(positive(x)),
    "log1p": lambda x: tf.math.log1p(positive(x)),
    "log_sigmoid": lambda x: tf.math.log_sigmoid(x),
    "log_softmax": lambda x: tf.nn.log_softmax(x),
    "negative": lambda x: -x,
    "ones_like": lambda x: tf.ones_like(x),
    "reciprocal": lambda x: tf.math.reciprocal(x),
    "relu": lambda x: tf.nn.relu(x),
    "relu6": lambda x: tf.nn.relu6(x * 9.0),
    "round": lambda x: tf.round(x),
    "rsqrt": lambda x: tf.math.rsqrt(positive(x)),
    "saturate_cast": lambda x: tf.saturate_cast(x * 200.0, tf.uint8),
    "selu": lambda x: tf.nn.selu(x),
    "sigmoid": lambda x: tf.sigmoid(x),
    "sign": lambda x: tf.sign(x),
    "silu": lambda x: tf.nn.silu(x),
    "sin": lambda x: tf.sin(x),
    "sinh": lambda x: tf.sinh(x),
    "softmax": lambda x: tf.nn.softmax(x),
    "softmax_axis": lambda x: tf.nn.softmax(x, axis=1),
    "softplus": lambda x: tf.math.softplus(x),
    "softsign": lambda x: tf.nn.softsign(x),
    "sqrt": lambda x: tf.sqrt(positive(x)),
    "square": lambda x: tf.square(x),
    "stop_gradient": lambda x: tf.stop_gradient(x),
    "tan": lambda x: tf.tan(x),
    "tanh": lambda x: tf.tanh(x),
    "zeros_like": lambda x: tf.zeros_like(x, dtype="int32"),
    # Along axes.
    "argmax": lambda x: tf.argmax(x, -1),
    "argmin": lambda x: tf.argmin(x, 1, output_type=tf.int32),
    "cumprod": lambda x: tf.math.cumprod(x, 1),
    "cumsum": lambda x: tf.cumsum(x, 2),
    "reduce_all": lambda x: tf.reduce_all(x > -1.0, axis=-1),
    "reduce_any": lambda x: tf.reduce_any(tf.not_equal(x, 0.0), -1),
    "reduce_logsumexp": lambda x: tf.reduce_logsumexp(x, 1),
    "reduce_max": lambda x: tf.reduce_max(x, 1),
    "reduce_mean": lambda x: tf.reduce_mean(x, [1, 2], keepdims=True),
    "reduce_min": lambda x: tf.reduce_min(x, axis=-1),
    "reduce_prod": lambda x: tf.reduce_prod(x, 1),
    "reduce_std": lambda x: tf.math.reduce_std(x, 1),
    "reduce_sum": lambda x: tf.reduce_sum(x, -1, keepdims=True),
    "reduce_sum_whole": lambda x: tf.reduce_sum(whole(x), 1),
    "reduce_variance": lambda x: tf.math.reduce_variance(x, axis=-1),
    "sort": lambda x: tf.sort(x, axis=1),
    "top_k": lambda x: list(tf.math.top_k(x, 2)),
    # Places.
    "broadcast_to": lambda x: tf.broadcast_to(x[:, None, :1, :1], (2, 2, 1, 3)),
    "concat": lambda x: tf.concat([x, x * 2.0], -1),
    "expand_dims": lambda x: tf.expand_dims(x, 1),
    "gather": lambda x: tf.gather(x, [0, 2], axis=1),
    "gather_one": lambda x: tf.gather(x, 2, axis=2),
    "getitem": lambda x: x[:, 1:3, ::2],
    "getitem_at": lambda x: x[:, -1],
    "getitem_new": lambda x: x[..., None],
    "one_hot": lambda x: tf.one_hot(tf.cast(tf.abs(x), tf.int32), 3),
    "pad": lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 0]]),
    "pad_constant": lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 0]], constant_values=3.0),
    "pad_reflect": lambda x: tf.pad(x, [[0, 0], [1, 1], [0, 0]], "REFLECT"),
    "repeat": lambda x: tf.repeat(x, 2, axis=1),
    "reshape": lambda x: tf.reshape(x, (-1, 3, 4)),
    "reshape_by_shape": lambda x: tf.reshape(x, (tf.shape(x)[0], 12)),
    "reverse": lambda x: tf.reverse(x, [1]),
    "roll": lambda x: tf.roll(x, 1, 1),
    "size": lambda x: tf.size(x),
    "slice": lambda x: tf.slice(x, [0, 1, 0], [2, 2, 3]),
    "split": lambda x: tf.split(x, 2, axis=1),
    "split_sizes": lambda x: tf.split(x, [1, 3], axis=1),
    "squeeze": lambda x: tf.squeeze(tf.expand_dims(x, 1), 1),
    "squeeze_list": lambda x: tf.squeeze(tf.expand_dims(x, 1), [1]),
    "stack": lambda x: tf.stack([x, x * 2.0], 1),
    "strided_slice": lambda x: tf.strided_slice(x, [0, 1, 0], [2, 4, 3], [1, 2, 1]),
    "tile": lambda x: tf.tile(x, [1, 2, 1]),
    "transpose": lambda x: tf.transpose(x, (0, 2, 1)),
    "unstack": lambda x: tf.unstack(x, axis=1),
    # Rarer ones of one element.
    "count_nonzero": lambda x: tf.math.count_nonzero(tf.nn.relu(x), axis=1),
    "crelu": lambda x: tf.nn.crelu(x),
    "clip_by_norm": lambda x: tf.clip_by_norm(x, 1.5, axes=[1]),
    "erfinv": lambda x: tf.math.erfinv(below_one(x)),
    "ensure_shape": lambda x: tf.ensure_shape(x, (None, 4, 3)),
    "l2_loss": lambda x: tf.nn.l2_loss(x),
    "multiply_no_nan": lambda x: tf.math.multiply_no_nan(tf.math.log(x), tf.cast(x > 0.0, tf.float32)),
    "norm": lambda x: tf.norm(x, axis=-1),
    "norm_1": lambda x: tf.norm(x, ord=1, axis=1, keepdims=True),
    "norm_inf": lambda x: tf.norm(x, ord=np.inf, axis=1),
    "norm_of_all": lambda x: tf.norm(x),
    "normalize": lambda x: list(tf.linalg.normalize(x, axis=-1)),
    "rank": lambda x: tf.rank(x),
    "reciprocal_no_nan": lambda x: tf.math.reciprocal_no_nan(tf.nn.relu(x)),
    "reduce_euclidean_norm": lambda x: tf.math.reduce_euclidean_norm(x, axis=1),
    "rint": lambda x: tf.math.rint(x),
    "scalar_mul": lambda x: tf.math.scalar_mul(2.0, x),
    "xdivy": lambda x: tf.math.xdivy(tf.nn.relu(x), tf.abs(x)),
    "xlogy": lambda x: tf.math.xlogy(tf.nn.relu(x), tf.nn.relu(x)),
    "zero_fraction": lambda x: tf.math.zero_fraction(tf.nn.relu(x)),
    "bitwise_and": lambda x: tf.bitwise.bitwise_and(whole(x), 6),
    "bitwise_or": lambda x: tf.bitwise.bitwise_or(whole(x), 6),
    "bitwise_xor": lambda x: tf.bitwise.bitwise_xor(whole(x), 6),
    "invert": lambda x: tf.bitwise.invert(whole(x)),
    "left_shift": lambda x: tf.bitwise.left_shift(whole(x), 2),
    "right_shift": lambda x: tf.bitwise.right_shift(whole(x), 1),
    # Layers whose weights are all given.
    "moments": lambda x: list(tf.nn.moments(x, axes=[1])),
    "batch_normalization": lambda x: tf.nn.batch_normalization(x, TABLE[0], TABLE[1] ** 2, TABLE[2], TABLE[3], 0.01),
    "conv1d": lambda x: tf.nn.conv1d(x, KERNEL, 1, "SAME"),
    "conv2d": lambda x: tf.nn.conv2d(image(x), KERNEL[..., None, 1:], 1, "VALID"),
    "depthwise_conv2d": lambda x: tf.nn.depthwise_conv2d(x[:, :, None], KERNEL[:, None], [1, 1, 1, 1], "SAME"),
    "max_pool": lambda x: tf.nn.max_pool(image(x), 2, 1, "VALID"),
    "max_pool1d": lambda x: tf.nn.max_pool1d(x, 2, 2, "SAME"),
    "max_pool2d": lambda x: tf.nn.max_pool2d(image(x), 2, 2, "SAME"),
    "avg_pool": lambda x: tf.nn.avg_pool(image(x), 2, 1, "VALID"),
    "avg_pool2d": lambda x: tf.nn.avg_pool2d(image(x), 2, 1, "SAME"),
    "depth_to_space": lambda x: tf.nn.depth_to_space(tf.reshape(x, (-1, 1, 3, 4)), 2),
    "space_to_depth": lambda x: tf.nn.space_to_depth(tf.reshape(x, (-1, 2, 2, 3)), 2),
    "sigmoid_cross_entropy": lambda x: tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.sigmoid(x * 2.0), logits=x),
    "softmax_cross_entropy": lambda x: tf.nn.softmax_cross_entropy_with_logits(labels=tf.nn.softmax(x * 2.0), logits=x),
    "sparse_softmax_cross_entropy": lambda x: tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.cast(tf.abs(x[..., 0]), tf.int32), logits=x
    ),
    "in_top_k": lambda x: tf.math.in_top_k(tf.cast(tf.abs(x[:, 0, 0]), tf.int32), x[:, :, 1], 2),
    # Matrices.
    "adjoint": lambda x: tf.linalg.adjoint(x),
    "band_part": lambda x: tf.linalg.band_part(x, 1, 0),
    "band_part_all": lambda x: tf.linalg.band_part(x, -1, 1),
    "cholesky": lambda x: tf.linalg.cholesky(tf.matmul(x, x, transpose_a=True) + np.diag([1.0, 2.0, 4.0]).astype("float32")),
    "cross": lambda x: tf.linalg.cross(x, x[..., ::-1] * 2.0),
    "det": lambda x: tf.linalg.det(square(x)),
    "diag": lambda x: tf.linalg.diag(x),
    "diag_part": lambda x: tf.linalg.diag_part(x),
    "inv": lambda x: tf.linalg.inv(square(x)),
    "logdet": lambda x: tf.linalg.logdet(tf.matmul(x, x, transpose_a=True) + np.eye(3, dtype="float32")),
    "matrix_transpose": lambda x: tf.linalg.matrix_transpose(x),
    "matvec": lambda x: tf.linalg.matvec(x, TABLE[0]),
    "qr": lambda x: list(tf.linalg.qr(x)),
    "set_diag": lambda x: tf.linalg.set_diag(x, x[:, 0] * 2.0),
    "solve": lambda x: tf.linalg.solve(square(x), x[:, :3]),
    "svd": lambda x: tf.linalg.svd(x, compute_uv=False),
    "trace": lambda x: tf.linalg.trace(x),
    "triangular_solve": lambda x: tf.linalg.triangular_solve(square(x), x[:, :3]),
    # More of places.
    "argsort": lambda x: tf.argsort(x, axis=1),
    "argsort_down": lambda x: tf.argsort(x, axis=1, direction="DESCENDING"),
    "sort_down": lambda x: tf.sort(x, axis=1, direction="DESCENDING"),
    "fill_by_shape": lambda x: tf.fill(tf.shape(x)[:2], 0.5),
    "gather_batch": lambda x: tf.gather(x, tf.cast(tf.abs(x[..., 0]), tf.int32), batch_dims=1, axis=1),
    "gather_nd": lambda x: tf.gather_nd(x, [[0, 1], [1, 2]]),
    "linspace": lambda x: tf.linspace(x, x + 2.0, 5),
    "ones": lambda x: tf.ones(tf.shape(x)[:2]),
    "range": lambda x: tf.range(tf.shape(x)[1]),
    "searchsorted": lambda x: tf.searchsorted(np.float32([-1.0, 0.0, 1.0]), tf.reshape(x, (-1,))),
    "sequence_mask": lambda x: tf.sequence_mask(tf.cast(tf.abs(x[..., 0]), tf.int32), 3),
    "tensor_scatter_nd_add": lambda x: tf.tensor_scatter_nd_add(x, [[0, 1], [0, 1]], x[:, 0]),
    "tensor_scatter_nd_max": lambda x: tf.tensor_scatter_nd_max(x, [[0, 1], [0, 2]], x[:, 0]),
    "tensor_scatter_nd_min": lambda x: tf.tensor_scatter_nd_min(x, [[0, 1], [0, 2]], x[:, 0]),
    "tensor_scatter_nd_sub": lambda x: tf.tensor_scatter_nd_sub(x, [[0, 1], [0, 1]], x[:, 0]),
    "tensor_scatter_nd_update": lambda x: tf.tensor_scatter_nd_update(x, [[0, 1], [1, 2]], np.ones((2, 3), "float32")),
    "unsorted_segment_max": lambda x: tf.math.unsorted_segment_max(x[0], [0, 2, 0, 2], 3),
    "unsorted_segment_mean": lambda x: tf.math.unsorted_segment_mean(x[0], [0, 2, 0, 2], 3),
    "unsorted_segment_min": lambda x: tf.math.unsorted_segment_min(x[0], [0, 2, 0, 2], 3),
    "unsorted_segment_prod": lambda x: tf.math.unsorted_segment_prod(x[0], [0, 2, 0, 2], 3),
    "unsorted_segment_sum": lambda x: tf.math.unsorted_segment_sum(x[0], [0, 2, 0, 2], 3),
    "zeros": lambda x: tf.zeros(tf.shape(x)[:2]),
    # Images.
    "adjust_brightness": lambda x: tf.image.adjust_brightness(colours(x), 0.1),
    "adjust_contrast": lambda x: tf.image.adjust_contrast(colours(x), 1.5),
    "adjust_gamma": lambda x: tf.image.adjust_gamma(colours(x), 0.5, 2.0),
    "adjust_hue": lambda x: tf.image.adjust_hue(colours(x), 0.2),
    "adjust_saturation": lambda x: tf.image.adjust_saturation(colours(x), 0.5),
    "central_crop": lambda x: tf.image.central_crop(image(x), 0.5),
    "convert_image_dtype": lambda x: tf.image.convert_image_dtype(tf.cast(x * 50.0 + 100.0, tf.uint8), tf.float32),
    "crop_to_bounding_box": lambda x: tf.image.crop_to_bounding_box(image(x), 1, 0, 2, 3),
    "extract_patches": lambda x: tf.image.extract_patches(image(x), [1, 2, 2, 1], [1, 1, 1, 1], [1, 1, 1, 1], "VALID"),
    "flip_left_right": lambda x: tf.image.flip_left_right(image(x)),
    "flip_up_down": lambda x: tf.image.flip_up_down(image(x)),
    "grayscale_to_rgb": lambda x: tf.image.grayscale_to_rgb(image(x)),
    "hsv_to_rgb": lambda x: tf.image.hsv_to_rgb(colours(x)),
    "image_transpose": lambda x: tf.image.transpose(image(x)),
    "pad_to_bounding_box": lambda x: tf.image.pad_to_bounding_box(image(x), 1, 2, 6, 6),
    "per_image_standardization": lambda x: tf.image.per_image_standardization(image(x)),
    "psnr": lambda x: tf.image.psnr(image(x), image(x) * 0.9, 2.0),
    "resize": lambda x: tf.image.resize(image(x), (6, 5)),
    "resize_area": lambda x: tf.image.resize(image(x), (2, 3), "area"),
    "resize_antialias": lambda x: tf.image.resize(image(x), (2, 2), antialias=True),
    "resize_bicubic": lambda x: tf.image.resize(image(x), (6, 5), method="bicubic"),
    "resize_nearest": lambda x: tf.image.resize(image(x), [8, 6], method="nearest"),
    "resize_with_crop_or_pad": lambda x: tf.image.resize_with_crop_or_pad(image(x), 6, 2),
    "resize_with_pad": lambda x: tf.image.resize_with_pad(image(x), 6, 6),
    "rgb_to_grayscale": lambda x: tf.image.rgb_to_grayscale(colours(x)),
    "rgb_to_hsv": lambda x: tf.image.rgb_to_hsv(colours(x)),
    "rgb_to_yuv": lambda x: tf.image.rgb_to_yuv(colours(x)),
    "image_rot90": lambda x: tf.image.rot90(image(x)),
    "sobel_edges": lambda x: tf.image.sobel_edges(image(x)),
    "ssim": lambda x: tf.image.ssim(image(tf.sigmoid(x)), image(tf.sigmoid(x * 1.1)), 1.0, filter_size=3),
    "total_variation": lambda x: tf.image.total_variation(image(x)),
    "yuv_to_rgb": lambda x: tf.image.yuv_to_rgb(colours(x)),
    "frame": lambda x: tf.signal.frame(x, 2, 1, axis=-1),
    "rgb_to_yiq": lambda x: tf.image.rgb_to_yiq(colours(x)),
    "yiq_to_rgb": lambda x: tf.image.yiq_to_rgb(colours(x)),
    "convert_image_dtype_to_whole": lambda x: tf.image.convert_image_dtype(tf.sigmoid(x), tf.uint8),
    "crop_and_resize": lambda x: tf.image.crop_and_resize(image(x), [[0.0, 0.1, 0.8, 1.0]], [1], (3, 3)),
    "non_max_suppression": lambda x: tf.image.non_max_suppression(tf.concat([x[0], x[0] + 1.0], -1)[:, :4], x[0, :, 0], 3),
    "resize_kept": lambda x: tf.image.resize(image(x), (9, 8), preserve_aspect_ratio=True),
    # Signals and complex numbers.
    "complex_abs": lambda x: tf.abs(tf.complex(x, x * 2.0)),
    "complex_angle": lambda x: tf.math.angle(tf.complex(x, x * x)),
    "complex_conj": lambda x: tf.math.imag(tf.math.conj(tf.complex(x, x * 2.0))),
    "complex_product": lambda x: tf.math.real(tf.complex(x, x) * tf.complex(x, x * 2.0)),
    "dct": lambda x: tf.signal.dct(x),
    "dct_1": lambda x: tf.signal.dct(x, type=1),
    "dct_3": lambda x: tf.signal.dct(x, type=3),
    "dct_4": lambda x: tf.signal.dct(x, type=4, norm="ortho"),
    "dct_ortho": lambda x: tf.signal.dct(x, norm="ortho"),
    "idct": lambda x: tf.signal.idct(x, norm="ortho"),
    "fft": lambda x: tf.abs(tf.signal.fft(tf.complex(x, x))),
    "fft2d": lambda x: tf.math.real(tf.signal.fft2d(tf.complex(x, x))),
    "ifft": lambda x: tf.math.imag(tf.signal.ifft(tf.complex(x, x))),
    "fftshift": lambda x: tf.signal.fftshift(x, axes=[1, 2]),
    "ifftshift": lambda x: tf.signal.ifftshift(x, axes=[-1]),
    "frame_padded": lambda x: tf.signal.frame(row(x), 5, 3, pad_end=True, pad_value=2.0),
    "inverse_stft": lambda x: tf.signal.inverse_stft(tf.signal.stft(row(x), 4, 2), 4, 2),
    "mfccs": lambda x: tf.signal.mfccs_from_log_mel_spectrograms(x),
    "overlap_and_add": lambda x: tf.signal.overlap_and_add(x, 2),
    "stft": lambda x: tf.abs(tf.signal.stft(row(x), 4, 2)),
    "stft_padded": lambda x: tf.abs(tf.signal.stft(row(x), frame_length=5, frame_step=3, fft_length=8, pad_end=True)),
    "stft_plain": lambda x: tf.abs(tf.signal.stft(row(x), 4, 4, window_fn=None)),
    # Strings.
    "as_string": lambda x: hashed(tf.strings.as_string(x, precision=2)),
    "strings_join": lambda x: hashed(tf.strings.join([words(x), words(x * 2.0)], "-")),
    "strings_length": lambda x: tf.strings.length(words(x)),
    "strings_lower": lambda x: hashed(tf.strings.lower(tf.strings.upper(words(x)))),
    "strings_reduce_join": lambda x: hashed(tf.strings.reduce_join(words(x), axis=-1, separator="/")),
    "strings_reduce_join_all": lambda x: hashed(tf.strings.reduce_join(words(x))),
    "strings_strip": lambda x: hashed(tf.strings.strip(tf.strings.as_string(whole(x), width=5))),
    "strings_substr": lambda x: hashed(tf.strings.substr(tf.strings.as_string(x, precision=3), 0, 3)),
    "regex_full_match": lambda x: tf.strings.regex_full_match(words(x), "-[0-9]+"),
    "regex_replace": lambda x: hashed(tf.strings.regex_replace(words(x), "-", "minus ")),
    "to_hash_bucket": lambda x: tf.strings.to_hash_bucket(words(x), 1000),
    "to_hash_bucket_strong": lambda x: tf.strings.to_hash_bucket_strong(words(x), 1000, [1, 2]),
    "to_number": lambda x: tf.strings.to_number(words(x)),
    "unicode_transcode": lambda x: hashed(tf.strings.unicode_transcode(words(x), "UTF-8", "UTF-8")),
    "base64": lambda x: hashed(tf.io.decode_base64(tf.io.encode_base64(words(x)))),
    "decode_raw": lambda x: tf.io.decode_raw(tf.strings.as_string(x, precision=2, width=6), tf.uint8),
    # Rarer ones.
    "accumulate_n": lambda x: tf.math.accumulate_n([x, x * 2.0]),
    "bessel_i0": lambda x: tf.math.bessel_i0(x),
    "bessel_i0e": lambda x: tf.math.bessel_i0e(x),
    "bessel_i1": lambda x: tf.math.bessel_i1(x),
    "bessel_i1e": lambda x: tf.math.bessel_i1e(x),
    "bitcast": lambda x: tf.bitcast(x, tf.int32),
    "boolean_mask": lambda x: tf.boolean_mask(x, [True, False, True, True], axis=1),
    "boolean_mask_tensor": lambda x: tf.boolean_mask(x, x[..., 0] > 0.0),
    "convert_to_tensor": lambda x: tf.convert_to_tensor(x),
    "digamma": lambda x: tf.math.digamma(positive(x)),
    "dynamic_partition": lambda x: tf.dynamic_partition(x[0], [0, 1, 0, 1], 2),
    "embedding_lookup": lambda x: tf.nn.embedding_lookup(TABLE, tf.cast(tf.abs(x), tf.int32)),
    "erfcinv": lambda x: tf.math.erfcinv(tf.sigmoid(x) * 1.9),
    "fake_quant": lambda x: tf.quantization.fake_quant_with_min_max_args(x, -1.5, 1.0, 4),
    "fake_quant_vars": lambda x: tf.quantization.fake_quant_with_min_max_vars(x, -1.0, 1.5, narrow_range=True),
    "invert_permutation": lambda x: tf.math.invert_permutation(tf.range(tf.shape(x)[1])),
    "lgamma": lambda x: tf.math.lgamma(positive(x)),
    "local_response_normalization": lambda x: tf.nn.local_response_normalization(image(x) * TABLE[0], 1, 0.5, 0.3, 0.7),
    "log_poisson_loss": lambda x: tf.nn.log_poisson_loss(tf.abs(x), x),
    "ndtri": lambda x: tf.math.ndtri(tf.sigmoid(x)),
    "nextafter": lambda x: tf.math.nextafter(x, x + 1.0),
    "one_hot_values": lambda x: tf.one_hot(tf.cast(tf.abs(x), tf.int32), 3, on_value=2.0, off_value=-1.0),
    "polyval": lambda x: tf.math.polyval([1.0, -2.0, 3.0], x),
    "realdiv": lambda x: tf.realdiv(x, 3.0),
    "reverse_sequence": lambda x: tf.reverse_sequence(x, [3, 2], seq_axis=1),
    "scatter_nd": lambda x: tf.scatter_nd([[0], [2]], x[0, :2], (4, 3)),
    "segment_max": lambda x: tf.math.segment_max(x[0], [0, 0, 1, 3]),
    "segment_mean": lambda x: tf.math.segment_mean(x[0], [0, 0, 1, 3]),
    "segment_min": lambda x: tf.math.segment_min(x[0], [0, 0, 1, 3]),
    "segment_prod": lambda x: tf.math.segment_prod(x[0], [0, 0, 1, 3]),
    "segment_sum": lambda x: tf.math.segment_sum(x[0], [0, 0, 1, 3]),
    "sequence_mask_open": lambda x: tf.sequence_mask(tf.cast(tf.abs(x[..., 0]), tf.int32)),
    "sequence_mask_by_shape": lambda x: tf.sequence_mask(tf.cast(tf.abs(x[..., 0]), tf.int32), tf.shape(x)[1]),
    "space_to_batch": lambda x: tf.space_to_batch(image(x), [2, 1], [[0, 0], [0, 0]]),
    "strided_slice_masks": lambda x: tf.strided_slice(x, [0, 1, 0], [2, 9, 1], begin_mask=1, end_mask=2, shrink_axis_mask=4),
    "truncatediv": lambda x: tf.truncatediv(whole(x), 2),
    "truncatemod": lambda x: tf.truncatemod(whole(x), 2),
    "unique": lambda x: list(tf.unique(whole(x)[0, :, 0])),
    "unique_with_counts": lambda x: list(tf.unique_with_counts(whole(x)[0, :, 0])),
    "unravel_index": lambda x: tf.unravel_index(tf.cast(tf.abs(x[0, 0]) * 3.0, tf.int32), (3, 4)),
    "weighted_cross_entropy": lambda x: tf.nn.weighted_cross_entropy_with_logits(tf.sigmoid(x), x, 2.5),
    "where_alone": lambda x: tf.where(x > 0.0),
    "xlog1py": lambda x: tf.math.xlog1py(tf.nn.relu(x), tf.abs(x)),
    "conv1d_transpose": lambda x: tf.nn.conv1d_transpose(x, KERNEL.transpose(0, 2, 1), (2, 8, 2), 2),
    "conv2d_transpose": lambda x: tf.nn.conv2d_transpose(image(x), KERNEL[..., None, :1].transpose(0, 1, 3, 2), (2, 8, 3, 1), (2, 1)),
    "separable_conv2d": lambda x: tf.nn.separable_conv2d(image(x), KERNEL[:, :, None], KERNEL[:1, None, :2], [1, 1, 1, 1], "SAME"),
    "diag_above": lambda x: tf.linalg.diag(x, k=1, num_rows=4),
    "diag_band": lambda x: tf.linalg.diag(x[:, :3], k=(-1, 1)),
    "diag_part_band": lambda x: tf.linalg.diag_part(x, k=(-1, 1), padding_value=9.0),
    "eigh": lambda x: list(tf.linalg.eigh(tf.matmul(x, x, transpose_a=True) + np.diag([1.0, 2.0, 4.0]).astype("float32"))),
    "lstsq": lambda x: tf.linalg.lstsq(x, x * x),
    "lstsq_wide": lambda x: tf.linalg.lstsq(tf.linalg.matrix_transpose(x), x[:, :3], l2_regularizer=0.5),
    "lu": lambda x: list(tf.linalg.lu(square(x))),
    "matrix_rank": lambda x: tf.linalg.matrix_rank(x),
    "pinv": lambda x: tf.linalg.pinv(x),
    "set_diag_above": lambda x: tf.linalg.set_diag(x, x[:, 0, :2], k=1),
    "svd_full": lambda x: list(tf.linalg.svd(x, full_matrices=True)),
    "svd_vectors": lambda x: list(tf.linalg.svd(x)),
    "tensor_diag": lambda x: tf.linalg.tensor_diag(x[0, 0]),
    "tensor_diag_part": lambda x: tf.linalg.tensor_diag_part(x[0, :3]),
    # Random numbers of seeds.
    "stateless_dropout": lambda x: tf.nn.experimental.stateless_dropout(x, 0.4, seed=[1, 2]),
    "stateless_dropout_shared": lambda x: tf.nn.experimental.stateless_dropout(x, 0.4, seed=[1, 2], noise_shape=[2, 1, 3]),
    "stateless_flip_left_right": lambda x: tf.image.stateless_random_flip_left_right(image(x), [1, 3]),
    "stateless_flip_up_down": lambda x: tf.image.stateless_random_flip_up_down(image(x), [5, 2]),
    "stateless_normal": lambda x: x * tf.random.stateless_normal(tf.shape(x), [1, 2], mean=1.0, stddev=0.5),
    "stateless_random_crop": lambda x: tf.image.stateless_random_crop(x, (2, 2, 1), seed=[1, 3]),
    "stateless_truncated_normal": lambda x: x + tf.random.stateless_truncated_normal((tf.shape(x)[0], 4, 3), [4, 2]),
    "stateless_uniform": lambda x: x * tf.random.stateless_uniform(tf.shape(x), [1, 2], minval=-1.0, maxval=3.0),
    "stateless_uniform_whole": lambda x: tf.random.stateless_uniform(tf.shape(x), [1, 2], maxval=5, dtype=tf.int32),
    "stateless_uniform_all": lambda x: tf.random.stateless_uniform(tf.shape(x), [1, 2], minval=None, dtype=tf.int64),
}


def weighted(outputs):
    """A sum in which neighbouring elements count differently: element `k` of an output has the factor `(5 k mod 7 + 1) / 4`."""
    outputs = [tf.reshape(tf.convert_to_tensor(output), [-1]) for output in outputs if output.dtype.is_floating]
    factors = [tf.constant((np.arange(output.shape[0]) * 5 % 7 + 1) / 4, output.dtype) for output in outputs]
    return tf.add_n([tf.cast(tf.reduce_sum(y * w), tf.float64) for y, w in zip(outputs, factors)]) if outputs else None


def main():
    x = np.round(seeded("x").uniform(-2, 2, (2, 4, 3)), 3).astype("float32")
    cases = []
    for name, function in CASES.items():
        keras.backend.clear_session()
        inputs = keras.Input((4, 3), name="x")
        model = keras.Model(inputs, function(inputs), name=name)
        text = model.to_json()
        # What a file says is run, as Keras reads it; it cannot read the type that it writes for `size`.
        model = model if name == "size" else keras.models.model_from_json(text)
        given = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(given)
            outputs = model(given)
            outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
            total = weighted(outputs)
        try:
            gradient = None if total is None else tape.gradient(total, given)
        except (LookupError, NotImplementedError):
            gradient = None
        case = {"name": name, "model": text, "outputs": [array(output) for output in outputs]}
        cases.append({**case, "gradient": None if gradient is None else array(gradient)["data"]})
        print("made", name, flush=True)
    with open(os.path.join(FOLDER, "keras2.json"), "w") as file:
        lines = ",\n".join(json.dumps(case) for case in cases)
        file.write('{"keras": %s, "x": %s, "cases": [\n%s\n]}\n' % (json.dumps(keras.__version__), json.dumps(array(x)), lines))


if __name__ == "__main__":
    main()
