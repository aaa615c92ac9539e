"""The report's first page: the verdict's rule, what stands on the page, and that it needs nothing but itself."""

import base64
import gzip
import itertools
import math
import os
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import make_report
from outofsample import texts
from outofsample.errors import UserError
from outofsample.figures import study_summary
from outofsample.files.scores import Row, read_scores
from outofsample.files.table import read_tidy
from outofsample.report import page as report_page
from outofsample.report import ranks, score_card, tables
from tests.browser.study import HOSTILE, PAPER_VALUES, TABLE, SmallStudy, rows_of

NAN = float("nan")

# ---- the rule


def cell(column="spike_in_r", theirs=0.9, theirs_sd=NAN, ours=0.9, ours_sd=NAN):
    return score_card.Cell("p", "1", "m", column, theirs, theirs_sd, "", "", "M", ours=ours, ours_sd=ours_sd)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({"ours": 0.919}, "reproduced"),
        ({"ours": 0.881}, "reproduced"),
        ({"ours": 0.921}, "not reproduced"),
        ({"ours": 0.85}, "not reproduced"),
        ({"ours": 0.85, "ours_sd": 0.024}, "not reproduced"),
        ({"ours": 0.85, "ours_sd": 0.026}, "reproduced"),
        ({"ours": 0.85, "ours_sd": 0.018, "theirs_sd": 0.018}, "reproduced"),
        ({"ours": 0.85, "ours_sd": 0.017, "theirs_sd": 0.017}, "not reproduced"),
        ({"column": "fid", "theirs": 121.6, "ours": 126}, "reproduced"),
        ({"column": "fid", "theirs": 121.6, "ours": 127}, "not reproduced"),
        ({"column": "unknown", "ours": 0.9}, "not comparable"),
        ({"column": "unknown", "ours": 0.92, "ours_sd": 0.011}, "reproduced"),
        ({"column": "unknown", "ours": 0.92, "ours_sd": 0.009}, "not reproduced"),
    ],
)
def test_the_verdict_by_numbers(values, verdict):
    assert score_card.judged(cell(**values), []).verdict == verdict


def test_what_two_results_may_differ_by():
    assert score_card.allowed_difference("means_r", 0.3, 0.4) == pytest.approx(1.0)
    assert score_card.allowed_difference("means_r", NAN, 0.001) == 0.02
    assert score_card.allowed_difference("unknown", 0.1, NAN) == pytest.approx(0.2)
    assert math.isnan(score_card.allowed_difference("unknown", NAN, NAN))


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (("ok", "", False, False, False), ""),
        (("ok", "", True, False, True), "stand-in data"),
        (("ok", "", False, True, False), "demo size"),
        (("ok", "", False, False, True), "other data than the paper's"),
        (("ok", "", True, True, True), "stand-in data; demo size"),
        (("not run", "R missing", False, False, False), "did not run: R missing"),
        (("no truth", "", False, False, False), "no truth was measured"),
        (("undefined", "undefined: no change applied", False, False, False), "undefined: no change applied"),
    ],
)
def test_what_speaks_against_a_comparison(facts, reason):
    reasons = score_card.obstacles(*facts)
    assert "; ".join(reasons) == reason
    judged = score_card.judged(cell(), reasons)
    assert (judged.verdict, judged.why) == (("not comparable" if reason else "reproduced"), reason)


# ---- the score card of a study


def card(tmp_path, rows=None, demo_size=False, stand_in=False, **changes):
    """Return the cells of the small study's score card by (table, row, column)."""
    task = {"label": "dengue", "stand_in": stand_in, "methods": None}
    content = {"tasks": {"dengue": task}, "tables": {"t2": TABLE | changes}, "figures": {}}
    small = SmallStudy(tmp_path, content, rows or rows_of("dengue", "sample1")).write()
    study = report_page.Study(**small.study)
    tidy = {"t2": read_tidy(tmp_path / "tables" / "t2.csv")}
    specs = {"t2": study.spec("t2", tidy["t2"])}
    papers = tables.read_paper_values(PAPER_VALUES)
    cells = score_card.score_card(papers, specs, tidy, demo_size)
    assert {c.published for c in cells} == set(
        papers[["paper", "table", "row", "column"]].itertuples(index=False, name=None)
    )
    return cells


def verdicts(cells):
    return {(c.table, c.row): (c.verdict, c.why) for c in cells if c.paper == "ne2020" and c.column != "variances_r"}


