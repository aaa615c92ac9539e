#!/usr/bin/env bash
# Make a virtual environment with scArches 0.6.1 and what it runs with, for epoch_time.py --peer-python.
#   benchmarks/setup_peers.sh [FOLDER]     FOLDER: where to make it (build/peers)
#   PYTHON=/path/to/python3.11             the interpreter to use
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
venv=${1:-$here/../build/peers}
unset PYTHONPATH PYTHONHOME

"${PYTHON:-python3.11}" -m venv --clear "$venv"
pip_install() { "$venv/bin/python" -m pip install -q --no-input --disable-pip-version-check "$@"; }
# torch first and with its dependencies, the very version of ours: on PyPI it brings CUDA libraries.
pip_install "$(grep '^torch==' "$here/../requirements.lock")" --constraint "$here/../requirements.lock"
pip_install --no-deps --requirement "$here/requirements-peers.txt"
"$venv/bin/python" -m pip check
# Its warnings about further packages are of no importance here.
"$venv/bin/python" -c 'import anndata; anndata.read = anndata.read_h5ad; import scarches'
printf 'Ready: %s\n' "$(cd "$venv" && pwd -P)/bin/python"
