import functools
import json
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

SCRIPTS = "scripts"
sys.path.insert(0, str(Path(workflow.basedir) / SCRIPTS))

from outofsample import registry
from outofsample.study.imports import files_imported
from outofsample.study.expand import grid_points
from outofsample.study.load import load_study
from outofsample.errors import UserError
from outofsample.metrics.extractors import find_inception
from outofsample.methods.families.base import why_not as reason_against

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


# What is asked for again and again while thousands of jobs are planned is cached.

# ---- code: a job runs again when a file of the package that it imports has changed


@functools.cache
def code(script, *entries):
    """Return the files that a script and the registry entries (kind, name) of its job import, relative to here."""
    roots = [Path(workflow.basedir) / SCRIPTS / script, *(registry.path_of(*entry) for entry in entries)]
    return [os.path.relpath(path) for path in files_imported(roots)]


# ---- datasets


def dataset_uses(name):
    return STUDY.datasets[name].uses or name


@functools.cache
def completed_settings(name):
    """Return the settings of a dataset, with what only a look into the data folder can tell."""
    complete = registry.find("datasets", dataset_uses(name)).complete
    return stop_at_user_errors(complete, STUDY.datasets[name].settings, Path(STUDY.data_dir))


@functools.cache
def dataset(name):
    """Return the dataset object with the study's settings."""
    return registry.create("datasets", dataset_uses(name), completed_settings(name))


def is_simulated(name):
    return dataset(name).use_simulated(Path(STUDY.data_dir))


SIMULATED = [name for name in DATASETS if stop_at_user_errors(is_simulated, name)]


def raw_file(name, file):
    """Return the entry of a real file of a dataset."""
    return next(raw for raw in dataset(name).raw_files() if raw.name == file)


def local_file(name, file):
    """Return where the user may have a real file of a dataset."""
    return f"{STUDY.data_dir}/{dataset(name).settings.folder}/{file}"


def state_of_local(name, file):
    """Return size and time of a file that no digest vouches for: when they change, it is taken anew."""
    path = Path(local_file(name, file))
    if raw_file(name, file).sha256 or not path.is_file():
        return ""
    status = path.stat()
    return f"{status.st_size} {status.st_mtime_ns}"


def simulated_paths(name):
    return [f"{RESULTS}/simulated/{name}/{file.name}" for file in dataset(name).simulated_files()]


def raw_paths(name):
    """Return the files that a dataset is read from: simulated, or fetched."""
    if name in SIMULATED:
        return simulated_paths(name)
    return [f"{RESULTS}/raw/{name}/{file.name}" for file in dataset(name).raw_files()]


def dataset_settings(name):
    return json.dumps(completed_settings(name))


def is_own(task):
    """Whether a task runs on data of the user's own, which get their predictions back in their own format."""
    return dataset_uses(STUDY.tasks[task].dataset) == "own"


def own_folders():
    """Return the folders with predictions in the format of the user's own files, and the reports of what changed."""
    made = [f"{RESULTS}/own/{task}/{method}" for task in TASKS if is_own(task) for method in runs(task)]
    return [*made, *(f"{folder}_changes.html" for folder in made)]


def own_method_names():
    """Return the pattern of the methods' names, which tells their folders from the reports beside them."""
    return "|".join(map(re.escape, STUDY.selected("methods")))


def changes_json(task, method):
    """Return what `summarise_changes.py` needs to know of a task and a method."""
    controls = {name: label(name) for name in runs(task) if STUDY.methods[name].control and name != method}
    return json.dumps(
        {
            "study": STUDY.study,
            "task": task_label(task),
            "method": method,
            "label": label(method),
            "unit": dataset(STUDY.tasks[task].dataset).unit,
            "controls": controls,
        }
    )


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
            "conditions": entry.conditions,
            "variable_features": entry.variable_features,
            "feature_selection": entry.feature_selection,
            "keep_features": entry.keep_features,
        }
    )


SPECS = {name: STUDY.method_spec(name) for name in STUDY.selected("methods")}
CORRECTORS = [name for name in SPECS if STUDY.method_class(name).job == "r"]
# Methods by the model that they stand on; one job makes all predictions of a model. A method without one has its own job.
WITHOUT_MODEL = {f"none_{name}" for name, spec in SPECS.items() if spec["model"] is None}
BY_MODEL = {}
for name, spec in SPECS.items():
    if name not in CORRECTORS:
        BY_MODEL.setdefault(spec["model"] or f"none_{name}", []).append(name)


def model_entry(model):
    """Return the registry entry of a model of the study."""
    return "models", STUDY.models[model].uses or model if model in STUDY.models else model


def model_entries(model):
    return [] if model in WITHOUT_MODEL else [model_entry(model)]


def method_entries(methods):
    entries = []
    for name in methods:
        spec, entry = SPECS[name], STUDY.method_class(name)
        entries += [("methods", spec["uses"]), *entry.parts(entry.Settings(**spec["settings"]))]
    return entries


