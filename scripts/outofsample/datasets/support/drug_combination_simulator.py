"""The stand-in for leukaemia cells under two drugs; what it promises, `outofsample.datasets.drug_combination` says.

A cell has a type and a state, pathways turn these and the drugs into activities, proteins read the activities, and the
instrument counts ions.
"""

import re
from pathlib import Path

import numpy as np

from outofsample.datasets.support import mass_cytometry
from outofsample.files import fcs

_ISOTOPES = (
    "89Y 113In 115In 139La 141Pr 142Nd 143Nd 144Nd 145Nd 146Nd 147Sm 148Nd 149Sm 150Nd 151Eu 152Sm 153Eu 154Sm 155Gd "
    "156Gd 157Gd 158Gd 159Tb 160Gd 161Dy 162Dy 163Dy 164Dy 165Ho 166Er 167Er 168Er 169Tm 170Er 171Yb 172Yb 173Yb 174Yb "
    "175Lu 176Yb 209Bi"
)
_IDENTITY = (
    "CD45 CD19 CD20 CD22 CD24 CD10 CD34 CD38 CD43 CD58 CD79b CD123 CD127 CD179a CD179b HLADR TdT TSLPR IgM CD3 CD33 "
    "CD16 PAX5 BCL2"
)
#: What a protein that answers to drugs reads: ions at activity 1, and the weights of the pathways' activities.
_READOUTS = {
    "p4EBP1": (180, {"translation": 0.93, "constant": 0.07}),
    "pSTAT5": (55, {"cytokine": 1.0}),
    "pS6": (150, {"mtor": 0.6, "erk": 0.4}),
    "pAkt": (45, {"pi3k": 0.8, "constant": 0.2}),
    "pErk": (40, {"erk": 1.0}),
    "pSrc": (60, {"src": 0.7, "constant": 0.3}),
    "pSyk": (40, {"src": 0.5, "stress": 0.5}),
    "pBLNK": (28, {"src": 0.6, "constant": 0.4}),
    "pPLCg2": (24, {"src": 0.5, "cytokine": 0.5}),
    "pCreb": (60, {"erk": 0.4, "stress": 0.6}),
    "pP38": (25, {"stress": 1.0}),
    "pSTAT3": (20, {"cytokine": 0.5, "stress": 0.5}),
    "pSTAT1": (12, {"cytokine": 1.0}),
    "IkBa": (50, {"growth": 0.7, "stress": 0.3}),
    "pRb": (90, {"cycle": 0.6, "mtor": 0.2, "constant": 0.2}),
    "Ki67": (110, {"cycle": 1.0}),
    "cPARP": (90, {"death": 1.0}),
}
PROTEINS = (*_IDENTITY.split(), *_READOUTS)
#: The label ($PnS) of each metal channel ($PnN).
PANEL = {
    re.sub(r"(\d+)(\D+)", r"\2\1Di", isotope): f"{isotope}_{protein}"
    for isotope, protein in zip(_ISOTOPES.split(), PROTEINS, strict=True)
}
#: Channels that are no markers: $PnN -> $PnS.
_TECHNICAL = {"Time": "", "Event_length": "", "Ir191Di": "191Ir_DNA1", "Ir193Di": "193Ir_DNA2"}

#: Per cell type: its share; which proteins it carries with many, some, few ions.
_TYPES = {
    "progenitor-like": (
        0.18,
        ("CD34 HLADR TdT", "CD45 CD38 CD43 CD58 CD123 BCL2 TSLPR", "CD19 CD10 CD22 PAX5 CD33 CD127"),
    ),
    "pro-B": (0.30, ("CD19 CD10 HLADR CD38 TdT", "CD22 CD24 CD43 CD58 CD179a PAX5 TSLPR", "CD45 CD34 CD127 CD79b")),
    "pre-B": (0.32, ("CD19 CD10 CD24 HLADR CD38", "CD22 CD179a CD179b CD79b PAX5 CD45", "IgM CD20 CD58 BCL2")),
    "immature B": (0.08, ("CD19 CD20 CD24 HLADR IgM", "CD45 CD22 CD79b PAX5 CD38", "CD10 BCL2")),
    "T": (0.08, ("CD45 CD3", "CD43 BCL2 CD127", "CD38 CD16")),
    "monocyte": (0.04, ("CD45 CD33 HLADR", "CD43 CD58 CD16 CD38", "CD123 CD24")),
}
_IONS = (110.0, 24.0, 7.0)
#: Share of the cells of a type that carry a protein at all (the others have background only).
_SHARE = (0.98, 0.9, 0.7)
#: Per cell type: drive of Src kinases, growth, cytokine signals; share of cycling cells; need of survival signals; what
#: Das leaves of Src's activity.
_DRIVES = np.array(
    [
        (0.75, 0.60, 1.20, 0.12, 0.75, 0.45),
        (1.00, 0.85, 1.00, 0.30, 1.00, 0.15),
        (1.50, 1.00, 0.80, 0.45, 1.15, 0.08),
        (1.15, 0.70, 0.60, 0.10, 0.90, 0.10),
        (0.60, 0.50, 0.90, 0.03, 0.60, 0.60),
        (1.10, 0.60, 0.70, 0.01, 0.60, 0.30),
    ]
)
_ACTIVITIES = (
    "src",
    "growth",
    "pi3k",
    "mtor",
    "translation",
    "erk",
    "stress",
    "cytokine",
    "cycle",
    "death",
    "constant",
)
#: Background and saturation of the panel are the same for every seed: a seed draws other cells.
_PANEL_SEED = 2018


