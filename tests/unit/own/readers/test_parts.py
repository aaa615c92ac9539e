"""Labels and features of cells, from columns of a file of any format."""

import anndata
import pandas as pd
import pytest

from tests.unit.own.small_study import COLUMNS, error, load, needs_parquet, table, write_h5ad


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


def write_parts(folder, kind, *parts):
    """Write a table per part, in which domains are what it maps people to; return the settings."""
    for number, people in enumerate(parts):
        frame = table().assign(person=lambda frame, people=people: frame["person"].map(people))
        if kind == "parquet":
            frame.to_parquet(folder / f"{number}.parquet")
        else:
            obs = frame[["person", "day"]].set_index(frame["id"])
            obs["person"] = obs["person"].astype("category") if kind == "categories" else obs["person"]
            adata = anndata.AnnData(frame[["CD4", "CD19"]].to_numpy(), obs, pd.DataFrame(index=["CD4", "CD19"]))
            adata.write_h5ad(folder / f"{number}.h5ad")
    kind = "parquet" if kind == "parquet" else "h5ad"
    return {"files": [f"{number}.{kind}" for number in range(len(parts))], **COLUMNS}


KINDS = pytest.mark.parametrize("kind", ["h5ad", "categories", pytest.param("parquet", marks=needs_parquet)])


@KINDS
def test_a_whole_number_is_one_label_whether_it_is_stored_as_integer_or_float(folder, kind):
    parts = {"control": 1, "patient": 2}, {"control": 1.0, "patient": 2.0}
    adata = load(folder, **write_parts(folder, kind, *parts))
    assert adata.obs["domain"].value_counts().to_dict() == {"1": 80, "2": 40}


@KINDS
def test_labels_that_are_fractions_are_refused(folder, kind):
    message = error(folder, **write_parts(folder, kind, {"control": 1.0, "patient": 0.5}))
    assert "the column 'person' ('domain_column') holds the number 0.5, of which 1.1 and 1.10 are one" in message
    assert "store these labels as text" in message


@KINDS
def test_a_float_that_is_missing_is_no_label(folder, kind):
    message = error(folder, **write_parts(folder, kind, {"control": 1.0, "patient": float("nan")}))
    assert "the column 'person' ('domain_column') has no value in 20 cells" in message
