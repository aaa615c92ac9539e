#!/usr/bin/env bash
# Snakemake runs this in the environment of python.yaml once it is made. fcsparser's metadata want numpy < 2, its code does
# not: in the list of python.yaml it would bring an old numpy, or let nothing be installed (docs/faq.md).
set -euo pipefail
python -m pip install --quiet --no-input --no-deps fcsparser==0.2.8
