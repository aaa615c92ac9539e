"""What the page says of missing methods: which did not run and why, and where no truth was measured."""

import pandas as pd

from outofsample.jobs.page import PageSpec
from outofsample.jobs.table import ORACLE


def not_run(study: PageSpec, scores: pd.DataFrame) -> list[dict]:
    """Return the methods that did not run: label, reason, labels of the tasks, and how many these are."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for method in study.methods:
        for task, shown in study.tasks.items():
            rows = scores[(scores["method"] == method) & (scores["task"] == task)]
            if shown.methods is not None and method not in shown.methods:
                reason = "this task does not ask for it"
            elif rows.empty:
                reason = "no scores of it were written"
            elif (rows["score"] == "").any():
                reason = "; ".join(rows.loc[rows["score"] == "", "note"].unique()).removeprefix("not run: ")
            else:
                continue
            reasons.setdefault((method, reason), []).append(study.task_label(task))
    return [
        {"label": study.method_label(method), "reason": reason, "tasks": labels, "count": len(labels)}
        for (method, reason), labels in reasons.items()
    ]


def no_truth(study: PageSpec, scores: pd.DataFrame) -> list[str]:
    """Return the queries whose truth nobody measured: no oracle has a number there."""
    named = []
    for (task, query), rows in scores.groupby(["task", "query"], sort=False):
        if rows.loc[rows["method"] == ORACLE.name, "value"].isna().all():
            named.append(f"{study.task_label(task)}: {query}")
    return named
