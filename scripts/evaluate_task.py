"""Score all predictions of one task against its truth; see `outofsample.metrics.evaluation`."""

import argparse
import json
from pathlib import Path

from outofsample.errors import run_script
from outofsample.files.scores import write_scores
from outofsample.metrics.evaluation import Settings, evaluate
from outofsample.metrics.extractors import load_extractors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, required=True, help="tasks/T/train.h5ad")
    parser.add_argument("--truth", type=Path, required=True, help="tasks/T/truth.h5ad")
    parser.add_argument("--predictions", type=Path, nargs="+", required=True, help="predictions/T/METHOD.h5ad")
    parser.add_argument("--resamples", type=int, default=200, help="resamples of cells for the intervals")
    parser.add_argument("--oracle-halves", type=int, default=20, help="random halves of the truth")
    parser.add_argument("--max-cells", type=int, default=2000, help="cells that an energy distance is computed on")
    parser.add_argument("--seed", type=int, default=0, help="seed of resamples, halves and draws")
    parser.add_argument("--not-run", type=json.loads, default={}, help="JSON: reasons of methods without a file")
    parser.add_argument("--inception", type=Path, help="Inception-v3 for FID and KID of images; none: without them")
    parser.add_argument(
        "--classifier", type=Path, help="the task's classifier of images, for distances of its features"
    )
    parser.add_argument("--threads", type=int, default=1, help="threads of these networks")
    parser.add_argument("--output", type=Path, required=True, help="scores/T.csv")
    args = parser.parse_args()
    settings = Settings(args.resamples, args.oracle_halves, args.max_cells, args.seed)
    extractors = load_extractors(args.inception, args.classifier, args.threads)
    rows = evaluate(args.train, args.truth, args.predictions, settings, args.not_run, extractors)
    write_scores(rows, args.output)


if __name__ == "__main__":
    run_script(main)
