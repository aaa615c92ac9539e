import json
import os
import shutil
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

SCRIPTS = "scripts"
sys.path.insert(0, str(Path(workflow.basedir) / SCRIPTS))

from outofsample import registry
from outofsample.code import files_imported
from outofsample.config import load_study
from outofsample.errors import UserError
from outofsample.methods.base import why_not as reason_against

# Jobs call `python`: without conda it must be the interpreter that runs Snakemake, also where the virtual environment is
# not activated; conda environments put themselves before it.
os.environ.update(PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()]))


def read_configuration():
    """Check the configuration as a whole, and stop with all its problems before any job starts."""
    files = [str(path) for path in workflow.configfiles]
    return load_study(dict(config), workflow.basedir, ", ".join(files))


def stop_at_user_errors(function, *arguments):
    """Call a function; Snakemake then ends with the sentence of a user's error instead of a traceback."""
    try:
        return function(*arguments)
    except UserError as error:
        raise WorkflowError(str(error))


STUDY = stop_at_user_errors(read_configuration)
# The report's captions look things up in Snakemake's own copy, which knows nothing of `extends` and defaults.
config.update(STUDY.model_dump(mode="json"))
RESULTS = f"results/{STUDY.study}"
TASKS = STUDY.selected("tasks")
DATASETS = sorted({STUDY.tasks[task].dataset for task in TASKS})


# ---- paths


def score_file(task):
    return f"{RESULTS}/scores/{task}.csv"


def table_file(name, suffix):
    return f"{RESULTS}/tables/{name}.{suffix}"


def figure_file(name, suffix):
    return f"{RESULTS}/figures/{name}.{suffix}"


def prediction_file(task, method):
    return f"{RESULTS}/predictions/{task}/{method}.h5ad"


def log_file(*parts):
    return os.path.join(RESULTS, "logs", *parts) + ".log"


def benchmark_file(*parts):
    return os.path.join(RESULTS, "benchmarks", *parts) + ".tsv"


# ---- code: a job runs again when a file of the package that it imports has changed


def code(script, *entries):
    """Return the files that a script and the registry entries (kind, name) of its job import, relative to here."""
    roots = [Path(workflow.basedir) / SCRIPTS / script, *(registry.path_of(*entry) for entry in entries)]
    return [os.path.relpath(path) for path in files_imported(roots)]


# ---- datasets


def dataset_uses(name):
    return STUDY.datasets[name].uses or name


def dataset(name):
    """Return the dataset object with the study's settings."""
    return registry.create("datasets", dataset_uses(name), STUDY.datasets[name].settings)


def is_simulated(name):
    return dataset(name).use_simulated(Path(STUDY.data_dir))


SIMULATED = [name for name in DATASETS if stop_at_user_errors(is_simulated, name)]


def raw_file(name, file):
    """Return the entry of a real file of a dataset."""
    return next(raw for raw in dataset(name).raw_files() if raw.name == file)


def simulated_paths(name):
    return [f"{RESULTS}/simulated/{name}/{file.name}" for file in dataset(name).simulated_files()]


def raw_paths(name):
    """Return the files that a dataset is read from: simulated, or fetched."""
    if name in SIMULATED:
        return simulated_paths(name)
    return [f"{RESULTS}/raw/{name}/{file.name}" for file in dataset(name).raw_files()]


def dataset_settings(name):
    return json.dumps(STUDY.datasets[name].settings)


# ---- tasks, models, methods


def split_json(task):
    """Return what `split_task.py` needs to know of a task."""
    entry = STUDY.tasks[task]
    return json.dumps(
        {
            "name": task,
            "queries": [vars(query) for query in entry.as_queries()],
            "held_out": entry.held_out,
            "reference": entry.reference,
            "source_domains": entry.source_domains,
            "cells_per_group": entry.cells_per_group,
        }
    )


SPECS = {name: STUDY.method_spec(name) for name in STUDY.selected("methods")}
CORRECTORS = [name for name in SPECS if STUDY.method_class(name).job == "r"]
# Methods by the model that they stand on; one job makes all predictions of a model. `none` has no model.
BY_MODEL = {}
for name, spec in SPECS.items():
    if name not in CORRECTORS:
        BY_MODEL.setdefault(spec["model"] or "none", []).append(name)


def model_entry(model):
    """Return the registry entry of a model of the study."""
    return "models", STUDY.models[model].uses or model if model in STUDY.models else model


def model_entries(model):
    return [] if model == "none" else [model_entry(model)]


