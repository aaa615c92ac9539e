"""Predict some files of a cohort with the fitted methods of a task, and write them in their own format."""

import argparse
import os
from pathlib import Path

from outofsample.errors import run_script
from outofsample.jobs.own import PredictFilesSpec


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help="JSON of a PredictFilesSpec; - is the standard input")
    parser.add_argument("--fitted", type=Path, required=True, help="fitted methods of the task")
    parser.add_argument("--train", type=Path, required=True, help="training part of the task")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--terminal", type=int, help="open descriptor to which a line per file is written besides")
    parser.add_argument("--output", type=Path, required=True, help="what was predicted, in numbers, to write")
    args = parser.parse_args()
    # Else the compiled percentile edit takes all cores of the machine, whatever the rule was given.
    os.environ.setdefault("NUMBA_NUM_THREADS", str(args.threads))
    os.environ.setdefault("POT_BACKEND_DISABLE_PYTORCH", "1")
    spec = PredictFilesSpec.read(args.spec)

    import torch

    from outofsample.own.cohort_job import predict_files

    torch.set_num_threads(args.threads)
    predict_files(spec, args.fitted, args.train, args.output, args.terminal)


if __name__ == "__main__":
    run_script(main)
