"""Score against steps of trVAE, CVAE, MMD-CVAE and scGen as trVAE's authors trained, on natural killer cells.

One run of each network and seed gives all points: it goes on from its own checkpoint. From the root of the repository:

    python benchmarks/step_curve.py --data-dir data
    python benchmarks/step_curve.py --data-dir data --steps 200 --seeds 0     a quick look that everything works
    python benchmarks/step_curve.py --data-dir data --steps --fitted results/trvae_authors/models/kang_sample.NK

The last line trains nothing: it adds the networks of ``studies/trvae_authors.yaml``, which have the same data, settings
and seeds, at the steps that their histories tell; with ``--models saucie scvi style_gan`` those, which have no curve.

The script writes ``step_curve.csv`` (a row per method, seed and number of steps, and a row per control) to
``results/benchmarks``, anew after each training: a run that is stopped leaves what it has, and the next one goes on
from there. Delete the output folder after a change of the code.
"""

import argparse
import csv
import functools
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from outofsample import registry  # noqa: E402
from outofsample.arrays import Query  # noqa: E402
from outofsample.errors import run_script  # noqa: E402
from outofsample.files.writing import replacing  # noqa: E402
from outofsample.jobs.split import SplitSpec  # noqa: E402
from outofsample.study.config import Study  # noqa: E402
from outofsample.study.load import read_study  # noqa: E402

#: The study whose models and methods are scored, with their settings, and its task.
STUDY, TASK = ROOT / "studies/trvae_authors.yaml", "kang_sample.NK"
#: Those that are trained to several numbers of steps; of the others a study's trainings are scored.
CURVES = ["trvae", "cvae", "mmd_cvae", "vae"]
SCORES = ("means_r2", "variances_r2", "change_of_means_r", "sd_ratio", "energy_distance")
QUERY = Query("stimulated", "NK", "control", "stimulated")


@functools.cache
def study() -> Study:
    """Return the study."""
    return read_study(STUDY)


@functools.cache
def methods_on(model: str) -> dict[str, dict]:
    """Return the study's methods that stand on a model, by name; the first one is what rows are looked up by."""
    specs = {name: study().method_spec(name) for name in study().task_methods(TASK)}
    return {name: spec for name, spec in specs.items() if spec["model"] == model}


def create(model: str, **settings):
    """Return a model of the study, not fitted, with its settings there but for these."""
    spec = study().model_spec(model, TASK)
    return registry.create("models", spec["uses"], spec["settings"] | settings)


def read_task(arguments: argparse.Namespace):
    """Return the training data and the scorer of the natural killer cells."""
    from outofsample.files.task import to_training
    from outofsample.metrics.evaluation import QueryScorer
    from outofsample.metrics.families import Populations, Settings
    from outofsample.metrics.response import response_features
    from outofsample.study.split import split_dataset

    settings = {"file": arguments.file, "normalise": arguments.normalise}
    dataset = registry.create("datasets", "kang", settings)
    adata = dataset.load({arguments.file: arguments.data_dir / dataset.settings.folder / arguments.file})
    adata.uns |= {"dataset": "kang_sample", "stand_in": False}
    split = SplitSpec("kang_sample.NK", (QUERY,), variable_features=2000, feature_selection="paper")
    train, truth = split_dataset(adata, split)
    data = to_training(train)
    S, T, X = (data.X[mask(QUERY)] for mask in (data.is_source, data.is_target, data.is_query))
    Y = truth.X.toarray()
    cells = Populations(S, T, X, Y, response_features(S, T, X, Y))
    return data, QueryScorer(cells, Settings(resamples=20, subsamples=2, oracle_halves=20))


def scored(scorer, predicted) -> dict[str, float]:
    """Return the scores of a prediction by name."""
    found = {entry["score"]: entry["value"] for entry in scorer.score(predicted)}
    return {name: found[name] for name in SCORES}


def fixed_rows(data, scorer) -> list[dict]:
    """Return the rows of the controls and of the oracle, which take no steps."""
    import numpy as np

    X = data.X[data.is_query(QUERY)]
    rows = []
    for name in ("no_change", "mean_shift"):
        method = registry.create("methods", name, {}).fit(data, 0)
        rows.append({"method": name, **scored(scorer, method.transform(X, QUERY).X)})
    halves = [{entry["score"]: entry["value"] for entry in half} for half in scorer.oracle()]
    rows.append({"method": "oracle", **{name: np.mean([half[name] for half in halves]) for name in SCORES}})
    return rows