def _activities(rng: np.random.Generator, types: np.ndarray, das: bool, bez: bool) -> np.ndarray:
    """Return the activities (cells, `_ACTIVITIES`) of cells of these types under drugs.

    Das stops Src kinases, less so where they are very active, and hardly in some types. Bez stops PI3K and mTOR, less
    so in cycling cells, which also frees Erk of a brake; but without Src there is nothing to free. Translation needs
    Src and mTOR both. A cell without survival signals may die, and then its signals fade.
    """
    drive, growth, cytokine, cycling, need, spared = _DRIVES[types].T
    state = rng.normal(0, 1, (5, len(types)))
    cycles = rng.random(len(types)) < cycling
    src = drive * np.exp(0.5 * state[0])
    if das:
        src = src * (spared + (1 - spared) * 0.4 * src**2 / (4 + src**2))
    growth = growth * np.exp(0.4 * state[1]) * np.where(cycles, 1.5, 1.0)
    pi3k = (0.75 * growth + 0.25 * src) * (0.25 if bez else 1.0)
    mtor = 1.6 * pi3k / (0.6 + pi3k) * (np.where(cycles, 0.85, 0.5) if bez else 1.0)
    erk = (0.15 + 1.6 * src / (0.8 + src)) * 1.4 / (0.8 + mtor)
    translation = 1.6 * mtor**0.8 * src**1.7 / (0.8 + src**1.7)
    stress = np.exp(0.4 * state[2]) * (0.7 + (0.15 if bez else 0.0))
    cytokine = cytokine * np.exp(0.45 * state[3])
    survival = mtor + 0.7 * erk + 0.15 * cytokine
    dies = rng.random(len(types)) < 0.02 + 0.7 / (1 + np.exp((survival - 0.85 * need) / 0.1))
    fades = np.where(dies, 0.5, 1.0)
    death = np.where(dies, np.exp(0.5 * state[4]), 0.02)
    cycle = np.where(cycles, 0.7 if bez else 1.0, 0.05)
    signals = [src, growth, pi3k, mtor, translation, erk]
    constant = np.ones(len(types))
    return np.column_stack([*(fades * signal for signal in signals), stress, cytokine, cycle, death, constant])


def draw_cells(rng: np.random.Generator, n_cells: int, das: bool, bez: bool) -> np.ndarray:
    """Return measured intensities (cells, proteins) float32 of new cells under a treatment.

    Abundances are log-normal where a cell carries the protein, with a factor shared by all proteins of a cell (its
    size), and background otherwise; the instrument saturates and counts ions.
    """
    panel = np.random.default_rng(_PANEL_SEED)
    background = np.exp(panel.uniform(np.log(0.4), np.log(3.0), len(PROTEINS)))
    ceiling = np.exp(panel.uniform(np.log(400), np.log(1500), len(PROTEINS)))
    shares = np.array([share for share, _ in _TYPES.values()])
    types = rng.choice(len(shares), n_cells, p=shares)
    carried = np.concatenate([_identity(rng, types), _readouts(_activities(rng, types, das, bez))], axis=1)
    noise = rng.normal(0, 0.4, carried.shape) + rng.normal(0, 0.2, (n_cells, 1))
    abundance = (carried + background) * np.exp(noise)
    return mass_cytometry.count_ions(rng, abundance, ceiling)


def _identity(rng: np.random.Generator, types: np.ndarray) -> np.ndarray:
    """Return the ions (cells, identity proteins) that cells carry by their type; drugs do not change them."""
    proteins = _IDENTITY.split()
    ions = np.zeros((len(_TYPES), len(proteins)))
    share = np.zeros_like(ions)
    for row, (_, levels) in enumerate(_TYPES.values()):
        for level, carried in enumerate(levels):
            columns = [proteins.index(protein) for protein in carried.split()]
            ions[row, columns] = _IONS[level]
            share[row, columns] = _SHARE[level]
    return np.where(rng.random((len(types), len(proteins))) < share[types], ions[types], 0.0)


def _readouts(activities: np.ndarray) -> np.ndarray:
    """Return the ions (cells, proteins of `_READOUTS`) that activities (cells, `_ACTIVITIES`) give."""
    weights = np.array([[ions * parts.get(name, 0.0) for name in _ACTIVITIES] for ions, parts in _READOUTS.values()])
    return activities @ weights.T


def write(path: Path, rng: np.random.Generator, proteins: np.ndarray) -> None:
    """Write intensities (cells, proteins) as one FCS file, together with the channels that are no markers."""
    n_cells = len(proteins)
    technical = [
        np.cumsum(rng.exponential(3.0, n_cells)),
        rng.integers(12, 45, n_cells),
        rng.lognormal(5.0, 0.2, n_cells),
        rng.lognormal(5.6, 0.2, n_cells),
    ]
    values = np.column_stack([*technical, proteins]).astype(np.float32)
    fcs.write_fcs(path, values, [*_TECHNICAL, *PANEL], [*_TECHNICAL.values(), *PANEL.values()])
