"""The configuration of a study: pydantic models, checked as a whole before any job starts.

All problems are collected and told in one message. Settings of models, methods and datasets are checked against
the ``Settings`` of the file that defines them, so that a new file brings its own configuration keys.
"""

import contextlib
import dataclasses
import itertools
import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic.errors import PydanticUserError

from outofsample import registry
from outofsample.arrays import Query
from outofsample.errors import UserError, did_you_mean
from outofsample.metrics.directions import DIRECTIONS

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$")]


def as_name(text: str) -> str:
    """Return text with ``_`` for what a `Name` cannot hold: names become folders and keys."""
    return _in_name(text).lstrip("_.-") or "query"


def _in_name(text: str) -> str:
    # File systems allow 255 bytes, and others are put around.
    return re.sub(r"[^A-Za-z0-9_.\-]+", "_", text)[:100]


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


class QueryConfig(Part):
    """One prediction: the cells of ``domain`` in condition ``source``, as they would be in ``target``."""

    name: Name | None = Field(None, description="default: the target condition, with _ for what no name can hold")
    domain: str = Field(description="the domain whose cells are asked for")
    source: str = Field(description="the condition that these cells are in")
    target: str = Field(description="the condition that they are wanted in")

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
    domains: list[str] = Field(default=[], description="with leave_one_out: the domains; default: all of the dataset")
    source: str | None = Field(None, description="with leave_one_out: the condition that is known of each domain")
    targets: list[str] = Field(default=[], description="with leave_one_out: the conditions to predict")
    conditions: list[str] = Field(default=[], description="conditions that take part; default: all")
    variable_features: int | None = Field(None, ge=1, description="keep so many highly variable features; null: all")
    feature_selection: Literal["strict", "paper"] = Field(
        "strict", description="choose them on training cells alone (strict), or on the held-out ones too (paper)"
    )
    keep_features: list[str] = Field(default=[], description="features that are kept whatever their variance")
    held_out: list[tuple[str, str]] = Field(
        default=[], description="(domain, condition) pairs that no fit may see, besides the truth of the queries"
    )
    reference: list[tuple[str, str]] = Field(
        default=[], description="(domain, condition) pairs that batch correctors see besides the target"
    )
    source_domains: list[str] = Field(default=[], description="domains of S and T; default: all but the queries'")
    cells_per_group: int | None = Field(None, ge=2, description="at most so many cells per (domain, condition) pair")
    seeds: Seeds | None = Field(None, description="how many seeds, or which; default: those of the study")
    methods: list[str] | None = Field(None, description="default: all methods of the study")
    models: dict[str, dict[str, Any]] = Field(default={}, description="settings of models that differ in this task")

    @field_validator("queries")
    @classmethod
    def _names_differ(cls, queries: list[QueryConfig]) -> list[QueryConfig]:
        names = [query.called for query in queries]
        if len(set(names)) < len(names):
            raise ValueError(f"two queries have the same name: {', '.join(sorted(names))}; give each its own 'name'")
        return queries

    @field_validator("domains")
    @classmethod
    def _domains_differ(cls, domains: list[str]) -> list[str]:
        names = [_in_name(domain) for domain in domains]
        if len(set(names)) < len(names):
            raise ValueError(f"two tasks would have the same name: {', '.join(sorted(names))}; rename a domain")
        return domains

    @field_validator("targets")
    @classmethod
    def _targets_differ(cls, targets: list[str]) -> list[str]:
        names = [as_name(target) for target in targets]
        if len(set(names)) < len(names):
            raise ValueError(f"two queries would have the same name: {', '.join(sorted(names))}; rename a condition")
        return targets

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
    paper_tasks: list[str] = Field(default=[], description="tasks that the paper's values belong to, on real data")
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
    scores: list[str] = Field(default=[], description="tasks whose scores the notebook reads")
    title: str = Field(description="heading of the figure")
    methods: list[str] | None = Field(None, description="methods shown; default: all of the task")
    models: list[str] = Field(default=[], description="models whose training histories the notebook reads")
    options: dict[str, Any] = Field(default={}, description="further parameters of the notebook")

    @property
    def shown_tasks(self) -> list[str]:
        """The tasks that the figure rests on."""
        return [*filter(None, [self.task]), *self.scores]


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


class Study(Part):
    """One study: tasks x methods x seeds, sizes, and where the data are."""

    study: Name = Field(description="name of the study and of its folder in results/")
    description: str = Field("", description="a sentence for readers of the file")
    extends: str | None = Field(None, description="another study whose definitions this one starts from")
    run: Selection = Field(Selection(), description="what is run, out of all that is defined")
    data_dir: str = Field("data", description="folder with a folder of raw files per dataset")
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
    methods: dict[Name, Entry] = Field(description="what turns a query into a prediction")
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
        """Return the methods that a task runs."""
        own = self.tasks[task].methods
        return [name for name in self.selected("methods") if own is None or name in own]

    def task_seeds(self, task: str) -> list[int]:
        """Return the seeds that a task runs."""
        own = self.tasks[task].seeds
        return self.seeds if own is None else own

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


