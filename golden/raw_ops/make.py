"""Writes golden/raw_ops/raw_ops.json: operations of TensorFlow by name, what they give, and the gradients.

    <environment with TensorFlow 2.15.1, Keras 2.15.0>/bin/python golden/raw_ops/make.py
"""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, ".."))

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

import arrays  # noqa: E402


def numbers(*shape, low=-2.0, high=2.0):
    return np.round(arrays.seeded("raw_ops", *shape).uniform(low, high, shape), 3).astype("float32")


def pairs(*shape):
    return (numbers(*shape) + 1j * numbers(2, *shape)[0]).astype("complex64")


def array(value):
    """Complex numbers are written as pairs."""
    value = np.asarray(value.numpy() if hasattr(value, "numpy") else value)
    if value.dtype.kind != "c":
        return arrays.array(value)
    parts = np.stack([value.real, value.imag], -1)
    return {**arrays.array(parts), "dtype": value.dtype.name, "shape": list(value.shape)}


X = numbers(2, 3, 4)
IDS = np.int32([0, 0, 2])
PLACES = np.int64([[0, 1], [2, 0], [2, 3], [3, 2]])
VALUES = np.float32([1.5, -2.0, 0.25, 3.0])
BOXES = np.float32([[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, -0.1, 1, 0.9], [0, 10, 1, 11], [0, 10.1, 1, 11.1], [0, 100, 1, 101]])
SCORES = np.float32([0.9, 0.75, 0.6, 0.95, 0.5, 0.3])
TEXTS = np.array([[b"ab cd", b"", b"x"], ["größe".encode(), b"ab,cd;;e", b"-12"]])
INPUTS = {"boxes": BOXES, "scores": SCORES, "max_output_size": np.int32(3)}
LIMITS = {"iou_threshold": np.float32(0.5), "score_threshold": np.float32(0.35)}
SPARSE = {"indices": PLACES, "values": VALUES, "dense_shape": np.int64([6, 4])}
LOGITS = numbers(5, 2, 4)
LENGTHS = np.int32([5, 3])

KEY = {"key": np.uint64([0x3A1B2C3D4E5F6]), "counter": np.uint64([77, 3])}

