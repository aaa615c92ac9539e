"""What models and methods see: plain arrays with the role of each cell, no AnnData.

Vocabulary (``docs/choices.md`` and the README use the same words): a *source* population S and a *target*
population T show the change; the *query* X is another population before it; the truth Y (X after the change)
is never part of these classes.
"""

from dataclasses import dataclass, field, replace

import numpy as np

ROLES = ("source", "target", "query", "context", "reference")
#: Cells that `are_rows` compares at a time.
COMPARED = 1000


def as_float(X: np.ndarray) -> np.ndarray:
    """Return cells as a float32 array; images are stored as uint8, whose differences would wrap around."""
    return np.asarray(X, dtype=np.float32)


def are_rows(values: np.ndarray, X: np.ndarray, rows: np.ndarray) -> bool:
    """Whether values (cells, features) are these rows (indices) of X; some are compared at a time, to save memory."""
    blocks = (slice(start, start + COMPARED) for start in range(0, len(rows), COMPARED))
    return all(np.array_equal(values[block], as_float(X[rows[block]])) for block in blocks)


def dense(values) -> np.ndarray:
    """Return values (cells, features), dense or sparse, as a dense float32 array."""
    return np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=np.float32)


def stacked(pieces: list):
    """Return pieces of a matrix (cells, features) below each other, sparse where all are.

    The list is emptied on the way: of sparse pieces no more than half is in memory twice.
    """
    if len(pieces) == 1:
        return pieces.pop()
    if not all(hasattr(piece, "tocsr") for piece in pieces):
        whole = np.concatenate([dense(piece) if hasattr(piece, "tocsr") else piece for piece in pieces])
        pieces.clear()
        return whole
    from scipy.sparse import csr_matrix

    rows, columns, sizes = [piece.tocsr() for piece in pieces], pieces[0].shape[1], [piece.nnz for piece in pieces]
    pieces.clear()
    kind = np.int32 if max(sum(sizes), columns) <= np.iinfo(np.int32).max else np.int64
    begins = np.cumsum([0, *sizes[:-1]])
    ends = [row.indptr[1:].astype(kind) + kind(begin) for row, begin in zip(rows, begins, strict=True)]
    values, places = [row.data for row in rows], [row.indices for row in rows]
    rows.clear()
    data = np.concatenate(values)
    values.clear()
    indices = np.concatenate(places, dtype=kind, casting="same_kind")
    indptr = np.concatenate([np.zeros(1, kind), *ends])
    return csr_matrix((data, indices, indptr), shape=(len(indptr) - 1, columns))


@dataclass(frozen=True)
class Hop:
    """A change that ``controls``, domains measured in both conditions, show: from ``source`` to ``target``."""

    source: str
    target: str
    controls: tuple[str, ...]


@dataclass(frozen=True)
class Query:
    """One prediction that is asked for: cells of ``domain`` in condition ``source``, as if in ``target``.

    ``hops`` lead from one to the other where a task names its controls: one hop where both conditions share a control,
    several where only conditions in between do. Without hops S and T are all source and target cells.
    """

    name: str
    domain: str
    source: str
    target: str
    hops: tuple[Hop, ...] = ()

    @property
    def steps(self) -> tuple["Query", ...]:
        """The hops as queries of their own, in their order; a query of at most one hop is its own step."""
        if len(self.hops) < 2:
            return (self,)
        return tuple(Query(self.name, self.domain, hop.source, hop.target, (hop,)) for hop in self.hops)

    @property
    def path(self) -> str:
        """The way in words: ``batch5 -> batch6 (control B) -> batch2 (control A)``."""
        if not self.hops:
            return f"{self.source} -> {self.target}"
        words = [
            f"{hop.target} (control{'s' * (len(hop.controls) > 1)} {', '.join(hop.controls)})" for hop in self.hops
        ]
        return " -> ".join([self.source, *words])


def source_mask(query: Query, role: np.ndarray, condition: np.ndarray, domain: np.ndarray) -> np.ndarray:
    """Mask (cells,) of S for a query, of cells with a role, a condition and a domain (cells,)."""
    if not query.hops:
        return (role == "source") & (condition == query.source)
    return _is_control(query.hops[0], role, domain) & (condition == query.source)


def _is_control(hop: Hop, role: np.ndarray, domain: np.ndarray) -> np.ndarray:
    """Mask (cells,) of the controls of a hop; on a chain T of one hop is S of the next."""
    return np.isin(role, ("source", "target")) & np.isin(domain, hop.controls)


