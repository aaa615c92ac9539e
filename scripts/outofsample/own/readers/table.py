"""Tables of a user's own as text: CSV and TSV."""

import csv
import gzip
from collections import Counter, deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from outofsample.errors import UserError
from outofsample.files.limits import DAMAGED, LINE, TEXT_RATIO, check_text, unpacked
from outofsample.own.readers.support.boundary import reading
from outofsample.own.readers.support.drawing import Draw
from outofsample.own.readers.support.parts import Part
from outofsample.own.readers.support.pieces import PIECE, Piece
from outofsample.own.readers.support.tables import piece_of, read_tables, unreadable

if TYPE_CHECKING:
    import pandas as pd

    from outofsample.datasets.own import Settings

#: What stands for a missing number. In labels it is text as any other.
MISSING = ["", "NA", "N/A", "#N/A", "#NA", "n/a", "NaN", "nan", "-NaN", "-nan", "<NA>", "NULL", "null", "None"]
_SEPARATORS = ",;\t|"
#: Lines that the look at a table takes in, and characters of them all after which it ends.
_LINES, _LONGEST = 50, 1 << 22


@dataclass(frozen=True)
class Dialect:
    """How a table is written: its separator, and the lines before its header (title lines, ``sep=;``)."""

    separator: str
    before: tuple[str, ...] = ()


def read(settings: "Settings", paths: dict[str, Path], draw: Draw) -> Iterator[Part]:
    """Yield the cells of each file, as `read_tables` does."""
    return read_tables(settings, paths, read_table)


def read_table(path: Path, text: Collection[str] | None = None) -> "pd.DataFrame":
    """Read a CSV or TSV in the dialect that `dialect_of` finds.

    Parameters
    ----------
    path
        The file.
    text
        Columns that are read as text, as they are written; default: all. In the others what `MISSING` lists is NaN.

    Raises
    ------
    UserError
        If the file cannot be read as such a table, its rows are longer than its header, its last row is shorter, or a
        column name occurs twice.
    """
    import pandas as pd

    try:
        check_text(path)
        dialect = dialect_of(path)
        options = {"sep": dialect.separator, "skiprows": len(dialect.before), "keep_default_na": False}
        header = pd.read_csv(path, header=None, nrows=1, dtype=str, **options).iloc[0].tolist()
        if text is None:
            table = pd.read_csv(path, dtype=str, **options)
        else:
            missing = {name: MISSING for name in header if name and name not in text}
            as_text = dict.fromkeys(text, str)
            table = pd.read_csv(path, dtype=as_text, na_values=missing, low_memory=False, **options)
        _check_header(path, header, table)
        _check_end(path, len(header), dialect.separator)
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: this table is not in UTF-8 ({error}); save it as CSV in UTF-8.") from error
    except (*DAMAGED, ValueError, csv.Error) as error:
        raise unreadable(path, error) from error
    if dialect.before:
        lines = f"the first {len(dialect.before)} line(s) are" if len(dialect.before) > 1 else "the first line is"
        print(f"note: {path}: {lines} not read as part of the table: {dialect.before[0].strip()!r}.", flush=True)
    table.columns = table.columns.astype(str)
    return table


def count(path: Path) -> int:
    """Return how many lines a table has at most, without taking it apart.

    Raises
    ------
    UserError
        If it cannot be read.
    """
    try:
        return sum(block.count(b"\n") for block in unpacked(path, TEXT_RATIO, "unpack it yourself (gunzip)"))
    except DAMAGED as error:
        raise unreadable(path, error) from error


