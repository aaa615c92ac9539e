"""HeLa cells under single drugs (mass cytometry, 24 proteins): the example of DRUG-NEM.

Origin: ``anchangben/DRUGNEM``, ``drugnem/data/heladatamatrix.rdata``; Anchang et al. 2018,
doi:10.1073/pnas.1711365115. The authors' package sorts the cells into two clusters, which are the two populations
here: what a drug did to one cluster is to be told for the other, and was measured there too.

The file is read as the authors publish it, or rewritten as AnnData (``format: h5ad``); the values are the same.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from outofsample.datasets.support import base, treatment_matrix
from outofsample.errors import UserError
from outofsample.files import fcs
from outofsample.files.h5ad_check import read_anndata

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

#: Name and digest of the file in each format.
FILES = {
    "rdata": ("heladatamatrix.rdata", "08e80a6267660e3e92d03df91b60e6236619d03869f7c37f98cfe6e288c0f0a9"),
    "h5ad": ("hela_1542cells_24markers.h5ad", "08495f6371ab250f84ad7a805a43cbcee35ee56380b89064d9265b6ae8e94132"),
}
_URL = (
    "https://raw.githubusercontent.com/anchangben/DRUGNEM/e2e64b72e56b203a675f578d833b45213ace7d49/"
    "drugnem/data/heladatamatrix.rdata"
)
#: The drugs in the order of the matrix's codes 1, 2, ..., as the package's manual gives it.
DRUGS = ("BASAL", "TRAIL", "GSK", "GDC", "SB")
_MARKERS = (
    "pHistoneH3 pBadSer112 cCaspase3 p4EBP1 RSK2 pP38 cCaspase7 pP90RSK pNFkB S6 Ki67 pMAPKAPK-2 pBCL-2 Bid pAkt "
    "pBadS136 pRb pHSP27 pErk IkBalpha cPARP pS6 pAMPK MCL-1"
)
MARKERS = tuple(_MARKERS.split())
#: The matrix's columns with treatment and cluster.
_TREATMENT, _CLUSTER = "treatment", "groups"


@dataclass(frozen=True)
class Settings:
    """How the file becomes the dataset.

    Attributes
    ----------
    folder
        The dataset's folder in ``data_dir``.
    format
        ``rdata``: the authors' matrix, which is downloaded where it is not in the folder; ``h5ad``: rewritten as
        AnnData, without an address.
    cofactor
        Values are arcsinh(x / cofactor).
    """

    folder: str = "drugnem_hela_cytof"
    format: Literal["rdata", "h5ad"] = "rdata"
    cofactor: float = fcs.COFACTORS["mass"]

    def __post_init__(self):
        base.check_settings(self)
        if self.format not in FILES:
            raise ValueError(f"format must be one of {', '.join(FILES)}, not {self.format}")


class Dataset(base.Dataset):
    """One file: condition is the drug (`DRUGS`), domain "cluster1" or "cluster2"."""

    Settings = Settings
    how_to_get = "'format: rdata' downloads the authors' own matrix, whose values are the same"

    def raw_files(self) -> list[base.RawFile]:
        """Return the one file with its digest, and its address where it has one."""
        name, digest = FILES[self.settings.format]
        return [base.RawFile(name, digest, _URL if self.settings.format == "rdata" else None)]

    def load(self, paths: dict[str, Path]) -> "AnnData":
        """Read the file; see `base.Dataset.load`. Cells are named CLUSTER_DRUG_ROW."""
        import anndata
        import pandas as pd

        read = _read_rdata if self.settings.format == "rdata" else _read_h5ad
        values, drugs, clusters = read(paths[FILES[self.settings.format][0]])
        obs = pd.DataFrame({"condition": drugs, "domain": [f"cluster{number}" for number in clusters]})
        obs.index = obs["domain"] + "_" + obs["condition"] + "_" + obs.index.astype(str)
        return anndata.AnnData(
            fcs.transform(values.to_numpy(np.float32), self.settings.cofactor),
            obs=obs,
            var=pd.DataFrame(index=values.columns.astype(str)),
        )


def _read_rdata(path: Path) -> tuple["pd.DataFrame", np.ndarray, np.ndarray]:
    """Return intensities (cells, `MARKERS`), drugs (cells,) and numbers of clusters (cells,) of the authors' matrix.

    Raises
    ------
    UserError
        If it is no such matrix; the message says what is missing.
    """
    table, drugs = treatment_matrix.read_matrix(path, _TREATMENT, DRUGS, DRUGS)
    if missing := [name for name in (*MARKERS, _CLUSTER) if name not in table]:
        raise UserError(f"{path}: the column '{missing[0]}' is missing; the matrix has {', '.join(table.columns)}.")
    values = table[list(MARKERS)]
    treatment_matrix.check_scale(path, values.to_numpy(), transformed=False)
    return values, drugs, table[_CLUSTER].to_numpy().astype(int)


def _read_h5ad(path: Path) -> tuple["pd.DataFrame", np.ndarray, np.ndarray]:
    """Return the same of the AnnData file.

    Raises
    ------
    UserError
        If the file cannot be read, or lacks a column of obs.
    """
    try:
        raw = read_anndata(path)
    except (OSError, KeyError) as error:
        raise UserError(f"{path}: this is no AnnData file that can be read ({error}); copy it again.") from error
    if missing := [column for column in ("treatment", "ccast_group") if column not in raw.obs]:
        listed = ", ".join(raw.obs.columns) or "nothing"
        raise UserError(f"{path}: obs['{missing[0]}'] is missing; obs has {listed}.")
    return raw.to_df(), raw.obs["treatment"].astype(str).to_numpy(), raw.obs["ccast_group"].to_numpy()
