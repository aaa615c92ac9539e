"""What a study runs: which files, which settings each job gets, which code it rests on, and why a method does not run.

Plain Python without Snakemake: ``rules/`` ask a `Plan` and do what it says. What tables, figures and pages show stands
in `outofsample.study.presentation`.
"""

import os
from collections.abc import Iterable
from functools import cache, cached_property
from pathlib import Path

from outofsample import registry
from outofsample.datasets.support.base import RawFile
from outofsample.files import missing
from outofsample.files.writing import check_outside
from outofsample.jobs.base import as_plain
from outofsample.jobs.dataset import DatasetSpec
from outofsample.jobs.evaluate import EvaluationSpec
from outofsample.jobs.fetch import FetchSpec
from outofsample.jobs.predict import CorrectionSpec, MethodSpec, TransformSpec
from outofsample.jobs.split import SplitSpec
from outofsample.jobs.train import ModelSpec, TrainSpec
from outofsample.methods.families.base import uses_chance, why_not
from outofsample.metrics.extractors import find_inception
from outofsample.study.cohorts import OWN, Cohorts
from outofsample.study.config import Study
from outofsample.study.imports import PACKAGE, files_imported, files_imported_by_notebook
from outofsample.study.missing_data import is_nowhere
from outofsample.study.paths import Paths


