"""Fit a small classifier of images on the training part of one task, for Frechet distances of its features."""

import argparse
from pathlib import Path

from outofsample.errors import run_script
from outofsample.files.missing import pass_on


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, required=True, help="training part of the task")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, required=True, help="classifier to write")
    arguments = parser.parse_args()
    if pass_on([arguments.train], [arguments.output]):
        return

    import torch

    from outofsample.files.classifier import write_classifier
    from outofsample.training.classifier import fit_task

    torch.set_num_threads(arguments.threads)
    state, lines = fit_task(arguments.train, arguments.seed)
    print(*lines, sep="\n", flush=True)
    write_classifier(arguments.output, state)


if __name__ == "__main__":
    run_script(main)
