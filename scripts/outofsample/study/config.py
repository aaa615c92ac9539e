"""The configuration of a study: pydantic models with every key, its type, default and meaning.

`outofsample.study.load` reads a study, `outofsample.study.checks` finds what is wrong between its parts. Settings of
models, methods and datasets are checked against the ``Settings`` of the file that defines them
(`outofsample.study.settings`), so that a new file brings its own configuration keys.
"""

import dataclasses
import os
import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from outofsample import registry
from outofsample.arrays import Query
from outofsample.study.settings import read_settings
from outofsample.texts import label_text

#: File systems allow 255 bytes, and names of several things and endings are put together.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,119}$")]


def as_name(text: str) -> str:
    """Return text with ``_`` for what a `Name` cannot hold: names become folders and keys."""
    return in_name(text).lstrip("_.-") or "query"


def in_name(text: str) -> str:
    """Return text as a part of a name: with ``_`` for what a `Name` cannot hold, and cut off where it is long."""
    # File systems allow 255 bytes, and others are put around.
    return re.sub(r"[^A-Za-z0-9_.\-]+", "_", text)[:100]


def _must_differ(names: list[str], who: str, advice: str) -> None:
    """Raise `ValueError` where a name stands for two."""
    if len(set(names)) < len(names):
        raise ValueError(f"{who} the same name: {', '.join(sorted(names))}; {advice}")


def _expand_seeds(value: Any) -> list[int]:
    """Turn a number of seeds into the list 0, 1, ..."""
    if type(value) is int and value >= 1:
        return list(range(value))
    if isinstance(value, list) and value and all(type(seed) is int and seed >= 0 for seed in value):
        return value
    raise ValueError("must be a number of seeds (at least 1) or a list of seeds (0 or more)")


Seeds = Annotated[
    list[int],
    BeforeValidator(_expand_seeds),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "array", "items": {"type": "integer", "minimum": 0}}]}
    ),
]


#: A condition or a domain, which are text: numbers and dates are taken as they are written.
Label = Annotated[str, BeforeValidator(label_text)]
#: Values to try, by the name of a setting.
Grid = Annotated[dict[str, Annotated[list[Any], Field(min_length=1)]], Field(min_length=1)]


class Part(BaseModel):
    """A part of the configuration: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Entry(BaseModel):
    """A dataset, model or method: ``uses`` names its file (default: its own name); other keys are its settings."""

    model_config = ConfigDict(extra="allow", frozen=True)

    uses: str | None = Field(None, description="name of the file that defines it; default: the entry's own name")
    label: str | None = Field(None, description="how tables and figures call it")
    control: bool = Field(False, description="whether tables set it apart as a control")

    @property
    def settings(self) -> dict[str, Any]:
        """The keys that belong to the entry's own ``Settings``."""
        return dict(self.__pydantic_extra__)


class MethodEntry(Entry):
    """A method, and where it is run."""

    tasks: list[str] | None = Field(None, description="tasks that it is run on; default: all")


class QueryConfig(Part):
    """One prediction: the cells of ``domain`` in condition ``source``, as they would be in ``target``."""

    name: Name | None = Field(None, description="default: the target condition, with _ for what no name can hold")
    domain: Label = Field(description="the domain whose cells are asked for")
    source: Label = Field(description="the condition that these cells are in")
    target: Label = Field(description="the condition that they are wanted in")

    @property
    def called(self) -> str:
        """The name of the query, given or by default."""
        return self.name or as_name(self.target)


