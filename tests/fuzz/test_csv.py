"""Tables as text: separators, quotes, decimal signs, encodings, lines before the header, labels like numbers."""

import codecs
import csv
import gzip
import io
import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from outofsample import registry
from outofsample.own.predicted import Predicted
from outofsample.own.writers.table import write
from tests.fuzz.bed import bounded, examples

COLUMNS = {"condition_column": "day", "domain_column": "person"}
LABELS = [
    "before",
    "after",
    "01",
    "1",
    "1.10",
    "NA",
    "None",
    "é µ",
    "a,b",
    'say "x"',
    "2024-03-01",
    "true",
    "<b>",
    "-q",
]
NAMES = ["CD4", "CD8, clone x", "IL-2 (pg/ml)", "µ", "gene;1", "$x_{$", "=1+1", "Time", "CellId", "a\tb", "CD4.1"]
#: How numbers are written -> what they say; None where nobody can know.
FORMS = {
    "plain": (repr, True),
    "exponent": (lambda x: f"{x:.9e}", True),
    "blanks": (lambda x: f" {x!r} ", True),
    "plus": (lambda x: f"+{x!r}" if x >= 0 else repr(x), True),
    "comma": (lambda x: f"{x:.3f}".replace(".", ","), False),
    "thousands": (lambda x: f"{x + 2000:,.1f}", False),
    "limit": (lambda x: "<0.1", False),
    "missing": (lambda x: "NA", False),
    "infinite": (lambda x: "inf", False),
    "huge": (lambda x: "1e300", False),
}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "latin-1"]


@st.composite
def tables(draw):
    """Return the bytes of a table, its text, separator and rows, and whether its numbers are right."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, names = draw(st.integers(4, 12)), draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    labels = draw(st.lists(st.sampled_from(LABELS), min_size=2, max_size=2, unique=True))
    numbers = np.round(rng.normal(3, 20, (rows, len(names))), 3)
    written = [[repr(float(x)) for x in row] for row in numbers]
    form = draw(st.sampled_from([*["plain"] * 4, *FORMS]))
    for row in range(rows) if draw(st.booleans()) else [0]:
        written[row][0] = FORMS[form][0](float(numbers[row, 0]))
    header = ["person", "day", *names]
    body = [["p" if row % 2 else labels[0], labels[row % 2], *written[row]] for row in range(rows)]
    separator, quoting = draw(st.sampled_from(",;\t|")), draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    ending, before = draw(st.sampled_from(["\n", "\r\n"])), draw(st.sampled_from(["", "", "", "Exported by X", "sep="]))
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, quoting=quoting, lineterminator=ending)
    writer.writerows([header, *body])
    before = before and (f"sep={separator}" if before == "sep=" else before) + ending
    text = before + text.getvalue() + draw(st.sampled_from(["", ending]))
    encoding = draw(st.sampled_from(["utf-8", *ENCODINGS]))
    content = text.encode(encoding, errors="replace")
    harm = draw(st.sampled_from([None, None, None, "cut", "zeros", "longer"]))
    if harm == "cut":
        content = content[: int(len(content) * rng.random())]
    elif harm == "zeros":
        content = content[:20] + bytes(9) + content[29:]
    elif harm == "longer":
        content += f"x{separator * 9}y{ending}".encode()
    return content, separator, bool(before), encoding


def as_rows(content, separator, before):
    """Return the rows of a table in UTF-8, by the csv module."""
    text = content.removeprefix(codecs.BOM_UTF8).decode()
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row][before:]


def read_and_written(path, out):
    """Return the cells of a table, and what came back after its first feature got one more."""
    data = registry.create("datasets", "own", {"files": [path.name], **COLUMNS})
    adata = data.load({path.name: path})
    changed = Predicted(np.arange(adata.n_obs), adata.X[:, :1] + 1, (adata.var["column"].iloc[0],), {})
    write(path, out / path.name, changed, data.settings)
    return adata, (out / path.name).read_bytes()


def test_tables(tmp_path, record_property):
    with bounded("csv", tmp_path, record_property) as bed:

        @examples("csv")
        @given(tables(), st.booleans())
        def check(made, packed):
            content, separator, before, _ = made
            path = bed.fresh() / ("a.csv.gz" if packed else "a.csv")
            path.write_bytes(gzip.compress(content) if packed else content)
            # Some sentences are on all cells of all files.
            found = bed.outcome(lambda: read_and_written(path, bed.out))
            if found is None:
                return
            adata, back = found
            assert np.isfinite(adata.X).all()
            header, *rows = as_rows(content, separator, before)
            assert adata.obs["condition"].tolist() == [row[1] for row in rows]
            assert adata.obs["domain"].tolist() == [row[0] for row in rows]
            left_out = json.loads(adata.uns["left_out"])
            assert set(adata.var_names) | set(left_out) == set(header[2:])
            for name in adata.var_names:
                values = [float(row[header.index(name)]) for row in rows]
                np.testing.assert_array_equal(adata[:, name].X[:, 0], np.array(values, "f4"))
            again, *rows_back = as_rows(gzip.decompress(back) if packed else back, separator, before)
            first = header.index(adata.var_names[0])
            assert again == header and len(rows_back) == len(rows)
            for row, row_back, value in zip(rows, rows_back, adata.X[:, 0], strict=True):
                assert np.float32(row_back[first]) == np.float32(value + np.float32(1))
                assert [*row[:first], *row[first + 1 :]] == [*row_back[:first], *row_back[first + 1 :]]

        check()
