"""Where a study of a cohort is, in words: how many files are done of all, and how long the rest will take."""

import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: The last files that the time per file is taken from: what ran days before says nothing.
LATEST = 20
#: The file in the folder of a study.
LOG = "progress.txt"


@dataclass(frozen=True)
class Progress:
    """The files of a study that are predicted, of all.

    Attributes
    ----------
    done, total
        How many; a file counts once for each model.
    seconds_left
        None before two files are done.
    """

    done: int
    total: int
    seconds_left: float | None

    def __str__(self) -> str:
        """Return the sentence for the user."""
        text = f"file {self.done:,} of {self.total:,} is written"
        if self.done >= self.total or self.seconds_left is None:
            return text
        minutes = round(self.seconds_left / 60)
        return (
            f"{text}, about {minutes:,} minute{'s' * (minutes != 1)} left"
            if minutes
            else f"{text}, under a minute left"
        )


def progress(times: Sequence[float], total: int, now: float) -> Progress:
    """Return where a study is, from the times (files,) at which its files were done."""
    latest = sorted(times)[-LATEST:]
    left = None
    if len(latest) > 1:
        left = (now - latest[0]) / (len(latest) - 1) * (total - len(times))
    return Progress(len(times), total, left)


def times_of(folder: Path, methods: Path) -> list[float]:
    """Return when the files of a study were done: those of whole jobs, and those of jobs that are not at their end.

    Parameters
    ----------
    folder
        ``cohort/``: ``TASK/GROUP/NUMBER-FILES.json`` of a job that is done, with how many files it has, and
        ``TASK/GROUP/.NUMBER-FILES/`` with a note on each file of one that is not.
    methods
        ``methods/``: what is older than ``TASK/GROUP.pt`` rests on another fit, and is made anew.
    """
    times: list[float] = []
    for group in folder.glob("*/*"):
        fitted = methods / group.parent.name / f"{group.name}.pt"
        begin = fitted.stat().st_mtime if fitted.exists() else 0.0
        for path in group.iterdir():
            # What is being written, and seals, have names that begin with a dot.
            if path.is_dir():
                found = [note.stat().st_mtime for note in path.glob("[!.]*.json")]
            elif path.suffix == ".json" and not path.name.startswith("."):
                found = [path.stat().st_mtime] * int(path.stem.partition("-")[2])
            else:
                found = []
            times += [moment for moment in found if moment >= begin]
    return times


def begin(results: Path, study: str, total: int, cells: int) -> str:
    """Begin the file that says how far a study is, and return its first line.

    Parameters
    ----------
    results
        The folder of the study.
    study
        Its name.
    total, cells
        How many files are predicted, each once for each model, and how many cells they have together.
    """
    line = f"{study}: {total:,} files are to be written, with {cells:,} cells in all"
    results.mkdir(parents=True, exist_ok=True)
    (results / LOG).write_text(_with_time(line, time.time()), encoding="utf-8")
    return line


def tell(results: Path, study: str, terminal: int | None = None) -> None:
    """Say how far a study is: in its file, in the job's log, and where an open descriptor ``terminal`` leads to."""
    now, log = time.time(), results / LOG
    times = times_of(results / "cohort", results / "methods")
    first = log.read_text(encoding="utf-8") if log.exists() else ""
    said = re.search(r": ([\d,]+) files are to be written", first)
    total = int(said[1].replace(",", "")) if said else len(times)
    line = f"{study}: {progress(times, total, now)}"
    with log.open("a", encoding="utf-8") as file:
        file.write(_with_time(line, now))
    print(line, flush=True)
    if terminal is not None:
        os.write(terminal, f"{line}\n".encode())


def _with_time(line: str, moment: float) -> str:
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(moment))}  {line}\n"