def read_settings(settings: type, values: dict[str, Any]):
    """Build a settings dataclass from configuration values, with types checked.

    Raises
    ------
    ValidationError
        If a value has the wrong type or range, or there is no such key.
    """
    for name in values:
        if name not in settings.__dataclass_fields__:
            known = list(settings.__dataclass_fields__)
            listed = ", ".join(known) if known else "none"
            raise UserError(f"unknown key '{name}'{did_you_mean(name, known)}; known here: {listed}")
    return _adapter(settings).validate_python(values)


@cache
def _adapter(settings: type) -> TypeAdapter:
    """Return what checks values against a settings dataclass; making one takes 10 ms."""
    try:
        return TypeAdapter(settings)
    except (PydanticUserError, NameError) as error:
        first = str(error).splitlines()[0]
        raise UserError(
            f"{settings.__module__}: Settings: each field needs a type that a configuration can hold, as int, float, "
            f"str, bool, list[int] or str | None ({first})"
        ) from error


def load_study(values: dict[str, Any], root: Path = Path(), where: str = "configuration") -> Study:
    """Check a configuration and return it.

    Parameters
    ----------
    values
        The configuration as Snakemake merged it from ``--configfile`` and ``--config``.
    root
        The folder that ``extends`` is relative to.
    where
        The file name for messages.

    Raises
    ------
    UserError
        With all problems, one a line.
    """
    values = _extend(values, Path(root), [])
    try:
        study = Study.model_validate(values)
    except ValidationError as error:
        problems = [_sentence(problem, Study) for problem in error.errors()]
    else:
        problems = _check_entries(study)
        study = expand_leave_one_out(study)
        problems += _check_tuning_tasks(study) or check_study(study)
        if study.tuning is not None and not problems:
            problems = _check_tuning(study, study.tuning)
            study = study if problems else expand_tuning(study, study.tuning)
    if problems:
        raise UserError(f"{where} has {len(problems)} problem(s):\n" + "\n".join(f"  - {line}" for line in problems))
    return study


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

    run = study.run.model_copy(update={"tasks": spread(study.selected("tasks"))})
    tables = {n: table.model_copy(update={"tasks": spread(table.tasks)}) for n, table in study.tables.items()}
    figures = {n: figure.model_copy(update={"scores": spread(figure.scores)}) for n, figure in study.figures.items()}
    tuning = study.tuning and study.tuning.model_copy(update={"reported": spread(study.tuning.reported)})
    update = {"tasks": tasks, "run": run, "tables": tables, "figures": figures, "tuning": tuning}
    return study.model_copy(update=update)


def _leave_each_out(study: Study, name: str, task: Task) -> dict[str, Task]:
    """Return the tasks, by name, that a task with ``leave_one_out`` stands for."""
    left_out = {}
    for domain in task.domains or _domains_of(study, task.dataset):
        queries = [QueryConfig(domain=domain, source=task.source, target=target) for target in task.targets]
        update = {"queries": queries, "leave_one_out": None, "domains": [], "source": None, "targets": []}
        update["label"] = f"{task.label or name}, {domain}"
        left_out[f"{name}.{_in_name(domain)}"] = task.model_copy(update=update)
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
                method.label or name.replace("_", " "),
                *(f"{k.replace('_', ' ')} {_value_text(v)}" for k, v in settings.items()),
            ]
            update = {"uses": method.uses or name, "label": ", ".join(words), "control": method.control}
            run.append(name + point.removeprefix(model))
            methods[run[-1]] = Entry(**update, **{**method.settings, "model": point})
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
    score = tuning.choose_by.replace("_", " ")
    reported = ", ".join(tuning.reported)
    notes = [
        f"The settings are chosen by the mean {score} over queries and seeds of {tuning.task}. The truth of {reported} "
        "takes no part: it is neither trained on nor compared with.",
    ]
    title = f"Settings tried on {tuning.task}"
    column = Column(score=tuning.choose_by, label=score)
    return Table(title=title, tasks=[tuning.task], columns=[column], rank_by=tuning.choose_by, notes=notes)


def _reader(study: Study, task: str) -> str:
    """Return the file that reads the dataset of a task; two datasets that it reads can share cells."""
    dataset = study.tasks[task].dataset
    return study.datasets[dataset].uses or dataset


def _reported_truth(study: Study, tuning: Tuning) -> list[tuple[str, str]]:
    """Return the (domain, condition) pairs that are the truth of a reported task on the same data."""
    reported = [name for name in tuning.reported if _reader(study, name) == _reader(study, tuning.task)]
    return [(query.domain, query.target) for name in reported for query in study.tasks[name].queries]


def read_study(path: str | Path) -> Study:
    """Read and check a study file."""
    path = Path(path)
    return load_study(read_yaml(path), _root_of(path), str(path))


