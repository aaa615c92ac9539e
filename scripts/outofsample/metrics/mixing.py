"""How well the conditions mix in a method's matched layer: trVAE's Figure 2 as a number.

trVAE matches the conditions in the first layer of its decoder, so that cells of all conditions lie together there; in a
CVAE they lie apart. Like the figure, the score sees training cells under their own condition (the rows ``self`` of a
prediction, of its first seed), and needs no truth.
"""

from typing import TYPE_CHECKING

import numpy as np

from outofsample.errors import UserError
from outofsample.metrics.resampling import draw_counts, interval

if TYPE_CHECKING:
    from outofsample.arrays import TrainingData
    from outofsample.files.prediction import PredictionFile

SCORES = ("condition_mixing",)
NEIGHBOURS = 15


def neighbours_apart(
    X: np.ndarray, labels: np.ndarray, strata: np.ndarray | None = None, neighbours: int = NEIGHBOURS
) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares, both (cells,), of each cell's nearest neighbours that have another label: found, expected.

    Expected is the share if labels were shuffled among the cells of the same stratum.

    Parameters
    ----------
    X
        Array (cells, units); neighbours are the nearest by Euclidean distance.
    labels, strata
        Arrays (cells,); without strata all cells are one.
    neighbours
        How many of them, at most all other cells.
    """
    from sklearn.neighbors import NearestNeighbors

    strata = np.zeros(len(labels), dtype=int) if strata is None else np.unique(strata, return_inverse=True)[1]
    codes = np.unique(labels, return_inverse=True)[1]
    # Without an argument the cell itself is left out, also where others lie in the same place.
    nearest = NearestNeighbors(n_neighbors=min(neighbours, len(X) - 1)).fit(X).kneighbors(return_distance=False)
    counts = np.zeros((strata.max() + 1, codes.max() + 1))
    np.add.at(counts, (strata, codes), 1)
    same_stratum = strata[nearest] == strata[:, None]
    alike = (counts[strata[nearest], codes[:, None]] - same_stratum) / (
        counts.sum(axis=1)[strata[nearest]] - same_stratum
    )
    return (codes[nearest] != codes[:, None]).mean(axis=1), (1 - alike).mean(axis=1)


def mixing(X: np.ndarray, labels: np.ndarray, strata: np.ndarray | None = None, neighbours: int = NEIGHBOURS) -> float:
    """Return how well labels mix among cells (cells, units): 1 as if shuffled within strata, 0 where they lie apart.

    It is the share of each cell's nearest neighbours (Euclidean) that have another label, summed over cells, divided
    by the share expected if labels (cells,) were shuffled among the cells of the same stratum (cells,). With domains
    as strata, a domain that was measured in one condition alone does not count as badly mixed. NaN where there is
    nothing to mix.
    """
    observed, expected = neighbours_apart(X, labels, strata, neighbours)
    return float(observed.mean() / expected.mean()) if expected.mean() > 0 else float("nan")


def mixing_interval(
    observed: np.ndarray, expected: np.ndarray, resamples: int, seed: int
) -> tuple[float, float, float]:
    """Return (low, high, sd) of `mixing` over resampled cells, from what `neighbours_apart` says of each (cells,)."""
    counts = draw_counts(len(observed), resamples, np.random.default_rng([seed, 3])).astype(np.float64)
    return interval((counts.T @ observed) / (counts.T @ expected))


def score_layer(file: "PredictionFile", data: "TrainingData", resamples: int, seed: int) -> dict | None:
    """Return the fields of a row of scores (seed, score, value, low, high, sd, n_cells) for a method's matched layer.

    None where the method has no such layer, or it was kept of too few cells to have neighbours.

    Raises
    ------
    UserError
        If the file names cells that the training part has not.
    """
    matched, rows = file.activations("matched"), file.own_condition_rows()
    if matched is None or len(rows) <= NEIGHBOURS:
        return None
    positions = {name: position for position, name in enumerate(data.names)}
    cells = [positions.get(name, -1) for name in file.column("cell")[rows]]
    if -1 in cells:
        unknown = file.column("cell")[rows][cells.index(-1)]
        raise UserError(f"{file.path}: the training part has no cell '{unknown}', which is in obs[\"cell\"].")
    observed, expected = neighbours_apart(matched[rows], data.condition[cells], data.domain[cells])
    entry = {"seed": int(file.obs["seed"].iloc[rows[0]]), "score": SCORES[0], "n_cells": len(rows)}
    if expected.mean() == 0:
        return entry | {"note": "undefined: one condition in each domain"}
    spread = dict(zip(("low", "high", "sd"), mixing_interval(observed, expected, resamples, seed), strict=True))
    return entry | {"value": float(observed.mean() / expected.mean())} | spread
