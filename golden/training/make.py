"""Writes golden/training/optimizers*.json, schedules*.json and fit_*.json.

With TensorFlow 2.15 the current and the legacy optimizers, with Keras 3 its own. (The other files of this folder are
complete runs of layers and losses, made by the same recipe as fit_*.json.)
"""

import json
import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, ".."))

from arrays import write  # noqa: E402
from real import FAILED, KERAS3, VERSIONS, array, keras, np, plain, tf, values  # noqa: E402

STEPS = 10
KEEP = (1, 2, 5, 10)
SHAPES = {"kernel": (3, 2), "bias": (2,), "conv/kernel": (2, 2, 1, 3), "gain": ()}

COMMON = [
    ("clipnorm", dict(clipnorm=0.5)),
    ("global_clipnorm", dict(global_clipnorm=0.7)),
    ("clipvalue", dict(clipvalue=0.2)),
]
CURRENT = [
    ("weight_decay", dict(weight_decay=0.1)),
    ("use_ema", dict(use_ema=True, ema_momentum=0.9)),
    ("ema_overwrite", dict(use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=3)),
]
SPECIFIC = {
    "SGD": [dict(momentum=0.9), dict(momentum=0.9, nesterov=True), dict(learning_rate=0.5, momentum=0.3)],
    "Adam": [dict(amsgrad=True), dict(learning_rate=0.1, beta_1=0.8, beta_2=0.95, epsilon=0.1)],
    "AdamW": [dict(weight_decay=0.2, learning_rate=0.1), dict(amsgrad=True)],
    "RMSprop": [dict(momentum=0.9), dict(centered=True), dict(centered=True, momentum=0.5, rho=0.8, epsilon=0.01)],
    "Adagrad": [dict(initial_accumulator_value=0.5, learning_rate=0.1, epsilon=0.1)],
    "Adadelta": [dict(learning_rate=1.0, rho=0.9, epsilon=1e-3)],
    "Adamax": [dict(learning_rate=0.1, epsilon=0.1)],
    "Nadam": [dict(learning_rate=0.1, beta_1=0.8, epsilon=0.1)],
    "Ftrl": [
        dict(learning_rate=0.5, l1_regularization_strength=0.1, l2_regularization_strength=0.2),
        dict(learning_rate=0.5, l2_shrinkage_regularization_strength=0.1, beta=0.3),
        dict(learning_rate=0.5, learning_rate_power=-0.7, initial_accumulator_value=0.3),
    ],
    "Lion": [dict(learning_rate=0.1, beta_1=0.7, beta_2=0.8)],
    "Adafactor": [dict(relative_step=False, learning_rate=0.1), dict(learning_rate=0.5, clip_threshold=0.5, beta_2_decay=-0.5)],
    "Lamb": [dict(learning_rate=0.1, epsilon=0.01)],
    "Muon": [dict(learning_rate=0.1)],
    "ScheduleFreeAdamW": [dict(learning_rate=0.1, warmup_steps=3)],
}


def schedules():
    s = keras.optimizers.schedules
    rate = 0.1
    return [
        ("ExponentialDecay", s.ExponentialDecay(rate, 10, 0.5)),
        ("ExponentialDecay_staircase", s.ExponentialDecay(rate, 10, 0.5, staircase=True)),
        ("InverseTimeDecay", s.InverseTimeDecay(rate, 4, 0.5)),
        ("InverseTimeDecay_staircase", s.InverseTimeDecay(rate, 4, 0.5, staircase=True)),
        ("PiecewiseConstantDecay", s.PiecewiseConstantDecay([3, 10], [1.0, 0.5, 0.1])),
        ("PiecewiseConstantDecay_floats", s.PiecewiseConstantDecay([2.5, 7.5], [0.3, 0.2, 0.1])),
        ("PolynomialDecay", s.PolynomialDecay(rate, 10, 0.01, power=2.0)),
        ("PolynomialDecay_linear", s.PolynomialDecay(rate, 10)),
        ("PolynomialDecay_cycle", s.PolynomialDecay(rate, 10, 0.01, power=0.5, cycle=True)),
        ("CosineDecay", s.CosineDecay(rate, 20)),
        ("CosineDecay_alpha", s.CosineDecay(rate, 20, alpha=0.2)),
        ("CosineDecay_warmup", s.CosineDecay(0.0, 20, alpha=0.1, warmup_target=rate, warmup_steps=5)),
        ("CosineDecayRestarts", s.CosineDecayRestarts(rate, 6)),
        ("CosineDecayRestarts_same", s.CosineDecayRestarts(rate, 6, t_mul=1.0, m_mul=0.8, alpha=0.1)),
        ("CosineDecayRestarts_grow", s.CosineDecayRestarts(rate, 4, t_mul=1.5, m_mul=0.9)),
    ]


