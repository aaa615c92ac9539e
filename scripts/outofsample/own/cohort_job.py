"""The job that predicts some files of a cohort: it goes on where it was interrupted, and says how far the study is."""

import hashlib
import shutil
from pathlib import Path

import msgspec

from outofsample import registry
from outofsample.files.handed_back import FileNumbers, HandedBack, write_handed_back
from outofsample.files.writing import replacing
from outofsample.jobs.own import PredictFilesSpec
from outofsample.own import progress
from outofsample.own.file_by_file import FittedTask, predict_file

#: What a note on a file says: what it rests on, and its numbers by method.
_NOTE = tuple[str, dict[str, list[FileNumbers]]]


def predict_files(spec: PredictFilesSpec, fitted: Path, train: Path, output: Path, terminal: int | None = None) -> None:
    """Predict the files of a job, and write what is told of them to ``output``; see `progress.tell` for ``terminal``.

    A note on each file that is done stands beside ``output`` until all are: a job that starts again passes over these
    files, unless something that they rest on has changed.

    Raises
    ------
    UserError
        If a file cannot be read or written.
    """
    from outofsample.datasets.own import Settings

    settings, task = Settings(**spec.settings), FittedTask(spec, fitted, train)
    results, notes = Path(spec.results), output.with_name(f".{output.stem}")
    found: dict[str, list[FileNumbers]] = {method.name: [] for method in spec.methods}
    for entry, original in zip(settings.files, spec.files, strict=True):
        path = Path(original)
        # Its name is its user's.
        note = notes / f"{hashlib.sha256(entry['path'].encode()).hexdigest()[:16]}.json"
        rests_on = _fingerprint(spec, entry, (path, fitted, train))
        numbers = _noted(note, rests_on)
        if numbers is None:
            numbers = predict_file(task, entry, path, settings, Path(spec.folder))
            with replacing(note) as temporary:
                temporary.write_bytes(msgspec.json.encode((rests_on, numbers)))
            print(f"{entry['path']}: {_in_words(numbers)}", flush=True)
            progress.tell(results, spec.study, terminal)
        for name, of_method in numbers.items():
            found[name] += of_method
    not_run = [name for name in found if name not in task.methods]
    write_handed_back(output, HandedBack([name for name, *_ in task.features], found, not_run))
    shutil.rmtree(notes, ignore_errors=True)


def _fingerprint(spec: PredictFilesSpec, entry: dict, inputs: tuple[Path, ...]) -> str:
    """Return what tells whether a file would be predicted alike: settings, inputs and the package's code."""
    settings = {**spec.settings, "files": entry}
    said = msgspec.json.encode((settings, spec.model, spec.methods, spec.folder))
    code = sorted(registry.PACKAGE.rglob("*.py"))
    states = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in (*inputs, *code)]
    return hashlib.sha256(said + repr(states).encode()).hexdigest()


def _noted(note: Path, rests_on: str) -> dict[str, list[FileNumbers]] | None:
    """Return what was noted of a file, if it rests on the same things and what was written is there; else None."""
    try:
        known, numbers = msgspec.json.decode(note.read_bytes(), type=_NOTE)
    except (OSError, msgspec.MsgspecError):
        return None
    everything = [one for of_method in numbers.values() for one in of_method]
    there = all(Path(one.path).is_file() and Path(one.path).stat().st_size == one.size for one in everything)
    return numbers if known == rests_on and there else None


def _in_words(numbers: dict[str, list[FileNumbers]]) -> str:
    """Return what was predicted of a file, for the log."""
    listed = [
        f"{name}, {one.query}: {one.cells:,} cells, {one.extrapolated:,} extrapolated"
        for name, of_method in numbers.items()
        for one in of_method
    ]
    return "; ".join(listed) or "no cells of any query"
