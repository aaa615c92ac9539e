"""What could not be had: a note in the place of every file that rests on it.

Where a raw file is nowhere to be had, a note stands in its place (``raw/D/FILE``), and in that of all that jobs would
have made of it: dataset, parts of a task, fitted states, losses, classifier, predictions. The scores of such a task
say of each method that it did not run; tables, figures and the page say what is missing. No reader of another format
takes a note for its own.

- First line: ``outofsample: data missing``.
- Then JSON: ``dataset``; ``hint``: what to do where a file has no address; ``files``: a list of {name, local, url,
  reason}, where ``local`` is where the file belongs and ``reason`` a sentence.

Beside the note of a raw file stands ``FILE.failures``, how often it could not be had: where there is an address, or the
file is there now, the next run tries again since it is another number.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from outofsample.files.writing import replacing, sealed

_MARK = b"outofsample: data missing\n"
#: Why a method did not run on a task whose data are missing, as the scores say it.
REASON = "its data could not be had"


@dataclass(frozen=True)
class MissingFile:
    """A raw file that could not be had; ``url`` is empty where it has no address."""

    name: str
    local: str
    url: str
    reason: str


@dataclass(frozen=True)
class Note:
    """What is missing of a dataset."""

    dataset: str
    hint: str
    files: tuple[MissingFile, ...]


def write_note(path: str | Path, note: Note) -> None:
    """Write a note in the place of a file."""
    with sealed(path) as temporary:
        temporary.write_bytes(_MARK + json.dumps(asdict(note), indent=1).encode())


def read_note(path: str | Path) -> Note | None:
    """Return the note that stands in the place of a file; None where there is none: its reader says what is wrong."""
    try:
        with open(path, "rb") as file:
            if file.read(len(_MARK)) != _MARK:
                return None
            content = json.loads(file.read())
    except OSError:
        return None
    return Note(content["dataset"], content["hint"], tuple(MissingFile(**missing) for missing in content["files"]))


def find_note(paths: Iterable[str | Path]) -> Note | None:
    """Return one note of all that is missing among the files of a dataset, each file once; None if nothing is."""
    notes = [note for path in paths if (note := read_note(path))]
    if not notes:
        return None
    files = dict.fromkeys(missing for note in notes for missing in note.files)
    return Note(notes[0].dataset, notes[0].hint, tuple(files))


def pass_on(inputs: Iterable[str | Path], outputs: Sequence[str | Path], dataset: str | None = None) -> bool:
    """Write the note among the inputs of a job in the place of its outputs; return whether there is one.

    A job that returns at once then has done all that can be done, and says so. ``dataset`` names the dataset that is
    made of raw files, of which several datasets may share one.
    """
    note = find_note(inputs)
    if note is None:
        return False
    note = note if dataset is None else replace(note, dataset=dataset)
    for path in outputs:
        write_note(path, note)
    print(f"Not done: the data of '{note.dataset}' could not be had.", *[f.reason for f in note.files], flush=True)
    return True


def failures(path: str | Path) -> int:
    """Return how often a raw file could not be had."""
    try:
        return int(_failures_path(path).read_text())
    except (FileNotFoundError, ValueError):
        return 0


def count_failure(path: str | Path) -> None:
    """Count that a raw file could not be had once more."""
    number = failures(path) + 1
    with replacing(_failures_path(path)) as temporary:
        temporary.write_text(f"{number}\n")


def _failures_path(path: str | Path) -> Path:
    path = Path(path)
    return path.with_name(f"{path.name}.failures")
