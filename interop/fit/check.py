"""Keras trains models with random optimizers, losses, metrics, weights and validation; kerox loads them from Keras's file and
trains them alike: equal histories, weights and evaluations.

also-tf221: Keras 3 does so too.

    python interop/fit/check.py [SEED [CASES]]

Left out is what docs/differences.md lists, and what Keras refuses.
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
from real import KERAS3, array, keras, np, plain

SEED, CASES = [int(given) for given in sys.argv[1:3]] + [1, 30][len(sys.argv) - 1:]
R, L = random.Random(SEED), keras.layers
OPTIMIZERS = {
    "SGD": dict(momentum=[0.5, 0.9], nesterov=[True]),
    "Adam": dict(beta_1=[0.5], beta_2=[0.9], epsilon=[1e-3], amsgrad=[True]),
    "AdamW": dict(beta_1=[0.5], amsgrad=[True]),
    "RMSprop": dict(rho=[0.5], momentum=[0.5], epsilon=[1e-3], centered=[True]),
    "Adagrad": dict(initial_accumulator_value=[0.01], epsilon=[1e-3]),
    "Adadelta": dict(rho=[0.5], epsilon=[1e-3]),
    "Adamax": dict(beta_1=[0.5], beta_2=[0.9], epsilon=[1e-3]),
    "Ftrl": dict(l1_regularization_strength=[0.01], l2_regularization_strength=[0.01], beta=[0.1], learning_rate_power=[-0.3]),
    "Lion": dict(beta_1=[0.7]),
    "Adafactor": dict(relative_step=[False], clip_threshold=[0.5]),
}
# Losses and metrics by what an output is. Keras 3 logs classes under other names, and does not know crossentropy.
KINDS = {
    "number": (["mse", "mae", "huber", "log_cosh"], ["mae", "mse", "cosine_similarity"], ["RootMeanSquaredError"]),
    "bit": (["binary_crossentropy", "hinge", "binary_focal_crossentropy", "mse"], ["accuracy", "acc", "binary_accuracy"], ["ce", "AUC", "Precision"]),
    "hot": (["categorical_crossentropy", "kl_divergence", "binary_crossentropy"], ["accuracy", "categorical_accuracy"], ["crossentropy", "AUC"]),
    "class": (["sparse_categorical_crossentropy"], ["sparse_categorical_accuracy"], []),
}


def pick(*choices):
    return R.choice(choices)


def chance(p):
    return R.random() < p


def uniform(*shape, low=-1.0):
    return np.random.RandomState(R.randrange(2**31)).uniform(low, 1, shape).astype("float32")


def integers(end, *shape):
    return np.random.RandomState(R.randrange(2**31)).randint(0, end, shape)


def some(choices, p=0.4):
    return {name: R.choice(values) for name, values in choices.items() if chance(p)}


def optimizer():
    legacy, name = not KERAS3 and chance(0.5), R.choice(list(OPTIMIZERS))
    module = keras.optimizers.legacy if legacy and hasattr(keras.optimizers.legacy, name) else keras.optimizers
    rate, s = pick(0.01, 0.1), keras.optimizers.schedules
    rates = [rate, rate, s.ExponentialDecay(rate, 3, 0.5), s.CosineDecay(rate, 7, alpha=0.1), s.PiecewiseConstantDecay([2, 5], [rate, rate / 2, rate / 4])]
    arguments = {"learning_rate": R.choice(rates), **some(OPTIMIZERS[name])}
    if chance(0.4):
        arguments.update(pick(dict(clipnorm=0.1), dict(clipvalue=0.02), dict(global_clipnorm=0.1)))
    if module is keras.optimizers:
        arguments.update(some(dict(weight_decay=[0.01], use_ema=[True], ema_momentum=[0.5], ema_overwrite_frequency=[3]), 0.25))
        if KERAS3 and chance(0.2):
            arguments["gradient_accumulation_steps"] = 2
    return getattr(module, name)(**arguments)


def words():
    """An embedding whose rows come and go, under any optimizer."""
    steps = pick(1, 3)
    tokens = L.Input((steps,))
    embedding = L.Embedding(6, 3, embeddings_regularizer=pick(None, None, "l2"))
    hidden = embedding(tokens)
    if chance(0.2):
        hidden = L.Concatenate()([hidden, embedding(tokens)])
    model = keras.Model(tokens, L.Dense(2)(pick(L.Flatten, L.GlobalAveragePooling1D)()(hidden)))
    model.compile(optimizer(), "mse")
    return model, integers(6, 20, steps).astype("float32"), [uniform(20, 2)], {"batch_size": 2}


def outputs():
    """Several outputs of any kind, of vectors or masked sequences, with weights and validation."""
    samples, steps = pick(8, 12), pick(None, None, 3)
    lead = (samples, steps) if steps else (samples,)
    x = uniform(*lead, 4)
    inputs = hidden = L.Input(x.shape[1:])
    if steps:
        x[uniform(*lead) < -0.5] = 0
        x[:, 0, 0] = 1
        hidden = L.LSTM(3, return_sequences=True)(L.Masking()(hidden))
    else:
        hidden = L.Dense(4, activation="tanh", kernel_regularizer=pick(None, "l2"), bias_constraint=pick(None, "non_neg"))(hidden)
    names = R.sample(["b", "a", "zz"], pick(1, 1, 2, 3))
    results, targets, losses, metrics, weighted = [], [], [], [], []
    for name in names:
        kind = R.choice(list(KINDS))
        width = 3 if kind in ("hot", "class") else pick(1, 2)
        activation = {"number": None, "bit": "sigmoid"}.get(kind, "softmax")
        results.append(L.Dense(width, activation=activation, name=name)(hidden))
        made = {"number": lambda: uniform(*lead, width), "bit": lambda: integers(2, *lead, width), "hot": lambda: np.eye(3, dtype="float32")[integers(3, *lead)]}
        targets.append(made.get(kind, lambda: integers(3, *lead))())
        known = KINDS[kind][1] + ([] if KERAS3 else KINDS[kind][2])
        losses.append(R.choice(KINDS[kind][0]))
        metrics.append(R.sample(known, min(pick(0, 1, 2), len(known))))
        others = [name for name in known if name not in metrics[-1]]
        weighted.append(R.sample(others, min(pick(0, 1), len(others))) if steps is None else [])
    several = len(names) > 1
    form = (lambda values: dict(zip(names, values)) if chance(0.5) else values) if several else (lambda values: values[0])
    model = keras.Model(inputs, results if several else results[0])
    factors = {"loss_weights": form([pick(0.5, 2.0) for _ in names])} if several and chance(0.4) else {}
    # Keras 3 shows the losses of outputs as means over batches alike: all batches are of one size here.
    model.compile(keras.optimizers.SGD(0.05), form(losses), metrics=form(metrics), weighted_metrics=form(weighted), **factors)
    fit = {"batch_size": 4, "epochs": pick(1, 2), **some(dict(initial_epoch=[1]), 0.2)}
    fit["epochs"] += fit.get("initial_epoch", 0)

    def weights(samples):
        return [uniform(*((samples, steps) if steps else (samples,)), low=0.1) for _ in names]

    if chance(0.4):
        fit["sample_weight"] = weights(samples)
    elif not several and not steps and activation == "softmax" and chance(0.5):
        fit["class_weight"] = {0: 0.5, 1: 2.0, 2: 1.0}
    if chance(0.4):
        fit["validation"] = (x[:4] * 0.5, [y[:4] for y in targets], weights(4) if chance(0.4) else None)
        fit["validation_freq"] = pick(1, 2, [1, 3])
    return model, x, targets, fit


def case(number, directory):
    keras.backend.clear_session()
    model, x, targets, fit = pick(words, outputs)()
    model.set_weights([uniform(*w.shape) * 0.7 for w in model.get_weights()])
    path = os.path.join(directory, f"{number}." + ("keras" if KERAS3 else "h5"))
    model.save(path)
    optimizer = plain(keras.optimizers.serialize(model.optimizer))
    record = {"kind": "fit", "id": number, "class_name": optimizer["class_name"], "file": path}
    record["config"] = {"optimizer": optimizer, "compile": plain(model.get_compile_config() if KERAS3 else model._compile_config.config)}
    record["config"]["compile"].pop("optimizer", None)
    record.update({k: v for k, v in fit.items() if k not in ("sample_weight", "validation", "class_weight")}, epochs=fit.get("epochs", 1))
    record.update(x=[array(x)], y=[array(y) for y in targets], sample_weight=None)
    one = (lambda arrays: arrays) if len(targets) > 1 else (lambda arrays: arrays[0])
    given = {k: v for k, v in fit.items() if k != "validation"}
    if "sample_weight" in fit:
        record["sample_weight"], given["sample_weight"] = [array(w) for w in fit["sample_weight"]], one(fit["sample_weight"])
    if "class_weight" in fit:
        record["class_weight"] = {str(k): w for k, w in fit["class_weight"].items()}
    if "validation" in fit:
        vx, vy, vw = fit["validation"]
        record["validation"] = {"x": array(vx), "y": [array(y) for y in vy], "w": vw and [array(w) for w in vw]}
        given["validation_data"] = (vx, one(vy)) if vw is None else (vx, one(vy), one(vw))
    history = model.fit(x, one(targets), shuffle=False, verbose=0, **given)
    record["history"], record["weights"] = plain(history.history), [array(w) for w in model.get_weights()]
    record["evaluate"] = plain(model.evaluate(x, one(targets), batch_size=4, verbose=0, return_dict=True))
    return record


def main():
    with tempfile.TemporaryDirectory() as directory:
        cases = [case(i, directory) for i in range(CASES)]
        path = os.path.join(directory, "cases.jsonl")
        with open(path, "w") as file:
            file.write("\n".join(json.dumps(case) for case in cases) + "\n")
        sys.exit(subprocess.run([workspace.example("differential"), path], cwd=os.path.join(ROOT, "..")).returncode)


main()
