"""What the page says of what is missing: methods that did not run, truths, and what no study makes of the papers."""

import pandas as pd

from outofsample.jobs.page import PageSpec
from outofsample.jobs.table import ORACLE

#: What of the papers no study makes, with the reason; docs/left_out.md has the same list.
LEFT_OUT = (
    ("Neuron Editing 2018, 2019 and 2020, Figure 1", "a schematic: it shows no data"),
    ("trVAE, Figure 1", "a schematic: it shows no data"),
    ("Neuron Editing 2018, all figures", "the preprint of the 2019 paper; they are made under its numbers"),
    ("Neuron Editing 2020, Figure 3: a moustache taken off photographs", "CelebA labels next to no woman with one"),
    ("trVAE, a grid search over settings", "neither the grid nor the cells that judged it are published"),
)


def not_run(study: PageSpec, scores: pd.DataFrame) -> list[dict]:
    """Return the methods that did not run: label, reason, labels of the tasks, and how many these are.

    Of tasks that ask for few methods the others are not listed (`few_methods`).
    """
    reasons: dict[tuple[str, str], list[str]] = {}
    for method in study.methods:
        for task, shown in study.tasks.items():
            rows = scores[(scores["method"] == method) & (scores["task"] == task)]
            asked = shown.methods is None or method in shown.methods
            if not asked and task not in study.compared:
                continue
            if not asked:
                reason = "this task does not ask for it"
            elif rows.empty:
                reason = "no scores of it were written"
            elif (rows["score"] == "").any():
                reason = "; ".join(rows.loc[rows["score"] == "", "note"].unique()).removeprefix("not run: ")
            else:
                continue
            reasons.setdefault((method, reason), []).append(shown.label)
    return [
        {"label": study.method_label(method), "reason": reason, "tasks": labels, "count": len(labels)}
        for (method, reason), labels in reasons.items()
    ]


def pairs(study: PageSpec) -> int:
    """Return how many pairs of method and task there are, those aside that `not_run` does not list."""
    asked = {task: study.methods if task in study.compared else shown.methods for task, shown in study.tasks.items()}
    return sum(map(len, asked.values()))


def few_methods(study: PageSpec) -> list[dict]:
    """Return the tasks that ask for fewer than half of the methods: labels of the methods, labels of the tasks."""
    asked: dict[tuple[str, ...], list[str]] = {}
    for task, shown in study.tasks.items():
        if task not in study.compared:
            asked.setdefault(tuple(map(study.method_label, shown.methods)), []).append(shown.label)
    return [{"methods": methods, "tasks": labels} for methods, labels in asked.items()]


def no_truth(study: PageSpec, scores: pd.DataFrame) -> list[str]:
    """Return the queries whose truth nobody measured: no oracle has a number there."""
    named = []
    for (task, query), rows in scores.groupby(["task", "query"], sort=False):
        if rows.loc[rows["method"] == ORACLE.name, "value"].isna().all():
            named.append(f"{study.task_label(task)}: {query}")
    return named
