"""Writes golden/operations/operations.json: models of Keras 3 whose layers are operations of `keras.ops`.

    <environment with TensorFlow 2.21.0, Keras 3.15.1>/bin/python golden/operations/make.py
"""

import importlib
import json
import os
import pkgutil
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, ".."))

import keras  # noqa: E402
import keras.src.ops  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers, ops  # noqa: E402
from keras.src.ops.operation import Operation  # noqa: E402

from arrays import array, seeded  # noqa: E402

TABLE = np.round(seeded("table").uniform(-1, 1, (4, 3)), 3)
ROW = np.round(seeded("row").uniform(0.2, 1, (3,)), 3).astype("float32")
COLUMN = np.round(seeded("column").uniform(0.2, 1, (4,)), 3).astype("float32")
KERNEL = np.round(seeded("kernel").uniform(-1, 1, (2, 3, 2)), 3).astype("float32")


def heads(x):
    """Three heads of depth 2."""
    return ops.stack([x, ops.sin(x)], axis=-1)


def square(x):
    """Matrices far from singular."""
    return x[:, :3] + 3 * np.eye(3, dtype="float32")


def positive(x):
    """Symmetric matrices whose eigenvalues are positive and apart."""
    return ops.matmul(ops.transpose(x, (0, 2, 1)), x) + np.diag([1.0, 2.0, 4.0]).astype("float32")


def whole(x):
    return ops.cast(x * 10, "int32")


def row(x):
    """Twelve numbers a sample."""
    return ops.reshape(x, (-1, 12))


TRANSFORM = np.float32([0.9, 0.1, 0.3, -0.1, 1.1, 0.2, 0, 0])
COORDINATES = np.float32([[0.5, 1.2, 2.9, -0.7], [0.1, 1.7, 0.4, 1.0]])
# Away from where Keras's mirror looks behind the last element.
FOLDED = np.float32([[0.5, 5.2, 6.1, -1.7], [0.1, 4.3, -1.5, 1.0]])
CORNERS = np.float32([[0, 0], [0, 3], [2, 0], [2, 3]])
MATRIX = np.round(seeded("matrix").uniform(-1, 1, (3, 2)), 3).astype("float32")

