"""At most so many cells of each population: drawn by seed, balanced over files, while the files are read one by one."""

import zlib
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from outofsample.files.shares import Pair, held_cells, kept_cells, shares

if TYPE_CHECKING:
    from outofsample.own.readers.support.parts import Part

#: Seed of the draw, to which the name of each file is added: a file that joins the others changes no file's order.
SEED = 0


def places_of(file: str, cells: int) -> np.ndarray:
    """Return the place (cells,) of each cell of a file in the order in which its cells are drawn."""
    places = np.empty(cells, dtype=np.int64)
    rng = np.random.default_rng([SEED, zlib.crc32(file.encode())])
    places[rng.permutation(cells)] = np.arange(cells)
    return places


class Draw:
    """The cells that are kept of files that come one after the other.

    Attributes
    ----------
    most
        At most so many cells of each population, which are the cells of one domain in one condition, and at most as
        many of all together as `kept_cells` says; None: all. It falls where drawn cells would take too many bytes.
    files
        All files that come, by their names: the population of their cells, None where the cells themselves tell.
    cells
        The number of cells of each file, drawn or not.
    """

    def __init__(self, most: int | None, files: Mapping[str, Pair | None]):
        self.most, self.files = most, dict(files)
        #: Files to come of which only their cells tell what they are.
        self._unknown = {file for file, pair in self.files.items() if pair is None}
        self._pairs = {pair for pair in self.files.values() if pair is not None}
        self.cells: dict[str, int] = {}
        self._parts: dict[str, Part] = {}
        #: By population: the files that have cells of it, and how many.
        self._sizes: dict[Pair, dict[str, int]] = {}
        self._bytes_per_cell = 0.0

    @property
    def populations(self) -> dict[Pair, int]:
        """The number of cells of each population (domain, condition) in all files."""
        return {pair: sum(sizes.values()) for pair, sizes in self._sizes.items()}

    @cached_property
    def kept(self) -> dict[Pair, int]:
        """The number of cells of each population that are kept of the files so far.

        A further file may take cells from a population, but cells that it would give back are gone. Until all
        populations are known only ``most`` bounds each of them, and memory grows with their number: a domain that is
        found in a second condition keeps more cells than before, and leaves more to the domains in one.
        """
        if self.most is not None and self._unknown:
            return {pair: min(size, self.most) for pair, size in self.populations.items()}
        return kept_cells(self.populations, self.most, self._pairs)

    @cached_property
    def drawn(self) -> bool:
        """Whether some population has more cells than are kept."""
        return self.kept != self.populations

    def choose(self, file: str, domain: np.ndarray, condition: np.ndarray, bytes_per_cell: float = 0.0) -> np.ndarray:
        """Count the cells of one more file; return the rows of those that are drawn of the files so far.

        Parameters
        ----------
        file
            Its name.
        domain, condition
            Labels (cells,) of its cells.
        bytes_per_cell
            What a cell of it takes in memory, where that is much.
        """
        self.cells[file] = len(domain)
        if self.files[file] is None:
            self._unknown.discard(file)
        populations = rows_by_population(domain, condition)
        for pair, rows in populations.items():
            self._sizes.setdefault(pair, {})[file] = len(rows)
        self._bytes_per_cell = max(self._bytes_per_cell, bytes_per_cell)
        self._forget()
        if self.drawn and self._bytes_per_cell:
            self.most = held_cells(self.populations, self.most, self._bytes_per_cell)
            self._forget()
        return self._drawn_rows(file, populations)

    def _forget(self) -> None:
        """Let what rests on the sizes of the populations be found anew."""
        for name in ("kept", "drawn"):
            self.__dict__.pop(name, None)

    def add(self, part: "Part") -> None:
        """Keep the chosen cells of a file, whose ``obs`` has their ``row``, and let go of what is drawn no more."""
        self._parts[part.file] = part
        kept = sum(len(part.obs) for part in self._parts.values())
        # Thinning all of them at each file would take the square of their number.
        if self.drawn and kept > 2 * sum(self.kept.values()):
            self._thin()

    def parts(self) -> list["Part"]:
        """Return what is kept of each file, in the order of the files, which have all come."""
        if self.drawn:
            self._thin()
        return list(self._parts.values())

    def _thin(self) -> None:
        self._parts = {file: self._thinned(part) for file, part in self._parts.items()}

    def _thinned(self, part: "Part") -> "Part":
        """Return the part of a file with the cells that are still drawn, in their order."""
        row = part.obs["row"].to_numpy()
        populations = rows_by_population(*(part.obs[name].to_numpy(object) for name in ("domain", "condition")))
        rows = self._drawn_rows(part.file, {pair: row[places] for pair, places in populations.items()})
        if len(rows) == len(row):
            return part
        return part.at(np.searchsorted(row, rows))

    def _drawn_rows(self, file: str, populations: dict[Pair, np.ndarray]) -> np.ndarray:
        """Return the rows of a file that are drawn, out of the rows of each population."""
        if not self.drawn:
            return np.sort(np.concatenate(list(populations.values())))
        place, found = places_of(file, self.cells[file]), []
        for pair, rows in populations.items():
            sizes = self._sizes[pair]
            share = shares(list(sizes.values()), self.kept[pair])[list(sizes).index(file)]
            found.append(rows[np.argsort(place[rows])[:share]])
        # A file of which no cell is drawn has none of any population.
        return np.sort(np.concatenate([np.empty(0, dtype=np.int64), *found]))


def rows_by_population(domain: np.ndarray, condition: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """Return the rows of each population, by its domain and condition (cells,)."""
    import pandas as pd

    frame = pd.DataFrame({"domain": domain, "condition": condition})
    return {pair: np.sort(rows) for pair, rows in frame.groupby(["domain", "condition"], sort=False).indices.items()}
