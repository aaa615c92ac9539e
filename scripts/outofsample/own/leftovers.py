"""Where the lists of a cohort's extrapolated cells stand, and what is removed of results that stood there before.

A study grows, shrinks, and becomes a cohort or stops being one. Files of earlier runs that no job writes any more would
be taken for results of the last one.
"""

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from outofsample.own.readers.support.entries import LONGEST


def lists_folder(folder: Path, method: str) -> Path:
    """Return the folder of a method's lists of extrapolated cells; ``folder`` is that of the task."""
    return folder / f"{method}_extrapolated"


def list_of(folder: Path, method: str, query: str, file: str) -> Path:
    """Return the list of a file's extrapolated cells: FILE.csv, cut where file systems allow no more."""
    path = PurePosixPath(file)
    name = path.name.encode(errors="surrogateescape")[: LONGEST - len(".csv")].decode(errors="ignore")
    return lists_folder(folder, method) / query / path.with_name(f"{name}.csv")


def keep_alone(folder: Path, wanted: Iterable[Path]) -> int:
    """Remove all files below a folder but those that are wanted and hidden ones; return how many were removed.

    Folders that are empty then are removed too. No link is followed: behind one are files of somebody else.
    """
    if folder.is_symlink():
        return 0
    wanted = [path for path in wanted if path.exists()]
    # By their names, and by what they are: some file systems write é another way than it was given, on others the
    # number of a file changes.
    names = {os.path.abspath(path) for path in wanted}
    kept = {(status.st_dev, status.st_ino) for status in (path.stat() for path in wanted)}
    removed = 0
    for place, _, files in os.walk(os.path.abspath(folder), topdown=False):
        for path in (Path(place, name) for name in files if not name.startswith(".")):
            status = path.lstat()
            if str(path) not in names and (status.st_dev, status.st_ino) not in kept:
                path.unlink()
                removed += 1
        with suppress(OSError):
            os.rmdir(place)
    return removed


def remove(paths: Iterable[str]) -> None:
    """Remove files, and folders with all that is in them, where they are there."""
    for path in map(Path, paths):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
