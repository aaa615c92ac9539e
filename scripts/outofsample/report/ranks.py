"""Ranks of the methods over the tasks of a study: one rule, for the report's first page and for the summary figure."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from outofsample.metrics.directions import distance_to_best

#: The rule as readers see it, after 'mean rank: '.
RULE = (
    "in each query all methods with a score, controls included, are ranked by it; a task's rank is the mean over its "
    "queries, the mean rank that over the tasks"
)


@dataclass(frozen=True)
class Ranks:
    """Scores and ranks of the methods; frames have the methods as rows, the best mean rank first.

    Attributes
    ----------
    values
        Frame (methods, (task, query)) of scores, means over seeds; queries of which no method has a number are left
        out, and so are methods without any number.
    oracle
        Mean over the oracle's halves by (task, query), NaN where there are none.
    of_queries
        Frame (methods, (task, query)): 1 is the best; equal scores share a rank; NaN where there is no number.
    of_tasks
        Frame (methods, tasks): mean over the task's queries; NaN where one of them has none, since a mean over fewer
        queries would be about other data.
    mean
        Series (methods,): mean over the tasks in which the method has a rank; NaN where there is none.
    """

    values: pd.DataFrame
    oracle: pd.Series
    of_queries: pd.DataFrame
    of_tasks: pd.DataFrame
    mean: pd.Series


def rank_methods(scores: pd.DataFrame, score_of: Mapping[str, str]) -> Ranks:
    """Rank the methods of `outofsample.files.scores.read_scores` by one score of each task (`RULE`).

    ``score_of`` names the score by task; other tasks are left out. Without any number the frames have no columns.

    Raises
    ------
    UserError
        If it is not known which values of a score are good ones.
    """
    chosen = scores[scores["score"] == scores["task"].map(score_of)].dropna(subset="value")
    values = chosen.pivot_table("value", "method", ["task", "query"], "mean", sort=False)
    oracle = values.loc["oracle"] if "oracle" in values.index else pd.Series(float("nan"), values.columns)
    values = values.drop("oracle", errors="ignore").dropna(axis=1, how="all")
    # Rounded, so that sums in another order make no ranks.
    keys = {column: distance_to_best(score_of[column[0]], values[column]).round(9) for column in values}
    of_queries = pd.DataFrame({column: key.rank(method="min") for column, key in keys.items()}, values.index)
    tasks = dict.fromkeys(task for task, _ in keys)
    of_tasks = pd.DataFrame({task: of_queries[task].mean(axis=1, skipna=False) for task in tasks}, values.index)
    mean = of_tasks.mean(axis=1).round(9).sort_values(kind="stable")
    values, of_queries, of_tasks = (frame.loc[mean.index] for frame in (values, of_queries, of_tasks))
    return Ranks(values, oracle.reindex(values.columns), of_queries, of_tasks, mean)
