"""CSV and TSV come back with the same columns, and the same text in those that were not predicted."""

import gzip

import numpy as np
import pandas as pd
import pytest

from tests.unit.own.small_study import COLUMNS, GROUPS, dataset, table, written


@pytest.mark.parametrize("name", ["cells.csv", "cells.tsv", "cells.csv.gz", "european.csv"])
def test_a_table_of_text_comes_back_with_the_same_columns(folder, tmp_path, name):
    separator = {"cells.tsv": "\t", "european.csv": ";"}.get(name, ",")
    table().to_csv(folder / name, sep=separator, index=False)
    data = dataset(folder, files=[name], name_column="id", **COLUMNS)
    (path,) = written(data, folder, tmp_path)
    before = pd.read_csv(folder / name, sep=separator)
    before = before[(before["day"] == "before") & (before["person"] == "patient")]
    after = pd.read_csv(path, sep=separator)
    assert after.columns.tolist() == before.columns.tolist()
    assert after[["id", "day", "person", "note"]].equals(before[["id", "day", "person", "note"]].reset_index(drop=True))
    np.testing.assert_allclose(after[["CD4", "CD19"]], before[["CD4", "CD19"]] + 1, rtol=1e-5)


def test_a_gzipped_table_is_the_same_whenever_it_is_written(folder, tmp_path, monkeypatch):
    table().to_csv(folder / "cells.csv.gz", index=False)
    data, contents = dataset(folder, files=["cells.csv.gz"], **COLUMNS), []
    for seconds in (10**9, 2 * 10**9):
        monkeypatch.setattr("gzip.time.time", lambda seconds=seconds: seconds)
        contents.append(written(data, folder, tmp_path)[0].read_bytes())
    assert contents[0] == contents[1] and gzip.decompress(contents[0]).startswith(b"id,CD4,CD19,")
    # The fourth byte says whether a name follows: that of a temporary file has the number of a process.
    assert contents[0][3] == 0


def test_text_of_other_columns_is_not_touched(folder, tmp_path):
    lines = ["code,CD4,day,person", *(f"00{row}.50,{row},{day},{who}" for row, (who, day) in enumerate(GROUPS * 3))]
    (folder / "cells.csv").write_text("\n".join(lines) + "\n")
    data = dataset(folder, files=["cells.csv"], features=["CD4"], **COLUMNS)
    (path,) = written(data, folder, tmp_path)
    assert path.read_text().splitlines()[:2] == ["code,CD4,day,person", "002.50,3.0,before,patient"]
