"""Optimal transport from S to T, applied to the query (Courty et al. 2017, IEEE TPAMI 39, 1853-1865), by POT."""

import warnings
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from outofsample.arrays import Prediction, Query, TrainingData
from outofsample.errors import UserError
from outofsample.methods.families.base import Method as BaseMethod
from outofsample.methods.families.base import draw, residual_floor


@dataclass(frozen=True)
class Settings:
    """Options of the transport.

    Attributes
    ----------
    model
        Name of the representation in which cells are near or far. The 50 principal components are all there is of 35
        markers (distances are those in data space), and the main directions of genes and of images. ``identity``:
        data space in any case.
    map
        ``emd``: the optimal plan between S and T; ``sinkhorn``: the plan with an entropy term, smoother; ``linear``:
        the optimal map between the normal distributions of S and T, which needs no plan.
    within
        ``domains``: a plan for each domain that S and T share, so that no cell type is moved onto another because there
        are more of it in T; ``all``: one plan. ``linear`` has one map for all in any case.
    cells
        Cells of S, and of T, that the plans are computed on; drawn by the seed where there are more. Memory and time
        grow with its square.
    neighbours
        A cell of the query moves by the mean shift of so many nearest cells of S; with 1, as in Ferradans et al. 2014,
        it also takes over the noise of that one.
    regularisation
        Weight of the entropy term of ``sinkhorn``, as a share of the median squared distance between S and T.
    output
        ``residual``: the cell plus the decoded difference, so that it keeps what the representation does not explain;
        ``decode``: the decoded moved activations.
    """

    model: str = "pca"
    map: str = "emd"
    within: str = "domains"
    cells: int = 2000
    neighbours: int = 50
    regularisation: float = 0.05
    output: str = "residual"

    def __post_init__(self):
        known_values = {
            "map": ("emd", "sinkhorn", "linear"),
            "within": ("domains", "all"),
            "output": ("residual", "decode"),
        }
        for name, known in known_values.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, not '{getattr(self, name)}'")
        for name in ("cells", "neighbours"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.regularisation <= 0:
            raise ValueError(f"regularisation must be above 0, not {self.regularisation}")


class Method(BaseMethod):
    """Each source cell goes to the mean of the target cells that the optimal plan gives it; the query moves alike.

    A plan moves all of S onto all of T with the least sum of squared distances. It is known for cells of S alone:
    a cell of the query moves by the mean shift of its nearest source cells, so that it keeps its own place.
    """

    Settings = Settings

    def learn(self, data: TrainingData, seed: int) -> None:
        self.maps, self.floor = {}, residual_floor(data)
        self.backend = f"POT {version('POT')}"
        for query in data.queries:
            key = (query.source, query.target)
            if key not in self.maps:
                rng = np.random.default_rng(seed)
                # Only plans grow with the square of the cells.
                most = len(data.X) if self.settings.map == "linear" else self.settings.cells
                source, target = (draw(mask, most, rng) for mask in (data.is_source(query), data.is_target(query)))
                pairs = self._pairs(data.domain, source, target)
                self.maps[key] = self._fit_maps(data.X, pairs, query)

    def _pairs(self, domain: np.ndarray, source: np.ndarray, target: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the cells of S and those of T that they are moved onto: of each shared domain, or all at once."""
        shared = np.intersect1d(domain[source], domain[target])
        if self.settings.map == "linear" or self.settings.within == "all" or not len(shared):
            return [(source, target)]
        return [(source[domain[source] == name], target[domain[target] == name]) for name in shared]

    def _fit_maps(self, X: np.ndarray, pairs: list, query: Query) -> dict[str, np.ndarray]:
        fit = fit_linear if self.settings.map == "linear" else fit_plan
        fitted = [
            fit(self._encode(X[source], query.source), self._encode(X[target], query.target), self.settings)
            for source, target in pairs
        ]
        return {name: np.concatenate([part[name] for part in fitted]) for name in fitted[0]}

    def _encode(self, X: np.ndarray, condition: str) -> np.ndarray:
        """Return activations (cells, units) float64."""
        return np.concatenate([self.fitted.encode(part, condition) for part in self.chunks(X)]).astype(np.float64)

    def predict(self, X: np.ndarray, query: Query, counts: np.ndarray | None = None) -> Prediction:
        fitted = self.maps[query.source, query.target]
        parts = [self._move(part, query, fitted) for part in self.chunks(X)]
        return Prediction(np.concatenate(parts))

    def _move(self, X: np.ndarray, query: Query, fitted: dict) -> np.ndarray:
        latent = self.fitted.encode(X, query.source)
        moved = (latent + shift(latent.astype(np.float64), fitted, self.settings.neighbours)).astype(np.float32)
        output = self.fitted.decode(moved, query.target)
        if self.settings.output == "residual":
            output = X + (output - self.fitted.decode(latent, query.source))
            output = output if self.floor is None else np.maximum(output, self.floor)
        return output.astype(np.float32, copy=False)

    def state(self) -> dict:
        return {"floor": self.floor, "maps": [[*key, fitted] for key, fitted in self.maps.items()]}

    def load_state(self, state: dict) -> None:
        self.floor = state["floor"]
        self.maps = {(source, target): fitted for source, target, fitted in state["maps"]}


def fit_plan(source: np.ndarray, target: np.ndarray, settings: Settings) -> dict[str, np.ndarray]:
    """Return the source cells (cells, units) and how far the plan moves each of them.

    Raises
    ------
    UserError
        If the entropy term is too small for Sinkhorn's iterations to end in a plan.
    """
    from ot.da import EMDTransport, SinkhornTransport

    if settings.map == "emd":
        transport = EMDTransport(max_iter=10_000_000)
    else:
        # POT's other extension to new cells (its default) allows only iterations on logarithms: 70 s for 2,000 cells.
        options = {"method": "sinkhorn", "out_of_sample_map": "ferradans", "tol": 1e-6}
        transport = SinkhornTransport(reg_e=settings.regularisation, norm="median", **options)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # What it warns of is looked at below.
        warnings.simplefilter("ignore", UserWarning)
        transport.fit(Xs=source, Xt=target)
    share = transport.coupling_.sum(axis=1) * len(source)
    if not (np.abs(share - 1) < 0.05).all():
        raise UserError(
            f"ot_map: no plan was found with regularisation {settings.regularisation}; set a larger one, or map: emd."
        )
    moved = transport.transform(Xs=source)
    return {"cells": source, "shifts": moved - source}


def fit_linear(source: np.ndarray, target: np.ndarray, settings: Settings) -> dict[str, np.ndarray]:
    """Return matrix (units, units) and offset (units,) of the optimal map between two normal distributions.

    Raises
    ------
    UserError
        If S or T has a single cell.
    """
    from ot.da import LinearTransport

    if min(len(source), len(target)) < 2:
        raise UserError("ot_map: 'map: linear' needs at least 2 cells in S and in T; use map: emd.")
    # Directions without variance would make the covariance singular.
    ridge = 1e-6 * max(source.var(axis=0).mean(), target.var(axis=0).mean(), 1e-12)
    transport = LinearTransport(reg=ridge).fit(Xs=source, Xt=target)
    return {"matrix": np.real(transport.A_), "offset": np.real(transport.B_).ravel()}


def shift(latent: np.ndarray, fitted: dict[str, np.ndarray], neighbours: int) -> np.ndarray:
    """Return by how much activations (cells, units) float64 move."""
    if "matrix" in fitted:
        return latent @ fitted["matrix"] + fitted["offset"] - latent
    from scipy.sparse import csr_matrix
    from sklearn.neighbors import NearestNeighbors

    count = min(neighbours, len(fitted["cells"]))
    nearest = NearestNeighbors(n_neighbors=count).fit(fitted["cells"]).kneighbors(latent, return_distance=False)
    # The sum over neighbours as a sparse product: all neighbours' shifts in one array take six times as long.
    ends = np.arange(0, nearest.size + 1, count)
    chosen = csr_matrix((np.ones(nearest.size), nearest.ravel(), ends), shape=(len(latent), len(fitted["cells"])))
    return chosen @ fitted["shifts"] / count
