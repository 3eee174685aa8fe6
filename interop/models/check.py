"""Whole models both ways: Keras writes every format of every architecture, kerox loads, predicts, trains on and writes
back, Keras loads what was written.

    python interop/models/check.py [architecture]...

Under TensorFlow 2.15 with its Keras; under 2.21 with tf-keras and with Keras 3, and from one to the other.
"""
# also-tf221
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
import warnings

warnings.filterwarnings("ignore")
import h5py
import keras
import numpy as np
import tensorflow as tf

tf.get_logger().setLevel("ERROR")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import architectures
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import workspace

BATCH = 8
VARIANTS = {"keras2": keras}
if keras.__version__.startswith("3"):
    import tf_keras

    VARIANTS = {"keras2": tf_keras, "keras3": keras}

problems = []
limits = []
done = {"read": 0, "written": 0, "the same": 0, "trained": 0, "trained by Keras": 0, "refused": 0}


def problem(*words):
    problems.append(" ".join(map(str, words)))
    print("PROBLEM", problems[-1], flush=True)


def limit(label, reason):
    """What Keras cannot do with its own files either, as it has just shown."""
    limits.append(f"{label} {reason}")
    print("LIMIT", limits[-1], flush=True)


def reason_of(error):
    """The first lines of a message, from the innermost cause that it tells."""
    text = str(error).rpartition("Exception encountered: ")[2].strip().splitlines() or [repr(error)]
    return f"{type(error).__name__} " + " | ".join(text[:3])[:300]


def variables(optimizer):
    if optimizer is None:
        return []
    found = optimizer.variables
    return [np.asarray(v) for v in (found() if callable(found) else found)]


def predictions(model, x):
    inputs = x if len(x) > 1 else x[0]
    parts = []
    for at in range(0, len(x[0]), BATCH):
        batch = [a[at:at + BATCH] for a in x] if len(x) > 1 else inputs[at:at + BATCH]
        made = model(batch, training=False)
        if isinstance(made, dict):
            made = list(made.values())
        parts.append([np.asarray(m) for m in (made if isinstance(made, (list, tuple)) else [made])])
    return [np.concatenate(column) for column in zip(*parts)]


def reset(model):
    for layer in model.layers:
        if getattr(layer, "stateful", False) and hasattr(layer, "reset_states"):
            layer.reset_states()
        elif getattr(layer, "stateful", False) and hasattr(layer, "reset_state"):
            layer.reset_state()


def one_or_list(arrays):
    return arrays if len(arrays) > 1 else arrays[0]


