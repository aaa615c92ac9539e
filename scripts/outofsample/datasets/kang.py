"""Blood cells of eight people, control and stimulated with interferon beta (Kang et al. 2018), or a stand-in.

The second single-cell data of the trVAE paper (Section 4.3): 13,576 cells x 14,053 genes, of which natural killer
cells are held out. The files are those of GEO GSE96583, batch 2: one matrix and one list of barcodes per condition,
the genes, and a table of cells. The paper's authors read Seurat's ``ifnb`` object, which was made from the same run
with other cell types and only with cells in which more than 500 genes were seen; so the numbers of cells differ, and
`Dataset.load` says by how much. An AnnData file of counts can be read instead (setting ``file``).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from outofsample.datasets.support import base, single_cell
from outofsample.datasets.support.single_cell import Effect
from outofsample.errors import UserError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from scipy.sparse import csr_matrix

_GEO = "https://ftp.ncbi.nlm.nih.gov/geo"
GENES = "GSE96583_batch2.genes.tsv.gz"
CELLS = "GSE96583_batch2.total.tsne.df.tsv.gz"
#: Per value of the table's column ``stim``: the condition, its matrix and its barcodes.
LANES = {
    "ctrl": ("control", "GSM2560248_2.1.mtx.gz", "GSM2560248_barcodes.tsv.gz"),
    "stim": ("stimulated", "GSM2560249_2.2.mtx.gz", "GSM2560249_barcodes.tsv.gz"),
}
#: Digests that public projects published of these files (two agree on those of the series, one has the samples').
_SHA256 = {
    "GSM2560248_2.1.mtx.gz": "32add28a0b3397d9ef3f220b7a6a55e98e60fe7b66fe48d0986d634df8ca0013",
    "GSM2560248_barcodes.tsv.gz": "d58d8d55cbe4a12757207784b3bc9227bf200c9100ca15131176e9f8159c955e",
    "GSM2560249_2.2.mtx.gz": "8aecc98a7ac4957bbc2570f87ebe8ce97332a5bcdbf557d40bd5aabfd287bdc5",
    "GSM2560249_barcodes.tsv.gz": "9bb38e080dfae81036fbcd9902c6c6254a4466aa85f70705479be3b2d6679d55",
    GENES: "93aa4e9b530ef9d6411ca129b416324c5cc1cc5a01a1fa6ed4f4a845480ed3ca",
    CELLS: "1d57e72e92ca8695250e88cc0f1c3fa8c0be1175d974f8b427c58f1274dc6c09",
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
#: The paper's eight; GEO's table has no type of its own for activated T cells ("T").
PAPER_TYPES = ("CD14 Mono", "CD4 T", "B", "CD16 Mono", "CD8 T", "T", "NK", "DC")
_OTHER_TYPES = ("Mk", "pDC", "Eryth")
#: Cells and genes of the paper's data.
PAPER_SIZE = {"control": 6359, "stimulated": 7217, "genes": 14053}
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

# The stand-in. Markers and responding genes are known ones; their numbers are invented.
_MARKERS = {
    "CD4 T": "CD3D CD3E IL7R CCR7 LTB LDHB",
    "CD14 Mono": "CD14 LYZ S100A8 S100A9 FCN1 CST3 TYROBP CTSS FTL",
    "B": "MS4A1 CD79A CD79B CD74 HLA-DRA IGHM",
    "NK": "NKG7 GNLY GZMB KLRD1 CTSW FCGR3A CCL5",
    "CD8 T": "CD3D CD3E CD8A CD8B CCL5 GZMK NKG7",
    "CD16 Mono": "FCGR3A MS4A7 LST1 AIF1 VMO1 TYROBP CST3",
    "DC": "CD74 HLA-DRA HLA-DPA1 FCER1A CLEC10A CST3 LYZ",
    "Mk": "PPBP PF4 GNG11",
}
_HOUSEKEEPING = "MALAT1 B2M TMSB4X ACTB FTH1 EEF1A1 RPL10 RPL13A RPLP1 RPS2 RPS18 RPS27 TPT1 UBA52 GAPDH"
_MYELOID = ("CD14 Mono", "CD16 Mono", "DC")
_EFFECTS = {
    "stimulated": (
        Effect("ISG15", 3.9),
        Effect("ISG20 IFI6 IFIT1 IFIT3 MX1 LY6E", 3.5),
        Effect("IFIT2 IFI44L RSAD2 OAS1 IRF7 PLSCR1 TNFSF10 SAMD9 XAF1 EPSTI1 HERC5 MT2A", 2.4),
        Effect("BST2 STAT1 UBE2L6 SAT1 IFI35 IFI16 SP110 EIF2AK2 NT5C3A TRIM22 SOCS1 GBP1 LAP3 PSMB9", 1.5),
        Effect("IFITM3 TNFSF13B", 2.2),
        Effect("CXCL10 CXCL11 CCL8 IDO1 APOBEC3A", 4.5, _MYELOID),
        Effect("IL8 IL1B CCL3 THBS1", -1.8, _MYELOID),
        Effect("PRF1 FASLG CD38 LAG3 IL2RB GZMA", 2.0, ("NK", "CD8 T")),
        Effect("CD69 JUNB KLF6 ZFP36L2 TXNIP", -1.2),
    )
}
#: Share of each type among the stand-in's cells: that of the real data.
_SHARES = {"CD4 T": 43, "CD14 Mono": 22, "B": 10, "NK": 8, "CD8 T": 8, "CD16 Mono": 6, "DC": 3}
_DONORS = ("101", "1015", "1016", "1039", "107", "1244", "1256", "1488")
_TISSUE_SEED = 2018
#: A part of the stimulated barcodes also occurs among the control's, as in the real files.
_CLASHING = 0.02
#: Cells that the reader leaves out, as shares of the others.
_DOUBLETS, _MEGAKARYOCYTES = 0.04, 0.01


@dataclass(frozen=True)
class Settings:
    """Which files are read, which cells are kept, and how large the stand-in is.

    Attributes
    ----------
    folder
        The dataset's folder in ``data_dir``.
    file
        An AnnData file of counts in that folder, with ``condition`` ("control", "stimulated") and ``cell_type`` in
        ``obs``; None: the files from GEO.
    download
        Download GEO's files (58 MB) that are not in ``data_dir``, instead of using the stand-in.
    cell_types
        Cell types that are kept.
    labels
        ``published``: only cells whose ``label_source`` is ``seurat_ifnb``, where the file says so; ``all``.
    min_genes
        Cells with fewer genes are left out; Seurat's object has cells with at least 501.
    cells, genes, seed
        Size and seed of the stand-in.
    """

    folder: str = "kang2018_pbmc"
    file: str | None = None
    download: bool = False
    cell_types: tuple[str, ...] = PAPER_TYPES
    labels: Literal["all", "published"] = "all"
    min_genes: int = 0
    cells: int = 3000
    genes: int = 500
    seed: int = 0

    def __post_init__(self):
        base.check_settings(self, tuples=("cell_types",))
        if not self.cell_types:
            raise ValueError("cell_types must name at least one cell type")
        if self.labels not in ("all", "published"):
            raise ValueError(f"labels must be 'all' or 'published', not {self.labels!r}")
        if self.min_genes < 0:
            raise ValueError(f"min_genes must not be negative, not {self.min_genes}")
        named = single_cell.named_genes(_MARKERS, _HOUSEKEEPING, _EFFECTS)
        single_cell.check_size(self.cells, self.genes, named)


class Dataset(base.Dataset):
    """Counts of genes: condition is "control" or "stimulated", domain the cell type."""

    Settings = Settings
    kinds = frozenset({"tabular", "counts"})
    unit = single_cell.UNIT

    @property
    def can_simulate(self) -> bool:
        """Whether there is a stand-in: for GEO's files, not for a file that the settings name."""
        return self.settings.file is None

    @property
    def domains(self) -> tuple[str, ...]:
        """The cell types that are kept, without those that GEO's table does not have."""
        if self.settings.file is not None:
            return self.settings.cell_types
        return tuple(name for name in self.settings.cell_types if name in CELL_TYPES.values())

    def raw_files(self) -> list[base.RawFile]:
        """Return GEO's six files with digests and addresses, or the file that the settings name."""
        if self.settings.file is not None:
            return [base.RawFile(self.settings.file)]
        series = f"{_GEO}/series/GSE96nnn/GSE96583/suppl"
        raw = []
        for name, digest in _SHA256.items():
            sample = f"{_GEO}/samples/GSM2560nnn/{name.split('_')[0]}/suppl"
            raw.append(base.RawFile(name, digest, f"{series if name in (GENES, CELLS) else sample}/{name}"))
        return raw

    def simulated_files(self) -> list[base.RawFile]:
        """Return the stand-in's files: the same six names."""
        return [base.RawFile(name) for name in _SHA256]

    def simulate(self, folder: Path) -> None:
        """Write the stand-in in the format of GEO's files; the same seed gives the same bytes."""
        settings = self.settings
        rng = np.random.default_rng(settings.seed)
        tissue = single_cell.build_tissue(_TISSUE_SEED, settings.genes, len(_DONORS), _MARKERS, _HOUSEKEEPING, _EFFECTS)
        tables = [
            _simulate_lane(rng, folder, tissue, stim, n_cells)
            for stim, n_cells in single_cell.share_out(settings.cells, {"ctrl": 48, "stim": 52}).items()
        ]
        _write_cells(folder / CELLS, tables)
        names = [f"SIM{number:011d}\t{gene}" for number, gene in enumerate(tissue.genes, 1)]
        single_cell.write_gzip(folder / GENES, "\n".join(names) + "\n")

    def load(self, paths: dict[str, Path]) -> "AnnData":
        """Read the counts; see `base.Dataset.load`. ``obs["donor"]`` is the person.

        Prints a warning where the numbers of cells are not those that GEO's files have, and where they are not the
        paper's: with another source of cell types they cannot be.
        """
        settings = self.settings
        adata = _read_h5ad(paths[settings.file]) if settings.file in paths else _read_geo(paths)
        known = {*PAPER_TYPES, *_OTHER_TYPES, *adata.obs["cell_type"]}
        for name in settings.cell_types:
            if name not in known:
                raise UserError(
                    f"kang: the data have no cell type '{name}'{did_you_mean(name, known)}; cell_types can name "
                    f"{', '.join(sorted(known))}."
                )
        keep = adata.obs["cell_type"].isin(settings.cell_types).to_numpy()
        if settings.labels == "published" and "label_source" in adata.obs:
            keep &= (adata.obs["label_source"] == "seurat_ifnb").to_numpy()
        if settings.min_genes:
            keep &= np.diff(adata.layers["counts"].indptr) >= settings.min_genes
        if not keep.any():
            raise UserError(
                f"kang: no cell is left; the cell types are {', '.join(sorted(set(adata.obs['cell_type'])))}."
            )
        adata = adata[keep].copy()
        _compare_with_paper(adata)
        return adata


