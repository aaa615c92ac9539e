"""Write the stand-in files of a dataset whose real files are not at hand."""

import argparse
import json
from pathlib import Path

from outofsample import registry
from outofsample.errors import UserError, run_script


def main() -> None:
    """Parse the command line and let the dataset write its files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help="the dataset's file name in outofsample/datasets, or a path")
    parser.add_argument("--settings", default="{}", help="the dataset's settings as JSON")
    parser.add_argument("--output", required=True, nargs="+", type=Path, help="the files to write, all in one folder")
    args = parser.parse_args()
    try:
        dataset = registry.create("datasets", args.dataset, json.loads(args.settings))
    except (TypeError, ValueError) as error:
        raise UserError(f"the settings of dataset '{args.dataset}' are wrong: {error}.") from error
    if not dataset.can_simulate:
        raise UserError(f"dataset '{args.dataset}' has no stand-in; put its files into the data folder.")
    names = [file.name for file in dataset.simulated_files()]
    # A name may have a folder of its own (thin/images.gz) below the one that all files are in.
    folders = {path.parents[name.count("/")] for name in names for path in args.output if path.match(name)}
    if len(folders) != 1 or {next(iter(folders)) / name for name in names} != set(args.output):
        raise UserError(f"--output must be these files in one folder: {', '.join(sorted(names))}.")
    dataset.simulate(folders.pop())


if __name__ == "__main__":
    run_script(main)
