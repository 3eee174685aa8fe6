"""Writes golden/console/*.json: what Keras 2.15 prints while it trains, byte for byte.

`progress.json`: bars driven by hand under a clock that the script sets. `fit.json`: whole calls of fit, evaluate, predict,
whose times are those of the machine; readers replace numbers of seconds before comparing.
`progress_215.raw` holds the bytes of such calls as they came out of a real terminal-less run.
"""

import contextlib
import io
import os
import sys
import tempfile

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, ".."))

from arrays import write  # noqa: E402
from real import VERSIONS, keras, np, plain, tf, values  # noqa: E402
from keras.src.utils import generic_utils  # noqa: E402


class Clock:
    now = 1000.0

    def time(self):
        return Clock.now


def bar(name, target, calls, dynamic=True, **options):
    """`calls`: (seconds since the start, current, [(metric, value)...], finalize or None)."""
    real, generic_utils.time = generic_utils.time, Clock()
    Clock.now = 1000.0
    steps = []
    progress = generic_utils.Progbar(target, **options)
    progress._dynamic_display = dynamic
    for at, current, metrics, finalize in calls:
        Clock.now = 1000.0 + at
        if finalize and progress.target is None:  # as Keras's logger does when an unknown length became known
            progress.target = current
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            progress.update(current, metrics, finalize=finalize)
        steps.append({"at": at, "current": current, "values": plain(metrics), "finalize": finalize, "printed": out.getvalue()})
    generic_utils.time = real
    return {"name": name, "keras": keras.__version__, "target": target, "dynamic": dynamic, "options": plain(options), "calls": steps}


def progress():
    ramp = [(0.5 * i, i, [("loss", 1.0 / i), ("accuracy", 0.1 * i)], None) for i in range(1, 11)]
    cases = [bar("plain", 10, ramp), bar("not_dynamic", 10, ramp, dynamic=False)]
    cases.append(bar("verbose2", 10, ramp, verbose=2))
    cases.append(bar("verbose0", 10, ramp, verbose=0))
    cases.append(bar("stateful", 10, ramp, stateful_metrics=["loss", "accuracy"]))
    cases.append(bar("stateful_verbose2", 10, ramp, verbose=2, stateful_metrics=["loss", "accuracy"]))
    unknown = [(0.5 * i, i, [("loss", 1.0 / i)], None) for i in range(1, 5)] + [(2.5, 4, [("loss", 0.5)], True)]
    for verbose in (1, 2):
        cases.append(bar(f"unknown_verbose{verbose}", None, unknown, verbose=verbose, stateful_metrics=["loss"]))
    fast = [(0.01 * i, i, [("loss", float(i))], None) for i in range(1, 21)]
    cases.append(bar("too_fast", 20, fast, stateful_metrics=["loss"]))
    cases.append(bar("fast_interval", 20, fast, stateful_metrics=["loss"], interval=0.0))
    for label, per in (("us", 2e-5), ("ms", 0.0123), ("s", 1.5), ("minutes", 75.0), ("hours", 4000.0)):
        slow = [(per * i, i, [("loss", 0.25)], None) for i in range(1, 6)]
        cases.append(bar("pace_" + label, 5, slow, stateful_metrics=["loss"], interval=0.0))
        cases.append(bar("pace_verbose2_" + label, 5, slow, verbose=2, stateful_metrics=["loss"]))
    numbers = [1e-3, 1.0001e-3, 9.9e-4, -5.0, -1e-4, 0.0, 12345.678, 1e10, float("nan"), float("inf"), 1e-8, 0.99995]
    for verbose in (1, 2):
        rows = [(0.1 * (i + 1), i + 1, [("loss", v)], None) for i, v in enumerate(numbers)]
        cases.append(bar(f"numbers_verbose{verbose}", len(numbers), rows, verbose=verbose, stateful_metrics=["loss"]))
    shrink = [(0.1, 1, [("loss", 123456.0)], None), (0.2, 2, [("loss", 1.0)], None), (0.3, 3, [("loss", 1.0)], None)]
    cases.append(bar("shrinking", 3, shrink, stateful_metrics=["loss"]))
    cases.append(bar("one", 1, [(0.2, 1, [("loss", 1.0)], None)], stateful_metrics=["loss"]))
    cases.append(bar("one_finalize", 1, [(0.2, 1, [("loss", 1.0)], None), (0.4, 1, [("loss", 1.0), ("val_loss", 2.0)], True)], stateful_metrics=["loss", "val_loss"]))
    fit_like = [(0.3 * i, i, [("loss", 2.0 / i)], False) for i in range(1, 4)] + [(1.4, 3, [("loss", 0.7), ("val_loss", 0.9)], True)]
    cases.append(bar("epoch_with_validation", 3, fit_like, stateful_metrics=["loss", "val_loss"]))
    cases.append(bar("epoch_with_validation_verbose2", 3, fit_like, verbose=2, stateful_metrics=["loss", "val_loss"], unit_name="step"))
    cases.append(bar("wide_target", 123456, [(1.0, 1, [], None), (2.0, 61728, [], None), (3.0, 123456, [], None)]))
    cases.append(bar("width10", 10, ramp, width=10))
    cases.append(bar("beyond_target", 3, [(1.0, 4, [("loss", 1.0)], None), (1.5, 5, [("loss", 1.0)], True)], stateful_metrics=["loss"]))
    cases.append(bar("long_names", 2, [(1.0, 1, [("a_rather_long_metric_name", 1.0), ("another_even_longer_metric_name", 2.0)], None), (2.0, 2, [("a_rather_long_metric_name", 1.0)], None)], stateful_metrics=["a_rather_long_metric_name"]))
    return cases