@functools.cache
def model_class(model):
    return registry.find(*model_entry(model))


TRAINED = [model for model in BY_MODEL if model not in WITHOUT_MODEL and model_class(model).trains]


@functools.cache
def seed_batches(task, model):
    """Return the seeds of a model in a task in batches, one per job: {label: seeds}."""
    seeds = STUDY.task_seeds(task)
    seeds = seeds if model_class(model).stochastic else seeds[:1]
    size = STUDY.seeds_per_job or len(seeds)
    batches = [seeds[start : start + size] for start in range(0, len(seeds), size)]
    return {"-".join(map(str, batch)): batch for batch in batches}


def fitted_files(task, model):
    """Return the files with the fitted states of a model; none where it needs no training."""
    if model not in TRAINED:
        return []
    return [f"{RESULTS}/models/{task}/{model}/seeds_{batch}.pt" for batch in seed_batches(task, model)]


@functools.cache
def model_json(model, task):
    return json.dumps(None if model in WITHOUT_MODEL else STUDY.model_spec(model, task))


def methods_json(task, methods):
    """Return what `transform_query.py` needs to know of methods on one model; it runs those of the task alone."""
    return json.dumps([{**SPECS[name], "runs": name in runs(task)} for name in methods])


@functools.cache
def why_not(task, method):
    """Return why a method cannot run on a task, or None where it can."""
    return reason_against(STUDY.method_class(method), dataset(STUDY.tasks[task].dataset).kinds)


def runs(task):
    """Return the methods of a task that can run on its data."""
    return [method for method in STUDY.task_methods(task) if why_not(task, method) is None]


def is_images(task):
    return "images" in dataset(STUDY.tasks[task].dataset).kinds


def classifier_file(task):
    """Return the classifier whose features describe the images of a task; none for other data."""
    return [f"{RESULTS}/classifiers/{task}.pt"] if is_images(task) else []


def inception_file(task):
    """Return Inception's file for FID and KID, where the study asks for them and the task has images."""
    return [str(find_inception(STUDY.data_dir))] if STUDY.evaluation.fid and is_images(task) else []


for task in TASKS:
    # Before any job starts: the message says where the file is to be had.
    stop_at_user_errors(inception_file, task)


def not_run_json(task):
    """Return the reasons of those that cannot."""
    return json.dumps({m: why_not(task, m) for m in STUDY.task_methods(task) if why_not(task, m)})


def needs_gpu():
    """Return the number of GPUs that a training job asks for."""
    return 1 if STUDY.device == "cuda" else 0


# ---- clusters: what profiles/slurm asks its user to fill in

CLUSTER_SETTINGS = {
    "slurm_account": "'sacctmgr show associations user=$USER format=account' lists yours",
    "slurm_partition": "'sinfo --summarize' lists them",
    "gpu_partition": "'sinfo --format=\"%P %G\"' lists them with their GPUs, and the study has device: cuda",
}


def default_resource(name):
    """Return a default resource as the profile or the command line gives it; None where nobody does."""
    resources = workflow.resource_settings.default_resources or {}
    return resources[name].raw if name in resources else None


def training_partition():
    """Return the partition of SLURM that trainings go to; None where Snakemake runs without SLURM."""
    gpu = default_resource("gpu_partition") if needs_gpu() else None
    return gpu or default_resource("slurm_partition")


def unfilled_cluster_settings():
    """Return a line for each setting of the SLURM profile that this study needs and that still is a placeholder."""
    needed = [name for name in CLUSTER_SETTINGS if name != "gpu_partition" or needs_gpu()]
    return [
        f"default-resources, {name}: fill in what stands for '{value}'; {CLUSTER_SETTINGS[name]}"
        for name in needed
        if (value := str(default_resource(name) or "")).startswith("<")
    ]


def check_cluster_settings():
    """Stop before anything is submitted that SLURM would not take.

    Snakemake's SLURM plugin waits for ever on a job whose account or programs are wrong.
    """
    if workflow.executor_plugin.name != "slurm":
        return
    if unfilled := unfilled_cluster_settings():
        raise WorkflowError("profiles/slurm/config.yaml is not filled in:\n  - " + "\n  - ".join(unfilled))
    if shutil.which("sbatch") is None:
        raise WorkflowError(
            "There is no 'sbatch' here: profiles/slurm submits jobs from a login node of a SLURM cluster."
        )
    from snakemake_executor_plugin_slurm.accounts import test_account

    for account in filter(None, re.split(r"[,\s]+", str(default_resource("slurm_account") or ""))):
        test_account(account, logger)


