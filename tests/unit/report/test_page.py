"""The report's first page: what stands on it, and that it needs nothing but itself."""

import base64
import gzip
import itertools
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from outofsample.errors import UserError
from outofsample.files.history import write_history
from outofsample.files.scores import Row
from outofsample.files.table import read_tidy
from outofsample.jobs.figure import ShownTask
from outofsample.report import page as report_page
from outofsample.report import page_figures, ranks
from tests.browser.study import CLAIMS, HOSTILE, PAPER_VALUES, TABLE, SmallStudy
from tests.unit.report.html_page import Page, empty_sections


def test_nothing_is_loaded_from_elsewhere(page):
    loads = [a[name] for tag, a in page.tags for name in ("src", "href", "data", "srcset", "poster") if name in a]
    assert all(address.startswith(("data:", "#")) for address in loads), loads
    assert not re.search(r"url\((?!data:)|@import", page.text)
    # Addresses in text are not loaded, but none is needed either.
    assert "http" not in page.text.replace("http-equiv", "")


def test_text_from_files_is_text(page):
    assert HOSTILE in "".join(page.words)
    assert not any("onerror" in attributes for _, attributes in page.tags)
    assert len(page.all("img")) == 2


def test_language_headings_and_alternative_texts(page):
    assert page.all("html")[0]["lang"] == "en"
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-4]", tag)]
    assert levels.count(1) == 1 and all(b - a <= 1 for a, b in itertools.pairwise(levels))
    assert all(image["alt"].strip() and int(image["width"]) == 600 for image in page.all("img"))
    assert all(cell.get("scope") in {"row", "col"} for cell in page.all("th"))


def test_links_lead_somewhere(page):
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {a["href"][1:] for a in page.all("a")} <= set(ids)


def test_no_section_is_empty(page):
    assert len(empty_sections(page.text)) == 0
    assert empty_sections('<section id="a"><h2>A</h2></section>') == ['<section id="a">']


def test_the_page_says_how_to_make_things_again(page):
    text = "".join(page.words)
    for target in ("t2", "points", "summary"):
        assert f"snakemake --cores all {target} --configfile studies/small.yaml" in text
    assert "snakemake --cores all --configfile studies/small.yaml" in text


def test_the_page_says_how_mean_ranks_are_made(page):
    assert f"Rows by mean rank: {ranks.RULE}." in "".join(page.words)


def test_pictures_are_read_once(small, monkeypatch):
    read, figures = [], page_figures.figures
    monkeypatch.setattr(page_figures, "figures", lambda study, paths: read.extend(paths) or figures(study, paths))
    of = {kind: sorted((small.folder / kind).glob("*.csv")) for kind in ("scores", "tables")}
    pictures = sorted((small.folder / "figures").glob("*.png"))
    files = report_page.Files(
        **of,
        figures=pictures,
        own=[],
        benchmarks=small.folder / "benchmarks",
        paper_values=PAPER_VALUES,
        claims=CLAIMS,
    )
    content = report_page.gather(small.spec, files)
    assert read == pictures
    assert [[entry["name"] for entry in content[part]] for part in ("figures", "summary_figures")] == [
        ["points"],
        ["summary"],
    ]


def test_the_page_says_in_which_precision_the_networks_were_trained(tmp_path):
    small = SmallStudy(tmp_path).write()
    history = small.folder / "models" / "dengue" / "gan" / "history_0.csv"
    history.parent.mkdir(parents=True)
    write_history(history, [{"epoch": 1, "precision": "bfloat16", "seed": 0}])
    made = small.make()
    assert made.returncode == 0, made.stderr
    assert "<dt>trained in bfloat16</dt><dd>gan</dd>" in small.page.read_text()


@pytest.mark.parametrize(("seconds", "text"), [(4.23, "4.2 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")])
def test_durations(seconds, text):
    assert report_page.duration(seconds) == text


def test_own_data_without_truth_and_papers(tmp_path):
    """One task of the user's own: no score card, no summary, no tables or figures, and no trace of them."""
    own = {"treatment": ShownTask("treatment")}
    rows = [Row("treatment", "q", method, 0, "", note="not run: no truth") for method in ("gan", "cca")]
    rows += [
        Row("treatment", "q", "no_change", 0, "moved", 1.0),
        Row("treatment", "q", "neuron_editing", 0, "moved", 2.0),
    ]
    content = {"study": "mine", "description": "", "tasks": own, "tables": {}, "figures": {}}
    small = SmallStudy(tmp_path, content, rows, own="<p>what changed</p>").write()
    made = small.make()
    assert made.returncode == 0, made.stderr
    page = Page(small.page.read_text())
    assert empty_sections(page.text) == []
    assert [text for tag, text in page.headings if tag == "h2"] == [
        "Contents",
        "Your own data",
        "What did not run",
        "Times and memory",
        "Versions",
        "Snakemake’s own report",
    ]
    assert [a["href"] for a in page.all("a")] == ["#own", "#completeness", "#times", "#versions", "#snakemake"]
    assert "treatment: q" in "".join(page.words)
    (store,) = re.findall(r'<script type="text/plain"[^>]*>([^<]*)</script>', page.text)
    assert gzip.decompress(base64.b64decode(store)) == b"<p>what changed</p>"


