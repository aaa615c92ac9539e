"""Cells of the mouse gut before and after infections (Haber et al. 2017), or a stand-in.

The first single-cell data of the trVAE paper (Section 4.2): 9,842 cells of eight types in four conditions (control, the
worm Heligmosomoides polygyrus after three and ten days, Salmonella), of which Tuft cells are held out. The file is that
of GEO GSE92332: a table of counts, genes x cells, with what is known of a cell in its name.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from outofsample.datasets.support import base, single_cell
from outofsample.datasets.support import single_cell_simulator as simulator
from outofsample.datasets.support.single_cell_simulator import Effect
from outofsample.errors import UserError

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from scipy.sparse import csr_matrix

COUNTS = "GSE92332_SalmHelm_UMIcounts.txt.gz"
_URL = f"https://ftp.ncbi.nlm.nih.gov/geo/series/GSE92nnn/GSE92332/suppl/{COUNTS}"
CELL_TYPES = ("Endocrine", "Enterocyte", "Enterocyte.Progenitor", "Goblet", "Stem", "TA", "TA.Early", "Tuft")
#: Cells of the whole file per condition and cell type, in the order of `CELL_TYPES`: 9,842.
EXPECTED = {
    "Control": (112, 424, 545, 216, 670, 421, 792, 60),
    "Hpoly.Day3": (117, 201, 462, 99, 388, 302, 442, 110),
    "Hpoly.Day10": (82, 128, 586, 317, 592, 353, 436, 217),
    "Salmonella": (69, 705, 229, 126, 207, 112, 300, 22),
}
#: Mice of each condition: the batches B1 to B10.
MICE = {
    "Control": ("B1", "B2", "B3", "B4"),
    "Hpoly.Day3": ("B5", "B6"),
    "Hpoly.Day10": ("B7", "B8"),
    "Salmonella": ("B9", "B10"),
}
#: Rows of the table that are read at once: 40 MB of numbers at the full number of cells.
_ROWS_AT_ONCE = 500

# The stand-in. Markers and responding genes are known ones; their numbers are invented.
_MARKERS = {
    "Endocrine": "Chga Chgb Neurod1 Cck Tac1 Cpe Fev",
    "Enterocyte": "Alpi Apoa1 Apoa4 Fabp1 Fabp2 Rbp2 Aldob",
    "Enterocyte.Progenitor": "Fabp1 Aldob Reg1 Prap1 Khk",
    "Goblet": "Muc2 Tff3 Agr2 Fcgbp Zg16 Clca3 Spink4",
    "Stem": "Lgr5 Ascl2 Slc12a2 Axin2 Olfm4 Gkn3",
    "TA": "Mki67 Mcm5 Mcm6 Pcna Top2a Cdk1",
    "TA.Early": "Olfm4 Slc12a2 Mcm5 Stmn1 Tubb5",
    "Tuft": "Dclk1 Trpm5 Gfi1b Il25 Alox5ap Ltc4s Avil Rgs13",
}
_HOUSEKEEPING = "Eef1a1 Tpt1 Rpl13 Rplp1 Rps2 Rps18 Rps27 Actb Tmsb10 Fau Epcam Krt8 Lgals4 Cd24a"
_ABSORPTIVE = ("Enterocyte", "Enterocyte.Progenitor")
_WORM = (
    Effect("Defa24", 1.4),
    Effect("Defa24", 2.2, ("Tuft",)),
    Effect("Defa17 Defa22 Lyz1 Itln1 Reg3g Ang4", 1.6),
    Effect("Retnlb Sprr1a Wars Il4ra Ccl6", 1.8, ("Goblet", "Enterocyte.Progenitor", "TA")),
    Effect("Tnfsf10 Pfkfb3 Mthfd2 Gpr160 Frk Nars", 1.2),
    Effect("Ptgs1 Il17rb Crip1", 1.2, ("Tuft",)),
)
_SALMONELLA = (
    Effect("Reg3b Reg3g Saa1 Lypd8 Ifitm3", 1.6),
    Effect("Stat1 Gbp2 Psmb8 Cd74 Zbp1 Isg15", 1.0),
    Effect("Apoa1 Apoa4 Clec2h Nos2 Duoxa2", 1.2, _ABSORPTIVE),
)
_EFFECTS = {"Hpoly.Day3": (), "Hpoly.Day10": _WORM, "Salmonella": _SALMONELLA}
#: After three days the change of ten days has come to this part.
_DAY_3 = 0.45
#: Each type has at least about this share of each condition's cells: a score of Salmonella's few Tuft cells is chance.
_LEAST_SHARE = 0.09
_TISSUE_SEED = 2017


@dataclass(frozen=True)
class Settings:
    """Where the file is, and how large the stand-in is.

    Attributes
    ----------
    folder
        The dataset's folder in ``data_dir``.
    download
        Download GEO's file where it is not in ``data_dir``, instead of using the stand-in.
    normalise
        Counts that each cell is scaled to before log1p: a number, or ``median``, the median count of all cells, as
        trVAE's authors did (`single_cell.normalise_counts`).
    cells, genes, seed
        Size and seed of the stand-in.
    """

    folder: str = "haber2017"
    download: bool = False
    normalise: float | Literal["median"] = single_cell.TARGET_SUM
    cells: int = 3000
    genes: int = 400
    seed: int = 0

    def __post_init__(self):
        base.check_settings(self)
        object.__setattr__(self, "normalise", single_cell.check_normalise(self.normalise))
        named = simulator.named_genes(_MARKERS, _HOUSEKEEPING, _EFFECTS)
        simulator.check_size(self.cells, self.genes, named)


class Dataset(base.Dataset):
    """Counts of genes: condition is "Control", "Hpoly.Day3", "Hpoly.Day10" or "Salmonella", domain the cell type."""

    Settings = Settings
    can_simulate = True
    kinds = frozenset({"tabular", "counts"})
    domains = CELL_TYPES
    how_to_get = (
        "GEO's file has the paper's cells, and 'download: true' fetches it. The authors' own 'haber_count' is on "
        "Google Drive, beside 'kang_count' in the DataDownloader.py of their trVAE_reproducibility; it is not read here"
    )

    @property
    def unit(self) -> str:
        """The scale of ``X``, for axes."""
        return single_cell.unit_of(self.settings.normalise)

    def raw_files(self) -> list[base.RawFile]:
        """Return GEO's file; its digest is not known."""
        return [base.RawFile(COUNTS, url=_URL)]

    def simulated_files(self) -> list[base.RawFile]:
        """Return the stand-in's file, of the same name."""
        return [base.RawFile(COUNTS)]

    def simulate(self, folder: Path) -> None:
        """Write the stand-in in the format of GEO's file; the same seed gives the same bytes."""
        import pandas as pd

        settings = self.settings
        rng = np.random.default_rng(settings.seed)
        tissue = _build_tissue(settings.genes)
        sizes = simulator.share_out(settings.cells, {name: sum(numbers) for name, numbers in EXPECTED.items()})
        letters = iter(simulator.barcodes(rng, settings.cells))
        mice = [mouse for part in MICE.values() for mouse in part]
        names, counts = [], []
        for condition, n_cells in sizes.items():
            types = rng.permutation(_draw_types(condition, n_cells))
            mouse = rng.choice(MICE[condition], n_cells)
            number = np.array([mice.index(name) for name in mouse])
            counts.append(simulator.draw_counts(rng, tissue, types, condition, number, molecules=2500))
            names += [f"{mouse[row]}_{next(letters)}_{condition}_{types[row]}" for row in range(n_cells)]
        table = pd.DataFrame(np.concatenate(counts).T, index=list(tissue.genes), columns=names)
        # As R writes it: the line of names is one field shorter than the others.
        simulator.write_gzip(folder / COUNTS, table.to_csv(sep="\t", index_label=False, lineterminator="\n"))

    def load(self, paths: dict[str, Path]) -> "AnnData":
        """Read the counts; see `base.Dataset.load`. ``obs["mouse"]`` is the animal, B1 to B10.

        Prints a warning where the numbers of cells are not those of the whole file.
        """
        path = paths[COUNTS]
        obs = _parse_names(_read_names(path), path)
        genes, counts = single_cell.read(path, lambda path: _read_counts(path, len(obs)))
        if not simulator.is_stand_in(genes):
            found = obs.groupby(["condition", "cell_type"]).size()
            single_cell.warn_of_differences(
                "haber: cells that are not those of GSE92332",
                {" ".join(key): int(number) for key, number in found.items()},
                {
                    f"{condition} {name}": number
                    for condition, numbers in EXPECTED.items()
                    for name, number in zip(CELL_TYPES, numbers, strict=True)
                },
            )
        adata = single_cell.as_anndata(counts, obs, genes, path)
        single_cell.normalise_counts(adata, self.settings.normalise)
        return adata


