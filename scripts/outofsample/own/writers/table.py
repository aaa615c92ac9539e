"""CSV and TSV: the user's table with the predicted columns changed."""

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

from outofsample.files.writing import replacing
from outofsample.own.predicted import Predicted
from outofsample.own.readers.table import dialect_of

if TYPE_CHECKING:
    from outofsample.datasets.own import Settings


def write(original: Path, path: Path, predicted: Predicted, settings: "Settings") -> None:
    """Write the query's rows of a CSV or TSV with the same columns; the text of other columns is as it was."""
    import pandas as pd

    dialect = dialect_of(original)
    # The header is a row like others here: a column without a name keeps having none.
    table = pd.read_csv(
        original, sep=dialect.separator, skiprows=len(dialect.before), header=None, dtype=str, keep_default_na=False
    )
    header, table = table.iloc[[0]], table.iloc[predicted.rows + 1].copy()
    places = {name: place for place, name in enumerate(header.iloc[0])}
    table[[places[name] for name in predicted.columns]] = predicted.values.astype(str)
    with replacing(path) as temporary:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(temporary, "wt", encoding="utf-8", newline="") as file:
            file.write("".join(dialect.before))
            written = pd.concat([header, table])
            written.to_csv(file, sep=dialect.separator, index=False, header=False, lineterminator="\n")
