"""Hours of training and of everything else that each table of a study takes, from the benchmark files of a run.

Also where the run is not complete: one seed of each model tells what the others will take. From the root:

    python scripts/count_hours.py --study studies/open_data.yaml

Hours of training are GPU hours where the study has `device: cuda`.
"""

import argparse
from pathlib import Path

from outofsample.errors import run_script
from outofsample.study.hours import table_of_hours
from outofsample.study.load import read_study
from outofsample.study.plan import Plan


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path, default=Path("config.yaml"))
    print(*table_of_hours(Plan(read_study(parser.parse_args().study))), sep="\n")


if __name__ == "__main__":
    run_script(main)
