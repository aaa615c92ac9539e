"""Judging the papers' claims on the scores of a study."""

from dataclasses import dataclass

from outofsample.jobs.base import Spec
from outofsample.jobs.figure import ShownTask
from outofsample.jobs.table import MethodRow


@dataclass(frozen=True)
class ClaimsSpec(Spec):
    """What judging needs to know of a study.

    Attributes
    ----------
    tasks
        The tasks that the study runs, by name: label, and whether the data are a simulated stand-in.
    methods
        The methods that it runs, by name.
    """

    tasks: dict[str, ShownTask]
    methods: dict[str, MethodRow]
