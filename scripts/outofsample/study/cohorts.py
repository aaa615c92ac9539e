"""Which data of one's own are a cohort, by a look at the files: their predictions then come back file by file."""

from pathlib import Path

from outofsample.datasets import own
from outofsample.errors import UserError
from outofsample.own.readers import fcs, h5ad, parquet, table
from outofsample.own.readers.fcs import domain_of

#: What tells how many cells a file has at most, by its format.
COUNTS = {"fcs": fcs.count, "h5ad": h5ad.count, "table": table.count, "parquet": parquet.count}
#: A row of a table takes at least so many bytes.
_LEAST = 4
#: A job predicts files with so many cells together, or one file with more.
CELLS_PER_JOB = 4_000_000


def cells_of_cohort(settings: own.Settings, folder: Path) -> dict[str, int]:
    """Return how many cells each file has at most, by its name, if some population may have more than are fitted.

    Else there are none. A file that cannot be read counts as without cells: the job that reads it says why.

    Parameters
    ----------
    settings
        Of the dataset 'own'.
    folder
        Where its files are.
    """
    if settings.fit_cells is None or settings.format == "images":
        return {}
    paths = {entry["path"]: folder / entry["path"] for entry in settings.files}
    sizes = {file: path.stat().st_size if path.is_file() else 0 for file, path in paths.items()}
    compressed = any(file.lower().endswith(".gz") for file in paths)
    if settings.format == "table" and not compressed and sum(sizes.values()) < _LEAST * settings.fit_cells:
        return {}
    found = {file: _count(settings.format, path) for file, path in paths.items()}
    populations: dict[tuple[str, str] | None, int] = {}
    for entry in settings.files:
        pair = population_of(entry, settings.format)
        populations[pair] = populations.get(pair, 0) + found[entry["path"]]
    unknown = populations.pop(None, 0)
    large = max(populations.values(), default=0) + unknown
    return found if large > settings.fit_cells else {}


def population_of(entry: dict, kind: str) -> tuple[str, str] | None:
    """Return domain and condition of the cells of a file; None where a column of the file says one of them."""
    domain = domain_of(entry) if kind == "fcs" else entry["domain"]
    return None if domain is None or entry["condition"] is None else (domain, entry["condition"])


def _count(kind: str, path: Path) -> int:
    try:
        return COUNTS[kind](path) if path.is_file() else 0
    except UserError:
        return 0


def files_of_queries(settings: own.Settings, asked: set[tuple[str, str]]) -> list[str]:
    """Return the names of the files that may hold cells of a query: of a (domain, condition) that is asked for."""
    pairs = {entry["path"]: population_of(entry, settings.format) for entry in settings.files}
    return [file for file, pair in pairs.items() if pair is None or pair in asked]


def in_jobs(files: list[str], cells: dict[str, int]) -> dict[str, list[str]]:
    """Return the files that one job predicts, by the job's label: its number, and how many files it has."""
    jobs: list[list[str]] = []
    room = 0
    for file in files:
        if cells[file] > room or not jobs:
            jobs.append([])
            room = CELLS_PER_JOB
        jobs[-1].append(file)
        room -= cells[file]
    return {f"{number}-{len(job)}": job for number, job in enumerate(jobs, 1)}
