"""Parquet needs a package."""

import sys

from tests.unit.own.small_study import COLUMNS, error, load, needs_parquet, table


def test_parquet_without_pyarrow_says_how_to_get_it(folder, monkeypatch):
    (folder / "a.parquet").write_bytes(b"PAR1")
    # What an import of a package that is not there finds.
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "Parquet files need pyarrow: pip install" in error(folder, files=["a.parquet"], **COLUMNS)


@needs_parquet
def test_few_bytes_that_are_many_rows_are_refused(folder, monkeypatch):
    """A column that says one value a million times takes next to nothing in the file."""
    table(1000).to_parquet(folder / "a.parquet")
    load(folder, files=["a.parquet"], **COLUMNS)
    monkeypatch.setattr("outofsample.files.limits.os.sysconf", lambda name: 350)
    assert "a.parquet: the values of 3,000 rows x 6 columns take 140.6 kB, and this" in error(
        folder, files=["a.parquet"], **COLUMNS
    )
