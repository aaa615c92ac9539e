"""ComBat with batch 2 as the reference (Johnson, Li and Rabinovic 2007, Biostatistics 8, 118-127)."""

from dataclasses import dataclass

import numpy as np

from outofsample.batch_correction import r
from outofsample.batch_correction.checks import check_batches, mean_difference, varying
from outofsample.methods.families.batch_corrector import ScaleAndShift

CODE = """
function(data, batch, parametric, mean_only)
    sva::ComBat(data, batch = batch, par.prior = parametric, mean.only = mean_only, ref.batch = 2)
"""


@dataclass(frozen=True)
class Settings:
    """Options of sva::ComBat.

    Attributes
    ----------
    parametric
        Parametric priors; else the slower non-parametric ones.
    mean_only
        Correct means alone, not variances.
    """

    parametric: bool = True
    mean_only: bool = False


class Method(ScaleAndShift):
    """Location and scale of each feature, shrunk over features by empirical Bayes.

    With ``ref.batch`` the standardisation uses batch 2 alone, and batch 2 stays as it is; without it both batches
    move to the middle.

    A feature that is constant in one of the batches has no scale there. ComBat returns such features as they were,
    so batch 1 would stay in its own frame. Here they move by the difference of the batches' means, which is
    ComBat's location part without shrinkage; so do all features where fewer than 2 vary, since the priors
    are estimated over features.
    """

    Settings = Settings

    def moved(self, batch1: np.ndarray, batch2: np.ndarray, seed: int) -> np.ndarray:
        """Return batch 1 (cells, features) float64 in the frame of batch 2 (cells, features)."""
        check_batches("combat", batch1, batch2)
        corrected = batch1 + mean_difference(batch1, batch2)
        vary = varying(batch1, batch2)
        if vary.sum() > 1:
            corrected[:, vary] = self._combat(batch1[:, vary], batch2[:, vary], seed)
        self.versions = r.versions("sva")
        self.backend = f"sva {self.versions['sva']}"
        return corrected

    def _combat(self, batch1: np.ndarray, batch2: np.ndarray, seed: int) -> np.ndarray:
        """Return batch 1 (cells, features) float64 as ComBat corrects it; every feature varies in both batches."""
        batch = np.repeat([1.0, 2.0], [len(batch1), len(batch2)])
        both = np.concatenate([batch1, batch2])
        options = {"parametric": self.settings.parametric, "mean_only": self.settings.mean_only}
        return r.call(CODE, ("sva",), seed, data=both, batch=batch, **options)[: len(batch1)]
