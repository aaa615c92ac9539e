"""Time against distance to the truth on dengue's stand-in at the papers' size: Neuron Editing, CytoNorm, controls.

The stand-in is made and split as the pipeline does it. Each budget is fitted and applied in a process of its own, with
two threads, that is given the training part alone; this process keeps the truth and scores what comes back. From the
root of the repository:

    python benchmarks/dengue_curve.py
    python benchmarks/dengue_curve.py --cells 6000 --rounds 1     a quick look that everything works

writes ``dengue_curve.csv`` (a row per round and budget), ``.md`` (medians over rounds), ``.png`` and ``.pdf`` to
``results/benchmarks``.
"""

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from statistics import median, stdev
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import machine  # noqa: E402

from outofsample.errors import UserError, run_script  # noqa: E402
from outofsample.files.writing import replacing  # noqa: E402

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

    from outofsample.arrays import TrainingData

#: Cells of the papers' four files: 191,871 in all. Other sizes keep their shares.
PAPER_CELLS = {"control1_cells": 18_919, "control2_cells": 22_802, "sample1_cells": 94_556, "sample2_cells": 55_594}
#: Fewer leave too few controls for a cluster of CytoNorm.
LEAST_CELLS = 2000
#: What is asked of Neuron Editing: so many seconds, at a distance no worse than this row's.
LIMIT = 60
PEER = ("cytonormpy, called directly", "10 clusters")
#: Drawn as levels across the figure, with the oracle.
LEVELS = ("no change", "mean shift")
#: Energy distances below this are drawn on a linear scale.
LINEAR_BELOW = 0.01
#: Cells of each role in the fit that comes before the measured one, so that all is imported and compiled by then.
WARM_UP = 300
#: Decimals of the columns of the Markdown table.
SHOWN = {
    "steps": "{:,.0f}",
    "seconds": "{:.2f}",
    "cpu_seconds": "{:.2f}",
    "fit_seconds": "{:.2f}",
    "with_imports": "{:.1f}",
    "energy_distance": "{:.4f}",
    "change_r": "{:.3f}",
    "change_of_means_r": "{:.3f}",
}
HEAD = (
    "| method | budget | steps | wall s | CPU s | of it training, wall s | wall s with imports | energy distance "
    "| least to largest | r of changes, medians | r of changes, means | note |",
    "| --- | --- " + "| --: " * 9 + "| --- |",
)


@dataclass(frozen=True)
class Job:
    """What one process measures.

    Attributes
    ----------
    series
        Line of the figure; the outputs of a network after the first are called ``series, output``.
    budget
        Point on that line, in words; its number stands beside the point.
    runner
        Key of `RUNNERS`.
    uses
        The method's name, where the runner takes any.
    settings
        Of the method, the network or the package.
    """

    series: str
    budget: str
    runner: str
    uses: str = ""
    settings: dict = field(default_factory=dict)


@dataclass
class Row:
    """A row of the CSV; empty where something is not known.

    ``seconds`` and ``cpu_seconds`` are those of fit and prediction, ``fit_seconds`` the network's training among the
    wall seconds; ``with_imports`` and ``cpu_with_imports`` add what the process took before, but for reading the data.
    """

    round: int
    series: str
    budget: str
    steps: int | str = ""
    seconds: float | str = ""
    cpu_seconds: float | str = ""
    fit_seconds: float | str = ""
    with_imports: float | str = ""
    cpu_with_imports: float | str = ""
    energy_distance: float | str = ""
    change_r: float | str = ""
    change_of_means_r: float | str = ""
    validation_loss: float | str = ""
    note: str = ""


