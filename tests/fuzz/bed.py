"""What every fuzz test does with an example: it is read and written back, or ends in one sentence, and nothing else."""

import contextlib
import io
import os
import resource
import shutil
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings

from outofsample.errors import UserError

#: Examples of each test, by its file. Together at least 2,000, in less than three minutes on two cores.
EXAMPLES = {"fcs": 600, "fcs_damaged": 500, "csv": 600, "h5ad": 200, "names": 200}
#: What an example may take of memory beyond what the process had before: interpreter and packages take some 400 MB.
MEMORY = 500 << 20


def examples(kind: str) -> settings:
    """Return the settings of a fuzz test: always the same examples, so many of them, none kept on disk."""
    return settings(
        max_examples=EXAMPLES[kind],
        derandomize=True,
        database=None,
        deadline=None,
        # A failing example is shown as it is: to look for a smaller one can take minutes.
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )


class Bed:
    """A folder with the user's data and one for what is written, new for each example.

    Attributes
    ----------
    data, out
        The two folders.
    counts
        How many examples there were, and how many ended in right values and in a sentence.
    said
        What the last example printed.
    """

    def __init__(self, folder: Path):
        self.folder, self.counts, self.said = folder, Counter(), ""
        self.data, self.out = folder / "data" / "mine", folder / "out"

    def fresh(self) -> Path:
        """Empty both folders; return that of the data."""
        for path in (self.data.parent, self.out):
            shutil.rmtree(path, ignore_errors=True)
        self.data.mkdir(parents=True)
        return self.data

    def outcome(self, run, mentions: str = "", lines: bool = False):
        """Return what ``run`` returns, or None where it ends in one sentence.

        ``mentions`` is part of the sentence; with ``lines`` a name in it may have several. Any other error, and any
        change outside of the folder for what is written, fails the test.
        """
        before, told = _content(self.folder, self.out), io.StringIO()
        self.counts["examples"] += 1
        try:
            with contextlib.redirect_stdout(told):
                found = run()
        except UserError as error:
            sentence = str(error)
            assert sentence.endswith(".") and (lines or "\n" not in sentence) and "Traceback" not in sentence, sentence
            assert mentions in sentence, sentence
            self.counts["sentences"] += 1
            self.counts[f"sentence: {type(error.__cause__).__name__}"] += 1
            found = None
        else:
            self.counts["right values"] += 1
        self.said = told.getvalue()
        assert _content(self.folder, self.out) == before
        return found


def _content(folder: Path, but: Path) -> dict[str, bytes]:
    """Return the content of all files below a folder, by their paths, but for those in ``but``."""
    found = {}
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if Path(place, name) != but]
        found |= {os.path.join(place, name): Path(place, name).read_bytes() for name in files}
    return found


@contextlib.contextmanager
def bounded(kind: str, tmp_path: Path, record_property):
    """Yield a `Bed` for a test of this kind; afterwards check its number of examples and the memory that they took."""
    here = os.getcwd()
    empty = tmp_path / "here"
    empty.mkdir()
    os.chdir(empty)
    start = _reset_peak()
    bed = Bed(tmp_path / "bed")
    try:
        yield bed
    finally:
        os.chdir(here)
    grown = _peak() - start
    counts = dict(bed.counts) | {"peak MB": grown >> 20}
    record_property("fuzz", f"{kind}: {', '.join(f'{number:,} {what}' for what, number in counts.items())}")
    assert grown < MEMORY, f"{grown >> 20} MB"
    assert list(empty.iterdir()) == []
    assert bed.counts["examples"] >= EXAMPLES[kind]
    assert min(bed.counts["right values"], bed.counts["sentences"]) > EXAMPLES[kind] // 20, bed.counts


def _reset_peak() -> int:
    """Let the system forget the peak of this process' memory; return what it has now (bytes)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _peak() -> int:
    return _status("VmHWM")


def _status(key: str) -> int:
    path = Path("/proc/self/status")
    if not path.exists():
        # The peak alone is known, in bytes here, and it never falls.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line = next(line for line in path.read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) << 10
