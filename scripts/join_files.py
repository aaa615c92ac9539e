"""Join what one method predicted in each file of a cohort into one table, and check that all files are there."""

import argparse
from pathlib import Path

from outofsample.errors import run_script
from outofsample.jobs.own import JoinFilesSpec


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help="JSON of a JoinFilesSpec; - is the standard input")
    parser.add_argument("--train", type=Path, required=True, help="training part of the task")
    parser.add_argument("--output", type=Path, required=True, help="the table (CSV) to write")
    args = parser.parse_args()
    spec = JoinFilesSpec.read(args.spec)

    from outofsample.own.summaries import join_files

    print(join_files(spec, args.train, args.output))


if __name__ == "__main__":
    run_script(main)
