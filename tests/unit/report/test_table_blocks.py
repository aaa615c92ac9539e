"""Blocks of a table: one per query."""

from outofsample.files.scores import Row, write_scores
from outofsample.jobs.table import ColumnSpec, MethodRow
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


def test_a_score_that_is_switched_off_says_so_once(tmp_path):
    rows = [Row("dengue", "q", method, 0, "kid_cnn", 0.5) for method in ("gan", "no_change", "oracle")]
    write_scores(rows, tmp_path / "off.csv")
    columns = (ColumnSpec("fid", "FID"), ColumnSpec("kid", "KID"), ColumnSpec("kid_cnn", "kernel"))
    methods = (MethodRow("gan", "GAN"), MethodRow("no_change", "No change", control=True))
    spec, tidy = build(tmp_path / "off.csv", columns=columns, methods=methods, rank_by=None)
    (block,) = blocks(tidy, spec)
    assert [row[1:4] for row in block.cells] == [["–", "–", "0.500"]] * 3
    told = [foot for foot in block.feet if "Inception" in foot]
    assert len(told) == 1 and told[0].startswith("– below FID, KID: FID and KID are off")
    assert not [foot for foot in block.feet if "needs a truth" in foot]
