"""Tables of a user's own as text: CSV and TSV."""

from pathlib import Path
from typing import TYPE_CHECKING

from outofsample.errors import UserError
from outofsample.own.readers.support.parts import Part
from outofsample.own.readers.support.tables import read_tables, unreadable

if TYPE_CHECKING:
    import pandas as pd

    from outofsample.datasets.own import Settings


def read(settings: "Settings", paths: dict[str, Path]) -> list[Part]:
    """Return the cells of each file, as `read_tables` does."""
    return read_tables(settings, paths, read_table)


def read_table(path: Path, **options) -> "pd.DataFrame":
    """Read a CSV or TSV; the separator is the commonest of comma, semicolon and tab.

    ``options`` are those of `pandas.read_csv`.

    Raises
    ------
    UserError
        If the file cannot be read as such a table, its rows are longer than its header, or a column name occurs twice.
    """
    import pandas as pd

    try:
        separator = separator_of(path)
        header = pd.read_csv(path, sep=separator, header=None, nrows=1, dtype=str, keep_default_na=False)
        table = pd.read_csv(path, sep=separator, **options)
        _check_header(path, header.iloc[0].tolist(), table)
    except (OSError, ValueError, EOFError) as error:
        raise unreadable(path, error) from error
    table.columns = table.columns.astype(str)
    return table


def _check_header(path: Path, names: list[str], table: "pd.DataFrame") -> None:
    import pandas as pd

    # pandas makes an index of the first fields where rows have more fields than the header.
    if not isinstance(table.index, pd.RangeIndex):
        raise UserError(
            f"{path}: the rows have {table.index.nlevels} more field(s) than the header; give each column a name (R's "
            "write.table: with 'row.names = FALSE', or with 'col.names = NA'), and end no line in a separator."
        )
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"{path}: the column '{twice[0]}' occurs twice; column names must be unique.")


def separator_of(path: Path) -> str:
    """Return the commonest of comma, semicolon and tab in the first line of a text file, gzipped or not."""
    import gzip

    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        line = file.readline()
    return max(",;\t", key=line.count)
