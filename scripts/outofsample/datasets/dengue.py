"""Two people with dengue and a control, measured in two batches (mass cytometry, 35 proteins), or a stand-in.

The real files (Amodio et al. 2018, used by both Neuron Editing papers) are not public; they are read where a user
has them. Otherwise a simulator writes FCS files of the same form, and adds ``Sample1_in_batch2.fcs``: the cells of
Sample1 as the instrument of batch 2 would have measured them, cell by cell.

The simulator has two stages. *Biology* draws for each cell a type and the abundance of each protein. *Measurement*
turns abundances into intensities as one batch's instrument does: a gain per protein, stronger or weaker in some
cell types, saturation, and the counting of ions. Only the measurement differs between the batches.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.datasets.support import base
from outofsample.datasets.support.dengue_simulator import biology, measure, write
from outofsample.errors import UserError
from outofsample.files import fcs, panels

if TYPE_CHECKING:
    from anndata import AnnData

#: Domain and condition of each file; the last one is the stand-in's truth.
FILES = {
    "Control1.fcs": ("control", "batch1"),
    "Control2.fcs": ("control", "batch2"),
    "Sample1.fcs": ("sample1", "batch1"),
    "Sample2.fcs": ("sample2", "batch2"),
    "Sample1_in_batch2.fcs": ("sample1", "batch2"),
}
TRUTH = "Sample1_in_batch2.fcs"


@dataclass(frozen=True)
class Settings:
    """How the files become one table, and how large the stand-in is.

    Attributes
    ----------
    folder
        The dataset's folder in ``data_dir``, where the real files are.
    control1_cells, control2_cells, sample1_cells, sample2_cells
        Cells of the stand-in's files; the papers' data have 18,919, 22,802, 94,556 and 55,594.
    seed
        Seed of the stand-in.
    cofactor
        Values are arcsinh(x / cofactor).
    include, exclude
        Channels to use instead of the rule's (`markers.why_no_markers`), and channels to leave out.
    """

    folder: str = "dengue"
    control1_cells: int = 3000
    control2_cells: int = 3000
    sample1_cells: int = 3000
    sample2_cells: int = 3000
    seed: int = 0
    cofactor: float = fcs.COFACTORS["mass"]
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __post_init__(self):
        sizes = ("control1_cells", "control2_cells", "sample1_cells", "sample2_cells")
        base.check_settings(self, tuples=("include", "exclude"), at_least_two=sizes)


class Dataset(base.Dataset):
    """Four files: condition is the batch ("batch1", "batch2"), domain "control", "sample1" or "sample2"."""

    Settings = Settings
    can_simulate = True

    def raw_files(self) -> list[base.RawFile]:
        """Return the four real files; they are not public, so without address and digest."""
        return [base.RawFile(name) for name in FILES if name != TRUTH]

    def simulated_files(self) -> list[base.RawFile]:
        """Return the stand-in's four files and its truth."""
        return [base.RawFile(name) for name in FILES]

    def simulate(self, folder: Path) -> None:
        """Write the stand-in as FCS files; the same seed gives the same bytes."""
        settings = self.settings
        cells = {
            "Control1.fcs": settings.control1_cells,
            "Control2.fcs": settings.control2_cells,
            "Sample1.fcs": settings.sample1_cells,
            "Sample2.fcs": settings.sample2_cells,
        }
        streams = np.random.default_rng(settings.seed).spawn(len(FILES))
        rngs = dict(zip(FILES, streams, strict=True))
        for name, n_cells in cells.items():
            domain, batch = FILES[name]
            types, abundance = biology(rngs[name], domain, n_cells)
            write(folder / name, rngs[name], measure(rngs[name], types, abundance, batch))
            if name == "Sample1.fcs":
                write(folder / TRUTH, rngs[TRUTH], measure(rngs[TRUTH], types, abundance, FILES[TRUTH][1]))

    def load(self, paths: dict[str, Path]) -> "AnnData":
        """Read the four files, and the truth where it is given; see `base.Dataset.load`.

        With the truth, ``obs["pair_id"]`` is the same for a cell of Sample1 and the same cell measured in batch 2,
        and "" for all others. Cells are named FILE_ROW.
        """
        import pandas as pd
        from anndata import AnnData

        settings = self.settings
        names = [name for name in FILES if name in paths or name != TRUTH]
        ordered = [paths[name] for name in names]
        values, markers = panels.read_markers(ordered, settings.cofactor, settings.include, settings.exclude)
        sizes = {name: len(block) for name, block in zip(names, values, strict=True)}
        if sizes.get(TRUTH, sizes["Sample1.fcs"]) != sizes["Sample1.fcs"]:
            raise UserError(f"{paths[TRUTH]}: its cells must be those of Sample1.fcs, one by one in the same order.")
        tables = []
        for name, n_cells in sizes.items():
            domain, condition = FILES[name]
            index = [f"{Path(name).stem}_{row}" for row in range(n_cells)]
            table = pd.DataFrame({"condition": condition, "domain": domain}, index=index)
            if TRUTH in sizes:
                table["pair_id"] = np.arange(n_cells).astype(str) if domain == "sample1" else ""
            tables.append(table)
        return AnnData(np.concatenate(values), obs=pd.concat(tables), var=pd.DataFrame(index=list(markers)))