class Written:
    """What Keras wrote of one architecture, and what it expects of it."""

    def __init__(self, name, variant, case, folder):
        self.name, self.variant, self.case, self.folder = name, variant, case, folder
        kit = VARIANTS[variant]
        model = case.model
        model.compile(optimizer=case.optimizer, loss=case.loss, metrics=case.metrics, **case.compile_args)
        x, y = one_or_list(case.x), one_or_list(case.y)
        reset(model)
        # Eagerly: tracing so small a model takes longer than its steps.
        model.run_eagerly = True
        model.fit(x, y, epochs=2, batch_size=BATCH, shuffle=False, verbose=0)
        reset(model)
        self.legacy = "legacy" in type(case.optimizer).__module__ or "optimizer_v2" in type(case.optimizer).__module__
        self.expected = predictions(model, case.x)
        reset(model)
        self.weights = [np.asarray(w) for w in model.get_weights()]
        self.optimizer = variables(model.optimizer)
        self.models, self.files = ["m.h5", "m.keras"], ["w.weights.h5"]
        # Keras 3 takes the optimizer out of a model that it writes as HDF5.
        model.save(self.path("m.keras"))
        model.save_weights(self.path("w.weights.h5"))
        if variant == "keras2":
            model.save_weights(self.path("w.h5"))
            model.save_weights(self.path("ckpt", "w"))
            self.files += ["w.h5", "ckpt/w"]
        with open(self.path("m.json"), "w") as out:
            out.write(model.to_json())
        try:
            model.save(self.path("m.h5"))
            if "write .h5" in case.limits:
                problem(self.label("write m.h5"), "Keras can: the limit is to be taken out:", case.limits["write .h5"])
        except Exception as error:
            if "write .h5" not in case.limits:
                raise
            limit(self.label("Keras writes m.h5"), f"{case.limits['write .h5']}: {reason_of(error)}")
            self.models.remove("m.h5")
        self.losses = None
        if case.train:
            if variant == "keras3":
                model = kit.models.load_model(self.path("m.keras"))
            model.run_eagerly = True
            self.losses = model.fit(x, y, epochs=3, batch_size=BATCH, shuffle=False, verbose=0).history["loss"]
        for i, array in enumerate(case.x):
            np.save(self.path(f"x_{i}.npy"), array)
        for i, array in enumerate(case.y):
            np.save(self.path(f"y_{i}.npy"), array)
        with open(self.path("job.json"), "w") as out:
            json.dump({
                "inputs": len(case.x), "targets": len(case.y), "batch_size": BATCH, "train": case.train,
                "models": self.models, "weights": self.files, "json": ["m.json"], "dialects": ["keras2", "keras3"],
            }, out)

    def path(self, *parts):
        full = os.path.join(self.folder, *parts)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        return full

    def label(self, *parts):
        return f"{self.name}[{self.variant}] {' '.join(parts)}:"

    def arrays(self, folder, name):
        found = []
        while os.path.exists(os.path.join(folder, f"{name}_{len(found)}.npy")):
            found.append(np.load(os.path.join(folder, f"{name}_{len(found)}.npy"), allow_pickle=False))
        return found

    def same(self, label, found, expected, tolerance=1e-5):
        if len(found) != len(expected):
            return problem(label, f"expected {len(expected)} arrays, found {len(found)}")
        for i, (a, b) in enumerate(zip(found, expected)):
            if a.shape != b.shape:
                return problem(label, f"array {i}: expected shape {b.shape}, found {a.shape}")
            if a.size and not np.all(np.abs(a.astype(np.float64) - b) <= tolerance * (1 + np.abs(b))):
                return problem(label, f"array {i}: differs by {np.max(np.abs(a.astype(np.float64) - b)):.3g}")
        return True


def in_order_of(found, expected):
    """Arrays in the order of others: Keras 3 lists a variable that two layers hold at the first of them."""
    left, ordered = list(found), []
    for b in expected:
        at = next((i for i, a in enumerate(left) if a.shape == b.shape and np.array_equal(a, b)), None)
        if at is None:
            return found
        ordered.append(left.pop(at))
    return ordered + left


def cannot_read(w, name, found):
    """What kerox refuses to read and Keras cannot read either."""
    label, reason = w.label("read", name), w.case.limits.get(f"read {os.path.splitext(name)[1]} of {w.variant}")
    if reason is None or name not in w.models:
        return problem(label, found)
    try:
        VARIANTS[w.variant].models.load_model(w.path(name))
    except Exception as error:
        return limit(label, f"{reason}: {reason_of(error)}; {found}")
    problem(label, found)


def kerox_read(w):
    """What kerox found in Keras's files."""
    results = json.load(open(w.path("out", "results.json")))
    for name in w.models + w.files:
        if results.get(name) != "ok":
            cannot_read(w, name, results.get(name))
            continue
        done["read"] += 1
        for folder in ("", "compiled", "by_name"):
            out = os.path.join(w.folder, "out", name, folder)
            if os.path.isdir(out):
                w.same(w.label("read", name, folder, "predictions"), w.arrays(out, "pred"), w.expected, w.case.tolerance)
                weights = w.arrays(out, "weight")
                if w.variant == "keras3":
                    weights = in_order_of(weights, w.weights)
                w.same(w.label("read", name, folder, "weights"), weights, w.weights, 0)
    for name in w.models:
        if results.get(name) != "ok":
            continue
        # Keras 2.15 loses the state of legacy optimizers in `.keras` files.
        if not (w.legacy and name == "m.keras"):
            w.same(w.label("read", name, "optimizer"), w.arrays(os.path.join(w.folder, "out", name), "optimizer"), w.optimizer, 0)
            losses = results.get(name + " trained")
            if w.case.train:
                if not isinstance(losses, list) or not np.allclose(losses, w.losses, rtol=1e-3, atol=1e-3):
                    problem(w.label("train", name), "expected losses", w.losses, "found", losses)
                else:
                    done["trained"] += 1
    return results