def test_every_published_cell_has_its_verdict(tmp_path):
    cells = card(tmp_path)
    found = verdicts(cells)
    assert found["2", "neuron_editing"] == ("reproduced", "")
    assert found["2", "gan"] == ("not reproduced", "")
    assert found["2", "cca"] == ("not comparable", "did not run: R missing")
    assert found["2", "limma"] == ("not in this study", "this study does not run the method")
    assert found["3", "gan"] == ("not in this study", "no table of this study shows it")
    (ours,) = [c for c in cells if (c.table, c.row) == ("2", "neuron_editing")]
    assert (ours.ours, ours.ours_sd, ours.theirs) == (pytest.approx(0.96), pytest.approx(0.01), 0.96275)
    assert (ours.spread, ours.label, ours.allowed) == ("seeds", "Neuron editing", pytest.approx(0.02))
    counts = score_card.counts(cells)
    assert sum(counts.values()) == len(tables.read_paper_values(PAPER_VALUES))
    assert (counts["reproduced"], counts["not reproduced"], counts["not comparable"]) == (1, 1, 1)


def test_stand_ins_and_demo_size_are_never_compared(tmp_path):
    for number, (settings, why) in enumerate(
        [
            ({"stand_in": True}, "stand-in data"),
            ({"demo_size": True}, "demo size"),
            ({"paper_tasks": []}, "other data than the paper's"),
        ]
    ):
        found = verdicts(card(tmp_path / str(number), **settings))
        assert found["2", "neuron_editing"] == found["2", "gan"] == ("not comparable", why)


def test_another_score_is_not_comparable(tmp_path):
    columns = [column | {"paper_column": False} for column in TABLE["columns"]]
    found = verdicts(card(tmp_path, columns=columns))
    assert found["2", "gan"][0] == "not comparable" and "another score" in found["2", "gan"][1]


def test_a_score_that_is_not_defined_is_not_comparable(tmp_path):
    rows = [row for row in rows_of("dengue", "sample1") if (row.method, row.score) != ("gan", "spike_in_r")]
    rows.append(Row("dengue", "sample1", "gan", 0, "spike_in_r", note="undefined: no change applied"))
    assert verdicts(card(tmp_path, rows))["2", "gan"] == ("not comparable", "undefined: no change applied")


def test_a_cell_with_two_results_counts_once(tmp_path):
    far = [row for row in rows_of("dengue", "other") if (row.method, row.score) != ("neuron_editing", "spike_in_r")]
    far += [Row("dengue", "other", "neuron_editing", s, "spike_in_r", 0.5 + s / 100) for s in range(3)]
    cells = card(tmp_path, [*rows_of("dengue", "sample1"), *far])
    both = [c for c in cells if (c.table, c.row) == ("2", "neuron_editing")]
    assert [(c.query, c.verdict) for c in both] == [("sample1", "reproduced"), ("other", "not reproduced")]
    assert score_card.counts(cells)["reproduced"] == 0 and score_card.counts(cells)["not reproduced"] == 2


# ---- the page


