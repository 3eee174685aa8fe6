"""Writes extra_keras215.json and extra_keras3.json: what optimizers and schedules do beyond the plain trajectories.

Run once with each Keras: `python make.py keras215` (TensorFlow 2.15) and `python make.py keras3` (Keras 3).
Each case has the class, constructor arguments, and weights and state after every step.
"""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf

which = sys.argv[1]
if which == "keras215":
    from tensorflow.keras import optimizers as new

    legacy = tf.keras.optimizers.legacy
else:
    import keras
    from keras import optimizers as new

    legacy = None
schedules = new.schedules
rng = np.random.default_rng(7)
STEPS = 6
INITIAL = {"kernel": rng.normal(size=(4, 3)), "bias": rng.normal(size=(3,))}
GRADIENTS = [{"kernel": rng.normal(size=(4, 3)), "bias": rng.normal(size=(3,))} for _ in range(STEPS)]
# Rows with repetitions; row 2 is missing in some steps.
ROWS = [[0, 2, 0], [1, 3, 3], [0, 1, 3], [2, 2, 2], [0, 0, 1], [3, 1, 0]]
SPARSE = [rng.normal(size=(3, 3)) for _ in ROWS]


def listed(value):
    value = np.asarray(value)
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        return [listed(v) for v in value] if value.ndim else str(float(value)).replace("nan", "NaN")
    return value.astype("float64" if value.dtype.kind == "f" else "int64").tolist()


def make(name, value, dtype):
    if which == "keras215":
        return tf.Variable(value.astype(dtype), name=name)
    return keras.Variable(value.astype(dtype), name=name)


def state(optimizer):
    variables = optimizer.variables
    variables = variables() if callable(variables) and not isinstance(variables, list) else variables
    name = (lambda v: v.name) if which == "keras215" else (lambda v: v.path)
    return [{"name": name(v), "shape": list(v.shape), "value": listed(v.numpy())} for v in variables]


def serialize(optimizer, is_legacy):
    if which == "keras215":
        return tf.keras.optimizers.serialize(optimizer)
    return keras.optimizers.serialize(optimizer)


def run(module, cls, args, dtype="float32", sparse=False, exclude=None, scales=None, wrap=None):
    optimizer = getattr(module, cls)(**args)
    if exclude:
        optimizer.exclude_from_weight_decay(var_names=exclude)
    if wrap is not None:
        if which == "keras215":
            optimizer = tf.keras.mixed_precision.LossScaleOptimizer(optimizer, **wrap)
        else:
            optimizer = new.LossScaleOptimizer(optimizer, **wrap)
    kernel, bias = make("kernel", INITIAL["kernel"], dtype), make("bias", INITIAL["bias"], dtype)
    steps = []
    for i in range(STEPS):
        if sparse:
            pairs = [(tf.IndexedSlices(tf.constant(SPARSE[i], dtype), tf.constant(ROWS[i], tf.int64), (4, 3)), kernel)]
        else:
            g = GRADIENTS[i]
            pairs = [(tf.constant(g["kernel"], dtype), kernel), (tf.constant(g["bias"], dtype), bias)]
            if scales is not None:
                pairs = [(g * tf.cast(scales[i], dtype), v) for g, v in pairs]
        if which == "keras215":
            if wrap is not None:
                grads = optimizer.get_unscaled_gradients([g for g, _ in pairs])
                pairs = list(zip(grads, [v for _, v in pairs]))
            optimizer.apply_gradients(pairs)
        else:
            optimizer.apply([g for g, _ in pairs], [v for _, v in pairs])
        rate = optimizer.learning_rate
        rate = float(rate(i) if callable(rate) and not hasattr(rate, "numpy") else rate.numpy() if hasattr(rate, "numpy") else rate)
        step = {"kernel": listed(kernel.numpy()), "bias": listed(bias.numpy()), "learning_rate": rate}
        if wrap is not None:
            step["scale"] = float(optimizer.loss_scale if which == "keras215" else optimizer.dynamic_scale.numpy())
        steps.append(step)
    averages = None
    if args.get("use_ema"):
        optimizer.finalize_variable_values([kernel, bias])
        averages = {"kernel": listed(kernel.numpy()), "bias": listed(bias.numpy())}
    return {
        "serialized": serialize(optimizer, module is legacy),
        "legacy": module is legacy,
        "dtype": dtype,
        "sparse": sparse,
        "exclude": exclude or [],
        "scales": listed(scales) if scales is not None else None,
        "steps": steps,
        "finalized": averages,
        "variables": state(optimizer),
    }


