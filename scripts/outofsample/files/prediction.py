"""The prediction file: what each method predicts, with everything that tables and figures need."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from outofsample.arrays import Prediction, Query, TrainingData
from outofsample.files.h5ad import write_h5ad


class PredictionWriter:
    """Collects the predictions of one method on one task, and writes them as one h5ad (see docs/architecture.md)."""

    def __init__(self, data: TrainingData, method: str, model: str | None = None, in_sample_cells: int = 1000):
        self.data, self.method, self.model, self.in_sample_cells = data, method, model, in_sample_cells
        self.parts: list[tuple[Query, int, np.ndarray, str, Prediction]] = []

    def in_sample(self, query: Query) -> np.ndarray:
        """Return the indices of the source cells that are kept for in-sample panels: the same for every method."""
        cells = np.flatnonzero(self.data.is_source(query))
        return np.sort(np.random.default_rng(0).permutation(cells)[: self.in_sample_cells])

    def add(self, query: Query, seed: int, cells: np.ndarray, role: str, prediction: Prediction) -> None:
        """Add the prediction for some training cells (indices); ``role`` is ``query``, ``source`` or ``self``."""
        self.parts.append((query, seed, cells, role, prediction))

    def add_all(self, predict, seed: int) -> None:
        """Add, for each query, ``predict(X, query, counts)`` of its cells and of the source cells kept."""
        for query in self.data.queries:
            cells = np.flatnonzero(self.data.is_query(query))
            self.add(query, seed, cells, "query", predict(self.data.X[cells], query, self._counts(cells)))
            source, kept = np.flatnonzero(self.data.is_source(query)), self.in_sample(query)
            prediction = predict(self.data.X[source], query, self._counts(source))
            self.add(query, seed, kept, "source", _rows(prediction, np.searchsorted(source, kept)))

    def add_own_conditions(self, predict, seed: int) -> None:
        """Add, with the role ``self``, training cells as the method sees them under their *own* condition.

        ``predict(X, query, counts)`` is called for at most ``in_sample_cells`` cells of all conditions. Only the first
        seed of a method with a matched layer has them: figures show how alike the conditions are in that layer
        (trVAE, Fig. 2).
        """
        has_layer = bool(self.parts) and self.parts[-1][-1].matched is not None
        if not has_layer or any(role == "self" for *_, role, _ in self.parts):
            return
        seen = np.flatnonzero(self.data.role != "reference")
        kept = np.sort(np.random.default_rng(0).permutation(seen)[: self.in_sample_cells])
        for condition in np.unique(self.data.condition[kept]):
            cells = kept[self.data.condition[kept] == condition]
            query = replace(self.data.queries[0], source=condition, target=condition)
            prediction = predict(self.data.X[cells], query, self._counts(cells))
            self.add(self.data.queries[0], seed, cells, "self", prediction)

    def _counts(self, cells: np.ndarray) -> np.ndarray | None:
        return None if self.data.counts is None else self.data.counts[cells]

    def write(self, path: str | Path, backend: str = "", versions: dict | None = None, not_run: str = "") -> None:
        """Write the file; ``not_run`` is the reason where there is nothing to write."""
        # The first part has no rows: its types hold where no other part has any.
        empty = np.zeros((0, len(self.data.features)), dtype=np.float32)
        parts = [(empty, "", 0, "", np.array([], dtype=object), np.nan)]
        for query, seed, cells, role, prediction in self.parts:
            outside = np.nan if prediction.outside_per_cell is None else prediction.outside_per_cell
            parts.append((prediction.X, query.name, seed, role, self.data.names[cells], outside))
        sizes = [len(X) for X, *_ in parts]
        X, *columns, cells, outside = zip(*parts, strict=True)
        obs = dict(zip(("query", "seed", "role"), (np.repeat(column, sizes) for column in columns), strict=True))
        obs["cell"] = np.concatenate(cells).astype(str)
        obs["outside"] = np.concatenate(
            [np.broadcast_to(share, size) for share, size in zip(outside, sizes, strict=True)]
        ).astype(np.float32)
        uns = {
            "method": self.method,
            "model": self.model or "",
            "backend": backend,
            "versions": versions or {},
            "not_run": not_run,
            "outside": self._outside(),
        }
        if self.data.image_shape is not None:
            uns["image_shape"] = np.array(self.data.image_shape)
        X = np.concatenate(X).astype(np.float32, copy=False)
        write_h5ad(path, X, obs, list(self.data.features), self._activations(), uns)

    def _activations(self) -> dict[str, np.ndarray]:
        """Return the edited and the matched activations (rows, units) of all parts, where all have them."""
        found = {}
        for name in ("latent", "matched"):
            units = [getattr(part[-1], name) for part in self.parts]
            if units and all(unit is not None for unit in units):
                found[name] = np.concatenate(units).astype(np.float32, copy=False)
        return found

    def _outside(self) -> dict[str, np.ndarray]:
        """Share of query cells outside the source's range, per edited unit; keyed by query and seed."""
        return {
            f"{query.name}|{seed}": prediction.outside
            for query, seed, _, role, prediction in self.parts
            if role == "query" and prediction.outside is not None
        }


def describe_outside(writer: PredictionWriter) -> list[str]:
    """Return a line per query and seed: how much of the query was extrapolated, on average and in the worst unit."""
    lines = []
    for query, seed, _, role, prediction in writer.parts:
        if role == "query" and prediction.outside is not None:
            share = prediction.outside
            lines.append(
                f"{writer.method}, {query.name}, seed {seed}: {share.mean():.2%} of the query's values lie outside the "
                f"source's range (at most {share.max():.2%}, in unit {int(share.argmax())})"
            )
    return lines


def _rows(prediction: Prediction, rows: np.ndarray) -> Prediction:
    """Return some rows of a prediction."""
    pick = {name: getattr(prediction, name) for name in ("latent", "matched", "outside_per_cell")}
    return Prediction(prediction.X[rows], **{name: None if a is None else a[rows] for name, a in pick.items()})
