"""Leukaemia cells under two drugs, alone and together (mass cytometry, 41 proteins), or a stand-in.

Neuron Editing, Section 3.3: basal cells are the source, cells under dasatinib (Das) the target, cells under BEZ-235
(Bez) the query, and cells under both the truth. The real data (patient UPN7 of Anchang et al. 2018, DRUG-NEM,
doi:10.1073/pnas.1711365115) are not in a public repository; they are read where a user has them, as the authors'
R matrix or as one FCS file per treatment.

The stand-in draws independent cells for each treatment, as an experiment does. Each has a type and a state (signalling
through Src kinases, growth, stress, cycling); a small model of the pathways turns these and the drugs into activities.
What a drug does depends on type and state, and the two drugs do not simply add up: pS6 needs mTOR or Erk, cells die
when they have neither, p4EBP1 needs Src and mTOR both and can't fall below its floor.
"""

import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from outofsample.datasets.support import base, mass_cytometry
from outofsample.errors import UserError, did_you_mean
from outofsample.files import fcs

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

#: Domain and condition of each treatment, in the order of the authors' codes 1, 2, ... The domain is what the cells
#: have already, the condition what is added: the same drug is the same condition in every domain.
TREATMENTS = {
    "Basal": ("none", "basal"),
    "Bez": ("Bez", "basal"),
    "Bez+Das": ("Bez", "Das"),
    "Bez+Tof": ("Bez", "Tof"),
    "Das": ("none", "Das"),
    "Das+Tof": ("Das", "Tof"),
    "Tof": ("none", "Tof"),
}
#: The treatments of the papers, which the stand-in has too.
PAPERS = ("Basal", "Das", "Bez", "Bez+Das")
RDATA = "UPN7datamatrix.rdata"
#: Column of the authors' matrices that numbers cell clusters; no marker.
_CLUSTERS = "groups"

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


@dataclass(frozen=True)
class Settings:
    """How the files become one table, and how large the stand-in is.

    Attributes
    ----------
    folder
        The dataset's folder in ``data_dir``, where the real files are.
    format
        What the real files are: ``rdata``, the authors' matrix ``UPN7datamatrix.rdata``, or ``fcs``, one file per
        treatment: Basal.fcs, Das.fcs, Bez.fcs, Bez_Das.fcs.
    treatments
        Treatments to take, out of the keys of `TREATMENTS`.
    treatment_column
        Column of the R matrix that says which treatment a cell had: a code, or the treatment's name.
    treatment_order
        Treatments in the order of the codes 1, 2, ... in that column.
    transformed
        Whether the values of the R matrix are arcsinh(x / cofactor) already, and not intensities.
    basal_cells, das_cells, bez_cells, bez_das_cells
        Cells of the stand-in's files; the papers' data have 19,925, 20,078, 19,843 and 19,764.
    seed
        Seed of the stand-in.
    cofactor
        Values are arcsinh(x / cofactor).
    include, exclude
        Channels to use instead of the rule's (`fcs.is_marker`), and channels to leave out.
    """

    folder: str = "drug_combination"
    format: Literal["rdata", "fcs"] = "rdata"
    treatments: tuple[str, ...] = PAPERS
    treatment_column: str = "treatment"
    treatment_order: tuple[str, ...] = tuple(TREATMENTS)
    transformed: bool = False
    basal_cells: int = 3000
    das_cells: int = 3000
    bez_cells: int = 3000
    bez_das_cells: int = 3000
    seed: int = 0
    cofactor: float = fcs.COFACTORS["mass"]
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __post_init__(self):
        base.check_settings(
            self,
            tuples=("treatments", "treatment_order", "include", "exclude"),
            at_least_two=("basal_cells", "das_cells", "bez_cells", "bez_das_cells"),
        )
        if self.format not in ("rdata", "fcs"):
            raise ValueError(f"format must be rdata or fcs, not {self.format}")
        for name in ("treatments", "treatment_order"):
            chosen = getattr(self, name)
            if not chosen or len(set(chosen)) < len(chosen) or not set(chosen) <= set(TREATMENTS):
                raise ValueError(f"{name} must name some of {', '.join(TREATMENTS)}, each once, not {list(chosen)}")


def _file_name(treatment: str) -> str:
    """Return the FCS file of a treatment; a plus sign has no place in the name of a job's output."""
    return f"{treatment.replace('+', '_')}.fcs"