class Page(HTMLParser):
    """What a page consists of: its tags with attributes, ids, headings and text."""

    def __init__(self, text):
        super().__init__()
        self.text, self.tags, self.open, self.headings, self.words = text, [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if "script" in self.open or "style" in self.open:
            return
        self.words.append(data)
        if self.open and self.open[-1] in {"h1", "h2", "h3", "h4"}:
            self.headings.append((self.open[-1], data))

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    written = SmallStudy(tmp_path_factory.mktemp("small"), own="<!DOCTYPE html><p>what changed</p>").write()
    made = written.make()
    assert made.returncode == 0, made.stderr
    return written


@pytest.fixture(scope="module")
def page(small):
    return Page(small.page.read_text())


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


def empty_sections(text):
    """Return the tags of the sections in which nothing but a heading stands."""
    pieces = re.split(r"(<section[^>]*>|</section>)", text)
    return [
        tag
        for tag, inside, following in zip(pieces[1::2], pieces[2::2], [*pieces[3::2], ""], strict=True)
        if tag != "</section>" and not following.startswith("<section")
        if not re.sub(r"<h[1-4].*?</h[1-4]>|<[^>]+>", "", inside).strip()
    ]


def test_the_page_says_how_to_make_things_again(page):
    text = "".join(page.words)
    for target in ("t2", "points", "summary"):
        assert f"snakemake --cores all {target} --configfile studies/small.yaml" in text
    assert "snakemake --cores all --configfile studies/small.yaml" in text


def test_what_did_not_run_is_listed_with_its_reason(small):
    study = report_page.Study(**small.study)
    scores = read_scores(sorted((small.folder / "scores").glob("*.csv")))
    listed = {(entry["label"], entry["reason"]): entry["tasks"] for entry in report_page.not_run(study, scores)}
    assert listed == {
        ("Neuron editing", "this task does not ask for it"): ["second, of its name"],
        ("CCA", "R missing"): ["dengue"],
        ("CCA", "this task does not ask for it"): ["second, of its name"],
    }
    assert "5 of 8 pairs" in small.page.read_text()


def test_the_summary_ranks_by_distance_and_marks_what_is_worse_than_nothing(small):
    study = report_page.Study(**small.study)
    scores = read_scores(sorted((small.folder / "scores").glob("*.csv")))
    summary = report_page.summary(study, scores)
    assert [row["label"] for row in summary["rows"]] == ["Neuron editing", "No change", "GAN"]
    assert [row["mean_rank"] for row in summary["rows"]] == [1.0, 1.5, 2.5]
    assert [row["tasks"] for row in summary["rows"]] == [1, 2, 2] and summary["tasks"] == 2
    assert [cell["worse"] for cell in summary["rows"][2]["cells"]] == [True, True]
    assert summary["oracle"] == [0.01, 0.01]


def test_a_task_with_several_queries_counts_once_in_the_mean_rank(tmp_path):
    rows = [
        Row(task, query, method, 0, "energy_distance", distance)
        for task, query, distances in (("a", "x", (1, 2)), ("a", "y", (1, 2)), ("b", "z", (2, 1)))
        for method, distance in zip(("gan", "no_change"), distances, strict=True)
    ]
    tasks = {name: {"label": name, "stand_in": False, "methods": None} for name in "ab"}
    small = SmallStudy(tmp_path, {"tasks": tasks, "tables": {}, "figures": {}}, rows).write()
    scores = read_scores(sorted((tmp_path / "scores").glob("*.csv")))
    summary = report_page.summary(report_page.Study(**small.study), scores)
    assert [row["mean_rank"] for row in summary["rows"]] == [1.5, 1.5]
    assert [head["label"] for head in summary["heads"]] == ["a: x", "a: y", "b"]


def distances(task, query, **of_methods):
    """Return the energy distances of a query by method, those of the oracle around 1."""
    rows = [Row(task, query, method, 0, "energy_distance", value) for method, value in of_methods.items()]
    return rows + [Row(task, query, "oracle", half, "energy_distance", 0.9 + half / 10) for half in range(3)]


def test_page_and_figure_have_the_same_mean_ranks(tmp_path):
    """Ranks per query and ranks of mean shares disagree here: `trvae` is second twice, and far ahead once."""
    rows = [
        *distances("a", "x", no_change=10, gan=4.9, trvae=5, cca=3),
        *distances("a", "y", no_change=10, gan=4.9, trvae=5),
        *distances("a", "z", no_change=10, gan=9, trvae=2, cca=1),
        *distances("b", "q", no_change=3, gan=2.2, trvae=2.3, cca=2),
        # No change is nearer than the oracle: no scale, but ranks.
        *distances("c", "q", no_change=0.5, gan=0.8, trvae=2, cca=4),
    ]
    tasks = {name: {"label": name, "stand_in": False, "methods": None} for name in "abc"}
    small = SmallStudy(tmp_path, {"tasks": tasks, "tables": {}, "figures": {}}, rows).write()
    paths = sorted((tmp_path / "scores").glob("*.csv"))
    page = report_page.summary(report_page.Study(**small.study), read_scores(paths))
    labels = {name: entry["label"] for name, entry in small.study["methods"].items()} | {"trvae": "trvae"}
    about = {"name": "summary", "title": "", "demo_size": False, "labels": labels}
    figure = study_summary.summarise_study(about, list(map(str, paths)))
    on_page = [(row["label"], row["mean_rank"], row["tasks"]) for row in page["rows"]]
    in_figure = zip(figure.methods, figure.mean_ranks, figure.ranks.count(axis=1), strict=True)
    assert on_page == [(figure.method_label(name), mean, tasks) for name, mean, tasks in in_figure]
    assert [label for label, *_ in on_page[:2]] == ["GAN", "CCA"] and dict(figure.left_out).keys() == {"c"}
    # Without a number for one query it has no rank in the task.
    assert page["tasks"] == 3 and {label: tasks for label, _, tasks in on_page}["CCA"] == 2


def test_a_method_without_any_rank_is_listed(tmp_path):
    rows = [*distances("dengue", "x", no_change=3, gan=2), *distances("dengue", "y", no_change=3)]
    tasks = {"dengue": {"label": "dengue", "stand_in": False, "methods": None}}
    small = SmallStudy(tmp_path, {"tasks": tasks, "tables": {}, "figures": {}}, rows).write()
    assert small.make().returncode == 0
    words = " ".join(small.page.read_text().split())
    assert re.search(r'<th scope="row">GAN</th><td>–', words)


def test_the_page_says_how_mean_ranks_are_made(page):
    assert f"Rows by mean rank: {ranks.RULE}." in "".join(page.words)


def test_pictures_are_read_once(small, monkeypatch):
    read, figures = [], report_page.figures
    monkeypatch.setattr(report_page, "figures", lambda study, paths: read.extend(paths) or figures(study, paths))
    of = {kind: sorted((small.folder / kind).glob("*.csv")) for kind in ("scores", "tables")}
    pictures = sorted((small.folder / "figures").glob("*.png"))
    files = report_page.Files(
        **of, figures=pictures, own=[], benchmarks=small.folder / "benchmarks", paper_values=PAPER_VALUES
    )
    content = report_page.gather(report_page.Study(**small.study), files)
    assert read == pictures
    assert [[entry["name"] for entry in content[part]] for part in ("figures", "summary_figures")] == [
        ["points"],
        ["summary"],
    ]


def test_times_and_memory_of_rules(small):
    table, train = report_page.times(small.folder / "benchmarks")
    assert (train["rule"], train["jobs"], train["sum"], train["median"], train["max"]) == ("train_model", 2, 30, 15, 20)
    assert (train["memory_median"], train["memory_max"]) == (150, 200)
    assert table["rule"] == "make_table" and math.isnan(table["memory_max"])
    assert report_page.times(small.folder / "nothing") == []


def test_packages_that_compute_predictions_are_named():
    assert {"cytonormpy", "pot", "scranpy", "scvi-tools", "torch"} <= set(report_page.PACKAGES)


@pytest.mark.parametrize(("seconds", "text"), [(4.23, "4.2 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")])
def test_durations(seconds, text):
    assert report_page.duration(seconds) == text


@pytest.mark.parametrize(("value", "text"), [(-0.0001, "0.000"), (0.5, "0.500"), (12.345, "12.35"), (NAN, "–")])
def test_numbers(value, text):
    assert texts.shortened(value) == text


def test_fewer_decimals_where_a_number_is_large_never_more():
    assert [texts.shortened(value, 1) for value in (9.96, 10.25, 1234.56)] == ["10.0", "10.2", "1234.6"]


def test_equal_cells_beside_each_other_are_one():
    merged = report_page._merged(["CCA", "not run: x", "0.6", "not run: x", "not run: x", "–", "–"], [False] * 7)
    assert [(c["text"], c["columns"]) for c in merged] == [
        ("CCA", 1),
        ("not run: x", 1),
        ("0.6", 1),
        ("not run: x", 2),
        ("–", 1),
        ("–", 1),
    ]


def test_own_data_without_truth_and_papers(tmp_path):
    """One task of the user's own: no score card, no summary, no tables or figures, and no trace of them."""
    own = {"treatment": {"label": "treatment", "stand_in": False, "methods": None}}
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
    tasks = {"dengue": {"label": "dengue", "stand_in": True, "methods": None}}
    small = SmallStudy(tmp_path, {"demo_size": True, "tasks": tasks}).write()
    assert small.make().returncode == 0
    top = small.page.read_text().split("</header>")[0]
    assert "stand-in data" in top and "Demo size" in top
    assert not re.search(r"stand-in data</strong>", _page_of_real_data(tmp_path / "real").split("</header>")[0])


def _page_of_real_data(folder):
    small = SmallStudy(folder).write()
    assert small.make().returncode == 0
    return small.page.read_text()


# ---- Snakemake's report inside


def test_snakemakes_report_is_carried_whole(small, tmp_path):
    report = tmp_path / "inner.html"
    report.write_text("<!DOCTYPE html><script>1 < 2</script></script>ä" * 100)
    whole = report_page.embed(small.page.read_text(), report)
    (store,) = re.findall(r'id="snakemake-report"[^>]*>([^<]*)</script>', whole)
    assert gzip.decompress(base64.b64decode(store)) == report.read_bytes()
    assert 'data-opens="snakemake-report"' in whole and "It is not in this file" not in whole
    assert report_page.embed(whole, report) == whole


def test_the_options_of_the_run_are_kept(small, tmp_path):
    assert report_page.read_options(small.page) == ["--configfile", "studies/small.yaml"]
    other = tmp_path / "other.html"
    other.write_text("<p>no page of ours</p>")
    with pytest.raises(UserError, match=r"this is not a page that make_page\.py wrote"):
        report_page.read_options(other)
    with pytest.raises(UserError, match="no place for Snakemake's report"):
        report_page.embed(other.read_text(), other)


@pytest.fixture
def project(tmp_path, monkeypatch, small):
    """A project with a finished study 'mine' whose Snakemake writes a short report; returns folder and calls."""
    for name in ("rules/a.smk", "report/about.rst", "Snakefile"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "mine.yaml").write_text("study: mine\n")
    (tmp_path / "results" / "mine").mkdir(parents=True)
    shutil.copy(small.page, tmp_path / "results" / "mine" / "page.html")
    calls = []

    def run_snakemake(report, options):
        calls.append(options)
        report.write_text("<head></head>Snakemake")

    monkeypatch.setattr(make_report, "ROOT", tmp_path)
    monkeypatch.setattr(make_report, "run_snakemake", run_snakemake)
    monkeypatch.setattr("sys.argv", ["make_report.py", "--study", str(tmp_path / "mine.yaml")])
    return tmp_path, calls


def test_a_report_is_made_again_only_when_something_is_newer(project):
    folder, calls = project
    report = folder / "results" / "mine" / "report.html"
    make_report.main()
    assert calls == [["--configfile", "studies/small.yaml"]] and 'id="snakemake-report"' in report.read_text()
    make_report.main()
    assert len(calls) == 1
    for name in ("results/mine/page.html", "rules/a.smk", "report/about.rst", "Snakefile", "mine.yaml"):
        later = report.stat().st_mtime + 5
        os.utime(folder / name, (later, later))
        assert not make_report.is_fresh(report, folder / "results" / "mine" / "page.html", folder / "mine.yaml"), name
        os.utime(report, (later, later))
    make_report.main()
    assert len(calls) == 1


def test_a_study_that_was_not_run_says_how_to_run_it(project):
    folder, _ = project
    (folder / "results" / "mine" / "page.html").unlink()
    with pytest.raises(UserError, match=r"snakemake --cores all --configfile .*mine\.yaml"):
        make_report.main()


def test_what_snakemake_says_is_told_where_it_fails(tmp_path):
    (tmp_path / "Snakefile").write_text("rule all:\n    input: 'nowhere'\n")
    with pytest.raises(UserError, match="Snakemake could not write its report:"):
        make_report.run_snakemake(tmp_path / "report.html", ["--snakefile", str(tmp_path / "Snakefile")])


# ---- bad input, and what the page is made from


def test_bad_files_are_named(small, tmp_path):
    (tmp_path / "t2.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"t2\.csv: this is not a table that make_table\.py wrote"):
        read_tidy(tmp_path / "t2.csv")
    (tmp_path / "points.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"points\.png: this is not a PNG picture"):
        report_page.png_size(tmp_path / "points.png")
    broken = SmallStudy(small.folder, {"tables": {}, "figures": {}})
    broken.study = {"study": "x"}
    made = broken.make()
    assert made.returncode == 1 and "--study: this is not the JSON of a study" in made.stderr


def test_the_commit_is_that_of_the_project_alone(tmp_path):
    assert report_page.commit(tmp_path) == ""


def test_a_table_reads_back_as_it_was_written(small):
    tidy = read_tidy(small.folder / "tables" / "t2.csv")
    assert tidy["note"].map(type).eq(str).all() and tidy["control"].dtype == bool
    assert np.isnan(tidy.loc[tidy["method"] == "cca", "mean"]).all()
    assert isinstance(tidy, pd.DataFrame) and set(tidy["method"]) == {*small.study["methods"], "oracle"}
