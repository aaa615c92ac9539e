"""GEO's files of Kang et al. 2018 (GSE96583, batch 2), and how their cells and counts are read."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.datasets.support import single_cell
from outofsample.datasets.support.single_cell_simulator import is_stand_in
from outofsample.errors import UserError

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from scipy.sparse import csr_matrix

GENES = "GSE96583_batch2.genes.tsv.gz"
CELLS = "GSE96583_batch2.total.tsne.df.tsv.gz"
#: Per value of the table's column ``stim``: the condition, its matrix and its barcodes.
LANES = {
    "ctrl": ("control", "GSM2560248_2.1.mtx.gz", "GSM2560248_barcodes.tsv.gz"),
    "stim": ("stimulated", "GSM2560249_2.2.mtx.gz", "GSM2560249_barcodes.tsv.gz"),
}
#: GEO's names of cell types, and the names used here, which are those of Seurat's object.
CELL_TYPES = {
    "CD14+ Monocytes": "CD14 Mono",
    "CD4 T cells": "CD4 T",
    "B cells": "B",
    "FCGR3A+ Monocytes": "CD16 Mono",
    "CD8 T cells": "CD8 T",
    "NK cells": "NK",
    "Dendritic cells": "DC",
    "Megakaryocytes": "Mk",
}
#: Single cells (no doublets) of GEO's table per type, 24,673 in all.
GEO_SINGLETS = {
    "CD4 T": 11238,
    "CD14 Mono": 5697,
    "B": 2651,
    "NK": 1716,
    "CD8 T": 1621,
    "CD16 Mono": 1089,
    "DC": 529,
    "Mk": 132,
}


def read_geo(paths: dict[str, Path]) -> "AnnData":
    """Read GEO's files: the singlets of the table of cells, all cell types."""
    import pandas as pd
    from scipy.sparse import vstack

    def read_genes(path: Path) -> "pd.DataFrame":
        return pd.read_csv(path, sep="\t", header=None, names=["id", "symbol"], dtype=str, keep_default_na=False)

    genes = single_cell.read_text(paths[GENES], read_genes)
    cells = _read_cells(paths[CELLS])
    lanes = [_read_lane(paths, cells, stim, len(genes)) for stim in LANES]
    obs = pd.concat([table for _, table in lanes])
    if not is_stand_in(genes["symbol"]):
        found = obs["cell_type"].value_counts().to_dict()
        single_cell.warn_of_differences("kang: single cells that are not GSE96583's", found, GEO_SINGLETS)
    return single_cell.as_anndata(vstack([counts for counts, _ in lanes]), obs, genes["symbol"], paths[CELLS].parent)


def _read_cells(path: Path) -> "pd.DataFrame":
    """Read GEO's table of cells: a row per cell, named by its barcode; the header has no name for that column."""
    import pandas as pd

    cells = single_cell.read_text(
        path, lambda path: pd.read_csv(path, sep="\t", index_col=0, dtype=str, keep_default_na=False)
    )
    if missing := [name for name in ("ind", "stim", "cell", "multiplets") if name not in cells]:
        raise UserError(f"{path}: the column(s) {', '.join(missing)} are missing; it has {', '.join(cells)}.")
    return cells


def _letters(barcodes: "pd.Index") -> "pd.Index":
    """Return barcodes without what follows the last hyphen.

    A barcode that both conditions have ends in -11 instead of -1 in the second one's rows of the table, since R
    makes row names unique so; in the list of barcodes it ends in -1.
    """
    return barcodes.astype(str).str.replace(r"-\d+$", "", regex=True)


def _read_lane(
    paths: dict[str, Path], cells: "pd.DataFrame", stim: str, n_genes: int
) -> tuple["csr_matrix", "pd.DataFrame"]:
    """Return the counts (cells, genes) of one condition's singlets, and their table."""
    import pandas as pd
    from scipy.io import mmread

    condition, matrix_name, barcodes_name = LANES[stim]
    matrix_path, barcodes_path = paths[matrix_name], paths[barcodes_name]
    table = single_cell.read_text(barcodes_path, lambda path: pd.read_csv(path, sep="\t", header=None, dtype=str))
    barcodes = pd.Index(table[0])
    counts = single_cell.read_text(matrix_path, mmread)
    if counts.shape != (n_genes, len(barcodes)):
        raise UserError(
            f"{matrix_path}: a matrix of {n_genes:,} genes x {len(barcodes):,} cells is expected, as the other files "
            f"list them, not {counts.shape[0]:,} x {counts.shape[1]:,}."
        )
    rows = cells[cells["stim"] == stim]
    rows = rows.set_axis(_letters(rows.index))
    named = _letters(barcodes)
    for path, letters in ((paths[CELLS], rows.index), (barcodes_path, named)):
        if not letters.is_unique:
            twice = letters[letters.duplicated()][0]
            raise UserError(f"{path}: the barcode '{twice}' occurs twice in the condition '{stim}'.")
    if lost := len(rows.index.difference(named)):
        print(f"warning: kang: {lost:,} of the {len(rows):,} cells '{stim}' in {CELLS} have no counts.", flush=True)
    rows = rows.reindex(named)
    keep = (rows["multiplets"] == "singlet").to_numpy()
    if not keep.any():
        raise UserError(
            f"{barcodes_path}: none of its barcodes is a singlet of the condition '{stim}' in {paths[CELLS]}."
        )
    rows = rows[keep]
    obs = pd.DataFrame(
        {
            "condition": condition,
            "cell_type": rows["cell"].map(lambda name: CELL_TYPES.get(name, name)).to_numpy(),
            "donor": rows["ind"].to_numpy(),
        },
        index=[f"{condition}_{name}" for name in barcodes[keep]],
    )
    return counts.tocsc()[:, np.flatnonzero(keep)].T.tocsr(), obs