def optimizer_matches(w, label, model, dialect):
    found, expected = variables(model.optimizer), w.optimizer
    if dialect != w.variant:
        # Keras 3 counts the learning rate among the variables, after the number of steps, where it is no schedule.
        if dialect == "keras3" and len(found) > 1 and found[1].shape == ():
            found = found[:1] + found[2:]
        elif dialect == "keras2" and len(expected) > 1 and expected[1].shape == ():
            expected = expected[:1] + expected[2:]
        if not w.case.slots3:
            found, expected = found[:1], expected[:1]
        # The two Kerases list slots in other orders, and one has scalars as stand-ins.
        left = list(found)
        for i, b in enumerate(expected):
            fits = [k for k, a in enumerate(left) if a.shape == b.shape and np.allclose(a, b, rtol=1e-6, atol=1e-6)]
            if not fits:
                if b.shape != ():
                    problem(label, "optimizer", f"variable {i} of shape {b.shape} is not there")
                continue
            left.pop(fits[0])
        if any(a.shape != () for a in left):
            problem(label, "optimizer", f"{len(left)} variables too many")
        return
    w.same(label + " optimizer", found, expected, 1e-6)


def zeroed(model):
    """The same model with nothing but zeros in it and in its optimizer."""
    model.set_weights([np.zeros_like(v) for v in model.get_weights()])
    if model.optimizer is not None:
        found = model.optimizer.variables
        for variable in found() if callable(found) else found:
            variable.assign(np.zeros(variable.shape, np.asarray(variable).dtype))
    return model


def train(w, model):
    """Three epochs more."""
    model.run_eagerly = True
    x, y = one_or_list(w.case.x), one_or_list(w.case.y)
    return model.fit(x, y, epochs=3, batch_size=BATCH, shuffle=False, verbose=0).history["loss"]


def close(losses, expected):
    return np.allclose(losses, expected, rtol=1e-3, atol=1e-3)


def same_files(a, b):
    """Whether Keras has loaded the like already: the weights, or the whole model, of another source."""
    if a.endswith(".keras"):
        return content(a) == content(b)
    folder, stem = os.path.split(a)
    names = [name for name in os.listdir(folder) if name == stem or name.startswith(stem + ".")]
    for name in names:
        other = os.path.join(os.path.dirname(b), name)
        if not os.path.exists(other) or open(os.path.join(folder, name), "rb").read() != open(other, "rb").read():
            return False
    return bool(names)


# What is loaded of each dialect: what kerox wrote, what Keras itself calls its own, and how it is loaded.
def loads(kit, dialect, base):
    def into(path, **arguments):
        model = zeroed(base())
        status = model.load_weights(path, **arguments)
        if hasattr(status, "assert_consumed"):
            status.assert_consumed()
        return model

    def from_json(path):
        with open(path) as file:
            model = kit.models.model_from_json(file.read())
        weights = path[:-len(".json")] + ".weights.h5"
        model.load_weights(weights if os.path.exists(weights) else os.path.join(os.path.dirname(path), "w.weights.h5"))
        return model

    yield ".h5", dialect + ".h5", "m.h5", kit.models.load_model
    yield ".keras", dialect + ".keras", "m.keras", kit.models.load_model
    yield ".weights.h5", dialect + ".weights.h5", "w.weights.h5", into
    yield ".json", dialect + ".json", "m.json", from_json
    if dialect == "keras2":
        yield "_w.h5", "keras2_w.h5", "w.h5", into
        yield "_w.h5 by name", "keras2_w.h5", "w.h5", lambda path: into(path, by_name=True)
        yield " one shard", "one/w", "ckpt/w", into
        yield " three shards", "three/w", "ckpt/w", into


