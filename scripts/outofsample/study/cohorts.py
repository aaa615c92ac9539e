"""Which data of one's own are a cohort, by a look at the files: their predictions then come back file by file."""

from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from outofsample.datasets import own
from outofsample.datasets.support.base import RawFile
from outofsample.errors import UserError
from outofsample.files.shares import ROOM, kept_cells
from outofsample.jobs.base import as_plain
from outofsample.jobs.own import JoinFilesSpec, PredictFilesSpec
from outofsample.own.readers import fcs, h5ad, parquet, table
from outofsample.own.readers.support.entries import domains_of, pairs_of

if TYPE_CHECKING:
    from outofsample.study.plan import Plan

#: The dataset of the user's own files.
OWN = "own"
#: What tells how many cells a file has at most, by its format.
COUNTS = {"fcs": fcs.count, "h5ad": h5ad.count, "table": table.count, "parquet": parquet.count}
#: A row of a table takes at least so many bytes.
_LEAST = 4
#: A job predicts files with so many cells together, or one file with more.
CELLS_PER_JOB = 4_000_000


def cells_of_cohort(settings: own.Settings, folder: Path) -> dict[str, int]:
    """Return how many cells each file has at most, by its name, if fits may rest on a part of them.

    Else there are none. A file that cannot be read counts as without cells: the job that reads it says why.

    Parameters
    ----------
    settings
        Of the dataset 'own'.
    folder
        Where its files are.
    """
    if settings.fit_cells is None or settings.format == "images":
        return {}
    paths = {entry["path"]: folder / entry["path"] for entry in settings.files}
    sizes = {file: path.stat().st_size if path.is_file() else 0 for file, path in paths.items()}
    compressed = any(file.lower().endswith(".gz") for file in paths)
    if settings.format == "table" and not compressed and sum(sizes.values()) < _LEAST * settings.fit_cells:
        return {}
    found = {file: _count(settings.format, path) for file, path in paths.items()}
    populations: dict[tuple[str, str] | None, int] = {}
    for file, pair in pairs_of(settings.files).items():
        populations[pair] = populations.get(pair, 0) + found[file]
    unknown = populations.pop(None, 0)
    kept = kept_cells(populations, settings.fit_cells)
    # What columns of the files say can be of any population, and of many.
    most = max(populations.values(), default=0) + unknown
    all_cells = sum(populations.values()) + unknown
    may = unknown and (most > settings.fit_cells or all_cells > ROOM * settings.fit_cells)
    return found if kept != populations or may else {}


def _count(kind: str, path: Path) -> int:
    try:
        return COUNTS[kind](path) if path.is_file() else 0
    except UserError:
        return 0


def files_of_queries(settings: own.Settings, asked: set[tuple[str, str]]) -> list[str]:
    """Return the names of the files that may hold cells of a query: of a (domain, condition) that is asked for."""
    return [file for file, pair in pairs_of(settings.files).items() if pair is None or pair in asked]


def in_jobs(files: list[str], cells: dict[str, int]) -> dict[str, list[str]]:
    """Return the files that one job predicts, by the job's label: its number, and how many files it has."""
    jobs: list[list[str]] = []
    room = 0
    for file in files:
        if cells[file] > room or not jobs:
            jobs.append([])
            room = CELLS_PER_JOB
        jobs[-1].append(file)
        room -= cells[file]
    return {f"{number}-{len(job)}": job for number, job in enumerate(jobs, 1)}


