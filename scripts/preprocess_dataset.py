"""Turn the raw files of a dataset into one AnnData file, and check what the rest of the pipeline relies on."""

import argparse
import json
from pathlib import Path

from outofsample import registry
from outofsample.errors import UserError, run_script
from outofsample.files.dataset import write_dataset


def main() -> None:
    """Parse the command line, read the files and write the dataset."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help="the dataset's file name in outofsample/datasets, or a path")
    parser.add_argument("--name", required=True, help="what the study calls it")
    parser.add_argument("--settings", default="{}", help="the dataset's settings as JSON")
    parser.add_argument("--files", required=True, nargs="+", type=Path, help="the raw files")
    parser.add_argument("--simulated", action="store_true", help="the files are the stand-in, not real data")
    parser.add_argument("--output", required=True, help="the AnnData file to write")
    args = parser.parse_args()
    try:
        dataset = registry.create("datasets", args.dataset, json.loads(args.settings))
    except (TypeError, ValueError) as error:
        raise UserError(f"the settings of dataset '{args.dataset}' are wrong: {error}.") from error
    wanted = dataset.simulated_files() if args.simulated else dataset.raw_files()
    paths = {file.name: path for file in wanted for path in args.files if path.match(file.name)}
    if missing := [file.name for file in wanted if file.name not in paths]:
        raise UserError(f"dataset '{args.name}' needs more files in --files: {', '.join(missing)}.")
    adata = dataset.load(paths)
    write_dataset(args.output, adata, args.name, args.simulated)
    print(f"{args.name}: {adata.n_obs:,} cells, {adata.n_vars} features", flush=True)


if __name__ == "__main__":
    run_script(main)
