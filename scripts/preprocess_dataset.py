"""Turn the raw files of a dataset into one AnnData file, and check what the rest of the pipeline relies on."""

import argparse
from pathlib import Path

from outofsample.datasets.support.base import from_spec
from outofsample.errors import UserError, run_script
from outofsample.files.dataset import write_dataset
from outofsample.files.missing import pass_on
from outofsample.jobs.dataset import DatasetSpec
from outofsample.own.readers.support.boundary import reading


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help="JSON of a DatasetSpec; - is the standard input")
    parser.add_argument("--files", required=True, nargs="+", type=Path, help="the raw files, in the dataset's order")
    parser.add_argument("--output", required=True, help="the AnnData file to write")
    args = parser.parse_args()
    spec = DatasetSpec.read(args.spec)
    if pass_on(args.files, [args.output], spec.name):
        return
    dataset = from_spec(spec)
    names = [file.name for file in (dataset.simulated_files() if spec.simulated else dataset.raw_files())]
    if len(names) != len(args.files):
        raise UserError(f"--files: dataset '{spec.name}' needs {len(names)} files, in this order: {', '.join(names)}.")
    with reading(", ".join(map(str, args.files))):
        adata = dataset.load(dict(zip(names, args.files, strict=True)))
    write_dataset(args.output, adata, spec.name, spec.simulated)
    print(f"{spec.name}: {adata.n_obs:,} cells, {adata.n_vars} features", flush=True)


if __name__ == "__main__":
    run_script(main)
