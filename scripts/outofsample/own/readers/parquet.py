"""Tables of a user's own as Parquet."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from outofsample.errors import NotAvailable
from outofsample.files.limits import check_memory
from outofsample.own.readers.support.boundary import reading
from outofsample.own.readers.support.drawing import Draw
from outofsample.own.readers.support.parts import Part
from outofsample.own.readers.support.pieces import PIECE, Piece
from outofsample.own.readers.support.tables import piece_of, read_tables, unreadable

if TYPE_CHECKING:
    import pandas as pd

    from outofsample.datasets.own import Settings


def read(settings: "Settings", paths: dict[str, Path], draw: Draw) -> Iterator[Part]:
    """Yield the cells of each file, as `read_tables` does."""
    return read_tables(settings, paths, read_table)


def read_table(path: Path, text: Collection[str] = ()) -> "pd.DataFrame":
    """Read a Parquet file, whose columns have their types: ``text`` changes none.

    Raises
    ------
    NotAvailable
        If pyarrow is not installed.
    UserError
        If the file cannot be read as a table, or takes more than the machine's memory.
    """
    import pandas as pd

    try:
        _check_size(path)
        table = pd.read_parquet(path)
    except ImportError as error:
        raise NotAvailable("Parquet files need pyarrow", "pip install pyarrow, or export the table as CSV") from error
    except (OSError, ValueError, EOFError) as error:
        raise unreadable(path, error) from error
    table.columns = table.columns.astype(str)
    return table


def count(path: Path) -> int:
    """Return how many rows a Parquet file has, without reading them.

    Raises
    ------
    NotAvailable
        If pyarrow is not installed.
    UserError
        If it is no such file.
    """
    with reading(path):
        return _opened(path).metadata.num_rows


def pieces(
    path: Path, entry: dict, columns: Sequence[str], settings: "Settings", cells: int = PIECE
) -> Iterator[Piece]:
    """Yield the cells of a Parquet file, so many at a time; ``stored`` is a table of pyarrow with all columns.

    Raises
    ------
    UserError
        If the file cannot be read, or a value is not finite.
    """
    import pyarrow

    begin = 0
    with reading(path):
        for batch in _opened(path).iter_batches(cells):
            stored = pyarrow.Table.from_batches([batch])
            table = stored.to_pandas()
            table.columns = table.columns.astype(str)
            yield piece_of(table, entry, columns, settings, path, begin, stored)
            begin += len(table)


def _check_size(path: Path) -> None:
    """Raise `UserError` where all values together are more than the memory: few bytes can say one a billion times."""
    known = _opened(path).metadata
    what = f"the values of {known.num_rows:,} rows x {known.num_columns:,} columns"
    check_memory(path, 8.0 * known.num_rows * known.num_columns, what, "split the file, or write fewer columns")


def _opened(path: Path):
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise NotAvailable("Parquet files need pyarrow", "pip install pyarrow, or export the table as CSV") from error
    return parquet.ParquetFile(path)
