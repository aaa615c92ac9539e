"""What a study keeps of the files that its cells were drawn from: ``uns["cohort"]`` of the dataset and its tasks."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from outofsample.own.readers.support.drawing import Draw

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Cohort:
    """The files of one's own data as they are, whatever part of their cells was drawn.

    Attributes
    ----------
    most
        At most so many cells of each population were kept; None: all.
    cells
        The number of cells of each file, by the file's name.
    populations
        [domain, condition, cells] of each population in the files.
    features
        Name and columns in the files of each feature of the dataset, as `joining.var_of` has them, where a cell's scale
        rests on all of them; else none.
    """

    most: int | None
    cells: dict[str, int]
    populations: list[tuple[str, str, int]]
    features: list[tuple[str, str, str]]

    @classmethod
    def of(cls, draw: Draw, var: "pd.DataFrame", counts: bool) -> Self:
        """Return what a draw has seen; ``counts`` says whether the sizes of cells are part of their scale."""
        features = list(var[["column", "columns"]].itertuples(name=None)) if counts else []
        populations = [(*pair, size) for pair, size in draw.populations.items()]
        return cls(draw.most, dict(draw.cells), populations, features)

    @property
    def drawn(self) -> bool:
        """Whether some population has more cells than were kept."""
        return self.most is not None and any(size > self.most for *_, size in self.populations)

    def to_json(self) -> str:
        """Return the text that `from_json` reads."""
        return json.dumps(vars(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return what `to_json` wrote."""
        return cls(**json.loads(text))
