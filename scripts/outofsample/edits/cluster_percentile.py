"""Neuron Editing's Eq. 1 in each cluster of cells; ours, in neither line of papers."""

from dataclasses import dataclass

import numpy as np

from outofsample.edits import percentile, two_part
from outofsample.edits.support import base

#: Cells of a population, at most, that clusters are found in, and the share of cells that may lie in too small ones.
CLUSTERED = 20_000
UNMAPPED = 0.05


@dataclass
class Edit(base.Edit):
    """The percentile map of each unit, learned in each cluster of cells on its own.

    Cells of S and T are clustered together. A query cell goes through the map of the nearest centre, so cell states
    may change in ways of their own, and states in different shares in S and T do not pass for a change. Where too few
    cells would have a map, as when the change itself parts the clusters, their number is halved until it fits; with
    one cluster this is `percentile` with these tails.

    Attributes
    ----------
    clusters
        Clusters (k-means), at most.
    min_cells
        Cells of a cluster that S and T must both have; cells of smaller clusters go through the map of all.
    tails
        As in `percentile`. A cluster's map is learned on few cells, so by default no value moves farther than the
        ends of its map do.
    align
        Whether S is clustered, and the query's clusters are found, as the map of all cells has moved them. Cells of
        one state before and after a large change lie together then, so that many small clusters have cells of both.
        Where states have other shares in T than in S, the map of all takes some of one for the other.
    zeros
        ``alike``: all cells of a cluster at one value get one value, as in `percentile`; ``share``: zeros are mapped by
        their share, as in `two_part`, whose tails are bounded whatever ``tails`` says.
    """

    clusters: int = 5
    min_cells: int = 50
    tails: str = "shift"
    align: bool = False
    zeros: str = "alike"

    def __post_init__(self):
        if self.clusters < 1 or self.min_cells < 2:
            raise ValueError("clusters must be at least 1, and min_cells at least 2")
        if self.zeros not in ("alike", "share"):
            raise ValueError(f"zeros must be 'alike' or 'share', not '{self.zeros}'")
        percentile.Edit(self.tails)

    def _new_map(self) -> base.Edit:
        return two_part.Edit() if self.zeros == "share" else percentile.Edit(self.tails)

    @property
    def is_unbounded(self) -> bool:
        return self._new_map().is_unbounded

    def learn(self, source: np.ndarray, target: np.ndarray) -> None:
        self.maps = [self._new_map().fit(source, target)]
        self.centres, in_source, in_target = self._cluster(self._placed(source), target)
        #: The map of each cluster; the first one is that of all cells.
        self.map_of = np.zeros(len(self.centres), dtype=int)
        for cluster in range(len(self.centres)):
            parts = source[in_source == cluster], target[in_target == cluster]
            if len(self.centres) > 1 and min(map(len, parts)) >= self.min_cells:
                self.map_of[cluster] = len(self.maps)
                self.maps.append(self._new_map().fit(*parts))

    def _placed(self, cells: np.ndarray) -> np.ndarray:
        """Return cells (cells, units) of S or of a query as their clusters are found."""
        return self.maps[0].transform(cells) if self.align else cells

    def _cluster(self, source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return centres (clusters, units), and the cluster of each cell of S and of T."""
        from sklearn.cluster import KMeans

        drawn = [cells[:: -(-len(cells) // CLUSTERED)] for cells in (source, target)]
        # In float32 the squares of large values would overflow.
        both = np.concatenate(drawn).astype(np.float64)
        clusters = min(self.clusters, len(np.unique(both, axis=0)))
        while True:
            centres = KMeans(clusters, n_init=2, random_state=0).fit(both).cluster_centers_
            found = [nearest(centres, cells) for cells in (source, target)]
            sizes = np.stack([np.bincount(own, minlength=clusters) for own in found])
            if clusters == 1 or sizes[:, sizes.min(axis=0) < self.min_cells].sum() <= UNMAPPED * sizes.sum():
                return centres, *found
            clusters //= 2

    def apply(self, query: np.ndarray) -> np.ndarray:
        edited = np.empty(query.shape)
        which = self.map_of[nearest(self.centres, self._placed(query))]
        for number in np.unique(which):
            edited[which == number] = self.maps[number].transform(query[which == number])
        return edited

    def state(self) -> dict:
        own = {"centres": self.centres, "map_of": self.map_of}
        return super().state() | own | {"maps": [edit.state() for edit in self.maps]}

    def load_state(self, state: dict) -> "Edit":
        super().load_state(state)
        self.centres, self.map_of = np.asarray(state["centres"]), np.asarray(state["map_of"])
        self.maps = [self._new_map().load_state(part) for part in state["maps"]]
        return self


def nearest(centres: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Return the number of the nearest of the centres (clusters, units) for each of the cells (cells, units)."""
    from sklearn.metrics import pairwise_distances_argmin

    if len(centres) == 1 or not len(cells):
        return np.zeros(len(cells), dtype=int)
    return pairwise_distances_argmin(np.asarray(cells, dtype=np.float64), np.asarray(centres, dtype=np.float64))
