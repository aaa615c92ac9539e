"""CSV and TSV: the user's table with the predicted columns changed."""

import gzip
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO

import numpy as np

from outofsample.files.writing import replacing
from outofsample.own.predicted import Predicted
from outofsample.own.readers.table import dialect_of

if TYPE_CHECKING:
    import pandas as pd

    from outofsample.datasets.own import Settings


def write(original: Path, path: Path, predicted: Predicted, settings: "Settings") -> None:
    """Write the query's rows of a CSV or TSV with the same columns; the text of other columns is as it was."""
    import pandas as pd

    dialect = dialect_of(original)
    table = pd.read_csv(
        original, sep=dialect.separator, skiprows=len(dialect.before) + 1, header=None, dtype=str, keep_default_na=False
    )
    with stream(original, path, predicted.columns, settings, predicted.about) as add:
        add(table.iloc[predicted.rows], predicted.values)


@contextmanager
def stream(
    original: Path, path: Path, columns: Sequence[str], settings: "Settings", about: dict[str, str]
) -> Iterator[Callable[["pd.DataFrame", np.ndarray], None]]:
    """Yield what takes rows, as text without a header, with their predicted values; the table is there in the end."""
    import pandas as pd

    dialect = dialect_of(original)
    # The header is a row like others here: a column without a name keeps having none.
    header = pd.read_csv(
        original,
        sep=dialect.separator,
        skiprows=len(dialect.before),
        header=None,
        dtype=str,
        keep_default_na=False,
        nrows=1,
    )
    found = {name: place for place, name in enumerate(header.iloc[0])}
    places = [found[name] for name in columns]
    options = {"sep": dialect.separator, "index": False, "header": False, "lineterminator": "\n"}
    with replacing(path) as temporary, _opened(temporary) as file:
        file.write("".join(dialect.before))
        header.to_csv(file, **options)

        def add(stored: "pd.DataFrame", predicted: np.ndarray) -> None:
            table = stored.copy()
            table[places] = predicted.astype(str)
            table.to_csv(file, **options)

        yield add


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """Yield a text file to write, gzipped where its suffix says so, without the time and the name that gzip stores."""
    with ExitStack() as stack:
        file: BinaryIO | gzip.GzipFile = stack.enter_context(open(path, "wb"))
        if path.suffix == ".gz":
            file = stack.enter_context(gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0))
        yield stack.enter_context(io.TextIOWrapper(file, encoding="utf-8", newline=""))
