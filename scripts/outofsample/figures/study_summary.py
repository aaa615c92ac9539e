"""All scores of a study on one scale, from no change to the oracle, so that its tasks can be compared."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from outofsample.errors import UserError, did_you_mean
from outofsample.files.missing import REASON
from outofsample.files.scores import read_scores
from outofsample.metrics.directions import distance_to_best
from outofsample.report.ranks import Ranks, rank_methods
from outofsample.report.tables import NOT_ON_TASK
from outofsample.texts import as_label


@dataclass(frozen=True)
class StudySummary:
    """Scores of a study, made comparable over its tasks.

    Attributes
    ----------
    figure
        The notebook's parameter: title, labels, controls, scores_of ...
    score_of
        The score of each task, in the order of the columns.
    shares
        Frame (methods, tasks): (d(no_change) - d) / (d(no_change) - d(oracle)), where d is the distance of a score to
        its best value, the mean over the task's queries that have this scale. It is 0 for no change, 1 for the oracle,
        negative for what is worse than no change. The methods are in the order of their mean ranks.
    values
        Frame (methods, tasks): the score itself, the mean over seeds and the same queries.
    ranks, mean_ranks
        Frame (methods, tasks) and series (methods,) of `outofsample.report.ranks`: also of queries without
        that scale, and of tasks that for want of it have no column in ``shares``.
    why
        The reason where a method has no number, by (method, task).
    left_out
        The reason why a task, or one of its queries, has no share, by its name.
    few_cells
        Names of the tasks or queries whose oracle has few cells.
    """

    figure: dict
    score_of: dict[str, str]
    shares: pd.DataFrame
    values: pd.DataFrame
    ranks: pd.DataFrame
    mean_ranks: pd.Series
    why: dict[tuple[str, str], str]
    left_out: dict[str, str]
    few_cells: list[str]

    @property
    def methods(self) -> list[str]:
        """Names of the methods, the best mean rank first."""
        return list(self.shares.index)

    def is_control(self, method: str) -> bool:
        """Whether a method is one of the controls."""
        return method in self.figure.get("controls", [])

    def method_label(self, method: str) -> str:
        """Return how figures call a method."""
        return self.figure["labels"].get(method, as_label(method))

    def task_label(self, task: str) -> str:
        """Return how figures call a task."""
        return self.figure.get("scores_of", {}).get(task, {}).get("label", as_label(task))

    def is_stand_in(self, task: str) -> bool:
        """Whether a task's data are a simulated stand-in."""
        return bool(self.figure.get("scores_of", {}).get(task, {}).get("stand_in", False))


def summarise_study(
    figure: dict, paths: list[str], score: str = "energy_distance", score_by_task: dict[str, str] | None = None
) -> StudySummary:
    """Read the scores of all tasks and make them comparable; ``score_by_task`` names other scores for some tasks.

    Raises
    ------
    UserError
        If there are no scores, a task or score is unknown, it is not known which values of a score are good ones, or no
        task can be shown.
    """
    if not paths:
        raise UserError(f"{figure['name']}: no scores were given; name tasks under `scores:` of the figure.")
    table = read_scores([Path(path) for path in paths])
    without = [task for task, rows in table.groupby("task", sort=False) if (rows["note"] == REASON).all()]
    table = table[~table["task"].isin(without)]
    tasks = list(table["task"].unique())
    asked = {task: wanted for task, wanted in (score_by_task or {}).items() if task not in without}
    score_of = dict.fromkeys(tasks, score) | asked
    for task, wanted in score_of.items():
        if task not in tasks:
            raise UserError(
                f"{figure['name']}: score_by_task: no scores of a task '{task}'{did_you_mean(task, tasks)}."
            )
        known = sorted(set(table.loc[table["task"] == task, "score"]) - {""})
        if wanted not in known:
            raise UserError(
                f"{figure['name']}: task '{task}' has no score '{wanted}'{did_you_mean(wanted, known)}; it has "
                f"{', '.join(known)}."
            )
    columns, left_out, few_cells = {}, dict.fromkeys(without, REASON), []
    for task in tasks:
        of_task = table[table["task"] == task]
        for query, rows in of_task.groupby("query", sort=False):
            name = task if of_task["query"].nunique() == 1 else f"{task}: {query}"
            found = _query_scores(rows, score_of[task])
            if found.reason:
                left_out[name] = found.reason
                continue
            columns.setdefault(task, {})[query] = found
            if rows.loc[rows["method"] == "oracle", "note"].str.contains("fewer than").any():
                few_cells.append(name)
    if not columns:
        raise UserError(f"{figure['name']}: no task can be shown: {'; '.join(map(': '.join, left_out.items()))}.")
    ranks = rank_methods(table, score_of)
    score_of = {task: score_of[task] for task in columns}
    return StudySummary(figure, score_of, *_joined(table, columns, ranks), left_out, few_cells)


