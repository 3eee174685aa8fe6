"""Keras computes losses and metrics of random classes, arguments, shapes and types; kerox computes the same from the same
configurations: equal values, gradients and results after each batch. What Keras refuses is not asked.

    python interop/differential/check.py [SEED [CASES]]

Left out is what docs/differences.md lists: batches without any sample, weights of fewer axes than losses of images.
"""
import json
import os
import random
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [ROOT, os.path.join(ROOT, "..", "golden")]
import workspace
from real import array, keras, np, plain, tf

SEED, CASES = [int(given) for given in sys.argv[1:3]] + [1, 1500][len(sys.argv) - 1:]
R = random.Random(SEED)
LOSSES = """BinaryCrossentropy BinaryFocalCrossentropy CategoricalCrossentropy CategoricalFocalCrossentropy CategoricalHinge
CosineSimilarity Hinge Huber KLDivergence LogCosh MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredError
MeanSquaredLogarithmicError Poisson SparseCategoricalCrossentropy SquaredHinge""".split()
AT = {"PrecisionAtRecall": "recall", "RecallAtPrecision": "precision", "SensitivityAtSpecificity": "specificity", "SpecificityAtSensitivity": "sensitivity"}
COUNTS = ["FalseNegatives", "FalsePositives", "TrueNegatives", "TruePositives", "Precision", "Recall"]
DECISIONS = [*AT, *COUNTS, "AUC"]
SCORES = ["F1Score", "FBetaScore", "BinaryAccuracy", "BinaryIoU"]
CLASSES = ["IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"]
METRICS = [name for name in LOSSES if hasattr(keras.metrics, name)] + DECISIONS + SCORES + CLASSES + """CategoricalAccuracy
LogCoshError R2Score RootMeanSquaredError SparseCategoricalAccuracy SparseTopKCategoricalAccuracy TopKCategoricalAccuracy""".split()


def pick(*choices):
    return R.choice(choices)


def chance(p):
    return R.random() < p


def numbers():
    return np.random.RandomState(R.randrange(2**31))


def drawn_shape(ranks=(2, 2, 2, 3, 4)):
    return [pick(1, 2, 3, 6), *(pick(1, 2, 3, 4) for _ in range(R.choice(ranks) - 1))]


def some(**choices):
    """Some of the arguments."""
    return {name: R.choice(values) for name, values in choices.items() if chance(0.5)}


def loss_arguments(name, shape):
    classes, rank = shape[-1], len(shape)
    axis = [-1, rank - 1, R.randrange(-rank, rank)]
    if name == "SparseCategoricalCrossentropy":
        return some(from_logits=[True], ignore_class=[-1, 0, classes - 1, 255])
    if name == "CosineSimilarity":
        return some(axis=axis)
    if name == "Huber":
        return some(delta=[0.1, 0.5, 2.0, 10.0])
    if "rossentropy" not in name:
        return {}
    arguments = some(from_logits=[True], label_smoothing=[round(R.random(), 2)], axis=axis)
    if name == "CategoricalFocalCrossentropy":
        weights = [round(R.random(), 2) for _ in range(classes)]
        arguments.update(some(alpha=[0.5, 1.0, weights], gamma=[0.0, 0.5, 3.0]))
    if name == "BinaryFocalCrossentropy":
        arguments.update(some(apply_class_balancing=[True], alpha=[0.0, 0.1, 1.0], gamma=[0.0, 0.5, 3.0]))
    return arguments


def pair(name, shape, arguments):
    """Targets and predictions that the function can be asked for."""
    g, logits = numbers(), arguments.get("from_logits")
    if "rossentropy" in name or "Accuracy" in name or name in DECISIONS or name in SCORES:
        y_pred = g.uniform(-6, 6, shape) if logits else g.uniform(0, 1, shape)
        if chance(0.3) and not logits:
            y_pred = np.round(y_pred, pick(0, 1))
    elif name in ("KLDivergence", "Poisson", "MeanSquaredLogarithmicError"):
        y_pred = g.uniform(0, 2, shape)
    else:
        y_pred = g.uniform(-3, 3, shape)
    if name.startswith("Sparse"):
        axis = arguments.get("axis", -1) % len(shape)
        y_true = g.randint(0, shape[axis], shape[:axis] + shape[axis + 1:])
        if arguments.get("ignore_class") is not None:
            y_true = np.where(g.uniform(size=y_true.shape) < 0.4, arguments["ignore_class"], y_true)
            y_true.flat[0] = (arguments["ignore_class"] == 0) % shape[axis]
        return y_true.astype(pick("int64", "int32", "float32")), y_pred.astype("float32")
    if name.startswith("Categorical") or name.startswith("TopK"):
        y_true = np.eye(shape[-1])[g.randint(0, shape[-1], shape[:-1])] if chance(0.7) else g.uniform(0, 1, shape)
    elif "Binary" in name or "inge" in name or name in DECISIONS or name in SCORES:
        y_true = g.randint(0, 2, shape)
    else:
        y_true = g.uniform(0 if "Log" in name or name in ("KLDivergence", "Poisson") else -3, 3, shape)
    whole = ["float32"] if name in ("CosineSimilarity", "F1Score", "FBetaScore", "R2Score") else ["float32", "float32", "int32", "int64", "bool", "uint8"]
    return y_true.astype(R.choice(whole)), y_pred.astype("float32")


def weights(shape):
    if chance(0.4):
        return None
    return numbers().uniform(0.1, 2, shape if chance(0.7) or len(shape) > 1 else shape + [1]).astype(pick("float32", "float64"))


