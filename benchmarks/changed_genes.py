"""Our scores of differentially expressed genes beside those of the Arc Institute's package cell-eval.

From the root, for a task of genes of a study that ran (the demo; `--study` for others):

    benchmarks/setup_peers.sh cell_eval
    python benchmarks/changed_genes.py --task kang.NK --peer-python build/peers_cell_eval/bin/python

Prints a row per method and score: ours, theirs, the difference. Ends with status 1 where one is above `TOLERANCE`.
Values below zero, which it refuses to score, are cut off for both; queries are scored by their first seed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
#: The score that cell-eval does not have; all others stand there under one name.
OURS_ALONE = "specific_found"
#: cell-eval holds fold changes in float32, so genes with all but equal ones may change places.
TOLERANCE = 1e-3


def their_scores(folder: Path) -> dict[str, dict[str, float | None]]:
    """Return the scores of cell-eval by prediction; this runs in its environment.

    ``folder`` has ``X.npy`` (the query), ``Y.npy`` (the truth) and ``predicted/NAME.npy``, arrays (cells, genes), and
    ``names.json``, the names of scores.
    """
    import anndata
    import pandas as pd
    from cell_eval import MetricsEvaluator

    X, names = np.load(folder / "X.npy"), json.loads((folder / "names.json").read_text())

    def against_query(cells: np.ndarray):
        values = np.concatenate([X, cells])
        target = np.repeat(["before", "after"], [len(X), len(cells)])
        cell_names = np.arange(len(values)).astype(str)
        return anndata.AnnData(values, obs=pd.DataFrame({"target": target}, index=cell_names))

    found = {}
    for path in sorted((folder / "predicted").glob("*.npy")):
        evaluator = MetricsEvaluator(
            adata_pred=against_query(np.load(path)),
            adata_real=against_query(np.load(folder / "Y.npy")),
            control_pert="before",
            pert_col="target",
            num_threads=1,
            outdir=str(folder / "out"),
        )
        scores = evaluator.compute(profile="de", write_csv=False)[0].to_dicts()[0]
        found[path.stem] = {name: scores.get(name) for name in names}
    return found


def our_scores(cells, predicted: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Return our scores by prediction, of `outofsample.metrics.families.Populations` and arrays (cells, genes)."""
    from outofsample.metrics.differential_expression import DifferentialExpressionScores
    from outofsample.metrics.evaluation import DEFAULTS

    scorer = DifferentialExpressionScores(cells, DEFAULTS)
    found = {name: scorer.score(values) for name, values in predicted.items()}
    return {
        name: {score: result.value for score, result in scores.items() if score != OURS_ALONE}
        for name, scores in found.items()
    }


def compare(study: Path, task: str, peer_python: Path, query: str | None) -> list[tuple[str, str, float, float]]:
    """Return rows (method, score, ours, theirs) of all predictions of a query, the first one where none is named."""
    sys.path.insert(0, str(ROOT / "scripts"))
    from outofsample.files.prediction import read_predictions
    from outofsample.files.task import read_task, read_truth
    from outofsample.metrics.differential_expression import DifferentialExpressionScores
    from outofsample.metrics.evaluation import populations_of

    train = study / "tasks" / task / "train.h5ad"
    _, data, _ = read_task(train)
    truths = read_truth(study / "tasks" / task / "truth.h5ad", data)
    asked = next(each for each in data.queries if query in (None, each.name))
    cells = populations_of(asked, data, truths[asked.name], None, train)
    predicted = {}
    for path in sorted((study / "predictions" / task).glob("*.h5ad")):
        of_query = [values for (name, _), values in read_predictions(path, data).cells.items() if name == asked.name]
        if of_query:
            predicted[path.stem] = np.maximum(of_query[0], 0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "predicted").mkdir()
        np.save(folder / "X.npy", cells.X)
        np.save(folder / "Y.npy", cells.Y)
        names = [score for score in DifferentialExpressionScores.scores if score != OURS_ALONE]
        (folder / "names.json").write_text(json.dumps(names))
        for method, values in predicted.items():
            np.save(folder / "predicted" / f"{method}.npy", values)
        subprocess.run([peer_python, __file__, "--peer", folder], check=True, stdout=subprocess.DEVNULL)
        theirs = json.loads((folder / "scores.json").read_text())
    ours = our_scores(cells, predicted)
    return [
        (method, score, ours[method][score], np.nan if theirs[method][score] is None else theirs[method][score])
        for method in ours
        for score in names
    ]


def main() -> int:
    """Compare, print, and return 1 where something differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--study", type=Path, default=Path("results/demo"), help="folder of the results of a study")
    parser.add_argument("--task", default="kang.NK", help="one of its tasks, of genes (%(default)s)")
    parser.add_argument("--query", help="one of the task's queries; without it the first one")
    parser.add_argument("--peer-python", type=Path, help="the Python of an environment with cell-eval")
    parser.add_argument("--peer", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.peer:
        (asked.peer / "scores.json").write_text(json.dumps(their_scores(asked.peer)))
        return 0
    if asked.peer_python is None:
        parser.error("--peer-python is needed; benchmarks/setup_peers.sh cell_eval makes that environment.")
    rows, largest = compare(asked.study, asked.task, asked.peer_python, asked.query), 0.0
    for method, score, ours, theirs in rows:
        difference = 0.0 if np.isnan(ours) and np.isnan(theirs) else abs(ours - theirs)
        largest = max(largest, difference if np.isfinite(difference) else np.inf)
        print(f"{method:28} {score:22} {ours:9.5f} {theirs:9.5f} {difference:9.2e}")
    print(f"{len(rows)} scores, largest difference {largest:.2e}")
    return int(largest > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