def model():
    keras.utils.set_random_seed(1)
    m = keras.Sequential([keras.layers.Dense(3, input_shape=(4,)), keras.layers.Dense(1)])
    m.compile("sgd", "mse", metrics=["mae"])
    return m


def calls():
    x, y = values(10, 4, key="x"), values(10, 1, key="y")
    C = keras.callbacks
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        table = [
            ("fit", lambda m: m.fit(x, y, batch_size=4, epochs=2, shuffle=False)),
            ("fit_one_epoch", lambda m: m.fit(x, y, batch_size=4, shuffle=False)),
            ("fit_verbose2", lambda m: m.fit(x, y, batch_size=4, epochs=2, verbose=2, shuffle=False)),
            ("fit_validation", lambda m: m.fit(x, y, batch_size=4, epochs=2, shuffle=False, validation_split=0.3)),
            ("fit_validation_verbose2", lambda m: m.fit(x, y, batch_size=4, epochs=2, verbose=2, shuffle=False, validation_split=0.3)),
            ("fit_validation_freq", lambda m: m.fit(x, y, batch_size=4, epochs=4, verbose=2, shuffle=False, validation_split=0.3, validation_freq=2)),
            ("fit_initial_epoch", lambda m: m.fit(x, y, batch_size=4, epochs=5, initial_epoch=3, verbose=2, shuffle=False)),
            ("fit_unknown_steps", lambda m: m.fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(4).filter(lambda a, b: True), epochs=2)),
            ("fit_unknown_steps_verbose2", lambda m: m.fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(4).filter(lambda a, b: True), epochs=2, verbose=2)),
            ("evaluate", lambda m: m.evaluate(x, y, batch_size=4)),
            ("evaluate_verbose2", lambda m: m.evaluate(x, y, batch_size=4, verbose=2)),
            ("predict", lambda m: m.predict(x, batch_size=4)),
            ("predict_verbose2", lambda m: m.predict(x, batch_size=4, verbose=2)),
            ("checkpoint", lambda m: m.fit(x, y, batch_size=4, epochs=2, verbose=0, shuffle=False, callbacks=[C.ModelCheckpoint("cp-{epoch:04d}.ckpt", save_weights_only=True, verbose=1)])),
            ("checkpoint_bar", lambda m: m.fit(x, y, batch_size=4, epochs=2, shuffle=False, callbacks=[C.ModelCheckpoint("cp-{epoch:04d}.ckpt", save_weights_only=True, verbose=1)])),
            ("checkpoint_batches", lambda m: m.fit(x, y, batch_size=4, epochs=2, verbose=0, shuffle=False, callbacks=[C.ModelCheckpoint("cp-{epoch}-{batch}.ckpt", save_weights_only=True, verbose=1, save_freq=2)])),
            ("checkpoint_best", lambda m: m.fit(x, y, batch_size=4, epochs=3, verbose=0, shuffle=False, callbacks=[C.ModelCheckpoint("best.ckpt", monitor="loss", save_best_only=True, save_weights_only=True, verbose=1)])),
            ("checkpoint_best_worse", lambda m: m.fit(x, y, batch_size=4, epochs=2, verbose=0, shuffle=False, callbacks=[C.ModelCheckpoint("best.ckpt", monitor="loss", mode="max", save_best_only=True, save_weights_only=True, verbose=1)])),
            ("checkpoint_best_validation", lambda m: m.fit(x, y, batch_size=4, epochs=2, shuffle=False, validation_split=0.3, callbacks=[C.ModelCheckpoint("best-{val_loss:.2f}.ckpt", save_best_only=True, save_weights_only=True, verbose=1)])),
            ("early_stopping", lambda m: m.fit(x, y, batch_size=4, epochs=6, verbose=2, shuffle=False, callbacks=[C.EarlyStopping("loss", mode="max", patience=2, restore_best_weights=True, verbose=1)])),
            ("schedule", lambda m: m.fit(x, y, batch_size=4, epochs=2, verbose=2, shuffle=False, callbacks=[C.LearningRateScheduler(lambda epoch, lr: lr * 0.5, verbose=1)])),
            ("plateau", lambda m: m.fit(x, y, batch_size=4, epochs=3, verbose=2, shuffle=False, callbacks=[C.ReduceLROnPlateau("loss", mode="max", patience=1, factor=0.5, verbose=1)])),
            ("nan", lambda m: m.fit(x * np.float32("nan"), y, batch_size=4, epochs=2, verbose=2, shuffle=False, callbacks=[C.TerminateOnNaN()])),
        ]
        cases = []
        for name, call in table:
            m = model()
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                call(m)
            cases.append({"name": name, "keras": keras.__version__, "printed": out.getvalue()})
    return cases


def main():
    for file, cases in (("progress.json", progress()), ("fit.json", calls())):
        write(os.path.join(FOLDER, file), {"made_by": "golden/console/make.py", "versions": VERSIONS, "cases": cases}, "cases")


main()
