"""Figures 5 and 6 of trVAE: their panels, and what they say where data are missing."""

from itertools import pairwise

import anndata
import pandas as pd
import pytest

from outofsample.errors import UserError
from outofsample.figures import perturbation, perturbation_data, style
from outofsample.figures.data import Panel
from outofsample.metrics.correlations import r2
from tests.conftest import assert_same_figure
from tests.unit.figures.drawn import texts
from tests.unit.figures.kang import LETTERS, axes_of, draw, load, score_rows, scores_of


def test_all_panels_are_drawn(kang_files, tmp_path, quick):
    one_type = [
        score_rows(f"kang.{kind}", q, ("means_r2_subsamples",)) for kind in ("T", "B_2") for q in ("day10", "day3")
    ]
    scores = scores_of(tmp_path, score_rows(), *one_type)
    figure = draw(kang_files, scores, show=LETTERS, focus=["trvae", "mean_shift"], gene="ISG15")
    shown = texts(figure)
    assert all(axes_of(figure, letter) for letter in LETTERS)
    assert "ISG15 in single cells" in shown and "oracle" in shown and "not run: needs counts" in shown
    rows = [label.get_text() for label in axes_of(figure, "d").get_yticklabels()]
    assert rows == ["control (query)", "day10 (held out)", "trVAE", "CVAE", "scvi", "No change", "mean shift"]
    # Two queries; names of types without the family's.
    assert [label.get_text() for label in axes_of(figure, "f").get_yticklabels()] == ["T", "B 2"]
    assert axes_of(figure, "day3")
    # Two seeds have .5 and .6.
    assert shown.count("0.550") == 2 * len(perturbation.SCORES)


def test_numbers_above_the_genes_are_those_of_the_shown_seed(kang_files, tmp_path, quick):
    top = score_rows(names=("means_r2_top100",), value=0.123)
    shown = texts(draw(kang_files, scores_of(tmp_path, score_rows(), top), show="bc", focus=["trvae"]))
    data = load(kang_files)
    means = data.panels[0].X.mean(axis=0), data.cells["truth"].mean(axis=0)
    assert f"R² {r2(*means):.3f}, top 100: 0.123, r of changes" in shown and "SD ratio" in shown


def test_the_gene_that_changes_most_is_named_and_the_default(kang_files, quick):
    figure = draw(kang_files, show="bd", named=1)
    assert "ISG15" in [text.get_text() for text in axes_of(figure, "b").texts]
    assert "ISG15 in single cells" in texts(figure)


def test_missing_data_are_said_in_a_sentence(kang_files, quick):
    shown = texts(draw(kang_files, show=LETTERS))
    assert "No scores of this task were given" in shown and "Not shown: no scores of tasks that hold out" in shown
    shown = texts(draw(kang_files, query="day3", show="abcd"))
    assert "no truth was measured" in shown
    shown = texts(draw(kang_files, focus=["scvi"], show="b"))
    assert "not run: needs counts" in shown


def test_wild_predictions_do_not_decide_the_axes(kang_files, tmp_path, quick):
    part = anndata.read_h5ad(kang_files / "cvae.h5ad")
    part.X = part.X * 1000
    part.write_h5ad(tmp_path / "cvae.h5ad")
    for name in ("train", "truth"):
        (tmp_path / f"{name}.h5ad").symlink_to(kang_files / f"{name}.h5ad")
    figure = draw(tmp_path, methods=("cvae",), show="bd")
    assert axes_of(figure, "b").get_xlim()[1] < 20 and axes_of(figure, "d").get_xlim()[1] < 20
    assert "genes outside" in texts(figure)


def test_the_page_holds_all_methods(kang_files, tmp_path, quick):
    data = load(kang_files)
    many = [Panel(f"m{k}", f"A method with a name {k}", data.panels[0].X, (3,)) for k in range(24)]
    data.panels[:] = many
    measured = perturbation_data.read_measured(kang_files / "train.h5ad", kang_files / "truth.h5ad")
    scores = score_rows()
    scores = pd.concat([scores[scores["method"] == "trvae"].assign(method=panel.method) for panel in many])
    figure = perturbation.perturbation(data, measured, scores_of(tmp_path, scores), show="abcde")
    inside, legend = figure.bbox.padded(1), figure.legends[0].get_window_extent()
    assert figure.get_size_inches()[0] == style.WIDTH and figure.get_size_inches()[1] < 11.7
    boxes = [ax.get_tightbbox() for ax in figure.axes]
    assert all(inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 for box in boxes)
    assert not any(box.overlaps(legend) for box in boxes)
    names = [label.get_window_extent() for label in axes_of(figure, "d").get_yticklabels()]
    assert not any(a.overlaps(b) for a, b in pairwise(names))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"focus": ["trva"]}, "no method 'trva' .did you mean 'trvae'"),
        ({"focus": ["trvae"] * 4}, "at most three"),
        ({"gene": "ISG51"}, "no feature 'ISG51'"),
        ({"show": "abx"}, "letters are a to f"),
        ({"show": "e", "score_names": ["means_r3"]}, "no score 'means_r3'"),
        ({"show": "f", "type_score": "r3"}, "no score 'r3'"),
    ],
)
def test_what_is_unknown_is_an_error_of_the_user(kang_files, tmp_path, quick, options, message):
    with pytest.raises(UserError, match=message):
        draw(kang_files, scores_of(tmp_path, score_rows(), score_rows("kang.T")), **options)


def test_files_are_the_same_each_time(kang_files, tmp_path, quick):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        figure = draw(kang_files, scores_of(tmp_path, score_rows()), show="abcde", focus=["trvae"])
        style.save(figure, tmp_path / name / "f.pdf", tmp_path / name / "f.png")
    assert_same_figure(tmp_path / "one", tmp_path / "two")
