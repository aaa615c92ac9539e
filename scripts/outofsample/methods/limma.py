"""limma's removeBatchEffect in batch 2's frame (Ritchie et al. 2015, Nucleic Acids Research 43, e47)."""

import numpy as np

from outofsample.batch_correction import r
from outofsample.batch_correction.checks import check_batches, mean_difference
from outofsample.methods.families.batch_corrector import ScaleAndShift

CODE = """
function(data, batch) limma::removeBatchEffect(data, batch = batch)
"""


class Method(ScaleAndShift):
    """A linear model with the batch as its only covariate, whose fitted effect is subtracted.

    removeBatchEffect moves *both* batches to the middle between them. Batch 2 is then put back by its own offset,
    and batch 1 with it: together each feature of batch 1 moves by the difference of the batches' means. A feature
    that is constant in a batch needs no special case.
    """

    def moved(self, batch1: np.ndarray, batch2: np.ndarray, seed: int) -> np.ndarray:
        """Return batch 1 (cells, features) float64 in the frame of batch 2 (cells, features)."""
        check_batches("limma", batch1, batch2)
        batch = np.repeat([1.0, 2.0], [len(batch1), len(batch2)])
        corrected = r.call(CODE, ("limma",), seed, data=np.concatenate([batch1, batch2]), batch=batch)
        moved1, moved2 = corrected[: len(batch1)], corrected[len(batch1) :]
        self.versions = r.versions("limma")
        self.backend = f"limma {self.versions['limma']}"
        return moved1 + mean_difference(moved2, batch2)
