"""Tables of a user's own as Parquet."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from outofsample.errors import NotAvailable
from outofsample.own.readers.support.drawing import Draw
from outofsample.own.readers.support.parts import Part
from outofsample.own.readers.support.tables import read_tables, unreadable

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
        If the file cannot be read as a table.
    """
    import pandas as pd

    try:
        table = pd.read_parquet(path)
    except ImportError as error:
        raise NotAvailable("Parquet files need pyarrow", "pip install pyarrow, or export the table as CSV") from error
    except (OSError, ValueError, EOFError) as error:
        raise unreadable(path, error) from error
    table.columns = table.columns.astype(str)
    return table