def schedule_cases():
    cases = []
    for name, schedule in schedules():
        at = list(range(0, 32)) + [50, 100, 1000, 100000]
        rates = [np.float32(np.asarray(schedule(step))) for step in at]
        serialized = plain(keras.optimizers.schedules.serialize(schedule))
        cases.append({"name": name, "keras": keras.__version__, "serialized": serialized, "steps": at, "rates": array(np.array(rates, np.float32))})
    return cases


def variables():
    out = []
    for name, dims in SHAPES.items():
        value = values(*dims, key=name)
        if KERAS3:
            out.append(keras.Variable(value, name=name.split("/")[-1]))
        else:
            out.append(tf.Variable(value, name=name))
    return out


def gradient(step, name, dims):
    return values(*dims, key=f"gradient{step}{name}", low=-1.5, high=1.5)


def optimizer_case(name, class_name, build, exclude=None):
    """Ten `apply_gradients` with given gradients."""
    keras.backend.clear_session()
    try:
        optimizer = build()
        weights = variables()
        record = {"name": name, "keras": keras.__version__, "class_name": class_name, "serialized": plain(keras.optimizers.serialize(optimizer))}
        record["weights"] = [{"name": n, "value": array(w)} for n, w in zip(SHAPES, weights)]
        record["exclude_from_weight_decay"] = exclude
        if exclude:
            optimizer.exclude_from_weight_decay(var_names=exclude)
        record["gradients"], record["after"] = [], {}
        for step in range(STEPS):
            gradients = [gradient(step, n, d) for n, d in SHAPES.items()]
            record["gradients"].append([array(g) for g in gradients])
            optimizer.apply_gradients(zip([tf.constant(g) for g in gradients], weights))
            if step + 1 in KEEP:
                record["after"][str(step + 1)] = [array(w) for w in weights]
        record["optimizer_variables"] = state(optimizer)
        return record
    except Exception as error:
        FAILED.append(f"{name}: {type(error).__name__}: {str(error)[:200]}")


def state(optimizer):
    found = optimizer.variables
    found = found() if callable(found) else found
    return [{"name": getattr(v, "path", v.name).split(":")[0], "value": array(v)} for v in found]


def sparse_case(name, class_name, build):
    """Five steps on an embedding whose gradient names some rows, one of them twice."""
    keras.backend.clear_session()
    optimizer = build()
    table = tf.Variable(values(5, 2, key="table"), name="embeddings")
    record = {"name": name, "keras": keras.__version__, "class_name": class_name, "serialized": plain(keras.optimizers.serialize(optimizer)), "weights": [{"name": "embeddings", "value": array(table)}], "sparse_gradients": [], "after": {}}
    for step in range(5):
        rows = np.array([[1, 3, 1], [0, 3, 3], [4, 1, 0], [1, 1, 1], [2, 3, 0]][step], np.int64)
        rise = values(3, 2, key=f"sparse{step}")
        record["sparse_gradients"].append({"indices": array(rows), "values": array(rise)})
        optimizer.apply_gradients([(tf.IndexedSlices(tf.constant(rise), tf.constant(rows), tf.constant([5, 2])), table)])
        record["after"][str(step + 1)] = [array(table)]
    record["optimizer_variables"] = state(optimizer)
    return record


