"""Blocks of a table: one per query."""

from outofsample.files.scores import Row, write_scores
from outofsample.jobs.table import ColumnSpec, MethodRow
from outofsample.report.table_blocks import blocks
from outofsample.report.table_formats import to_markdown
from tests.unit.report.small_table import ROWS, build, markdown_rows


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


def test_where_a_distance_was_expected_it_stands_beside_it(tmp_path):
    rows = [*ROWS, Row("dengue", "q", "neuron_editing", score="expected_error", value=0.7, low=0.4, high=1.7)]
    write_scores(rows, tmp_path / "expected.csv")
    spec, tidy = build(tmp_path / "expected.csv")
    assert set(tidy.loc[tidy["method"] == "neuron_editing", "expected_low"]) == {0.4}
    said = markdown_rows(to_markdown(tidy, spec))
    assert said["Neuron Editing"]["expected"] == "0.4 to 1.7" and said["GAN"]["expected"] == "–"
    (block,) = blocks(tidy, spec)
    (foot,) = [foot for foot in block.feet if foot.startswith("Expected: ")]
    assert foot.startswith("Expected: where the 80% interval puts energy, ")
    assert "of methods that train a network none ever is" in foot


def test_where_nothing_was_expected_there_is_no_column(scores):
    spec, tidy = build(scores)
    (block,) = blocks(tidy, spec)
    assert "expected" not in block.head and not [foot for foot in block.feet if foot.startswith("Expected")]
