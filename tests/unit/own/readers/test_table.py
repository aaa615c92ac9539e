"""CSV and TSV: what cannot be read is named, with its row and column."""

import gzip

import numpy as np
import pandas as pd
import pytest

from outofsample.errors import UserError
from outofsample.own.readers.table import read_table
from tests.unit.own.small_study import COLUMNS, error, load, table


def test_labels_and_numbers_that_are_missing(folder):
    frame = table()
    frame.loc[2, "person"] = None
    frame.to_csv(folder / "a.csv", index=False)
    assert "the column 'person' ('domain_column') has no value in 1 cells, the first is cell 3" in error(
        folder, files=["a.csv"], **COLUMNS
    )
    table().to_csv(folder / "b.csv", index=False, decimal=",", sep=";")
    message = error(folder, files=["b.csv"], features=["CD4"], **COLUMNS)
    assert "b.csv: the column 'CD4' does not hold numbers alone" in message and "decimal point" in message
    (folder / "c.csv").write_text("day,person,CD4,CD4\na,b,1,2\n")
    assert "c.csv: the column 'CD4' occurs twice" in error(folder, files=["c.csv"], **COLUMNS)


@pytest.mark.parametrize(("name", "separator"), [("a.csv", ","), ("a.tsv", "\t")])
def test_rows_that_are_longer_than_the_header(folder, name, separator):
    """R's write.table leaves the column of row names without a name; some programs end lines in a separator."""
    table().to_csv(folder / name, sep=separator, index_label=False)
    message = error(folder, files=[name], **COLUMNS)
    assert message.startswith(
        f"{folder / name}: the rows have 1 more field(s) than the header; give each column a name"
    )
    header, *rows = table().to_csv(sep=separator, index=False).splitlines()
    (folder / name).write_text("\n".join([header, *(row + separator for row in rows)]))
    assert "end no line in a separator" in error(folder, files=[name], **COLUMNS)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_a_line_of_a_gigabyte_is_a_sentence(folder, name, monkeypatch):
    """Of 20 MB here: what is refused is not read on."""
    opened = gzip.open if name.endswith(".gz") else open
    with opened(folder / name, "wb") as file:
        file.write(b"day,person,CD4\nbefore,a," + b"1" * (20 << 20))
    message = error(folder, files=[name], **COLUMNS)
    packed = name.endswith(".gz") and "would unpack to" in message
    assert packed or f"{name}: this table has a line of more than 16 MB" in message


def test_many_columns_are_read(folder):
    names = [f"a gene with a long name {number:016d}" for number in range(4000)]
    frame = pd.DataFrame(np.ones((6, 4000), int), columns=names)
    frame.insert(0, "day", ["before", "after"] * 3)
    frame.insert(1, "person", list("aabbcc"))
    for separator, name in ((",", "a.csv"), ("\t", "a.tsv")):
        frame.to_csv(folder / name, index=False, sep=separator)
        assert load(folder, files=[name], **COLUMNS).n_vars == 4000


def test_cells_and_features_that_the_memory_does_not_hold(folder, monkeypatch):
    table().to_csv(folder / "a.csv", index=False)
    monkeypatch.setattr("os.sysconf", lambda name: 1 if name == "SC_PAGE_SIZE" else 100)
    message = error(folder, files=["a.csv"], **COLUMNS)
    assert "the values of 60 cells x 2 features take 480 bytes, and this machine has 100 bytes" in message


@pytest.mark.parametrize("packed", [False, True])
def test_a_table_that_ends_in_the_middle_of_a_row_is_refused(tmp_path, packed):
    """Its last number may be cut: 1.2 of 1.25."""
    whole = b"day,CD3,note\nbefore,1.5,x\nafter,1.25,y\n"
    path = tmp_path / ("a.csv.gz" if packed else "a.csv")
    for content, refused in ((whole, False), (whole.rstrip(), False), (whole[:-4], True), (whole + b"\n\n", False)):
        path.write_bytes(gzip.compress(content) if packed else content)
        if refused:
            with pytest.raises(UserError, match=r"the last row has 2 field\(s\) where the header has 3"):
                read_table(path)
        else:
            assert len(read_table(path)) == 2
