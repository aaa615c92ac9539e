"""How many cells of each population are kept of data that hold more: by their numbers alone."""

from bisect import bisect_right
from collections.abc import Collection, Mapping

#: Domains that were measured in several conditions keep at most so many times as many cells as one population may, and
#: so do all others: what a change is learned on is not displaced by thousands of files that it is applied to.
ROOM = 5
#: Each population keeps so many cells, however many there are.
LEAST = 50
#: A task is fitted to at most so many values of drawn cells: to 300,000 cells of 2,000 genes. A training holds them
#: twice, as float32.
FITTED_VALUES = 600_000_000
#: Cells that are drawn of files hold at most so many bytes together: 450,000 cells in which 1,000 genes are not zero.
#: Joined and normalised they take half as much again.
HELD_BYTES = 3_600_000_000
#: Scores and pages rest on at most so many values of each population of drawn cells: all cells of a panel of markers,
#: 20,000 cells of 2,000 genes. Scores and resamples hold a dozen arrays of that size.
SCORED_VALUES = 40_000_000

#: A domain and a condition.
Pair = tuple[str, str]


def shares(sizes: list[int], most: int | None) -> list[int]:
    """Return how many cells each file gives, so that all together give at most so many (None: all).

    All files give the same number, but those that have fewer give all that they have. What is left over goes to the
    first files, a cell each. A further file never makes another give more.
    """
    if most is None or sum(sizes) <= most:
        return list(sizes)
    level, left, below = 0, most, 0
    for count, size in enumerate(sorted(sizes)):
        wanted = (len(sizes) - count) * (size - below)
        if wanted > left:
            level = below + left // (len(sizes) - count)
            left -= (len(sizes) - count) * (level - below)
            break
        left, below = left - wanted, size
    found = []
    for size in sizes:
        more = size > level and left > 0
        left -= more
        found.append(min(size, level) + more)
    return found


def fitted_cells(sizes: Mapping[Pair, int], most: int, features: int) -> int:
    """Return how many cells of a population a task is fitted to at most: ``most``, or fewer of many features.

    ``sizes`` are the cells of each population that were drawn for the task.
    """
    return max(_bounded(sizes, most, features, FITTED_VALUES), LEAST)


def held_cells(sizes: Mapping[Pair, int], most: int, bytes_per_cell: float) -> int:
    """Return how many cells of a population are drawn at most: ``most``, or fewer where cells take many bytes."""
    return min(most, max(_bounded(sizes, most, bytes_per_cell, HELD_BYTES), LEAST))


def _bounded(sizes: Mapping[Pair, int], most: int, per_cell: float, room: int) -> int:
    """Return the most cells of a population, up to ``most``, with which all that are kept have room."""
    return bisect_right(range(1, most + 1), room, key=lambda m: _kept(sizes, m) * per_cell)


def _kept(sizes: Mapping[Pair, int], most: int) -> int:
    return sum(kept_cells(sizes, most).values())


def scored_cells(most: int, features: int) -> int:
    """Return how many cells of a population scores and pages rest on at most, where it keeps at most ``most``."""
    return min(most, max(SCORED_VALUES // features, LEAST))


def kept_cells(sizes: Mapping[Pair, int], most: int | None, pairs: Collection[Pair] = ()) -> dict[Pair, int]:
    """Return how many cells each population keeps.

    A population keeps at most ``most`` (None: all). Those of domains in several conditions keep at most `ROOM` times as
    many together, and so do all others; where they have more, they share alike, and none keeps fewer than `LEAST`.

    Parameters
    ----------
    sizes
        The number of cells of each population, which are the cells of one domain in one condition.
    pairs
        Populations that will be there too: a domain can be in several conditions of which one is not yet known.
    """
    if most is None:
        return dict(sizes)
    known = {*sizes, *pairs}
    conditions: dict[str, int] = {}
    for domain, _ in known:
        conditions[domain] = conditions.get(domain, 0) + 1
    kept = {}
    for several in (True, False):
        group = [pair for pair in sizes if (conditions[pair[0]] > 1) == several]
        wanted = [min(sizes[pair], most) for pair in group]
        for pair, size, share in zip(group, wanted, shares(wanted, ROOM * most), strict=True):
            kept[pair] = max(share, min(size, LEAST))
    return {pair: kept[pair] for pair in sizes}
