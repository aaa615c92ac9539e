"""Splitting a dataset into the training part and the truth of a task."""

from dataclasses import dataclass

from outofsample.arrays import Query
from outofsample.jobs.base import Spec


@dataclass(frozen=True)
class SplitSpec(Spec):
    """Who is who in a task.

    Attributes
    ----------
    name
        Name of the task.
    queries
        The predictions asked for.
    held_out
        (domain, condition) pairs that no fit may see; those that a query asks for are its truth.
    reference
        (domain, condition) pairs that only batch correctors may see.
    source_domains
        Domains that give S and T; empty for all domains but those of the queries.
    controls
        Domains that give S and T instead, each query's those that both its conditions share; where they share none, a
        chain of conditions that do is found.
    cells_per_group
        At most so many cells of each (domain, condition) pair, drawn with ``seed``; None for all.
    seed
        Seed of that draw.
    conditions
        Conditions that take part; empty for all.
    variable_features
        Number of highly variable features that are kept; None for all.
    feature_selection
        ``strict``: chosen on training cells alone; ``paper``: on all cells, as the papers did.
    keep_features
        Features that are kept whatever their variance: figures name them.
    whole_queries
        Whether all cells of the queries are kept, whatever ``cells_per_group``: their owner gets each of them back.
    """

    name: str
    queries: tuple[Query, ...]
    held_out: tuple[tuple[str, str], ...] = ()
    reference: tuple[tuple[str, str], ...] = ()
    source_domains: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    cells_per_group: int | None = None
    seed: int = 0
    conditions: tuple[str, ...] = ()
    variable_features: int | None = None
    feature_selection: str = "strict"
    keep_features: tuple[str, ...] = ()
    whole_queries: bool = False
