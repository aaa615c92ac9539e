"""Parquet needs a package."""

import sys

from tests.unit.own.small_study import COLUMNS, error


def test_parquet_without_pyarrow_says_how_to_get_it(folder, monkeypatch):
    (folder / "a.parquet").write_bytes(b"PAR1")
    # What an import of a package that is not there finds.
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "Parquet files need pyarrow: pip install" in error(folder, files=["a.parquet"], **COLUMNS)