@dataclass(frozen=True)
class TrainingData:
    """The cells that a fit may look at.

    Attributes
    ----------
    X
        Array (cells, features): float32, or uint8 for images (flattened, see ``image_shape``).
    role, condition, domain
        Arrays (cells,) of strings; ``role`` holds words of `ROLES`.
    features
        Names of the columns of ``X``.
    queries
        The predictions that the task asks for.
    counts
        Array (cells, features) of raw counts where the data are counts, else None.
    image_shape
        (height, width, channels) where a row of ``X`` is a flattened image, else None.
    names
        Of the cells (cells,).
    scored
        Mask (cells,) of the cells that scores and pages rest on, where that is a part of them; None: all.
    """

    X: np.ndarray
    role: np.ndarray
    condition: np.ndarray
    domain: np.ndarray
    features: tuple[str, ...]
    queries: tuple[Query, ...]
    counts: np.ndarray | None = None
    image_shape: tuple[int, int, int] | None = None
    names: np.ndarray = field(default=None)
    scored: np.ndarray | None = None

    def __post_init__(self):
        if self.names is None:
            object.__setattr__(self, "names", np.arange(len(self.X)).astype(str))

    @property
    def kinds(self) -> frozenset[str]:
        """What the data are: ``images``; or ``tabular``, and ``counts`` besides where raw counts are there."""
        if self.image_shape is not None:
            return frozenset({"images"})
        return frozenset({"tabular", "counts"}) if self.counts is not None else frozenset({"tabular"})

    def take(self, cells: np.ndarray) -> "TrainingData":
        """Return some of the cells: those of a mask (cells,), or at positions."""
        arrays = {name: getattr(self, name)[cells] for name in ("X", "role", "condition", "domain", "names")}
        rest = {name: None if (a := getattr(self, name)) is None else a[cells] for name in ("counts", "scored")}
        return replace(self, **arrays, **rest)

    def is_source(self, query: Query) -> np.ndarray:
        """Mask (cells,) of S for this query: source cells in the condition that the query starts from."""
        return source_mask(query, self.role, self.condition, self.domain)

    def is_target(self, query: Query) -> np.ndarray:
        """Mask (cells,) of T for this query: target cells in the condition that the query goes to."""
        at_target = self.condition == query.target
        if not query.hops:
            return (self.role == "target") & at_target
        return _is_control(query.hops[-1], self.role, self.domain) & at_target

    def source_and_target(self, query: Query) -> tuple[np.ndarray, np.ndarray]:
        """Return S and T (cells, features) float32, as scores and pages compare them.

        At the ends of a chain stand different controls. Their difference is no change, so T is then S moved by the sum
        of the hops' changes, each the difference of its controls' means.
        """
        S = as_float(self.X[self.is_source(query)])
        if len(query.steps) == 1:
            return S, as_float(self.X[self.is_target(query)])
        ends = [(self.X[self.is_source(step)], self.X[self.is_target(step)]) for step in query.steps]
        change = sum(
            after.mean(axis=0, dtype=np.float64) - before.mean(axis=0, dtype=np.float64) for before, after in ends
        )
        return S, (S + change).astype(np.float32)

    def is_query(self, query: Query) -> np.ndarray:
        """Mask (cells,) of X for this query."""
        return (self.role == "query") & (self.domain == query.domain) & (self.condition == query.source)

    def with_steps(self) -> "TrainingData":
        """Return the same cells with each query's steps as the queries, which is what models are fitted to."""
        if all(len(query.hops) < 2 for query in self.queries):
            return self
        return replace(self, queries=tuple(step for query in self.queries for step in query.steps))

    def is_reference(self, query: Query) -> np.ndarray:
        """Mask (cells,) of R: more cells measured in the target batch, for batch correctors only."""
        return (self.role == "reference") & (self.condition == query.target)


@dataclass(frozen=True)
class Prediction:
    """What a method returns for n cells.

    Attributes
    ----------
    X
        Array (n, features) float32 (uint8 range 0..255 kept as float32 for images), rows in the order given.
    latent, matched
        Arrays (n, units) of the model's bottleneck and of its matched layer, where it has them.
    outside
        Array (features,): share of cells whose edited unit lay outside the source's range; one value per edited unit.
    outside_per_cell
        Array (n,): share of each cell's edited units that lay outside the source's range.
    """

    X: np.ndarray
    latent: np.ndarray | None = None
    matched: np.ndarray | None = None
    outside: np.ndarray | None = None
    outside_per_cell: np.ndarray | None = None


@dataclass(frozen=True)
class HeldOut:
    """What a method predicts for domains that S and T share, each left out of its fit in turn; a row per domain.

    Attributes
    ----------
    domains
        Names (domains,) of what was left out.
    errors
        Array (domains,): energy distance of what is predicted for the domain's cells of S to its cells of T.
    unchanged
        Array (domains,): the same distance for the cells of S themselves, which is doing nothing.
    moved
        Array (domains,): energy distance from the domain's cells of S to what is predicted for them.
    predicted, measured
        Arrays (domains, features): change of the mean from S to T, as predicted and as measured.
    distances
        Array (domains,): energy distance from the domain's cells of S to those of the other domains, before the change.
    query_moved
        Energy distance from the query's cells to the prediction of the method that is fitted to all domains.
    query_distance
        Energy distance from the query's cells to S.
    why_not
        Why no domain was left out; "" where some were.
    random_parts
        Whether S and T share fewer than two domains, so that a method's own folds are random parts of their cells.
    """

    domains: np.ndarray
    errors: np.ndarray
    unchanged: np.ndarray
    moved: np.ndarray
    predicted: np.ndarray
    measured: np.ndarray
    distances: np.ndarray
    query_moved: float = 0.0
    query_distance: float = 0.0
    why_not: str = ""
    random_parts: bool = False

    @classmethod
    def none(cls, features: int, why_not: str, random_parts: bool = False) -> "HeldOut":
        """Return that no domain was left out, and why."""
        empty = np.zeros((0, features))
        nothing = np.zeros(0)
        told = {"why_not": why_not, "random_parts": random_parts}
        return cls(np.array([], dtype=str), nothing, nothing, nothing, empty, empty, nothing, **told)

    @property
    def is_beyond(self) -> bool:
        """Whether the query is farther from S than any domain is from the others: then it is not one more of them."""
        return bool(self.query_distance > self.distances.max(initial=np.inf if self.why_not else 0))
