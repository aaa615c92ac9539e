"""A simulator of the data of Kang et al. 2018, in the form of GEO's files."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.datasets.support import single_cell_simulator as simulator
from outofsample.datasets.support.kang_files import CELL_TYPES, CELLS, GENES, LANES
from outofsample.datasets.support.single_cell_simulator import Effect

if TYPE_CHECKING:
    import pandas as pd

# Markers and responding genes are known ones; their numbers are invented.
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


def named_genes() -> list[str]:
    """Return the genes that have a name of their own."""
    return simulator.named_genes(_MARKERS, _HOUSEKEEPING, _EFFECTS)


def simulate(folder: Path, n_cells: int, n_genes: int, seed: int) -> None:
    """Write the six files; the same seed gives the same bytes."""
    rng = np.random.default_rng(seed)
    tissue = simulator.build_tissue(_TISSUE_SEED, n_genes, len(_DONORS), _MARKERS, _HOUSEKEEPING, _EFFECTS)
    tables = [
        _simulate_lane(rng, folder, tissue, stim, of_lane)
        for stim, of_lane in simulator.share_out(n_cells, {"ctrl": 48, "stim": 52}).items()
    ]
    _write_cells(folder / CELLS, tables)
    names = [f"SIM{number:011d}\t{gene}" for number, gene in enumerate(tissue.genes, 1)]
    simulator.write_gzip(folder / GENES, "\n".join(names) + "\n")


def _simulate_lane(
    rng: np.random.Generator, folder: Path, tissue: simulator.Tissue, stim: str, n_cells: int
) -> "pd.DataFrame":
    """Write one condition's matrix and barcodes; return its rows of the table of cells, clashing names unchanged."""
    import pandas as pd

    condition, matrix_name, barcodes_name = LANES[stim]
    numbers = simulator.share_out(n_cells, _SHARES) | {"Mk": round(_MEGAKARYOCYTES * n_cells)}
    types = rng.permutation(np.repeat(list(numbers), list(numbers.values())))
    donor = rng.integers(len(_DONORS), size=len(types))
    counts = simulator.draw_counts(rng, tissue, types, condition, donor, molecules=1500)
    pairs = rng.integers(len(types), size=(2, round(_DOUBLETS * n_cells)))
    counts = np.concatenate([counts, counts[pairs].sum(axis=0)])
    first = np.concatenate([np.arange(len(types)), pairs[0]])
    order = rng.permutation(len(first))
    geo_name = {ours: geos for geos, ours in CELL_TYPES.items()}
    n_common = round(_CLASHING * n_cells)
    # The first barcodes of both conditions come from the same list, so these clash.
    common = simulator.barcodes(np.random.default_rng(_TISSUE_SEED), n_common)
    own = [name for name in simulator.barcodes(rng, len(order)) if name not in common]
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
    simulator.write_gzip(folder / barcodes_name, "\n".join(table.index) + "\n")
    simulator.write_matrix(folder / matrix_name, counts[order].T)
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
    simulator.write_gzip(path, "".join(text))
