"""Choose settings of models by their scores on one task; see `outofsample.report.tuning`."""

import argparse
from pathlib import Path

from outofsample.errors import run_script
from outofsample.files.scores import read_scores
from outofsample.jobs.tune import TuningSpec
from outofsample.report.tuning import choose_settings, write_choice


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help="JSON of a TuningSpec; - is the standard input")
    parser.add_argument("--scores", type=Path, required=True, help="scores/T.csv of the task that is chosen on")
    parser.add_argument("--output-csv", type=Path, required=True, help="table of all grid points to write")
    parser.add_argument("--output-md", type=Path, required=True, help="the same for people")
    parser.add_argument("--output-yaml", type=Path, required=True, help="study with the chosen settings to write")
    args = parser.parse_args()
    spec = TuningSpec.read(args.spec)
    rows = choose_settings(read_scores([args.scores]), spec)
    write_choice(rows, spec, args.output_csv, args.output_md, args.output_yaml)
    print(rows.loc[rows["chosen"], ["model", "label", "score", "mean", "sd", "n"]].to_string(index=False))


if __name__ == "__main__":
    run_script(main)
