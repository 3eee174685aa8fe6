"""What optimizers make of odd arguments: the weights after three steps, null where Keras refuses to make them.

    <environment with TensorFlow 2.15.1>/bin/python golden/optim/arguments.py
    <environment with TensorFlow 2.21.0, Keras 3.15.1>/bin/python golden/optim/arguments.py
"""

import json
import os

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import tensorflow as tf  # noqa: E402
import keras  # noqa: E402

FOLDER = os.path.dirname(os.path.abspath(__file__))
KERAS3 = keras.__version__.startswith("3")
NAN = float("nan")
INITIAL, GRADIENT = [1.0, 2.0], [0.5, -0.25]

ODD = {
    "SGD": {"momentum": [-0.5, 1.5, NAN], "learning_rate": [0.0, -0.1, NAN], "clipnorm": [-1.0, 0.0, NAN], "clipvalue": [-0.1, 0.0],
            "global_clipnorm": [-1.0, 0.0]},
    "RMSprop": {"momentum": [-0.5, 1.5, NAN], "rho": [1.5, -0.5], "epsilon": [-1.0]},
    "Adagrad": {"initial_accumulator_value": [-0.1, 0.0, NAN]},
    "Ftrl": {"learning_rate_power": [0.5, 0.0, NAN], "initial_accumulator_value": [-0.1, 0.0, NAN], "l1_regularization_strength": [-0.1, NAN],
             "l2_regularization_strength": [-0.1, NAN], "l2_shrinkage_regularization_strength": [-0.1, NAN]},
    "Adam": {"beta_1": [1.5, 1.0, -0.5], "beta_2": [-0.5, 1.0, 1.5], "epsilon": [-1.0, 0.0]},
    "Adadelta": {"rho": [1.5, -0.5]},
    "Adamax": {"beta_1": [1.0, 1.5]},
    "Nadam": {"beta_1": [1.0, 1.5]},
}
CURRENT = {
    "SGD": {"weight_decay": [-0.1, NAN], "use_ema": [True]},
    "Lion": {"learning_rate": [0.0, -0.1, NAN]},
    "Adafactor": {"beta_2_decay": [0.5], "clip_threshold": [0.0]},
    "AdamW": {"weight_decay": [0.0, -0.1, NAN], "beta_1": [1.0], "epsilon": [0.0]},
}
ONLY_KERAS3 = {"SGD": {"gradient_accumulation_steps": [1, 0, -1], "loss_scale_factor": [-2.0, NAN]},
               "Lamb": {"beta_1": [1.0, 1.5], "beta_2": [-0.5, 1.0], "epsilon": [-1.0, 0.0]},
               "Muon": {"momentum": [-0.5, 1.5], "ns_steps": [0, -1], "adam_lr_ratio": [0.0, -1.0]},
               "ScheduleFreeAdamW": {"beta_1": [0.0, 1.0, 1.5], "beta_2": [1.0, 1.5], "warmup_steps": [0, -1, 2]}}
EMA = [{"ema_momentum": v} for v in (-0.5, 1.5, NAN)] + [{"ema_overwrite_frequency": v} for v in (0, -1, 1)]


def weights(make, arguments):
    try:
        optimizer = make(**arguments)
    except ValueError:
        return None
    variable = (keras.Variable if KERAS3 else tf.Variable)(np.array(INITIAL, "float32"))
    for _ in range(3):
        optimizer.apply_gradients([(tf.constant(GRADIENT), variable)])
    return [word(float(v)) for v in np.asarray(variable)]


def word(value):
    return value if not isinstance(value, float) or np.isfinite(value) else str(value)


def write(name, module, tables):
    cases = []
    for table in tables:
        for cls, keys in table.items():
            for key, values in keys.items():
                for value in values:
                    several = [{key: value, **ema} for ema in EMA] if key == "use_ema" else [{key: value}]
                    for arguments in several:
                        found = weights(getattr(module, cls), arguments)
                        arguments = {k: word(v) for k, v in arguments.items()}
                        cases.append({"class": cls, "arguments": arguments, "weights": found})
    lines = ",\n".join("  " + json.dumps(case) for case in cases)
    head = json.dumps({"keras": keras.__version__, "initial": INITIAL, "gradient": GRADIENT})[:-1]
    with open(os.path.join(FOLDER, name), "w") as file:
        file.write(f'{head}, "cases": [\n{lines}\n]}}\n')


if KERAS3:
    write("arguments_keras315.json", keras.optimizers, [ODD, CURRENT, ONLY_KERAS3])
else:
    write("arguments_keras215.json", keras.optimizers, [ODD, CURRENT])
    write("arguments_keras215_legacy.json", keras.optimizers.legacy, [ODD])
