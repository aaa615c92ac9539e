"""The stand-in for the dengue data: biology, then measurement by the instrument of one of two batches.

`outofsample.datasets.dengue` says what the two stages are.
"""

from pathlib import Path

import numpy as np

from outofsample.datasets.support import mass_cytometry
from outofsample.files import fcs

#: The metal channel ($PnN) of each protein; 157Gd stays empty.
PANEL = {
    "Pr141Di": "CD45",
    "Nd142Di": "CD3",
    "Nd143Di": "CD4",
    "Nd144Di": "CD8",
    "Nd145Di": "CD19",
    "Nd146Di": "CD20",
    "Sm147Di": "CD14",
    "Nd148Di": "CD16",
    "Sm149Di": "CD56",
    "Nd150Di": "CD11c",
    "Eu151Di": "CD123",
    "Sm152Di": "HLADR",
    "Eu153Di": "CD27",
    "Sm154Di": "CD28",
    "Gd155Di": "CD45RA",
    "Gd156Di": "CCR7",
    "Gd158Di": "CCR6",
    "Tb159Di": "CXCR3",
    "Gd160Di": "CXCR5",
    "Dy161Di": "CCR4",
    "Dy162Di": "CD25",
    "Dy163Di": "CD127",
    "Dy164Di": "CD38",
    "Ho165Di": "CD69",
    "Er166Di": "PD1",
    "Er167Di": "TCRgd",
    "Er168Di": "CD161",
    "Tm169Di": "CD57",
    "Er170Di": "Perforin",
    "Yb171Di": "GranzymeB",
    "Yb172Di": "IFNg",
    "Yb173Di": "TNFa",
    "Yb174Di": "IL2",
    "Lu175Di": "MIP1b",
    "Yb176Di": "CD107a",
}
PROTEINS = tuple(PANEL.values())
#: Channels that are no markers: $PnN -> $PnS.
_TECHNICAL = {
    "Time": "",
    "Event_length": "",
    "Ce140Di": "140Ce_Beads",
    "Gd157Di": "",
    "Ir191Di": "191Ir_DNA1",
    "Ir193Di": "193Ir_DNA2",
    "Pt195Di": "195Pt_Viability",
}

#: What each cell type carries: many, some, few ions per cell. Proteins not named are background.
CELL_TYPES = {
    "CD4 T": ("CD45 CD3 CD4", "CD27 CD28 CD45RA CD127 CCR7", "CCR6 CXCR3 CCR4 IFNg TNFa IL2 CD161 PD1 CD38"),
    "CD8 T": ("CD45 CD3 CD8", "CD27 CD28 CD45RA IFNg", "CCR7 CXCR3 PD1 GranzymeB Perforin MIP1b CD107a CD38 TNFa CD57"),
    "gamma delta T": ("CD45 CD3 TCRgd", "CD161 IFNg CD45RA", "Perforin GranzymeB TNFa CCR6 CD107a CD27 CD38"),
    "B": ("CD45 CD19 CD20", "HLADR CD45RA CXCR5", "CCR6 CD27 CCR7 CD38 IFNg"),
    "NK": ("CD45 CD56 Perforin GranzymeB", "CD16 CD45RA IFNg CD38", "CD161 CD57 MIP1b CD107a TNFa CD69"),
    "monocyte": ("CD45 CD14 CD11c", "HLADR CD38 CD4", "CD16 TNFa IFNg MIP1b CD69 CCR6"),
    "dendritic": ("CD45 HLADR", "CD11c CD123 CD4", "CD38 CCR6 IFNg CD45RA CXCR3"),
    "plasmablast": ("CD38 CD27 CD45", "CD19 HLADR", "CCR6 IFNg CXCR3 CD25"),
}
_IONS = (110.0, 24.0, 7.0)
#: Share of the cells of a type that carry a protein at all (the others have background only).
_SHARE = (0.98, 0.9, 0.7)
#: Proteins that rise and fall together with a cell's activation.
_ACTIVATION = "CD25 CD38 CD69 PD1 Perforin GranzymeB IFNg TNFa IL2 MIP1b CD107a"

#: Share of each cell type, in the order of `CELL_TYPES`.
_PROPORTIONS = {
    "control": (0.36, 0.20, 0.04, 0.12, 0.10, 0.14, 0.03, 0.01),
    "sample1": (0.22, 0.32, 0.08, 0.06, 0.14, 0.11, 0.02, 0.05),
    "sample2": (0.29, 0.26, 0.06, 0.09, 0.07, 0.16, 0.02, 0.05),
}
#: How many times more of a protein the cells of a population have than the control's. CCR6 is the true difference
#: that must survive every correction; the rest is what an infection does.
_REGULATED = {
    "control": {},
    "sample1": {"CCR6": 6.0, "CD38": 1.5, "HLADR": 1.3, "CD69": 1.4, "CXCR3": 1.2, "CD127": 0.8},
    "sample2": {"CD38": 1.6, "HLADR": 1.2, "PD1": 1.3, "CD127": 0.9, "GranzymeB": 1.2},
}
#: The panel and the two instruments are the same for every seed: a seed draws other cells, not another experiment.
_INSTRUMENT_SEED = 2018


