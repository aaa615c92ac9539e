"""Scoring the predictions of a task."""

from dataclasses import dataclass, field

from outofsample.jobs.base import Spec


@dataclass(frozen=True)
class EvaluationSpec(Spec):
    """Scores of one task.

    Attributes
    ----------
    resamples
        Resamples of cells for the intervals.
    oracle_halves
        Random halves of the truth for the oracle.
    max_cells
        Cells of each population that enter pairwise distances.
    seed
        Seed of resamples, halves and draws.
    not_run
        Reasons of the methods that cannot run on the task's data, by method.
    task, queries, methods
        Name of the task, of its queries and of the methods that it asks for: what the scores say of a task whose data
        are missing.
    """

    resamples: int = 200
    oracle_halves: int = 20
    max_cells: int = 2000
    seed: int = 0
    not_run: dict[str, str] = field(default_factory=dict)
    task: str = ""
    queries: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
