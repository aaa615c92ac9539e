#!/usr/bin/env bash
# Make the virtual environments of the peers: build/peers with scArches 0.6.1 and build/peers_scgen with pertpy 1.0.3 for
# epoch_time.py, build/peers_cell_eval with cell-eval 0.8.2 for changed_genes.py, each with what it runs with.
#   benchmarks/setup_peers.sh [scarches] [scgen] [cell_eval]     which to make (all)
#   PYTHON=/path/to/python3.11                       the interpreter to use
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
root=$(dirname "$here")
unset PYTHONPATH PYTHONHOME

make_environment() { # folder, requirements, what must run, whether it needs torch
    "${PYTHON:-python3.11}" -m venv --clear "$1"
    local pip=("$1/bin/python" -m pip)
    local install=("${pip[@]}" install -q --no-input --disable-pip-version-check)
    # torch first and with its dependencies, the very version of ours: on PyPI it brings CUDA libraries.
    if [ "${4:-torch}" = torch ]; then
        "${install[@]}" "$(grep '^torch==' "$root/requirements.lock")" --constraint "$root/requirements.lock"
    fi
    "${install[@]}" --no-deps --requirement "$2"
    "${pip[@]}" check
    # Warnings about further packages are of no importance here.
    "$1/bin/python" -c "$3"
    printf 'Ready: %s\n' "$1/bin/python"
}

[ $# -gt 0 ] || set -- scarches scgen cell_eval
for peer; do
    case $peer in
        scarches)
            make_environment "$root/build/peers" "$here/requirements-peers.txt" \
                'import anndata; anndata.read = anndata.read_h5ad; import scarches'
            ;;
        scgen)
            make_environment "$root/build/peers_scgen" "$here/requirements-peers-scgen.txt" \
                'from pertpy.tools import Scgen'
            ;;
        cell_eval)
            make_environment "$root/build/peers_cell_eval" "$here/requirements-peers-cell-eval.txt" \
                'from cell_eval import MetricsEvaluator' no-torch
            ;;
        *)
            echo "error: there is no peer '$peer'; known: scarches, scgen, cell_eval." >&2
            exit 1
            ;;
    esac
done