def _read_names(path: Path) -> list[str]:
    """Return the first line's fields."""
    import pandas as pd

    def first_line(path: Path) -> "pd.DataFrame":
        return pd.read_csv(path, sep="\t", header=None, nrows=1, dtype=str, keep_default_na=False)

    return single_cell.read_text(path, first_line).iloc[0].tolist()


def _parse_names(names: list[str], path: Path) -> "pd.DataFrame":
    """Return the table of cells from names such as B1_AAACATACCACAAC_Control_Enterocyte.Progenitor."""
    import pandas as pd

    # The column of genes can have a name, or an empty one.
    names = names[int("_" not in names[0]) :]
    parts = pd.Series(names, index=names, dtype=str).str.extract(
        r"^(?P<mouse>[^_]+)_(?P<barcode>[^_]+)_(?P<condition>[^_]+)_(?P<cell_type>[^_]+)$"
    )
    wrong = parts.index[parts.isna().any(axis=1)]
    if len(wrong) or not len(parts):
        raise UserError(
            f"{path}: '{wrong[0] if len(wrong) else ''}' in the first line is no name of a cell; they are like "
            "B1_AAACATACCACAAC_Control_Tuft (mouse, barcode, condition, cell type)."
        )
    if not parts.index.is_unique:
        raise UserError(
            f"{path}: the cell '{parts.index[parts.index.duplicated()][0]}' occurs twice in the first line."
        )
    return parts[["condition", "cell_type", "mouse"]]