def method_entries(methods):
    return [("methods", SPECS[name]["uses"]) for name in methods]


def model_class(model):
    return registry.find(*model_entry(model))


TRAINED = [model for model in BY_MODEL if model != "none" and model_class(model).trains]


def seed_batches(model):
    """Return the seeds of a model in batches, one per job: {label: seeds}."""
    seeds = STUDY.seeds if model_class(model).stochastic else STUDY.seeds[:1]
    size = STUDY.seeds_per_job or len(seeds)
    batches = [seeds[start : start + size] for start in range(0, len(seeds), size)]
    return {"-".join(map(str, batch)): batch for batch in batches}


def fitted_files(task, model):
    """Return the files with the fitted states of a model; none where it needs no training."""
    if model not in TRAINED:
        return []
    return [f"{RESULTS}/models/{task}/{model}/seeds_{batch}.pt" for batch in seed_batches(model)]


def model_json(model, task):
    return json.dumps(None if model == "none" else STUDY.model_spec(model, task))


def methods_json(methods):
    return json.dumps([SPECS[name] for name in methods])


def why_not(task, method):
    """Return why a method cannot run on a task, or None where it can."""
    return reason_against(STUDY.method_class(method), dataset(STUDY.tasks[task].dataset).kinds)


def runs(task):
    """Return the methods of a task that can run on its data."""
    return [method for method in STUDY.task_methods(task) if why_not(task, method) is None]


def not_run_json(task):
    """Return the reasons of those that cannot."""
    return json.dumps({m: why_not(task, m) for m in STUDY.task_methods(task) if why_not(task, m)})


def needs_gpu():
    """Return the number of GPUs that a training job asks for."""
    return 1 if STUDY.device == "cuda" else 0


# ---- tables and figures


def label(method):
    """Return how tables and figures call a method."""
    entry = STUDY.methods.get(method)
    return (entry and entry.label) or method.replace("_", " ")


def task_label(task):
    return STUDY.tasks[task].label or task.replace("_", " ")


def table_json(name):
    """Return what `make_table.py` needs to know of a table."""
    table = STUDY.tables[name]
    methods = [method for method in SPECS if any(method in STUDY.task_methods(task) for task in table.tasks)]
    return json.dumps(
        {
            "title": table.title + (", demo size" if STUDY.demo_size else ""),
            "paper": table.paper,
            "table": table.table,
            "columns": [column.model_dump() for column in table.columns],
            "paper_tasks": [t for t in table.paper_tasks if STUDY.tasks[t].dataset not in SIMULATED],
            "rank_by": table.rank_by,
            "methods": [{"name": m, "label": label(m), "control": STUDY.methods[m].control} for m in methods],
            "tasks": table.tasks,
            "task_labels": {task: task_label(task) for task in table.tasks},
            "stand_in": {task: STUDY.tasks[task].dataset in SIMULATED for task in table.tasks},
            "notes": table.notes,
        }
    )


def figure_methods(name):
    """Return the methods that a figure shows."""
    figure = STUDY.figures[name]
    return [method for method in runs(figure.task) if figure.methods is None or method in figure.methods]


def figure_histories(name):
    """Return the training histories that a figure shows."""
    figure = STUDY.figures[name]
    return [
        path.replace("seeds_", "history_").replace(".pt", ".csv")
        for model in figure.models
        for path in fitted_files(figure.task, model)
    ]


def figure_json(name):
    """Return the parameters of a figure's notebook, but for its files."""
    figure = STUDY.figures[name]
    return json.dumps(
        {
            "name": name,
            "title": figure.title,
            "task": task_label(figure.task),
            "stand_in": STUDY.tasks[figure.task].dataset in SIMULATED,
            "demo_size": STUDY.demo_size,
            "labels": {method: label(method) for method in figure_methods(name)},
            "unit": unit(STUDY.tasks[figure.task].dataset),
            "options": figure.options,
        }
    )


def unit(name):
    """Return the unit of a dataset's values, for axes."""
    cofactor = getattr(dataset(name).settings, "cofactor", None)
    return "" if cofactor is None else f"arcsinh(x/{cofactor:g})"


def code_of_figures():
    """Return the files of the package that notebooks import."""
    folder = Path(workflow.basedir) / SCRIPTS / "outofsample" / "figures"
    return [os.path.relpath(path) for path in files_imported(sorted(folder.glob("*.py")))]


wildcard_constraints:
    task="[^/]+",
    model="[^/]+",
    method="[^/]+",
    dataset="[^/]+",
    batch=r"[0-9\-]+",
