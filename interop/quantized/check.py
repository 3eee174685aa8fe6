"""Converts quantized models of Keras 3 with kerox and lets Keras load old and new: equal weights, predictions and steps of
training. For Keras 2, which has no such layers, kerox refuses.

    python interop/quantized/check.py
"""
# also-tf221
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
import keras
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import workspace

kerox = workspace.command()
folder = os.path.join(workspace.ROOT, "golden", "quantized")
files = ["int8.keras", "int4.keras", "int4_columns.keras", "float8.keras"]
keras3 = keras.__version__.startswith("3")
with tempfile.TemporaryDirectory() as work:
    for name in files:
        path, arrays = os.path.join(folder, name), np.load(os.path.join(folder, name.replace(".keras", ".npz")))
        # HDF5 files of 8-bit floats Keras does not load, its own neither.
        for suffix in (".keras", ".h5") if name != "float8.keras" else (".keras",):
            new_path = os.path.join(work, "new" + suffix)
            command = [kerox, "convert", path, new_path, "--dialect", "keras3" if keras3 else "keras2"]
            if not keras3:
                refused = subprocess.run(command, capture_output=True, text=True)
                assert refused.returncode == 1 and "not quantized" in refused.stderr, (name, refused)
                assert not os.path.exists(new_path), name
                continue
            subprocess.run(command, check=True)
            model, again = keras.models.load_model(path), keras.models.load_model(new_path)
            for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
                assert a.dtype == b.dtype and np.array_equal(a, b), (name, suffix)
            for net in (model, again):
                np.testing.assert_allclose(net.predict(arrays["ids"], verbose=0), arrays["predicted"], rtol=1e-5, atol=1e-5)
                # Keras builds the optimizer of an HDF5 file for no variables, and then refuses to train.
                if suffix == ".h5":
                    continue
                losses = [net.train_on_batch(arrays["ids"], arrays["labels"]) for _ in range(len(arrays["losses"]))]
                np.testing.assert_allclose(losses, arrays["losses"], rtol=1e-5, atol=1e-5)
    # Small matrices beside few bits: HDF5 has them, the archive few bits of the sums.
    for name in ("int8", "int4_2", "int4_columns") if keras3 else ():
        path, arrays = os.path.join(workspace.ROOT, "golden", "lora", name), np.load(os.path.join(workspace.ROOT, "golden", "lora", name + ".npz"))
        for suffix, expected in ((".h5", "predicted"), (".keras", "restored_predicted")):
            new_path = os.path.join(work, "lora" + suffix)
            subprocess.run([kerox, "convert", path + ".h5", new_path, "--dialect", "keras3"], check=True)
            found = keras.models.load_model(new_path).predict(arrays["ids"], verbose=0)
            np.testing.assert_allclose(found, arrays[expected], rtol=1e-5, atol=2e-5)
print(f"{len(files)} quantized models: Keras {keras.__version__} {'loads them as kerox writes them' if keras3 else 'is not written for'}")