def _read_counts(path: Path, n_cells: int) -> tuple[list[str], "csr_matrix"]:
    """Return genes and counts (cells, genes); lines are read in pieces, so the table is never dense as a whole."""
    import pandas as pd
    from scipy.sparse import csr_matrix, vstack

    genes, blocks = [], []
    with pd.read_csv(
        path, sep="\t", header=None, skiprows=1, chunksize=_ROWS_AT_ONCE, dtype={0: str}, keep_default_na=False
    ) as pieces:
        for piece in pieces:
            if piece.shape[1] != n_cells + 1:
                raise ValueError(
                    f"a line has {piece.shape[1] - 1:,} counts, and the first line names {n_cells:,} cells"
                )
            genes += piece[0].tolist()
            blocks.append(csr_matrix(piece.drop(columns=0).to_numpy(dtype=np.float32)))
    return genes, vstack(blocks).T.tocsr()


def _build_tissue(n_genes: int) -> simulator.Tissue:
    """Return the stand-in's tissue: day 3 has a part of day 10's change, and a little of its own."""
    n_mice = sum(len(part) for part in MICE.values())
    tissue = simulator.build_tissue(
        _TISSUE_SEED, n_genes, n_mice, _MARKERS, _HOUSEKEEPING, _EFFECTS, filler_change=0.65
    )
    early = tissue.response["Hpoly.Day3"] + _DAY_3 * tissue.response["Hpoly.Day10"]
    return dataclasses.replace(tissue, response=tissue.response | {"Hpoly.Day3": early})


def _draw_types(condition: str, n_cells: int) -> np.ndarray:
    """Return the types (cells,) of one condition: shares as in the real data, but for `_LEAST_SHARE`."""
    least = _LEAST_SHARE * sum(EXPECTED[condition])
    weights = {name: max(number, least) for name, number in zip(CELL_TYPES, EXPECTED[condition], strict=True)}
    numbers = simulator.share_out(n_cells, weights)
    return np.repeat(list(numbers), list(numbers.values()))
