"""Predict the queries of one task with every method that stands on one model."""

import argparse
import json
import os
from pathlib import Path

from outofsample.errors import run_script


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, required=True, help="training part of the task")
    parser.add_argument("--fitted", type=Path, nargs="*", default=[], help="fitted states; none: fit here")
    parser.add_argument("--model", type=json.loads, required=True, help="JSON: name, uses, settings; or null")
    parser.add_argument("--methods", type=json.loads, required=True, help="JSON list: name, uses, settings, runs")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--in-sample-cells", type=int, default=1000)
    parser.add_argument("--outputs", type=Path, nargs="+", required=True, help="prediction files, one per method")
    return parser.parse_args()


def main() -> None:
    """Run the command line."""
    arguments = parse_arguments()
    # POT imports torch in case somebody gives it tensors: longer than the transport itself takes.
    os.environ.setdefault("POT_BACKEND_DISABLE_PYTORCH", "1")
    # Else the compiled percentile edit takes all cores of the machine, whatever the rule was given.
    os.environ.setdefault("NUMBA_NUM_THREADS", str(arguments.threads))

    from outofsample.files.task import read_training
    from outofsample.methods.families.transform import transform_all

    transform_all(
        read_training(arguments.train),
        arguments.model,
        arguments.methods,
        arguments.fitted,
        arguments.outputs,
        threads=arguments.threads,
        in_sample_cells=arguments.in_sample_cells,
    )


if __name__ == "__main__":
    run_script(main)
