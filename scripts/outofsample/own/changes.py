"""What a method changed in the cells of a query: numbers per feature, and which cells it had to extrapolate.

For data of a user's own, where there is often no truth: the numbers say what was done to the cells, beside what the
controls (source and target) show, and where a measured truth exists, beside that.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.arrays import HeldOut, Query, TrainingData, as_float
from outofsample.figures.populations import draw, population_names
from outofsample.files import scores
from outofsample.files.prediction import Predictions, read_predictions
from outofsample.files.task import TrainingRows, Truth, read_task, read_truth
from outofsample.metrics.distances import draw_cells, energy_distance, sorted_features, wasserstein_per_feature
from outofsample.metrics.expected import change_intervals
from outofsample.metrics.extrapolation import beyond, limits_of
from outofsample.metrics.families import Limits
from outofsample.metrics.summaries import summarise
from outofsample.own.extrapolation import Extrapolated, in_features, in_units, outside_source

if TYPE_CHECKING:
    import pandas as pd

#: Cells of each population that enter Wasserstein distances, and energy distances (all pairs of cells).
SORTED_CELLS, PAIRED_CELLS = 20_000, 2_000
#: Features whose deviations are computed at once.
_FEATURES = 256


@dataclass(frozen=True)
class Change:
    """What one method made of one query.

    Attributes
    ----------
    query, seed
        Which prediction.
    features, unit
        Names of the columns, and the scale of the values; empty where they are as in the file.
    cells
        ``source``, ``target``, ``query``, ``prediction`` and where it was measured ``truth``: arrays (cells, features)
        float32. Rows of the prediction are those of the query.
    names
        What each of them is called.
    extrapolated
        Of the query's cells.
    held_out
        What the method predicts for domains that it was not fitted to.
    source_ends
        Values (n, features) among which are the ends of all cells of S, of which ``source`` can be a part.
    image_shape
        (height, width, channels) where a row is an image.
    limits
        Twice the range of the training cells; None for images.
    """

    query: Query
    seed: int
    features: tuple[str, ...]
    unit: str
    cells: dict[str, np.ndarray]
    names: dict[str, str]
    extrapolated: Extrapolated
    held_out: HeldOut
    source_ends: np.ndarray
    image_shape: tuple[int, int, int] | None = None
    limits: Limits | None = None

    @property
    def beyond(self) -> np.ndarray:
        """Mask (cells, features) of the predicted values beyond twice the range of the training cells."""
        predicted = self.cells["prediction"]
        return np.zeros(predicted.shape, dtype=bool) if self.limits is None else beyond(predicted, self.limits)


def read_changes(prediction: Path, train: Path, truth: Path, unit: str = "") -> tuple[list[Change], str]:
    """Return what a method changed, a `Change` per query, of the seed that is written back: the first one.

    The second value is the reason where the method did not run; then there are no changes.

    Raises
    ------
    UserError
        If a file is unreadable or does not fit the others.
    """
    rows, data, _ = read_task(train)
    read = read_predictions(prediction, data, outside=True)
    if read.not_run:
        return [], read.not_run
    truths = read_truth(truth, data)
    return [_change(query, rows, data, read, truths.get(query.name), unit) for query in data.queries], ""


def _change(
    query: Query, rows: TrainingRows, data: TrainingData, read: Predictions, truth: Truth | None, unit: str
) -> Change:
    seed = next(seed for seed in read.seeds if (query.name, seed) in read.cells)
    source, target = data.source_and_target(query)
    cells = {
        "source": source,
        "target": target,
        "query": as_float(data.X[data.is_query(query)]),
        "prediction": read.cells[query.name, seed],
        **({} if truth is None else {"truth": truth.X}),
    }
    in_model = in_units(read.outside[query.name, seed], read.model)
    source_ends = rows.ends_of_source(query) if len(data.X) < len(rows.obs) else source
    return Change(
        query=query,
        seed=seed,
        features=tuple(data.features),
        unit=unit,
        cells=cells,
        names=population_names(data, query),
        extrapolated=in_model or in_features(cells["query"], source_ends),
        held_out=read.held_out[query.name],
        source_ends=source_ends,
        image_shape=data.image_shape,
        limits=None if data.image_shape is not None else limits_of(rows.ends_of_all(data)),
    )


def feature_table(change: Change) -> "pd.DataFrame":
    """Return a row per feature with what changed, those that moved most first.

    Columns: query, feature, seed, unit; median, mean and sd of the query ``_before`` and ``_after``, ``shift`` (of the
    median) and ``mean_shift``, ``sd_ratio`` (after / before); ``wasserstein`` between before and after; ``moved``, by
    which rows are sorted: the Wasserstein distance, in standard deviations of source and query where features have no
    common scale; ``control_shift`` and ``control_mean_shift`` (target - source); ``share_outside``: of the query's
    cells outside the source's range; ``share_beyond``: of the predicted values beyond twice the range of the training
    cells. Where domains were held out, ``mean_shift_low`` and ``mean_shift_high`` are where
    the true ``mean_shift`` is expected, and ``changed`` says whether that leaves out zero. With a truth also
    ``true_shift``, ``true_mean_shift``, and the Wasserstein distances ``before_to_truth`` and ``after_to_truth``.
    """
    import pandas as pd

    found = {name: summarise(X) for name, X in change.cells.items()}
    ordered = {name: sorted_features(draw(X, SORTED_CELLS)) for name, X in change.cells.items()}
    before, after = found["query"], found["prediction"]
    sd_before, sd_after = np.sqrt(before.variances), np.sqrt(after.variances)
    distance = wasserstein_per_feature(ordered["query"], ordered["prediction"])
    table = {
        "query": change.query.name,
        "feature": change.features,
        "seed": change.seed,
        "unit": change.unit,
        "median_before": before.medians,
        "median_after": after.medians,
        "shift": after.medians - before.medians,
        "mean_before": before.means,
        "mean_after": after.means,
        "mean_shift": after.means - before.means,
        "sd_before": sd_before,
        "sd_after": sd_after,
        "sd_ratio": np.divide(sd_after, sd_before, out=np.full_like(sd_after, np.nan), where=sd_before > 0),
        "wasserstein": distance,
        "moved": distance / _scale(change),
        "control_shift": found["target"].medians - found["source"].medians,
        "control_mean_shift": found["target"].means - found["source"].means,
        "share_outside": outside_source(change.cells["query"], change.source_ends).mean(axis=0),
        "share_beyond": change.beyond.mean(axis=0),
    }
    if not change.held_out.why_not:
        low, high = change_intervals(table["mean_shift"], change.held_out, _sd(change))
        table |= {"mean_shift_low": low, "mean_shift_high": high, "changed": (low > 0) | (high < 0)}
    if "truth" in found:
        table |= {
            "true_shift": found["truth"].medians - before.medians,
            "true_mean_shift": found["truth"].means - before.means,
            "before_to_truth": wasserstein_per_feature(ordered["query"], ordered["truth"]),
            "after_to_truth": wasserstein_per_feature(ordered["prediction"], ordered["truth"]),
        }
    return pd.DataFrame(table).sort_values("moved", ascending=False, kind="stable", ignore_index=True)


def _scale(change: Change) -> np.ndarray:
    """Return what a distance of each feature (features,) is divided by, so that features can be compared."""
    if change.unit or change.image_shape is not None:
        return np.ones(len(change.features))
    return _sd(change)


def _sd(change: Change) -> np.ndarray:
    """Return the standard deviations (features,) of source and query cells together; 1 where they do not vary."""
    parts = [change.cells[name] for name in ("source", "query")]
    # In float64 all features at once would take twice as much memory as all cells.
    features = len(change.features)
    ends = [block[-1] + 1 for block in np.array_split(np.arange(features), -(-features // _FEATURES))]
    blocks = map(slice, [0, *ends], ends)
    found = [np.concatenate([X[:, block] for X in parts]).std(axis=0, dtype=np.float64) for block in blocks]
    sd = np.concatenate(found)
    return np.where(sd > 0, sd, 1)


def overview(change: Change) -> dict[str, float]:
    """Return energy distances between whole populations, over all features; 0 is no difference.

    ``moved`` is that of query and prediction, ``controls`` that of source and target; with a truth ``before`` and
    ``after`` are those of query and prediction to it.
    """
    drawn = {name: as_float(X[draw_cells(len(X), PAIRED_CELLS, 0)]) for name, X in change.cells.items()}
    pairs = {"moved": ("query", "prediction"), "controls": ("source", "target")}
    if "truth" in drawn:
        pairs |= {"before": ("query", "truth"), "after": ("prediction", "truth")}
    return {name: energy_distance(drawn[one], drawn[other]) for name, (one, other) in pairs.items()}


def principal_components(change: Change) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return scores (cells, 2) of at most so many cells of each population, and the shares (2,) of the variance.

    The components are those of source, target and query with the same number of cells of each.
    """
    from sklearn.decomposition import PCA

    drawn = {name: draw(X, PAIRED_CELLS) for name, X in change.cells.items()}
    size = min(len(drawn[name]) for name in ("source", "target", "query"))
    fitted = np.concatenate([drawn[name][:size] for name in ("source", "target", "query")])
    components = PCA(2, svd_solver="randomized", random_state=0).fit(fitted)
    scores = {name: components.transform(X) for name, X in drawn.items()}
    return scores, components.explained_variance_ratio_


def read_scores(path: Path, query: str, methods: list[str]) -> dict[str, dict[str, float]]:
    """Return the scores of a query, by score and method, as means over seeds; none where there is no truth."""
    table = scores.read_scores([path])
    table = table[(table["query"] == query) & table["method"].isin(methods)]
    means = table.dropna(subset=["value"]).groupby(["score", "method"], sort=False)["value"].mean()
    found: dict[str, dict[str, float]] = {}
    for (score, method), value in means.items():
        found.setdefault(score, {})[method] = float(value)
    return found
