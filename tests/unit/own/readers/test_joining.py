"""Several files become one table: features, values and names of cells that fit each other."""

import numpy as np
import pytest

from tests.unit.own.small_study import COLUMNS, error, load, table, write_h5ad


def test_features_that_differ_are_listed(folder):
    table().to_csv(folder / "a.csv", index=False)
    table(features=("CD4", "CD8", "CD3")).to_csv(folder / "b.csv", index=False)
    message = error(folder, files=["a.csv", "b.csv"], **COLUMNS)
    assert "only the first has CD19, and only the second has CD8, CD3; name the shared ones in 'features'" in message
    assert load(folder, files=["a.csv", "b.csv"], features=["CD4"], **COLUMNS).n_vars == 1


def test_features_in_another_order_are_no_difference(folder):
    table().to_csv(folder / "a.csv", index=False)
    table()[["CD19", "day", "person", "CD4"]].to_csv(folder / "b.csv", index=False)
    adata = load(folder, files=["a.csv", "b.csv"], **COLUMNS)
    assert np.array_equal(adata.X[:60], adata.X[60:])


@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinite"), (1e300, "infinite")])
def test_values_that_are_not_finite_are_named(folder, value, word):
    frame = table().astype({"CD19": float})
    frame.loc[4, "CD19"] = value
    frame.to_csv(folder / "a.csv", index=False)
    message = error(folder, files=["a.csv"], **COLUMNS)
    assert "a.csv: 1 values are missing" in message and word in message and "'CD19' of cell 5" in message


def test_a_sparse_matrix_with_a_missing_value(folder):
    adata = write_h5ad(folder)
    adata.X.data[3] = np.nan
    adata.write_h5ad(folder / "cells.h5ad")
    assert "the first is 'CD19' of cell 2" in error(folder, files=["cells.h5ad"], **COLUMNS)


@pytest.mark.filterwarnings("ignore:Observation names are not unique")
def test_names_of_cells_that_repeat(folder):
    frame = table()
    frame.loc[3, "id"] = frame.loc[0, "id"]
    frame.to_csv(folder / "a.csv", index=False)
    message = error(folder, files=["a.csv"], name_column="id", **COLUMNS)
    assert f"the cell name '{frame.loc[0, 'id']}' occurs twice (1 names repeat)" in message
    adata = write_h5ad(folder)
    adata.obs_names = ["x", *adata.obs_names[1:-1], "x"]
    adata.write_h5ad(folder / "cells.h5ad")
    assert "the cell name 'x' occurs twice" in error(folder, files=["cells.h5ad"], **COLUMNS)
