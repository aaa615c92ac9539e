"""What was predicted of some files of a cohort: ``cohort/T/GROUP/B.json``, of the methods that stand on one model.

The files themselves stand in ``own/T/METHOD/QUERY/FILE``, where their user looks for them. JSON:

- ``features``: the names of the features.
- ``methods``: by name, for each query and file with cells of it, a mapping of

  - ``query``, ``file``: which they are; ``path``: the file that was written, and ``size``: its bytes;
  - ``cells``: how many were predicted; ``extrapolated``: how many of them were extrapolated;
  - ``share_outside``: of each feature, the share of its values outside the source's range;
  - ``before``, ``after``: quantiles (5, features) at 5, 25, 50, 75 and 95 %, on the scale that models see, of at most
    20,000 evenly spaced cells of the file; null where none of these is of the query.

- ``not_run``: the names of methods that did not run, of which nothing is predicted.
"""

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from outofsample.errors import UserError
from outofsample.files.writing import check_seal, sealed


@dataclass(frozen=True)
class FileNumbers:
    """What was predicted of the cells of one query in one file; see the module."""

    query: str
    file: str
    path: str
    size: int
    cells: int
    extrapolated: int
    share_outside: list[float]
    before: list[list[float | None]]
    after: list[list[float | None]]


@dataclass(frozen=True)
class HandedBack:
    """What was predicted of some files, by method."""

    features: list[str]
    methods: dict[str, list[FileNumbers]]
    not_run: list[str] = field(default_factory=list)


def write_handed_back(path: str | Path, content: HandedBack) -> None:
    """Write what was predicted of some files; numbers that are not there become null."""
    with sealed(path) as temporary:
        temporary.write_bytes(msgspec.json.encode(content) + b"\n")


def read_handed_back(path: str | Path) -> HandedBack:
    """Read what was predicted of some files.

    Raises
    ------
    UserError
        If it is another file.
    """
    try:
        check_seal(path)
        return msgspec.json.decode(Path(path).read_bytes(), type=HandedBack)
    except (OSError, msgspec.MsgspecError) as error:
        raise UserError(f"{path}: this does not say what was predicted of files ({error}).") from error
