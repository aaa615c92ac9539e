"""Which cells of a query lie outside of what the source shows, so that a method has to extrapolate them."""

from dataclasses import dataclass

import numpy as np

#: A cell is flagged as extrapolated where more than this share of its units lies outside the source's range.
FLAGGED_ABOVE = 0.1


@dataclass(frozen=True)
class Extrapolated:
    """How far cells are from what the method has seen change.

    Attributes
    ----------
    share
        Array (cells,) float32: share of each cell's units, or features, outside the range of the source.
    of
        ``units`` of the network that the method edits; ``features`` of the data for methods without.
    """

    share: np.ndarray
    of: str

    @property
    def flagged(self) -> np.ndarray:
        """Mask (cells,) of the cells that count as extrapolated."""
        return self.share > FLAGGED_ABOVE


def outside_source(cells: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Return the mask (cells, features) of values of cells (cells, features) below or above all source cells."""
    low, high = source.min(axis=0), source.max(axis=0)
    return (cells < low) | (cells > high)


def in_units(share: np.ndarray, model: str) -> Extrapolated | None:
    """Return what a method that edits units has said of cells; None for other methods.

    ``share`` (cells,) and ``model`` are the prediction file's ``outside`` and ``model``.
    """
    if not np.isfinite(share).all():
        return None
    return Extrapolated(share, "features" if model == "identity" else "units")


def in_features(X: np.ndarray, source: np.ndarray) -> Extrapolated:
    """Return how far the cells X (cells, features) of a query are from the source cells (cells, features)."""
    return Extrapolated(outside_source(X, source).mean(axis=1, dtype=np.float32), "features")
