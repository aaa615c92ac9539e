"""Tables on the page."""

from outofsample.report.page_tables import _merged


def test_equal_cells_beside_each_other_are_one():
    merged = _merged(["CCA", "not run: x", "0.6", "not run: x", "not run: x", "–", "–"], [False] * 7)
    assert [(c["text"], c["columns"]) for c in merged] == [
        ("CCA", 1),
        ("not run: x", 1),
        ("0.6", 1),
        ("not run: x", 2),
        ("–", 1),
        ("–", 1),
    ]