def loss_case():
    name, shape = R.choice(LOSSES), drawn_shape()
    arguments = loss_arguments(name, shape)
    loss = getattr(keras.losses, name)(**arguments, reduction=pick("auto", "sum", "none", "sum_over_batch_size"))
    y_true, y_pred = pair(name, shape, arguments)
    mask = numbers().uniform(size=shape[:-1]) < 0.6 if chance(0.25) else None
    if mask is not None:
        mask.flat[0] = True
    weight, x = weights(shape[:-1]), tf.constant(y_pred)
    with tf.GradientTape() as tape:
        tape.watch(x)
        fed = tf.identity(x)
        if mask is not None:
            fed._keras_mask = tf.constant(mask)
        value = loss(tf.constant(y_true), fed, sample_weight=weight)
    case = {"kind": "loss", "class_name": name, "config": plain(loss.get_config()), "value": array(value)}
    case.update(y_true=array(y_true), y_pred=array(y_pred), sample_weight=array(weight), mask=array(mask))
    case["gradient"] = array(tape.gradient(value, x)) if value.shape.rank == 0 else None
    return case


def metric_arguments(name, shape):
    classes = shape[-1]
    few = [[0.2, 0.7], [0.0, 0.5, 1.0], sorted(round(R.random(), 2) for _ in range(4))]
    if name in COUNTS:
        arguments = some(thresholds=[None, 0.3, 0.0, 1.0, *few])
        return {**arguments, **some(top_k=[1, classes], class_id=[0, classes - 1])} if name in ("Precision", "Recall") else arguments
    if name in AT:
        return {AT[name]: pick(0.01, 0.31, 0.53, 0.89), **some(num_thresholds=[1, 2, 3, 10, 50], class_id=[0, classes - 1])}
    if name == "AUC":
        arguments = some(num_thresholds=[2, 3, 10, 50], curve=["PR", "ROC"], summation_method=["interpolation", "minoring", "majoring"], from_logits=[True])
        if len(shape) == 2:
            arguments.update(some(multi_label=[True], label_weights=[[round(R.random() + 0.1, 2) for _ in range(classes)]]))
        return arguments if chance(0.8) else {**arguments, "thresholds": R.choice(few)}
    if name in ("F1Score", "FBetaScore"):
        arguments = some(average=[None, "micro", "macro", "weighted"], threshold=[0.1, 0.5, 0.9])
        return {**arguments, **some(beta=[0.5, 2.0])} if name == "FBetaScore" else arguments
    if name == "R2Score":
        return some(class_aggregation=[None, "uniform_average", "variance_weighted_average"], num_regressors=[1, 2])
    if name == "BinaryIoU":
        return some(target_class_ids=[[0], [1]], threshold=[0.2, 0.8])
    if name in CLASSES:
        count = max(classes, 2)
        arguments = {"num_classes": count, **some(ignore_class=[-1, 0])}
        return arguments if "Mean" in name else {**arguments, "target_class_ids": R.sample(range(count), pick(1, 2))}
    if name == "BinaryAccuracy":
        return some(threshold=[0.1, 0.9])
    if "TopK" in name:
        return {"k": pick(1, 2, 5)}
    if name == "BinaryCrossentropy":
        return some(from_logits=[True], label_smoothing=[0.3])
    if name == "SparseCategoricalCrossentropy":
        return some(from_logits=[True], ignore_class=[0], axis=[-1, R.randrange(-len(shape), len(shape))])
    return loss_arguments(name, shape) if name in ("CategoricalCrossentropy", "CosineSimilarity") else {}


def metric_case():
    name = R.choice(METRICS)
    shape = drawn_shape((2,) if name in ("F1Score", "FBetaScore", "R2Score") or "TopK" in name else (2, 2, 2, 3, 4))
    arguments = metric_arguments(name, shape)
    metric = getattr(keras.metrics, name)(**arguments)
    case = {"kind": "metric", "class_name": name, "config": plain(metric.get_config()), "updates": []}
    # Keras counts samples where there are no weights, and their weights where there are.
    weighted = name not in ("F1Score", "FBetaScore") and chance(0.5)
    for _ in range(pick(1, 2, 3)):
        if name in CLASSES:
            g, count = numbers(), arguments["num_classes"]
            y_true, y_pred = g.randint(0, count, shape[:-1]), g.randint(0, count, shape[:-1])
            if "OneHot" in name:
                y_true, y_pred = np.eye(count)[y_true], g.uniform(0, 1, [*shape[:-1], count])
        else:
            y_true, y_pred = pair(name, shape, arguments)
        whole = name in DECISIONS or name == "BinaryIoU"
        samples = shape if whole else y_true.shape[:len(shape) - 1] if name.startswith("Sparse") else shape[:-1]
        weight = numbers().uniform(0.1, 2, samples).astype("float32") if weighted else None
        metric.update_state(tf.constant(y_true), tf.constant(y_pred), sample_weight=weight)
        update = {"arguments": [array(y_true), array(y_pred)], "sample_weight": array(weight), "result": array(metric.result())}
        case["updates"].append(update)
    return case


def main():
    cases, refused = [], 0
    for i in range(CASES):
        try:
            cases.append({"id": i, **pick(loss_case, metric_case)()})
        except (ValueError, TypeError, tf.errors.InvalidArgumentError):
            refused += 1
    print(f"{len(cases)} cases; {refused} that Keras refuses")
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write("\n".join(json.dumps(case) for case in cases) + "\n")
        file.flush()
        done = subprocess.run([workspace.example("differential"), file.name], cwd=os.path.join(ROOT, ".."))
    sys.exit(done.returncode if len(cases) > CASES * 0.8 else 1)


main()
