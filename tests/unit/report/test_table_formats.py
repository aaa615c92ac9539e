"""Tables as Markdown and LaTeX: what stands in their cells, and that the formats hold together."""

import re

from hypothesis import given
from hypothesis import strategies as st

from outofsample.jobs.table import MethodRow
from outofsample.report.table_formats import escape_latex, to_latex, to_markdown
from tests.unit.report.small_table import build, entry, markdown_rows


def test_markdown_cells(scores):
    spec, tidy = build(scores)
    text = to_markdown(tidy, spec)
    rows = markdown_rows(text)
    assert list(rows) == ["Neuron Editing", "GAN", "CCA", "limma", "Median shift (control)", "Oracle"]
    editing = rows["Neuron Editing"]
    assert editing["spike-in r"] == "0.900 ± 0.100" and editing["runs"] == "3 seeds"
    assert editing["energy"] == "**0.200 ± 0.100**" and editing["paper (other data)"] == "0.963"
    assert rows["GAN"]["spike-in r"].startswith("**0.960") and rows["GAN"]["sd\\_ratio"].startswith("**1.100")
    assert rows["CCA"]["energy"] == "not run: R missing" and rows["CCA"]["paper (other data)"] == "0.603"
    assert rows["limma"]["spike-in r"] == "undefined" and rows["limma"]["sd\\_ratio"] == "–"
    assert rows["Median shift (control)"]["runs"] == "1†" and rows["Median shift (control)"]["rank"] == "1"
    assert rows["Oracle"]["runs"] == "4 halves" and rows["Oracle"]["energy"] == "0.000 ± 0.008"


def test_heads_and_feet_say_what_the_numbers_are(scores):
    spec, tidy = build(scores)
    text = to_markdown(tidy, spec)
    assert text.startswith("# Spike-in batch correction & more (simulated stand-in data: Dengue)\n")
    assert "## Dengue, query q (simulated stand-in data)" in text
    for foot in ("over seeds", "over resampled cells", "demo size", "computed by limma 3.54", "no change applied"):
        assert foot in text
    assert "which are not these" in text


def test_lines_of_markdown_are_aligned(scores):
    spec, tidy = build(scores)
    lengths = {len(line) for line in to_markdown(tidy, spec).splitlines() if line.startswith("|")}
    assert len(lengths) == 1


def test_the_papers_own_data_are_no_other_data(scores):
    spec, tidy = build(scores, stand_in={}, paper_tasks=("dengue",))
    text = to_markdown(tidy, spec)
    assert "other data" not in text and "stand-in" not in text
    assert not entry(tidy, "gan", "spike_in_r")["paper_other_data"]


def test_a_method_of_the_paper_that_the_study_does_not_run_on_the_task(scores):
    methods = (MethodRow("mnn", "MNN"),)
    spec, tidy = build(scores, methods=methods)
    row = markdown_rows(to_markdown(tidy, spec))["MNN"]
    assert row["energy"] == "not run: not on this task" and row["paper (other data)"] == "0.534"


def check_latex(text):
    """A syntax check: balanced braces and environments, and the same number of cells in every row."""
    text = re.sub(r"(?m)^%.*$", "", text)
    bare = re.sub(r"\\[&%$#_{}]", "", text)
    assert bare.count("{") == bare.count("}") and bare.count("$") % 2 == 0
    stack = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", bare):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert not stack
    tabulars = re.findall(r"\\begin\{tabular\}\{(lr*)\}(.*?)\\end\{tabular\}", bare, re.DOTALL)
    assert tabulars
    for columns, body in tabulars:
        assert {row.count("&") for row in body.split(r"\\")[:-1]} == {len(columns) - 1}
    assert not set(bare.replace("$^{", "")) & set("#~^±†–")


def test_latex_is_sound(scores):
    spec, tidy = build(scores)
    text = to_latex(tidy, spec)
    check_latex(text)
    assert r"\caption{Spike-in batch correction \& more: Dengue, query q (simulated stand-in data)}" in text
    assert r"sd\_ratio" in text and r"\textbf{0.200 $\pm$ 0.100}" in text
    assert text.count(r"\midrule") == 2


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"])))
def test_escaped_text_means_nothing_to_latex(text):
    escaped = escape_latex(text)
    bare = re.sub(r"\\(textbackslash|textasciitilde|textasciicircum|textless|textgreater)\{\}|\\[&%$#_{}]", "", escaped)
    assert not set(bare) & set("\\&%$#_{}~^<>")
