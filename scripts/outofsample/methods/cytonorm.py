"""CytoNorm (Van Gassen et al. 2020, Cytometry A 97, 268-278), by cytonormpy."""

import functools
import importlib
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from unittest import mock

import numpy as np

from outofsample.arrays import Prediction, Query, TrainingData
from outofsample.errors import UserError
from outofsample.methods.families.base import Method as BaseMethod


@dataclass(frozen=True)
class Settings:
    """Options of the normalisation.

    Attributes
    ----------
    clusters
        Clusters of the controls, at most; each has its own splines. 1: none, one spline per feature for all cells.
    clustering
        ``flowsom`` (a self-organising map of 10 x 10 nodes, joined to clusters) or ``kmeans``.
    quantiles
        Quantiles at which S and T are compared; 99 are the percentiles 1 to 99.
    min_cells
        Cells of a cluster that S and T must both have; cells of a smaller cluster stay as they are.
    uncorrected
        Share of the controls that may lie in such small clusters. Where more do, as when the batch effect itself
        parts the clusters, their number is halved until it fits.
    tails
        Beyond the outermost quantiles: ``line``, the spline goes on as a straight line, as CytoNorm has it; ``shift``,
        values move as far as the outermost quantile does.
    """

    clusters: int = 10
    clustering: str = "flowsom"
    quantiles: int = 99
    min_cells: int = 50
    uncorrected: float = 0.05
    tails: str = "line"

    def __post_init__(self):
        for name, least in (("clusters", 1), ("quantiles", 2), ("min_cells", 2)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)}")
        if not 0 <= self.uncorrected < 1:
            raise ValueError(f"uncorrected must be at least 0 and below 1, not {self.uncorrected}")
        if self.clustering not in ("flowsom", "kmeans"):
            raise ValueError(f"clustering must be 'flowsom' or 'kmeans', not '{self.clustering}'")
        if self.tails not in ("line", "shift"):
            raise ValueError(f"tails must be 'line' or 'shift', not '{self.tails}'")


class Method(BaseMethod):
    """Clusters of the controls, and in each of them a monotone spline per feature from S's quantiles to T's.

    S and T (the controls of two batches) are clustered together. A cell of the query belongs to the cluster of the
    nearest node (or centre), and its values go through the splines of that cluster; beyond the outermost quantiles
    the spline goes on as a straight line (or as ``tails`` say). A feature that is constant in S
    or in T within a cluster stays as it is.
    """

    Settings = Settings
    data = frozenset({"tabular"})

    @classmethod
    def is_unbounded(cls, settings: Settings) -> bool:
        return settings.tails == "line"

    def learn(self, data: TrainingData, seed: int) -> None:
        self.maps = {}
        self.backend = f"cytonormpy {version('cytonormpy')}"
        for query in data.queries:
            key = (query.source, query.target)
            if key not in self.maps:
                source, target = data.X[data.is_source(query)], data.X[data.is_target(query)]
                self.maps[key] = self._fit_splines(source, target, seed)

    def _fit_splines(self, source: np.ndarray, target: np.ndarray, seed: int) -> dict:
        """Return what `predict` needs of CytoNorm fitted to S and T (cells, features).

        ``nodes`` (nodes, features) float64, ``cluster`` (nodes,) the row of ``splines`` that a node's cells go through
        (-1: none), and ``splines``: per cluster and feature breakpoints and coefficients of a piecewise cubic, or None
        where values stay as they are.
        """
        if min(len(source), len(target)) < self.settings.min_cells:
            raise UserError(
                f"cytonorm: S has {len(source)} cells and T {len(target)}, but 'min_cells' is "
                f"{self.settings.min_cells}: give more cells, or set a smaller min_cells."
            )
        clusters = self.settings.clusters
        while True:
            norm, nodes, cluster, too_small = self._cluster(source, target, clusters, seed)
            if clusters == 1 or too_small <= self.settings.uncorrected:
                break
            clusters //= 2
        if clusters < self.settings.clusters:
            warnings.warn(
                f"cytonorm: {clusters} cluster(s) instead of {self.settings.clusters}, since more would have too few "
                "cells in S or in T.",
                stacklevel=2,
            )
        norm.calculate_splines(goal=1)
        found = [
            [norm.splinefuncs.get_spline(batch=0, cluster=name, channel=c) for c in norm.channels]
            for name in norm.clusters
        ]
        splines = [[_coefficients(spline, self.settings.tails) for spline in of_cluster] for of_cluster in found]
        rows = {name: row for row, name in enumerate(norm.clusters)}
        return {"nodes": nodes, "cluster": np.array([rows.get(name, -1) for name in cluster]), "splines": splines}

    def _cluster(self, source: np.ndarray, target: np.ndarray, clusters: int, seed: int) -> tuple:
        """Return a CytoNorm with the quantiles of S and T in so many clusters, its nodes, and the cluster of each.

        The fourth value is the share of S and T in clusters for which one of them has too few cells.
        """
        package = cytonormpy()
        source, target = source.astype(np.float64), target.astype(np.float64)
        norm = package.CytoNorm()
        norm.run_anndata_setup(controls(source, target), layer="values", channels="all")
        nodes, cluster, too_small = np.zeros((1, source.shape[1])), np.array([-1]), 0.0
        if clusters > 1:
            flowsom = self.settings.clustering == "flowsom"
            if flowsom:
                side = min(10, int(np.sqrt(len(source) + len(target))))
                clusterer = package.FlowSOM(n_clusters=clusters, xdim=side, ydim=side, seed=seed)
            else:
                clusterer = package.KMeans(n_clusters=clusters, random_state=seed, n_init=10)
            norm.add_clusterer(clusterer)
            # FlowSOM draws from numpy's global generator, which is given back as it was.
            before = np.random.get_state()  # noqa: NPY002
            try:
                norm.run_clustering(test_cluster_cv=False)
            finally:
                np.random.set_state(before)  # noqa: NPY002
            nodes = np.asarray(clusterer.est.codes if flowsom else clusterer.est.cluster_centers_, dtype=np.float64)
            cluster = clusterer.calculate_clusters(nodes)
            sizes = np.stack(
                [np.bincount(clusterer.calculate_clusters(X), minlength=clusters) for X in (source, target)]
            )
            too_small = sizes[:, sizes.min(axis=0) < self.settings.min_cells].sum() / sizes.sum()
        with warnings.catch_warnings():
            # It warns of small clusters, which are looked at here, and where there is one cluster alone.
            warnings.simplefilter("ignore", UserWarning)
            norm.calculate_quantiles(n_quantiles=self.settings.quantiles, min_cells=self.settings.min_cells)
        return norm, nodes, cluster, too_small

    def predict(self, X: np.ndarray, query: Query, counts: np.ndarray | None = None) -> Prediction:
        fitted = self.maps[query.source, query.target]
        parts = [normalise(part, **fitted) for part in self.chunks(X)]
        return Prediction(np.concatenate(parts).astype(np.float32, copy=False))

    def state(self) -> dict:
        return {"maps": [[*key, fitted] for key, fitted in self.maps.items()]}

    def load_state(self, state: dict) -> None:
        self.maps = {(source, target): fitted for source, target, fitted in state["maps"]}


