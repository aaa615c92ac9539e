"""How long Neuron Editing's percentile edit takes, beside what a user would write instead, in one run.

The peers: `numpy.interp` for each unit on the same 101 percentiles, and scikit-learn's `QuantileTransformer` (fitted on
S and on T; forward through the first, back through the second). All are timed with what they learn from S and T, since
a user pays for both. 'In place' writes over the query (a copy of it, made before the clock starts), as both ours and
`numpy.interp` can. Prints a table for a Markdown page. From the root of the repository:

    python benchmarks/edit_speed.py
    python benchmarks/edit_speed.py --cells 5000000 --units 50
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))


def populations(cells: int, units: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return S, T (at most 100,000 cells each) and X (``cells``), skewed as activations are: (cells, units) float32."""
    rng = np.random.default_rng(seed)
    fitted = min(cells, 100_000)
    source = rng.gamma(2, 1, size=(fitted, units)).astype(np.float32)
    target = rng.gamma(3, 1, size=(fitted, units)).astype(np.float32) - 1
    query = rng.standard_gamma(2.2, size=(cells, units), dtype=np.float32)
    return source, target, query


def ours(source: np.ndarray, target: np.ndarray, query: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Fit and apply `PercentileEdit`."""
    from outofsample.edits.percentile import Edit as PercentileEdit

    return PercentileEdit().fit(source, target).transform(query, out)


def interpolated(
    source: np.ndarray, target: np.ndarray, query: np.ndarray, out: np.ndarray | None = None
) -> np.ndarray:
    """Do the same with `numpy.interp`, a column at a time; beyond the ends it stays at the last value."""
    share = np.arange(101)
    knots, values = np.percentile(source, share, axis=0), np.percentile(target, share, axis=0)
    edited = np.empty_like(query) if out is None else out
    for unit in range(query.shape[1]):
        edited[:, unit] = np.interp(query[:, unit], knots[:, unit], values[:, unit])
    return edited


def quantile_transformer(source: np.ndarray, target: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Do the same with scikit-learn."""
    from sklearn.preprocessing import QuantileTransformer

    forward, back = (QuantileTransformer(n_quantiles=101, subsample=None).fit(cells) for cells in (source, target))
    return back.inverse_transform(forward.transform(query))


#: Name, function, whether it writes over the query.
METHODS: list[tuple[str, Callable, bool]] = [
    ("PercentileEdit", ours, False),
    ("numpy.interp", interpolated, False),
    ("QuantileTransformer", quantile_transformer, False),
    ("PercentileEdit, in place", ours, True),
    ("numpy.interp, in place", interpolated, True),
]


def measure(cells: int, units: int, rounds: int) -> dict[str, list[float]]:
    """Return the wall seconds of each method, a number per round; the methods take turns within a round."""
    source, target, query = populations(cells, units)
    # The first call of each imports what it needs.
    for _, method, _ in METHODS:
        method(source[:1000], target[:1000], query[:1000])
    seconds: dict[str, list[float]] = {name: [] for name, _, _ in METHODS}
    for _ in range(rounds):
        for name, method, in_place in METHODS:
            copied = {"out": query.copy()} if in_place else {}
            data = (source, target, copied.get("out", query))
            start = time.perf_counter()
            method(*data, **copied)
            seconds[name].append(time.perf_counter() - start)
            del copied, data
    return seconds


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, nargs="+", default=[94_556])
    parser.add_argument("--units", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print("| cells | method | median s | against ours | rounds |\n| --: | --- | --: | --: | --- |")
    for cells in arguments.cells:
        seconds = measure(cells, arguments.units, arguments.rounds)
        for name, times in seconds.items():
            reference = "PercentileEdit, in place" if name.endswith("in place") else "PercentileEdit"
            ratio = np.median(np.array(times) / seconds[reference])
            shown = ", ".join(f"{value:.2f}" for value in times)
            print(f"| {cells:,} | `{name}` | {np.median(times):.2f} | {ratio:.1f} | {shown} |", flush=True)
    print(f"\nPeak memory of the whole run: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB.")


if __name__ == "__main__":
    main()
