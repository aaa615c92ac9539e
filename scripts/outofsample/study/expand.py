"""What stands for several in a study, written out: a task per left-out domain, a model and a method per grid point."""

import contextlib
import itertools
import re
from typing import Any

from outofsample import registry
from outofsample.errors import UserError
from outofsample.study.config import Column, Entry, MethodEntry, QueryConfig, Study, Table, Task, Tuning, in_name
from outofsample.study.settings import read_settings
from outofsample.texts import as_label


def expand_leave_one_out(study: Study) -> Study:
    """Replace each task that leaves one domain out by one task per domain, everywhere it is named.

    ``haber`` with the domains ``Tuft`` and ``Stem`` becomes ``haber.Tuft`` and ``haber.Stem``; where a study runs
    ``haber``, or a table or a figure shows its scores, it means all of them.
    """
    tasks: dict[str, Task] = {}
    parts: dict[str, list[str]] = {}
    for name, task in study.tasks.items():
        single = ({} if task.leave_one_out is None else _leave_each_out(study, name, task)) or {name: task}
        tasks |= single
        parts[name] = list(single)

    def spread(names: list[str]) -> list[str]:
        return [part for name in names for part in parts.get(name, [name])]

    skip: dict[str, list[str]] = {}
    for name, skipped in study.run.skip.items():
        for part in spread([name]):
            skip[part] = [*skip.get(part, []), *skipped]
    run = study.run.model_copy(update={"tasks": spread(study.selected("tasks")), "skip": skip})
    tables = {n: table.model_copy(update={"tasks": spread(table.tasks)}) for n, table in study.tables.items()}
    figures = {n: figure.model_copy(update={"scores": spread(figure.scores)}) for n, figure in study.figures.items()}
    methods = {
        n: method if method.tasks is None else method.model_copy(update={"tasks": spread(method.tasks)})
        for n, method in study.methods.items()
    }
    tuning = study.tuning and study.tuning.model_copy(update={"reported": spread(study.tuning.reported)})
    update = {"tasks": tasks, "run": run, "methods": methods, "tables": tables, "figures": figures, "tuning": tuning}
    return study.model_copy(update=update)


def _leave_each_out(study: Study, name: str, task: Task) -> dict[str, Task]:
    """Return the tasks, by name, that a task with ``leave_one_out`` stands for."""
    left_out = {}
    for domain in task.domains or _domains_of(study, task.dataset):
        queries = [QueryConfig(domain=domain, source=task.source, target=target) for target in task.targets]
        update = {"queries": queries, "leave_one_out": None, "domains": [], "source": None, "targets": []}
        update["label"] = f"{task.label or name}, {domain}"
        left_out[f"{name}.{in_name(domain)}"] = task.model_copy(update=update)
    return left_out


def _domains_of(study: Study, dataset: str) -> tuple[str, ...]:
    """Return the domains that a dataset knows; of the default settings where its own are wrong, which is told apart."""
    entry = study.datasets.get(dataset)
    for settings in () if entry is None else (entry.settings, {}):
        with contextlib.suppress(UserError, TypeError, ValueError):
            return registry.create("datasets", entry.uses or dataset, settings).domains
    return ()


def grid_points(study: Study, model: str) -> dict[str, dict[str, Any]]:
    """Return the settings of each grid point of a tuned model by the point's name, as ``trvae__alpha_0.001__beta_1``.

    The settings are as the model takes them: ``1e-5``, which YAML reads as text, is a number.
    """
    entry, grid = study.models.get(model, Entry()), study.tuning.grids[model]
    points = {}
    for values in itertools.product(*grid.values()):
        settings = registry.find("models", entry.uses or model).Settings
        read = read_settings(settings, {**entry.settings, **dict(zip(grid, values, strict=True))})
        point = {key: getattr(read, key) for key in grid}
        words = [model, *(f"{key}_{_value_text(value)}" for key, value in point.items())]
        points[re.sub("[^A-Za-z0-9_.-]+", "_", "__".join(words))] = point
    return points


def _value_text(value: Any) -> str:
    """Return the value of a setting in a name."""
    if isinstance(value, tuple):
        return "-".join(map(_value_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def expand_tuning(study: Study, tuning: Tuning) -> Study:
    """Make each grid point a model and a method of the study, in place of the method that stands on the tuned model.

    The truth of the reported tasks is held out of the task, and a table ``tuning`` shows all grid points.
    """
    task, run = study.tasks[tuning.task], []
    models, methods, own_settings = dict(study.models), dict(study.methods), dict(task.models)
    for name in study.task_methods(tuning.task):
        model = study.method_spec(name)["model"]
        if model not in tuning.grids:
            run.append(name)
            continue
        entry, method = study.models.get(model, Entry()), study.methods[name]
        for point, settings in grid_points(study, model).items():
            models[point] = Entry(uses=entry.uses or model, **{**entry.settings, **settings})
            own_settings[point] = task.models.get(model, {})
            words = [
                method.label or as_label(name),
                *(f"{as_label(k)} {_value_text(v)}" for k, v in settings.items()),
            ]
            update = {"uses": method.uses or name, "label": ", ".join(words), "control": method.control}
            run.append(name + point.removeprefix(model))
            methods[run[-1]] = MethodEntry(**update, **{**method.settings, "model": point})
    held_out = dict.fromkeys([*task.held_out, *_reported_truth(study, tuning)])
    task = task.model_copy(update={"models": own_settings, "held_out": list(held_out), "methods": None})
    update = {
        "tasks": {**study.tasks, tuning.task: task},
        "models": models,
        "methods": methods,
        "tables": {**study.tables, "tuning": _tuning_table(study, tuning)},
        "run": study.run.model_copy(update={"methods": run}),
    }
    return study.model_copy(update=update)


def _tuning_table(study: Study, tuning: Tuning) -> Table:
    """Return the table of all grid points."""
    score = as_label(tuning.choose_by)
    reported = ", ".join(tuning.reported)
    notes = [
        f"The settings are chosen by the mean {score} over queries and seeds of {tuning.task}. The truth of {reported} "
        "takes no part: it is neither trained on nor compared with.",
    ]
    title = f"Settings tried on {tuning.task}"
    column = Column(score=tuning.choose_by, label=score)
    return Table(title=title, tasks=[tuning.task], columns=[column], rank_by=tuning.choose_by, notes=notes)


def _reported_truth(study: Study, tuning: Tuning) -> list[tuple[str, str]]:
    """Return the (domain, condition) pairs that are the truth of a reported task on the same data."""
    reported = [name for name in tuning.reported if study.task_reader(name) == study.task_reader(tuning.task)]
    return [(query.domain, query.target) for name in reported for query in study.tasks[name].queries]
