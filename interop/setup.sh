#!/usr/bin/env bash
# Makes the Python environments with real TensorFlow that the interop checks run against, outside the tree, once; all, or those named.
#
#   tf215: TensorFlow 2.15.1 with Keras 2.15       tf221: TensorFlow 2.21.0 with Keras 3.15.1 and tf-keras 2.21.0
#   s3: moto, a server that speaks S3, for models at addresses       azure: Azurite, one that speaks Azure's protocol (only when named)
#
# They live under $KEROX_INTEROP_HOME (default ~/.cache/kerox-interop). One that is there with the right versions is
# reused; one that is damaged or of other versions is made again. Needs python3 (3.9 to 3.11 for tf215) with venv.
set -euo pipefail

home=${KEROX_INTEROP_HOME:-$HOME/.cache/kerox-interop}
mkdir -p "$home"

# The oldest Python that will do comes first: TensorFlow 2.15 has no wheels for 3.12.
python_for() {
    local candidate
    for candidate in "$@"; do
        if command -v "$candidate" >/dev/null 2>&1 && "$candidate" -c 'import venv, ensurepip' 2>/dev/null; then
            command -v "$candidate"
            return 0
        fi
    done
    echo "error: none of: $* can make a virtual environment; install python3-venv" >&2
    return 1
}

# Prints `name==version` of each wanted package that the environment has in that version.
have() {
    "$1/bin/python" - "${@:2}" <<'PY' 2>/dev/null
import sys
from importlib.metadata import PackageNotFoundError, version

for wanted in sys.argv[1:]:
    name, _, number = wanted.partition("==")
    name = name.split("[")[0]
    try:
        found = version(name)
    except PackageNotFoundError:
        sys.exit(1)
    if number and found != number:
        sys.exit(1)
PY
}

only=" $* "

environment() {
    local name=$1 pythons=$2
    shift 2
    [ -n "${only// /}" ] && [ "${only/ $name /}" = "$only" ] && return 0
    local place=$home/$name stamp=$home/$name/.kerox-stamp
    if [ -x "$place/bin/python" ]; then
        if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$*" ]; then
            echo "interop environment $name: ready ($place)"
            return 0
        fi
        if have "$place" "$@"; then
            echo "$*" >"$stamp"
            echo "interop environment $name: found ($place)"
            return 0
        fi
        echo "interop environment $name: other versions, made again"
        rm -rf "$place"
    fi
    local python
    # shellcheck disable=SC2086
    python=$(python_for $pythons)
    echo "interop environment $name: installing $* with $("$python" --version)"
    rm -rf "$place.new"
    "$python" -m venv "$place.new"
    "$place.new/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    rm -rf "$place.new/.moved"
    # Scripts of a moved environment point to the old place; only bin/python is used.
    mv "$place.new" "$place"
    have "$place" "$@"
    echo "$*" >"$stamp"
    echo "interop environment $name: made ($place)"
}

# One at a time, should two runs start together.
exec 9>"$home/.lock"
flock 9 2>/dev/null || true

environment tf215 "python3.11 python3.10 python3.9 python3" tensorflow-cpu==2.15.1 h5py
environment tf221 "python3.12 python3.11 python3.10 python3.13 python3" tensorflow-cpu==2.21.0 keras==3.15.1 tf-keras==2.21.0
# An S3-compatible server, for models at addresses.
environment s3 "python3.12 python3.11 python3.13 python3.10 python3" moto[server]==5.2.5

# Azurite needs node and npm, which nothing else here does: it is made where it is asked for by name.
azure=azurite@3.35.0
if [ "${only/ azure /}" != "$only" ]; then
    if [ "$(cat "$home/azure/.kerox-stamp" 2>/dev/null)" != "$azure" ]; then
        command -v npm >/dev/null || { echo "error: no npm, which Azurite comes with; install nodejs and npm" >&2; exit 1; }
        echo "interop environment azure: installing $azure with npm $(npm --version)"
        mkdir -p "$home/azure"
        npm install --silent --no-fund --no-audit --prefix "$home/azure" "$azure"
        echo "$azure" >"$home/azure/.kerox-stamp"
    fi
    echo "interop environment azure: ready ($home/azure)"
fi
