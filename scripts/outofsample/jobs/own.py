"""Data of the user's own: writing predictions back, and reporting what changed."""

from dataclasses import dataclass, field
from typing import Any

from outofsample.jobs.base import Spec
from outofsample.jobs.predict import MethodSpec
from outofsample.jobs.train import ModelSpec


@dataclass(frozen=True)
class WriteBackSpec(Spec):
    """Predictions of one method in the format of the user's own files.

    Attributes
    ----------
    settings
        Those of the dataset 'own'.
    files
        Where its files are, in the order of the settings.
    replaced
        Files and folders with predictions of earlier runs in another form, which are removed.
    """

    settings: dict[str, Any]
    files: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()


@dataclass(frozen=True)
class PredictFilesSpec(Spec):
    """Predictions of some files of a cohort with the methods that stand on one model.

    Attributes
    ----------
    study
        Its name.
    settings
        Those of the dataset 'own', with the entries of these files alone.
    files
        Where the files are, in the order of the settings.
    model, methods
        What was fitted; no model for methods without one.
    folder
        Where the files are written to: FOLDER/METHOD/QUERY/FILE.
    results
        The folder of the study, with what tells how far it is.
    """

    study: str
    settings: dict[str, Any]
    files: tuple[str, ...]
    model: ModelSpec | None
    methods: tuple[MethodSpec, ...]
    folder: str
    results: str


@dataclass(frozen=True)
class JoinFilesSpec(Spec):
    """The table of what one method predicted in each file of a cohort.

    Attributes
    ----------
    method
        Its name.
    parts
        The files with what was predicted, one per job.
    """

    method: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class ChangesSpec(Spec):
    """The report of what one method changed in the user's own cells.

    Attributes
    ----------
    study, task, method
        Name of the study, label of the task, name of the method.
    label
        How the method is called.
    unit
        What the values are measured in.
    controls
        The labels of the control methods that stand beside it, by method.
    labels
        The labels of all methods of the task, by method.
    cautious, unchanged
        The method that does nothing where nothing is foreseen, and the one that does nothing; "" where there is none.
    files
        For a cohort, the files with what was predicted of its files; none where the method predicts only the cells that
        it was fitted to.
    replaced
        Files and folders with predictions of earlier runs in another form, which are removed.
    """

    study: str
    task: str
    method: str
    label: str
    unit: str
    controls: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    cautious: str = ""
    unchanged: str = ""
    files: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
