"""Blocks of a table: one per query."""

from outofsample.files.scores import Row, write_scores
from outofsample.jobs.table import MethodRow
from outofsample.report.table_blocks import blocks
from tests.unit.report.small_table import build


def test_each_query_is_a_block(tmp_path):
    rows = [Row("dengue", query, "gan", 0, "spike_in_r", 0.5) for query in "qp"]
    write_scores(rows, tmp_path / "two.csv")
    spec, tidy = build(tmp_path / "two.csv", methods=(MethodRow("gan", "GAN"),))
    assert [block.title for block in blocks(tidy, spec)] == [
        "Dengue, query q (simulated stand-in data)",
        "Dengue, query p (simulated stand-in data)",
    ]
