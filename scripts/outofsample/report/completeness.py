"""What the page says of what is missing.

Data that could not be had, with the command that adds them; methods that did not run, and why; queries of which no
truth was measured; and what no study makes of the papers.
"""

import shlex
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from outofsample.files.missing import REASON, MissingFile, read_note
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
_SHORT = "left out at demo size, to keep it short; studies/paper.yaml has it"
#: What a study of demo size leaves out besides, by the figure that shows it elsewhere; docs/left_out.md has it too.
LEFT_OUT_OF_THE_DEMO = {
    "ne2020_fig3_glasses_off": ("Neuron Editing 2020, Figure 3: glasses taken off", _SHORT),
    "ne2020_fig3_moustache": ("Neuron Editing 2020, Figure 3: a moustache put on", _SHORT),
    "ne2020_fig3_moustache_off": ("Neuron Editing 2020, Figure 3: a moustache taken off drawn faces", _SHORT),
    "trvae_fig4": ("trVAE, Figure 4: a smile", "no stand-in smiles; studies/paper.yaml has it of photographs"),
}


def left_out(study: PageSpec) -> list[tuple[str, str]]:
    """Return what a study on the papers leaves out of them, with the reason; of a study on other data nothing."""
    if not any(spec.paper for spec in study.tables.values()):
        return []
    elsewhere = [entry for figure, entry in LEFT_OUT_OF_THE_DEMO.items() if figure not in study.figures]
    return [*LEFT_OUT, *(elsewhere if study.demo_size else [])]


def missing(study: PageSpec, datasets: list[Path]) -> list[dict]:
    """Return what could not be had of each dataset: name, labels of its tasks, hint, and of each file what adds it."""
    return [
        {
            "dataset": note.dataset,
            "tasks": [study.task_label(task) for task in study.datasets[note.dataset]],
            "hint": note.hint,
            "files": [{"reason": file.reason, "command": _adds(file)} for file in note.files],
        }
        for path in datasets
        if (note := read_note(path))
    ]


def _adds(file: MissingFile) -> str:
    """Return the command that puts a missing file where it belongs."""
    if file.url:
        return shlex.join(["curl", "--fail", "--location", "--create-dirs", "--output", file.local, file.url])
    return shlex.join(["install", "-D", f"/where/it/is/{Path(file.name).name}", file.local])


def tasks_with_data(study: PageSpec, scores: pd.DataFrame) -> list[str]:
    """Return the tasks of the study whose data could be had."""
    without = {task for task, rows in scores.groupby("task", sort=False) if (rows["note"] == REASON).all()}
    return [task for task in study.tasks if task not in without]


def not_run(study: PageSpec, scores: pd.DataFrame) -> list[dict]:
    """Return the methods that did not run: label, reason, labels of the tasks, and how many these are.

    Of tasks that ask for few methods the others are not listed (`few_methods`), nor are tasks whose data could not be
    had: `missing` names them.
    """
    with_data = tasks_with_data(study, scores)
    reasons: dict[tuple[str, str], list[str]] = {}
    written = dict(iter(scores.groupby(["method", "task"], sort=False)))
    for method in study.methods:
        for task in with_data:
            shown, rows = study.tasks[task], written.get((method, task))
            asked = shown.methods is None or method in shown.methods
            if not asked and task not in study.compared:
                continue
            if not asked:
                reason = "this study does not run it there"
            elif rows is None:
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


def pairs(study: PageSpec, tasks: Iterable[str]) -> int:
    """Return how many pairs of a method and one of these tasks there are, those aside that `not_run` does not list."""
    return sum(len(study.methods if task in study.compared else study.tasks[task].methods) for task in tasks)


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
    measured = scores[scores["task"].isin(tasks_with_data(study, scores))]
    for (task, query), rows in measured.groupby(["task", "query"], sort=False):
        if rows.loc[rows["method"] == ORACLE.name, "value"].isna().all():
            named.append(f"{study.task_label(task)}: {query}")
    return named