class Cohorts:
    """The tasks of a plan whose predictions come back file by file, and the jobs for that.

    Parameters
    ----------
    plan
        What the study runs.
    """

    def __init__(self, plan: "Plan"):
        self.plan = plan
        self.cells_of = cache(self._cells_of)
        self.jobs = cache(self._jobs)

    def _cells_of(self, dataset: str) -> dict[str, int]:
        """Return how many cells each file of a dataset has at most, by its name; none where it is no cohort."""
        if self.plan.uses(dataset) != OWN:
            return {}
        settings = self.plan.dataset(dataset).settings
        return cells_of_cohort(settings, self.plan.data_dir / settings.folder)

    def holds(self, dataset: str) -> bool:
        """Whether a dataset is one of a cohort."""
        return bool(self.cells_of(dataset))

    def cells(self, task: str) -> dict[str, int]:
        """Return how many cells each file of a task has at most, by its name; none where the task is no cohort."""
        return self.cells_of(self.plan.study.tasks[task].dataset)

    def __contains__(self, task: str) -> bool:
        """Whether the predictions of a task come back file by file, since its fits may rest on a drawn part."""
        return bool(self.cells(task))

    @cached_property
    def tasks(self) -> list[str]:
        """The tasks whose predictions come back file by file."""
        return [task for task in self.plan.tasks if task in self]

    def _jobs(self, task: str) -> dict[str, list[str]]:
        """Return the names of the files that each job predicts, by the job's label."""
        asked = {(query.domain, query.source) for query in self.plan.study.tasks[task].as_queries()}
        return in_jobs(files_of_queries(self.plan.dataset_of(task).settings, asked), self.cells(task))

    def copies(self, task: str, job: str) -> list[str]:
        """Return our copies of the files that a job predicts."""
        name = self.plan.study.tasks[task].dataset
        return [self.plan.raw_copy(name, RawFile(file).stored) for file in self.jobs(task)[job]]

    @cached_property
    def correctors(self) -> dict[str, list[str]]:
        """The methods that R computes and that also predict cells which were not part of their fit, each by its group.

        Each is alone, under the name ``none_METHOD``, as methods without a model are in `Plan.by_model`.
        """
        return {
            f"none_{name}": [name]
            for name in self.plan.correctors
            if not self.plan.study.method_class(name).transductive
        }

    @cached_property
    def by_group(self) -> dict[str, list[str]]:
        """The methods that one job predicts files with: those of `Plan.by_model`, and `correctors`."""
        return {**self.plan.by_model, **self.correctors}

    @cached_property
    def corrections(self) -> list[tuple[str, list[str], list[str]]]:
        """What kinds of batch corrections there are: what the rule's name ends with, its tasks and its methods.

        Those that end with ``_kept`` keep the fitted method.
        """
        others = [task for task in self.plan.tasks if task not in self]
        kept = [name for methods in self.correctors.values() for name in methods]
        only_fit = [name for name in self.plan.correctors if name not in kept]
        kinds = [
            ("", others, self.plan.correctors),
            ("_of_cohort", self.tasks, only_fit),
            ("_of_cohort_kept", self.tasks, kept),
        ]
        return [kind for kind in kinds if kind[1] and kind[2]]

    def fitted(self, task: str, group: str) -> str:
        """Return the file that the fitted methods of a group are kept in."""
        paths = self.plan.paths
        return paths.correction(task, group) if group in self.correctors else paths.methods(task, group)

    def groups(self, task: str) -> list[str]:
        """Return the keys of `by_group` with methods that predict the files of a task."""
        return [group for group in self.by_group if self.methods(task, group)]

    def methods(self, task: str, group: str) -> list[str]:
        """Return the methods of a group that predict the files of a task."""
        runs = self.plan.runs(task)
        return [method for method in self.by_group[group] if method in runs and self.group_of(method)]

    def group_of(self, method: str) -> str | None:
        """Return the key of `by_group` of a method; None where it predicts only the cells of its fit."""
        if self.plan.study.method_class(method).transductive:
            return None
        return next((group for group, methods in self.by_group.items() if method in methods), None)

    def writes(self, task: str, method: str) -> bool:
        """Whether the files that a method predicts come back by jobs of their own."""
        return task in self and self.group_of(method) is not None

    def files_spec(self, task: str, group: str, job: str) -> PredictFilesSpec:
        """Return what predicting some files needs."""
        plan, wanted = self.plan, self.jobs(task)[job]
        name = plan.study.tasks[task].dataset
        files = plan.dataset(name).settings.files
        # A domain can rest on the names of all files, of which the job knows some.
        named = zip(files, domains_of(files), strict=True)
        entries = {entry["path"]: {**entry, "domain": domain} for entry, domain in named}
        settings = {**plan.dataset_settings(name), "files": [entries[file] for file in wanted]}
        return PredictFilesSpec(
            study=plan.study.study,
            settings=as_plain(settings),
            files=tuple(self.copies(task, job)),
            model=plan.model_spec(group, task) if plan.has_model(group) else None,
            methods=tuple(map(plan.method_spec, self.methods(task, group))),
            folder=plan.paths.own_task(task),
            results=plan.paths.results,
        )

    def join_spec(self, task: str, method: str) -> JoinFilesSpec:
        """Return what the table of a method's files needs."""
        group = self.group_of(method)
        return JoinFilesSpec(method, tuple(self.plan.paths.handed_back(task, group, job) for job in self.jobs(task)))

    def totals(self) -> tuple[int, int]:
        """Return how many files are predicted in all, and with how many cells, each once for each model."""
        files = cells = 0
        for task in self.tasks:
            names = [file for job in self.jobs(task).values() for file in job]
            files += len(names) * len(self.groups(task))
            cells += sum(self.cells(task)[file] for file in names) * len(self.groups(task))
        return files, cells
