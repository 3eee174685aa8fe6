"""Writes golden/losses/*.json. With Keras 3 only the losses that 2.15 lacks."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from real import KERAS3, array, integers, keras, np, one_hot, plain, probabilities, save, tf, values  # noqa: E402


def case(class_name, name, arguments, y_true, y_pred, sample_weight=None, mask=None):
    build = getattr(keras.losses, class_name)
    loss = build(**arguments)
    if KERAS3:
        forms = {"mean": "sum_over_batch_size", "sum": "sum", "none": None}
    else:
        forms = {"mean": "sum_over_batch_size", "sum": "sum", "none": "none"}
    record = {
        "name": name,
        "keras": keras.__version__,
        "config": plain(loss.get_config()),
        "y_true": array(y_true),
        "y_pred": array(y_pred),
        "sample_weight": array(sample_weight),
        "mask": array(mask),
    }
    pred = tf.constant(y_pred)

    def value(form):
        with tf.GradientTape() as tape:
            tape.watch(pred)
            fed = tf.identity(pred)
            if mask is not None:
                fed._keras_mask = tf.constant(mask)
            out = build(**{**arguments, "reduction": forms[form]})(tf.constant(y_true), fed, sample_weight=sample_weight)
        return out, tape

    for form in forms:
        out, tape = value(form)
        record[form] = array(out)
        if form == "mean":
            record["gradient"] = array(tape.gradient(out, pred))
    return record


WEIGHTS = np.array([0.5, 2.0, 0.0, 1.0], np.float32)


def common(class_name, name, arguments, y_true, y_pred):
    """One pair: plain, sample weights of rank 1, of rank 2, and a scalar; a mask; an empty batch."""
    cases = [case(class_name, name, arguments, y_true, y_pred)]
    if len(y_true) == 4:
        cases.append(case(class_name, name + "_weights", arguments, y_true, y_pred, WEIGHTS))
        cases.append(case(class_name, name + "_weights_column", arguments, y_true, y_pred, WEIGHTS[:, None]))
        cases.append(case(class_name, name + "_weight_scalar", arguments, y_true, y_pred, np.float32(0.3)))
    return cases


def probability_losses():
    ids = np.array([2, 0, 1, 2])
    p = probabilities(4, 3)
    logits = values(4, 3, low=-4, high=4)
    hot = one_hot(ids, 3)
    sharp = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1e-9, 1 - 1e-7, 0]], np.float32)
    rank3, ids3 = values(4, 2, 3, low=-3, high=3), integers(4, 2, high=3)
    out = {}

    def put(class_name, cases):
        out.setdefault(class_name, []).extend(cases)

    for cls, extras in [("CategoricalCrossentropy", [{}]), ("CategoricalFocalCrossentropy", [{}, dict(alpha=0.5, gamma=1.0), dict(alpha=[0.2, 0.3, 0.5])])]:
        for i, extra in enumerate(extras):
            tag = f"variant{i}_" if i else ""
            put(cls, common(cls, tag + "probabilities", extra, hot, p))
            put(cls, common(cls, tag + "logits", {**extra, "from_logits": True}, hot, logits))
            put(cls, [case(cls, tag + "sharp", extra, hot, sharp), case(cls, tag + "unnormalized", extra, hot, p * 3)])
            put(cls, [case(cls, tag + "smoothing", {**extra, "label_smoothing": 0.2}, hot, p), case(cls, tag + "smoothing_logits", {**extra, "label_smoothing": 0.2, "from_logits": True}, hot, logits)])
            put(cls, [case(cls, tag + "rank3", {**extra, "from_logits": True}, one_hot(ids3, 3), rank3)])
        put(cls, [case(cls, "axis1", dict(axis=1, from_logits=True), np.moveaxis(one_hot(ids3, 3), -1, 1).copy(), np.moveaxis(rank3, -1, 1).copy())])
        put(cls, [case(cls, "axis1_smoothing", dict(axis=1, from_logits=True, label_smoothing=0.2), np.moveaxis(one_hot(ids3, 3), -1, 1).copy(), np.moveaxis(rank3, -1, 1).copy())])
        put(cls, [case(cls, "mask", dict(from_logits=True), one_hot(ids3, 3), rank3, mask=np.array([[True, False], [True, True], [False, False], [True, True]]))])
    # Targets that do not sum to 1: TensorFlow's gradient takes them for distributions, whatever the rank.
    soft = values(4, 2, 3, key="soft", low=0)
    put("CategoricalCrossentropy", [case("CategoricalCrossentropy", "soft_rank3", dict(from_logits=True), soft, rank3)])
    put("CategoricalCrossentropy", [case("CategoricalCrossentropy", "soft_axis1", dict(from_logits=True, axis=1), soft, rank3)])
    cls = "SparseCategoricalCrossentropy"
    put(cls, common(cls, "probabilities", {}, ids, p))
    put(cls, common(cls, "logits", dict(from_logits=True), ids, logits))
    put(cls, [case(cls, "sharp", {}, ids, sharp), case(cls, "unnormalized", {}, ids, p * 3), case(cls, "column", {}, ids[:, None], p), case(cls, "float_labels", {}, ids.astype(np.float32), p), case(cls, "uint8_labels", dict(from_logits=True), ids.astype(np.uint8), logits)])
    put(cls, [case(cls, "rank3", dict(from_logits=True), ids3, rank3), case(cls, "rank3_probabilities", {}, ids3, probabilities(4, 2, 3))])
    put(cls, [case(cls, "ignore_class", dict(ignore_class=2), ids, p), case(cls, "ignore_class_minus", dict(ignore_class=-1, from_logits=True), np.array([2, -1, 1, -1]), logits), case(cls, "ignore_class_rank3", dict(ignore_class=0, from_logits=True), ids3, rank3)])
    put(cls, [case(cls, "mask", dict(from_logits=True), ids3, rank3, mask=np.array([[True, False], [True, True], [False, False], [True, True]]))])
    bits = np.array([[1, 0], [0, 0], [1, 1], [0, 1]], np.float32)
    q = np.round(probabilities(4, 2), 3)
    z = values(4, 2, low=-5, high=5)
    hard = np.array([[1, 0], [0, 1], [1e-9, 1], [1, 0.5]], np.float32)
    for cls, extras in [("BinaryCrossentropy", [{}]), ("BinaryFocalCrossentropy", [{}, dict(apply_class_balancing=True, alpha=0.3), dict(gamma=1.0)])]:
        for i, extra in enumerate(extras):
            tag = f"variant{i}_" if i else ""
            put(cls, common(cls, tag + "probabilities", extra, bits, q))
            put(cls, common(cls, tag + "logits", {**extra, "from_logits": True}, bits, z))
            put(cls, [case(cls, tag + "sharp", extra, bits, hard), case(cls, tag + "smoothing", {**extra, "label_smoothing": 0.1}, bits, q), case(cls, tag + "smoothing_logits", {**extra, "label_smoothing": 0.1, "from_logits": True}, bits, z)])
            put(cls, [case(cls, tag + "column", extra, bits[:, :1].copy(), q[:, :1].copy()), case(cls, tag + "labels_rank1", extra, bits[:, 0].copy(), q[:, 0].copy())])
            put(cls, [case(cls, tag + "int_labels", {**extra, "from_logits": True}, bits.astype(np.int32), z)])
    return out


def regression_losses():
    out = {}
    a, b = values(4, 3, key="true", low=-3, high=3), values(4, 3, key="pred", low=-3, high=3)
    positive_a, positive_b = np.abs(a) + np.float32(0.1), np.abs(b) + np.float32(0.1)
    for cls in "MeanSquaredError MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredLogarithmicError LogCosh Poisson KLDivergence Hinge SquaredHinge CategoricalHinge CosineSimilarity Huber".split():
        positive = cls in ("MeanSquaredLogarithmicError", "Poisson", "KLDivergence")
        t, p = (positive_a, positive_b) if positive else (a, b)
        if cls == "KLDivergence":
            t, p = probabilities(4, 3, key="t"), probabilities(4, 3, key="p")
        if "inge" in cls:
            t = np.where(a > 0, np.float32(1), np.float32(0))
            if cls == "CategoricalHinge":
                t = one_hot(np.array([0, 2, 1, 1]), 3)
        out[cls] = common(cls, "rank2", {}, t, p)
        out[cls] += [case(cls, "rank1", {}, t[:, 0].copy(), p[:, 0].copy()), case(cls, "rank3", {}, np.stack([t, t]), np.stack([p, p]))]
        out[cls] += [case(cls, "column_and_rank1", {}, t[:, 0].copy(), p[:, :1].copy())]
        out[cls] += [case(cls, "mask", {}, np.stack([t, t]), np.stack([p, p]), mask=np.array([[True, False, True, True], [False, True, False, False]]))]
        if cls != "CosineSimilarity":  # which refuses them
            out[cls] += [case(cls, "int_labels", {}, t.astype(np.int32), p)]
        if "inge" in cls:
            out[cls].append(case(cls, "minus_one_labels", {}, t * 2 - 1, p))
    out["Huber"] += [case("Huber", "delta", dict(delta=0.3), a, b)]
    out["MeanAbsolutePercentageError"] += [case("MeanAbsolutePercentageError", "zero_labels", {}, a * 0, b)]
    out["MeanSquaredLogarithmicError"] += [case("MeanSquaredLogarithmicError", "negative", {}, a, b)]
    out["LogCosh"] += [case("LogCosh", "large", {}, a * 1000, b * 1000)]
    out["CosineSimilarity"] += [case("CosineSimilarity", "axis1", dict(axis=1), np.stack([a, b]), np.stack([b, b])), case("CosineSimilarity", "zero", {}, a * 0, b)]
    out["KLDivergence"] += [case("KLDivergence", "clipped", {}, one_hot(np.array([0, 1, 2, 0]), 3), one_hot(np.array([0, 1, 1, 0]), 3))]
    return out


def odd_values():
    """Predictions with a number that is none, infinite, tiny, a zero or huge, one in each sample; then labels of such numbers."""
    odd = np.array([np.nan, np.inf, -np.inf, 1e-40, -0.0, 1e30, -1e30, 0], np.float32)

    def with_odd(x):
        x = np.array(x, np.float32)
        x[np.arange(8), np.arange(8) % x.shape[1]] = odd
        return x

    out, ids = {}, np.arange(8) % 3
    for cls in "CategoricalCrossentropy CategoricalFocalCrossentropy SparseCategoricalCrossentropy".split():
        labels = ids if cls.startswith("Sparse") else one_hot(ids, 3)
        out[cls] = [case(cls, "odd", {}, labels, with_odd(probabilities(8, 3)))]
        out[cls] += [case(cls, "odd_logits", dict(from_logits=True), labels, with_odd(values(8, 3)))]
    bits = (values(8, 2, key="bits") > 0).astype(np.float32)
    for cls in "BinaryCrossentropy BinaryFocalCrossentropy".split():
        out[cls] = [case(cls, "odd", {}, bits, with_odd(probabilities(8, 2))), case(cls, "odd_logits", dict(from_logits=True), bits, with_odd(values(8, 2)))]
    for cls in "MeanSquaredError MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredLogarithmicError LogCosh Poisson KLDivergence Hinge SquaredHinge CosineSimilarity Huber".split():
        labels = one_hot(ids, 3) if "inge" in cls else values(8, 3, key="true", low=0.1)
        out[cls] = [case(cls, "odd", {}, labels, with_odd(values(8, 3, low=0.1)))]
        if "inge" not in cls:
            out[cls] += [case(cls, "odd_labels", {}, with_odd(labels), values(8, 3, low=0.1))]
    return out


def functions():
    """Every name that `compile` takes, on one pair."""
    names = "KLD MAE MAPE MSE MSLE binary_crossentropy binary_focal_crossentropy categorical_crossentropy categorical_focal_crossentropy categorical_hinge cosine_similarity hinge huber kl_divergence kld kullback_leibler_divergence log_cosh logcosh mae mape mean_absolute_error mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error mse msle poisson sparse_categorical_crossentropy squared_hinge".split()
    cases = []
    p = probabilities(4, 3)
    for name in names:
        t = np.array([2, 0, 1, 2]) if name.startswith("sparse") else one_hot(np.array([2, 0, 1, 2]), 3)
        cases.append({"name": name, "keras": keras.__version__, "y_true": array(t), "y_pred": array(p), "per_sample": array(keras.losses.get(name)(tf.constant(t), tf.constant(p)))})
    save(__file__, "Functions", cases)


def ctc_batch_cost():
    """The loss of Keras 2's backend, from probabilities: its value and its gradient."""
    cases = []
    for name, labels, steps, label_length, input_length in [
        ("all", [[0, 1, 2], [2, 2, 1]], 8, [3, 3], [8, 8]),
        ("shorter", [[0, 1, 0], [3, 0, 0], [1, 1, 2]], 6, [2, 1, 3], [4, 6, 5]),
    ]:
        labels = np.array(labels)
        p = probabilities(len(labels) * steps, 5).reshape(len(labels), steps, 5)
        lengths = [np.array(l)[:, None] for l in (input_length, label_length)]
        pred = tf.constant(p)
        with tf.GradientTape() as tape:
            tape.watch(pred)
            loss = keras.backend.ctc_batch_cost(tf.constant(labels), pred, *map(tf.constant, lengths))
        record = {"name": name, "keras": keras.__version__, "y_true": array(labels), "y_pred": array(p)}
        record.update(input_length=array(lengths[0]), label_length=array(lengths[1]))
        record.update(loss=array(loss), gradient=array(tape.gradient(loss, pred)))
        cases.append(record)
    save(__file__, "CtcBatchCost", cases)


