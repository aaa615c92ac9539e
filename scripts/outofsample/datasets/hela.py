"""HeLa cells under single drugs (mass cytometry, 24 proteins): the example of DRUG-NEM.

Origin: ``anchangben/DRUGNEM``, ``drugnem/data/heladatamatrix.rdata``; Anchang et al. 2018,
doi:10.1073/pnas.1711365115. The authors' package sorts the cells into two clusters, which are the two populations
here: what a drug did to one cluster is to be told for the other, and was measured there too.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from outofsample.datasets.support import base
from outofsample.errors import UserError
from outofsample.files import fcs

if TYPE_CHECKING:
    from anndata import AnnData

FILE = "hela_1542cells_24markers.h5ad"
_SHA256 = "08495f6371ab250f84ad7a805a43cbcee35ee56380b89064d9265b6ae8e94132"


@dataclass(frozen=True)
class Settings:
    """How the file becomes the dataset.

    Attributes
    ----------
    folder
        The dataset's folder in ``data_dir``.
    cofactor
        Values are arcsinh(x / cofactor).
    """

    folder: str = "drugnem_hela_cytof"
    cofactor: float = fcs.COFACTORS["mass"]

    def __post_init__(self):
        base.check_settings(self)


class Dataset(base.Dataset):
    """One file: condition is the drug ("BASAL", "TRAIL", "GSK", "GDC", "SB"), domain "cluster1" or "cluster2"."""

    Settings = Settings

    def raw_files(self) -> list[base.RawFile]:
        """Return the one file; the authors' R matrix in this form has no public address."""
        return [base.RawFile(FILE, _SHA256)]

    def load(self, paths: dict[str, Path]) -> "AnnData":
        """Read the file; see `base.Dataset.load`. Cells are named CLUSTER_DRUG_ROW."""
        import anndata
        import pandas as pd

        path = paths[FILE]
        try:
            raw = anndata.read_h5ad(path)
        except (OSError, KeyError) as error:
            raise UserError(f"{path}: this is no AnnData file that can be read ({error}); copy it again.") from error
        if missing := [column for column in ("treatment", "ccast_group") if column not in raw.obs]:
            listed = ", ".join(raw.obs.columns) or "nothing"
            raise UserError(f"{path}: obs['{missing[0]}'] is missing; obs has {listed}.")
        obs = pd.DataFrame(
            {
                "condition": raw.obs["treatment"].astype(str).to_numpy(),
                "domain": [f"cluster{number}" for number in raw.obs["ccast_group"]],
            }
        )
        obs.index = obs["domain"] + "_" + obs["condition"] + "_" + obs.index.astype(str)
        return anndata.AnnData(
            fcs.transform(raw.X, self.settings.cofactor), obs=obs, var=pd.DataFrame(index=raw.var_names)
        )
