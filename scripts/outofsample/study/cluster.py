"""What a study needs of a SLURM cluster's profile, checked before anything is submitted.

Snakemake's SLURM plugin waits for ever on a job whose account or programs are wrong.
"""

import re
import shutil
from collections.abc import Mapping

from outofsample.errors import UserError

#: What profiles/slurm asks its user to fill in, and where the values are to be had.
SETTINGS = {
    "slurm_account": "'sacctmgr show associations user=$USER format=account' lists yours",
    "slurm_partition": "'sinfo --summarize' lists them",
    "gpu_partition": "'sinfo --format=\"%P %G\"' lists them with their GPUs, and the study has device: cuda",
}


def training_partition(resources: Mapping[str, str], gpus: int) -> str | None:
    """Return the partition of SLURM that trainings go to; None where Snakemake runs without SLURM.

    ``resources`` are the default resources that the profile or the command line gives.
    """
    gpu = resources.get("gpu_partition") if gpus else None
    return gpu or resources.get("slurm_partition")


def unfilled(resources: Mapping[str, str], gpus: int) -> list[str]:
    """Return a line for each setting of the profile that a study needs and that still is a placeholder."""
    needed = [name for name in SETTINGS if name != "gpu_partition" or gpus]
    return [
        f"default-resources, {name}: fill in what stands for '{value}'; {SETTINGS[name]}"
        for name in needed
        if (value := str(resources.get(name) or "")).startswith("<")
    ]


def check(resources: Mapping[str, str], gpus: int, logger) -> None:
    """Stop before anything is submitted that SLURM would not take, or that Snakemake would wait for without end.

    Raises
    ------
    UserError
        If the profile is not filled in, this is no login node, or the account is somebody else's.
    """
    if lines := unfilled(resources, gpus):
        raise UserError("profiles/slurm/config.yaml is not filled in:\n  - " + "\n  - ".join(lines))
    if shutil.which("sbatch") is None:
        raise UserError("There is no 'sbatch' here: profiles/slurm submits jobs from a login node of a SLURM cluster.")
    from snakemake_executor_plugin_slurm.accounts import validate_account

    for account in filter(None, re.split(r"[,\s]+", str(resources.get("slurm_account") or ""))):
        validate_account(account, logger)