def keras3_losses():
    out = {}
    a, b = np.abs(values(4, 3, key="true")), np.abs(values(4, 3, key="pred"))
    image_a, image_b = (values(2, 3, 3, 2, key="a") > 0).astype(np.float32), np.abs(values(2, 3, 3, 2, key="b"))
    out["Dice"] = [case("Dice", "rank2", {}, a, b), case("Dice", "image", {}, image_a, image_b), case("Dice", "axis", dict(axis=(1, 2, 3)), image_a, image_b)]
    out["Dice"] += [case("Dice", "weights", {}, a, b, WEIGHTS), case("Dice", "weights_column", {}, a, b, WEIGHTS[:, None])]
    out["Tversky"] = [case("Tversky", "rank2", {}, a, b), case("Tversky", "alpha_beta", dict(alpha=0.3, beta=0.7), image_a, image_b), case("Tversky", "axis", dict(axis=(1, 2)), image_a, image_b)]
    out["Tversky"] += [case("Tversky", "mask", {}, a, b, mask=np.array([True, False, True, True]))]
    e = values(6, 4, key="embedding")
    e = (e / np.linalg.norm(e, axis=1, keepdims=True)).astype(np.float32)
    ids = np.array([0, 1, 0, 2, 1, 0])
    out["Circle"] = [case("Circle", "default", {}, ids, e), case("Circle", "gamma", dict(gamma=16.0, margin=0.2), ids, e), case("Circle", "keep_diagonal", dict(remove_diagonal=False), ids, e)]
    hot, p = one_hot(np.array([2, 0, 1, 2]), 3), probabilities(4, 3)
    out["CategoricalGeneralizedCrossEntropy"] = [case("CategoricalGeneralizedCrossEntropy", "default", {}, np.array([2, 0, 1, 2]), p), case("CategoricalGeneralizedCrossEntropy", "q", dict(q=0.2), np.array([2, 0, 1, 2]), p)]
    labels = np.array([[1, 2, 0], [2, 2, 1]])
    logits = values(2, 7, 4, low=-2, high=2)
    out["CTC"] = [
        case("CTC", "default", {}, labels, logits),
        case("CTC", "weights", {}, labels, logits, np.array([0.5, 2.0], np.float32)),
        case("CTC", "floats", {}, labels.astype(np.float32), logits),
        # Between equal labels there has to be a blank: five steps are just enough for three, four are not.
        case("CTC", "repeated", {}, np.array([[1, 1, 1], [3, 3, 0]]), values(2, 5, 4, low=-2, high=2)),
        case("CTC", "does_not_fit", {}, np.array([[1, 1, 1], [1, 2, 3], [1, 0, 0]]), values(3, 4, 4, low=-2, high=2)),
        case("CTC", "too_long", {}, np.array([[1, 2, 3, 1, 2]]), values(1, 3, 4, low=-2, high=2)),
        case("CTC", "no_labels", {}, np.array([[0, 0], [2, 0]]), values(2, 3, 4, low=-2, high=2)),
        case("CTC", "long", {}, integers(3, 12, low=1, high=6), values(3, 80, 6, low=-8, high=8)),
    ]
    del hot
    return out


def main():
    if KERAS3:
        made = keras3_losses()
    else:
        made = {**probability_losses(), **regression_losses()}
        for class_name, cases in odd_values().items():
            made[class_name] += cases
        functions()
        ctc_batch_cost()
    for class_name, cases in made.items():
        save(__file__, class_name, cases)


main()
