"""What the batch correctors share besides R: checks of what goes in and of what comes out."""

import numpy as np

from outofsample.errors import UserError


def check_batches(method: str, batch1: np.ndarray, batch2: np.ndarray) -> None:
    """Raise `UserError` unless both batches (cells, features) have the same features, 2 cells or more, no NaN."""
    if batch1.shape[1:] != batch2.shape[1:]:
        raise UserError(f"{method}: the batches have {batch1.shape[1]} and {batch2.shape[1]} features; give the same.")
    for number, batch in ((1, batch1), (2, batch2)):
        if len(batch) < 2:
            raise UserError(f"{method}: batch {number} has {len(batch)} cell(s); a batch correction needs 2 or more.")
        if not np.isfinite(batch).all():
            raise UserError(f"{method}: batch {number} has values that are NaN or infinite; remove such cells.")


def as_result(method: str, corrected: np.ndarray, batch1: np.ndarray) -> np.ndarray:
    """Return the corrected cells as float32, or raise `UserError` if they are not finite or have another shape."""
    if corrected.shape != batch1.shape:
        raise UserError(f"{method}: the correction has shape {corrected.shape}, the cells have {batch1.shape}.")
    with np.errstate(over="ignore"):
        corrected = corrected.astype(np.float32)
    bad = ~np.isfinite(corrected)
    if bad.any():
        raise UserError(
            f"{method}: the correction is NaN or infinite for {bad.any(axis=1).sum()} of {len(bad)} cells, in "
            f"{bad.any(axis=0).sum()} of {bad.shape[1]} features; there may be too few cells, or too few that match."
        )
    return corrected


def varying(batch1: np.ndarray, batch2: np.ndarray) -> np.ndarray:
    """Return the mask (features,) of features with more than one value in each of the batches (cells, features)."""
    return (batch1.max(axis=0) > batch1.min(axis=0)) & (batch2.max(axis=0) > batch2.min(axis=0))


def mean_difference(batch1: np.ndarray, batch2: np.ndarray) -> np.ndarray:
    """Return what moves the mean of batch 1 onto that of batch 2, (features,) float64."""
    return batch2.mean(axis=0, dtype=np.float64) - batch1.mean(axis=0, dtype=np.float64)
