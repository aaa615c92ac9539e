"""Write the stand-in files of a dataset whose real files are not at hand."""

import argparse
from pathlib import Path

from outofsample.datasets.support.base import from_spec
from outofsample.errors import UserError, run_script
from outofsample.jobs.dataset import DatasetSpec


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help="JSON of a DatasetSpec; - is the standard input")
    parser.add_argument("--output", required=True, nargs="+", type=Path, help="the files to write, all in one folder")
    args = parser.parse_args()
    spec = DatasetSpec.read(args.spec)
    dataset = from_spec(spec)
    if not dataset.can_simulate:
        raise UserError(f"dataset '{spec.name}' has no stand-in; put its files into the data folder.")
    names = [file.name for file in dataset.simulated_files()]
    # A name may have a folder of its own (thin/images.gz) below the one that all files are in.
    folders = {path.parents[name.count("/")] for name in names for path in args.output if path.match(name)}
    if len(folders) != 1 or {next(iter(folders)) / name for name in names} != set(args.output):
        raise UserError(f"--output must be these files in one folder: {', '.join(sorted(names))}.")
    dataset.simulate(folders.pop())


if __name__ == "__main__":
    run_script(main)
