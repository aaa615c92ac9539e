"""Choosing settings of models by their scores."""

from dataclasses import dataclass
from typing import Any

from outofsample.jobs.base import Spec
from outofsample.jobs.table import TableSpec


@dataclass(frozen=True)
class TuningSpec(Spec):
    """The choice of settings of models by their scores on one task.

    Attributes
    ----------
    table
        The table of all grid points.
    grids
        The grid points of each tuned model: the method that is judged, and the entry of the model.
    extends
        The study that the chosen settings are put on top of.
    """

    table: TableSpec
    grids: dict[str, dict[str, dict[str, Any]]]
    extends: str