class Plan:
    """All that follows from a study before anything runs.

    Parameters
    ----------
    study
        The study, checked and expanded.
    data_dir
        Folder with a folder of raw files per dataset; default: the study's.

    Raises
    ------
    UserError
        If a user's file lies in the results, or Inception's weights are not there. `own_data.check_own` looks at the
        user's own files and labels.
    """

    def __init__(self, study: Study, data_dir: str | Path | None = None):
        self.study = study
        self.data_dir = Path(study.data_dir if data_dir is None else data_dir)
        self.paths = Paths(f"results/{study.study}")
        self.tasks = study.selected("tasks")
        self.datasets = sorted({study.tasks[task].dataset for task in self.tasks})
        # What is asked for again and again while thousands of jobs are planned.
        self.dataset_settings = cache(self._dataset_settings)
        self.dataset = cache(self._dataset)
        self.originals = cache(self._originals)
        self.why_not = cache(self._why_not)
        self.runs = cache(self._runs)
        self.seed_batches = cache(self._seed_batches)
        self.code = cache(self._code)
        self.code_of_notebook = cache(self._code_of_notebook)
        self.simulated = frozenset(name for name in self.datasets if self.dataset(name).use_simulated(self.data_dir))
        for name in self.datasets:
            if name not in self.simulated:
                self._check_originals(name)
        self.cohorts = Cohorts(self)
        #: Datasets that lack a file without an address: what rests on them is left out.
        self.missing = frozenset(name for name in self.fetched if is_nowhere(self, name))
        for task in self.tasks:
            self.inception_files(task)

    # ---- code

    def _code(self, script: str, *entries: tuple[str, str]) -> list[str]:
        """Return the files that a script and registry entries (kind, name) import, relative to here.

        A job runs again when one of them has changed.
        """
        roots = [PACKAGE.parent / script, *(registry.path_of(*entry) for entry in entries)]
        return [os.path.relpath(path) for path in files_imported(roots)]

    def _code_of_notebook(self, notebook: str) -> list[str]:
        """Return the files of the package that a notebook imports, relative to here."""
        return [os.path.relpath(path) for path in files_imported_by_notebook(PACKAGE.parents[1] / notebook)]

    # ---- datasets

    def uses(self, dataset: str) -> str:
        """Return the file that defines a dataset."""
        return self.study.datasets[dataset].uses or dataset

    def dataset_entry(self, dataset: str) -> tuple[str, str]:
        """Return the registry entry of a dataset."""
        return "datasets", self.uses(dataset)

    def _dataset_settings(self, name: str) -> dict:
        """Return the settings of a dataset, with what only a look into the data folder can tell."""
        complete = registry.find(*self.dataset_entry(name)).complete
        return complete(self.study.datasets[name].settings, self.data_dir)

    def _dataset(self, name: str):
        """Return the dataset object with the study's settings."""
        return registry.create(*self.dataset_entry(name), self.dataset_settings(name))

    def dataset_of(self, task: str):
        """Return the dataset object of a task."""
        return self.dataset(self.study.tasks[task].dataset)

    def dataset_spec(self, name: str) -> DatasetSpec:
        """Return what simulating or preprocessing a dataset needs."""
        settings, files = as_plain(self.dataset_settings(name)), tuple(self.raw_files(name))
        return DatasetSpec(name, self.uses(name), settings, name in self.simulated, files)

    def raw_files(self, name: str) -> list[str]:
        """Return the files that a dataset is read from: simulated, or fetched."""
        if name in self.simulated:
            return [self.paths.simulated(name, file.name) for file in self.dataset(name).simulated_files()]
        return [self.raw_copy(name, file) for file in self.originals(name)]

    def raw_copy(self, name: str, file: str) -> str:
        """Return our copy of a raw file of a dataset; datasets that read the same file share one."""
        return self.paths.raw(self._holder(name, file), file)

    def _holder(self, name: str, file: str) -> str:
        """Return the dataset whose copy of a raw file is read: the first that the study defines with the same file.

        CelebA's archive (1.4 GB) is a dataset for each attribute. Datasets that do not run count too, so that the
        copy stays where it is when more of them run.
        """
        if self.is_own_dataset(name):
            return name
        alike = (other for other in self.study.datasets if self.uses(other) == self.uses(name))
        wanted = self.originals(name)[file], self.local(name, self.originals(name)[file])
        return next(
            other
            for other in alike
            if (raw := self.originals(other).get(file)) and (raw, self.local(other, raw)) == wanted
        )

    def _originals(self, name: str) -> dict[str, RawFile]:
        """Return the real files of a dataset by the name of our copy: what the user calls them is in no path."""
        return {raw.stored: raw for raw in self.dataset(name).raw_files()}

    def local(self, name: str, raw: RawFile) -> str:
        """Return where the user may have a real file of a dataset."""
        return f"{self.data_dir}/{self.dataset(name).settings.folder}/{raw.name}"

    def _check_originals(self, name: str) -> None:
        """Raise `UserError` where a user's file lies in the results: Snakemake deletes what a job is about to write."""
        originals = [self.local(name, raw) for raw in self.originals(name).values()]
        originals += filter(None, [getattr(self.dataset(name).settings, "images", None)])
        for path in originals:
            check_outside(path, self.paths.results)

    @property
    def fetched(self) -> list[str]:
        """The datasets whose files are fetched, and may be nowhere to be had."""
        return [name for name in self.datasets if name not in self.simulated and not self.is_own_dataset(name)]

    def is_missing(self, task: str) -> bool:
        """Whether it is known before any job starts that the data of a task cannot be had."""
        return self.study.tasks[task].dataset in self.missing

    def fetch_spec(self, name: str, file: str) -> FetchSpec:
        """Return what fetching a raw file of a dataset needs; ``file`` is the name of our copy."""
        raw = self.originals(name)[file]
        local, state = self.local(name, raw), []
        there = os.path.isfile(local)
        if there and not raw.sha256:
            status = os.stat(local)
            state = [status.st_size, status.st_mtime_ns]
        # Tried again where it can end otherwise.
        if (there or raw.url) and (failures := missing.failures(self.raw_copy(name, file))):
            state.append(f"{failures} failures")
        hint, required = self.dataset(name).how_to_get, self.is_own_dataset(name)
        state = " ".join(map(str, state))
        sha256, url, link = raw.sha256 or None, raw.url or None, self.cohorts.holds(name)
        return FetchSpec(raw.name, local, sha256, url, hint, state, name, required, link)

    def is_images(self, task: str) -> bool:
        """Whether a task is one of images."""
        return "images" in self.dataset_of(task).kinds

    def is_own(self, task: str) -> bool:
        """Whether a task runs on data of the user's own."""
        return self.is_own_dataset(self.study.tasks[task].dataset)

    def is_own_dataset(self, name: str) -> bool:
        """Whether a dataset is the user's own."""
        return self.uses(name) == OWN

    def is_stand_in(self, task: str) -> bool:
        """Whether a task runs on simulated data."""
        return self.study.tasks[task].dataset in self.simulated

    def split_spec(self, task: str) -> SplitSpec:
        """Return what splitting a dataset into a task needs."""
        entry = self.study.tasks[task]
        return SplitSpec(
            name=task,
            queries=entry.as_queries(),
            held_out=tuple(entry.held_out),
            reference=tuple(entry.reference),
            source_domains=tuple(entry.source_domains),
            controls=tuple(entry.controls),
            cells_per_group=entry.cells_per_group,
            conditions=tuple(entry.conditions),
            variable_features=entry.variable_features,
            feature_selection=entry.feature_selection,
            keep_features=tuple(entry.keep_features),
            whole_queries=self.is_own(task),
        )

    # ---- methods

    @cached_property
    def _planned(self) -> dict[str, dict]:
        """Name, file, settings and model of each method that the study runs."""
        return {name: self.study.method_spec(name) for name in self.study.selected("methods")}

    @property
    def methods(self) -> list[str]:
        """The methods that the study runs."""
        return list(self._planned)

    @cached_property
    def correctors(self) -> list[str]:
        """The methods that R computes."""
        return [name for name in self.methods if self.study.method_class(name).job == "r"]

    @cached_property
    def by_model(self) -> dict[str, list[str]]:
        """Methods by the model that they stand on; one job makes all predictions of a model.

        A method without one has a job of its own, under the name ``none_METHOD``.
        """
        groups: dict[str, list[str]] = {}
        for name, planned in self._planned.items():
            if name not in self.correctors:
                groups.setdefault(planned["model"] or f"none_{name}", []).append(name)
        return groups

    def has_model(self, group: str) -> bool:
        """Whether a key of `by_model` is a model."""
        return any(self._planned[name]["model"] == group for name in self.by_model.get(group, ()))

    def method_spec(self, method: str, runs: bool = True) -> MethodSpec:
        """Return name, file and settings of a method, and whether it is run."""
        planned = self._planned[method]
        return MethodSpec(method, planned["uses"], as_plain(planned["settings"]), runs)

    def method_entries(self, methods: Iterable[str]) -> list[tuple[str, str]]:
        """Return the registry entries of methods, and of what they find by name while they run."""
        entries = []
        for name in methods:
            spec, entry = self._planned[name], self.study.method_class(name)
            entries += [("methods", spec["uses"]), *entry.parts(entry.Settings(**spec["settings"]))]
        return entries

    def _why_not(self, task: str, method: str) -> str | None:
        """Return why a method cannot run on a task, or None where it can."""
        if self.is_missing(task):
            return missing.REASON
        return why_not(self.study.method_class(method), self.dataset_of(task).kinds)

    def _runs(self, task: str) -> list[str]:
        """Return the methods of a task that can run on its data."""
        return [method for method in self.study.task_methods(task) if self.why_not(task, method) is None]

    def transform_spec(self, task: str, group: str) -> TransformSpec:
        """Return what predicting with all methods on one model needs."""
        model = self.model_spec(group, task) if self.has_model(group) else None
        methods = [self.method_spec(name, name in self.runs(task)) for name in self.by_model[group]]
        seeds, entries = self.study.task_seeds(task), [self.study.method_class(method.name) for method in methods]
        if self.trains(group) or not any(uses_chance(entry, model and model.uses) for entry in entries):
            seeds = seeds[:1]
        # Predicting asks for no GPU of a cluster: candidates are trained on one where it is there.
        device = "cpu" if self.study.device == "cpu" else "auto"
        return TransformSpec(model, tuple(methods), self.study.in_sample_cells, self.is_own(task), device, tuple(seeds))

    def correction_spec(self, task: str, method: str) -> CorrectionSpec:
        """Return what a batch correction needs."""
        return CorrectionSpec(self.method_spec(method), self.study.in_sample_cells, self.is_own(task))

    def predictions(self, task: str) -> list[str]:
        """Return the prediction files of all methods that run on a task."""
        return [self.paths.prediction(task, method) for method in self.runs(task)]

    # ---- models

    def model_entry(self, model: str) -> tuple[str, str]:
        """Return the registry entry of a model of the study."""
        return "models", self.study.models[model].uses or model if model in self.study.models else model

    def model_entries(self, group: str) -> list[tuple[str, str]]:
        """Return the registry entry of a key of `by_model`; none where it is no model."""
        return [self.model_entry(group)] if self.has_model(group) else []

    def model_spec(self, model: str, task: str) -> ModelSpec:
        """Return name, file and settings of a model in a task."""
        spec = self.study.model_spec(model, task)
        return ModelSpec(spec["name"], spec["uses"], as_plain(spec["settings"]))

    def trains(self, group: str) -> bool:
        """Whether a key of `by_model` is a model that is trained in a job of its own."""
        return self.has_model(group) and registry.find(*self.model_entry(group)).trains

    def _seed_batches(self, task: str, model: str) -> dict[str, tuple[int, ...]]:
        """Return the seeds of a model in a task in batches, one per job: {label: seeds}."""
        seeds = self.study.task_seeds(task)
        seeds = seeds if registry.find(*self.model_entry(model)).stochastic else seeds[:1]
        size = self.study.seeds_per_job or len(seeds)
        batches = [tuple(seeds[start : start + size]) for start in range(0, len(seeds), size)]
        labels = ["-".join(map(str, batch)) for batch in batches]
        # A label is a part of file names: of many seeds, the first and the last one.
        labels = [x if len(x) <= 100 else f"{b[0]}-{b[-1]}" for x, b in zip(labels, batches, strict=True)]
        return dict(zip(labels, batches, strict=True))

    def train_spec(self, task: str, model: str, batch: str) -> TrainSpec:
        """Return what a training needs."""
        return TrainSpec(self.model_spec(model, task), self.seed_batches(task, model)[batch], self.study.device)

    def fitted_files(self, task: str, group: str) -> list[str]:
        """Return the files with the fitted states of a model; none where it needs no training."""
        if self.is_missing(task) or not self.trains(group):
            return []
        return [self.paths.fitted(task, group, batch) for batch in self.seed_batches(task, group)]

    def history_files(self, task: str, group: str) -> list[str]:
        """Return the files with the losses of a model; none where it needs no training."""
        if self.is_missing(task) or not self.trains(group):
            return []
        return [self.paths.history(task, group, batch) for batch in self.seed_batches(task, group)]

    def histories(self) -> list[str]:
        """Return the losses of all models, of each task those that methods which run there stand on."""
        return [
            path
            for task in self.tasks
            for group, methods in self.by_model.items()
            if set(methods) & set(self.runs(task))
            for path in self.history_files(task, group)
        ]

    @property
    def gpus(self) -> int:
        """The number of GPUs that a training job asks for."""
        return 1 if self.study.device == "cuda" else 0

    # ---- evaluation

    def evaluation_spec(self, task: str) -> EvaluationSpec:
        """Return what scoring a task needs."""
        settings = self.study.evaluation
        reasons = {m: why for m in self.study.task_methods(task) if (why := self.why_not(task, m))}
        queries = tuple(query.name for query in self.study.tasks[task].as_queries())
        methods = tuple(self.study.task_methods(task))
        return EvaluationSpec(
            settings.resamples, settings.oracle_halves, settings.max_cells, 0, reasons, task, queries, methods
        )

    def classifier_files(self, task: str) -> list[str]:
        """Return the classifier whose features describe the images of a task; none for other data."""
        return [self.paths.classifier(task)] if self.is_images(task) and not self.is_missing(task) else []

    def inception_files(self, task: str) -> list[str]:
        """Return Inception's file for FID and KID, where the study asks for them and the task has images."""
        return [str(find_inception(self.data_dir))] if self.study.evaluation.fid and self.is_images(task) else []
