"""A file of one's own, read in pieces: what of a cohort is in memory at a time."""

from dataclasses import dataclass
from typing import Any

import numpy as np

#: Cells that are read at once.
PIECE = 65_536


@dataclass(frozen=True)
class Piece:
    """Consecutive cells of a file.

    Attributes
    ----------
    begin
        The row of the first one.
    values
        Array or sparse matrix (cells, features) on the scale of the file, finite.
    domain, condition
        Labels (cells,) of the cells.
    stored
        The same cells as what writes the format takes them; it has ``take``.
    """

    begin: int
    values: Any
    domain: np.ndarray
    condition: np.ndarray
    stored: Any
