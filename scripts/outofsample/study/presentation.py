"""What the tables, figures and pages of a study show, with labels and directions filled in; plain Python, as `plan`."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from outofsample.errors import UserError
from outofsample.files.cohort import ONLY_ITS_FIT
from outofsample.files.shares import scored_cells
from outofsample.jobs.base import as_plain
from outofsample.jobs.claims import ClaimsSpec
from outofsample.jobs.figure import FigureSpec, ShownTask
from outofsample.jobs.own import ChangesSpec, WriteBackSpec
from outofsample.jobs.page import OwnChoice, PageSpec, ShownFigure
from outofsample.jobs.table import ColumnSpec, MethodRow, TableSpec
from outofsample.jobs.tune import TuningSpec
from outofsample.metrics.directions import DIRECTIONS
from outofsample.own import progress
from outofsample.study.config import Column
from outofsample.study.expand import grid_points
from outofsample.study.missing_data import tasks_without_data
from outofsample.study.plan import Plan
from outofsample.texts import as_label


class Presentation:
    """All that a study shows of what its `Plan` runs.

    Parameters
    ----------
    plan
        What the study runs.
    options
        The options of Snakemake that name the study (`snakemake_options`).

    Raises
    ------
    UserError
        If a table of the study cannot be made (`table_spec`).
    """

    def __init__(self, plan: Plan, options: Iterable[str] = ()):
        self.plan, self.study, self.paths = plan, plan.study, plan.paths
        self.options = tuple(options)
        # Before any job starts: a table that cannot be made is told.
        for name in self.study.selected("tables"):
            self.table_spec(name)

    def aliases(self) -> dict[str, str]:
        """Return the file that stands for each table and each figure on the command line, by its name."""
        figures = {name: self.paths.figure(name, "pdf") for name in self.study.selected("figures")}
        return figures | {name: self.paths.table(name, "csv") for name in self.study.selected("tables")}

    # ---- labels

    def label(self, method: str) -> str:
        """Return how tables and figures call a method."""
        return self.study.methods[method].label or as_label(method)

    def task_label(self, task: str) -> str:
        """Return how tables and figures call a task."""
        return self.study.tasks[task].label or as_label(task)

    def _row(self, method: str) -> MethodRow:
        entry, settings = self.study.method_class(method), self.study.method_spec(method)["settings"]
        unbounded = entry.is_unbounded(entry.Settings(**settings))
        return MethodRow(method, self.label(method), self.study.methods[method].control, unbounded)

    def _task(self, task: str) -> ShownTask:
        methods = tuple(self.study.task_methods(task))
        everything = list(methods) == self.study.selected("methods")
        return ShownTask(self.task_label(task), self.plan.is_stand_in(task), None if everything else methods)

    # ---- tables

    def table_spec(self, name: str) -> TableSpec:
        """Return what a table shows.

        Raises
        ------
        UserError
            If a direction is not that of its score, or ``rank_by`` is no column with a direction.
        """
        table, where = self.study.tables[name], f"tables.{name}"
        columns = tuple(_column(column, where) for column in table.columns)
        if table.rank_by is not None and not any(c.score == table.rank_by and c.better for c in columns):
            raise UserError(f"{where}.rank_by: '{table.rank_by}' is not a column that says which values are better.")
        shown = {method for task in table.tasks for method in self.study.task_methods(task)}
        return TableSpec(
            name=name,
            title=table.title + (", demo size" if self.study.demo_size else ""),
            columns=columns,
            methods=tuple(self._row(method) for method in self.plan.methods if method in shown),
            tasks=tuple(table.tasks),
            task_labels={task: self.task_label(task) for task in table.tasks},
            paper=table.paper,
            table=table.table,
            paper_tasks=tuple(task for task in table.paper_tasks if self._on_papers_data(task)),
            stand_in={task: self.plan.is_stand_in(task) for task in table.tasks},
            rank_by=table.rank_by,
            notes=(*table.notes, *self._cohort_notes(table.tasks)),
        )

    def _cohort_notes(self, tasks: Iterable[str]) -> list[str]:
        """Return a sentence for each task whose scores may rest on drawn cells, and which methods write no files."""
        notes = []
        for task in (task for task in tasks if task in self.plan.cohorts):
            most = self.plan.dataset_of(task).settings.fit_cells
            features = self.study.tasks[task].variable_features
            scored = most if features is None else scored_cells(most, features)
            rest = f" and scored on at most {scored:,}" if scored < most else ""
            silent = [self.label(m) for m in self.plan.runs(task) if not self.plan.cohorts.writes(task, m)]
            said = f" No files come back from {', '.join(silent)}: {ONLY_ITS_FIT}." if silent else ""
            notes.append(
                f"{self.task_label(task)}: {'fitted' if rest else 'fitted and scored'} on at most {most:,}{rest} cells "
                f"of each population, drawn over its files.{said}"
            )
        return notes

    def _on_papers_data(self, task: str) -> bool:
        return not self.plan.is_stand_in(task) and self.plan.dataset_of(task).papers_data

    def table_scores(self, name: str) -> list[str]:
        """Return the scores that a table rests on."""
        return [self.paths.scores(task) for task in self.study.tables[name].tasks]

    def tuning_files(self) -> list[str]:
        """Return the files with the chosen settings; none where the study chooses none."""
        if self.study.tuning is None or self.plan.is_missing(self.study.tuning.task):
            return []
        return [self.paths.tuning(suffix) for suffix in ("csv", "md", "yaml")]

    def tuning_spec(self, extends: str) -> TuningSpec:
        """Return what the choice of settings needs; the chosen ones are put on top of the study ``extends``."""

        def entry(point: str) -> dict[str, Any]:
            return self.study.models[point].model_dump(mode="json", exclude_defaults=True)

        points = {model: grid_points(self.study, model) for model in self.study.tuning.grids}
        by_model = self.plan.by_model
        grids = {model: {by_model[point][0]: entry(point) for point in points[model]} for model in points}
        return TuningSpec(self.table_spec("tuning"), grids, extends)

    def claims_files(self) -> list[str]:
        """Return the file with the verdicts on the papers' claims; none where no table is about a paper."""
        of_papers = [name for name in self.study.selected("tables") if self.study.tables[name].paper]
        return [self.paths.claims] if of_papers else []

    def claims_spec(self) -> ClaimsSpec:
        """Return what judging the papers' claims needs."""
        tasks = {task: self._task(task) for task in self.plan.tasks}
        return ClaimsSpec(tasks, {method: self._row(method) for method in self.plan.methods})

    # ---- figures

    def figure_spec(self, name: str) -> FigureSpec:
        """Return the parameters of a figure's notebook."""
        figure = self.study.figures[name]
        methods = [method for method in self.plan.methods if figure.methods is None or method in figure.methods]
        return FigureSpec(
            name=name,
            title=figure.title,
            task="" if figure.task is None else self.task_label(figure.task),
            stand_in=any(self.plan.is_stand_in(task) for task in figure.shown_tasks),
            demo_size=self.study.demo_size,
            labels={method: self.label(method) for method in methods},
            controls=tuple(method for method in methods if self.study.methods[method].control),
            scores_of={task: replace(self._task(task), methods=None) for task in figure.scores},
            unit="" if figure.task is None else self.plan.dataset_of(figure.task).unit,
            options=as_plain(figure.options),
        )

    def notebook(self, name: str) -> str:
        """Return the notebook of a figure."""
        return f"notebooks/{self.study.figures[name].notebook}.ipynb"

    def figure_cells(self, name: str) -> list[str]:
        """Return training part and truth of the tasks whose cells a figure shows; none where it shows scores alone."""
        figure = self.study.figures[name]
        tasks = filter(None, [figure.task, figure.measured])
        return [path for task in tasks for path in (self.paths.train(task), self.paths.truth(task))]

    def figure_predictions(self, name: str) -> list[str]:
        """Return the predictions that a figure shows."""
        figure = self.study.figures[name]
        if figure.task is None:
            return []
        shown = [m for m in self.plan.runs(figure.task) if figure.methods is None or m in figure.methods]
        return [self.paths.prediction(figure.task, method) for method in shown]

    def figure_histories(self, name: str) -> list[str]:
        """Return the training histories that a figure shows."""
        figure = self.study.figures[name]
        return [path for model in figure.models for path in self.plan.history_files(figure.task, model)]

    def figure_scores(self, name: str) -> list[str]:
        """Return the scores that a figure shows."""
        return [self.paths.scores(task) for task in self.study.figures[name].scores]

    # ---- data of the user's own

    def own_folders(self) -> list[str]:
        """Return the folders with predictions in the format of the user's own files."""
        return [self.paths.own(task, method) for task, method in self._own() if task not in self.plan.cohorts]

    def own_tables(self) -> list[str]:
        """Return the tables of the files of cohorts, which rest on these files."""
        return [path for task, method in self._own() for path in self.files_table(task, method)]

    def files_table(self, task: str, method: str) -> list[str]:
        """Return the table of the files that a method predicted; none where that is no job of its own."""
        return [self.paths.files_table(task, method)] if self.plan.cohorts.writes(task, method) else []

    def own_pages(self) -> list[str]:
        """Return the reports of what changed in the user's own cells."""
        return [self.paths.changes(task, method, "html") for task, method in self._own()]

    def _own(self) -> list[tuple[str, str]]:
        """Return task and method of each prediction for data of the user's own."""
        tasks = filter(self.plan.is_own, self.plan.tasks)
        return [(task, method) for task in tasks for method in self.plan.runs(task)]

    def begin(self) -> str:
        """Return the line that says what a run of cohorts has before it, and begin the file that goes on from there."""
        if not self.plan.cohorts.tasks:
            return ""
        return progress.begin(Path(self.paths.results), self.study.study, *self.plan.cohorts.totals())

    def write_back_spec(self, task: str, method: str) -> WriteBackSpec:
        """Return what writing predictions into the format of the user's files needs."""
        spec, paths = self.plan.dataset_spec(self.study.tasks[task].dataset), self.plan.paths
        # The study may have been a cohort before.
        return WriteBackSpec(spec.settings, spec.files, (paths.files_table(task, method), paths.lists(task, method)))

    def changes_spec(self, task: str, method: str) -> ChangesSpec:
        """Return what the report of a method's changes says of its task."""
        controls = [m for m in self.plan.runs(task) if self.study.methods[m].control and m != method]
        # Before the task was a cohort, a method that predicts only the cells of its fit wrote all files.
        silent = task in self.plan.cohorts and not self.plan.cohorts.writes(task, method)
        return ChangesSpec(
            study=self.study.study,
            task=self.task_label(task),
            method=method,
            label=self.label(method),
            unit=self.plan.dataset_of(task).unit,
            controls={control: self.label(control) for control in controls},
            files=self.plan.cohorts.join_spec(task, method).parts if self.files_table(task, method) else (),
            labels={name: self.label(name) for name in self.plan.runs(task)},
            replaced=(self.paths.own(task, method),) if silent else (),
            **self._own_choice(task),
        )

    def own_predictions(self) -> list[str]:
        """Return the predictions for data of the user's own."""
        return [self.paths.prediction(task, method) for task, method in self._own()]

    def _own_choice(self, task: str) -> dict[str, str]:
        """Return the methods of a task that are taken where nothing is known: the cautious one, and doing nothing."""
        uses = {self.study.method_spec(name)["uses"]: name for name in reversed(self.plan.runs(task))}
        return {"cautious": uses.get("stacked_map", ""), "unchanged": uses.get("no_change", "")}

    # ---- the page

    def page_spec(self) -> PageSpec:
        """Return what the page of the study shows."""
        return PageSpec(
            study=self.study.study,
            description=self.study.description,
            demo_size=self.study.demo_size,
            options=self.options,
            tasks={task: self._task(task) for task in self.plan.tasks},
            methods={method: self._row(method) for method in self.plan.methods},
            tables={name: self.table_spec(name) for name in self.study.selected("tables")},
            figures={name: self._shown_figure(name) for name in self.study.selected("figures")},
            datasets={
                name: tuple(task for task in self.plan.tasks if self.study.tasks[task].dataset == name)
                for name in self.plan.fetched
            },
            own={task: OwnChoice(**self._own_choice(task)) for task in filter(self.plan.is_own, self.plan.tasks)},
        )

    def last_line(self) -> str:
        """Return the line that counts the tasks which could not run, after a run; empty where all could."""
        without = tasks_without_data(self.plan)
        if not without:
            return ""
        return (
            f"{len(without)} of {len(self.plan.tasks)} tasks could not run, since their data could not be had: "
            f"{', '.join(without)}. What is missing, and what adds it: {self.paths.page}."
        )

    def _shown_figure(self, name: str) -> ShownFigure:
        spec = self.figure_spec(name)
        return ShownFigure(spec.title, self.study.figures[name].notebook, spec.task, spec.stand_in)


def _column(column: Column, where: str) -> ColumnSpec:
    """Return a column with the direction of its score; one that was given must be that."""
    better = DIRECTIONS.get(column.score, column.better)
    if column.better not in (better, None):
        raise UserError(f"{where}: '{column.score}': better is {better} for this score, not {column.better}.")
    return ColumnSpec(column.score, column.label, better, column.paper_column)


def snakemake_options(files: Iterable[str | Path], values: Mapping[str, Any] | None, root: str | Path) -> list[str]:
    """Return the options of Snakemake that name a study, relative to ``root``; none for the demo.

    Parameters
    ----------
    files
        The configuration files that Snakemake was given.
    values
        What was given with ``--config``.
    root
        Folder of the Snakefile.
    """
    names = [os.path.relpath(path, root) for path in files]
    options = [] if names == ["config.yaml"] else ["--configfile", *names]
    words = [f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in (values or {}).items()]
    return [*options, *(["--config", *words] if words else [])]