def jobs() -> list[Job]:
    """Return all that is measured, in the order of the tables."""
    plain = ("no change", "mean shift", "quantile mapping", "cross validated")
    found = [Job(label, "", "method", label.replace(" ", "_")) for label in plain]
    # Adam's rate grows with the root of the batch size: 10 times as many cells, 3 times the rate.
    for batch_size, learning_rate, budgets in (
        (100, 1e-3, (1, 2, 5, 10, 20, 40)),
        (1000, 3e-3, (5, 10, 20, 40, 80)),
    ):
        for epochs in budgets:
            # Without early stopping: the budget is what is measured.
            settings = {"batch_size": batch_size, "learning_rate": learning_rate, "epochs": epochs, "patience": None}
            words = f"{epochs} epoch{'s' * (epochs > 1)}"
            found.append(Job(f"neuron editing, batches of {batch_size:,}", words, "network", "autoencoder", settings))
    for clusters in (1, 5, 10, 20):
        words = f"{clusters} cluster{'s' * (clusters > 1)}"
        found.append(Job("our cytonorm", words, "method", "cytonorm", {"clusters": clusters}))
    for name, options in (
        ("cluster quantiles", {}),
        ("aligned cluster quantiles", {"align": True}),
        ("cluster quantiles, zeros by share", {"zeros": "share"}),
        ("aligned cluster quantiles, zeros by share", {"align": True, "zeros": "share"}),
    ):
        for clusters in (5, 10, 20):
            settings = {"edit_options": {"clusters": clusters, **options}}
            found.append(Job(name, f"{clusters} clusters", "method", "cluster_quantiles", settings))
    return [*found, Job(*PEER, "cytonormpy", settings={"n_clusters": 10})]


def is_neuron_editing(series: str) -> bool:
    """Whether a line of the figure is Neuron Editing's."""
    return series.startswith("neuron editing")


# ---- The data: made and split in a process that ends before anything is measured.


def make_data(folder: Path, cells: int, seed: int) -> None:
    """Simulate dengue and split it by the task of ``config.yaml``; write ``train.npz`` and ``truth.npz``.

    ``train.npz`` holds the fields of `TrainingData` that table data have: a process that reads it imports nothing but
    numpy. ``truth.npz`` holds the truth's cells ``Y`` (cells, features), in the order of the query's.
    """
    import numpy as np

    from outofsample import registry
    from outofsample.files.task import to_training
    from outofsample.jobs.split import SplitSpec
    from outofsample.study.load import read_study
    from outofsample.study.split import split_dataset

    sizes = {name: round(cells * count / sum(PAPER_CELLS.values())) for name, count in PAPER_CELLS.items()}
    dataset = registry.create("datasets", "dengue", sizes | {"seed": seed})
    dataset.simulate(folder)
    adata = dataset.load({file.name: folder / file.name for file in dataset.simulated_files()})
    adata.uns |= {"dataset": "dengue", "stand_in": True}
    task = read_study(ROOT / "config.yaml").tasks["dengue"]
    split = SplitSpec(
        "dengue",
        task.as_queries(),
        tuple(task.held_out),
        tuple(task.reference),
        tuple(task.source_domains),
    )
    train, truth = split_dataset(adata, split)
    data = to_training(train)
    (query,) = data.queries
    pairs = train.obs["pair_id"].to_numpy()[data.is_query(query)]
    if not np.array_equal(pairs.astype(str), truth.obs["pair_id"].to_numpy().astype(str)):
        raise UserError(
            "The truth of dengue's stand-in is not in the order of the query's cells, as this script needs."
        )
    # Strings of fixed width: what is read again holds no pickled objects.
    columns = {name: getattr(data, name).astype(str) for name in ("role", "condition", "domain")}
    queries = json.dumps([vars(query) for query in data.queries])
    np.savez(folder / "train.npz", X=data.X, **columns, features=np.array(data.features), queries=np.array(queries))
    np.savez(folder / "truth.npz", Y=np.asarray(truth.X, dtype=np.float32))


def read_arrays(path: Path) -> "TrainingData":
    """Return the training part that `make_data` wrote."""
    import numpy as np

    from outofsample.arrays import Query, TrainingData

    with np.load(path) as file:
        queries = tuple(Query(**query) for query in json.loads(str(file["queries"])))
        columns = {name: file[name] for name in ("X", "role", "condition", "domain")}
        return TrainingData(**columns, features=tuple(file["features"].tolist()), queries=queries)