def _compare_with_paper(adata: "AnnData") -> None:
    if not single_cell.is_stand_in(adata.var_names):
        found = adata.obs["condition"].value_counts().to_dict() | {"genes": adata.n_vars}
        remark = (
            "the paper's authors read Seurat's ifnb object, whose cells and cell types are not those of this source"
        )
        single_cell.warn_of_differences("kang: cells and genes that are not the paper's", found, PAPER_SIZE, remark)


def _read_h5ad(path: Path) -> "AnnData":
    import anndata

    read = single_cell.read(path, anndata.read_h5ad)
    for column in ("condition", "cell_type"):
        if column not in read.obs:
            raise UserError(f"{path}: obs has no column '{column}'; it has {', '.join(read.obs)}.")
    conditions = {condition for condition, _, _ in LANES.values()}
    if wrong := set(read.obs["condition"]) - conditions:
        raise UserError(
            f"{path}: obs['condition'] has {', '.join(map(repr, sorted(wrong)))}; "
            f"known: {', '.join(sorted(conditions))}."
        )
    columns = ["condition", "cell_type", *(name for name in ("donor", "label_source") if name in read.obs)]
    return single_cell.as_anndata(read.X, read.obs[columns].astype(str), read.var_names, path)


def _read_geo(paths: dict[str, Path]) -> "AnnData":
    """Read GEO's files: the singlets of the table of cells, all cell types."""
    import pandas as pd
    from scipy.sparse import vstack

    def read_genes(path: Path) -> "pd.DataFrame":
        return pd.read_csv(path, sep="\t", header=None, names=["id", "symbol"], dtype=str, keep_default_na=False)

    genes = single_cell.read(paths[GENES], read_genes)
    cells = _read_cells(paths[CELLS])
    lanes = [_read_lane(paths, cells, stim, len(genes)) for stim in LANES]
    obs = pd.concat([table for _, table in lanes])
    if not single_cell.is_stand_in(genes["symbol"]):
        found = obs["cell_type"].value_counts().to_dict()
        single_cell.warn_of_differences("kang: single cells that are not GSE96583's", found, GEO_SINGLETS)
    return single_cell.as_anndata(vstack([counts for counts, _ in lanes]), obs, genes["symbol"], paths[CELLS].parent)


