"""Whether a prediction has as much variance as the truth. Arrays (..., features) in, (...) out; 1 is right.

Correlations of variances ignore scale: a prediction with a tenth of the real spread can still have a high one.
"""

import numpy as np


def variance_ratio(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Sum over features of the predicted variances / sum of the real ones; NaN where the truth has none."""
    return _ratio(predicted.sum(-1), truth.sum(-1))


def sd_ratio(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Sum over features of the predicted standard deviations / sum of the real ones. The arguments are variances.

    Large features weigh less than in `variance_ratio`.
    """
    return _ratio(np.sqrt(predicted).sum(-1), np.sqrt(truth).sum(-1))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.where(below > 0, above / np.where(below > 0, below, 1), np.nan)
