"""Mutual nearest neighbours (Haghverdi et al. 2018, Nature Biotechnology 36, 421-427)."""

from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from outofsample.batch_correction import r
from outofsample.batch_correction.checks import as_result, check_batches
from outofsample.errors import NotAvailable, UserError
from outofsample.methods.families.batch_corrector import BatchCorrector

# The first batch is the reference. Without cos.norm.out = FALSE the output would be on the scale of unit vectors.
CODE = """
function(batch1, batch2, neighbours) {
    out <- batchelor::mnnCorrect(batch2, batch1, k = neighbours, cos.norm.out = FALSE)
    as.matrix(SummarizedExperiment::assay(out, "corrected"))[, ncol(batch2) + seq_len(ncol(batch1)), drop = FALSE]
}
"""


@dataclass(frozen=True)
class Settings:
    """Options of the correction.

    Attributes
    ----------
    implementation
        ``batchelor``, ``scranpy``, or ``auto``: batchelor where R has it, else scranpy.
    neighbours
        Neighbours that are looked at for mutual pairs; None for the implementation's default (20 and 15).
    """

    implementation: str = "auto"
    neighbours: int | None = None

    def __post_init__(self):
        if self.implementation not in ("auto", "batchelor", "scranpy"):
            raise ValueError(f"implementation must be auto, batchelor or scranpy, not '{self.implementation}'")


class Method(BatchCorrector):
    """Pairs of cells that are each other's neighbours across batches; their differences, smoothed, move batch 1.

    Batch 2 is the reference and stays as it is. `backend` says which implementation ran: ``batchelor::mnnCorrect``,
    or, needing no R, ``scranpy.correct_mnn`` by the same author. The latter is made for coordinates of a PCA. Here its
    coordinates are the features themselves, for 35 markers and 2,000 genes alike, since the prediction is wanted
    in data space: distances are Euclidean on the scale of the data (mnnCorrect: on unit vectors), and nothing is lost
    to a projection. A constant feature takes no part in distances, and moves by the pairs' difference.
    """

    Settings = Settings

    def correct(self, batch1: np.ndarray, batch2: np.ndarray, seed: int) -> np.ndarray:
        """Return batch 1 (cells, features) float32 in the frame of batch 2 (cells, features).

        Raises
        ------
        UserError
            If a batch has fewer than 2 cells, or the implementation stops; `NotAvailable` where it is missing.
        """
        check_batches("mnn", batch1, batch2)
        wanted = self.settings.implementation
        if wanted == "batchelor" or (wanted == "auto" and r.has("batchelor")):
            corrected = self._batchelor(batch1, batch2, seed)
        else:
            corrected = self._scranpy(batch1, batch2)
        return as_result("mnn", corrected, batch1)

    def _batchelor(self, batch1: np.ndarray, batch2: np.ndarray, seed: int) -> np.ndarray:
        neighbours = min(self.settings.neighbours or 20, len(batch1), len(batch2))
        corrected = r.call(CODE, ("batchelor",), seed, batch1=batch1, batch2=batch2, neighbours=neighbours)
        self.versions = r.versions("batchelor")
        self.backend = f"batchelor {self.versions['batchelor']}"
        return corrected

    def _scranpy(self, batch1: np.ndarray, batch2: np.ndarray) -> np.ndarray:
        try:
            import scranpy
        except ImportError as error:
            raise NotAvailable("R package 'batchelor' missing", "install it in R, or pip install scranpy") from error
        coordinates = np.concatenate([batch2, batch1]).astype(np.float64).T
        block = ["batch2"] * len(batch2) + ["batch1"] * len(batch1)
        # "input": the first block that occurs is the reference; other policies choose by size or variance.
        options = {"merge_policy": "input", "num_neighbors": self.settings.neighbours or 15}
        corrected = scranpy.correct_mnn(coordinates, block, **options)["corrected"].T
        if not np.array_equal(corrected[: len(batch2)], batch2):
            raise UserError("mnn: scranpy moved batch 2, which should stay as it is; use scranpy 0.3.1.")
        self.versions = {"scranpy": version("scranpy")}
        self.backend = f"scranpy {self.versions['scranpy']}"
        return corrected[len(batch2) :]