def all_cases(module, names, legacy):
    cases = []
    for class_name in names:
        cls = getattr(module, class_name)
        variants = [("default", {}), ("large_rate", dict(learning_rate=0.3))]
        variants += [("_".join(f"{k}_{v}" for k, v in a.items()), a) for a in SPECIFIC.get(class_name, []) if not (legacy and class_name == "AdamW")]
        variants += COMMON if class_name in ("SGD", "Adam") else []
        if legacy:
            variants += [("decay", dict(decay=0.1))]
        else:
            variants += CURRENT if class_name in ("SGD", "Adam", "RMSprop") else CURRENT[:1]
            variants += [("schedule", dict(learning_rate=keras.optimizers.schedules.ExponentialDecay(0.2, 3, 0.5)))]
        if KERAS3 and class_name in ("SGD", "Adam"):
            variants += [("accumulation", dict(gradient_accumulation_steps=3)), ("loss_scale_factor", dict(loss_scale_factor=4.0))]
        for label, arguments in variants:
            cases.append(optimizer_case(f"{class_name}/{label}", class_name, lambda: cls(**arguments)))
        if class_name in ("SGD", "AdamW") and not legacy:
            cases.append(optimizer_case(f"{class_name}/excluded", class_name, lambda: cls(learning_rate=0.2, weight_decay=0.3), ["bias", "gain"]))
        if not KERAS3:
            try:
                cases.append(sparse_case(f"{class_name}/sparse", class_name, lambda: cls(learning_rate=0.1)))
                if class_name in ("SGD", "RMSprop"):
                    cases.append(sparse_case(f"{class_name}/sparse_momentum", class_name, lambda: cls(learning_rate=0.1, momentum=0.9)))
            except Exception as error:
                FAILED.append(f"{class_name}/sparse: {type(error).__name__}: {str(error)[:200]}")
    return [c for c in cases if c]


def loss_scale_cases():
    """Dynamic loss scaling: a step whose gradient is not finite is skipped and halves the scale."""
    cases = []
    for label, arguments in [("dynamic", dict(dynamic=True, initial_scale=8.0, dynamic_growth_steps=2)), ("fixed", dict(dynamic=False, initial_scale=16.0))]:
        inner = keras.optimizers.SGD(0.1, momentum=0.5)
        optimizer = keras.mixed_precision.LossScaleOptimizer(inner, **arguments)
        weight = tf.Variable(values(2, 2, key="scaled"), name="kernel")
        optimizer.build([weight])
        record = {"name": "LossScaleOptimizer/" + label, "keras": keras.__version__, "class_name": "LossScaleOptimizer", "serialized": plain(keras.optimizers.serialize(optimizer)), "weights": [{"name": "kernel", "value": array(weight)}], "steps": []}
        for step in range(8):
            g = values(2, 2, key=f"scaled{step}")
            if step in (3, 4):
                g[0, 0] = np.inf if step == 3 else np.nan
            scale = float(optimizer.loss_scale)
            optimizer.apply_gradients(list(zip(optimizer.get_unscaled_gradients([tf.constant(g * np.float32(scale))]), [weight])))
            record["steps"].append({"gradient": array(g), "scale_before": scale, "scale_after": float(optimizer.loss_scale), "weight": array(weight), "iterations": int(inner.iterations)})
        record["optimizer_variables"] = state(optimizer)
        cases.append(record)
    return cases


def keyed(more):
    """Arguments of `fit` from JSON, where classes are words."""
    return {k: {int(c): w for c, w in v.items()} if k == "class_weight" else v for k, v in more.items()}


