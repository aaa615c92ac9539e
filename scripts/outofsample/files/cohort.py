"""What is known of the files that the cells of a study were drawn from: ``uns["cohort"]``, for data of one's own.

The dataset has it, and so has the training part of each of its tasks. It is JSON:

- ``most``: at most so many cells of each population were kept, of many populations fewer (`shares.kept_cells`); null:
  all.
- ``cells``: the number of cells of each file, by its name.
- ``populations``: [domain, condition, cells] of each population in the files.
- ``features``: where a cell's scale rests on all features of the dataset, [name, column, columns] of each, as
  ``var_names``, ``var["column"]`` and ``var["columns"]`` have them; else none.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from outofsample.errors import UserError
from outofsample.files.shares import kept_cells

#: Why a method gives no files of a cohort back.
ONLY_ITS_FIT = "such a method corrects only the cells that it was fitted to"


@dataclass(frozen=True)
class Cohort:
    """The files of one's own data as they are, whatever part of their cells was drawn; see the module."""

    most: int | None
    cells: dict[str, int]
    populations: list[tuple[str, str, int]]
    features: list[tuple[str, str, str]]

    @property
    def drawn(self) -> bool:
        """Whether some population has more cells than were kept."""
        sizes = {(domain, condition): size for domain, condition, size in self.populations}
        return kept_cells(sizes, self.most) != sizes

    def size(self, domain: str, condition: str) -> int:
        """Return the number of cells of a population in the files."""
        return next((size for *pair, size in self.populations if pair == [domain, condition]), 0)

    def to_json(self) -> str:
        """Return the text that `from_json` reads."""
        return json.dumps(vars(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return what `to_json` wrote."""
        return cls(**json.loads(text))


def read_cohort(path: str | Path) -> Cohort | None:
    """Return what a dataset or a training part says of its files; None where it says nothing.

    Raises
    ------
    UserError
        If it is another file.
    """
    import h5py

    try:
        with h5py.File(path) as file:
            uns = file["uns"]
            return Cohort.from_json(uns["cohort"].asstr()[()]) if "cohort" in uns else None
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"{path}: this is not a readable h5ad file ({error}).") from error
