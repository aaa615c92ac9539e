"""A sample sheet: which files there are, and the condition, the domain and anything else of each, a row per file.

Read as text, so that ``01`` stays ``01``. What is wrong is said with the line and the column.
"""

import csv
import glob
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from outofsample.errors import UserError, did_you_mean
from outofsample.own.readers.support.entries import TAKEN, as_entry, files_in, format_of
from outofsample.own.readers.support.labels import label_key

PATH, LABELS = "path", ("condition", "domain")
SEPARATORS = {".tsv": "\t", ".txt": "\t", ".csv": ","}


@dataclass(frozen=True)
class Row:
    """A row of a sheet: its line, from 1 with the header, and its values by column."""

    sheet: Path
    line: int
    values: dict[str, str]

    def wrong(self, column: str, what: str) -> UserError:
        """Return the error that a value of this row is wrong."""
        return UserError(f"{self.sheet}, line {self.line}, column '{column}': {what}.")


def read_samples(sheet: Path, root: Path, labelled: dict[str, bool]) -> list[dict]:
    """Return an entry of ``files`` for each file that a sheet lists, in its order.

    Parameters
    ----------
    sheet
        TSV (also ``.txt``) or CSV with a header. Lines that are empty or begin with ``#`` are passed over.
    root
        The dataset's folder: ``path`` is relative to it. A path that is no file or folder there can be a glob, whose
        files come sorted; ``**`` stands for any folders.
    labelled
        Whether columns of the files say what ``condition`` and ``domain`` are, so that the sheet need not.

    Raises
    ------
    UserError
        If the sheet cannot be read, a column is missing, unknown or taken, a value is missing, a path does not exist,
        lies outside of the folder or matches no file, a file comes twice, or labels differ only in case or blanks.
    """
    rows = _read_rows(sheet)
    _check_columns(sheet, list(rows[0].values), labelled)
    for column in LABELS:
        _check_alike(rows, column)
    found: list[dict] = []
    lines: dict[str, Row] = {}
    for row in rows:
        for entry in _entries_of(row, root):
            first = lines.setdefault(entry["path"], row)
            if first is not row:
                raise row.wrong(PATH, f"the file '{entry['path']}' comes twice, first in line {first.line}")
            found.append(entry)
    return found


def _read_rows(sheet: Path) -> list[Row]:
    """Return the rows of a sheet, of which there is at least one, with a path and labels in each."""
    if sheet.suffix.lower() not in SEPARATORS:
        raise UserError(f"{sheet}: the name of a sample sheet must end in .tsv or .csv (setting 'samples').")
    try:
        with sheet.open(encoding="utf-8-sig", newline="") as file:
            lines = list(_lines(csv.reader(file, delimiter=SEPARATORS[sheet.suffix.lower()], strict=True)))
    except FileNotFoundError as error:
        raise UserError(f"{sheet}: there is no such sample sheet (setting 'samples').") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{sheet}: this sample sheet cannot be read as text with columns ({error}).") from error
    if len(lines) < 2:
        raise UserError(f"{sheet}: this sample sheet lists no file; it needs a header and a row for each file.")
    header, rows = [name.strip() for name in lines[0][1]], []
    if twice := sorted({name for name in header if header.count(name) > 1 or not name}):
        raise UserError(f"{sheet}, line {lines[0][0]}: each column needs a name of its own, and '{twice[0]}' is none.")
    for line, fields in lines[1:]:
        if len(fields) != len(header):
            more = f"it has {len(fields)} fields, and the header {len(header)}"
            raise UserError(f"{sheet}, line {line}: {more} ({', '.join(header)}).")
        rows.append(Row(sheet, line, dict(zip(header, fields, strict=True))))
        for column in (PATH, *LABELS):
            if not rows[-1].values.get(column, "given").strip():
                raise rows[-1].wrong(column, "this value is missing")
    return rows


def _lines(reader) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and fields of all rows but comments and empty ones."""
    for fields in reader:
        if any(field.strip() for field in fields) and not fields[0].startswith("#"):
            yield reader.line_num, fields


def _check_columns(sheet: Path, columns: list[str], labelled: dict[str, bool]) -> None:
    needed = [PATH, *(label for label in LABELS if not labelled[label])]
    others = [column for column in columns if column not in (PATH, *LABELS)]
    for name in needed:
        if name not in columns:
            raise UserError(
                f"{sheet}: the column '{name}' is missing{did_you_mean(name, others)}; the sheet has "
                f"{', '.join(columns)}, and needs {', '.join(needed)}, separated by "
                f"{'commas' if sheet.suffix.lower() == '.csv' else 'tabs'}."
            )
    for name in others:
        known = [label for label in LABELS if label not in columns and did_you_mean(name.lower(), [label])]
        if known:
            raise UserError(f"{sheet}: unknown column '{name}' (did you mean '{known[0]}'?); rename it.")
        if name in TAKEN:
            raise UserError(f"{sheet}: rename the column '{name}': cells have one that means another thing.")


def _check_alike(rows: list[Row], column: str) -> None:
    """Raise `UserError` where two labels differ only in case or blanks."""
    known: dict[str, Row] = {}
    for row in rows if column in rows[0].values else ():
        label, first = row.values[column], known.setdefault(label_key(row.values[column]), row)
        if label != (other := first.values[column]):
            raise row.wrong(
                column,
                f"'{label}' and '{other}' (line {first.line}) differ only in case or blanks; spell them alike if they "
                "are one, and else more differently",
            )


def _entries_of(row: Row, root: Path) -> list[dict]:
    """Return the entries of a row: a file, all FCS files of a folder, or what a glob matches."""
    given = {column: value for column, value in row.values.items() if column in (PATH, *LABELS)}
    more = {column: value for column, value in row.values.items() if column not in given}
    try:
        entry = as_entry({**given, "obs": more})
    except ValueError as error:
        raise row.wrong(PATH, str(error).removeprefix("files: ")) from error
    path = root / entry["path"]
    if path.is_dir():
        try:
            return files_in(path, entry, root, format_of(entry["path"]))
        except UserError as error:
            raise row.wrong(PATH, str(error).removesuffix(".")) from error
    if path.exists():
        return [entry]
    if not glob.has_magic(entry["path"]):
        raise row.wrong(PATH, f"there is no file '{entry['path']}' in {root}")
    names = sorted(name for name in glob.glob(entry["path"], root_dir=root, recursive=True) if (root / name).is_file())
    if not names:
        raise row.wrong(PATH, f"no file in {root} matches '{entry['path']}'")
    return [_matched(row, entry, name) for name in names]


def _matched(row: Row, entry: dict, name: str) -> dict:
    """Return the entry of a file that a glob matches."""
    try:
        return as_entry({**entry, "path": Path(name).as_posix()})
    except ValueError as error:
        raise row.wrong(PATH, f"it matches {str(error).removeprefix('files: ')}") from error