def test_stand_ins_and_demo_size_are_said_at_the_top(tmp_path):
    tasks = {"dengue": ShownTask("dengue", stand_in=True)}
    small = SmallStudy(tmp_path, {"demo_size": True, "tasks": tasks}).write()
    assert small.make().returncode == 0
    top = small.page.read_text().split("</header>")[0]
    assert "stand-in data" in top and "Demo size" in top
    assert not re.search(r"stand-in data</strong>", _page_of_real_data(tmp_path / "real").split("</header>")[0])


def _page_of_real_data(folder):
    small = SmallStudy(folder).write()
    assert small.make().returncode == 0
    return small.page.read_text()


def test_bad_files_are_named(small, tmp_path):
    (tmp_path / "t2.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"t2\.csv: this is not a table that make_table\.py wrote"):
        read_tidy(tmp_path / "t2.csv")
    made = small.make('{"study": "x"}')
    assert made.returncode == 1 and "standard input: this is not the JSON of a PageSpec" in made.stderr


def test_a_table_reads_back_as_it_was_written(small):
    tidy = read_tidy(small.folder / "tables" / "t2.csv")
    assert tidy["note"].map(type).eq(str).all() and tidy["control"].dtype == bool
    assert np.isnan(tidy.loc[tidy["method"] == "cca", "mean"]).all()
    assert isinstance(tidy, pd.DataFrame) and set(tidy["method"]) == {*small.spec.methods, "oracle"}


def test_the_page_opens_with_what_was_asked_and_what_came_out(page):
    headings = [text for tag, text in page.headings if tag == "h2"]
    assert headings == [
        *("Contents", "In short", "Your own data", "What the papers claim", "Methods by task", "Figures"),
        *("Tables", "Published numbers", "What did not run", "Times and memory", "Versions", "Snakemake’s own report"),
    ]
    short = " ".join(page.text.split('<section id="short">')[1].split("</section>")[0].split())
    assert "What does the other one look like after? 4 methods predicted it" in short
    # Neuron editing ran on one task of two: only methods with a rank in all are named.
    assert "by mean rank over 2 tasks (energy distance): No change, a control (1.5); GAN (2.5)." in short
    assert "of the 2 methods that ran on all of them, controls included, 1 rank behind" in short
    assert "<b>Ran:</b> 5 of 8 pairs of method and task" in short
    assert "claims on real data:" in short and "claims on simulated" not in short
    assert "<title>Neuron editing: 1.000</title>" in short


def test_claims_have_verdicts_and_fold_their_numbers(page):
    claims = page.text.split('<section id="claims">')[1].split("</section>")[0]
    assert "All verdicts are on real data: this study judges none of these claims on stand-ins." in claims
    first, *_ = re.findall(r"<li>(.*?)</li>", claims.split('<ul class="claims">')[1], re.DOTALL)
    shown, numbers = first.split("<details>")
    assert "undecided" in shown
    assert "Of ten methods neuron editing changes the sample most" in shown and "Table 2, Section 3.2" in shown
    # This study has one of the nine rivals that have a number, and one that did not run.
    assert "CCA: R missing" in numbers
    assert "cyclegan, resnet gan, " in numbers and ": not in this study; " in numbers
    assert "<b>Neuron editing 0.960 ± 0.010</b>; nearest to refuting it GAN 0.110 ± 0.010" in numbers
    assert "Beside: No change –, mean shift –, Oracle –." in numbers
    for verdict in ("undecided", "not judged", "not run"):
        assert re.search(rf'<span aria-hidden="true">.</span> {verdict}</span>', claims), verdict


def test_claims_link_to_what_the_page_shows(tmp_path):
    small = SmallStudy(tmp_path, {"tables": {"ne2020_table2": replace(TABLE, name="ne2020_table2")}}).write()
    assert small.make().returncode == 0
    page = Page(small.page.read_text())
    assert "#table-ne2020_table2" in [a["href"] for a in page.all("a")][10:]
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert {a["href"][1:] for a in page.all("a")} <= ids


def test_published_values_are_folded_where_none_can_be_compared(page):
    card = page.text.split('<section id="score-card">')[1].split("</section>")[0]
    tables = [piece for piece in card.split("<details")[1:] if "published value" in piece]
    opened = [piece for piece in tables if piece.startswith(" open>")]
    assert len(opened) == 1 and "published values beside ours</summary>" in opened[0]
    assert len(tables) > 1
    assert all("none of which can be compared</summary>" in piece for piece in tables if piece not in opened)