class Dataset(base.Dataset):
    """Treatments as (domain, condition), see `TREATMENTS`: domain "none", "Bez" or "Das"; condition "basal", ..."""

    Settings = Settings
    can_simulate = True

    def raw_files(self) -> list[base.RawFile]:
        """Return the matrix, or one FCS file per treatment; without address and digest."""
        return [base.RawFile(RDATA)] if self.settings.format == "rdata" else self._fcs_files()

    def simulated_files(self) -> list[base.RawFile]:
        """Return the stand-in's files, one per treatment."""
        return self._fcs_files()

    def _fcs_files(self) -> list[base.RawFile]:
        return [base.RawFile(_file_name(treatment)) for treatment in self.settings.treatments]

    def use_simulated(self, data_dir: Path) -> bool:
        """See `base.Dataset.use_simulated`; real files in the other format are not passed over in silence.

        Raises
        ------
        UserError
            If only some of the real files are there, or those of the other ``format``.
        """
        if not super().use_simulated(data_dir):
            return False
        folder = Path(data_dir) / self.settings.folder
        formats = {"rdata": [RDATA], "fcs": [file.name for file in self._fcs_files()]}
        for other, names in formats.items():
            found = [name for name in names if (folder / name).is_file()]
            if found:
                raise UserError(
                    f"{folder}: {found[0]} is there, but the dataset's 'format' is '{self.settings.format}'; set it to "
                    f"'{other}', or remove the file to use the simulated stand-in."
                )
        return True

    def simulate(self, folder: Path) -> None:
        """Write the stand-in as FCS files; the same seed gives the same bytes.

        Raises
        ------
        UserError
            If ``treatments`` asks for one that the stand-in does not have.
        """
        settings = self.settings
        sizes = (settings.basal_cells, settings.das_cells, settings.bez_cells, settings.bez_das_cells)
        streams = np.random.default_rng(settings.seed).spawn(len(PAPERS))
        stand_in = {name: (n_cells, rng) for name, n_cells, rng in zip(PAPERS, sizes, streams, strict=True)}
        if missing := [name for name in settings.treatments if name not in stand_in]:
            raise UserError(
                f"drug_combination: the stand-in has the treatments {', '.join(PAPERS)} alone; take {missing[0]} out "
                f"of 'treatments', or put the real data into the folder '{settings.folder}' of the data folder."
            )
        for name in settings.treatments:
            n_cells, rng = stand_in[name]
            _write(folder / _file_name(name), rng, _cells(rng, n_cells, "Das" in name, "Bez" in name))

    def load(self, paths: dict[str, Path]) -> "AnnData":
        """Read the matrix or the FCS files; see `base.Dataset.load`.

        ``obs["treatment"]`` has the treatment's own name. Cells are named TREATMENT_ROW.
        """
        import pandas as pd
        from anndata import AnnData

        settings = self.settings
        if RDATA in paths:
            blocks, markers = _read_rdata(paths[RDATA], settings)
        else:
            ordered = [paths[_file_name(name)] for name in settings.treatments]
            blocks, markers = fcs.read_markers(ordered, settings.cofactor, settings.include, settings.exclude)
        tables = []
        for treatment, block in zip(settings.treatments, blocks, strict=True):
            domain, condition = TREATMENTS[treatment]
            obs = {"condition": condition, "domain": domain, "treatment": treatment}
            tables.append(pd.DataFrame(obs, index=[f"{treatment}_{row}" for row in range(len(block))]))
        return AnnData(np.concatenate(blocks), obs=pd.concat(tables), var=pd.DataFrame(index=list(markers)))


def _read_rdata(path: Path, settings: Settings) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """Return per treatment an array (cells, markers) float32 after arcsinh, and the names of the markers.

    Raises
    ------
    UserError
        If the file can't be read, has no column of treatments or other treatments than those asked for, or its
        values are no finite intensities; the message lists what was found.
    """
    table = _find_table(path, settings.treatment_column)
    treatment = _treatment_names(path, table[settings.treatment_column], settings.treatment_order)
    if missing := [name for name in settings.treatments if (treatment == name).sum() < 2]:
        found = ", ".join(f"{name} ({(treatment == name).sum():,} cells)" for name in dict.fromkeys(treatment))
        raise UserError(f"{path}: treatment '{missing[0]}' has fewer than 2 cells; the file has {found}.")
    channels = table.select_dtypes("number").drop(columns=[settings.treatment_column, _CLUSTERS], errors="ignore")
    names = tuple(channels.columns.astype(str))
    panel = fcs.FcsFile(path.name, channels.to_numpy(np.float32), names, names)
    columns, markers = fcs.select_markers(panel, settings.include, settings.exclude)
    values = panel.values[:, columns]
    _check_scale(path, values, settings.transformed)
    if not settings.transformed:
        values = fcs.transform(values, settings.cofactor)
    return [values[treatment == name] for name in settings.treatments], markers


