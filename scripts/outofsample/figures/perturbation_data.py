"""What Figures 5 and 6 of trVAE show: predictions of one query, a sample of the measured cells, and scores."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from outofsample.figures import style
from outofsample.figures.data import FigureData, Panel
from outofsample.files.scores import read_scores
from outofsample.files.task import TrainingRows, TruthRows
from outofsample.metrics.summaries import summarise
from outofsample.report.tables import summarise_runs

#: Of controls, and of lines that only help to read.
GREY = "#777777"


@dataclass(frozen=True)
class Measured:
    """A sample of the measured cells, held-out ones included.

    Attributes
    ----------
    X
        Array (cells, features).
    condition, kind, held_out
        Arrays (cells,): condition, cell type (the domain where ``obs["cell_type"]`` is not known), mask of the truth.
    task
        Name of the task whose predictions are shown, as in the column ``task`` of the scores.
    """

    X: np.ndarray
    condition: np.ndarray
    kind: np.ndarray
    held_out: np.ndarray
    task: str


def read_measured(train: str | Path, truth: str | Path, cells: int = 1500, shown: str | Path = "") -> Measured:
    """Read at most ``cells`` cells of both files of a task: the same at each call.

    ``shown`` is the training part of the task whose predictions are shown, where that is another one.

    Raises
    ------
    UserError
        If a file cannot be read.
    """
    parts = [TrainingRows(train), TruthRows(truth)]
    split, total = len(parts[0].obs), sum(len(part.obs) for part in parts)
    drawn = np.sort(np.random.default_rng(0).permutation(total)[:cells])
    rows = [drawn[drawn < split], drawn[drawn >= split] - split]
    kind = "cell_type" if all("cell_type" in part.obs for part in parts) else "domain"
    both = list(zip(parts, rows, strict=True))
    X = np.concatenate([part.values(of_part) for part, of_part in both])
    columns = {
        name: np.concatenate([part.obs[name].astype(str).to_numpy()[of_part] for part, of_part in both])
        for name in ("condition", kind)
    }
    held_out = np.repeat([False, True], [len(of_part) for of_part in rows])
    task = TrainingRows(shown).task if shown else parts[0].task
    return Measured(X, columns["condition"], columns[kind], held_out, task)


def load_scores(paths: list[str]) -> pd.DataFrame:
    """Read the scores of all tasks that a figure names; a frame without rows where it names none."""
    return read_scores([Path(path) for path in paths]) if paths else pd.DataFrame({"task": [], "query": []}, dtype=str)


@dataclass(frozen=True)
class Perturbation:
    """All that Figures 5 and 6 show.

    Attributes
    ----------
    data, measured
        Predictions of the query, and cells for the embedding.
    scores
        Scores of the query, as `load_scores` reads them; without rows where none were given.
    by_type
        Scores of the tasks that hold out one cell type each (`perturbation_types`): all that are not the query's task,
        and that too where it is one of them, as ``haber.Tuft`` is of ``haber.Stem``.
    """

    data: FigureData
    measured: Measured
    scores: pd.DataFrame
    by_type: pd.DataFrame

    @classmethod
    def of(cls, data: FigureData, measured: Measured, scores: pd.DataFrame) -> "Perturbation":
        """Sort the scores into those of the query and those of other tasks."""
        own = scores["task"] == measured.task
        family = scores["task"].str.partition(".")[0] == measured.task.partition(".")[0] if len(scores) else own
        by_type = ~own | (family if "." in measured.task and (family & ~own).any() else False)
        return cls(data, measured, scores[own & (scores["query"] == data.query.name)], scores[by_type])

    @property
    def controls(self) -> set[str]:
        """Names of the control methods."""
        return set(self.data.figure.get("controls", []))

    @property
    def ordered(self) -> list[Panel]:
        """Methods in the study's order, controls last."""
        return sorted(self.data.panels, key=lambda panel: panel.method in self.controls)

    def colour(self, panel: Panel) -> str:
        """Return the colour of a method: controls are grey."""
        return GREY if panel.method in self.controls else style.COLOURS["prediction"]

    def runs(self, method: str, score: str) -> dict:
        """Return mean, sd, low and high of a score (`summarise_runs`), NaN where the method has none."""
        of_method = self.scores[(self.scores["method"] == method) & (self.scores["score"] == score)]
        return summarise_runs(of_method, method)

    def of_seed(self, panel: Panel, score: str) -> float:
        """Return a score of the seed that is shown, NaN where there is none."""
        if self.scores.empty:
            return float("nan")
        found = self.scores[(self.scores["method"] == panel.method) & (self.scores["score"] == score)]
        found = found[found["seed"].astype(float) == panel.seeds[0]]["value"]
        return float(found.iloc[0]) if len(found) else float("nan")


def changes_of_genes(data: FigureData) -> np.ndarray:
    """Return how much the mean of each gene (genes,) changes: truly, or without a truth in the source."""
    means = {name: summarise(X).means for name, X in data.cells.items()}
    if "truth" in means:
        return np.abs(means["truth"] - means["query"])
    return np.abs(means["target"] - means["source"])
