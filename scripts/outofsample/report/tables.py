"""Tables of scores over runs: tidy rows, with the papers' own values beside ours.

A table (`outofsample.jobs.table.TableSpec`) has one block per task and query, one row per method.
"""

import numpy as np
import pandas as pd

from outofsample.errors import UserError, did_you_mean
from outofsample.files.table import COLUMNS
from outofsample.jobs.table import ORACLE, ColumnSpec, TableSpec
from outofsample.metrics.directions import DISTANCE_TO_BEST
from outofsample.metrics.expected import EXPECTED
from outofsample.report.extrapolation_marks import shares_beyond
from outofsample.report.paper_values import belongs_to

NO_TRUTH = "needs a truth, and none was measured"
NOT_MEASURED = "this score is not for these data"
#: Of `INCEPTION_SCORES`, where a study does not ask for them.
FID_OFF = (
    "FID and KID are off, since they need Inception's file: --config 'evaluation={fid: true}' switches them on, and "
    "says where to get the file and where to put it"
)
INCEPTION_SCORES = ("fid", "kid")
#: Of a method that the study runs, but elsewhere; and of one that it does not run at all.
NOT_ON_TASK = "not on this task"
NOT_IN_STUDY = "not in this study"


def summarise_runs(runs: pd.DataFrame, method: str) -> dict:
    """Return mean, sd, low, high, n and what the spread is over, of the runs (rows) of one method and score.

    - several seeds: sd over the seeds; low and high are the ends of the cells' interval, averaged over the seeds;
    - one run: sd, low and high over resampled cells, where the score has them;
    - oracle: sd and 95 % range over its halves.
    """
    values = runs["value"].dropna().to_numpy(dtype=float)
    summary = {"mean": np.nan, "sd": np.nan, "low": np.nan, "high": np.nan, "n": len(values), "spread": ""}
    if len(values) == 0:
        return summary
    summary["mean"] = values.mean()
    summary |= {end: runs[end].astype(float).mean() for end in ("low", "high")}
    if len(values) > 1:
        summary |= {"sd": values.std(ddof=1), "spread": "seeds"}
        if method == ORACLE.name:
            low, high = np.percentile(values, [2.5, 97.5])
            summary |= {"spread": "halves", "low": low, "high": high}
    elif runs["sd"].notna().any():
        summary |= {"sd": float(runs["sd"].dropna().iloc[0]), "spread": "cells"}
    return summary


def tidy_table(spec: TableSpec, scores: pd.DataFrame, papers: pd.DataFrame) -> pd.DataFrame:
    """Return one row per task, query, method and score, with our numbers and the paper's.

    Raises
    ------
    UserError
        If a task of the specification has no scores.
    """
    rows = []
    for task in spec.tasks:
        of_task = scores[scores["task"] == task]
        if of_task.empty:
            nearest = did_you_mean(task, scores["task"])
            raise UserError(f"Table '{spec.name}': there are no scores of task '{task}'{nearest}.")
        for query in of_task["query"].unique():
            block = of_task[of_task["query"] == query]
            rows += _with_ranks(spec, _block_rows(spec, task, block, papers))
    return pd.DataFrame(rows).assign(table=spec.name)[list(COLUMNS)]


def _block_rows(spec: TableSpec, task: str, block: pd.DataFrame, papers: pd.DataFrame) -> list[dict]:
    rows, query = [], block["query"].iloc[0]
    measured = block.loc[block["method"] == ORACLE.name, "value"].notna().any()
    for method in spec.ordered_methods():
        of_method = block[block["method"] == method.name]
        beyond, expected = shares_beyond(of_method), _expected(of_method)
        for column in spec.columns:
            runs = of_method[of_method["score"] == column.score]
            status, note = _status(of_method, runs, column.score, measured)
            published = _published(spec, task, query, method.name, column, papers)
            rows.append(
                {"task": task, "query": query, "method": method.name, "label": method.label}
                | {"control": method.control or method.name == ORACLE.name, "score": column.score}
                | summarise_runs(runs, method.name)
                | {"paper_value": published[0], "paper_sd": published[1]}
                | {"paper_other_data": spec.on_other_data(task), "stand_in": bool(spec.stand_in.get(task, False))}
                | {"status": status, "note": note, "backend": "".join(of_method["backend"].unique()[:1])}
                | beyond
                | expected
            )
    return rows


def _expected(of_method: pd.DataFrame) -> dict[str, float]:
    """Return the ends of where the energy distance of one method and query (rows of scores) is expected, or NaN."""
    found = of_method[of_method["score"] == EXPECTED]
    return {f"expected_{end}": found[end].astype(float).mean() for end in ("low", "high")}


def _status(of_method: pd.DataFrame, runs: pd.DataFrame, score: str, measured: bool) -> tuple[str, str]:
    """Return (status, note): status is ok, undefined, no truth, not measured or not run.

    ``measured`` says whether the query's truth is there, as the oracle's numbers show.
    """
    if of_method.empty:
        return "not run", NOT_ON_TASK
    if (of_method["score"] == "").all():
        return "not run", "; ".join(of_method["note"].unique()).removeprefix("not run: ")
    if runs.empty and measured:
        return "not measured", FID_OFF if score in INCEPTION_SCORES else NOT_MEASURED
    if runs.empty:
        return "no truth", NO_TRUTH
    note = "; ".join(note for note in runs["note"].unique() if note)
    return ("ok" if runs["value"].notna().any() else "undefined"), note


def _published(
    spec: TableSpec, task: str, query: str, method: str, column: ColumnSpec, papers: pd.DataFrame
) -> tuple[float, float]:
    """Return the paper's value for a query and its sd, NaN where it has none."""
    wanted = {"paper": spec.paper, "table": spec.paper_table(task), "row": method, "column": column.in_paper}
    same = [papers[key] == value for key, value in wanted.items()]
    found = papers[np.logical_and.reduce([*same, belongs_to(papers, query)])]
    if not column.paper_column or found.empty:
        return np.nan, np.nan
    return float(found["value"].iloc[0]), float(found["sd"].iloc[0])


def _with_ranks(spec: TableSpec, rows: list[dict]) -> list[dict]:
    """Add the rank (1 is best) of each method, controls included, by the score `rank_by`; the oracle has none."""
    ranked = [row for row in rows if row["score"] == spec.rank_by and row["method"] != ORACLE.name]
    better = next((column.better for column in spec.columns if column.score == spec.rank_by), None)
    keys = {row["method"]: DISTANCE_TO_BEST[better](row["mean"]) for row in ranked if np.isfinite(row["mean"])}
    ranks = {method: 1 + sum(other < key for other in keys.values()) for method, key in keys.items()}
    return [row | {"rank": ranks.get(row["method"], np.nan)} for row in rows]
