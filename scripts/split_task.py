"""Split a dataset into the training part and the truth of one task."""

import argparse
import json
from pathlib import Path

from outofsample.arrays import Query
from outofsample.errors import run_script


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="h5ad file of the dataset")
    parser.add_argument("--split", type=json.loads, required=True, help="JSON of outofsample.study.split.Split")
    parser.add_argument("--train", type=Path, required=True, help="training part to write")
    parser.add_argument("--truth", type=Path, required=True, help="truth to write")
    arguments = parser.parse_args()

    from outofsample.files.dataset import read_dataset
    from outofsample.files.task import write_task
    from outofsample.study.split import Split, split_dataset

    fields = dict(arguments.split)
    fields["queries"] = tuple(Query(**query) for query in fields["queries"])
    for name in ("held_out", "reference"):
        fields[name] = tuple(tuple(pair) for pair in fields[name])
    for name in ("source_domains", "conditions", "keep_features"):
        fields[name] = tuple(fields[name])
    train, truth = split_dataset(read_dataset(arguments.dataset), Split(**fields))
    write_task(arguments.train, arguments.truth, (train, truth))
    print(train.obs.groupby(["role", "domain", "condition"], observed=True).size().to_string())
    print(f"truth: {truth.n_obs} cells, {truth.n_vars} features")


if __name__ == "__main__":
    run_script(main)
