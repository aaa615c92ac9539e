"""Control samples of CytoNorm (mass cytometry): two volunteers, each measured in three batches.

Volunteer 1 is the spike-in, volunteer 2 the sample. Since volunteer 2 was measured in every batch too, a task on
these data has a truth. Origin and licence: `saeyslab/CytoNorm`, ``inst/extdata``; Van Gassen et al. 2020,
doi:10.1002/cyto.a.23904.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.datasets.support import base
from outofsample.files import fcs, panels

if TYPE_CHECKING:
    from anndata import AnnData

_URL = "https://raw.githubusercontent.com/saeyslab/CytoNorm/{commit}/inst/extdata/{name}"
#: Batch PTLG026 was removed from later versions of the repository, hence two commits.
_COMMITS = {
    "PTLG021": "af5a8279d3c4580c138b6c59c5e49cdbacc59540",
    "PTLG026": "73114c215fec52ca2b861b93ccfd6ba86b361453",
    "PTLG028": "af5a8279d3c4580c138b6c59c5e49cdbacc59540",
}
_SHA256 = {
    ("PTLG021", 1): "852c6c346168e4e39e7d990729d41aa6cd53d0794debeb73bc396292678f58b8",
    ("PTLG021", 2): "53e2e57ef6a2c376ab43ce18b096e16d3043b1ea48c6a990b4fb2d08b6166bcd",
    ("PTLG026", 1): "e5b97008a47252d311931d2de48483522947a158d8701b8b7aa8889ee7ead01a",
    ("PTLG026", 2): "4a13f4e7b8dae6c1fa17cdd67255946e0f45a4c3f715e3c9d21c3588b44d96d0",
    ("PTLG028", 1): "78b8d9afab4e79e72b6efe8c4f4e50e452ec82936481de1b7056b2f11d88dcb1",
    ("PTLG028", 2): "d299ad706a5d643b2bc3ac4b49899a76b7cd2f6bc214a1fe6c1f4aada14b04f4",
}

_README_MARKERS = (
    "CD235ab_CD61 CD45 CD66 CD7 CD19 CD45RA CD11b CD4 CD8a CD11c CD123 CREB STAT5 p38 TCRgd STAT1 STAT3 S6 CXCR3 "
    "CD161 CD33 MAPKAPK2 Tbet FoxP3 IkB CD16 NFkB ERK CCR9 CD25 CD3 CCR7 CD15 CCR2 HLADR CD14 CD56"
)
#: The markers that the package's README uses for normalisation.
MARKERS = tuple(_README_MARKERS.split())


@dataclass(frozen=True)
class Settings:
    """How the control files become one table.

    Attributes
    ----------
    folder
        The dataset's folder in ``data_dir``.
    markers
        Channels to use, by antibody or short name; none: chosen by the rule of `markers.why_no_markers`.
    cofactor
        Values are arcsinh(x / cofactor).
    cells_per_file
        At most so many cells of each file, drawn without replacement; None: all.
    seed
        Seed of that draw.
    """

    folder: str = "cytonorm_controls"
    markers: tuple[str, ...] = MARKERS
    cofactor: float = fcs.COFACTORS["mass"]
    cells_per_file: int | None = None
    seed: int = 0

    def __post_init__(self):
        base.check_settings(self, tuples=("markers",), at_least_two=("cells_per_file",))


def _file_name(batch: str, volunteer: int) -> str:
    return f"Gates_{batch}_Unstim_Control_{volunteer}.fcs"


class Dataset(base.Dataset):
    """Six files: condition is the batch ("PTLG021", ...), domain the volunteer ("volunteer1", "volunteer2")."""

    Settings = Settings

    def raw_files(self) -> list[base.RawFile]:
        """Return the six files with their digests and addresses."""
        named = [(_file_name(batch, volunteer), batch, digest) for (batch, volunteer), digest in _SHA256.items()]
        return [
            base.RawFile(name, digest, _URL.format(commit=_COMMITS[batch], name=name)) for name, batch, digest in named
        ]

    def load(self, paths: dict[str, Path]) -> "AnnData":
        """Read the six files; see `base.Dataset.load`. Cells are named BATCH_VOLUNTEER_ROW."""
        import pandas as pd
        from anndata import AnnData

        settings = self.settings
        ordered = [paths[_file_name(*key)] for key in _SHA256]
        values, markers = panels.read_markers(ordered, settings.cofactor, include=settings.markers)
        rng = np.random.default_rng(settings.seed)
        blocks, tables = [], []
        for (batch, volunteer), block in zip(_SHA256, values, strict=True):
            rows = np.arange(len(block))
            if settings.cells_per_file is not None and settings.cells_per_file < len(block):
                rows = np.sort(rng.choice(len(block), settings.cells_per_file, replace=False))
            blocks.append(block[rows])
            index = [f"{batch}_volunteer{volunteer}_{row}" for row in rows]
            tables.append(pd.DataFrame({"condition": batch, "domain": f"volunteer{volunteer}"}, index=index))
        return AnnData(np.concatenate(blocks), obs=pd.concat(tables), var=pd.DataFrame(index=list(markers)))
