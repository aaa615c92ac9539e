"""The two parts of a task: ``tasks/T/train.h5ad`` and ``tasks/T/truth.h5ad``.

``train.h5ad`` holds the rows that may be looked at. Whatever is learned from data (the choice of variable features) is
learned here, from these rows (``feature_selection: strict``) unless a task asks for the papers' choice on all cells
(``paper``).

- ``X``, ``layers["counts"]`` and further columns of obs: as in the dataset.
- ``obs["role"]``: source, target, query, context or reference.
- ``obs["condition"]``, ``obs["domain"]``.
- ``obs["scored"]`` (bool), where the cells are drawn and have many values: whether scores and pages rest on a cell.
- ``uns["task"]``; ``uns["queries"]``: JSON, a list of {name, domain, source, target}, and where the task names its
  controls ``hops``, a list of {source, target, controls}; ``uns["stand_in"]``, ``uns["dataset"]``, for images
  ``uns["image_shape"]`` and for data of one's own ``uns["cohort"]``, as in the dataset.

``truth.h5ad`` holds the held-out rows, with the same features. No training or transforming rule takes it as an input.

- ``obs["query"]``: the query that a row is the truth of. No rows where nobody measured the truth; where
  ``train.h5ad`` says which cells are scored, those of the truth that are.
- ``obs["pair_id"]``, where known: the same as that of the query's cell which the row is the truth of; one cell alone
  has it.
- Else as in ``train.h5ad``, without roles.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.arrays import Hop, Query, TrainingData, source_mask
from outofsample.errors import UserError
from outofsample.files.h5ad import read_matrix, read_words
from outofsample.files.rows import Rows, check_finite
from outofsample.files.writing import check_seal, sealed

if TYPE_CHECKING:
    from anndata import AnnData

# ---- writing


def write_task(train: str | Path, truth: str | Path, parts: tuple["AnnData", "AnnData"]) -> None:
    """Write the training part and the truth (``parts``) of a task; both files are there, or none."""
    with sealed(train) as train_part, sealed(truth) as truth_part:
        for part, path in zip(parts, (train_part, truth_part), strict=True):
            part.write_h5ad(path, compression="lzf")


# ---- reading the training part


def to_training(adata: "AnnData") -> TrainingData:
    """Turn the AnnData of ``train.h5ad`` into the arrays that methods see."""
    import scipy.sparse

    def dense(matrix):
        return matrix.toarray() if scipy.sparse.issparse(matrix) else np.asarray(matrix)

    return TrainingData(
        X=np.ascontiguousarray(dense(adata.X)),
        role=adata.obs["role"].astype(str).to_numpy(),
        condition=adata.obs["condition"].astype(str).to_numpy(),
        domain=adata.obs["domain"].astype(str).to_numpy(),
        features=tuple(adata.var_names),
        queries=_queries(adata.uns["queries"]),
        counts=dense(adata.layers["counts"]) if "counts" in adata.layers else None,
        image_shape=_shape(adata.uns.get("image_shape")),
        names=adata.obs_names.to_numpy(),
        scored=adata.obs["scored"].to_numpy() if "scored" in adata.obs else None,
    )


def read_training(path: str | Path, counts: bool = True) -> TrainingData:
    """Read what methods see of ``train.h5ad``; without ``counts`` where nobody looks at them.

    By h5py: anndata's import takes as long as the demo's shortest trainings.

    Raises
    ------
    UserError
        If it is another file.
    """
    import h5py

    check_seal(path)
    try:
        with h5py.File(path) as file:
            obs, var, uns = file["obs"], file["var"], file["uns"]
            return TrainingData(
                X=np.ascontiguousarray(read_matrix(file["X"])),
                role=read_words(obs["role"]),
                condition=read_words(obs["condition"]),
                domain=read_words(obs["domain"]),
                features=tuple(read_words(var[var.attrs["_index"]])),
                queries=_queries(uns["queries"].asstr()[()]),
                counts=read_matrix(file["layers/counts"]) if counts and "layers/counts" in file else None,
                image_shape=_shape(uns["image_shape"][:] if "image_shape" in uns else None),
                names=read_words(obs[obs.attrs["_index"]]),
                scored=obs["scored"][:] if "scored" in obs else None,
            )
    except (OSError, KeyError, ValueError) as error:
        raise _not_ours(path, error) from error


def queries_text(queries: Iterable[Query]) -> str:
    """Return queries as JSON; those without hops do not mention any."""
    return json.dumps([{k: v for k, v in asdict(query).items() if k != "hops" or v} for query in queries])


def _queries(text: str) -> tuple[Query, ...]:
    def hops(query: dict) -> tuple[Hop, ...]:
        found = query.pop("hops", ())
        return tuple(Hop(hop["source"], hop["target"], tuple(hop["controls"])) for hop in found)

    return tuple(Query(hops=hops(query), **query) for query in json.loads(text))


def _shape(sides: np.ndarray | None) -> tuple[int, int, int] | None:
    return None if sides is None else tuple(int(side) for side in sides)


def _not_ours(path: str | Path, why: object) -> UserError:
    return UserError(f"{path}: this is no training file of a task ({why}).")


class TrainingRows(Rows):
    """``train.h5ad``, of which rows are read when they are wanted.

    Attributes
    ----------
    task
        Name of the task.
    queries
        The predictions that it asks for.

    Raises
    ------
    UserError
        If it is another file.
    """

    def __init__(self, path: str | Path):
        super().__init__(path, ("role", "condition", "domain"))
        if missing := [key for key in ("task", "queries") if key not in self.uns]:
            raise _not_ours(path, f"uns has no {', '.join(map(repr, missing))}")
        self.task, self.queries = str(self.uns["task"]), _queries(self.uns["queries"])

    @property
    def scored(self) -> np.ndarray:
        """The rows that scores and pages rest on."""
        return np.flatnonzero(self.obs["scored"]) if "scored" in self.obs else np.arange(len(self.obs))

    def ends_of_all(self, data: TrainingData) -> np.ndarray:
        """Return values (n, features) among which are the ends of all cells; ``data`` are those that are scored."""
        return data.X if len(data.X) == len(self.obs) else self.ends(np.arange(len(self.obs)))

    def ends_of_source(self, query: Query) -> np.ndarray:
        """Return the smallest and the largest value (2, features) of S of a query, of all its cells."""
        mask = source_mask(query, *(self.column(name) for name in ("role", "condition", "domain")))
        return self.ends(np.flatnonzero(mask))


def read_task(path: str | Path) -> tuple[TrainingRows, TrainingData, np.ndarray]:
    """Read the scored cells of ``train.h5ad``, but for their counts, and check that their values are finite.

    Returns
    -------
    The open file, the scored cells, and what pairs each of them with its truth (cells,), "" where nothing does.

    Raises
    ------
    UserError
        If it is another file, or a value is not finite.
    """
    cells = TrainingRows(path)
    if "scored" in cells.obs:
        rows = cells.scored
        words = (cells.column(name)[rows] for name in ("role", "condition", "domain"))
        data = TrainingData(cells.values(rows), *words, cells.features, cells.queries, names=cells.names[rows])
    else:
        rows, data = slice(None), read_training(path, counts=False)
    check_finite(path, data.X)
    return cells, data, cells.column("pair_id")[rows]


# ---- reading the truth


class TruthRows(Rows):
    """``truth.h5ad``, of which rows are read when they are wanted."""

    def __init__(self, path: str | Path):
        super().__init__(path, ("query",))


@dataclass(frozen=True)
class Truth:
    """The truth of one query: its cells (cells, features), and what pairs them with those of X, "" where nothing."""

    X: np.ndarray
    pairs: np.ndarray


def read_truth(path: str | Path, data: TrainingData) -> dict[str, Truth]:
    """Return the truth of each query of the training data that has one, by the query's name.

    Raises
    ------
    UserError
        If it is another file, features are not those of the training data, or a value is not finite.
    """
    cells = TruthRows(path)
    cells.check_features(data.features)
    X, named, pairs = cells.finite_values(), cells.column("query"), cells.column("pair_id")
    masks = {query.name: named == query.name for query in data.queries}
    return {name: Truth(X[mask], pairs[mask]) for name, mask in masks.items() if mask.any()}
