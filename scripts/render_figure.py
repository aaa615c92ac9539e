"""Render one figure: run its notebook, and keep PDF, PNG and the executed notebook as HTML."""

import argparse
from pathlib import Path

from outofsample.errors import run_script
from outofsample.figures.left_out import why_left_out, write_left_out
from outofsample.figures.render import Shown, render
from outofsample.jobs.figure import FigureSpec


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help="JSON of a FigureSpec; - is the standard input")
    parser.add_argument("--notebook", type=Path, required=True)
    parser.add_argument(
        "--cells", type=Path, nargs="*", default=[], help="training part and truth of each task, if any"
    )
    parser.add_argument("--predictions", type=Path, nargs="*", default=[], help="prediction files, one per method")
    parser.add_argument("--histories", type=Path, nargs="*", default=[], help="losses of the models that are shown")
    parser.add_argument("--scores", type=Path, nargs="*", default=[], help="scores of the tasks that are shown")
    parser.add_argument("--pdf", type=Path, required=True)
    parser.add_argument("--png", type=Path, required=True)
    parser.add_argument("--html", type=Path, required=True)
    args = parser.parse_args()
    shown = Shown(args.cells, args.predictions, args.histories, args.scores)
    spec = FigureSpec.read(args.spec)
    if sentence := why_left_out(shown):
        print(sentence)
        write_left_out(spec, sentence, args.pdf, args.png, args.html)
        return
    render(spec, args.notebook, shown, args.pdf, args.png, args.html)


if __name__ == "__main__":
    run_script(main)