CASES = {
    # Constants beside tensors, and the types they meet in.
    "add_tensor": lambda x: x + tf.constant(TABLE, tf.float32),
    "add_column": lambda x: x + tf.range(4, dtype=tf.float32)[:, None],
    "add_float64": lambda x: x + TABLE,
    "float64_into_a_layer": lambda x: layers.Rescaling(2.0)(x + TABLE),
    "add_int64": lambda x: x + np.arange(3),
    "add_layer_with_a_tensor": lambda x: layers.Add()([x, tf.constant(TABLE[None], tf.float32)]),
    "int_and_float": lambda x: ops.cast(x, "int32") + 1.5,
    "int_and_array": lambda x: ops.cast(x, "int32") * np.float32([0.5, 1, 2]),
    "int_divided": lambda x: ops.cast(x, "int32") / 2,
    "int_and_tensor": lambda x: x + ops.cast(x, "int32"),
    "bool_and_float": lambda x: x * (x > 0),
    "exp_of_int": lambda x: ops.exp(ops.cast(x, "int32")),
    "mean_of_int": lambda x: ops.mean(ops.cast(x, "int32"), axis=1),
    "sum_of_bool": lambda x: ops.sum(x > 0, axis=1),
    "where_ints": lambda x: ops.where(x > 0, 1, 0),
    "where_array": lambda x: ops.where(np.array([True, False, True]), x, -1.0),
    # One element at a time.
    "arctan": ops.arctan,
    "arctan2": lambda x: ops.arctan2(x, x + 1),
    "cast": lambda x: ops.cast(x, "int64"),
    "celu": lambda x: ops.celu(x, 0.7),
    "elu": lambda x: ops.elu(x, 0.5),
    "full_like": lambda x: ops.full_like(x, 2.5),
    "gelu": ops.gelu,
    "glu": lambda x: ops.glu(x, axis=1),
    "hard_shrink": ops.hard_shrink,
    "hard_sigmoid": ops.hard_sigmoid,
    "hard_silu": ops.hard_silu,
    "hard_tanh": ops.hard_tanh,
    "isfinite": ops.isfinite,
    "log10": lambda x: ops.log10(ops.abs(x) + 1),
    "log2": lambda x: ops.log2(ops.abs(x) + 1),
    "logaddexp": lambda x: ops.logaddexp(x, x * 2),
    "logical_xor": lambda x: ops.logical_xor(x > 0, x > 1),
    "nan_to_num": lambda x: ops.nan_to_num(ops.log(x), nan=0.5),
    "ones_like": lambda x: ops.ones_like(x, dtype="int32"),
    "round": lambda x: ops.round(x, 1),
    "saturate_cast": lambda x: ops.saturate_cast(x * 200, "uint8"),
    "sinh": ops.sinh,
    "soft_shrink": ops.soft_shrink,
    "squareplus": ops.squareplus,
    "tanh_shrink": ops.tanh_shrink,
    "threshold": lambda x: ops.threshold(x, 0.5, -1.0),
    "trunc": ops.trunc,
    # Along axes.
    "argmax": lambda x: ops.argmax(x, axis=-1),
    "argmax_kept": lambda x: ops.argmax(x, axis=1, keepdims=True),
    "argmin_of_all": ops.argmin,
    "count_nonzero": lambda x: ops.count_nonzero(ops.relu(x), axis=1),
    "cumprod": lambda x: ops.cumprod(x, axis=1),
    "cumsum": lambda x: ops.cumsum(x, axis=2),
    "logsumexp": lambda x: ops.logsumexp(x, axis=-1),
    "logsumexp_kept": lambda x: ops.logsumexp(x, axis=(1, 2), keepdims=True),
    "max_initial": lambda x: ops.max(x, axis=1, initial=0.5),
    "moments": lambda x: ops.moments(x, axes=[1]),
    "norm": lambda x: ops.norm(x, axis=-1),
    "norm_1": lambda x: ops.norm(x, ord=1, axis=-1, keepdims=True),
    "norm_inf": lambda x: ops.norm(x, ord=np.inf, axis=1),
    "normalize": lambda x: ops.normalize(x, axis=-1),
    "std": lambda x: ops.std(x, axis=1),
    "var": lambda x: ops.var(x, axis=-1, keepdims=True),
    # Places.
    "append": lambda x: ops.append(x, x, axis=1),
    "argsort": lambda x: ops.argsort(x, axis=1),
    "average_pool": lambda x: ops.average_pool(x, 2),
    "expand_dims": lambda x: ops.expand_dims(x, (1, 3)),
    "hstack": lambda x: ops.hstack([x, x]),
    "max_pool": lambda x: ops.max_pool(x, 2, strides=1, padding="same"),
    "moveaxis": lambda x: ops.moveaxis(x, 1, 2),
    "one_hot": lambda x: ops.one_hot(ops.cast(ops.abs(x), "int32"), 3),
    "pad": lambda x: ops.pad(x, ((0, 0), (1, 2), (0, 0)), constant_values=3.0),
    "pad_reflect": lambda x: ops.pad(x, ((0, 0), (1, 1), (0, 0)), mode="reflect"),
    "ravel": ops.ravel,
    "repeat": lambda x: ops.repeat(x, 2, axis=1),
    "resize": lambda x: ops.image.resize(x[..., None], (6, 5)),
    "roll": lambda x: ops.roll(x, 1, axis=1),
    "sort": lambda x: ops.sort(x, axis=1),
    "split_at": lambda x: ops.split(x, [1, 3], axis=1),
    "split_even": lambda x: ops.split(x, 2, axis=1),
    "swapaxes": lambda x: ops.swapaxes(x, 1, 2),
    "take": lambda x: ops.take(x, np.array([0, -1]), axis=1),
    "take_along_axis": lambda x: ops.take_along_axis(x, ops.argsort(x, axis=1), axis=1),
    "take_of_all": lambda x: ops.take(x, [5, 0]),
    "top_k": lambda x: ops.top_k(x, 2),
    "tril": ops.tril,
    "triu": lambda x: ops.triu(x, k=1),
    # Products.
    "dot": lambda x: ops.dot(x, MATRIX),
    "einsum": lambda x: ops.einsum("bij,jk->bik", x, MATRIX),
    "einsum_batch": lambda x: ops.einsum("bij,bkj->bik", x, x),
    "einsum_dots": lambda x: ops.einsum("...ij,jk->...ik", x, MATRIX),
    "einsum_one": lambda x: ops.einsum("bij->bj", x),
    "matmul": lambda x: ops.matmul(x, MATRIX),
    "outer": lambda x: ops.outer(x, x),
    "tensordot": lambda x: ops.tensordot(x, MATRIX, axes=1),
    # Rarer ones of one element.
    "all_close": lambda x: ops.allclose(x, x + 1e-9) if hasattr(ops, "allclose") else ops.numpy.AllClose()(x, x + 1e-9),
    "cbrt": ops.cbrt,
    "conj": ops.conj,
    "deg2rad": ops.deg2rad,
    "erfinv": lambda x: ops.erfinv(ops.tanh(x)),
    "exp2": ops.exp2,
    "fabs": ops.fabs,
    "fmax": lambda x: ops.fmax(ops.log(x), 0.1),
    "fmin": lambda x: ops.fmin(ops.log(x), x),
    "fmod": lambda x: ops.fmod(x, 0.7),
    "heaviside": lambda x: ops.heaviside(ops.relu(x), x * 0 + 0.5),
    "hypot": lambda x: ops.hypot(x, x * 2),
    "isclose": lambda x: ops.isclose(x, x * 1.01, atol=0.005),
    "isclose_nan": lambda x: ops.isclose(ops.log(x), ops.log(x), equal_nan=True),
    "isneginf": lambda x: ops.isneginf(x / ops.relu(x)),
    "isposinf": lambda x: ops.isposinf(1 / ops.relu(x)),
    "logaddexp2": lambda x: ops.logaddexp2(x, x * 2),
    "rad2deg": ops.rad2deg,
    "real": ops.real,
    "sinc": lambda x: ops.sinc(ops.relu(x)),
    "sparse_plus": ops.sparse_plus,
    "sparse_sigmoid": ops.sparse_sigmoid,
    # Layers whose weights are all given.
    "batch_norm": lambda x: ops.batch_normalization(x, ROW, ROW ** 2 + 0.1, axis=-1, offset=ROW, scale=ROW + 1),
    "batch_norm_axis": lambda x: ops.batch_normalization(x, COLUMN, COLUMN ** 2 + 0.1, axis=1),
    "binary_crossentropy": lambda x: ops.binary_crossentropy(ops.cast(x > 0, "float32"), ops.sigmoid(x)),
    "binary_crossentropy_logits": lambda x: ops.binary_crossentropy(ops.cast(x > 0, "float32"), x, from_logits=True),
    "categorical_crossentropy": lambda x: ops.categorical_crossentropy(ops.cast(x > 0, "float32"), ops.softmax(x)),
    "categorical_crossentropy_logits": lambda x: ops.categorical_crossentropy(ops.softmax(x * 2), x, from_logits=True),
    "conv": lambda x: ops.conv(x, KERNEL),
    "conv_same": lambda x: ops.conv(x, KERNEL, strides=2, padding="same"),
    "conv_2d": lambda x: ops.conv(x[..., None], KERNEL[:, :, :1, None] * np.ones((1, 1, 1, 2), "float32"), padding="same"),
    "depthwise_conv": lambda x: ops.depthwise_conv(x, KERNEL),
    "separable_conv": lambda x: ops.separable_conv(x, KERNEL, np.ones((1, 6, 2), "float32") * 0.5),
    "attention": lambda x: ops.dot_product_attention(heads(x), heads(x * 2), heads(x)),
    "attention_causal": lambda x: ops.dot_product_attention(heads(x), heads(x), heads(x), is_causal=True, scale=0.3),
    "attention_mask": lambda x: ops.dot_product_attention(heads(x), heads(x), heads(x), mask=np.eye(4, dtype=bool)[None, None]),
    "layer_norm": lambda x: ops.layer_normalization(x, ROW, ROW),
    "layer_norm_axes": lambda x: ops.layer_normalization(x, axis=[1, 2], epsilon=0.1),
    "rms_norm": lambda x: ops.rms_normalization(x, ROW),
    "rms_norm_axis": lambda x: ops.rms_normalization(x, axis=1, epsilon=0.1),
    "sparsemax": ops.sparsemax,
    "sparsemax_axis": lambda x: ops.sparsemax(x, axis=1),
    # Of many elements.
    "average": lambda x: ops.average(x, axis=1),
    "average_weights": lambda x: ops.average(x, axis=1, weights=COLUMN + 2),
    "average_of_all": lambda x: ops.average(x),
    "diff": lambda x: ops.diff(x, axis=1),
    "diff_twice": lambda x: ops.diff(x, n=2, axis=1),
    "digitize": lambda x: ops.digitize(x, np.array([-1.0, 0.0, 1.0], "float32")),
    "fliplr": ops.fliplr,
    "flipud": ops.flipud,
    "inner": lambda x: ops.inner(x, ROW),
    "median": lambda x: ops.median(x, axis=1),
    "median_odd": lambda x: ops.median(x, axis=2, keepdims=True),
    "nanmax": lambda x: ops.nanmax(ops.log(x), axis=1),
    "nanmean": lambda x: ops.nanmean(ops.log(x), axis=1),
    "nanmin": lambda x: ops.nanmin(ops.log(x), axis=1, keepdims=True),
    "nanprod": lambda x: ops.nanprod(ops.log(x), axis=1),
    "nanstd": lambda x: ops.nanstd(ops.log(x), axis=1),
    "nansum": lambda x: ops.nansum(ops.log(x), axis=-1),
    "nanvar": lambda x: ops.nanvar(ops.log(x), axis=1, keepdims=True),
    "percentile": lambda x: ops.percentile(x, 30.0, axis=1),
    "ptp": lambda x: ops.ptp(x, axis=1),
    "quantile": lambda x: ops.quantile(x, 0.3, axis=1),
    "quantile_nearest": lambda x: ops.quantile(x, 0.4, axis=1, method="nearest", keepdims=True),
    "quantiles": lambda x: ops.quantile(x, [0.25, 0.5], axis=1),
    "searchsorted": lambda x: ops.searchsorted(np.array([-1.0, 0.0, 1.0], "float32"), ops.ravel(x), side="right"),
    "trapezoid": lambda x: ops.trapezoid(x, dx=0.5, axis=1),
    "vdot": lambda x: ops.vdot(x, x),
    # Matrices.
    "cholesky": lambda x: ops.cholesky(positive(x)),
    "cholesky_upper": lambda x: ops.cholesky(positive(x), upper=True),
    "cholesky_inverse": lambda x: ops.linalg.cholesky_inverse(ops.cholesky(positive(x))),
    "det": lambda x: ops.det(square(x)),
    "eigh": lambda x: ops.eigh(positive(x))[0],
    "eigh_vectors": lambda x: ops.eigh(positive(x)),
    "eigh_four": lambda x: ops.eigh(ops.matmul(x, ops.transpose(x, (0, 2, 1))) + np.diag(np.arange(4, dtype="float32"))),
    "inv": lambda x: ops.inv(square(x)),
    "logdet": lambda x: ops.logdet(positive(x)),
    "lstsq": lambda x: ops.lstsq(x[0], x[1]),
    "lstsq_cut": lambda x: ops.lstsq(x[0], x[1], rcond=0.3),
    "lstsq_vector": lambda x: ops.lstsq(x[0], x[1, :, 0]),
    "lstsq_wide": lambda x: ops.lstsq(ops.transpose(x[0]), x[1, :3]),
    "lu_factor": lambda x: ops.lu_factor(square(x)[0]),
    "matrix_rank": lambda x: ops.linalg.matrix_rank(x),
    "norm_nuclear": lambda x: ops.norm(x, ord="nuc", axis=(1, 2)),
    "norm_spectral": lambda x: ops.norm(x, ord=2, axis=(1, 2)),
    "norm_fro": lambda x: ops.norm(x, ord="fro", axis=(1, 2)),
    "norm_columns": lambda x: ops.norm(x, ord=1, axis=(1, 2), keepdims=True),
    "norm_rows": lambda x: ops.norm(x, ord=np.inf, axis=(1, 2)),
    "norm_3": lambda x: ops.norm(x, ord=3, axis=1),
    "norm_0": lambda x: ops.norm(x, ord=0, axis=1),
    "norm_least": lambda x: ops.norm(x, ord=-np.inf, axis=1),
    "normalize_1": lambda x: ops.normalize(x, axis=-1, order=1),
    "normalize_3": lambda x: ops.normalize(x, axis=-1, order=3),
    "pinv": ops.pinv,
    "pinv_cut": lambda x: ops.pinv(x, rcond=0.5),
    "qr": lambda x: ops.qr(x),
    "qr_wide": lambda x: ops.qr(ops.transpose(x, (0, 2, 1))),
    "qr_complete": lambda x: ops.qr(x, mode="complete")[1],
    "slogdet": lambda x: ops.slogdet(square(x)),
    "solve": lambda x: ops.solve(square(x), x[:, :3]),
    "solve_triangular": lambda x: ops.solve_triangular(square(x), x[:, :3]),
    "solve_triangular_lower": lambda x: ops.solve_triangular(square(x), x[:, :3], lower=True),
    "svd": lambda x: ops.svd(x, compute_uv=False),
    "svd_full": lambda x: ops.svd(x),
    "svd_square": lambda x: ops.svd(x[:, :3]),
    "svd_vectors": lambda x: ops.svd(x, full_matrices=False),
    "svd_wide": lambda x: ops.svd(ops.transpose(x, (0, 2, 1)), full_matrices=False),
    "svd_wide_by_two": lambda x: ops.svd(x[:, :1, :], full_matrices=True),
    "trace": lambda x: ops.trace(x, offset=1, axis1=1, axis2=2),
    "diagonal": lambda x: ops.diagonal(x, axis1=1, axis2=2),
    "diagonal_below": lambda x: ops.diagonal(x, offset=-1, axis1=2, axis2=1),
    "diag": lambda x: ops.diag(x[0, 0], k=1),
    "diag_of_matrix": lambda x: ops.diag(x[0], k=-1),
    "diagflat": lambda x: ops.diagflat(x[0], k=1),
    "cdist": lambda x: ops.cdist(x, x * 2 + 1),
    "corrcoef": lambda x: ops.corrcoef(ops.reshape(x, (6, 4))),
    "correlate": lambda x: ops.correlate(x[0, :, 0], COLUMN[:2]),
    "correlate_same": lambda x: ops.correlate(x[0, :, 0], COLUMN[:3], mode="same"),
    "correlate_full": lambda x: ops.correlate(x[0, :, 0], COLUMN[:2], mode="full"),
    "cross": lambda x: ops.cross(x, ROW),
    "cross_axis": lambda x: ops.cross(x[:, :3], x[:, 1:4] * 2, axis=1),
    "kron": lambda x: ops.kron(x[0], MATRIX),
    "vander": lambda x: ops.vander(x[0, 0]),
    "vander_up": lambda x: ops.vander(x[0, 0], N=4, increasing=True),
    # Pieces.
    "array_split": lambda x: ops.array_split(x, 3, axis=1),
    "dsplit": lambda x: ops.dsplit(x, 3),
    "dstack": lambda x: ops.dstack([x, x * 2]),
    "dstack_rows": lambda x: ops.dstack([x[0, 0], x[0, 1]]),
    "hsplit": lambda x: ops.hsplit(x, [1, 3]),
    "vsplit": lambda x: ops.vsplit(x[0], 2),
    "empty_like": lambda x: ops.zeros_like(ops.empty_like(x)),
    "full": lambda x: ops.full((2, 3), x[0, 0, 0]),
    "geomspace": lambda x: ops.geomspace(ops.abs(x) + 1, ops.abs(x) + 3, num=4),
    "linspace": lambda x: ops.linspace(x, x + 2, num=5),
    "linspace_open": lambda x: ops.linspace(x, 2.0, num=4, endpoint=False, axis=-1),
    "logspace": lambda x: ops.logspace(x, x + 1, num=3, base=2),
    "meshgrid": lambda x: ops.meshgrid(x[0, 0], x[0, :, 0]),
    "meshgrid_ij": lambda x: ops.meshgrid(x[0, 0], x[0, :, 0], x[0, 1], indexing="ij"),
    "rot90": lambda x: ops.rot90(x, axes=(1, 2)),
    "rot90_thrice": lambda x: ops.rot90(x, k=3, axes=(2, 1)),
    "rot90_twice": lambda x: ops.rot90(x, k=2),
    "scatter": lambda x: ops.scatter(np.array([[0], [2], [0]]), x[0, :3], (4, 3)),
    "scatter_update": lambda x: ops.scatter_update(x, np.array([[0, 1], [1, 2]]), np.ones((2, 3), "float32")),
    "scatter_update_add": lambda x: ops.scatter_update(x, np.array([[0, 1], [0, 1]]), x[:, 0], reduction="add"),
    "scatter_update_max": lambda x: ops.scatter_update(x, np.array([[0, 1], [0, 2]]), x[:, 0], reduction="max"),
    "scatter_update_min": lambda x: ops.scatter_update(x, np.array([[0, 1], [0, 2]]), x[:, 0], reduction="min"),
    "scatter_update_mul": lambda x: ops.scatter_update(x, np.array([[0, 1], [1, 2]]), x[:, 0], reduction="mul"),
    "segment_max": lambda x: ops.segment_max(x[0], np.array([0, 2, 0, 2]), num_segments=3),
    "segment_min": lambda x: ops.segment_min(x[0], np.array([0, 0, 1, 1]), num_segments=2),
    "segment_prod": lambda x: ops.segment_prod(x[0], np.array([0, 2, 0, 2]), num_segments=3),
    "segment_sum": lambda x: ops.segment_sum(x[0], np.array([0, 2, 0, 2]), num_segments=3),
    "select": lambda x: ops.select([x > 1, x > 0], [x, x * 2], 0.5),
    "slice_update": lambda x: ops.slice_update(x, [0, 1, 0], x[:, :1] * 3),
    "unravel_index": lambda x: ops.unravel_index(ops.cast(ops.abs(x) * 3, "int32"), (3, 4)),
    # What is not a number left out.
    "nanargmax": lambda x: ops.nanargmax(ops.log(x), axis=1),
    "nanargmin": lambda x: ops.nanargmin(ops.log(x), axis=1, keepdims=True),
    "nancumprod": lambda x: ops.nancumprod(ops.log(x), axis=1),
    "nancumsum": lambda x: ops.nancumsum(ops.log(x), axis=1),
    "nanmedian": lambda x: ops.nanmedian(ops.log(x), axis=1),
    "nanpercentile": lambda x: ops.nanpercentile(ops.log(x), 30.0, axis=1, keepdims=True),
    "nanquantile": lambda x: ops.nanquantile(ops.log(x), 0.3, axis=1),
    "in_top_k": lambda x: ops.in_top_k(ops.cast(ops.abs(x[:, 0, 0]), "int32"), x[:, :, 1], 2),
    "isin": lambda x: ops.isin(ops.cast(x, "int32"), np.array([1, -1])),
    "isin_not": lambda x: ops.isin(ops.cast(x, "int32"), np.array([1, -1]), invert=True),
    "multi_hot": lambda x: ops.multi_hot(ops.cast(ops.abs(x), "int32"), 3),
    # Windows and images.
    "affine_transform": lambda x: ops.image.affine_transform(x[..., None], TRANSFORM, fill_value=0.5),
    "affine_transform_nearest": lambda x: ops.image.affine_transform(x[..., None], TRANSFORM, "nearest", "reflect"),
    "crop_images": lambda x: ops.image.crop_images(x[..., None], top_cropping=1, left_cropping=1, target_height=2, target_width=1),
    "depth_to_space": lambda x: ops.depth_to_space(ops.reshape(x, (-1, 1, 3, 4)), 2),
    "space_to_depth": lambda x: ops.space_to_depth(ops.reshape(x, (-1, 2, 2, 3)), 2),
    "extract_patches": lambda x: ops.image.extract_patches(x[..., None], (2, 2), strides=1, padding="same"),
    "extract_patches_dilated": lambda x: ops.image.extract_patches(x[..., None], (2, 2), strides=1, dilation_rate=2),
    "extract_sequences": lambda x: ops.extract_sequences(x, 2, 1),
    "fold": lambda x: ops.fold(ops.reshape(x, (-1, 4, 3)), (2, 4), (2, 2)),
    "unfold": lambda x: ops.unfold(ops.reshape(x, (-1, 1, 4, 3)), 2, padding=1),
    "elastic_transform": lambda x: ops.image.elastic_transform(x[..., None], alpha=2.0, sigma=1.2, seed=7),
    "elastic_transform_constant": lambda x: ops.image.elastic_transform(x[..., None], 3.0, 2.5, fill_mode="constant", fill_value=0.5, seed=8),
    "elastic_transform_nearest": lambda x: ops.image.elastic_transform(x[:, None], 3.0, 1.0, "nearest", "wrap", seed=9, data_format="channels_first"),
    "gaussian_blur": lambda x: ops.image.gaussian_blur(x[..., None], (3, 3), (1.0, 0.5)),
    "hsv_to_rgb": lambda x: ops.image.hsv_to_rgb(ops.sigmoid(x)[:, :, None]),
    "rgb_to_hsv": lambda x: ops.image.rgb_to_hsv(ops.sigmoid(x)[:, :, None]),
    "rgb_to_grayscale": lambda x: ops.image.rgb_to_grayscale(ops.sigmoid(x)[:, :, None]),
    "map_coordinates": lambda x: ops.image.map_coordinates(x[0], COORDINATES, 1),
    "map_coordinates_mirror": lambda x: ops.image.map_coordinates(x[0], FOLDED, 1, fill_mode="mirror"),
    "map_coordinates_reflect": lambda x: ops.image.map_coordinates(x[0], COORDINATES * 4.0 - 2.0, 1, fill_mode="reflect"),
    "map_coordinates_wrap": lambda x: ops.image.map_coordinates(x[0], COORDINATES * 3.0, 1, fill_mode="wrap"),
    "map_coordinates_nearest": lambda x: ops.image.map_coordinates(x[0], COORDINATES, 0, fill_mode="nearest"),
    "pad_images": lambda x: ops.image.pad_images(x[..., None], top_padding=1, left_padding=2, target_height=6, target_width=6),
    "perspective_transform": lambda x: ops.image.perspective_transform(x[..., None], CORNERS, CORNERS + [[0, 1], [0, 0], [1, 0], [0, 0]]),
    "psnr": lambda x: ops.psnr(x, x * 0.9, 2.0),
    "sobel_edges": lambda x: ops.image.sobel_edges(x[..., None]),
    "ssim": lambda x: ops.image.ssim(ops.sigmoid(x)[..., None], ops.sigmoid(x * 1.1)[..., None], filter_size=3),
    "ctc_loss": lambda x: ops.ctc_loss(
        ops.cast(ops.abs(x[:, :2, 0]), "int32") + 1, x, ops.cast(x[:, 0, 0] * 0 + 1, "int32"), ops.cast(x[:, 0, 0] * 0 + 3, "int32")
    ),
    "sparse_categorical_crossentropy": lambda x: ops.sparse_categorical_crossentropy(ops.cast(ops.abs(x[..., 0]), "int32"), ops.softmax(x)),
    "sparse_categorical_crossentropy_logits": lambda x: ops.sparse_categorical_crossentropy(
        ops.cast(ops.abs(x[..., 0]), "int32"), x, from_logits=True
    ),
    # Fourier transforms and complex numbers.
    "angle": ops.angle,
    "fft": lambda x: ops.fft((x, x * x)),
    "fft2": lambda x: ops.fft2((x, x * x)),
    "ifft2": lambda x: ops.ifft2((x, x * x)),
    "imag": ops.imag,
    "irfft": lambda x: ops.irfft((x, x * x)),
    "irfft_length": lambda x: ops.irfft((x, x * x), 7),
    "isreal": ops.isreal,
    "istft": lambda x: ops.istft(ops.stft(row(x), 4, 2, 6), 4, 2, 6),
    "istft_length": lambda x: ops.istft(ops.stft(row(x), 4, 2, 4, "hamming", False), 4, 2, 4, 9, "hamming", False),
    "polar_abs": lambda x: ops.abs(ops.nn.polar(x, x * 2)),
    "polar_angle": lambda x: ops.angle(ops.nn.polar(x, x * 2)),
    "polar_conj": lambda x: ops.imag(ops.conj(ops.nn.polar(x, x * 2))),
    "polar_product": lambda x: ops.real(ops.nn.polar(x, x) * ops.nn.polar(x, x * 2)),
    "polar_isreal": lambda x: ops.isreal(ops.nn.polar(x, x * 0)),
    "rfft": ops.rfft,
    "rfft_length": lambda x: ops.rfft(x, 5),
    "rfft_short": lambda x: ops.rfft(row(x), 7),
    "stft": lambda x: ops.stft(row(x), 4, 2, 6),
    "stft_plain": lambda x: ops.stft(row(x), 4, 3, 5, None, False),
    "view_as_real": lambda x: ops.view_as_real(ops.nn.polar(x, x * 2)),
    # Rarer ones of whole numbers and of bits.
    "gcd": lambda x: ops.gcd(whole(x), 12),
    "gcd_tensors": lambda x: ops.gcd(whole(x), whole(x * 2 + 1)),
    "i0": lambda x: ops.i0(x * 3),
    "lcm": lambda x: ops.lcm(whole(x), 4),
    "lcm_tensors": lambda x: ops.lcm(whole(x), whole(x * 2 + 1)),
    "nextafter": lambda x: ops.nextafter(x, x + 1),
    "nextafter_double": lambda x: ops.nextafter(ops.cast(x, "float64"), ops.cast(x * 0, "float64")),
    "view": lambda x: ops.view(x, "int32"),
    "view_larger": lambda x: ops.view(whole(x[:, :, :2]), "int64"),
    "view_smaller": lambda x: ops.view(x, "int16"),
    # What values say.
    "argpartition": lambda x: ops.argpartition(x[0, :, 0] * 9, 1),
    "argpartition_of_all": lambda x: ops.argpartition(ops.abs(x) * 9, 4, axis=None),
    "bincount": lambda x: ops.bincount(ops.cast(ops.abs(x[:, :, 0]), "int32"), minlength=4),
    "bincount_vector": lambda x: ops.bincount(ops.cast(ops.abs(x[0, :, 0]), "int32")),
    "bincount_weights": lambda x: ops.bincount(ops.cast(ops.abs(x[0, :, 0]), "int32"), weights=[0.5, 1.0, 2.0, 0.25]),
    "nonzero": lambda x: ops.nonzero(ops.relu(x)),
    "unique": lambda x: ops.unique(ops.cast(x, "int32")),
    "unique_all": lambda x: ops.unique(ops.cast(x, "int32"), return_index=True, return_inverse=True, return_counts=True),
    "unique_plain": lambda x: ops.unique(ops.cast(x[0], "int32"), sorted=False, return_counts=True, axis=1),
    "unique_sized": lambda x: ops.unique(ops.cast(x, "int32"), return_index=True, return_counts=True, size=7, fill_value=-9),
    "unique_cut": lambda x: ops.unique(ops.cast(x, "int32"), size=2),
    "ctc_decode": lambda x: ops.ctc_decode(x, ops.cast(x[:, 0, 0] * 0 + 4, "int32")),
    "ctc_decode_repeated": lambda x: ops.ctc_decode(x, ops.cast(x[:, 0, 0] * 0 + 3, "int32"), merge_repeated=False, mask_index=-1),
    "ctc_decode_beams": lambda x: ops.ctc_decode(x, ops.cast(x[:, 0, 0] * 0 + 4, "int32"), "beam_search", 5, 3),
    "rearrange": lambda x: ops.rearrange(x, "b h c -> b (h c)"),
    "rearrange_parts": lambda x: ops.rearrange(x, "b (h a) c -> (b a) c h", a=2),
    "scale_and_translate": lambda x: ops.image.scale_and_translate(x[0], (6, 5), np.float32([1.5, 1.2]), np.float32([0.3, -0.2]), (0, 1), "linear"),
    "scale_and_translate_cubic": lambda x: ops.image.scale_and_translate(x[0], (3, 5), np.float32([0.7]), np.float32([0.3]), (0,), "cubic"),
    "scale_and_translate_lanczos": lambda x: ops.image.scale_and_translate(
        x[0], (6, 2), np.float32([1.5, 0.6]), np.float32([0.3, -0.2]), (-2, -1), "lanczos3", antialias=False
    ),
    # Bits of whole numbers.
    "bitwise_and": lambda x: ops.bitwise_and(whole(x), np.array([6, 5, 3], "int32")),
    "bitwise_invert": lambda x: ops.bitwise_invert(whole(x)),
    "bitwise_left_shift": lambda x: ops.bitwise_left_shift(whole(x), 2),
    "bitwise_not": lambda x: ops.bitwise_not(whole(x)),
    "bitwise_or": lambda x: ops.bitwise_or(whole(x), ops.cast(x, "int32")),
    "bitwise_right_shift": lambda x: ops.bitwise_right_shift(whole(x), 1),
    "bitwise_xor": lambda x: ops.bitwise_xor(whole(x), np.array([6, 5, 3], "int32")),
    "left_shift": lambda x: ops.left_shift(whole(x), ops.cast(ops.abs(x), "int32")),
    "right_shift": lambda x: ops.right_shift(whole(x), 1),
    "ldexp": lambda x: ops.ldexp(x, whole(x)),
    "signbit": lambda x: ops.signbit(x),
    # What TensorFlow has too.
    "absolute": ops.abs,
    "all": lambda x: ops.all(x > -1, axis=-1),
    "amax": lambda x: ops.amax(x, axis=1),
    "amin": lambda x: ops.amin(x, axis=1, keepdims=True),
    "any": lambda x: ops.any(ops.not_equal(x, 0), axis=-1),
    "argmin_axis": lambda x: ops.argmin(x, axis=-1),
    "elu_plain": ops.elu,
    "round_whole": ops.round,
    "arccos": lambda x: ops.arccos(ops.tanh(x)),
    "arccosh": lambda x: ops.arccosh(ops.abs(x) + 1),
    "arcsin": lambda x: ops.arcsin(ops.tanh(x)),
    "arcsinh": ops.arcsinh,
    "arctanh": lambda x: ops.arctanh(ops.tanh(x)),
    "broadcast_to": lambda x: ops.broadcast_to(x[:, None, :1, :1], (2, 2, 1, 3)),
    "ceil": ops.ceil,
    "clip": lambda x: ops.clip(x, -0.5, 1),
    "concatenate": lambda x: ops.concatenate([x, x * 2], axis=-1),
    "copy": ops.copy,
    "cos": ops.cos,
    "cosh": ops.cosh,
    "divide_no_nan": lambda x: ops.divide_no_nan(x, ops.relu(x)),
    "equal": lambda x: ops.equal(ops.cast(x, "int32"), 1),
    "erf": ops.erf,
    "erfc": lambda x: ops.erfc(x),
    "exp": ops.exp,
    "expm1": ops.expm1,
    "flip": lambda x: ops.flip(x, axis=1),
    "floor": ops.floor,
    "floor_divide": lambda x: x // 0.7,
    "get_item": lambda x: x[:, 1:3, ::2],
    "get_item_at": lambda x: x[:, -1],
    "get_item_new": lambda x: x[..., None],
    "greater_equal": lambda x: x >= 0.5,
    "isinf": lambda x: ops.isinf(x / ops.relu(x)),
    "isnan": lambda x: ops.isnan(ops.log(x)),
    "leaky_relu": ops.leaky_relu,
    "less": lambda x: x < 0.5,
    "less_equal": lambda x: ops.cast(x, "int32") <= 1,
    "log1p": lambda x: ops.log1p(ops.abs(x)),
    "log_sigmoid": ops.log_sigmoid,
    "log_softmax": ops.log_softmax,
    "logical_and": lambda x: ops.logical_and(x > 0, ops.cast(x, "int32")),
    "logical_not": lambda x: ops.logical_not(x > 0),
    "logical_or": lambda x: ops.logical_or(x < 0, x > 1),
    "maximum": lambda x: ops.maximum(x, 0.25),
    "max_axis": lambda x: ops.max(x, axis=1),
    "min_axis": lambda x: ops.min(x, axis=1),
    "minimum": lambda x: ops.minimum(x, x * x),
    "mod": lambda x: x % 0.7,
    "negative": lambda x: -x,
    "normalize_axis": lambda x: ops.normalize(x, axis=1),
    "ones_like_float": ops.ones_like,
    "power": lambda x: ops.power(ops.abs(x), 1.5),
    "prod": lambda x: ops.prod(x, axis=1),
    "reciprocal": ops.reciprocal,
    "relu": ops.relu,
    "relu6": lambda x: ops.relu6(x * 9),
    "reshape": lambda x: ops.reshape(x, (-1, 3, 4)),
    "rsqrt": lambda x: ops.rsqrt(ops.abs(x) + 1),
    "selu": ops.selu,
    "sigmoid": ops.sigmoid,
    "sign": ops.sign,
    "silu": ops.silu,
    "sin": ops.sin,
    "size": ops.size,
    "slice": lambda x: ops.slice(x, [0, 1, 0], [2, 2, 3]),
    "softmax": ops.softmax,
    "softplus": ops.softplus,
    "softsign": ops.softsign,
    "sqrt": lambda x: ops.sqrt(ops.abs(x)),
    "square": ops.square,
    "squeeze": lambda x: ops.squeeze(ops.expand_dims(x, 1), 1),
    "stack": lambda x: ops.stack([x, x * 2], axis=1),
    "stop_gradient": ops.stop_gradient,
    "subtract": lambda x: 1 - x,
    "sum_axis": lambda x: ops.sum(x, axis=(1, 2)),
    "take_one": lambda x: ops.take(x, 2, axis=2),
    "tan": ops.tan,
    "tanh": ops.tanh,
    "tile": lambda x: ops.tile(x, (1, 2, 1)),
    "transpose": lambda x: ops.transpose(x, (0, 2, 1)),
    "true_divide": lambda x: x / 3,
    "unstack": lambda x: ops.unstack(x, axis=1),
    "zeros_like": ops.zeros_like,
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
        keras.utils.clear_session()
        # Keras 3.15 rearranges batches of known size alone.
        inputs = keras.Input(batch_shape=(2 if name.startswith("rearrange") else None, 4, 3), name="x")
        text = keras.Model(inputs, function(inputs), name=name).to_json()
        # What a file says is run, as Keras reads it.
        model, given = keras.models.model_from_json(text), tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(given)
            outputs = model(given)
            outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
            total = weighted(outputs)
        try:
            gradient = None if total is None else tape.gradient(total, given)
        # TensorFlow has none for some, and fails at that of transforms that are shorter than what they are of.
        except (LookupError, NotImplementedError, tf.errors.InvalidArgumentError):
            gradient = None
        case = {"name": name, "model": text, "outputs": [array(output) for output in outputs]}
        cases.append({**case, "gradient": None if gradient is None else array(gradient)["data"]})
        print("made", name, flush=True)
    with open(os.path.join(FOLDER, "operations.json"), "w") as file:
        lines = ",\n".join(json.dumps(case) for case in cases)
        file.write('{"keras": %s, "x": %s, "cases": [\n%s\n]}\n' % (json.dumps(keras.__version__), json.dumps(array(x)), lines))


def classes():
    """Every class of operations that Keras has, by module."""
    found = {}
    for module in pkgutil.iter_modules(keras.src.ops.__path__):
        if not module.name.endswith("_test"):
            members = vars(importlib.import_module(f"keras.src.ops.{module.name}")).values()
            own = [c.__name__ for c in members if isinstance(c, type) and issubclass(c, Operation) and c.__module__.endswith("." + module.name)]
            found.update({module.name: sorted(set(own) - {"Operation"})} if set(own) - {"Operation"} else {})
    with open(os.path.join(FOLDER, "classes.json"), "w") as file:
        json.dump(found, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
    classes()