def trained_rows(data, scorer, model: str, steps: int, seed: int, folder: Path) -> list[dict]:
    """Return the rows of the methods on one model, trained on to so many steps."""
    from outofsample.training.run import Run

    run = Run("cpu", folder / f"{model}_{seed}.pt", model, checkpoint_seconds=1e9, progress=True)
    started = time.process_time()
    fitted = create(model, max_steps=steps).fit(data, seed, run)
    seconds = round(time.process_time() - started, 1)
    return rows_of(data, scorer, model, seed, fitted, fitted.history[-1], {"cpu_seconds": seconds})


def fitted_rows(data, scorer, model: str, folder: Path, done: set) -> list[dict]:
    """Return the rows of the methods on one model that a study has trained; none where it is not there or done."""
    from outofsample.files.fitted import read_states
    from outofsample.files.history import read_history

    rows = []
    for path in sorted((folder / model).glob("seeds_*.pt")):
        history = read_history(path.with_name(path.name.replace("seeds_", "history_")).with_suffix(".csv"))
        for seed, state in read_states(path).items():
            last = history[history["seed"] == seed].iloc[-1].to_dict()
            if (next(iter(methods_on(model))), str(seed), str(int(last["steps"]))) not in done:
                rows += rows_of(data, scorer, model, seed, create(model).from_tensors(state), last, {})
    return rows


def rows_of(data, scorer, model: str, seed: int, fitted, last: dict, further: dict) -> list[dict]:
    """Return the rows of the methods on a fitted model; ``last`` is the last row of its history."""
    terms = {name: last.get(f"train_{name}", "") for name in ("reconstruction", "mmd", "loss")}
    cells, rows = data.is_query(QUERY), []
    X, counts = data.X[cells], None if data.counts is None else data.counts[cells]
    for name, spec in methods_on(model).items():
        entry = registry.find("methods", spec["uses"])
        method = entry(entry.Settings(**spec["settings"]), fitted)
        found = scored(scorer, method.attach(data, seed).transform(X, QUERY, counts).X)
        rows.append({"method": name, "seed": seed, "steps": int(last["steps"]), **found, **terms, **further})
    return rows


def rows_before(path: Path) -> list[dict]:
    """Return the rows of a table that an earlier run has written, as text."""
    if not path.is_file():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict]) -> None:
    """Write the table."""
    columns = ["method", "seed", "steps", *SCORES, "reconstruction", "mmd", "loss", "cpu_seconds"]
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: f"{v:.5g}" if isinstance(v, float) else v for k, v in row.items()} for row in rows)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="has kang2018_pbmc/FILE (%(default)s)")
    parser.add_argument("--file", default="kang_trvae_layout_counts.h5ad", help="(%(default)s)")
    parser.add_argument("--normalise", default="median", help="(%(default)s)")
    parser.add_argument("--fitted", type=Path, help="models of a study's task: scored, not trained")
    parser.add_argument("--steps", type=int, nargs="*", default=[1000, 3000, 8000, 25_000])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    models = [name for name in study().models if methods_on(name)]
    parser.add_argument("--models", nargs="+", choices=models, default=CURVES)
    parser.add_argument("--output", type=Path, default=ROOT / "results/benchmarks", help="folder for what is written")
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    checkpoints = arguments.output / "step_curve"
    checkpoints.mkdir(parents=True, exist_ok=True)
    data, scorer = read_task(arguments)
    target = arguments.output / "step_curve.csv"
    rows = rows_before(target) or fixed_rows(data, scorer)
    done = {(row["method"], str(row.get("seed")), str(row.get("steps"))) for row in rows}
    for model in arguments.models if arguments.fitted else ():
        rows += fitted_rows(data, scorer, model, arguments.fitted, done)
        write(target, rows)
    for steps in sorted(arguments.steps):
        for seed in arguments.seeds:
            for model in arguments.models:
                if (next(iter(methods_on(model))), str(seed), str(steps)) not in done:
                    rows += trained_rows(data, scorer, model, steps, seed, checkpoints)
                    write(target, rows)


if __name__ == "__main__":
    run_script(main)