cases = {}


def add(name, *args, **kwargs):
    cases[name] = run(*args, **kwargs)


def free_cases():
    add("schedule_free", new, "ScheduleFreeAdamW", dict(learning_rate=0.1, warmup_steps=4, weight_decay=0.1))
    add("schedule_free_float64", new, "ScheduleFreeAdamW", dict(learning_rate=0.1), dtype="float64")


def all_cases():
    for cls, args in [
        ("SGD", dict(learning_rate=0.1, momentum=0.9)),
        ("Adam", dict(learning_rate=0.01)),
        ("Adam", dict(learning_rate=0.01, amsgrad=True)),
        ("RMSprop", dict(learning_rate=0.01, momentum=0.5, centered=True)),
        ("RMSprop", dict(learning_rate=0.01)),
        ("Adagrad", dict(learning_rate=0.1)),
        ("Adadelta", dict(learning_rate=1.0)),
        ("Adamax", dict(learning_rate=0.01)),
        ("Nadam", dict(learning_rate=0.01)),
        ("Ftrl", dict(learning_rate=0.1, l1_regularization_strength=0.01)),
        ("Ftrl", dict(learning_rate=0.1, learning_rate_power=-0.3, l2_shrinkage_regularization_strength=0.1)),
    ]:
        tag = cls.lower() + "".join(f"_{k}" for k in args if k != "learning_rate")
        add(f"{tag}_float64", new, cls, args, dtype="float64")
        if which == "keras215":
            add(f"{tag}_sparse", new, cls, args, sparse=True)
            add(f"legacy_{tag}_sparse", legacy, cls, args, sparse=True)
            add(f"legacy_{tag}_float64", legacy, cls, args, dtype="float64")
    for cls in ["Lion", "Adafactor"]:
        add(f"{cls.lower()}_float64", new, cls, dict(learning_rate=0.01), dtype="float64")
    add("adafactor_absolute", new, "Adafactor", dict(learning_rate=0.1, relative_step=False, clip_threshold=0.5))

    for clip in [dict(clipnorm=0.7), dict(global_clipnorm=0.7), dict(clipvalue=0.3)]:
        tag = "_".join(clip)
        add(f"adam_{tag}", new, "Adam", dict(learning_rate=0.1, **clip))
        if which == "keras215":
            add(f"legacy_adam_{tag}", legacy, "Adam", dict(learning_rate=0.1, **clip))
            add(f"sgd_{tag}_sparse", new, "SGD", dict(learning_rate=0.1, **clip), sparse=True)
            add(f"legacy_sgd_{tag}_sparse", legacy, "SGD", dict(learning_rate=0.1, **clip), sparse=True)
    if which == "keras215":
        add("sgd_clipnorm_clipvalue", new, "SGD", dict(learning_rate=0.1, clipnorm=0.7, clipvalue=0.1))
        add("legacy_sgd_clipnorm_clipvalue", legacy, "SGD", dict(learning_rate=0.1, clipnorm=0.7, clipvalue=0.1))

    add("adamw_exclude", new, "AdamW", dict(learning_rate=0.1, weight_decay=0.1), exclude=["bi.s"])
    add("sgd_decay_clip", new, "SGD", dict(learning_rate=0.1, weight_decay=0.1, clipvalue=0.2))
    add("adam_ema_overwrite", new, "Adam", dict(learning_rate=0.1, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=3))
    add("sgd_ema", new, "SGD", dict(learning_rate=0.1, use_ema=True, ema_momentum=0.9))
    add("rmsprop_ema_float64", new, "RMSprop", dict(learning_rate=0.1, use_ema=True, ema_momentum=0.5), dtype="float64")
    if which == "keras215":
        for cls in ["SGD", "Adam", "RMSprop", "Adagrad", "Ftrl"]:
            add(f"legacy_{cls.lower()}_decay", legacy, cls, dict(learning_rate=0.1, decay=0.2))

    inf = np.array([1.0, np.inf, 1.0, 1.0, np.nan, 1.0])
    add("loss_scale", new, "Adam", dict(learning_rate=0.1), scales=inf * 8, wrap=dict(initial_scale=8.0, dynamic_growth_steps=2))
    add("loss_scale_low", new, "SGD", dict(learning_rate=0.1), scales=inf, wrap=dict(initial_scale=1.0, dynamic_growth_steps=3))
    if which == "keras215":
        add("legacy_loss_scale", legacy, "Adam", dict(learning_rate=0.1), scales=inf * 8, wrap=dict(initial_scale=8.0, dynamic_growth_steps=2))
        add("loss_scale_fixed", new, "SGD", dict(learning_rate=0.1), scales=np.ones(6) * 8, wrap=dict(dynamic=False, initial_scale=8.0))
    else:
        add("accumulate", new, "Adam", dict(learning_rate=0.1, gradient_accumulation_steps=3, clipnorm=0.5, weight_decay=0.1))
        add(
            "accumulate_ema",
            new,
            "SGD",
            dict(learning_rate=0.1, momentum=0.5, gradient_accumulation_steps=2, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=2),
        )
        add("loss_scale_factor", new, "Adam", dict(learning_rate=0.1, loss_scale_factor=3.0, clipvalue=0.1))
        add("lamb", new, "Lamb", dict(learning_rate=0.1, weight_decay=0.1))
        add("lamb_float64", new, "Lamb", dict(learning_rate=0.1), dtype="float64")
        add("muon", new, "Muon", dict(learning_rate=0.1, weight_decay=0.1))
        add("muon_float64", new, "Muon", dict(learning_rate=0.1, nesterov=False, rms_rate=None), dtype="float64")
        add("muon_excluded", new, "Muon", dict(learning_rate=0.1, exclude_layers=["kern.l"]))

    made = {
        "exponential": schedules.ExponentialDecay(0.1, 3, 0.5),
        "exponential_staircase": schedules.ExponentialDecay(0.1, 3, 0.5, staircase=True),
        "inverse_time": schedules.InverseTimeDecay(0.1, 3, 0.5),
        "inverse_time_staircase": schedules.InverseTimeDecay(0.1, 3, 0.5, staircase=True, name="x"),
        "polynomial": schedules.PolynomialDecay(0.1, 7, end_learning_rate=0.01, power=2.0),
        "polynomial_cycle": schedules.PolynomialDecay(0.1, 7, end_learning_rate=0.01, power=0.5, cycle=True),
        "piecewise": schedules.PiecewiseConstantDecay([2, 5, 9], [1.0, 0.5, 0.25, 0.1]),
        "cosine": schedules.CosineDecay(0.1, 10, alpha=0.1),
        "cosine_warmup": schedules.CosineDecay(0.0, 10, alpha=0.05, warmup_target=0.3, warmup_steps=4),
        "cosine_restarts": schedules.CosineDecayRestarts(0.1, 3, t_mul=2.0, m_mul=0.5, alpha=0.1),
        "cosine_restarts_even": schedules.CosineDecayRestarts(0.1, 4, t_mul=1.0, m_mul=0.9),
        "cosine_restarts_slow": schedules.CosineDecayRestarts(0.1, 4, t_mul=1.5),
    }
    for name, schedule in made.items():
        serialize_schedule = tf.keras.optimizers.schedules.serialize if which == "keras215" else keras.optimizers.schedules.serialize
        steps = list(range(26)) + [100, 1000]
        rates[name] = {
            "serialized": serialize_schedule(schedule),
            "steps": steps,
            "rates": [float(schedule(tf.constant(step, tf.int64))) for step in steps],
        }
        add(f"sgd_schedule_{name}", new, "SGD", dict(learning_rate=schedule))
    add("adamw_schedule", new, "AdamW", dict(learning_rate=made["cosine_warmup"], weight_decay=0.1))
    add("adafactor_schedule", new, "Adafactor", dict(learning_rate=made["exponential"]))
    if which == "keras215":
        add("legacy_adam_schedule", legacy, "Adam", dict(learning_rate=made["exponential"], decay=0.1))


rates = {}
all_cases()
if which == "keras3":
    free_cases()


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return value.item()
    return value


out = {
    "initial": {k: v.tolist() for k, v in INITIAL.items()},
    "gradients": [{k: v.tolist() for k, v in g.items()} for g in GRADIENTS],
    "rows": ROWS,
    "row_gradients": [g.tolist() for g in SPARSE],
    "cases": cases,
    "schedules": rates,
}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"extra_{which}.json")
with open(path, "w") as file:
    json.dump(plain(out), file, separators=(",", ":"))
print(path, len(cases), "cases", os.path.getsize(path), "bytes")
