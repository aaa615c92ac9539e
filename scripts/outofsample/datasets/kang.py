"""Blood cells of eight people, control and stimulated with interferon beta (Kang et al. 2018), or a stand-in.

The second single-cell data of the trVAE paper (Section 4.3): 13,576 cells x 14,053 genes, of which natural killer
cells are held out. The files are those of GEO GSE96583, batch 2: one matrix and one list of barcodes per condition,
the genes, and a table of cells. The paper's authors read Seurat's ``ifnb`` object, which was made from the same run
with other cell types and only with cells in which more than 500 genes were seen; so the numbers of cells differ, and
`Dataset.load` says by how much. An AnnData file of counts can be read instead (setting ``file``): the authors' own
``kang_count`` of 13,576 cells, or `MIRROR`, GEO's cells as pertpy has them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from outofsample.datasets.support import base, kang_simulator, single_cell
from outofsample.datasets.support.kang_files import CELL_TYPES, CELLS, GENES, LANES, read_geo
from outofsample.datasets.support.single_cell_simulator import check_size, is_stand_in
from outofsample.errors import UserError, did_you_mean
from outofsample.files.h5ad_check import read_anndata

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

_GEO = "https://ftp.ncbi.nlm.nih.gov/geo"
#: Digests that public projects published of these files (two agree on those of the series, one has the samples').
_SHA256 = {
    "GSM2560248_2.1.mtx.gz": "32add28a0b3397d9ef3f220b7a6a55e98e60fe7b66fe48d0986d634df8ca0013",
    "GSM2560248_barcodes.tsv.gz": "d58d8d55cbe4a12757207784b3bc9227bf200c9100ca15131176e9f8159c955e",
    "GSM2560249_2.2.mtx.gz": "8aecc98a7ac4957bbc2570f87ebe8ce97332a5bcdbf557d40bd5aabfd287bdc5",
    "GSM2560249_barcodes.tsv.gz": "9bb38e080dfae81036fbcd9902c6c6254a4466aa85f70705479be3b2d6679d55",
    GENES: "93aa4e9b530ef9d6411ca129b416324c5cc1cc5a01a1fa6ed4f4a845480ed3ca",
    CELLS: "1d57e72e92ca8695250e88cc0f1c3fa8c0be1175d974f8b427c58f1274dc6c09",
}

#: pertpy's file of GEO's singlets (24,673 cells), a second address of the data, with its digest.
MIRROR = "kang_2018.h5ad"
_MIRROR_SHA256 = "e6a5adac64dcdeb36eaba27db49b63e0c64bb0ed4a64c6705971506b41c39830"
_MIRROR_URL = f"https://exampledata.scverse.org/pertpy/{MIRROR}"
#: The authors' own file, as their public ``DataDownloader.py`` has it: the cells and cell types that the paper's values
#: rest on. Google Drive asks before it sends.
AUTHORS_FILE = "kang_count.h5ad"
_AUTHORS_URL = "https://drive.google.com/file/d/1bd8R8hy8GL3QPgTVdHWtFqdPqbGUdLE9/view"
#: The paper's eight; GEO's table has no type of its own for activated T cells ("T").
PAPER_TYPES = ("CD14 Mono", "CD4 T", "B", "CD16 Mono", "CD8 T", "T", "NK", "DC")
_OTHER_TYPES = ("Mk", "pDC", "Eryth")
#: Cells and genes of the paper's data.
PAPER_SIZE = {"control": 6359, "stimulated": 7217, "genes": 14053}


@dataclass(frozen=True)
class Settings:
    """Which files are read, which cells are kept, and how large the stand-in is.

    Attributes
    ----------
    folder
        The dataset's folder in ``data_dir``.
    file
        An AnnData file of counts in that folder, with ``condition`` ("control", "stimulated") and ``cell_type`` in
        ``obs`` as the authors' own file, or ``label`` ("ctrl", "stim") and ``cell_type`` as `MIRROR`, which is
        downloaded where it is not there; None: the files from GEO.
    download
        Download GEO's files (58 MB) that are not in ``data_dir``, instead of using the stand-in.
    cell_types
        Cell types that are kept.
    labels
        ``published``: only cells whose ``label_source`` is ``seurat_ifnb``, where the file says so; ``all``.
    min_genes
        Cells with fewer genes are left out; Seurat's object has cells with at least 501.
    normalise
        Counts that each cell is scaled to before log1p: a number, or ``median``, the median count of the cells that are
        kept, as trVAE's authors did (`single_cell.normalise_counts`).
    cells, genes, seed
        Size and seed of the stand-in.
    """

    folder: str = "kang2018_pbmc"
    file: str | None = None
    download: bool = False
    cell_types: tuple[str, ...] = PAPER_TYPES
    labels: Literal["all", "published"] = "all"
    min_genes: int = 0
    normalise: float | Literal["median"] = single_cell.TARGET_SUM
    cells: int = 3000
    genes: int = 500
    seed: int = 0

    def __post_init__(self):
        base.check_settings(self, tuples=("cell_types",))
        object.__setattr__(self, "normalise", single_cell.check_normalise(self.normalise))
        if not self.cell_types:
            raise ValueError("cell_types must name at least one cell type")
        if self.labels not in ("all", "published"):
            raise ValueError(f"labels must be 'all' or 'published', not {self.labels!r}")
        if self.min_genes < 0:
            raise ValueError(f"min_genes must not be negative, not {self.min_genes}")
        check_size(self.cells, self.genes, kang_simulator.named_genes())


class Dataset(base.Dataset):
    """Counts of genes: condition is "control" or "stimulated", domain the cell type."""

    Settings = Settings
    kinds = frozenset({"tabular", "counts"})
    how_to_get = (
        f"The paper's own file (13,576 cells) is public: take it with a browser from {_AUTHORS_URL} and name it in the "
        f"setting 'file'. GEO's files are fetched with 'download: true', their cells in one with 'file: {MIRROR}'"
    )

    @property
    def unit(self) -> str:
        """The scale of ``X``, for axes."""
        return single_cell.unit_of(self.settings.normalise)

    @property
    def can_simulate(self) -> bool:
        """Whether there is a stand-in: for GEO's files, not for a file that the settings name."""
        return self.settings.file is None

    @property
    def papers_data(self) -> bool:
        """Whether the authors' own file is read; GEO's cells and cell types are others."""
        return self.settings.file == AUTHORS_FILE

    @property
    def domains(self) -> tuple[str, ...]:
        """The cell types that are kept, without those that GEO's table does not have."""
        if self.settings.file not in (None, MIRROR):
            return self.settings.cell_types
        return tuple(name for name in self.settings.cell_types if name in CELL_TYPES.values())

    def raw_files(self) -> list[base.RawFile]:
        """Return GEO's six files with digests and addresses, or the file that the settings name."""
        if self.settings.file == MIRROR:
            return [base.RawFile(MIRROR, _MIRROR_SHA256, _MIRROR_URL)]
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
        kang_simulator.simulate(folder, settings.cells, settings.genes, settings.seed)

    def load(self, paths: dict[str, Path]) -> "AnnData":
        """Read the counts; see `base.Dataset.load`. ``obs["donor"]`` is the person.

        Prints a warning where the numbers of cells are not those that GEO's files have, and where they are not the
        paper's: with another source of cell types they cannot be.
        """
        settings = self.settings
        adata = _read_h5ad(paths[settings.file]) if settings.file in paths else read_geo(paths)
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
        single_cell.normalise_counts(adata, settings.normalise)
        _compare_with_paper(adata)
        return adata


def _compare_with_paper(adata: "AnnData") -> None:
    if not is_stand_in(adata.var_names):
        found = adata.obs["condition"].value_counts().to_dict() | {"genes": adata.n_vars}
        remark = (
            "the paper's authors read Seurat's ifnb object, whose cells and cell types are not those of this source"
        )
        single_cell.warn_of_differences("kang: cells and genes that are not the paper's", found, PAPER_SIZE, remark)


def _read_h5ad(path: Path) -> "AnnData":
    read = single_cell.read(path, read_anndata)
    if "condition" not in read.obs and "label" in read.obs:
        read.obs = _as_the_authors_name_it(read.obs)
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


def _as_the_authors_name_it(obs: "pd.DataFrame") -> "pd.DataFrame":
    """Return pertpy's table of cells (``label``, ``cell_type``, ``replicate``) with the names used here."""
    condition = {stim: name for stim, (name, _, _) in LANES.items()}
    table = obs.rename(columns={"replicate": "donor"})
    types = [CELL_TYPES.get(name, name) for name in obs.get("cell_type", ())]
    if types:
        table["cell_type"] = types
    return table.assign(condition=[condition.get(name, name) for name in obs["label"]])
