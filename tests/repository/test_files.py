"""One reader per format: nothing outside ``outofsample/files/`` opens what a study has written."""

import re

from tests.conftest import ROOT

SCRIPTS = ROOT / "scripts"
#: What opens a file that holds cells or a network's state.
OPENS = re.compile(r"\b(?:read_h5ad|h5py\.File|torch\.load|torch\.save)\(|\.write_h5ad\(")
#: Files that open others, with what these are.
ALLOWED = {
    "own/writers/h5ad.py": "the user's own h5ad",
}


def opening() -> set[str]:
    """Return the files of the package and the scripts, outside of files/, that open something."""
    package = SCRIPTS / "outofsample"
    found = set()
    for path in SCRIPTS.rglob("*.py"):
        if package / "files" not in path.parents and OPENS.search(path.read_text()):
            found.add(path.relative_to(package if package in path.parents else SCRIPTS).as_posix())
    return found


def test_only_files_opens_what_a_study_has_written():
    others = {name for name in opening() if not name.startswith(tuple(ALLOWED))}
    assert not others, f"these open files that have a module in outofsample/files: {sorted(others)}"


def test_what_may_open_files_does():
    names = opening()
    assert not [allowed for allowed in ALLOWED if not any(name.startswith(allowed) for name in names)]


def test_one_module_names_the_columns_of_each_table():
    """Scores, losses and tidy tables are read by their modules alone; others read raw data, or what a user wrote."""
    readers = re.compile(r"\bread_csv\(|csv\.Dict(?:Reader|Writer)\(")
    package = SCRIPTS / "outofsample"
    paths = [path.relative_to(package) for path in package.rglob("*.py") if readers.search(path.read_text())]
    others = {path.as_posix() for path in paths if path.parts[0] not in ("files", "datasets")}
    # The papers' values of docs/, times of jobs, as Snakemake writes them, and the user's own tables.
    known = {"report/paper_values.py", "report/provenance.py", "study/hours.py"}
    assert others == known | {"own/readers/table.py", "own/writers/table.py"}