def _expression() -> tuple[np.ndarray, np.ndarray]:
    """Return per cell type and protein the typical number of ions, and the share of cells that carry the protein."""
    ions = np.zeros((len(CELL_TYPES), len(PROTEINS)))
    share = np.zeros_like(ions)
    for row, levels in enumerate(CELL_TYPES.values()):
        for level, proteins in enumerate(levels):
            columns = [PROTEINS.index(protein) for protein in proteins.split()]
            ions[row, columns] = _IONS[level]
            share[row, columns] = _SHARE[level]
    return ions, share


def biology(rng: np.random.Generator, population: str, n_cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw cells of a population.

    Returns the types (cells,), as indices into `CELL_TYPES`, and the abundances (cells, proteins) in ions that a
    perfect instrument would count. Abundances are log-normal where a cell carries the protein, with a factor shared
    by all proteins of a cell (its size) and one shared by what activation brings; background otherwise.
    """
    panel = np.random.default_rng(_INSTRUMENT_SEED)
    background = np.exp(panel.uniform(np.log(0.6), np.log(6.0), len(PROTEINS)))
    activated = np.isin(PROTEINS, _ACTIVATION.split())
    ions, share = _expression()
    types = rng.choice(len(CELL_TYPES), n_cells, p=_PROPORTIONS[population])
    size = rng.normal(0, 0.2, (n_cells, 1))
    activation = rng.normal(0, 0.45, (n_cells, 1))
    carries = rng.random((n_cells, len(PROTEINS))) < share[types]
    level = np.where(carries, ions[types], 0.0) + background
    regulated = np.array([_REGULATED[population].get(protein, 1.0) for protein in PROTEINS])
    noise = rng.normal(0, 0.45, (n_cells, len(PROTEINS)))
    return types, level * regulated * np.exp(noise + size + activation * activated)


def _instrument(batch: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the gain (cell types, proteins) of a batch, and the intensity (proteins,) at which it saturates.

    Batch 1 is the measure, but for IFNg, of which it sees a quarter. In batch 2 about a third of the proteins is
    brighter, a third dimmer and a third nearly the same. The change is stronger in monocytes, dendritic cells and B
    cells, as unspecific binding is, and has a part of its own in each cell type.
    """
    rng = np.random.default_rng([_INSTRUMENT_SEED, 2])
    direction = rng.permutation(np.arange(len(PROTEINS)) % 3 - 1)
    change = direction * rng.uniform(0.15, 0.6, len(PROTEINS)) + rng.normal(0, 0.03, len(PROTEINS))
    own = rng.normal(0, 0.4, (len(CELL_TYPES), len(PROTEINS)))
    ceiling = np.exp(rng.uniform(np.log(250), np.log(1000), (2, len(PROTEINS))))
    change[PROTEINS.index("CCR6")] = 0.05
    own[:, PROTEINS.index("CCR6")] *= 0.2
    change[PROTEINS.index("IFNg")] = 0.0
    strength = np.array([{"monocyte": 1.6, "dendritic": 1.5, "B": 1.3, "NK": 0.8}.get(t, 1.0) for t in CELL_TYPES])
    if batch == "batch2":
        return np.exp(strength[:, None] * change + own), ceiling[1]
    gain = np.ones((len(CELL_TYPES), len(PROTEINS)))
    gain[:, PROTEINS.index("IFNg")] = 0.25
    return gain, ceiling[0]


def measure(rng: np.random.Generator, types: np.ndarray, abundance: np.ndarray, batch: str) -> np.ndarray:
    """Return intensities (cells, proteins) float32 of cells with these types and abundances in one batch."""
    gain, ceiling = _instrument(batch)
    return mass_cytometry.count_ions(rng, abundance * gain[types], ceiling)


def write(path: Path, rng: np.random.Generator, proteins: np.ndarray) -> None:
    """Write intensities (cells, proteins) as one FCS file, together with the channels that are no markers."""
    n_cells = len(proteins)
    technical = {
        "Time": np.cumsum(rng.exponential(3.0, n_cells)),
        "Event_length": rng.integers(12, 45, n_cells),
        "Ce140Di": rng.poisson(0.3, n_cells),
        "Gd157Di": rng.poisson(0.2, n_cells),
        "Ir191Di": rng.lognormal(5.0, 0.2, n_cells),
        "Ir193Di": rng.lognormal(5.6, 0.2, n_cells),
        "Pt195Di": rng.lognormal(1.0, 0.6, n_cells),
    }
    labels = [f"{channel[2:5]}{channel[:2]}_{protein}" for channel, protein in PANEL.items()]
    values = np.column_stack([*technical.values(), proteins]).astype(np.float32)
    fcs.write_fcs(path, values, [*technical, *PANEL], [*(_TECHNICAL[channel] for channel in technical), *labels])
