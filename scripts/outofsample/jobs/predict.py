"""Predicting the queries of a task: by methods on a model, or by a batch corrector."""

from dataclasses import dataclass, field
from typing import Any

from outofsample.jobs.base import Spec
from outofsample.jobs.train import ModelSpec


@dataclass(frozen=True)
class MethodSpec(Spec):
    """A method: its name in the study, the file that defines it, its settings in full, and whether the task runs it."""

    name: str
    uses: str
    settings: dict[str, Any] = field(default_factory=dict)
    runs: bool = True


@dataclass(frozen=True)
class TransformSpec(Spec):
    """Predictions of all methods on one model (None: methods without one), one file per method.

    ``seeds`` are what methods, and models that need no training, are fitted with where they use chance; trained models
    have the seeds of their trainings. ``in_sample_cells`` is how many transformed cells of S each file keeps;
    ``held_out`` whether all methods also predict domains that they were not fitted to, which tells what can be expected
    of them; without it those alone do that cost little (`quick_to_hold_out`). ``device`` (``auto``, ``cpu`` or
    ``cuda``) is where candidates that are networks are trained.
    """

    model: ModelSpec | None
    methods: tuple[MethodSpec, ...]
    in_sample_cells: int = 1000
    held_out: bool = False
    device: str = "auto"
    seeds: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class CorrectionSpec(Spec):
    """The prediction of one batch corrector, with so many corrected cells of S; ``held_out`` as in `TransformSpec`."""

    method: MethodSpec
    in_sample_cells: int = 1000
    held_out: bool = False