if workflow.is_main_process and workflow.output_settings.dryrun:
    for line in unfilled_cluster_settings():
        logger.warning(f"Before a real run: profiles/slurm/config.yaml, {line}.")


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
            "paper_tasks": [t for t in table.paper_tasks if not is_stand_in(t)],
            "rank_by": table.rank_by,
            "methods": [{"name": m, "label": label(m), "control": STUDY.methods[m].control} for m in methods],
            "tasks": table.tasks,
            "task_labels": {task: task_label(task) for task in table.tasks},
            "stand_in": {task: is_stand_in(task) for task in table.tasks},
            "notes": table.notes,
        }
    )


def figure_methods(name):
    """Return the methods whose predictions a figure shows."""
    figure = STUDY.figures[name]
    if figure.task is None:
        return []
    return [method for method in runs(figure.task) if figure.methods is None or method in figure.methods]


def figure_cells(name):
    """Return the files of the task that a figure shows: training part and truth; none where it shows scores alone."""
    task = STUDY.figures[name].task
    return [] if task is None else [f"{RESULTS}/tasks/{task}/{part}.h5ad" for part in ("train", "truth")]


def figure_histories(name):
    """Return the training histories that a figure shows."""
    figure = STUDY.figures[name]
    return [
        path.replace("seeds_", "history_").replace(".pt", ".csv")
        for model in figure.models
        for path in fitted_files(figure.task, model)
    ]


def is_stand_in(task):
    return STUDY.tasks[task].dataset in SIMULATED


def figure_json(name):
    """Return the parameters of a figure's notebook, but for its files."""
    figure = STUDY.figures[name]
    tasks = [*filter(None, [figure.task]), *figure.scores]
    methods = [method for method in SPECS if figure.methods is None or method in figure.methods]
    return json.dumps(
        {
            "name": name,
            "title": figure.title,
            "task": "" if figure.task is None else task_label(figure.task),
            "stand_in": any(is_stand_in(task) for task in tasks),
            "demo_size": STUDY.demo_size,
            "labels": {method: label(method) for method in methods},
            "controls": [method for method in methods if STUDY.methods[method].control],
            "scores_of": {t: {"label": task_label(t), "stand_in": is_stand_in(t)} for t in figure.scores},
            "unit": "" if figure.task is None else dataset(STUDY.tasks[figure.task].dataset).unit,
            "options": figure.options,
        }
    )


@functools.cache
def code_of_figures():
    """Return the files of the package that notebooks import."""
    folder = Path(workflow.basedir) / SCRIPTS / "outofsample" / "figures"
    return [os.path.relpath(path) for path in files_imported(sorted(folder.glob("*.py")))]


# ---- tuning


def tuning_files():
    """Return the files with the chosen settings; none where the study chooses none."""
    return [f"{RESULTS}/tuning/chosen.{suffix}" for suffix in ("csv", "md", "yaml")] if STUDY.tuning else []


def grids_json():
    """Return the grid points of each tuned model: the method that is judged, and the entry of the model."""

    def entry(point):
        return STUDY.models[point].model_dump(mode="json", exclude_defaults=True)

    points = {model: grid_points(STUDY, model) for model in STUDY.tuning.grids}
    return json.dumps({model: {BY_MODEL[point][0]: entry(point) for point in points[model]} for model in points})


# ---- the report


def study_options():
    """Return the options of Snakemake that name this study, relative to here; none for the demo."""
    files = [os.path.relpath(path, workflow.basedir) for path in workflow.configfiles]
    options = [] if files == ["config.yaml"] else ["--configfile", *files]
    values = workflow.config_settings.config or {}
    words = [f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in values.items()]
    return [*options, *(["--config", *words] if words else [])]


def page_table(name):
    """Return what the page needs to know of a table besides the table itself, which has methods and tasks."""
    spec = json.loads(table_json(name))
    return {
        key: spec[key] for key in ("title", "paper", "table", "columns", "paper_tasks", "rank_by", "tasks", "notes")
    }


def page_json():
    """Return what `make_page.py` needs to know of the study."""
    figures = {name: STUDY.figures[name] for name in STUDY.selected("figures")}
    return json.dumps(
        {
            "study": STUDY.study,
            "description": STUDY.description,
            "demo_size": STUDY.demo_size,
            "options": study_options(),
            "tasks": {
                task: {"label": task_label(task), "stand_in": is_stand_in(task), "methods": STUDY.tasks[task].methods}
                for task in TASKS
            },
            "methods": {m: {"label": label(m), "control": STUDY.methods[m].control} for m in SPECS},
            "tables": {name: page_table(name) for name in STUDY.selected("tables")},
            "figures": {
                name: {
                    "title": figure.title,
                    "notebook": figure.notebook,
                    "task": "" if figure.task is None else task_label(figure.task),
                    "stand_in": any(is_stand_in(task) for task in figure.shown_tasks),
                }
                for name, figure in figures.items()
            },
        }
    )


wildcard_constraints:
    task="[^/]+",
    model="[^/]+",
    method="[^/]+",
    dataset="[^/]+",
    batch=r"[0-9\-]+",
