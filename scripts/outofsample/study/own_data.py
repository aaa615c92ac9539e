"""What a look at a study and into the data folder tells of data of the user's own, before any job starts."""

import os
from typing import TYPE_CHECKING

from outofsample.errors import UserError
from outofsample.own.readers.support.entries import domains_of
from outofsample.study.split import check_split, unknown_labels

if TYPE_CHECKING:
    from outofsample.study.plan import Plan


def check_own(plan: "Plan") -> None:
    """Check that the user's files are there, and that tasks name what the files have: conditions, domains, controls.

    What stands in columns of the files is known when they are read.

    Raises
    ------
    UserError
        With all problems, one a line.
    """
    datasets = [name for name in plan.datasets if plan.is_own_dataset(name)]
    problems = [line for name in datasets for line in _missing_files(plan, name)]
    problems += [line for task in plan.tasks if plan.is_own(task) for line in _unknown(plan, task)]
    if problems:
        listed = "\n".join(f"  - {line}" for line in problems)
        raise UserError(f"The study '{plan.study.study}' has {len(problems)} problem(s) with its files:\n{listed}")


def _missing_files(plan: "Plan", dataset: str) -> list[str]:
    """Return a sentence for each file of a dataset that is not there."""
    paths = [plan.local(dataset, raw) for raw in plan.originals(dataset).values()]
    return [
        f"datasets.{dataset}: {path}: this file does not exist; check 'data_dir', 'folder' and 'files'"
        for path in paths
        if not os.path.isfile(path)
    ]


def _unknown(plan: "Plan", task: str) -> list[str]:
    """Return a sentence for each condition or domain of a task that no file has, by the entries of ``files``."""
    files, split = plan.dataset_of(task).settings.files, plan.split_spec(task)
    conditions, domains = [file["condition"] for file in files], domains_of(files)
    known = [None if None in labels else set(labels) for labels in (domains, conditions)]
    problems = [f"tasks.{task}: {line}" for line in unknown_labels(*known, split)]
    if problems or None in known:
        return problems
    pairs = set(zip(domains, conditions, strict=True))
    problems = [
        f"tasks.{task}: query '{query.name}': no file is of the domain '{query.domain}' in the condition "
        f"'{query.source}', whose cells it asks for"
        for query in split.queries
        if (query.domain, query.source) not in pairs
    ]
    try:
        check_split(split, pairs)
    except UserError as error:
        problems.append(str(error))
    return problems
