"""Predict the queries of one task with every method that stands on one model."""

import argparse
import os
from contextlib import nullcontext
from pathlib import Path

from outofsample.errors import run_script
from outofsample.files.missing import pass_on
from outofsample.jobs.predict import TransformSpec


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help="JSON of a TransformSpec; - is the standard input")
    parser.add_argument("--train", type=Path, required=True, help="training part of the task")
    parser.add_argument("--fitted", type=Path, nargs="*", default=[], help="fitted states; none: fit here")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--outputs", type=Path, nargs="+", required=True, help="prediction files, one per method")
    parser.add_argument("--keep", type=Path, nargs="*", default=[], help="file to keep the fitted methods in, if any")
    args = parser.parse_args()
    if pass_on([args.train], [*args.outputs, *args.keep]):
        return
    # POT imports torch in case somebody gives it tensors: longer than the transport itself takes.
    os.environ.setdefault("POT_BACKEND_DISABLE_PYTORCH", "1")
    # Else the compiled percentile edit takes all cores of the machine, whatever the rule was given.
    os.environ.setdefault("NUMBA_NUM_THREADS", str(args.threads))

    from outofsample.files.cohort import read_cohort
    from outofsample.files.task import read_training
    from outofsample.methods.families.transform import needs_counts, trains_here, transform_all
    from outofsample.training.gpus import one_gpu

    spec = TransformSpec.read(args.spec)
    cohort = read_cohort(args.train)
    drawn = cohort is not None and cohort.drawn
    data, keep = read_training(args.train, needs_counts(spec)), next(iter(args.keep), None)
    with one_gpu(spec.device) if trains_here(spec) else nullcontext():
        transform_all(spec, data, args.fitted, args.outputs, args.threads, keep, drawn)


if __name__ == "__main__":
    run_script(main)
