"""Write the first page of a study's report (HTML) from its finished files; see `outofsample.report.page`."""

import argparse
import json
from pathlib import Path

from outofsample.errors import UserError, run_script


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--study", required=True, help="JSON: study, description, demo_size, options, tasks, methods, tables, figures"
    )
    parser.add_argument("--scores", type=Path, nargs="+", required=True, help="scores/T.csv of each task")
    parser.add_argument("--tables", type=Path, nargs="*", default=[], help="tables/NAME.csv of each table")
    parser.add_argument("--figures", type=Path, nargs="*", default=[], help="figures/NAME.png of each figure")
    parser.add_argument("--own", type=Path, nargs="*", default=[], help="pages on what changed in the user's own data")
    parser.add_argument("--benchmarks", type=Path, required=True, help="folder with a TSV per job")
    parser.add_argument("--paper-values", type=Path, required=True, help="docs/paper_values.csv")
    parser.add_argument("--output", type=Path, required=True)
    return parser.parse_args()


def read_study(text: str):
    """Read the description of the study.

    Raises
    ------
    UserError
        If it is no JSON or has other keys than it should.
    """
    from outofsample.report.page import Study

    try:
        return Study(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise UserError(f"--study: this is not the JSON of a study ({error}).") from error


def main() -> None:
    """Run the command line."""
    arguments = vars(parse_arguments())

    from outofsample.files.writing import replacing
    from outofsample.report import page as report_page

    study, output = read_study(arguments.pop("study")), arguments.pop("output")
    page = report_page.render(report_page.gather(study, report_page.Files(**arguments)))
    with replacing(output) as temporary:
        temporary.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    run_script(main)
