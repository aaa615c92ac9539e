"""Correct the query of one task with one batch corrector; where R is missing the file says so instead."""

import argparse
import json
from pathlib import Path

from outofsample import registry
from outofsample.errors import NotAvailable, run_script


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, required=True, help="training part of the task")
    parser.add_argument("--method", required=True, help="name of the method in the study")
    parser.add_argument("--uses", required=True, help="file that defines it")
    parser.add_argument("--settings", type=json.loads, default={}, help="its settings as JSON")
    parser.add_argument("--in-sample-cells", type=int, default=1000)
    parser.add_argument("--output", type=Path, required=True, help="prediction file to write")
    arguments = parser.parse_args()

    from outofsample.files.prediction import PredictionWriter
    from outofsample.files.task import read_training

    data = read_training(arguments.train)
    writer = PredictionWriter(data, arguments.method, in_sample_cells=arguments.in_sample_cells)
    method = registry.create("methods", arguments.uses, arguments.settings)
    try:
        method.fit(data)
    except NotAvailable as missing:
        print(f"{arguments.method} is not run. {missing}")
        writer.write(arguments.output, not_run=missing.reason)
        return
    writer.add_all(method.transform, 0)
    writer.write(arguments.output, backend=method.backend, versions=method.versions)
    print(f"{arguments.method}: done by {method.backend}")


if __name__ == "__main__":
    run_script(main)