def _root_of(path: Path) -> Path:
    """Return the nearest folder above a study file that holds a Snakefile; ``extends`` is relative to it."""
    for folder in path.resolve().parents:
        if (folder / "Snakefile").is_file():
            return folder
    return path.resolve().parent


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises
    ------
    UserError
        If the file is missing or is no YAML mapping.
    """
    try:
        values = yaml.safe_load(path.read_text())
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such file.") from error
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(values, dict):
        raise UserError(f"{path} must be a mapping of keys to values.")
    return values


def _extend(values: dict[str, Any], root: Path, seen: list[str]) -> dict[str, Any]:
    """Put ``values`` on top of the study that they extend.

    Definitions (datasets, tasks, models, methods, tables, figures) are joined by name, everything else is
    replaced. What is *run* or tuned is never inherited: a study that extends another says it itself.
    """
    base_name = values.get("extends")
    if base_name is None:
        return values
    if base_name in seen:
        raise UserError(f"extends: '{base_name}' extends itself ({' -> '.join([*seen, base_name])}).")
    base = _extend(read_yaml(root / base_name), root, [*seen, base_name])
    merged = {key: value for key, value in base.items() if key not in ("run", "description", "tuning")}
    for key, value in values.items():
        joins = key in ("datasets", "tasks", "models", "methods", "tables", "figures")
        merged[key] = {**base.get(key, {}), **value} if joins and isinstance(value, dict) else value
    return merged


def _sentence(problem: dict[str, Any], model: type[BaseModel]) -> str:
    """Turn one of pydantic's errors into a sentence that names the key."""
    place = ".".join(str(step) for step in problem["loc"])
    if problem["type"] == "value_error" and isinstance(problem["input"], dict):
        return f"{place}: {problem['msg'].removeprefix('Value error, ')}"
    if problem["type"] == "extra_forbidden":
        known = _fields_at(model, problem["loc"][:-1])
        listed = ", ".join(known)
        return f"{place}: unknown key{did_you_mean(problem['loc'][-1], known)}; known here: {listed}"
    if problem["type"] == "missing":
        return f"{place}: this key is missing"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{place}: {message} (found {problem['input']!r})"


def _fields_at(model: type[BaseModel], steps) -> list[str]:
    """Return the keys that the part of the configuration at this place knows."""
    parts = {"tasks": Task, "tables": Table, "figures": Figure}
    inner = {"run": Selection, "evaluation": Evaluation, "tuning": Tuning, "queries": QueryConfig, "columns": Column}
    for step in steps:
        model = parts.get(step, inner.get(step, model))
    return list(model.model_fields)


def check_study(study: Study) -> list[str]:
    """Return what is wrong between the parts of a study."""
    problems = _check_selection(study) + _check_tasks(study)
    known, unknown_parts = study.selected("tasks"), _unknown_parts(study)
    for kind in ("tables", "figures"):
        problems += [
            f"{kind}.{name}: task '{task}' is not run by this study{did_you_mean(task, known)}"
            for name in study.selected(kind)
            if name in getattr(study, kind)
            for task in getattr(study, kind)[name].shown_tasks
            if task not in known and not task.startswith(unknown_parts)
        ]
    return problems


def _unknown_parts(study: Study) -> tuple[str, ...]:
    """Return how the names begin of tasks that are not there because nobody knows the domains of their dataset."""
    return tuple(f"{name}." for name, task in study.tasks.items() if task.leave_one_out is not None)


def _check_selection(study: Study) -> list[str]:
    unknown_parts = _unknown_parts(study)
    return [
        f"run.{kind}: '{name}' is not defined{did_you_mean(name, getattr(study, kind))}"
        for kind in ("tasks", "methods", "tables", "figures")
        for name in study.selected(kind)
        if name not in getattr(study, kind) and not (kind == "tasks" and name.startswith(unknown_parts))
    ]


def _check_entries(study: Study) -> list[str]:
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
    where = where or f"{kind}.{name}"
    try:
        read_settings(registry.find(kind, uses).Settings, settings)
    except UserError as error:
        return [f"{where}: {error}"]
    except ValidationError as error:
        return [f"{where}.{_sentence(problem, Study)}" for problem in error.errors()]
    return []


def _is_right(study: Study, dataset: str) -> bool:
    """Whether a dataset is defined, and without a problem."""
    entry = study.datasets.get(dataset)
    return entry is not None and not _check_entry("datasets", dataset, entry.uses or dataset, entry.settings)


def _check_tasks(study: Study) -> list[str]:
    problems = []
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


def _check_tuning_tasks(study: Study) -> list[str]:
    """Return what tuning names as tasks and nobody defines."""
    if study.tuning is None:
        return []
    return [
        f"tuning.{key}: there is no task '{name}'{did_you_mean(name, study.tasks)}"
        for key, names in (("task", [study.tuning.task]), ("reported", study.tuning.reported))
        for name in names
        if name not in study.tasks and not name.startswith(_unknown_parts(study))
    ]


def _check_tuning(study: Study, tuning: Tuning) -> list[str]:
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
        if _reader(study, name) == _reader(study, tuning.task)
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
