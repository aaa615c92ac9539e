"""What the page says of data of the user's own: which method to take, before everything else."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from outofsample.files.prediction import PredictionFile
from outofsample.jobs.page import PageSpec
from outofsample.report.recommendation import Recommendation, held_out_of, recommend, unmoved_of


def recommendations(study: PageSpec, predictions: Iterable[Path], scores: pd.DataFrame) -> list[dict]:
    """Return the recommendations for the tasks on the user's own data, queries with the same one together.

    Parameters
    ----------
    study
        Its tasks on own data and labels.
    predictions
        The prediction files of these tasks.
    scores
        Of all tasks: they name the queries.
    """
    of_task: dict[str, list[Path]] = {task: [] for task in study.own}
    for path in predictions:
        of_task[path.parent.name].append(path)
    labels = {method: study.method_label(method) for method in study.methods}
    found = []
    for task, choice in study.own.items():
        files = [PredictionFile(path) for path in of_task[task]]
        queries = scores.loc[scores["task"] == task, "query"].unique()
        by_choice: dict[Recommendation, list[str]] = {}
        for query in queries:
            told = held_out_of(files, query), labels, choice.cautious, choice.unchanged, unmoved_of(files, query)
            made = recommend(*told)
            by_choice.setdefault(made, []).append(query)
        found += [
            {"task": study.task_label(task), "queries": named if len(by_choice) > 1 else [], "choice": made}
            for made, named in by_choice.items()
        ]
    return found
