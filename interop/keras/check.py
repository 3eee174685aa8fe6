"""Rewrites `.keras` files with kerox's `rewrite_keras` example and lets Keras load old and new: equal weights, equal
optimizer variables, equal predictions.

    python interop/keras/check.py [directory with .keras files]...

Without a directory: those of golden/keras, and of the shared files where they are. Each Keras skips what it cannot
load itself.
"""
# also-tf221
import os
import subprocess
import sys
import tempfile
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
import keras
import numpy as np
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import workspace


rewrite = workspace.example("rewrite_keras")
files = [os.path.join(d, n) for place in workspace.samples("keras") for d, _, names in os.walk(place) for n in names if n.endswith(".keras")]
files = [f for f in sorted(files) if zipfile.is_zipfile(f)]
loaded = 0
with tempfile.TemporaryDirectory() as work:
    for path in files:
        new_path = os.path.join(work, "new.keras")
        subprocess.run([rewrite, path, new_path], check=True)
        with zipfile.ZipFile(new_path) as z:
            assert z.testzip() is None, path
            assert z.namelist()[:3] == ["metadata.json", "config.json", "model.weights.h5"], path
        try:
            model = keras.models.load_model(path, safe_mode=True)
        except Exception:
            continue
        again = keras.models.load_model(new_path, safe_mode=True)
        for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
            assert np.array_equal(a, b), path
        if getattr(model, "optimizer", None) is not None:
            # A method of legacy optimizers.
            get = lambda m: m.optimizer.variables() if callable(m.optimizer.variables) else m.optimizer.variables
            for a, b in zip(get(model), get(again), strict=True):
                assert np.array_equal(np.asarray(a), np.asarray(b)), path
        loaded += 1
print(f"{len(files)} archives rewritten, {loaded} loaded by Keras {keras.__version__} with equal weights")
sys.exit(loaded == 0)