# The operation, its inputs by name, its attributes.
CASES = {
    # Fourier transforms and complex numbers.
    "complex": ("Complex", {"real": numbers(2, 3), "imag": numbers(3)}, {"Tout": tf.complex64}),
    "real": ("Real", {"input": pairs(2, 3)}, {"Tout": tf.float32}),
    "imag": ("Imag", {"input": pairs(2, 3)}, {"Tout": tf.float32}),
    "complex_abs": ("ComplexAbs", {"x": pairs(2, 3)}, {"Tout": tf.float32}),
    "angle": ("Angle", {"input": pairs(2, 3)}, {"Tout": tf.float32}),
    "conj": ("Conj", {"input": pairs(2, 3)}, {}),
    "complex_add": ("AddV2", {"x": pairs(2, 3), "y": pairs(3)}, {}),
    "complex_sub": ("Sub", {"x": pairs(2, 3), "y": pairs(3)}, {}),
    "complex_mul": ("Mul", {"x": pairs(2, 3), "y": pairs(3)}, {}),
    "complex_div": ("RealDiv", {"x": pairs(2, 3), "y": pairs(3)}, {}),
    "complex_neg": ("Neg", {"x": pairs(2, 3)}, {}),
    "fft": ("FFT", {"input": pairs(2, 6)}, {}),
    "fft2d": ("FFT2D", {"input": pairs(2, 3, 4)}, {}),
    "fft3d": ("FFT3D", {"input": pairs(2, 3, 4, 5)}, {}),
    "ifft": ("IFFT", {"input": pairs(2, 7)}, {}),
    "ifft2d": ("IFFT2D", {"input": pairs(2, 3, 4)}, {}),
    "ifft3d": ("IFFT3D", {"input": pairs(2, 3, 4, 5)}, {}),
    "rfft": ("RFFT", {"input": numbers(2, 8), "fft_length": np.int32([8])}, {"Tcomplex": tf.complex64}),
    "rfft_odd": ("RFFT", {"input": numbers(2, 7), "fft_length": np.int32([7])}, {"Tcomplex": tf.complex64}),
    "rfft2d": ("RFFT2D", {"input": numbers(2, 4, 6), "fft_length": np.int32([4, 6])}, {"Tcomplex": tf.complex64}),
    "rfft3d": ("RFFT3D", {"input": numbers(2, 2, 3, 4), "fft_length": np.int32([2, 3, 4])}, {"Tcomplex": tf.complex64}),
    "irfft": ("IRFFT", {"input": pairs(2, 5), "fft_length": np.int32([8])}, {"Treal": tf.float32}),
    "irfft_odd": ("IRFFT", {"input": pairs(2, 5), "fft_length": np.int32([9])}, {"Treal": tf.float32}),
    "irfft2d": ("IRFFT2D", {"input": pairs(2, 4, 3), "fft_length": np.int32([4, 4])}, {"Treal": tf.float32}),
    "irfft3d": ("IRFFT3D", {"input": pairs(2, 2, 3, 3), "fft_length": np.int32([2, 3, 4])}, {"Treal": tf.float32}),
    # One number, or two.
    "lgamma": ("Lgamma", {"x": numbers(3, 4) + np.float32(0.1)}, {}),
    "digamma": ("Digamma", {"x": numbers(3, 4) + np.float32(0.0005)}, {}),
    "bessel_i0": ("BesselI0", {"x": numbers(3, 4) * 20}, {}),
    "bessel_i0e": ("BesselI0e", {"x": numbers(3, 4) * 20}, {}),
    "bessel_i1": ("BesselI1", {"x": numbers(3, 4) * 9}, {}),
    "bessel_i1e": ("BesselI1e", {"x": numbers(3, 4) * 20}, {}),
    "erfinv": ("Erfinv", {"x": np.tanh(numbers(3, 4))}, {}),
    "ndtri": ("Ndtri", {"x": np.tanh(numbers(3, 4)) / 2 + np.float32(0.5)}, {}),
    "xlogy": ("Xlogy", {"x": np.maximum(numbers(3, 4), 0), "y": np.abs(numbers(4))}, {}),
    "xlog1py": ("Xlog1py", {"x": np.maximum(numbers(3, 4), 0), "y": np.abs(numbers(4))}, {}),
    "xdivy": ("Xdivy", {"x": np.maximum(numbers(3, 4), 0), "y": numbers(4)}, {}),
    "mul_no_nan": ("MulNoNan", {"x": np.log(numbers(3, 4)), "y": np.float32(numbers(3, 4) > 0)}, {}),
    "next_after": ("NextAfter", {"x1": numbers(3, 4), "x2": numbers(4)}, {}),
    "bitcast": ("Bitcast", {"input": numbers(3, 4)}, {"type": tf.int32}),
    "bitcast_smaller": ("Bitcast", {"input": numbers(3, 4)}, {"type": tf.uint8}),
    "bitcast_larger": ("Bitcast", {"input": numbers(3, 2)}, {"type": tf.int64}),
    # Matrices.
    "svd_full": ("Svd", {"input": numbers(2, 4, 3)}, {"compute_uv": True, "full_matrices": True}),
    "svd_thin": ("Svd", {"input": numbers(2, 3, 5)}, {"compute_uv": True, "full_matrices": False}),
    "svd_rank_one": ("Svd", {"input": np.outer(numbers(4), numbers(3)).astype("float32")[None, :, :1]}, {"compute_uv": True, "full_matrices": False}),
    "eigh": ("SelfAdjointEigV2", {"input": numbers(2, 5, 5) + np.swapaxes(numbers(2, 5, 5), 1, 2)}, {"compute_v": True}),
    "qr_wide": ("Qr", {"input": numbers(2, 3, 5)}, {"full_matrices": False}),
    "matrix_band_part": ("MatrixBandPart", {"input": numbers(2, 4, 5), "num_lower": np.int32(1), "num_upper": np.int32(2)}, {}),
    "matrix_band_part_below": ("MatrixBandPart", {"input": numbers(2, 4, 5), "num_lower": np.int32(-1), "num_upper": np.int32(0)}, {}),
    "matrix_diag": ("MatrixDiag", {"diagonal": numbers(2, 3)}, {}),
    "matrix_diag_v2": ("MatrixDiagV2", {"diagonal": numbers(2, 3), "k": np.int32(1), "num_rows": np.int32(-1), "num_cols": np.int32(-1), "padding_value": np.float32(9)}, {}),
    "matrix_diag_v3": ("MatrixDiagV3", {"diagonal": numbers(2, 3, 3), "k": np.int32([-1, 1]), "num_rows": np.int32(3), "num_cols": np.int32(4), "padding_value": np.float32(9)}, {}),
    "matrix_diag_part": ("MatrixDiagPart", {"input": numbers(2, 4, 3)}, {}),
    "matrix_diag_part_v2": ("MatrixDiagPartV2", {"input": numbers(2, 4, 3), "k": np.int32(1), "padding_value": np.float32(9)}, {}),
    "matrix_diag_part_v3": ("MatrixDiagPartV3", {"input": numbers(2, 3, 5), "k": np.int32([-1, 3]), "padding_value": np.float32(9)}, {"align": "LEFT_RIGHT"}),
    "matrix_set_diag": ("MatrixSetDiag", {"input": numbers(2, 3, 4), "diagonal": numbers(2, 3)}, {}),
    "matrix_set_diag_v2": ("MatrixSetDiagV2", {"input": numbers(2, 3, 4), "diagonal": numbers(2, 2), "k": np.int32(-1)}, {}),
    "matrix_set_diag_v3": ("MatrixSetDiagV3", {"input": numbers(2, 3, 4), "diagonal": numbers(2, 3, 3), "k": np.int32([-1, 1])}, {}),
    "diag": ("Diag", {"diagonal": numbers(2, 2)}, {}),
    "diag_part": ("DiagPart", {"input": numbers(2, 3, 2, 3)}, {}),
    # Moves.
    "roll": ("Roll", {"input": X, "shift": np.int32([1, -2, 5]), "axis": np.int32([0, 2, 2])}, {}),
    "reverse_sequence": ("ReverseSequence", {"input": X, "seq_lengths": np.int32([2, 3])}, {"seq_dim": 1}),
    "dynamic_partition": ("DynamicPartition", {"data": numbers(5, 2), "partitions": np.int32([1, 0, 1, 2, 1])}, {"num_partitions": 4}),
    "dynamic_stitch": ("DynamicStitch", {"indices": [np.int32([4, 0]), np.int32([[2, 1], [4, 6]])], "data": [numbers(2, 3), numbers(2, 2, 3)]}, {}),
    "parallel_dynamic_stitch": ("ParallelDynamicStitch", {"indices": [np.int32(1), np.int32([0, 2])], "data": [numbers(3), numbers(2, 3)]}, {}),
    "unique_with_counts": ("UniqueWithCounts", {"x": np.array([b"b", b"a", b"b", b"c"])}, {"out_idx": tf.int64}),
    "list_diff": ("ListDiff", {"x": np.int32([3, 1, 4, 1, 5]), "y": np.int32([4, 3])}, {}),
    "unravel_index": ("UnravelIndex", {"indices": np.int32([5, 11, 0, 7]), "dims": np.int32([3, 4])}, {}),
    "lower_bound": ("LowerBound", {"sorted_inputs": np.float32([[1, 2, 2, 5], [0, 1, 3, 3]]), "values": np.float32([[2, 6, 0], [3, 1, 2]])}, {}),
    "upper_bound": ("UpperBound", {"sorted_inputs": np.float32([[1, 2, 2, 5], [0, 1, 3, 3]]), "values": np.float32([[2, 6, 0], [3, 1, 2]])}, {"out_type": tf.int64}),
    "broadcast_args": ("BroadcastArgs", {"s0": np.int32([3, 1, 4]), "s1": np.int32([2, 1])}, {}),
    # Segments.
    **{
        f"segment_{name.lower()}": (f"Segment{name}", {"data": numbers(3, 2), "segment_ids": IDS}, {})
        for name in ("Sum", "Mean", "Prod", "Max", "Min")
    },
    **{
        f"sparse_segment_{name.lower()}": (f"SparseSegment{name}", {"data": numbers(4, 2), "indices": np.int32([3, 1, 3]), "segment_ids": IDS}, {})
        for name in ("Sum", "Mean", "SqrtN")
    },
    **{
        f"sparse_segment_{name.lower()}_of_five": (
            f"SparseSegment{name}WithNumSegments",
            {"data": numbers(4, 2), "indices": np.int32([3, 1, 3]), "segment_ids": IDS, "num_segments": np.int32(5)},
            {},
        )
        for name in ("Sum", "Mean", "SqrtN")
    },
    # Sparse tensors.
    "sparse_reshape": ("SparseReshape", {"input_indices": PLACES, "input_shape": np.int64([6, 4]), "new_shape": np.int64([3, -1])}, {}),
    "sparse_reorder": ("SparseReorder", {"input_indices": PLACES[[2, 0, 3, 1]], "input_values": VALUES, "input_shape": np.int64([6, 4])}, {}),
    "sparse_fill_empty_rows": ("SparseFillEmptyRows", {**SPARSE, "default_value": np.float32(7)}, {}),
    "sparse_slice": ("SparseSlice", {"indices": PLACES, "values": VALUES, "shape": np.int64([6, 4]), "start": np.int64([1, 0]), "size": np.int64([2, 9])}, {}),
    "sparse_concat": (
        "SparseConcat",
        {"indices": [PLACES, PLACES[:2]], "values": [VALUES, VALUES[2:]], "shapes": [np.int64([6, 4]), np.int64([6, 5])]},
        {"concat_dim": 1},
    ),
    "sparse_matmul": ("SparseTensorDenseMatMul", {"a_indices": PLACES, "a_values": VALUES, "a_shape": np.int64([6, 4]), "b": numbers(4, 3)}, {}),
    "sparse_matmul_adjoint": (
        "SparseTensorDenseMatMul",
        {"a_indices": PLACES, "a_values": VALUES, "a_shape": np.int64([6, 4]), "b": numbers(3, 6)},
        {"adjoint_a": True, "adjoint_b": True},
    ),
    "sparse_reduce_sum": ("SparseReduceSum", {"input_indices": PLACES, "input_values": VALUES, "input_shape": np.int64([6, 4]), "reduction_axes": np.int32([0])}, {}),
    "sparse_reduce_max": ("SparseReduceMax", {"input_indices": PLACES, "input_values": VALUES, "input_shape": np.int64([6, 4]), "reduction_axes": np.int32([-1])}, {"keep_dims": True}),
    # Strings.
    "regex_full_match": ("RegexFullMatch", {"input": TEXTS, "pattern": np.array(b"[a-z ]+")}, {}),
    "reduce_join": ("ReduceJoin", {"inputs": TEXTS, "reduction_indices": np.int32([0])}, {"separator": "/"}),
    "reduce_join_all": ("ReduceJoin", {"inputs": TEXTS, "reduction_indices": np.int32([1, 0])}, {"keep_dims": True}),
    "unsorted_segment_join": ("UnsortedSegmentJoin", {"inputs": TEXTS[:, 0], "segment_ids": np.int32([1, 1]), "num_segments": np.int32(3)}, {"separator": "+"}),
    "substr": ("Substr", {"input": np.array([b"hello", b"world"]), "pos": np.int32([1, -3]), "len": np.int32([2, 9])}, {}),
    "substr_characters": ("Substr", {"input": np.array(["größe".encode(), "äöü".encode()]), "pos": np.int32(1), "len": np.int32(2)}, {"unit": "UTF8_CHAR"}),
    "string_split": ("StringSplit", {"input": TEXTS[:, 1], "delimiter": np.array(b",;")}, {}),
    "string_split_kept": ("StringSplit", {"input": TEXTS[:, 1], "delimiter": np.array(b",;")}, {"skip_empty": False}),
    "string_split_bytes": ("StringSplit", {"input": np.array([b"abc", b"d"]), "delimiter": np.array(b"")}, {}),
    "string_to_hash_bucket": ("StringToHashBucket", {"string_tensor": np.array([b"", b"a", b"hello world", b"12345678", b"123456789abcdefgh"])}, {"num_buckets": 1000003}),
    "unicode_transcode": (
        "UnicodeTranscode",
        {"input": np.array(["größe".encode(), b"ab"])},
        {"input_encoding": "UTF-8", "output_encoding": "UTF-8"},
    ),
    "unicode_decode_with_offsets": ("UnicodeDecodeWithOffsets", {"input": np.array(["größe".encode(), b"", b"ab"])}, {"input_encoding": "UTF-8"}),
    "encode_base64": ("EncodeBase64", {"input": np.array([b"", b"a", b"ab?", b"abcd~"])}, {}),
    "encode_base64_padded": ("EncodeBase64", {"input": np.array([b"", b"a", b"ab?", b"abcd~"])}, {"pad": True}),
    "decode_base64": ("DecodeBase64", {"input": np.array([b"YWI_", b"YQ", b"YWJjZH4="])}, {}),
    "decode_raw": ("DecodeRaw", {"bytes": np.array([b"abcdefgh", b"01234567"])}, {"out_type": tf.int16}),
    # Boxes.
    "crop_and_resize": (
        "CropAndResize",
        {"image": numbers(2, 5, 4, 2), "boxes": np.float32([[0, 0, 1, 1], [0.2, 0.9, 0.7, 0.1], [-0.2, 0.5, 0.6, 1.3]]), "box_ind": np.int32([0, 1, 1]), "crop_size": np.int32([3, 4])},
        {"extrapolation_value": 5.0},
    ),
    "crop_and_resize_nearest": (
        "CropAndResize",
        {"image": numbers(2, 5, 4, 2), "boxes": np.float32([[0.1, 0, 0.9, 1]]), "box_ind": np.int32([1]), "crop_size": np.int32([1, 3])},
        {"method": "nearest"},
    ),
    "non_max_suppression": ("NonMaxSuppression", INPUTS, {"iou_threshold": 0.5}),
    "non_max_suppression_v2": ("NonMaxSuppressionV2", {**INPUTS, "iou_threshold": np.float32(0.9)}, {}),
    "non_max_suppression_v3": ("NonMaxSuppressionV3", {**INPUTS, **LIMITS}, {}),
    "non_max_suppression_v4": ("NonMaxSuppressionV4", {**INPUTS, "max_output_size": np.int32(5), **LIMITS}, {"pad_to_max_output_size": True}),
    "non_max_suppression_v5": ("NonMaxSuppressionV5", {**INPUTS, "max_output_size": np.int32(6), "iou_threshold": np.float32(1), "score_threshold": np.float32(0), "soft_nms_sigma": np.float32(0.5)}, {}),
    "combined_non_max_suppression": (
        "CombinedNonMaxSuppression",
        {
            "boxes": np.tile(BOXES[None, :, None] / 2, (2, 1, 1, 1)),
            "scores": np.stack([SCORES, SCORES[::-1]] * 2, -1).reshape(2, 6, 2),
            "max_output_size_per_class": np.int32(2),
            "max_total_size": np.int32(3),
            "iou_threshold": np.float32(0.5),
            "score_threshold": np.float32(0.2),
        },
        {},
    ),
    # Rounding as in few bits.
    "fake_quant_args": ("FakeQuantWithMinMaxArgs", {"inputs": numbers(3, 4) * 4}, {"min": -3.0, "max": 4.0, "num_bits": 4}),
    "fake_quant_vars": ("FakeQuantWithMinMaxVars", {"inputs": numbers(3, 4), "min": np.float32(-1.1), "max": np.float32(1.3)}, {"narrow_range": True}),
    "fake_quant_channels": (
        "FakeQuantWithMinMaxVarsPerChannel",
        {"inputs": numbers(3, 4), "min": np.float32([-1, -0.5, 0.25, -2]), "max": np.float32([1, 0.5, 2, 0])},
        {"num_bits": 3},
    ),
    # Sequences of labels.
    "ctc_greedy_decoder": ("CTCGreedyDecoder", {"inputs": LOGITS, "sequence_length": LENGTHS}, {"merge_repeated": True}),
    "ctc_greedy_decoder_first": ("CTCGreedyDecoder", {"inputs": LOGITS, "sequence_length": LENGTHS}, {"blank_index": 0}),
    "ctc_beam_search_decoder": ("CTCBeamSearchDecoder", {"inputs": LOGITS, "sequence_length": LENGTHS}, {"beam_width": 4, "top_paths": 3, "merge_repeated": False}),
    "ctc_beam_search_decoder_merged": ("CTCBeamSearchDecoder", {"inputs": LOGITS, "sequence_length": LENGTHS}, {"beam_width": 20, "top_paths": 1, "merge_repeated": True}),
    # Random numbers of seeds.
    "key_counter": ("StatelessRandomGetKeyCounter", {"seed": np.int64([7, -(1 << 40)])}, {}),
    "stateless_normal": ("StatelessRandomNormal", {"shape": np.int32([3, 5]), "seed": np.int32([1, 2])}, {}),
    "stateless_normal_double": ("StatelessRandomNormal", {"shape": np.int32([5]), "seed": np.int64([-1, 9])}, {"dtype": tf.float64}),
    "stateless_normal_half": ("StatelessRandomNormal", {"shape": np.int32([6]), "seed": np.int32([1, 2])}, {"dtype": tf.float16}),
    "stateless_normal_bfloat": ("StatelessRandomNormal", {"shape": np.int32([6]), "seed": np.int32([1, 2])}, {"dtype": tf.bfloat16}),
    "stateless_normal_keyed": ("StatelessRandomNormalV2", {"shape": np.int32([7]), **KEY, "alg": np.int32(1)}, {}),
    "stateless_truncated": ("StatelessTruncatedNormal", {"shape": np.int32([4, 9]), "seed": np.int32([1, 2])}, {}),
    "stateless_truncated_double": ("StatelessTruncatedNormal", {"shape": np.int32([41]), "seed": np.int32([3, 4])}, {"dtype": tf.float64}),
    "stateless_truncated_keyed": ("StatelessTruncatedNormalV2", {"shape": np.int32([7]), **KEY, "alg": np.int32(3)}, {}),
    "stateless_uniform": ("StatelessRandomUniform", {"shape": np.int32([3, 5]), "seed": np.int32([1, 2])}, {}),
    "stateless_uniform_double": ("StatelessRandomUniform", {"shape": np.int32([5]), "seed": np.int32([1, 2])}, {"dtype": tf.float64}),
    "stateless_uniform_half": ("StatelessRandomUniform", {"shape": np.int32([6]), "seed": np.int32([1, 2])}, {"dtype": tf.float16}),
    "stateless_uniform_bfloat": ("StatelessRandomUniform", {"shape": np.int32([6]), "seed": np.int32([1, 2])}, {"dtype": tf.bfloat16}),
    "stateless_uniform_keyed": ("StatelessRandomUniformV2", {"shape": np.int64([7]), **KEY, "alg": np.int32(3)}, {}),
    "stateless_int": ("StatelessRandomUniformInt", {"shape": np.int32([9]), "seed": np.int32([1, 2]), "minval": np.int32(-3), "maxval": np.int32(10)}, {}),
    "stateless_int_wide": ("StatelessRandomUniformInt", {"shape": np.int32([5]), "seed": np.int32([1, 2]), "minval": np.int64(-(1 << 62)), "maxval": np.int64((1 << 62) + 5)}, {}),
    "stateless_int_keyed": ("StatelessRandomUniformIntV2", {"shape": np.int32([7]), **KEY, "alg": np.int32(1), "minval": np.int32(-(1 << 31)), "maxval": np.int32((1 << 31) - 1)}, {}),
    "stateless_full_int": ("StatelessRandomUniformFullInt", {"shape": np.int32([7]), "seed": np.int32([1, 2])}, {"dtype": tf.int32}),
    "stateless_full_int_keyed": ("StatelessRandomUniformFullIntV2", {"shape": np.int32([5]), **KEY, "alg": np.int32(1)}, {"dtype": tf.uint64}),
}


