"""Write the predictions of one method in the format of the user's own files: a folder per query."""

import argparse
import json
from pathlib import Path

from outofsample import registry
from outofsample.errors import UserError, run_script


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prediction", type=Path, required=True, help="prediction file of one method")
    parser.add_argument("--train", type=Path, required=True, help="training part of the task")
    parser.add_argument("--settings", type=json.loads, required=True, help="settings of the dataset 'own' as JSON")
    parser.add_argument("--files", type=Path, nargs="+", required=True, help="the user's files, in the settings' order")
    parser.add_argument("--seed", type=int, help="which seed to write (default: the first)")
    parser.add_argument("--folder", type=Path, required=True, help="folder to write to: FOLDER/QUERY/FILE")
    arguments = parser.parse_args()

    from outofsample.own.write_back import write_back

    dataset = registry.create("datasets", "own", arguments.settings)
    names = [file.name for file in dataset.raw_files()]
    if len(names) != len(arguments.files):
        raise UserError(f"--files: {len(names)} files are needed, in this order: {', '.join(names)}.")
    originals = dict(zip(names, arguments.files, strict=True))
    for path in write_back(arguments.prediction, arguments.train, dataset, originals, arguments.folder, arguments.seed):
        print(path, flush=True)


if __name__ == "__main__":
    run_script(main)