@dataclass(frozen=True)
class QueryScores:
    """Scores of one query by method: values and shares, or the ``reason`` why there is no scale."""

    values: pd.Series
    shares: pd.Series
    reason: str = ""


def _query_scores(rows: pd.DataFrame, score: str) -> QueryScores:
    """Put the scores of one query on the scale from no change (0) to the oracle (1)."""
    rows = rows[rows["score"] == score]
    means = rows.groupby("method", sort=False)["value"].mean()
    halves = rows.loc[rows["method"] == "oracle", "value"].dropna()
    values = means.drop("oracle", errors="ignore")
    none = pd.Series(dtype=float)
    if halves.empty:
        return QueryScores(values, none, "no truth was measured")
    if not np.isfinite(values.get("no_change", np.nan)):
        return QueryScores(values, none, "the method no_change, which is the zero of the scale, was not scored")
    distances, of_halves = distance_to_best(score, values), distance_to_best(score, halves)
    unchanged, oracle = distances["no_change"], of_halves.mean()
    nearest, farthest = np.percentile(of_halves, [2.5, 97.5])
    if unchanged < nearest:
        return QueryScores(values, none, "no change is nearer to the truth than the oracle is")
    # A few far halves can put the mean beyond nearly all of them; the scale must not turn around there either.
    if unchanged <= max(farthest, oracle):
        return QueryScores(values, none, "no change is as near to the truth as the oracle is")
    return QueryScores(values, (unchanged - distances) / (unchanged - oracle))


def _joined(table: pd.DataFrame, columns: dict[str, dict[str, QueryScores]], ranks: Ranks):
    """Join queries and tasks; return `StudySummary`'s shares, values, ranks, mean ranks and why, methods as ranked."""
    # Those without any number come last.
    methods = [method for method in dict.fromkeys([*ranks.mean.index, *table["method"]]) if method != "oracle"]
    shares, values = (
        pd.DataFrame({task: _mean_of_queries(queries, part, methods) for task, queries in columns.items()})
        for part in ("shares", "values")
    )
    why = {
        (method, task): _reason(table[(table["method"] == method) & (table["task"] == task)])
        for method in methods
        for task in columns
        if np.isnan(shares.loc[method, task])
    }
    return shares, values, ranks.of_tasks.reindex(methods), ranks.mean.reindex(methods), why


def _mean_of_queries(queries: dict[str, QueryScores], part: str, methods: list[str]) -> pd.Series:
    """Return the mean (methods,) over queries; a method without a number for one of them has none."""
    return pd.DataFrame({name: getattr(found, part).reindex(methods) for name, found in queries.items()}).mean(
        axis=1, skipna=False
    )


def _reason(rows: pd.DataFrame) -> str:
    """Return why a method has no number for a task."""
    if rows.empty:
        return NOT_ON_TASK
    notes = [note.removeprefix("not run: ") for note in rows["note"].unique() if note]
    return notes[0] if notes else "no number for one of the queries"


def describe(summary: StudySummary) -> str:
    """Return a line per task: its score, the ends of the scale and the method nearest to the truth."""
    lines = []
    for task, score in summary.score_of.items():
        best = summary.shares[task].idxmax()
        lines.append(
            f"{summary.task_label(task)}: {score} of no change {summary.values.loc['no_change', task]:.3g}; nearest to "
            f"the oracle: {summary.method_label(best)}, {summary.values.loc[best, task]:.3g} "
            f"(removes {summary.shares.loc[best, task]:.0%} of what the oracle would)"
        )
    lines += [f"no share: {name} ({reason})" for name, reason in summary.left_out.items()]
    return "\n".join(lines)