def has_optimizer(w, name, dialect, source):
    """Which files hold the optimizer's state: Keras 3 restores of HDF5 the number of steps only; Keras 2.15 of legacy
    optimizers in `.keras` nothing."""
    if name in (".json", "_w.h5", "_w.h5 by name") or (w.legacy and source == "m.keras"):
        return False
    if name == ".h5":
        return dialect == "keras2"
    return not (w.legacy and name in (".keras", ".weights.h5"))


def keras_reads(w, source, dialect, results, everything):
    """Keras loads what kerox wrote of what it had read from `source`."""
    outcome = results.get(f"{source} as {dialect}")
    refused = w.case.refused if dialect != w.variant else None
    if outcome != "ok":
        if refused and outcome and outcome.startswith("write ") and refused in outcome:
            done["refused"] += 1
        elif results.get(source) == "ok":
            problem(w.label("write", source, "as", dialect), outcome)
        return
    if refused:
        return problem(w.label("write", source, "as", dialect), f"expected a refusal that names {refused}, found none")
    kit = VARIANTS.get(dialect)
    if kit is None:
        return
    folder = os.path.join(w.folder, "out", source)
    at = lambda name: os.path.join(folder, name)
    own = everything.get((w.name, dialect))
    model = []

    def base():
        if not model:
            model.append(kit.models.load_model(at(dialect + ".h5" if dialect == "keras2" else dialect + ".keras")))
        return model[0]

    for name, written, of_keras, load in loads(kit, dialect, base):
        label = w.label("Keras loads", source, "->", dialect + name)
        first = os.path.join(w.folder, "out", w.models[0], written)
        if source != w.models[0] and results.get(f"{w.models[0]} as {dialect}") == "ok" and same_files(at(written), first):
            done["the same"] += 1
            continue
        try:
            loaded = load(at(written))
        except Exception as error:
            # Whether Keras can read its own.
            reason = w.case.limits.get(f"read {name.strip()} of {dialect}")
            if own is None:
                if reason:
                    limit(label, f"{reason}: {reason_of(error)}")
                else:
                    problem(label, reason_of(error))
                continue
            try:
                load(own.path(of_keras))
                problem(label, reason_of(error), "(Keras reads its own)")
            except Exception as known:
                if reason and type(known) is type(error):
                    limit(label, f"{reason}: {reason_of(known)}")
                else:
                    problem(label, reason_of(error), "(Keras's own:", reason_of(known) + ")")
            continue
        w.same(label, predictions(loaded, w.case.x), w.expected, w.case.tolerance)
        reset(loaded)
        done["written"] += 1
        if not has_optimizer(w, name, dialect, source):
            continue
        reason = w.case.limits.get(f"optimizer of {name} of {dialect}")
        if reason and own and not np.array_equal(variables(load(own.path(of_keras)).optimizer)[0], own.optimizer[0]):
            limit(label, f"{reason}: the same from Keras's own file")
            continue
        optimizer_matches(w, label, loaded, dialect)
        if w.case.train and name in (".h5", ".keras"):
            losses = train(w, loaded)
            if close(losses, w.losses):
                done["trained by Keras"] += 1
                continue
            reason = w.case.limits.get(f"train on {name} of {dialect}")
            words = f"expected losses {w.losses} found {losses}"
            if reason and own is w and close(losses, train(w, load(own.path(of_keras)))):
                limit(label, f"{reason}: {words}, as from Keras's own file")
            elif reason and own is not w:
                limit(label, f"{reason}: {words}")
            else:
                problem(label, words)


def content(path):
    with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as member:
        found = {"config": json.loads(archive.read("config.json"))}
        with h5py.File(member, "r") as file:
            file.visititems(lambda name, item: found.__setitem__(name, item[()].tobytes() if isinstance(item, h5py.Dataset) else None))
    return found


