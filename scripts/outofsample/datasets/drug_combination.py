"""Leukaemia cells under two drugs, alone and together (mass cytometry, 41 proteins), or a stand-in.

Neuron Editing, Section 3.3: basal cells are the source, cells under dasatinib (Das) the target, cells under BEZ-235
(Bez) the query, and cells under both the truth. The real data are patient UPN7 of Anchang et al. 2018 (DRUG-NEM,
doi:10.1073/pnas.1711365115). The manual of the authors' package names a public folder with them, from which a browser
alone can take them; so they are read where a user has put them, as the authors' R matrix or as one FCS file per
treatment. The matrix is read in the form that the authors' public one of HeLa cells has (`treatment_matrix`).

The stand-in draws independent cells for each treatment, as an experiment does. Each has a type and a state (signalling
through Src kinases, growth, stress, cycling); a small model of the pathways turns these and the drugs into activities.
What a drug does depends on type and state, and the two drugs do not simply add up: pS6 needs mTOR or Erk, cells die
when they have neither, p4EBP1 needs Src and mTOR both and can't fall below its floor.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from outofsample.datasets.support import base, treatment_matrix
from outofsample.datasets.support.drug_combination_simulator import draw_cells, write
from outofsample.errors import UserError
from outofsample.files import fcs, panels

if TYPE_CHECKING:
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
#: How the manual spells markers that the paper's figures call otherwise.
_SPELLINGS = {"4ebp1": "p4EBP1", "pstat5": "pSTAT5"}


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
        Channels to use instead of the rule's (`markers.why_no_markers`), and channels to leave out.
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
    how_to_get = (
        "The manual of the authors' package (github.com/anchangben/DRUGNEM) names a public folder with the matrix, "
        f"https://stanford.box.com/s/ljb09b7wzwuqmm49ahbsb6qzcqo4ruew: take {RDATA} from there with a browser and put "
        "it into the folder 'drug_combination' (setting 'folder') of data_dir"
    )

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
            proteins = draw_cells(rng, n_cells, "Das" in name, "Bez" in name)
            write(folder / _file_name(name), rng, proteins)

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
            blocks, markers = panels.read_markers(ordered, settings.cofactor, settings.include, settings.exclude)
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
    table, treatment = treatment_matrix.read_matrix(
        path, settings.treatment_column, settings.treatment_order, TREATMENTS
    )
    if missing := [name for name in settings.treatments if (treatment == name).sum() < 2]:
        found = ", ".join(f"{name} ({(treatment == name).sum():,} cells)" for name in dict.fromkeys(treatment))
        raise UserError(f"{path}: treatment '{missing[0]}' has fewer than 2 cells; the file has {found}.")
    channels = table.select_dtypes("number")
    names = tuple(name for name in channels.columns.astype(str) if not treatment_matrix.NO_MARKER.match(name))
    labels = tuple(_SPELLINGS.get(name.casefold(), name) for name in names)
    panel = fcs.FcsFile(path.name, channels[list(names)].to_numpy(np.float32), names, labels)
    columns, markers = fcs.select_markers(panel, settings.include, settings.exclude)
    values = panel.values[:, columns]
    treatment_matrix.check_scale(path, values, settings.transformed)
    if not settings.transformed:
        values = fcs.transform(values, settings.cofactor)
    return [values[treatment == name] for name in settings.treatments], markers