def fit_run(name, optimizer, loss="mse", metrics=("mae",), activation=None, y=None, **more):
    """A complete `fit` in the form of the other files here."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.layers.Dense(6, activation="tanh", input_shape=(4,), kernel_regularizer="l2"), keras.layers.Dense(3, activation=activation)])
    model.set_weights([values(*w.shape, key=f"{name}{i}", low=-0.7, high=0.7) for i, w in enumerate(model.get_weights())])
    x = values(10, 4, key="fit_x")
    y = values(10, 3, key="fit_y") if y is None else y
    before = model.get_weights()
    model.compile(optimizer, loss, metrics=list(metrics))
    document = {
        "config": plain(json.loads(model.to_json())),
        "loss": loss,
        "optimizer": plain(keras.optimizers.serialize(model.optimizer)),
        "metrics": list(metrics),
        "epochs": 4,
        "batch_size": 4,
        "fit_args": {"shuffle": False, **more},
        "x": x.tolist(),
        "y": y.tolist(),
        "weight_names": [w.name for w in model.weights],
        "weights_before": [w.tolist() for w in before],
        "predict_before": model.predict(x, verbose=0).tolist(),
    }
    history = model.fit(x, y, batch_size=4, epochs=4, shuffle=False, verbose=0, **(keyed(more) or {"validation_data": (x[:5], y[:5])}))
    if not more:
        document["validation_data"] = "the first 5 samples"
    document["history"] = history.history
    document["weights_after"] = [w.tolist() for w in model.get_weights()]
    document["predict_after"] = model.predict(x, verbose=0).tolist()
    document["evaluate"] = [float(v) for v in model.evaluate(x, y, verbose=0)]
    document["optimizer_variables"] = [{"name": v["name"], "value": v["value"]} for v in state(model.optimizer)]
    with open(os.path.join(FOLDER, f"fit_{name}.json"), "w") as file:
        json.dump(document, file)
        file.write("\n")


def put(file, cases):
    write(os.path.join(FOLDER, file), {"made_by": "golden/training/make.py", "versions": VERSIONS, "cases": cases}, "cases")


def main():
    names = ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl", "Lion", "Adafactor"]
    if KERAS3:
        put("optimizers_keras3.json", all_cases(keras.optimizers, names + ["Lamb", "Muon", "ScheduleFreeAdamW"], False))
        put("schedules_keras3.json", schedule_cases())
    else:
        put("optimizers.json", all_cases(keras.optimizers, names, False) + loss_scale_cases())
        put("optimizers_legacy.json", all_cases(keras.optimizers.legacy, [n for n in names if n not in ("AdamW", "Lion", "Adafactor")], True))
        put("schedules.json", schedule_cases())
        for n in names:
            fit_run(n.lower(), getattr(keras.optimizers, n)(learning_rate=0.05))
        for n in ("SGD", "Adam", "RMSprop"):
            fit_run("legacy_" + n.lower(), getattr(keras.optimizers.legacy, n)(learning_rate=0.05))
        fit_run("adam_schedule", keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 8)))
        fit_run("sgd_ema", keras.optimizers.SGD(0.1, momentum=0.9, use_ema=True, ema_momentum=0.9))
        # Cross entropies take the logits of softmax and sigmoid alike, whichever they expect.
        bits, classes = (values(10, 3, key="fit_y") > 0).astype("float32"), np.arange(10)[:, None] % 3
        hot = np.eye(3, dtype="float32")[classes[:, 0]]
        sgd = keras.optimizers.SGD
        fit_run("softmax_binary", sgd(0.1), "binary_crossentropy", ["crossentropy", "binary_crossentropy"], "softmax", bits)
        fit_run("softmax_binary_focal", sgd(0.1), "binary_focal_crossentropy", ["mae"], "softmax", bits)
        fit_run("sigmoid_categorical", sgd(0.1), "categorical_crossentropy", ["ce", "accuracy"], "sigmoid", hot)
        fit_run("sigmoid_sparse", sgd(0.1), "sparse_categorical_crossentropy", ["ce", "accuracy"], "sigmoid", classes)
        # Weights of classes count in training alone.
        weights = {"0": 0.5, "1": 2.0, "2": 1.0}
        fit_run("class_weight_split", sgd(0.1), "categorical_crossentropy", ["accuracy"], "softmax", hot, validation_split=0.3, class_weight=weights)
        fit_run("adam_clipnorm", keras.optimizers.Adam(0.1, global_clipnorm=0.5))
    for line in FAILED:
        print("FAILED", line)


main()
