"""Data of the user's own: writing predictions back, and reporting what changed."""

from dataclasses import dataclass, field
from typing import Any

from outofsample.jobs.base import Spec


@dataclass(frozen=True)
class WriteBackSpec(Spec):
    """Predictions of one method in the format of the user's own files; ``settings`` are those of the dataset 'own'."""

    settings: dict[str, Any]


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
