"""Write a short report of what one method changed in the user's own cells: a page (HTML) and its numbers (CSV)."""

import argparse
from pathlib import Path

from outofsample.errors import run_script
from outofsample.jobs.own import ChangesSpec


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help="JSON of a ChangesSpec; - is the standard input")
    parser.add_argument("--prediction", type=Path, required=True, help="prediction file of one method")
    parser.add_argument("--train", type=Path, required=True, help="training part of the task")
    parser.add_argument("--truth", type=Path, required=True, help="truth of the task, with no rows where there is none")
    parser.add_argument("--scores", type=Path, required=True, help="scores of the task")
    parser.add_argument("--predictions", type=Path, nargs="+", required=True, help="those of all methods of the task")
    parser.add_argument("--template", type=Path, required=True, help="template of the page")
    parser.add_argument("--html", type=Path, required=True)
    parser.add_argument("--csv", type=Path, required=True)
    args = vars(parser.parse_args())
    spec = ChangesSpec.read(args.pop("spec"))

    from outofsample.own.leftovers import remove
    from outofsample.own.page import write_page

    print(*write_page(spec, **args), sep="\n")
    remove(spec.replaced)


if __name__ == "__main__":
    run_script(main)
