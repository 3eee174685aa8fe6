"""The golden files still are what real TensorFlow says: some of the scripts run again, beside the files, and agree.

Structure, names, strings and integers have to be equal; floats within 1e-5 of 1 + |x| (processors differ in the last bits).
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../golden")
AREAS = ["constraints", "losses", "summary"]


def differences(a, b, path="$"):
    """Paths at which two documents differ."""
    if isinstance(a, float) and isinstance(b, (int, float)) or isinstance(b, float) and isinstance(a, (int, float)):
        return [] if abs(a - b) <= 1e-5 * (1 + abs(a)) else [f"{path}: {a} and {b}"]
    if type(a) is not type(b):
        return [f"{path}: {a!r:.60} and {b!r:.60}"]
    if isinstance(a, dict):
        if list(a) != list(b):
            return [f"{path}: keys {list(a)} and {list(b)}"]
        return [d for key in a if key != "versions" for d in differences(a[key], b[key], f"{path}.{key}")]
    if isinstance(a, list):
        if len(a) != len(b):
            return [f"{path}: length {len(a)} and {len(b)}"]
        return [d for i, (x, y) in enumerate(zip(a, b)) for d in differences(x, y, f"{path}[{i}]")]
    return [] if a == b else [f"{path}: {a!r:.60} and {b!r:.60}"]


def main():
    files, problems = 0, []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("arrays.py", "real.py"):
            shutil.copy(os.path.join(GOLDEN, name), folder)
        for area in AREAS:
            os.mkdir(os.path.join(folder, area))
            shutil.copy(os.path.join(GOLDEN, area, "make.py"), os.path.join(folder, area))
            made = subprocess.run([sys.executable, os.path.join(folder, area, "make.py")], capture_output=True, text=True)
            if made.returncode:
                problems.append(f"{area}/make.py: exit {made.returncode}: {made.stderr[-300:]}")
            for name in sorted(os.listdir(os.path.join(folder, area))):
                if not name.endswith(".json"):
                    continue
                files += 1
                with open(os.path.join(GOLDEN, area, name)) as kept, open(os.path.join(folder, area, name)) as new:
                    found = differences(json.load(kept), json.load(new))
                problems += [f"{area}/{name} {d}" for d in found[:3]]
    for problem in problems:
        print(problem)
    print(f"{files} files made again, {len(problems)} differences")
    return 1 if problems or not files else 0


sys.exit(main())
