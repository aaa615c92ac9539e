"""Chains of shared controls between conditions, as batches that were measured months apart: plain Python."""

from collections.abc import Mapping, Set
from itertools import pairwise

from outofsample.arrays import Hop
from outofsample.jobs.split import SplitSpec

#: Which controls were measured in a condition.
Measured = Mapping[str, frozenset[str]]


def measured_controls(split: SplitSpec, populations: Set[tuple[str, str]]) -> Measured:
    """Return the controls that may be looked at in each condition that takes part in a task.

    ``populations`` are the (domain, condition) pairs of the dataset. What is asked for, its truth, what is held out and
    what batch correctors alone may see are no controls.
    """
    other = {*split.held_out, *split.reference}
    other |= {(query.domain, end) for query in split.queries for end in (query.source, query.target)}
    found: dict[str, set[str]] = {}
    for domain, condition in populations - other:
        if domain in split.controls and (not split.conditions or condition in split.conditions):
            found.setdefault(condition, set()).add(domain)
    return {condition: frozenset(controls) for condition, controls in found.items()}


def find_chain(measured: Measured, source: str, target: str) -> tuple[Hop, ...]:
    """Return the shortest chain of hops from a condition to another; none where there is no chain.

    Of several chains of the same length it is the one whose weakest hop has the most controls, and of these the first
    by the names of its conditions.
    """
    # By condition: the controls of the weakest hop of the best way from the source, and the conditions on it.
    ways: dict[str, tuple[int, tuple[str, ...]]] = {source: (len(measured.get(source, ())), (source,))}
    ends = dict(ways)
    while ends and target not in ways:
        found: dict[str, tuple[int, tuple[str, ...]]] = {}
        for last, (weakest, path) in ends.items():
            for condition in set(measured) - set(ways):
                shared = len(_shared(measured, last, condition))
                way = (min(weakest, shared), (*path, condition))
                if shared and (condition not in found or _rank(way) < _rank(found[condition])):
                    found[condition] = way
        ways |= found
        ends = found
    path = ways[target][1] if target in ways else ()
    pairs = pairwise(path)
    return tuple(Hop(one, other, tuple(sorted(_shared(measured, one, other)))) for one, other in pairs)


def _rank(way: tuple[int, tuple[str, ...]]) -> tuple[int, tuple[str, ...]]:
    return -way[0], way[1]


def _shared(measured: Measured, one: str, other: str) -> frozenset[str]:
    return measured.get(one, frozenset()) & measured.get(other, frozenset())


def why_no_chain(measured: Measured, source: str, target: str) -> str:
    """Return a sentence that says what each of two conditions is connected with, and which control would join them."""
    here, there = connected(measured, source), connected(measured, target)
    remedies = []
    for known, other in ((there, here), (here, there)):
        controls = sorted(frozenset().union(*(measured.get(condition, frozenset()) for condition in known)))
        if controls:
            remedies.append(f"{_any(controls)} in {_any(other)}")
    remedy = ", or ".join(remedies) or f"one control in {source} and in {target}"
    return (
        f"no chain of shared controls leads from {source} to {target} ({_state(measured, source, here)}; "
        f"{_state(measured, target, there)}). It would be connected by a measurement of {remedy}."
    )


def connected(measured: Measured, condition: str) -> list[str]:
    """Return the conditions that chains of controls connect with one, which is the first, then by name."""
    found, new = [condition], [condition]
    while new:
        new = sorted(other for other in set(measured) - set(found) if any(_shared(measured, c, other) for c in new))
        found += new
    return [condition, *sorted(found[1:])]


def _state(measured: Measured, condition: str, reached: list[str]) -> str:
    """Return which controls a condition has, and what they connect it with."""
    controls = ", ".join(sorted(measured.get(condition, ())))
    if not controls:
        return f"{condition} has no control"
    others = ", ".join(reached[1:])
    return f"{condition} has {controls}, " + (f"which lead to {others}" if others else "which no other condition has")


def _any(names: list[str]) -> str:
    return " or ".join(names)