def _read_cells(path: Path) -> "pd.DataFrame":
    """Read GEO's table of cells: a row per cell, named by its barcode; the header has no name for that column."""
    import pandas as pd

    cells = single_cell.read(
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
    table = single_cell.read(barcodes_path, lambda path: pd.read_csv(path, sep="\t", header=None, dtype=str))
    barcodes = pd.Index(table[0])
    counts = single_cell.read(matrix_path, mmread)
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


def _simulate_lane(
    rng: np.random.Generator, folder: Path, tissue: single_cell.Tissue, stim: str, n_cells: int
) -> "pd.DataFrame":
    """Write one condition's matrix and barcodes; return its rows of the table of cells, clashing names unchanged."""
    import pandas as pd

    condition, matrix_name, barcodes_name = LANES[stim]
    numbers = single_cell.share_out(n_cells, _SHARES) | {"Mk": round(_MEGAKARYOCYTES * n_cells)}
    types = rng.permutation(np.repeat(list(numbers), list(numbers.values())))
    donor = rng.integers(len(_DONORS), size=len(types))
    counts = single_cell.draw_counts(rng, tissue, types, condition, donor, molecules=1500)
    pairs = rng.integers(len(types), size=(2, round(_DOUBLETS * n_cells)))
    counts = np.concatenate([counts, counts[pairs].sum(axis=0)])
    first = np.concatenate([np.arange(len(types)), pairs[0]])
    order = rng.permutation(len(first))
    geo_name = {ours: geos for geos, ours in CELL_TYPES.items()}
    n_common = round(_CLASHING * n_cells)
    # The first barcodes of both conditions come from the same list, so these clash.
    common = single_cell.barcodes(np.random.default_rng(_TISSUE_SEED), n_common)
    own = [name for name in single_cell.barcodes(rng, len(order)) if name not in common]
    table = pd.DataFrame(
        {
            "tsne1": rng.normal(0, 15, len(order)).round(4),
            "tsne2": rng.normal(0, 15, len(order)).round(4),
            "ind": np.array(_DONORS)[donor][first][order],
            "stim": stim,
            "cluster": [tissue.types.index(name) for name in types[first][order]],
            "cell": [geo_name[name] for name in types[first][order]],
            "multiplets": np.where(order < len(types), "singlet", "doublet"),
        },
        index=[f"{name}-1" for name in [*common, *own][: len(order)]],
    )
    single_cell.write_gzip(folder / barcodes_name, "\n".join(table.index) + "\n")
    single_cell.write_matrix(folder / matrix_name, counts[order].T)
    return table


def _write_cells(path: Path, tables: list["pd.DataFrame"]) -> None:
    """Write the table of cells as GEO's is: no name for the first column, clashing barcodes with a further 1."""
    control, stimulated = tables
    clashing = stimulated.index.isin(control.index)
    stimulated = stimulated.set_axis(stimulated.index.where(~clashing, stimulated.index + "1"))
    text = [
        control.to_csv(sep="\t", index_label=False, lineterminator="\n"),
        stimulated.to_csv(sep="\t", header=False, lineterminator="\n"),
    ]
    single_cell.write_gzip(path, "".join(text))