# ---- One process: one budget.


@dataclass
class Outcome:
    """A prediction (cells, features) of the query, and what it took; ``facts`` are further fields of `Row`."""

    output: str
    X: "np.ndarray"
    seconds: float
    cpu_seconds: float
    facts: dict = field(default_factory=dict)


def timed(function: Callable, *arguments) -> tuple:
    """Return what a function returns, its wall seconds, and its CPU seconds over all threads."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = function(*arguments)
    return result, time.perf_counter() - wall, time.process_time() - cpu


def run_method(job: Job, data: "TrainingData", seed: int) -> Iterator[Outcome]:
    """Fit and apply a method that stands on no trained network."""
    from outofsample import registry

    entry = registry.find("methods", job.uses)

    def fit_and_predict():
        (query,) = data.queries
        return entry(entry.Settings(**job.settings)).fit(data, seed).transform(data.X[data.is_query(query)], query).X

    yield Outcome("", *timed(fit_and_predict))


#: Neuron Editing as in the papers, and its variants that keep what the network does not explain.
FORMS = {
    "": {},
    "residual": {"output": "residual"},
    "by cluster": {"output": "residual", "edit": "cluster_percentile", "edit_options": {"clusters": 10}},
    "by aligned cluster": {
        "output": "residual",
        "edit": "cluster_percentile",
        "edit_options": {"clusters": 10, "align": True},
    },
}


def run_network(job: Job, data: "TrainingData", seed: int) -> Iterator[Outcome]:
    """Train the autoencoder once and apply all forms of Neuron Editing; each is given the seconds of the training."""
    from outofsample import registry
    from outofsample.training.run import Run

    model = registry.create("models", job.uses, job.settings)
    _, *training = timed(model.fit, data, seed, Run(device="cpu"))
    facts = {
        "fit_seconds": training[0],
        "steps": job.settings["epochs"] * steps_per_epoch(model, data),
        "validation_loss": model.history[-1].get("validation_loss", ""),
    }
    entry = registry.find("methods", "neuron_editing")

    def edit(form: dict):
        (query,) = data.queries
        method = entry(entry.Settings(model=job.uses, **form), model).attach(data, seed)
        return method.transform(data.X[data.is_query(query)], query).X

    for name, form in FORMS.items():
        X, *own = timed(edit, form)
        yield Outcome(name, X, *(sum(parts) for parts in zip(training, own, strict=True)), facts)


def steps_per_epoch(model, data: "TrainingData") -> int:
    """Return the steps of an epoch: as many as the cells that are not held out fill batches (`training.Budget`)."""
    settings, sizes = model.settings, [int(cells.sum()) for cells in model.groups(data)]
    trained = sum(size - (int(settings.validation * size) if size >= 10 else 0) for size in sizes)
    return max(1, -(-trained // (settings.batch_size * len(sizes))))


def run_cytonormpy(job: Job, data: "TrainingData", seed: int) -> Iterator[Outcome]:
    """Do what cytonormpy's tutorial does: AnnData in, clusters, quantiles, splines, all three files normalised.

    Only the goal is not its default, the mean of the batches: the task asks for batch 2 as it is.
    """
    import anndata
    import numpy as np
    import pandas as pd
    from cytonormpy import CytoNorm, FlowSOM

    (query,) = data.queries
    cells = [np.flatnonzero(mask(query)) for mask in (data.is_source, data.is_target, data.is_query)]
    rows, file = np.concatenate(cells), np.repeat(np.arange(3), [len(part) for part in cells])
    names = {"reference": ["ref", "ref", "other"], "batch": [0, 1, 0], "file_name": ["control1", "control2", "sample1"]}
    obs = pd.DataFrame({column: np.array(values)[file] for column, values in names.items()}, rows.astype(str))
    values = data.X[rows].astype(np.float64)
    adata = anndata.AnnData(values, obs, pd.DataFrame(index=list(data.features)), layers={"asinh": values})

    def fit_and_predict():
        norm = CytoNorm()
        norm.run_anndata_setup(adata, layer="asinh", channels="all")
        norm.add_clusterer(FlowSOM(seed=seed, **job.settings))
        norm.run_clustering()
        norm.calculate_quantiles()
        norm.calculate_splines(goal=1)
        norm.normalize_data(n_jobs=int(os.environ["OMP_NUM_THREADS"]))
        return adata.layers["cyto_normalized"][file == 2].astype(np.float32)

    yield Outcome("", *timed(fit_and_predict))


RUNNERS = {"method": run_method, "network": run_network, "cytonormpy": run_cytonormpy}
#: Settings of the fit on few cells. cytonormpy fails where a cluster of the query has no cell in the controls.
SHORT = {"method": {}, "network": {"epochs": 1}, "cytonormpy": {"n_clusters": 2}}


def few_cells(data: "TrainingData") -> "TrainingData":
    """Return at most `WARM_UP` cells of each role."""
    import numpy as np

    rows = np.sort(np.concatenate([np.flatnonzero(data.role == role)[:WARM_UP] for role in np.unique(data.role)]))
    columns = {name: getattr(data, name)[rows] for name in ("X", "role", "condition", "domain", "names")}
    return replace(data, **columns)


def measure(job: Job, folder: Path, seed: int, started: float) -> list[dict]:
    """Run one job; write the predictions to ``folder`` and return a dictionary of `Row` fields per output.

    The first fit, on few cells, imports and compiles; ``started`` is when this process was called (`time.time`).
    """
    import numpy as np

    data, *reading = timed(read_arrays, folder / "train.npz")
    runner = RUNNERS[job.runner]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        short = replace(job, settings=job.settings | SHORT[job.runner])
        list(runner(short, few_cells(data), seed))
    before = time.time() - started - reading[0], time.process_time() - reading[1]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        outcomes = list(runner(job, data, seed))
    # What cytonormpy, or our method on top of it, says of its clusters.
    told = dict.fromkeys(" ".join(str(w.message).split()) for w in caught if "cytonorm" in w.filename)
    rows = []
    for outcome in outcomes:
        np.save(folder / f"predicted_{len(rows)}.npy", outcome.X)
        rows.append(
            {
                "series": ", ".join(filter(None, [job.series, outcome.output])),
                "budget": job.budget,
                "seconds": outcome.seconds,
                "cpu_seconds": outcome.cpu_seconds,
                "with_imports": outcome.seconds + before[0],
                "cpu_with_imports": outcome.cpu_seconds + before[1],
                "note": "; ".join(told),
                **outcome.facts,
            }
        )
    return rows


def call(arguments: argparse.Namespace, *options: object) -> str:
    """Run this script in a process of its own, with few threads and without a GPU; return what it printed.

    Raises
    ------
    UserError
        If it fails or takes longer than ``--timeout``.
    """
    libraries = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "NUMBA")
    few = {f"{name}_NUM_THREADS": str(arguments.threads) for name in libraries}
    command = [sys.executable, __file__, *map(str, options)]
    environment = {**os.environ, **few, "CUDA_VISIBLE_DEVICES": ""}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=arguments.timeout)
    except subprocess.TimeoutExpired as error:
        raise UserError(f"not ready after {arguments.timeout:g} s; raise --timeout.") from error
    if done.returncode:
        raise UserError(f"failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    return done.stdout


# ---- Scores: by this process alone, the only one that reads the truth.


class Scorer:
    """Scores predictions of the query as the tables do, on the same cells."""

    def __init__(self, folder: Path, cells: int):
        """Score at most so many cells of a prediction against as many of the truth, where pairs are compared."""
        import numpy as np

        from outofsample.metrics.evaluation import DEFAULTS
        from outofsample.metrics.families import DistanceScores, Populations
        from outofsample.metrics.summaries import summarise

        data = read_arrays(folder / "train.npz")
        (query,) = data.queries
        S, T, X = (data.X[mask(query)] for mask in (data.is_source, data.is_target, data.is_query))
        with np.load(folder / "truth.npz") as file:
            # The truth of each cell of the query is known here: row i is cell i.
            self.cells = Populations(S, T, X, file["Y"], answers=np.arange(len(X)))
        self.settings = replace(DEFAULTS, max_cells=cells)
        self.distances = DistanceScores(self.cells, self.settings)
        self.query, self.truth = summarise(X), summarise(self.cells.Y)

    def score(self, predicted: "np.ndarray") -> dict[str, float]:
        """Return the scores of a prediction (cells, features)."""
        from outofsample.metrics.correlations import change_r
        from outofsample.metrics.summaries import summarise

        summary = summarise(predicted)
        return {
            "energy_distance": self.distances.score(predicted)["energy_distance"].value,
            "change_r": float(change_r(self.query.medians, summary.medians, self.truth.medians)),
            "change_of_means_r": float(change_r(self.query.means, summary.means, self.truth.means)),
        }

    def oracle(self) -> list[float]:
        """Return the energy distances of random halves of the truth to the other halves, as the tables' oracle."""
        import numpy as np

        rng, Y = np.random.default_rng(self.settings.seed), self.cells.Y
        found = []
        for _ in range(self.settings.oracle_halves):
            order = rng.permutation(len(Y))
            half, other = Y[order[: len(Y) // 2]], Y[order[len(Y) // 2 :]]
            found.append(self.distances.score_halves(half, other)["energy_distance"].value)
        return found


def measure_round(arguments: argparse.Namespace, wanted: list[Job], folder: Path, scorer: Scorer, turn: int):
    """Yield the rows of one round as they come; its number less one is the seed of the fits.

    A job that fails gives a row that says so: the others are measured all the same.
    """
    import numpy as np

    for job in wanted:
        options = ("--job", json.dumps(asdict(job)), "--folder", folder, "--fit-seed", turn - 1)
        try:
            entries = json.loads(call(arguments, *options, "--started", time.time()))
        except UserError as error:
            print(f"round {turn}: {job.series} {job.budget}: {error}", file=sys.stderr, flush=True)
            yield Row(turn, job.series, job.budget, note=str(error))
            continue
        for number, entry in enumerate(entries):
            scores = scorer.score(np.load(folder / f"predicted_{number}.npy"))
            row = Row(turn, **entry, **scores)
            print(
                f"round {turn}: {row.series} {row.budget}: {row.seconds:.2f} s, energy distance "
                f"{row.energy_distance:.4f}",
                file=sys.stderr,
                flush=True,
            )
            yield row


# ---- Table, sentences, figure.


@dataclass(frozen=True)
class Point:
    """Medians over the rounds of one budget, by the names of `Row`; least and largest energy distance.

    Where no round has numbers, ``values`` is empty, the distances are NaN, and ``note`` says why.
    """

    series: str
    budget: str
    values: dict[str, float]
    low: float
    high: float
    note: str

    @property
    def measured(self) -> bool:
        """Whether there are numbers."""
        return bool(self.values)

    @property
    def number(self) -> str:
        """Epochs or clusters, as the figure has them beside the point."""
        return self.budget.partition(" ")[0]


def summarise_rounds(rows: list[Row]) -> list[Point]:
    """Return a point per budget, in the order of the rows."""
    points = []
    for series, budget in dict.fromkeys((row.series, row.budget) for row in rows):
        own = [row for row in rows if (row.series, row.budget) == (series, budget)]
        values = {}
        for name in SHOWN:
            known = [getattr(row, name) for row in own if getattr(row, name) != ""]
            values |= {name: median(known)} if known else {}
        distances = [row.energy_distance for row in own if row.energy_distance != ""]
        notes = list(dict.fromkeys(row.note for row in own if row.note))
        if len(distances) < len(own):
            notes.insert(0, f"measured in {len(distances)} of {len(own)} rounds")
        distances = distances or [float("nan")]
        points.append(Point(series, budget, values, min(distances), max(distances), "; ".join(notes)))
    return points


def table(points: list[Point]) -> list[str]:
    """Return the lines of the Markdown table."""
    lines = list(HEAD)
    for point in points:
        # A correlation is not defined where nothing changes.
        known = {name: value for name, value in point.values.items() if value == value}
        shown = {name: form.format(known[name]) if name in known else "-" for name, form in SHOWN.items()}
        cells = [point.series, point.budget or "-", *(shown[name] for name in list(SHOWN)[:6])]
        spread = f"{point.low:.4f} to {point.high:.4f}" if point.measured else "-"
        cells += [spread, *(shown[name] for name in list(SHOWN)[6:]), point.note]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def verdict(points: list[Point]) -> str:
    """Return a sentence that says whether Neuron Editing keeps what is asked of it."""
    points = [point for point in points if point.measured]
    peer = next((point for point in points if (point.series, point.budget) == PEER), None)
    ours = [point for point in points if is_neuron_editing(point.series) and point.values["seconds"] <= LIMIT]
    if peer is None or not ours:
        return "- The requirement is not measured: that takes Neuron Editing's budgets and cytonormpy."
    best = min(ours, key=lambda point: point.values["energy_distance"])
    parts = [
        f"{point.series}, {point.budget}: {point.values['seconds']:.1f} s ({point.values['with_imports']:.1f} s with "
        f"imports), energy distance {point.values['energy_distance']:.4f} ({point.low:.4f} to {point.high:.4f})"
        for point in (best, peer)
    ]
    kept = "kept" if best.values["energy_distance"] <= peer.values["energy_distance"] else "not kept"
    return (
        f"- Nearest to the truth of Neuron Editing within {LIMIT} s: {parts[0]}. To beat: {parts[1]}. The requirement, "
        f"no more than {LIMIT} s at a distance no worse, is {kept}. The budget was chosen by the distance to the truth "
        "itself, which favours Neuron Editing."
    )


def provenance(arguments: argparse.Namespace, oracle: list[float], rounds: int) -> list[str]:
    """Return sentences on oracle, data, machine, date, commit and versions."""
    trained = {job.settings["batch_size"]: job.settings["learning_rate"] for job in jobs() if job.runner == "network"}
    rates = ", ".join(f"{rate:g} for batches of {size:,}" for size, rate in trained.items())
    packages = ("torch", "numpy", "cytonormpy", "flowsom", "numba")
    return [
        f"- Oracle (random halves of the truth): energy distance {sum(oracle) / len(oracle):.4f} "
        f"({min(oracle):.4f} to {max(oracle):.4f} over {len(oracle)} halves, standard deviation {stdev(oracle):.4f}).",
        f"- Simulated stand-in of dengue, {arguments.cells:,} cells in all, seed {arguments.seed}. Distances compare "
        f"{arguments.scored_cells:,} cells. Medians over "
        f"{rounds} round{'s' * (rounds > 1)} with a seed each for the fits; threads: {arguments.threads}. "
        f"Learning rates: {rates}.",
        f"- Machine: {machine.processor()}, {os.cpu_count()} cores. {machine.date_and_commit()}",
        f"- Python {platform.python_version()}, {', '.join(f'{name} {version(name)}' for name in packages)}.",
    ]


def draw(points: list[Point], oracle: list[float], arguments: argparse.Namespace, rounds: int) -> "Figure":
    """Draw the energy distance over the seconds of fit and prediction: a line per method, controls in grey."""
    from matplotlib.ticker import FixedLocator, NullLocator

    from outofsample.figures import style
    from outofsample.figures.panels import legend

    note = (
        f"Simulated stand-in, {arguments.cells:,} cells x 35 proteins. Threads: {arguments.threads}; imports and "
        f"compilation not counted. Medians over {rounds} round{'s' * (rounds > 1)}; bars: least to largest distance. "
        "Numbers: epochs of Neuron Editing, clusters of CytoNorm."
    )
    figure = style.page("Dengue: time against distance to the truth", note, 3.4)
    axes, points = figure.subplots(), [point for point in points if point.measured]
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    # Distances around zero can be negative, and short trainings are a hundred times as far as long ones.
    axes.set_yscale("symlog", linthresh=LINEAR_BELOW, linscale=0.7)
    axes.yaxis.set_major_locator(FixedLocator([0, *(f * 10**e for e in (-2, -1, 0, 1) for f in (1, 3))]))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(NullLocator())
    levels = {p.series: p.values["energy_distance"] for p in points if p.series in LEVELS}
    for label, level in (levels | {"oracle": sum(oracle) / len(oracle)}).items():
        axes.axhline(level, color="#999999", linewidth=0.8, zorder=0)
        axes.text(1.01, level, label, transform=axes.get_yaxis_transform(), va="center", color="#666666")
    axes.axvline(LIMIT, color="#999999", linewidth=0.8, linestyle=":", zorder=0)
    axes.text(LIMIT, 1.01, f"{LIMIT} s", transform=axes.get_xaxis_transform(), ha="center", color="#666666")
    # The table has more lines than a figure shows clearly.
    series = [name for name in dict.fromkeys(point.series for point in points) if name in LOOKS]
    handles = [_line(axes, [point for point in points if point.series == name], name) for name in series]
    axes.set_xlabel("fit and prediction, wall time (s)")
    axes.set_ylabel(f"energy distance to the truth, asinh units\n(log scale; linear below {LINEAR_BELOW:g})")
    legend(figure, handles)
    return figure


#: Colour (Okabe and Ito's), marker and dash of each line that is drawn: black and white prints keep them apart.
LOOKS = {
    "neuron editing, batches of 100": ("#0072B2", "o", "-"),
    "neuron editing, batches of 100, residual": ("#0072B2", "s", "--"),
    "neuron editing, batches of 1,000": ("#D55E00", "^", "-"),
    "neuron editing, batches of 100, by cluster": ("#0072B2", "X", ":"),
    "neuron editing, batches of 100, by aligned cluster": ("#56B4E9", "X", "-"),
    "neuron editing, batches of 1,000, by aligned cluster": ("#D55E00", "p", "-."),
    "cluster quantiles": ("#E69F00", "h", "-"),
    "aligned cluster quantiles": ("#E69F00", "H", "--"),
    "cross validated": ("#000000", "d", "-"),
    "our cytonorm": ("#009E73", "D", "-"),
    PEER[0]: ("#CC79A7", "*", "-"),
    "quantile mapping": ("#000000", "P", "-"),
}


def _line(axes, points: list[Point], name: str):
    """Draw the points of one method, joined, with their numbers beside them; return what the legend shows."""
    colour, marker, dash = LOOKS[name]
    seconds = [point.values["seconds"] for point in points]
    distances = [point.values["energy_distance"] for point in points]
    axes.vlines(seconds, [point.low for point in points], [point.high for point in points], color=colour, linewidth=0.8)
    (line,) = axes.plot(seconds, distances, dash, color=colour, marker=marker, markersize=4, linewidth=1, label=name)
    # Of two lines that run close together one has its numbers above, the other below.
    place = {"xytext": (-3, -3), "ha": "right", "va": "top"} if dash == "--" else {"xytext": (3, 3)}
    for numbers, x, y in _numbers([point.number for point in points], seconds, distances):
        axes.annotate(numbers, (x, y), textcoords="offset points", fontsize=6, color=colour, **place)
    return line


def _numbers(numbers: list[str], seconds: list[float], distances: list[float]) -> list[tuple[str, float, float]]:
    """Return what stands beside the points, and where: points on one spot share a label."""
    found: list[tuple[str, float, float]] = []
    for number, x, y in zip(numbers, seconds, distances, strict=True):
        if found and abs(x / found[-1][1] - 1) < 0.3 and abs(y - found[-1][2]) < LINEAR_BELOW / 20:
            found[-1] = (f"{found[-1][0]}, {number}", *found[-1][1:])
        else:
            found.append((number, x, y))
    return found


def write(rows: list[Row], oracle: list[float], arguments: argparse.Namespace) -> str:
    """Write CSV, Markdown and figure; return the Markdown."""
    from outofsample.figures import style

    target = arguments.output / "dengue_curve.csv"
    with replacing(target) as path, open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(Row.__dataclass_fields__), lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(asdict, rows))
    points, rounds = summarise_rounds(rows), rows[-1].round
    lines = [*table(points), "", verdict(points), *provenance(arguments, oracle, rounds)]
    text = "\n".join(lines) + "\n"
    with replacing(target.with_suffix(".md")) as path:
        path.write_text(text)
    style.save(draw(points, oracle, arguments, rounds), target.with_suffix(".pdf"), target.with_suffix(".png"))
    return text


def parse_arguments() -> argparse.Namespace:
    """Read the command line.

    Raises
    ------
    UserError
        If a number is too small.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=sum(PAPER_CELLS.values()), help="of all files (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="processes per budget (%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="of each process (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the stand-in (%(default)s)")
    parser.add_argument("--scored-cells", type=int, default=2000, help="that distances compare, as the tables' 2,000")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="methods with one of these words in their name")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds that one process may take (%(default)s)")
    parser.add_argument("--output", type=Path, default=ROOT / "results/benchmarks", help="folder for what is written")
    # How this script calls itself.
    for name, kind in (("--job", json.loads), ("--folder", Path), ("--fit-seed", int), ("--started", float)):
        parser.add_argument(name, type=kind, help=argparse.SUPPRESS)
    parser.add_argument("--make-data", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    for name, least in (("cells", LEAST_CELLS), ("rounds", 1), ("threads", 1), ("scored_cells", 2)):
        if getattr(arguments, name) < least:
            raise UserError(f"--{name.replace('_', '-')}: must be at least {least}, not {getattr(arguments, name)}.")
    return arguments


def run_all(arguments: argparse.Namespace) -> None:
    """Make the data, measure all rounds, and print the table.

    Raises
    ------
    UserError
        If ``--only`` leaves no method.
    """
    wanted = [job for job in jobs() if not arguments.only or any(word in job.series for word in arguments.only)]
    if not wanted:
        known = ", ".join(dict.fromkeys(job.series for job in jobs()))
        raise UserError(f"--only: no method has one of these words in its name; there are: {known}.")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        call(arguments, "--make-data", "--folder", folder, "--cells", arguments.cells, "--seed", arguments.seed)
        scorer = Scorer(folder, arguments.scored_cells)
        oracle = scorer.oracle()
        # The processes that fit and predict find no truth.
        (folder / "truth.npz").unlink()
        (folder / "Sample1_in_batch2.fcs").unlink()
        for turn in range(1, arguments.rounds + 1):
            rows += measure_round(arguments, wanted, folder, scorer, turn)
            # After each round: a run that is stopped leaves what it has.
            text = write(rows, oracle, arguments)
    print(text)


def main() -> None:
    """Run the command line, or the part of it that this process was called for."""
    arguments = parse_arguments()
    if arguments.make_data:
        make_data(arguments.folder, arguments.cells, arguments.seed)
    elif arguments.job:
        # The packages print progress of their own.
        with os.fdopen(os.dup(1), "w") as result:
            os.dup2(2, 1)
            rows = measure(Job(**arguments.job), arguments.folder, arguments.fit_seed, arguments.started)
            result.write(json.dumps(rows) + "\n")
    else:
        run_all(arguments)


if __name__ == "__main__":
    run_script(main)
