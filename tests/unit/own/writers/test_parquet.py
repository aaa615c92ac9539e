"""Parquet comes back with the same columns and types."""

import numpy as np
import pandas as pd

from tests.unit.own.small_study import COLUMNS, dataset, needs_parquet, table, written


@needs_parquet
def test_parquet_comes_back_with_the_same_types(folder, tmp_path):
    from pyarrow import parquet

    frame = table().astype({"CD4": "float64", "day": "category"})
    frame.to_parquet(folder / "cells.parquet", index=False)
    (path,) = written(dataset(folder, files=["cells.parquet"], **COLUMNS), folder, tmp_path)
    assert parquet.read_schema(path).equals(parquet.read_schema(folder / "cells.parquet"))
    before = frame[(frame["day"] == "before") & (frame["person"] == "patient")]
    np.testing.assert_allclose(pd.read_parquet(path)["CD4"], before["CD4"] + 1, rtol=1e-5)
