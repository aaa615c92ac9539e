"""Which data of a study cannot be had: known before any job starts, and after a run."""

import os
from typing import TYPE_CHECKING

from outofsample.errors import UserError
from outofsample.files import missing

if TYPE_CHECKING:
    from outofsample.study.plan import Plan


def is_nowhere(plan: "Plan", dataset: str) -> bool:
    """Whether a file of a dataset is nowhere, and has no address."""
    return any(
        _is_gone(plan, dataset, file) and not _is_copied(plan, dataset, file) for file in plan.originals(dataset)
    )


def _is_gone(plan: "Plan", dataset: str, file: str) -> bool:
    """Whether a raw file is not in the data folder, and has no address."""
    raw = plan.originals(dataset)[file]
    return not raw.url and not os.path.isfile(plan.local(dataset, raw))


def _is_copied(plan: "Plan", dataset: str, file: str) -> bool:
    """Whether there is a copy of a raw file: a compute node may see that alone."""
    path = plan.raw_copy(dataset, file)
    return os.path.isfile(path) and missing.read_note(path) is None


def check_data(plan: "Plan") -> None:
    """Check, before a run, that it would not undo results whose data are gone.

    Raises
    ------
    UserError
        If results rest on a file that is nowhere now, and its job would run again.
    """
    for dataset in plan.fetched:
        for file, raw in plan.originals(dataset).items():
            path = plan.raw_copy(dataset, file)
            again = not raw.sha256 or missing.failures(path)
            if again and _is_gone(plan, dataset, file) and _is_copied(plan, dataset, file):
                raise UserError(
                    f"{plan.local(dataset, raw)}: this file is gone, and {plan.paths.results} has results on it, which "
                    f"would be lost; name the folder in 'data_dir' as before, or remove {path} to leave its tasks out."
                )


def tasks_without_data(plan: "Plan") -> list[str]:
    """Return the tasks whose data could not be had, after a run."""
    files = {name: plan.paths.dataset(name) for name in plan.fetched}
    without = {name for name, path in files.items() if os.path.isfile(path) and missing.read_note(path)}
    return [task for task in plan.tasks if plan.study.tasks[task].dataset in without]
