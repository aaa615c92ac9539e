"""Parquet: the user's table with the predicted columns changed."""

from pathlib import Path
from typing import TYPE_CHECKING

from outofsample.files.writing import replacing
from outofsample.own.predicted import Predicted

if TYPE_CHECKING:
    from outofsample.datasets.own import Settings


def write(original: Path, path: Path, predicted: Predicted, settings: "Settings") -> None:
    """Write the query's rows of a Parquet file with the same columns and types; whole numbers become float32."""
    import pyarrow
    from pyarrow import parquet

    table = parquet.read_table(original).take(predicted.rows)
    for number, name in enumerate(predicted.columns):
        place = table.column_names.index(name)
        kind = table.schema.field(place).type
        kind = kind if pyarrow.types.is_floating(kind) else pyarrow.float32()
        column = pyarrow.array(predicted.values[:, number]).cast(kind)
        table = table.set_column(place, pyarrow.field(name, kind), column)
    with replacing(path) as temporary:
        parquet.write_table(table, temporary)
