"""Training a model on a task."""

from dataclasses import dataclass, field
from typing import Any

from outofsample.jobs.base import Spec


@dataclass(frozen=True)
class ModelSpec(Spec):
    """A model: its name in the study, the file that defines it, and its settings in full."""

    name: str
    uses: str
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainSpec(Spec):
    """A model that is fitted to a task for a batch of seeds; ``device`` is ``auto``, ``cpu`` or ``cuda``."""

    model: ModelSpec
    seeds: tuple[int, ...]
    device: str = "auto"