def _find_table(path: Path, column: str) -> "pd.DataFrame":
    """Return the one matrix or data frame in an R file that has ``column``, with unique column names."""
    import pandas as pd
    import rdata

    try:
        with warnings.catch_warnings():
            # rdata says on which assumption it reads a file of another kind; the error says it better.
            warnings.simplefilter("ignore")
            objects = dict(rdata.read_rda(path))
    except FileNotFoundError as error:
        raise UserError(f"{path}: this file does not exist; give the path of the R matrix.") from error
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RuntimeError,
        EOFError,
        OSError,
    ) as error:
        raise UserError(
            f"{path}: this is no R data file that can be read ({type(error).__name__}: {error}); "
            "write the matrix again with R's save()."
        ) from error
    tables = {}
    for name, value in objects.items():
        if isinstance(value, pd.DataFrame):
            tables[name] = value
        # rdata gives a matrix with column names as a labelled array, one without as a bare array.
        elif getattr(value, "ndim", 0) == 2 and "dim_1" in getattr(value, "coords", ()):
            tables[name] = pd.DataFrame(value.values, columns=value.coords["dim_1"].values)
    fitting = [name for name, table in tables.items() if column in table.columns]
    if len(fitting) != 1:
        listed = "; ".join(f"{name}: {', '.join(map(str, table.columns))}" for name, table in tables.items())
        others = {str(name) for table in tables.values() for name in table.columns} - {column}
        near = "" if fitting else did_you_mean(column, sorted(others))
        raise UserError(
            f"{path}: exactly one matrix (cells x columns, with column names) must have the column '{column}'{near} "
            f"that says which treatment a cell had, see 'treatment_column'; {len(fitting)} have it. The file holds "
            f"{listed or 'no matrix with column names'}."
        )
    table = tables[fitting[0]]
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        raise UserError(f"{path}: the column '{twice}' of {fitting[0]} occurs twice; column names must be unique.")
    return table


def _treatment_names(path: Path, column: "pd.Series", order: tuple[str, ...]) -> np.ndarray:
    """Return the treatment (cells,) of each cell from codes 1, 2, ..., or from names in any case."""
    import pandas as pd

    found = column.unique()
    known = {str(code): name for code, name in enumerate(order, start=1)}
    known |= {name.casefold(): name for name in TREATMENTS}
    numeric = pd.api.types.is_numeric_dtype(column)
    keys = {value: f"{value:g}" if numeric else str(value).strip().casefold() for value in found}
    if unknown := [key if numeric else str(value) for value, key in keys.items() if key not in known]:
        raise UserError(
            f"{path}: column '{column.name}' holds {', '.join(unknown[:5])}; it must hold the codes 1 to {len(order)} "
            f"(in the order {', '.join(order)}, see 'treatment_order') or these names."
        )
    return column.map({value: known[key] for value, key in keys.items()}).to_numpy().astype(str)


def _check_scale(path: Path, values: np.ndarray, transformed: bool) -> None:
    """Raise `UserError` unless the values are finite, and intensities or transformed as the settings say.

    arcsinh(x / 5) of an intensity stays below 12 (x < 400,000), and counts of ions go far above it.
    """
    if not np.isfinite(values).all():
        raise UserError(f"{path}: {(~np.isfinite(values)).sum():,} values of the markers are NaN or infinite.")
    if (values.max() < 12) != transformed:
        kind = "intensities, not transformed" if transformed else "transformed already"
        raise UserError(
            f"{path}: the markers' values reach from {values.min():g} to {values.max():g} and seem to be {kind}; "
            f"set 'transformed: {str(not transformed).lower()}', or leave out columns that are no markers ('exclude')."
        )


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


def _cells(rng: np.random.Generator, n_cells: int, das: bool, bez: bool) -> np.ndarray:
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


def _write(path: Path, rng: np.random.Generator, proteins: np.ndarray) -> None:
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