class Task(Part):
    """What one fit sees and predicts."""

    dataset: str = Field(description="name of an entry under datasets")
    label: str | None = Field(None, description="how tables and figures call it")
    queries: list[QueryConfig] = Field(default=[], description="what is to be predicted; one fit serves them all")
    leave_one_out: Literal["domain"] | None = Field(
        None, description="instead of queries: one task TASK.DOMAIN per domain, with a query per target condition"
    )
    domains: list[Label] = Field(default=[], description="with leave_one_out: the domains; default: all of the dataset")
    source: Label | None = Field(None, description="with leave_one_out: the condition that is known of each domain")
    targets: list[Label] = Field(default=[], description="with leave_one_out: the conditions to predict")
    conditions: list[Label] = Field(default=[], description="conditions that take part; default: all")
    variable_features: int | None = Field(None, ge=1, description="keep so many highly variable features; null: all")
    feature_selection: Literal["strict", "paper"] = Field(
        "strict", description="choose them on training cells alone (strict), or on the held-out ones too (paper)"
    )
    keep_features: list[str] = Field(default=[], description="features that are kept whatever their variance")
    held_out: list[tuple[Label, Label]] = Field(
        default=[], description="(domain, condition) pairs that no fit may see, besides the truth of the queries"
    )
    reference: list[tuple[Label, Label]] = Field(
        default=[], description="(domain, condition) pairs that batch correctors see besides the target"
    )
    source_domains: list[Label] = Field(default=[], description="domains of S and T; default: all but the queries'")
    controls: list[Label] = Field(
        default=[],
        description="instead of source_domains: domains measured in several conditions; each query is learned on those "
        "that both its conditions share, and where they share none, along the shortest chain of conditions that do",
    )
    cells_per_group: int | None = Field(None, ge=2, description="at most so many cells per (domain, condition) pair")
    seeds: Seeds | None = Field(None, description="how many seeds, or which; default: those of the study")
    methods: list[str] | None = Field(None, description="default: all methods of the study")
    models: dict[str, dict[str, Any]] = Field(default={}, description="settings of models that differ in this task")

    @field_validator("queries")
    @classmethod
    def _names_differ(cls, queries: list[QueryConfig]) -> list[QueryConfig]:
        _must_differ([query.called for query in queries], "two queries have", "give each its own 'name'")
        return queries

    @field_validator("domains")
    @classmethod
    def _domains_differ(cls, domains: list[str]) -> list[str]:
        _must_differ([in_name(domain) for domain in domains], "two tasks would have", "rename a domain")
        return domains

    @field_validator("targets")
    @classmethod
    def _targets_differ(cls, targets: list[Label]) -> list[str]:
        _must_differ([as_name(target) for target in targets], "two queries would have", "rename a condition")
        return targets

    @model_validator(mode="after")
    def _controls_give_source_and_target(self) -> "Task":
        if self.controls and self.source_domains:
            raise ValueError("give either 'controls' or 'source_domains', not both")
        both = {query.source for query in self.queries} & {query.target for query in self.queries}
        if self.controls and both:
            raise ValueError(f"'{min(both)}' is the source of one query and the target of another; make it two tasks")
        return self

    @model_validator(mode="after")
    def _asks_for_something(self) -> "Task":
        if self.leave_one_out is None:
            if not self.queries:
                raise ValueError("give 'queries', or 'leave_one_out: domain' with 'source' and 'targets'")
            if self.domains or self.source or self.targets:
                raise ValueError("'domains', 'source' and 'targets' go with 'leave_one_out: domain' alone")
        elif self.queries:
            raise ValueError("give either 'queries' or 'leave_one_out', not both")
        elif not (self.source and self.targets):
            raise ValueError("'leave_one_out' needs 'source' and 'targets'")
        return self

    def as_queries(self) -> tuple[Query, ...]:
        """Return the queries with their names filled in."""
        return tuple(Query(q.called, q.domain, q.source, q.target) for q in self.queries)


class Column(Part):
    """One score as a column of a table."""

    score: str = Field(description="name of a score, as in results/STUDY/scores/TASK.csv")
    label: str = Field(description="head of the column")
    better: Literal["high", "low", "one"] | None = Field(
        None, description="which values are good ones; null: as the score has it"
    )
    paper_column: bool | str = Field(False, description="show the paper's values; a string names their column")


class Table(Part):
    """A table: scores of some tasks, methods as rows."""

    title: str = Field(description="heading of the table")
    tasks: list[str] = Field(min_length=1, description="tasks whose scores are shown, one after the other")
    columns: list[Column] = Field(min_length=1, description="scores that are shown")
    paper: str | None = Field(None, description="paper in docs/paper_values.csv, as ne2020")
    table: str | None = Field(None, description="table of that paper")
    paper_tasks: list[str] = Field(
        default=[], description="tasks that the paper's values belong to, where a task's data are the paper's own"
    )
    rank_by: str | None = Field(None, description="score that ranks the methods")
    notes: list[str] = Field(default=[], description="sentences below the table")

    @property
    def shown_tasks(self) -> list[str]:
        """The tasks that the table rests on."""
        return self.tasks


class Figure(Part):
    """A figure: a papermill notebook run on one task, on the scores of some tasks, or on both."""

    notebook: str = Field(description="file in notebooks/, without its suffix")
    task: str | None = Field(None, description="task whose cells and predictions the notebook reads")
    measured: str | None = Field(
        None, description="task whose measured cells an overview shows, where it is not the task of the predictions"
    )
    scores: list[str] = Field(default=[], description="tasks whose scores the notebook reads")
    title: str = Field(description="heading of the figure")
    methods: list[str] | None = Field(None, description="methods shown; default: all of the task")
    models: list[str] = Field(default=[], description="models whose training histories the notebook reads")
    options: dict[str, Any] = Field(default={}, description="further parameters of the notebook")

    @property
    def shown_tasks(self) -> list[str]:
        """The tasks that the figure rests on."""
        return [*filter(None, [self.task, self.measured]), *self.scores]


class Evaluation(Part):
    """How scores get their spread."""

    resamples: int = Field(200, ge=2, description="resamples of cells for intervals")
    oracle_halves: int = Field(20, ge=2, description="random halves of the truth for the oracle row")
    max_cells: int = Field(2000, ge=10, description="cells of each population that enter pairwise distances")
    fid: bool = Field(False, description="whether images get FID and KID; needs Inception's file in data_dir")


class Tuning(Part):
    """Settings of models, chosen on one task before others are reported; the study runs that task alone."""

    task: str = Field(description="task whose scores decide; it holds out another domain than those reported")
    reported: list[str] = Field(
        min_length=1, description="tasks that the settings are chosen for; their truth is held out of the task too"
    )
    choose_by: str = Field(description="score that decides, by its mean over queries and seeds")
    grids: dict[str, Grid] = Field(
        min_length=1, description="settings of models and the values to try; every combination is trained"
    )


