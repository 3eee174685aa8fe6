"""Writes golden/metrics/*.json: results after each of several updates. With Keras 3 only the metrics that 2.15 lacks."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from real import FAILED, KERAS3, array, integers, keras, np, one_hot, plain, probabilities, save, tf, values  # noqa: E402

MADE = {}


def add(class_name, name, arguments, batches, weights=None):
    """`batches` are tuples of update arguments; `weights` one sample weight (or None) per batch."""
    try:
        metric = getattr(keras.metrics, class_name)(**arguments)
        record = {"name": name, "keras": keras.__version__, "config": plain(metric.get_config()), "updates": []}
        for i, batch in enumerate(batches):
            weight = None if weights is None else weights[i]
            metric.update_state(*[tf.constant(b) for b in batch], **({} if weight is None else {"sample_weight": tf.constant(weight)}))
            record["updates"].append({"arguments": [array(b) for b in batch], "sample_weight": array(weight), "result": array(metric.result())})
        record["variables"] = [{"name": v.name.split(":")[0], "value": array(v)} for v in metric.variables]
        metric.reset_state()
        try:
            record["result_after_reset"] = array(metric.result())
        except Exception:
            record["result_after_reset"] = None
        MADE.setdefault(class_name, []).append(record)
    except Exception as error:
        FAILED.append(f"{class_name}/{name}: {type(error).__name__}: {str(error)[:200]}")


def both(class_name, name, arguments, batches, weight_shapes=("row",)):
    """Unweighted and with sample weights."""
    add(class_name, name, arguments, batches)
    for kind in weight_shapes:
        weights = []
        for i, batch in enumerate(batches):
            n = len(batch[0])
            w = values(n, key=f"w{i}", low=0, high=2)
            weights.append(w if kind == "row" else w[:, None])
        add(class_name, f"{name}_weights_{kind}", arguments, batches, weights)


def reductions():
    data = [(values(3, key="a"),), (values(2, 2, key="b"),), (np.float32(4.0),)]
    for cls in ("Mean", "Sum"):
        add(cls, "plain", {}, data)
        add(cls, "weights", {}, data[:2], [np.array([1.0, 0.0, 2.0], np.float32), np.array([[1.0, 3.0], [0.5, 0.0]], np.float32)])
        add(cls, "weights_broadcast", {}, [(values(2, 3, key="b"),)], [np.array([1.0, 3.0], np.float32)])
    add("MeanTensor", "plain", {}, [(values(2, 3, key="a"),), (values(2, 3, key="b"),)])
    add("MeanTensor", "weights", {}, [(values(2, 3, key="a"),), (values(2, 3, key="b"),)], [values(2, 3, key="w", low=0), np.float32(0.2)])
    normalizer = [1.0, 3.0, 2.0]
    add("MeanRelativeError", "plain", dict(normalizer=normalizer), [(values(3, key="a"), values(3, key="b")), (values(3, key="c"), values(3, key="d"))])


def wrapped():
    pair = lambda i, low=-2.0: (values(4, 3, key=f"t{i}", low=low, high=2), values(4, 3, key=f"p{i}", low=low, high=2))  # noqa: E731
    for cls in "MeanSquaredError MeanAbsoluteError MeanAbsolutePercentageError LogCoshError CosineSimilarity RootMeanSquaredError".split():
        both(cls, "rank2", {}, [pair(0), pair(1)])
        add(cls, "rank1", {}, [(values(4, key="t"), values(4, key="p"))])
    for cls in "MeanSquaredLogarithmicError Poisson KLDivergence".split():
        both(cls, "rank2", {}, [pair(0, 0.1), pair(1, 0.1)])
    for cls in "Hinge SquaredHinge CategoricalHinge".split():
        batches = [(one_hot(integers(4, high=3, key=str(i)), 3), values(4, 3, key=f"h{i}")) for i in range(2)]
        both(cls, "rank2", {}, batches)
    add("CosineSimilarity", "axis1", dict(axis=1), [(values(2, 3, 4, key="t"), values(2, 3, 4, key="p"))])
    bits = [((values(6, 1, key=f"b{i}") > 0).astype(np.float32), np.abs(values(6, 1, key=f"q{i}"))) for i in range(2)]
    both("BinaryAccuracy", "column", {}, bits)
    both("BinaryAccuracy", "threshold", dict(threshold=0.3), bits)
    add("BinaryAccuracy", "rank1", {}, [(b[0][:, 0].copy(), b[1][:, 0].copy()) for b in bits])
    both("BinaryCrossentropy", "probabilities", {}, bits)
    both("BinaryCrossentropy", "logits", dict(from_logits=True, label_smoothing=0.1), [(a, b * 6 - 3) for a, b in bits])
    ids = [integers(5, high=4, key=f"c{i}") for i in range(2)]
    scores = [values(5, 4, key=f"s{i}") for i in range(2)]
    probs = [probabilities(5, 4, key=f"pr{i}") for i in range(2)]
    hot = [one_hot(i, 4) for i in ids]
    both("Accuracy", "ids", {}, [(ids[0], ids[1]), (ids[0], ids[0])])
    both("CategoricalAccuracy", "scores", {}, list(zip(hot, scores)))
    both("SparseCategoricalAccuracy", "scores", {}, list(zip(ids, scores)))
    both("SparseCategoricalAccuracy", "column", {}, [(i[:, None], s) for i, s in zip(ids, scores)])
    add("SparseCategoricalAccuracy", "sequence", {}, [(integers(2, 3, high=4), values(2, 3, 4))])
    add("SparseCategoricalAccuracy", "float_labels", {}, [(ids[0].astype(np.float32), scores[0])])
    add("SparseCategoricalAccuracy", "ties", {}, [(np.array([0, 1, 2]), np.zeros((3, 3), np.float32))])
    add("CategoricalAccuracy", "bool_labels", {}, [(h.astype(bool), s) for h, s in zip(hot, scores)])
    add("CategoricalAccuracy", "sequence", {}, [(one_hot(integers(2, 3, high=4), 4), values(2, 3, 4))])
    for k in (1, 2, 5):
        both("TopKCategoricalAccuracy", f"k{k}", dict(k=k), list(zip(hot, scores)))
        both("SparseTopKCategoricalAccuracy", f"k{k}", dict(k=k), list(zip(ids, scores)))
    add("SparseTopKCategoricalAccuracy", "ties", dict(k=2), [(np.array([0, 1, 2, 3]), np.zeros((4, 4), np.float32))])
    both("CategoricalCrossentropy", "probabilities", {}, list(zip(hot, probs)))
    both("CategoricalCrossentropy", "logits", dict(from_logits=True, label_smoothing=0.1), list(zip(hot, scores)))
    both("SparseCategoricalCrossentropy", "probabilities", {}, list(zip(ids, probs)))
    both("SparseCategoricalCrossentropy", "logits", dict(from_logits=True), list(zip(ids, scores)))
    add("SparseCategoricalCrossentropy", "ignore_class", dict(ignore_class=1), list(zip(ids, probs)))
    classes_first = [(integers(2, 3, high=4, key=f"f{i}"), np.moveaxis(probabilities(2, 3, 4, key=f"f{i}"), -1, 1).copy()) for i in range(2)]
    add("SparseCategoricalCrossentropy", "axis", dict(axis=1), classes_first)
    add("MeanMetricWrapper", "function", dict(fn=keras.metrics.mean_squared_error, name="wrapped"), [pair(0), pair(1)])


def odd_values():
    """A number that is none, infinite, tiny or huge in the second of three batches."""
    for label, odd in {"nan": np.nan, "inf": np.inf, "minus_inf": -np.inf, "tiny": 1e-40, "minus_zero": -0.0, "huge": 1e30}.items():

        def with_odd(x):
            x = np.array(x, np.float32)
            x[1, -1] = odd
            return x

        ids, hot, bits = np.array([2, 0, 1, 2]), one_hot(np.array([2, 0, 1, 2]), 3), np.array([[1], [0], [1], [0]], np.float32)
        real, scores, probs, column = values(4, 3, key="t", low=0.1), values(4, 3, low=0.1), probabilities(4, 3), probabilities(4, 2)[:, :1]

        def put(cls, labels, predicted, **arguments):
            add(cls, "odd_" + label, arguments, [(labels, predicted), (labels, with_odd(predicted)), (labels, predicted)])

        for cls in "MeanSquaredError MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredLogarithmicError LogCoshError Poisson KLDivergence CosineSimilarity RootMeanSquaredError".split():
            put(cls, real, scores)
        for cls in "Hinge SquaredHinge CategoricalHinge CategoricalAccuracy TopKCategoricalAccuracy".split():
            put(cls, hot, scores)
        for cls in "SparseCategoricalAccuracy SparseTopKCategoricalAccuracy".split():
            put(cls, ids, scores)
        put("CategoricalCrossentropy", hot, probs)
        put("SparseCategoricalCrossentropy", ids, probs)
        for cls in "BinaryAccuracy BinaryCrossentropy".split():
            put(cls, bits, column)
        for cls in "Mean Sum".split():
            add(cls, "odd_" + label, {}, [(scores,), (with_odd(scores),), (scores,)])


def confusion():
    bits = [((values(8, key=f"cb{i}") > 0).astype(np.float32), np.abs(values(8, key=f"cp{i}"))) for i in range(2)]
    multi = [((values(5, 3, key=f"mb{i}") > 0).astype(np.float32), np.abs(values(5, 3, key=f"mp{i}"))) for i in range(2)]
    hot = [(one_hot(integers(6, high=3, key=f"e{i}"), 3), probabilities(6, 3, key=f"f{i}")) for i in range(2)]
    for cls in "TruePositives TrueNegatives FalsePositives FalseNegatives".split():
        both(cls, "default", {}, bits)
        both(cls, "threshold", dict(thresholds=0.3), bits)
        both(cls, "thresholds", dict(thresholds=[0.0, 0.4, 0.8, 1.0]), bits)
        add(cls, "rank2", {}, multi)
    for cls in ("Precision", "Recall"):
        both(cls, "default", {}, bits)
        both(cls, "threshold", dict(thresholds=0.3), bits)
        both(cls, "thresholds", dict(thresholds=[0.0, 0.4, 0.8, 1.0]), bits)
        both(cls, "rank2", {}, multi)
        add(cls, "top_k", dict(top_k=2), hot)
        add(cls, "class_id", dict(class_id=1), hot)
        add(cls, "top_k_class_id", dict(top_k=1, class_id=0), hot)
        add(cls, "nothing_predicted", {}, [(bits[0][0] * 0, bits[0][1] * 0)])
    for cls, key in [("PrecisionAtRecall", "recall"), ("RecallAtPrecision", "precision"), ("SensitivityAtSpecificity", "specificity"), ("SpecificityAtSensitivity", "sensitivity")]:
        for at in (0.3, 0.5, 0.9):
            both(cls, f"at{at}", {key: at}, bits)
        add(cls, "few_thresholds", {key: 0.5, "num_thresholds": 5}, bits)
        add(cls, "one_threshold", {key: 0.5, "num_thresholds": 1}, bits)
        add(cls, "class_id", {key: 0.4, "class_id": 2}, hot)
    for curve in ("ROC", "PR"):
        for method in ("interpolation", "minoring", "majoring"):
            both("AUC", f"{curve}_{method}".lower(), dict(curve=curve, summation_method=method), bits)
            add("AUC", f"{curve}_{method}_few".lower(), dict(curve=curve, summation_method=method, num_thresholds=5), bits)
        add("AUC", f"{curve}_multi_label".lower(), dict(curve=curve, multi_label=True), multi)
        add("AUC", f"{curve}_multi_label_weights".lower(), dict(curve=curve, multi_label=True, num_labels=3, label_weights=[0.2, 0.5, 1.0]), multi)
        add("AUC", f"{curve}_flat".lower(), dict(curve=curve), multi)
        add("AUC", f"{curve}_only_positive".lower(), dict(curve=curve), [(np.ones(4, np.float32), bits[0][1][:4])])
    # Scores on the thresholds themselves, where rounding decides.
    ladder = (np.arange(200) / 199).astype(np.float32)
    steps = [(integers(200, high=2, key="ladder"), ladder), (integers(200, high=2, key="up"), np.nextafter(ladder, 2, dtype=np.float32))]
    add("AUC", "on_thresholds", {}, steps)
    add("AUC", "on_thresholds_multi_label", dict(multi_label=True), [(t.reshape(-1, 2), p.reshape(-1, 2)) for t, p in steps])
    add("AUC", "outside", dict(num_thresholds=5), [(np.array([0.0, 1, 0, 1], np.float32), np.array([-0.5, 0, 1, 1.5], np.float32))])
    # Nothing is above the last threshold, and 0 is not above the first.
    ends = [(np.array([1.0, 0, 1, 0, 1], np.float32), np.array([0.0, 0, 1, 1, 0.3], np.float32))]
    for cls, key in [("PrecisionAtRecall", "recall"), ("RecallAtPrecision", "precision"), ("SensitivityAtSpecificity", "specificity"), ("SpecificityAtSensitivity", "sensitivity")]:
        for n in (2, 3, 10):
            add(cls, f"ends_{n}", {key: 0.4, "num_thresholds": n}, ends)
    add("Precision", "even_thresholds", dict(thresholds=[0.0, 0.25, 0.5, 0.75, 1.0]), ends)
    add("AUC", "thresholds", dict(thresholds=[0.2, 0.5, 0.7]), bits)
    add("AUC", "logits", dict(from_logits=True), [(a, b * 8 - 4) for a, b in bits])


def scores():
    hot = [(one_hot(integers(6, high=3, key=f"g{i}"), 3), probabilities(6, 3, key=f"h{i}")) for i in range(2)]
    multi = [((values(5, 3, key=f"sb{i}") > 0).astype(np.float32), np.abs(values(5, 3, key=f"sp{i}"))) for i in range(2)]
    for average in (None, "micro", "macro", "weighted"):
        both("F1Score", f"{average}".lower(), dict(average=average), hot)
        add("F1Score", f"{average}_threshold".lower(), dict(average=average, threshold=0.5), multi)
        both("FBetaScore", f"{average}".lower(), dict(average=average, beta=0.5), hot)
        add("FBetaScore", f"{average}_threshold".lower(), dict(average=average, beta=2.0, threshold=0.3), multi)
    add("F1Score", "absent_class", dict(average="macro"), [(one_hot(np.array([0, 0]), 3), one_hot(np.array([0, 1]), 3))])
    rows = [(values(6, 2, key=f"rt{i}"), values(6, 2, key=f"rp{i}")) for i in range(2)]
    for how in (None, "uniform_average", "variance_weighted_average"):
        both("R2Score", f"{how}".lower(), dict(class_aggregation=how), rows)
    add("R2Score", "one_sample", {}, [(values(1, 3, key="one", low=-3), values(1, 3, key="two"))])
    add("R2Score", "adjusted", dict(num_regressors=2), rows)
    add("R2Score", "constant_target", {}, [(np.ones((3, 1), np.float32), values(3, 1))])


def overlap():
    ids = [(integers(8, high=3, key=f"it{i}"), integers(8, high=3, key=f"ip{i}")) for i in range(2)]
    both("MeanIoU", "ids", dict(num_classes=3), ids)
    both("IoU", "ids", dict(num_classes=3, target_class_ids=[0, 2]), ids)
    add("MeanIoU", "ignore_class", dict(num_classes=3, ignore_class=1), ids)
    add("MeanIoU", "ignore_minus", dict(num_classes=3, ignore_class=-1), [(np.array([0, 1, -1, 2]), np.array([0, 1, 2, 1]))])
    add("IoU", "ignore_class", dict(num_classes=3, target_class_ids=[0, 1], ignore_class=2), ids)
    add("MeanIoU", "absent", dict(num_classes=4), ids)
    add("MeanIoU", "image", dict(num_classes=3), [(integers(2, 2, 3, high=3, key="a"), integers(2, 2, 3, high=3, key="b"))])
    soft = [(i[0], probabilities(8, 3, key="so")) for i in ids]
    add("MeanIoU", "scores", dict(num_classes=3, sparse_y_pred=False), soft)
    hot = [(one_hot(i[0], 3), probabilities(8, 3, key="so")) for i in ids]
    both("OneHotMeanIoU", "scores", dict(num_classes=3), hot)
    both("OneHotIoU", "scores", dict(num_classes=3, target_class_ids=[1]), hot)
    add("OneHotIoU", "sparse_pred", dict(num_classes=3, target_class_ids=[0, 2], sparse_y_pred=True), [(one_hot(i[0], 3), i[1]) for i in ids])
    add("OneHotMeanIoU", "ignore_class", dict(num_classes=3, ignore_class=0), hot)
    bits = [(integers(8, high=2, key=f"bt{i}"), np.abs(values(8, key=f"bp{i}"))) for i in range(2)]
    both("BinaryIoU", "default", {}, bits)
    both("BinaryIoU", "one", dict(target_class_ids=[1], threshold=0.3), bits)


def names():
    """Every name that `compile` takes, on one batch."""
    text = "KLD MAE MAPE MSE MSLE binary_accuracy binary_crossentropy binary_focal_crossentropy categorical_accuracy categorical_crossentropy categorical_focal_crossentropy hinge kl_divergence kld kullback_leibler_divergence log_cosh logcosh mae mape mean_absolute_error mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error mse msle poisson sparse_categorical_accuracy sparse_categorical_crossentropy sparse_top_k_categorical_accuracy squared_hinge top_k_categorical_accuracy"
    cases = []
    p = probabilities(4, 3)
    for name in text.split():
        t = np.array([2, 0, 1, 2]) if name.startswith("sparse") else one_hot(np.array([2, 0, 1, 2]), 3)
        function = keras.metrics.get(name)
        if not callable(function):  # listed, but this version hands the name back
            FAILED.append(f"function {name}: resolves to {function!r}")
            continue
        result = function(tf.constant(t), tf.constant(p))
        cases.append({"name": name, "keras": keras.__version__, "y_true": array(t), "y_pred": array(p), "per_sample": array(result)})
    save(__file__, "Functions", cases)


def keras3():
    pairs = [(values(6, 2, key=f"t{i}"), values(6, 2, key=f"p{i}")) for i in range(2)]
    both("PearsonCorrelation", "default", {}, pairs)
    both("ConcordanceCorrelation", "default", {}, pairs)
    add("PearsonCorrelation", "axis0", dict(axis=0), pairs)
    add("ConcordanceCorrelation", "axis0", dict(axis=0), pairs)


def main():
    if KERAS3:
        keras3()
    else:
        for part in (reductions, wrapped, odd_values, confusion, scores, overlap, names):
            part()
    for class_name, cases in MADE.items():
        save(__file__, class_name, cases)
    for line in FAILED:
        print("FAILED", line)


main()
