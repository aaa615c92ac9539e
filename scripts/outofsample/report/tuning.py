"""Choosing settings of models by their scores on one task: all grid points as a table, the chosen ones as a study.

What is tried is in the study's configuration (`outofsample.study.config.Tuning`): each grid point is a method like
any other.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from outofsample.errors import UserError
from outofsample.files.writing import replacing, sealed
from outofsample.jobs.tune import TuningSpec
from outofsample.metrics.directions import distance_to_best
from outofsample.report.paper_values import PAPER_COLUMNS
from outofsample.report.table_formats import to_markdown
from outofsample.report.tables import tidy_table

#: Columns of chosen.csv.
COLUMNS = ["task", "query", "model", "method", "label", "control", "chosen", "score", "mean", "sd", "low", "high", "n"]
COLUMNS += ["spread", "rank", "stand_in", "status", "note"]


def over_queries(scores: pd.DataFrame) -> pd.DataFrame:
    """Return scores with one row per method, seed and score: the mean over the queries of the task.

    A single query keeps its intervals; a mean over several has none, and no value where one of them has none.
    """
    queries = scores["query"].nunique()
    if queries == 1:
        return scores
    keys = ["task", "method", "seed", "score"]
    means = scores.groupby(keys, sort=False, dropna=False).agg(
        value=("value", lambda values: values.mean(skipna=False)),
        note=("note", lambda notes: "; ".join(filter(None, dict.fromkeys(notes)))),
        backend=("backend", "first"),
    )
    return means.reset_index().assign(query=f"mean of {queries}", low=np.nan, high=np.nan, sd=np.nan)


def choose(points: pd.DataFrame, score: str, model: str) -> str:
    """Return the method with the best mean among the grid points of a model, which are rows of a tidy table.

    Of equals it is the first; a point that has no score for one of the seeds is not chosen.

    Raises
    ------
    UserError
        If no point has a score.
    """
    scored = points[np.isfinite(points["mean"]) & (points["n"] == points["n"].max())]
    if scored.empty:
        reasons = "; ".join(dict.fromkeys(filter(None, points["note"])))
        raise UserError(
            f"tuning.grids.{model}: none of its {len(points)} grid points has the score that decides"
            f"{f' ({reasons})' if reasons else ''}; choose on a task with a truth, by a score of its kind of data."
        )
    return scored.loc[distance_to_best(score, scored["mean"]).idxmin(), "method"]


def choose_settings(scores: pd.DataFrame, spec: TuningSpec) -> pd.DataFrame:
    """Return a row per grid point, control and the oracle, the chosen ones marked.

    Parameters
    ----------
    scores
        Rows of ``scores/T.csv`` of the task that is chosen on.
    spec
        The grid points, and a table of this task and of the score that decides, the only column.

    Raises
    ------
    UserError
        If no grid point of a model has a score.
    """
    tidy = tidy_table(spec.table, over_queries(scores), pd.DataFrame(columns=PAPER_COLUMNS))
    model_of = {method: model for model, points in spec.grids.items() for method in points}
    tidy["model"] = tidy["method"].map(model_of).fillna("")
    score = spec.table.columns[0].score
    chosen = [choose(tidy[tidy["model"] == model], score, model) for model in spec.grids]
    return tidy.assign(chosen=tidy["method"].isin(chosen))


def fragment(rows: pd.DataFrame, spec: TuningSpec) -> str:
    """Return the study that others extend: the tuning study's definitions with the chosen settings (YAML)."""
    models = {row.model: spec.grids[row.model][row.method] for row in rows[rows["chosen"]].itertuples()}
    first = rows.iloc[0]
    head = f"# Settings chosen on {first['task']} by {first['score']}. A study takes them over with 'extends'.\n"
    return head + yaml.safe_dump(
        {"extends": spec.extends, "models": models}, sort_keys=False, default_flow_style=None, width=120
    )


def write_choice(rows: pd.DataFrame, spec: TuningSpec, csv: Path, markdown: Path, study: Path) -> None:
    """Write the table, as CSV and for people, and the study with the chosen settings."""
    marked = rows.assign(label=rows["label"].where(~rows["chosen"], rows["label"] + " (chosen)"))
    with sealed(csv) as temporary:
        rows[COLUMNS].to_csv(temporary, index=False, float_format="%.9g")
    for path, text in ((markdown, to_markdown(marked, spec.table)), (study, fragment(rows, spec))):
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
