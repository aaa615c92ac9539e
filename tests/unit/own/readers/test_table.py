"""CSV and TSV: what cannot be read is named, with its row and column."""

import pytest

from tests.unit.own.small_study import COLUMNS, error, table


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
