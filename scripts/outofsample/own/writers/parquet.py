"""Parquet: the user's table with the predicted columns changed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.files.writing import replacing
from outofsample.own.predicted import Predicted

if TYPE_CHECKING:
    import pyarrow

    from outofsample.datasets.own import Settings


def write(original: Path, path: Path, predicted: Predicted, settings: "Settings") -> None:
    """Write the query's rows of a Parquet file with the same columns and types; whole numbers become float32."""
    from pyarrow import parquet

    with stream(original, path, predicted.columns, settings, predicted.about) as add:
        add(parquet.read_table(original).take(predicted.rows), predicted.values)


@contextmanager
def stream(
    original: Path, path: Path, columns: Sequence[str], settings: "Settings", about: dict[str, str]
) -> Iterator[Callable[["pyarrow.Table", np.ndarray], None]]:
    """Yield what takes rows, a table of pyarrow, with their predicted values; the file is there in the end."""
    import pyarrow
    from pyarrow import parquet

    schema = parquet.read_schema(original)
    places = [schema.names.index(name) for name in columns]
    for place, name in zip(places, columns, strict=True):
        kind = schema.field(place).type
        schema = schema.set(place, pyarrow.field(name, kind if pyarrow.types.is_floating(kind) else pyarrow.float32()))
    with replacing(path) as temporary, parquet.ParquetWriter(temporary, schema) as writer:

        def add(stored: "pyarrow.Table", predicted: np.ndarray) -> None:
            found = list(stored.columns)
            for number, place in enumerate(places):
                found[place] = pyarrow.array(predicted[:, number]).cast(schema.field(place).type)
            writer.write_table(pyarrow.Table.from_arrays(found, schema=schema))

        yield add
