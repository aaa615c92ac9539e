"""Names of files, folders, columns, conditions and domains: any text comes back as text, in the results alone."""

import csv
import io
from pathlib import PurePosixPath

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from outofsample.arrays import Query
from outofsample.errors import UserError
from tests.fuzz.bed import bounded, examples
from tests.unit.own.small_study import dataset, written

#: Pieces of names: what shells, paths, HTML, Snakemake, CSV and Unicode make something of.
PIECES = [
    *"aB1 ./-;'\"*~#é細\u200f\u0301\n,|&\\",
    "..",
    "$(x)",
    "`x`",
    "<b>",
    "{t}",
    "%s",
    "=1",
    ".csv",
    ".png",
    "x" * 120,
]
TEXT = st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join)


def read_and_written(bed, name, labels):
    """Return the paths of what came back of a table."""
    try:
        data = dataset(bed.data, files=[name], condition_column="day", domain_column="person")
    # Settings are told with their key by the loading of a study.
    except ValueError as error:
        raise UserError(f"{error}.") from error
    before, after, domain = labels
    bed.out.mkdir()
    return written(data, bed.data, bed.out, queries=(Query("after", domain, before, after),))


def test_names(tmp_path, record_property):
    with bounded("names", tmp_path, record_property) as bed:

        @examples("names")
        @given(TEXT, TEXT, st.lists(TEXT, min_size=3, max_size=3, unique=True))
        def check(name, column, labels):
            name = name if name.endswith(".csv") else f"{name}.csv"
            path, (before, after, domain) = bed.fresh() / name, labels
            rows = [
                [domain if row > 5 else f"{domain}+", after if 3 <= row < 6 else before, row / 2, -row]
                for row in range(9)
            ]
            if ".." not in path.parts and path.is_relative_to(bed.data) and len(path.name) < 250:
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("w", encoding="utf-8", newline="") as file:
                    csv.writer(file).writerows([["person", "day", column, "other"], *rows])
            found = bed.outcome(lambda: read_and_written(bed, name, labels), lines=True)
            if found is None:
                return
            (path,), rows = found, rows[6:]
            assert path.relative_to(bed.out / "out" / "after") == PurePosixPath(name)
            head, *back = csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
            assert head == ["person", "day", column, "other"]
            assert [row[:2] for row in back] == [row[:2] for row in rows]
            # A name that ends in # is one of a column with numbers of cells.
            change = float(f"left out: {column} (" not in bed.said)
            assert change or column.rstrip("\n").endswith("#"), column
            np.testing.assert_allclose([float(row[2]) for row in back], [row[2] + change for row in rows], rtol=1e-6)

        check()
