"""Simulating the raw files of a dataset, and making its AnnData."""

from dataclasses import dataclass, field
from typing import Any

from outofsample.jobs.base import Spec


@dataclass(frozen=True)
class DatasetSpec(Spec):
    """A dataset that is simulated, or made from its raw files.

    Attributes
    ----------
    name
        What the study calls it.
    uses
        The file that defines it.
    settings
        Its settings, with what only a look into the data folder could tell.
    simulated
        Whether its files are a stand-in.
    files
        Where its raw files are, in the dataset's order.
    """

    name: str
    uses: str
    settings: dict[str, Any] = field(default_factory=dict)
    simulated: bool = False
    files: tuple[str, ...] = ()
