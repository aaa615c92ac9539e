"""Sharing out the GPUs of this machine among jobs that run at the same time.

Snakemake counts GPUs but does not say which one a job may use. So each training takes a lease on one: a lock on a
file per GPU, which the kernel releases when the process ends, however it ends. Where somebody else has chosen the
GPUs already (SLURM sets CUDA_VISIBLE_DEVICES), nothing is leased.
"""

import fcntl
import getpass
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: The variable by which CUDA knows which GPUs a process may see.
VISIBLE = "CUDA_VISIBLE_DEVICES"


def installed_gpus() -> list[str]:
    """Return the numbers of the GPUs that the driver sees; none where there is no driver.

    The driver's own program is asked, since torch reads `VISIBLE` once only, when it first looks for GPUs.
    """
    try:
        listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, timeout=60)
    except (FileNotFoundError, PermissionError, subprocess.TimeoutExpired):
        return []
    lines = listed.stdout.splitlines() if listed.returncode == 0 else []
    return [str(number) for number in range(sum(line.startswith("GPU ") for line in lines))]


def gpus_to_share(device: str) -> list[str]:
    """Return the names of the GPUs that jobs on this machine have to share out; none where nothing is to be chosen.

    That is on the CPU, and where `VISIBLE` names one GPU or none: then SLURM, or the user, has chosen.
    """
    if device == "cpu":
        return []
    if VISIBLE not in os.environ:
        return installed_gpus()
    names = [name for name in os.environ[VISIBLE].split(",") if name]
    return names if len(names) > 1 else []


def lock_folder() -> Path:
    """Return the folder of this user's locks, on a disk of this machine."""
    folder = Path(tempfile.gettempdir()) / f"outofsample-gpus-{getpass.getuser()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@contextmanager
def lease(gpus: list[str], folder: Path, poll_seconds: float = 1.0) -> Iterator[str]:
    """Take one of some GPUs for the block and yield its name; wait while other processes hold all of them.

    Parameters
    ----------
    gpus
        Their names.
    folder
        Where the lock files are; they stay there, since a file that is deleted could be locked twice.
    poll_seconds
        Time between two rounds over GPUs that are all taken.
    """
    waits = False
    while True:
        for name in gpus:
            with open(folder / f"{name.replace('/', '_')}.lock", "a") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                yield name
                return
        if not waits:
            print(f"Waiting for one of {len(gpus)} GPU(s): other jobs of this user hold them all.", file=sys.stderr)
            waits = True
        time.sleep(poll_seconds)


@contextmanager
def one_gpu(device: str) -> Iterator[str | None]:
    """Within the block this process sees one GPU, which no other job of this user has; yield its name.

    Yields None, and changes nothing, where there is nothing to share out (`gpus_to_share`). Must be entered before
    anything asks CUDA how many GPUs there are.
    """
    gpus = gpus_to_share(device)
    if not gpus:
        yield None
        return
    before = os.environ.get(VISIBLE)
    with lease(gpus, lock_folder()) as name:
        os.environ[VISIBLE] = name
        try:
            yield name
        finally:
            if before is None:
                del os.environ[VISIBLE]
            else:
                os.environ[VISIBLE] = before
