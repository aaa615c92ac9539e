"""Score all predictions of one task against its truth; see `outofsample.metrics.evaluation`."""

import argparse
from pathlib import Path

from outofsample.errors import run_script
from outofsample.files.missing import read_note
from outofsample.files.scores import write_scores
from outofsample.jobs.evaluate import EvaluationSpec
from outofsample.metrics.evaluation import evaluate, rows_without_data
from outofsample.metrics.extractors import load_extractors
from outofsample.metrics.families import Settings


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help="JSON of an EvaluationSpec; - is the standard input")
    parser.add_argument("--train", type=Path, required=True, help="tasks/T/train.h5ad")
    parser.add_argument("--truth", type=Path, required=True, help="tasks/T/truth.h5ad")
    parser.add_argument("--predictions", type=Path, nargs="*", required=True, help="predictions/T/METHOD.h5ad")
    parser.add_argument(
        "--classifier", type=Path, nargs="*", help="the task's classifier of images, for distances of its features"
    )
    parser.add_argument(
        "--inception", type=Path, nargs="*", help="Inception-v3 for FID and KID of images; none: without them"
    )
    parser.add_argument("--threads", type=int, default=1, help="threads of these networks")
    parser.add_argument("--output", type=Path, required=True, help="scores/T.csv")
    args = parser.parse_args()
    spec = EvaluationSpec.read(args.spec)
    if read_note(args.train):
        write_scores(rows_without_data(spec), args.output)
        return
    # A rule gives one file or none.
    inception, classifier = (next(iter(files or []), None) for files in (args.inception, args.classifier))
    extractors = load_extractors(inception, classifier, args.threads)
    settings = Settings(spec.resamples, spec.oracle_halves, spec.max_cells, spec.seed)
    rows = evaluate(args.train, args.truth, args.predictions, settings, spec.not_run, extractors)
    write_scores(rows, args.output)


if __name__ == "__main__":
    run_script(main)
