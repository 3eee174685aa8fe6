"""What the checks take from this workspace: programs, built as its tests are, with the same features, so that nothing is
built twice; and sample files.
"""
import os
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))


def _build(*arguments):
    command = ["cargo", "build", "--locked", "--quiet", "--workspace", *arguments]
    subprocess.run(command, cwd=ROOT, check=True)
    return os.path.join(ROOT, os.environ.get("CARGO_TARGET_DIR", "target"), "debug")


def example(name, *arguments):
    """The path of an example of one of the crates."""
    return os.path.join(_build("--example", name, *arguments), "examples", name)


def command():
    """The path of the command `kerox`."""
    return os.path.join(_build("--bin", "kerox"), "kerox")


def samples(kind):
    """Directories with files to read: those that the command line names, or golden files and the shared ones."""
    if sys.argv[1:]:
        return sys.argv[1:]
    shared = os.environ.get("KEROX_SHARED", os.path.join(ROOT, "..", "shared"))
    found = [os.path.join(ROOT, "golden", kind), os.path.join(shared, "formats", "samples")]
    return [place for place in found if os.path.isdir(place)]
