import atexit
import os
import re
import shutil
import sys
from itertools import product
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))

from outofsample.errors import UserError
from outofsample.study import cluster
from outofsample.study.load import load_study, read_yaml
from outofsample.study.missing_data import check_data
from outofsample.study.own_data import check_own
from outofsample.study.plan import Plan
from outofsample.study.presentation import Presentation, snakemake_options

# Jobs call `python`: without conda it must be the interpreter that runs Snakemake, also where the virtual environment is
# not activated; conda environments put themselves before it.
os.environ.update(PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()]))
# Conda's pip, which inherits it, then builds rpy2 without a compiler, as setup/install.sh does.
os.environ.setdefault("RPY2_CFFI_MODE", "ABI")


def stop_at_user_errors(function, *arguments):
    """Call a function; Snakemake then ends with the sentence of a user's error instead of a traceback."""
    try:
        return function(*arguments)
    except UserError as error:
        raise WorkflowError(str(error))


if workflow.is_main_process:
    # Snakemake has read these, and YAML has changed labels such as 01 without a word.
    for path in workflow.configfiles:
        stop_at_user_errors(read_yaml, Path(path))
# The configuration is checked as a whole: Snakemake stops with all its problems before any job starts.
STUDY = stop_at_user_errors(load_study, dict(config), workflow.basedir, ", ".join(map(str, workflow.configfiles)))
# The report's captions look things up in Snakemake's own copy, which knows nothing of `extends` and defaults.
config.update(STUDY.model_dump(mode="json"))
PLAN = stop_at_user_errors(Plan, STUDY)
OPTIONS = snakemake_options(workflow.configfiles, workflow.config_settings.config, workflow.basedir)
SHOWN = stop_at_user_errors(Presentation, PLAN, OPTIONS)
PATHS = PLAN.paths
if workflow.is_main_process:
    stop_at_user_errors(check_data, PLAN)
    stop_at_user_errors(check_own, PLAN)


def either(names):
    """Return the pattern of a wildcard that is one of these names, or nothing at all."""
    return "|".join(map(re.escape, names)) or "(?!)"


# ---- clusters


def default_resources():
    """Return the default resources that the profile or the command line gives, as text."""
    resources = workflow.resource_settings.default_resources
    return {name: resources[name].raw for name in cluster.SETTINGS if name in resources} if resources else {}


def check_cluster():
    """Stop before anything is submitted that SLURM would not take."""
    if workflow.executor_plugin.name == "slurm":
        stop_at_user_errors(cluster.check, default_resources(), PLAN.gpus, logger)


if workflow.is_main_process and workflow.output_settings.dryrun:
    for line in cluster.unfilled(default_resources(), PLAN.gpus):
        logger.warning(f"Before a real run: profiles/slurm/config.yaml, {line}.")


wildcard_constraints:
    task="[^/]+",
    model="[^/]+",
    method="[^/]+",
    dataset="[^/]+",
    batch=r"[0-9\-]+",
    group="[^/]+",
    job="[0-9]+-[0-9]+",
