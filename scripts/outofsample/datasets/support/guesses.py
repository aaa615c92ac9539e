"""Guesses about what values are, by a look at the first cells."""

import numpy as np

#: Whole numbers above this are taken for counts: logarithms of counts stay below it.
LARGEST_LOG = 20
#: Cells that the guess about counts and logarithms looks at.
_GUESSED_ON = 2000


def looks_like_counts(values) -> bool:
    """Whether values (cells, features), dense or sparse, are whole numbers from 0 up, some above any logarithm."""
    entries = seen_of(values)
    return bool(entries.size and is_whole(entries) and entries.max() > LARGEST_LOG)


def holds_whole(values) -> bool:
    """Whether values (cells, features), dense or sparse, are whole numbers from 0 up."""
    entries = seen_of(values)
    return bool(entries.size and is_whole(entries))


def seen_of(values) -> np.ndarray:
    """Return the entries of the first cells, of sparse values those that are stored."""
    part = values[:_GUESSED_ON]
    return np.asarray(part.data if hasattr(part, "tocsr") else part)


def is_whole(entries: np.ndarray) -> bool:
    """Whether all entries are whole numbers from 0 up."""
    return bool((entries >= 0).all() and (entries % 1 == 0).all())