class Selection(Part):
    """What the study runs, out of all that is defined; null: everything (tables and figures: of the tasks it runs)."""

    tasks: list[str] | None = Field(None, description="tasks that are run; null: all")
    methods: list[str] | None = Field(None, description="methods that are run; null: all")
    tables: list[str] | None = Field(None, description="tables that are made; null: those whose tasks are all run")
    figures: list[str] | None = Field(None, description="figures that are made; null: those whose tasks are all run")
    skip: dict[str, list[str]] = Field(default={}, description="methods that a task does not run, by the task's name")


class Study(Part):
    """One study: tasks x methods x seeds, sizes, and where the data are."""

    study: Name = Field(description="name of the study and of its folder in results/")
    description: str = Field("", description="a sentence for readers of the file")
    extends: str | None = Field(None, description="another study whose definitions this one starts from")
    run: Selection = Field(Selection(), description="what is run, out of all that is defined")
    data_dir: Annotated[str, AfterValidator(os.path.expanduser)] = Field(
        "data", description="folder with a folder of raw files per dataset"
    )
    seeds: Seeds = Field([0, 1, 2], description="how many seeds, or which")
    seeds_per_job: int | None = Field(None, ge=1, description="seeds that one job fits; null: all")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="where networks train: auto takes a GPU where there is one; cuda also asks SLURM for one"
    )
    demo_size: bool = Field(False, description="whether tables say that networks and data have demo size")
    in_sample_cells: int = Field(1000, ge=1, description="transformed source cells kept for in-sample panels")
    datasets: dict[Name, Entry] = Field(description="raw files and how they become cells with condition and domain")
    tasks: dict[Name, Task] = Field(description="what one fit sees and predicts")
    models: dict[Name, Entry] = Field(default={}, description="settings of what is trained; others have their defaults")
    methods: dict[Name, MethodEntry] = Field(description="what turns a query into a prediction")
    tables: dict[Name, Table] = Field(default={}, description="scores of some tasks, methods as rows")
    figures: dict[Name, Figure] = Field(default={}, description="notebooks and what they are given")
    evaluation: Evaluation = Field(Evaluation(), description="how scores get their spread")
    tuning: Tuning | None = Field(None, description="which settings of models are chosen, and on what; never inherited")

    def selected(self, kind: str) -> list[str]:
        """Return the names of the ``tasks``, ``methods``, ``tables`` or ``figures`` that the study runs.

        Tables and figures that nobody chose are made where all their tasks are run. A tuning study runs the task that
        it chooses on.
        """
        chosen = getattr(self.run, kind)
        if chosen is not None:
            return list(chosen)
        if kind == "tasks" and self.tuning is not None:
            return [self.tuning.task]
        if kind not in ("tables", "figures"):
            return list(getattr(self, kind))
        run = {*self.selected("tasks"), *self.unknown_tasks()}
        return [name for name, item in getattr(self, kind).items() if run.issuperset(item.shown_tasks)]

    def unknown_tasks(self) -> list[str]:
        """Return what tables and figures name as tasks and nobody defines."""
        items = [*self.tables.values(), *self.figures.values()]
        return [task for item in items for task in item.shown_tasks if task not in self.tasks]

    def task_methods(self, task: str) -> list[str]:
        """Return the methods that a task runs: its own or all, without those that it skips or that are for others."""
        own, skipped = self.tasks[task].methods, self.run.skip.get(task, [])
        return [
            name
            for name in self.selected("methods")
            if (own is None or name in own) and name not in skipped and task in (self.methods[name].tasks or [task])
        ]

    def task_seeds(self, task: str) -> list[int]:
        """Return the seeds that a task runs."""
        own = self.tasks[task].seeds
        return self.seeds if own is None else own

    def task_reader(self, task: str) -> str:
        """Return the file that reads the dataset of a task; two datasets that it reads can share cells."""
        dataset = self.tasks[task].dataset
        return self.datasets[dataset].uses or dataset

    def method_class(self, name: str) -> type:
        """Return the class of a method of the study."""
        return registry.find("methods", self.methods[name].uses or name)

    def method_spec(self, name: str) -> dict[str, Any]:
        """Return name, file and settings of a method, and the model that it stands on: what a job needs."""
        method = self.method_class(name)
        settings = read_settings(method.Settings, self.methods[name].settings)
        model = method.model_name(settings)
        return {
            "name": name,
            "uses": self.methods[name].uses or name,
            "settings": dataclasses.asdict(settings),
            "model": model,
        }

    def model_spec(self, model: str, task: str) -> dict[str, Any]:
        """Return name, file and settings of a model in a task."""
        entry = self.models.get(model, Entry())
        uses = entry.uses or model
        settings = {**entry.settings, **self.tasks[task].models.get(model, {})}
        return {
            "name": model,
            "uses": uses,
            "settings": dataclasses.asdict(read_settings(registry.find("models", uses).Settings, settings)),
        }