def there_and_back(w, source):
    """keras2 -> keras3 -> keras2: equal configuration, equal tensors."""
    if w.variant != "keras2" or not os.path.exists(w.path("out", source, "back.keras")):
        return
    before, after = content(w.path("out", source, "keras2.keras")), content(w.path("out", source, "back.keras"))
    without_repetition(before["config"])
    without_repetition(after["config"])
    if w.legacy:
        # It comes back as the current optimizer of its name.
        for side in (before, after):
            side["config"].get("compile_config", {}).pop("optimizer", None)
            for key in [key for key in side if key.startswith("optimizer")]:
                del side[key]
    if before["config"] != after["config"]:
        problem(w.label("there and back", source), "configurations differ:", first_difference(before["config"], after["config"]))
    for key in sorted(set(before) | set(after)):
        if not w.case.slots3 and key.startswith("optimizer/vars/") and key != "optimizer/vars/0":
            continue
        if key != "config" and before.get(key, "missing") != after.get(key, "missing"):
            return problem(w.label("there and back", source), f"`{key}` differs")


def without_repetition(value):
    """Takes out what Keras 3 does not keep of a first layer: the shape of the input layer before it, once more."""
    if isinstance(value, dict):
        if value.get("class_name") != "InputLayer" and isinstance(value.get("config"), dict):
            value["config"].pop("batch_input_shape", None)
            # What only tf-keras has, and Keras 3 would refuse.
            value["config"].pop("rng_type", None)
            value["config"].pop("softmax_robust_masking", None)
            # The variance that Keras 3 keeps, which it has no word for.
            value["config"].pop("fused", None)
        if value.get("name", "") is None:
            # What an operation is called says nothing.
            value.pop("name")
        for item in value.values():
            without_repetition(item)
    elif isinstance(value, list):
        for item in value:
            without_repetition(item)


def first_difference(a, b, path="$"):
    if type(a) is not type(b):
        return f"{path}: {a!r} became {b!r}"
    if isinstance(a, dict):
        for key in list(a) + [k for k in b if k not in a]:
            if key not in a or key not in b:
                return f"{path}.{key}: {a.get(key, 'missing')!r} became {b.get(key, 'missing')!r}"
            found = first_difference(a[key], b[key], f"{path}.{key}")
            if found:
                return found
        return None
    if isinstance(a, list):
        if len(a) != len(b):
            return f"{path}: {len(a)} items became {len(b)}"
        for i, (x, y) in enumerate(zip(a, b)):
            found = first_difference(x, y, f"{path}[{i}]")
            if found:
                return found
        return None
    return None if a == b else f"{path}: {a!r} became {b!r}"


def main():
    wanted = sys.argv[1:]
    work = os.environ.get("KEROX_MODELS_DIR") or tempfile.mkdtemp()
    written = []
    start = time.time()
    for name, make in architectures.ALL.items():
        if wanted and name not in wanted:
            continue
        for variant, kit in VARIANTS.items():
            kit.backend.clear_session()
            kit.utils.set_random_seed(7)
            case = make(kit)
            if case is None:
                continue
            folder = os.path.join(work, f"{name}.{variant}")
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)
            try:
                written.append(Written(name, variant, case, folder))
            except Exception:
                traceback.print_exc()
                problem(f"{name}[{variant}] Keras itself failed")
    print(f"Keras wrote {len(written)} models in {time.time() - start:.0f} s", flush=True)
    driver = workspace.example("models_check")
    start = time.time()
    subprocess.run([driver, work], check=True)
    print(f"kerox loaded, trained and wrote them in {time.time() - start:.0f} s", flush=True)
    start = time.time()
    everything = {(w.name, w.variant): w for w in written}
    for w in written:
        for kit in VARIANTS.values():
            kit.backend.clear_session()
        before = len(problems)
        results = kerox_read(w)
        for source in w.models:
            for dialect in ("keras2", "keras3"):
                keras_reads(w, source, dialect, results, everything)
            there_and_back(w, source)
        if len(problems) == before:
            print("equal", w.name, w.variant, flush=True)
    if not os.environ.get("KEROX_MODELS_DIR"):
        shutil.rmtree(work)
    print(f"Keras loaded and trained what was written in {time.time() - start:.0f} s")
    print(f"{len({w.name for w in written})} architectures, {len(written)} models: {done['read']} files read, {done['trained']} trained on; "
          f"{done['written']} loads by Keras and {done['the same']} of equal files, {done['trained by Keras']} trained on by it; "
          f"{done['refused']} refusals by name, {len(limits)} limits of Keras shown; {len(problems)} problems")
    sys.exit(bool(problems))


main()