def cytonormpy():
    """Return the package. Its import compiles for 10 s; that is kept on the disk, where one can write."""
    import numba

    with mock.patch.object(numba, "njit", functools.partial(numba.njit, cache=True)):
        try:
            return importlib.import_module("cytonormpy")
        except RuntimeError:
            # Neither the package's folder nor the user's cache can be written to.
            pass
    return importlib.import_module("cytonormpy")


def controls(source: np.ndarray, target: np.ndarray):
    """Return S and T (cells, features) as cytonormpy takes them: two reference files, of batch 0 and of batch 1."""
    import anndata
    import pandas as pd

    batch = np.repeat([0, 1], [len(source), len(target)])
    obs = pd.DataFrame({"reference": "ref", "batch": batch, "file_name": np.where(batch == 0, "source", "target")})
    obs.index = obs.index.astype(str)
    values = np.concatenate([source, target])
    adata = anndata.AnnData(values, obs=obs, layers={"values": values})
    # cytonormpy leaves out channels by their names; these are all kept.
    adata.var_names = [f"feature{number}" for number in range(values.shape[1])]
    return adata


def _coefficients(spline, tails: str) -> list[np.ndarray] | None:
    """Return breakpoints (pieces + 1,) and coefficients (4, pieces) of one of cytonormpy's splines.

    Its first and last piece are no wider than rounding: straight lines that hold for all beyond them.
    """
    function = spline.fit_func
    if not hasattr(function, "c"):
        return None
    coefficients = function.c.copy()
    if tails == "shift":
        # The slope of the two lines; a shift keeps distances.
        coefficients[2, [0, -1]] = 1
    return [function.x, coefficients]


def normalise(X: np.ndarray, nodes: np.ndarray, cluster: np.ndarray, splines: list) -> np.ndarray:
    """Return cells (cells, features) float64, each feature sent through the spline of the cell's cluster."""
    from scipy.interpolate import PPoly
    from sklearn.metrics import pairwise_distances_argmin

    values = X.astype(np.float64)
    own = cluster[pairwise_distances_argmin(values, nodes)] if len(values) and len(nodes) > 1 else np.zeros(len(X), int)
    for number in np.unique(own[own >= 0]):
        cells = own == number
        for feature, spline in enumerate(splines[number]):
            if spline is not None:
                values[cells, feature] = PPoly(spline[1], spline[0])(values[cells, feature])
    return values
