"""What is wrong with the entries of a study, and between its parts."""

import itertools
import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from outofsample import registry
from outofsample.errors import UserError, did_you_mean
from outofsample.metrics.directions import DIRECTIONS
from outofsample.own.leftovers import lists_folder
from outofsample.study.config import Entry, Study, Tuning
from outofsample.study.expand import grid_points
from outofsample.study.problems import sentence
from outofsample.study.settings import read_settings


def check_study(study: Study) -> list[str]:
    """Return what is wrong between the parts of a study."""
    problems = _check_selection(study) + _check_tasks(study) + _check_method_names(study)
    known, unknown_parts = study.selected("tasks"), _unknown_parts(study)
    for kind in ("tables", "figures"):
        problems += [
            f"{kind}.{name}: task '{task}' is not run by this study{did_you_mean(task, known)}"
            for name in study.selected(kind)
            if name in getattr(study, kind)
            for task in getattr(study, kind)[name].shown_tasks
            if task not in known and not task.startswith(unknown_parts)
        ]
    return problems or [
        f"run.tasks: '{task}' is left without a method; look at run.methods and run.skip, at 'methods' of the task and "
        "at 'tasks' of the methods"
        for task in known
        if task in study.tasks and not study.task_methods(task)
    ]


def _unknown_parts(study: Study) -> tuple[str, ...]:
    """Return how the names begin of tasks that are not there because nobody knows the domains of their dataset."""
    return tuple(f"{name}." for name, task in study.tasks.items() if task.leave_one_out is not None)


def _check_selection(study: Study) -> list[str]:
    """Return what the study runs, or skips, and nobody defines."""
    unknown_parts, skip = _unknown_parts(study), study.run.skip
    named = [(kind, f"run.{kind}", study.selected(kind)) for kind in ("tasks", "methods", "tables", "figures")]
    named += [("tasks", "run.skip", list(skip)), *(("methods", f"run.skip.{task}", skip[task]) for task in skip)]
    return [
        f"{where}: '{name}' is not defined{did_you_mean(name, getattr(study, kind))}"
        for kind, where, names in named
        for name in names
        if name not in getattr(study, kind) and not (kind == "tasks" and name.startswith(unknown_parts))
    ]


def _check_method_names(study: Study) -> list[str]:
    """Return the methods that are called like the folder with another one's lists of extrapolated cells."""
    return [
        f"methods.{name}: rename it; a folder of this name holds the extrapolated cells of the method '{other}'"
        for other in study.methods
        if (name := lists_folder(Path(), other).name) in study.methods
    ]


def _check_tasks(study: Study) -> list[str]:
    """Return what is wrong with the datasets, methods and models that tasks name, and the tasks that methods name."""
    problems = [
        f"methods.{name}.tasks: there is no task '{task}'{did_you_mean(task, study.tasks)}"
        for name, method in study.methods.items()
        for task in method.tasks or []
        if task not in study.tasks and not task.startswith(_unknown_parts(study))
    ]
    for name, task in study.tasks.items():
        if task.leave_one_out is not None and _is_right(study, task.dataset):
            problems.append(f"tasks.{name}.domains: list them; the dataset '{task.dataset}' does not know its domains")
        if task.dataset not in study.datasets:
            problems.append(
                f"tasks.{name}.dataset: nobody defines the dataset '{task.dataset}'"
                f"{did_you_mean(task.dataset, study.datasets)}"
            )
        problems += [
            f"tasks.{name}.methods: '{method}' is not defined{did_you_mean(method, study.methods)}"
            for method in task.methods or []
            if method not in study.methods
        ]
        for model, settings in task.models.items():
            entry = study.models.get(model, Entry())
            where = f"tasks.{name}.models.{model}"
            problems += _check_entry("models", model, entry.uses or model, {**entry.settings, **settings}, where)
    return problems


def _is_right(study: Study, dataset: str) -> bool:
    """Whether a dataset is defined, and without a problem."""
    entry = study.datasets.get(dataset)
    return entry is not None and not _check_entry("datasets", dataset, entry.uses or dataset, entry.settings)


def check_entries(study: Study) -> list[str]:
    """Check the settings of every dataset, model and method against the file that defines it."""
    problems = []
    for kind in registry.KINDS:
        for name, entry in getattr(study, kind).items():
            problems += _check_entry(kind, name, entry.uses or name, entry.settings)
    for name in study.methods:
        if not _check_entry("methods", name, study.methods[name].uses or name, study.methods[name].settings):
            model = study.method_spec(name)["model"]
            if model and model not in study.models and registry.is_own("models", model):
                stem = re.sub(r"\W+", "_", Path(model.removesuffix(".py")).name)
                problems.append(
                    f"methods.{name}: give the model '{model}' a name: '{stem}: {{uses: {model}}}' under 'models:', "
                    f"and 'model: {stem}' among the settings of '{name}'"
                )
            elif model and model not in study.models and model not in registry.available("models"):
                known = [*study.models, *registry.available("models")]
                problems.append(f"methods.{name}: there is no model '{model}'{did_you_mean(model, known)}")
    return problems


