"""Seurat's integration with canonical correlation analysis (Butler et al. 2018, Nature Biotechnology 36, 411-420)."""

import math
from dataclasses import dataclass

import numpy as np

from outofsample.batch_correction import r
from outofsample.batch_correction.checks import as_result, check_batches, varying
from outofsample.errors import UserError
from outofsample.methods.families.batch_corrector import BatchCorrector

# Features and cells get names of our own: Seurat rewrites underscores in feature names, and refuses duplicates.
CODE = """
function(batch1, batch2, vary, dims, k_anchor, k_filter, k_score, k_weight) {
    as_seurat <- function(data, prefix) {
        dimnames(data) <- list(paste0("f", seq_len(nrow(data))), paste0(prefix, seq_len(ncol(data))))
        SeuratObject::CreateSeuratObject(SeuratObject::CreateAssayObject(counts = data))
    }
    objects <- list(as_seurat(batch1, "a"), as_seurat(batch2, "b"))
    anchors <- Seurat::FindIntegrationAnchors(
        objects, reference = 2, anchor.features = rownames(objects[[1]])[vary == 1], reduction = "cca",
        dims = seq_len(dims), k.anchor = k_anchor, k.filter = if (is.null(k_filter)) NA else k_filter,
        k.score = k_score, verbose = FALSE)
    found <- length(unique(anchors@anchors$cell2[anchors@anchors$dataset2 == 1]))
    if (found < 3) stop("only ", found, " cells of batch 1 have an anchor in batch 2")
    integrated <- Seurat::IntegrateData(
        anchors, dims = seq_len(dims), k.weight = min(k_weight, found),
        features.to.integrate = rownames(objects[[1]]), verbose = FALSE)
    as.matrix(integrated[["integrated"]]@data[rownames(objects[[1]]), colnames(objects[[1]])])
}
"""


@dataclass(frozen=True)
class Settings:
    """Options of FindIntegrationAnchors and IntegrateData, with Seurat's defaults but for ``k_filter``.

    Attributes
    ----------
    dims
        Canonical components, at most one less than there are features that vary, or cells in a batch.
    k_anchor, k_filter, k_score, k_weight
        Neighbours for finding, filtering and scoring anchors, and anchors that a cell's correction averages; lowered
        where there are fewer cells. Seurat's default for ``k_filter`` is 200. Here it is None, no filtering: Seurat
        copies its whole table of neighbours for each anchor, which takes minutes for 6,000 cells and hours for
        20,000, and on the CytoNorm controls the filtered result was not nearer to the truth.
    max_cells
        Seurat holds a dense matrix of cells of batch 1 x cells of batch 2. A larger batch 1 is dealt at random into
        parts of at most so many cells, which are corrected one by one, and of a larger batch 2 a random part is used.
    """

    dims: int = 30
    k_anchor: int = 5
    k_filter: int | None = None
    k_score: int = 30
    k_weight: int = 100
    max_cells: int = 20_000


class Method(BatchCorrector):
    """Mutual nearest neighbours ("anchors") in the space of canonical components, whose differences move batch 1.

    Batch 2 is Seurat's reference: it stays as it is. The data are taken on the scale they are on (no NormalizeData).
    Features that are constant in a batch take no part in finding anchors, but are corrected like all others: the
    correction is a weighted mean of differences between anchors, which needs no scale.
    """

    Settings = Settings

    def correct(self, batch1: np.ndarray, batch2: np.ndarray, seed: int) -> np.ndarray:
        """Return batch 1 (cells, features) float32 in the frame of batch 2 (cells, features).

        Raises
        ------
        UserError
            If a batch has fewer than 2 cells, too few features vary or R stops; `NotAvailable` where R or Seurat
            is missing.
        """
        check_batches("cca", batch1, batch2)
        rng, most = np.random.default_rng(seed), self.settings.max_cells
        reference = batch2 if len(batch2) <= most else batch2[np.sort(rng.permutation(len(batch2))[:most])]
        order = rng.permutation(len(batch1)) if len(batch1) > most else np.arange(len(batch1))
        corrected = np.empty(batch1.shape)
        for part in np.array_split(order, math.ceil(len(batch1) / most)):
            corrected[part] = self._integrate(batch1[part], reference, seed)
        self.versions = r.versions("Seurat", "SeuratObject")
        self.backend = f"Seurat {self.versions['Seurat']}"
        return as_result("cca", corrected, batch1)

    def _integrate(self, batch1: np.ndarray, batch2: np.ndarray, seed: int) -> np.ndarray:
        """Return batch 1 (cells, features) float64 as Seurat corrects it, with options that so few cells allow."""
        vary = varying(batch1, batch2)
        features, cells = int(vary.sum()), min(len(batch1), len(batch2))
        settings = self.settings
        dims = min(settings.dims, features - 1, cells - 1)
        if dims < 2:
            raise UserError(
                f"cca: needs 3 features that vary in both batches and 3 cells or more; here are {features}, {cells}."
            )
        return r.call(
            CODE,
            ("Seurat",),
            seed,
            batch1=batch1,
            batch2=batch2,
            vary=vary.astype(float),
            dims=dims,
            k_anchor=min(settings.k_anchor, cells - 1),
            k_filter=settings.k_filter,
            k_score=min(settings.k_score, cells - 1),
            k_weight=settings.k_weight,
        )
