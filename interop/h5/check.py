"""Rewrites HDF5 files with kerox's `rewrite` example and compares old and new with h5py; then lets Keras load them.

    python interop/h5/check.py [directory with .h5 files]...

Without a directory: those of golden/h5, and of the shared files where they are.
"""
# also-tf221
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
import h5py
import numpy as np
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import workspace



def content(path):
    found = {}
    with h5py.File(path, "r") as f:
        def visit(name, item):
            for key, value in item.attrs.items():
                found[name + "@" + key] = np.asarray(value)
            if isinstance(item, h5py.Dataset):
                found[name] = item[()] if item.shape is not None else None
            else:
                found[name] = "group"
        visit("", f)
        f.visititems(visit)
    return found


def same(a, b):
    if isinstance(a, str) or isinstance(b, str) or a is None:
        return type(a) is type(b)
    a, b = np.asarray(a), np.asarray(b)
    text = lambda x: [s if isinstance(s, bytes) else str(s).encode() for s in x.ravel()]
    if a.dtype.kind in "OSU":
        return a.shape == b.shape and text(a) == text(b)
    return a.shape == b.shape and a.dtype.newbyteorder("=") == b.dtype.newbyteorder("=") and a.tobytes() == b.tobytes()


def main():
    rewrite = workspace.example("rewrite")
    files = []
    for place in workspace.samples("h5"):
        for directory, _, names in os.walk(place):
            files += [os.path.join(directory, n) for n in names if not n.startswith(("bad_", "odd_latest"))]
    files = [f for f in sorted(files) if h5py.is_hdf5(f)]
    failures = loaded = 0
    import keras
    with tempfile.TemporaryDirectory() as work:
        for path in files:
            old = content(path)
            for compress in ([], ["compress"]):
                new_path = os.path.join(work, "new.weights.h5" if path.endswith(".weights.h5") else "new.h5")
                subprocess.run([rewrite, path, new_path] + compress, check=True)
                new = content(new_path)
                # Keras 1 to 2.4 had no group for top-level weights; it had no version in Keras 1.
                extra = [k for k in new if k not in old and "top_level" not in k and "@keras_version" not in k and "@backend" not in k]
                missing = [k for k in old if k not in new]
                wrong = [k for k in old if k in new and not same(old[k], new[k])]
                is_odd = os.path.basename(path).startswith("odd")
                if not is_odd and (extra or missing or wrong):
                    failures += 1
                    print("DIFFERENT", path, extra[:4], missing[:4], wrong[:4])
            if is_odd or "@model_config" not in old:
                continue
            # What a file holds and this version of Keras cannot build is none of this check's business.
            try:
                model = keras.models.load_model(path)
            except Exception:
                continue
            again = keras.models.load_model(new_path)
            for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
                assert np.array_equal(a, b), path
            if getattr(model, "optimizer", None) is not None and "optimizer_weights" in old:
                get = lambda m: m.optimizer.variables() if callable(m.optimizer.variables) else m.optimizer.variables
                for a, b in zip(get(model), get(again), strict=True):
                    assert np.array_equal(np.asarray(a), np.asarray(b)), path
            loaded += 1
    print(f"{len(files)} files, {failures} different, {loaded} loaded by Keras {keras.__version__} with equal weights")
    sys.exit(bool(failures) or loaded == 0)


main()
