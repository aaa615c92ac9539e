"""Split a dataset into the training part and the truth of one task."""

import argparse
from pathlib import Path

from outofsample.errors import run_script
from outofsample.files.missing import pass_on
from outofsample.jobs.split import SplitSpec


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help="JSON of a SplitSpec; - is the standard input")
    parser.add_argument("--dataset", type=Path, required=True, help="h5ad file of the dataset")
    parser.add_argument("--train", type=Path, required=True, help="training part to write")
    parser.add_argument("--truth", type=Path, required=True, help="truth to write")
    args = parser.parse_args()
    spec = SplitSpec.read(args.spec)
    if pass_on([args.dataset], [args.train, args.truth]):
        return

    from outofsample.files.task import write_task
    from outofsample.study.split import split_file

    train, truth = split_file(args.dataset, spec)
    write_task(args.train, args.truth, (train, truth))
    print(train.obs.groupby(["role", "domain", "condition"], observed=True).size().to_string())
    print(f"truth: {truth.n_obs} cells, {truth.n_vars} features")


if __name__ == "__main__":
    run_script(main)