def _check_entry(kind: str, name: str, uses: str, settings: dict[str, Any], where: str | None = None) -> list[str]:
    """Return what is wrong with the settings of one entry; ``where`` names it in the sentences."""
    where = where or f"{kind}.{name}"
    try:
        read_settings(registry.find(kind, uses).Settings, settings)
    except UserError as error:
        return [f"{where}: {error}"]
    except ValidationError as error:
        # What is wrong with several settings together has no place of its own.
        said = [f"{where}.{sentence(problem, Study)}" for problem in error.errors()]
        return [line.replace(f"{where}.: ", f"{where}: ", 1) for line in said]
    return []


def check_tuning_tasks(study: Study) -> list[str]:
    """Return what tuning names as tasks and nobody defines."""
    if study.tuning is None:
        return []
    return [
        f"tuning.{key}: there is no task '{name}'{did_you_mean(name, study.tasks)}"
        for key, names in (("task", [study.tuning.task]), ("reported", study.tuning.reported))
        for name in names
        if name not in study.tasks and not name.startswith(_unknown_parts(study))
    ]


def check_tuning(study: Study, tuning: Tuning) -> list[str]:
    """Return what is wrong with the tuning of a study whose other parts are right."""
    task, score, problems = tuning.task, tuning.choose_by, _check_other_domain(study, tuning)
    if study.selected("tasks") != [task]:
        problems.append(
            f"run.tasks: a tuning study runs the task that it chooses on alone, here '{task}'; run others in a study "
            "that extends its chosen.yaml"
        )
    if study.tasks[task].feature_selection == "paper":
        problems.append(
            f"tuning.task: '{task}' has feature_selection 'paper', which looks at all held-out cells, also at the "
            "truth that is reported; choose on a task with 'strict'"
        )
    if score not in DIRECTIONS:
        problems.append(f"tuning.choose_by: there is no score '{score}'{did_you_mean(score, DIRECTIONS)}")
    if "tuning" in study.tables:
        problems.append("tables.tuning: the table of all grid points has this name; give yours another one")
    return problems + [line for model in tuning.grids for line in _check_grid(study, tuning, model)]


def _check_other_domain(study: Study, tuning: Tuning) -> list[str]:
    """Return a problem for each reported task whose truth the settings would be chosen by."""
    task = study.tasks[tuning.task]
    return [
        f"tuning.task: '{tuning.task}' and the reported '{name}' both hold out '{domain}', so the settings would be "
        "chosen by the truth that is reported; choose on a task that holds out another domain"
        for name in tuning.reported
        if study.task_reader(name) == study.task_reader(tuning.task)
        for domain in dict.fromkeys(
            own.domain
            for own, other in itertools.product(task.queries, study.tasks[name].queries)
            # Other datasets that the same file reads can share cells, but have conditions of their own.
            if own.domain == other.domain and (task.dataset == study.tasks[name].dataset or own.target == other.target)
        )
    ]


def _check_grid(study: Study, tuning: Tuning, model: str) -> list[str]:
    """Return what is wrong with the grid of a model."""
    where, grid = f"tuning.grids.{model}", tuning.grids[model]
    models = {name: study.method_spec(name)["model"] for name in study.task_methods(tuning.task)}
    judges = [name for name in models if models[name] == model]
    if not judges:
        nearest = did_you_mean(model, filter(None, models.values()))
        return [f"{where}: no method that this study runs stands on the model '{model}'{nearest}"]
    entry = study.models.get(model, Entry())
    uses, settings = entry.uses or model, {**entry.settings, **study.tasks[tuning.task].models.get(model, {})}
    points = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    problems = []
    if len(judges) > 1:
        problems.append(f"{where}: {', '.join(judges)} stand on it; name under run.methods the one that is to decide")
    problems += [line for point in points for line in _check_entry("models", model, uses, {**settings, **point}, where)]
    problems += [
        f"tasks.{task}.models.{model}: '{key}' is set here and in tuning.grids, so a chosen value would not count; "
        "remove it here"
        for task in (tuning.task, *tuning.reported)
        for key in grid
        if key in study.tasks[task].models.get(model, {})
    ]
    if not problems and len(grid_points(study, model)) < len(points):
        problems.append(f"{where}: a value is listed twice")
    # Grid points share settings, and so their problems.
    return list(dict.fromkeys(problems))
