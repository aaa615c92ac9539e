"""Labels and features of cells, from columns of a file of any format."""

from tests.unit.own.small_study import COLUMNS, error, table, write_h5ad


def test_a_column_that_is_missing_is_named_with_the_nearest(folder):
    table().to_csv(folder / "a.csv", index=False)
    message = error(folder, files=["a.csv"], condition_column="dya", domain_column="person")
    assert "a.csv: the table has no column 'dya' (did you mean 'day'?), which 'condition_column' names" in message
    write_h5ad(folder)
    message = error(folder, files=["cells.h5ad"], condition_column="day", domain_column="persn")
    assert "cells.h5ad: obs has no column 'persn' (did you mean 'person'?)" in message
    assert "did you mean 'CD4'" in error(folder, files=["a.csv"], features=["CD44"], **COLUMNS)
    assert "there is no layer 'logs'" in error(folder, files=["cells.h5ad"], layer="logs", **COLUMNS)


def test_only_one_condition(folder):
    table().assign(day="before").to_csv(folder / "a.csv", index=False)
    message = error(folder, files=["a.csv"], **COLUMNS)
    assert message == "All cells have the one condition 'before' (by the column 'day'): source and target must be two."


def test_no_cells(folder):
    table().iloc[:0].to_csv(folder / "a.csv", index=False)
    assert "a.csv: this file holds no cells" in error(folder, files=["a.csv"], **COLUMNS)
