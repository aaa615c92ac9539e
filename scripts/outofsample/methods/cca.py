"""Seurat's integration with canonical correlation analysis (Butler et al. 2018, Nature Biotechnology 36, 411-420)."""

from dataclasses import dataclass

import numpy as np

from outofsample.batch_correction import as_result, check_batches, r, varying
from outofsample.errors import UserError
from outofsample.methods.base import BatchCorrector

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
    """Options of FindIntegrationAnchors and IntegrateData, with Seurat's defaults.

    Attributes
    ----------
    dims
        Canonical components, at most one less than there are features that vary, or cells in a batch.
    k_anchor, k_filter, k_score, k_weight
        Neighbours for finding, filtering and scoring anchors, and anchors that a cell's correction averages; lowered
        where there are fewer cells.
    """

    dims: int = 30
    k_anchor: int = 5
    k_filter: int | None = None
    k_score: int = 30
    k_weight: int = 100


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
        vary = varying(batch1, batch2)
        options = vars(self.settings) | self._safe(int(vary.sum()), min(len(batch1), len(batch2)))
        corrected = r.call(CODE, ("Seurat",), seed, batch1=batch1, batch2=batch2, vary=vary.astype(float), **options)
        self.versions = r.versions("Seurat", "SeuratObject")
        self.backend = f"Seurat {self.versions['Seurat']}"
        return as_result("cca", corrected, batch1)

    def _safe(self, features: int, cells: int) -> dict[str, int]:
        """Return those options that must be lowered, for so many varying features and cells in the smaller batch."""
        dims = min(self.settings.dims, features - 1, cells - 1)
        if dims < 2:
            raise UserError(
                f"cca: needs 3 features that vary in both batches and 3 cells or more; there are {features} and {cells}."
            )
        neighbours = cells - 1
        return {
            "dims": dims,
            "k_anchor": min(self.settings.k_anchor, neighbours),
            "k_score": min(self.settings.k_score, neighbours),
        }
