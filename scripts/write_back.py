"""Write the predictions of one method in the format of the user's own files: a folder per query."""

import argparse
from pathlib import Path

from outofsample.errors import UserError, run_script
from outofsample.jobs.own import WriteBackSpec


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help="JSON of a WriteBackSpec; - is the standard input")
    parser.add_argument("--prediction", type=Path, required=True, help="prediction file of one method")
    parser.add_argument("--train", type=Path, required=True, help="training part of the task")
    parser.add_argument(
        "--files", nargs="+", type=Path, help="the user's files, in the settings' order; default: the spec's"
    )
    parser.add_argument("--seed", type=int, help="which seed to write (default: the first)")
    parser.add_argument("--folder", type=Path, required=True, help="folder to write to: FOLDER/QUERY/FILE")
    args = parser.parse_args()
    spec = WriteBackSpec.read(args.spec)
    files = args.files or [Path(file) for file in spec.files]

    from outofsample.datasets.own import Dataset, Settings
    from outofsample.own.leftovers import remove
    from outofsample.own.write_back import write_back

    dataset = Dataset(Settings(**spec.settings))
    names = [file.name for file in dataset.raw_files()]
    if len(names) != len(files):
        raise UserError(f"--files: {len(names)} files are needed, in this order: {', '.join(names)}.")
    originals = dict(zip(names, files, strict=True))
    remove(spec.replaced)
    for path in write_back(args.prediction, args.train, dataset, originals, args.folder, args.seed):
        print(path, flush=True)


if __name__ == "__main__":
    run_script(main)
