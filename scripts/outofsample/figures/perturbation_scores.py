"""Panel e of trVAE's Figures 5 and 6: a column per score, a row per method."""

import numpy as np
from matplotlib.axes import Axes

from outofsample.figures.perturbation_data import GREY, Perturbation
from outofsample.metrics.directions import direction_of, distance_to_best
from outofsample.texts import number


def score_column(ax: Axes, parts: Perturbation, score: str, label: str) -> None:
    """Draw one score of all methods: a point with its sd and its number, the oracle and no change as lines."""
    ax.set_xlabel(label)
    found = {panel.method: parts.runs(panel.method, score) for panel in parts.ordered}
    means = np.array([run["mean"] for run in found.values()])
    oracle, unchanged = parts.runs("oracle", score), found.get("no_change", {"mean": np.nan})["mean"]
    low, high = score_limits(score, np.append(means, [oracle["mean"], unchanged]))
    # To the right of the points there is room for the numbers.
    ax.set_xlim(low, high + 0.7 * (high - low))
    ax.set_xticks(_ticks(low, high))
    if not np.isnan(oracle["mean"]):
        ax.axvspan(*np.clip([oracle["low"], oracle["high"]], low, high), color="#DDDDDD", linewidth=0, zorder=-1)
        ax.axvline(oracle["mean"], color="black", linewidth=0.8, linestyle="--", zorder=0)
    if low <= unchanged <= high:
        ax.axvline(unchanged, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
    best = best_method(score, {name: run["mean"] for name, run in found.items() if name not in parts.controls})
    for row, panel in enumerate(parts.ordered, 2):
        run = found[panel.method]
        if panel.X is None:
            continue
        _point(ax, row, run, (low, high), parts.colour(panel))
        bold = {"weight": "bold"} if panel.method == best else {}
        place = {"ha": "right", "va": "center", "transform": ax.get_yaxis_transform(), "size": 6}
        ax.text(0.985, row, number(run["mean"]), color=parts.colour(panel), **place, **bold)


def score_limits(score: str, values: np.ndarray) -> tuple[float, float]:
    """Return the ends of a score's axis: 0 to 1 where more is better, further where values need it."""
    values, direction = values[np.isfinite(values)], direction_of(score)
    if direction == "high":
        return min(0.0, max(-1.0, values.min(initial=0.0))), 1.0
    if direction == "one":
        return 0.0, float(np.clip(values.max(initial=1.2), 1.2, 3.0))
    return min(0.0, values.min(initial=0.0)), 1.05 * (np.percentile(values, 90) if len(values) else 1.0) or 1.0


def _ticks(low: float, high: float) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    return [tick for tick in MaxNLocator(3, steps=[1, 2, 5, 10]).tick_values(low, high) if low <= tick <= high]


def best_method(score: str, means: dict[str, float]) -> str | None:
    """Return the method whose score is best, or None."""
    distances = {name: distance_to_best(score, mean) for name, mean in means.items() if np.isfinite(mean)}
    return min(distances, key=distances.get, default=None)


def _point(ax: Axes, row: int, run: dict, ends: tuple[float, float], colour: str) -> None:
    """Draw a point and its sd; beyond the axis an arrow head at its end."""
    mean = run["mean"]
    if np.isnan(mean):
        return
    marker = "<" if mean < ends[0] else ">" if mean > ends[1] else "o"
    place = float(np.clip(mean, *ends))
    ax.plot(place, row, marker, ms=3.2, color=colour, mew=0, zorder=3)
    if marker == "o" and np.isfinite(run["sd"]):
        ax.plot(np.clip([mean - run["sd"], mean + run["sd"]], *ends), [row, row], color=colour, linewidth=0.8, zorder=2)