def flat(values):
    return [item for value in values for item in (value if isinstance(value, (list, tuple)) else [value])]


def factors(y):
    """Element `k` of an output has the factor `(5 k mod 7 + 1) / 4` in the sum whose gradients are recorded."""
    return tf.reshape(tf.constant((np.arange(tf.size(y)) * 5 % 7 + 1) / 4, "float32"), y.shape)


def weighted(outputs):
    total = tf.constant(0.0)
    for y in outputs:
        for part in [tf.math.real(y), tf.math.imag(y)] if y.dtype.is_complex else [y] if y.dtype.is_floating else []:
            total += tf.cast(tf.reduce_sum(part * tf.cast(factors(part), part.dtype)), "float32")
    return total


def attribute(value):
    return {"type": value.name} if isinstance(value, tf.DType) else value


def main():
    cases = []
    for name, (op, inputs, attrs) in CASES.items():
        given = {key: [tf.constant(x) for x in value] if isinstance(value, list) else tf.constant(value) for key, value in inputs.items()}
        with tf.GradientTape() as tape:
            sources = flat(given.values())
            watched = [x for x in sources if x.dtype.is_floating or x.dtype.is_complex]
            tape.watch(watched)
            outputs = getattr(tf.raw_ops, op)(**given, **attrs)
            outputs = flat(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
            total = weighted(outputs)
        try:
            found = dict(zip(map(id, watched), tape.gradient(total, watched)))
            gradients = [None if found.get(id(x)) is None else array(found[id(x)]) for x in sources]
        except (LookupError, NotImplementedError):
            gradients = None
        attrs = {key: attribute(value) for key, value in attrs.items()}
        # What TensorFlow takes from an input.
        attrs.update({"dtype": attribute(given["minval"].dtype)} if "minval" in given else {})
        lists = [len(value) for value in inputs.values() if isinstance(value, list)]
        attrs.update({"N": lists[0]} if lists else {})
        case = {"name": name, "op": op, "attrs": attrs, "inputs": [array(x) for x in sources]}
        cases.append({**case, "outputs": [array(y) for y in outputs], "gradients": gradients})
        print("made", name, flush=True)
    arrays.write(os.path.join(FOLDER, "raw_ops.json"), {"tensorflow": tf.__version__, "cases": cases}, "cases")


if __name__ == "__main__":
    main()