def pieces(
    path: Path, entry: dict, columns: Sequence[str], settings: "Settings", cells: int = PIECE
) -> Iterator[Piece]:
    """Yield the cells of a table, so many at a time; ``stored`` is the text of all their columns.

    Raises
    ------
    UserError
        If the table cannot be read, or a value is not finite.
    """
    import pandas as pd

    with reading(path):
        dialect = dialect_of(path)
    options = {"sep": dialect.separator, "skiprows": len(dialect.before), "keep_default_na": False, "chunksize": cells}
    labels = [name for name in (settings.condition_column, settings.domain_column) if name is not None]
    used = [*dict.fromkeys([*columns, *labels])]
    missing = dict.fromkeys(columns, MISSING)
    with reading(path):
        numbers = pd.read_csv(path, usecols=used, dtype=dict.fromkeys(labels, str), na_values=missing, **options)
        # The header is a row like others here: a column without a name keeps having none.
        options["skiprows"] += 1
        texts = pd.read_csv(path, header=None, dtype=str, **options)
    begin = 0
    with reading(path), numbers, texts:
        for values, text in zip(numbers, texts, strict=True):
            yield piece_of(values, entry, columns, settings, path, begin, text)
            begin += len(text)


def _check_header(path: Path, names: list[str], table: "pd.DataFrame") -> None:
    import pandas as pd

    # pandas makes an index of the first fields where rows have more fields than the header.
    if not isinstance(table.index, pd.RangeIndex):
        raise UserError(
            f"{path}: the rows have {table.index.nlevels} more field(s) than the header; give each column a name (R's "
            "write.table: with 'row.names = FALSE', or with 'col.names = NA'), and end no line in a separator."
        )
    if twice := sorted(name for name, times in Counter(names).items() if times > 1):
        raise UserError(f"{path}: the column '{twice[0]}' occurs twice; column names must be unique.")


def _check_end(path: Path, columns: int, separator: str) -> None:
    """Raise `UserError` where a table ends in the middle of a row: the last number of such a row may be cut, too."""
    if path.suffix == ".gz":
        with gzip.open(path, "rb") as file:
            lines = deque((line for line in file if line.strip()), maxlen=1)
    else:
        with open(path, "rb") as file:
            file.seek(max(0, path.stat().st_size - LINE))
            lines = [line for line in file.read().splitlines() if line.strip()][-1:]
    last = b"".join(lines).decode()
    # A quoted field can go over several lines; then the last line alone is no row.
    fields = len(next(csv.reader([last], delimiter=separator))) if last.count('"') % 2 == 0 else columns
    if fields < columns:
        raise UserError(
            f"{path}: the last row has {fields} field(s) where the header has {columns}, so the file ends in the "
            "middle of a row; copy or export it again."
        )


def dialect_of(path: Path) -> Dialect:
    """Return how a text file, gzipped or not, is written.

    The separator is the one that gives most lines the same number of fields: a comma in the names of columns, or in
    decimal numbers, does not make a table one with commas.
    """
    # Of the names of 30,000 genes, the csv module's limit on a field holds a third.
    csv.field_size_limit(LINE)
    opened, lines = gzip.open if path.suffix == ".gz" else open, []
    with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
        while len(lines) < _LINES and sum(map(len, lines)) < _LONGEST and (line := file.readline(LINE)):
            lines.append(line)
    if lines and lines[0].strip().strip('"').lower().startswith("sep=") and len(lines[0].strip().strip('"')) == 5:
        return Dialect(lines[0].strip().strip('"')[4], (lines[0],))
    if lines and lines[0].strip().lower() == "sep=":
        return Dialect("\t", (lines[0],))
    separator, fields = max(((s, *_regular(lines, s)) for s in _SEPARATORS), key=lambda found: found[2:])[:2]
    return Dialect(separator, _titles(lines, separator) if fields > 2 else ())


def _titles(lines: list[str], separator: str) -> tuple[str, ...]:
    """Return the lines before the header: a title has one field where the table has several.

    The separators behind it are those of a spreadsheet. A field in quotes may go over several lines.
    """
    read, begin = csv.reader(lines, delimiter=separator), 0
    for row in read:
        if sum(bool(field.strip()) for field in row) > 1:
            return tuple(lines[:begin])
        begin = read.line_num
    return ()


def _regular(lines: list[str], separator: str) -> tuple[int, bool, float, int]:
    """Return the usual number of fields with a separator, whether these are several, in what share of lines, and it."""
    counts = Counter(len(row) for row in csv.reader(lines, delimiter=separator) if row)
    if not counts:
        return 1, False, 0.0, 1
    fields, times = max(counts.items(), key=lambda item: (item[1], item[0]))
    return fields, fields > 1, times / counts.total(), fields
