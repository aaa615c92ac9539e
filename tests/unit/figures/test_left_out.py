"""What stands in the place of a figure whose data could not be had."""

import pytest
from PIL import Image

from outofsample.figures.left_out import why_left_out, write_left_out
from outofsample.figures.render import Shown
from outofsample.files.missing import REASON, MissingFile, Note, write_note
from outofsample.files.scores import Row, write_scores
from outofsample.jobs.figure import FigureSpec


@pytest.fixture
def note(tmp_path):
    file = MissingFile("one.fcs", "data/one.fcs", "", "one.fcs: the file is missing.")
    write_note(tmp_path / "train.h5ad", Note("cells & more", "", (file,)))
    return tmp_path / "train.h5ad"


def scores(path, *rows):
    write_scores(rows, path)
    return path


def test_cells_that_are_missing_are_named(note, tmp_path):
    (tmp_path / "whole").write_bytes(b"cells")
    assert why_left_out(Shown([tmp_path / "whole", note], [], [], [])) == (
        "Not drawn: the data of 'cells & more' could not be had (one.fcs)."
    )
    assert why_left_out(Shown([tmp_path / "whole"], [], [], [])) is None


def test_a_figure_of_scores_is_drawn_while_one_task_has_numbers(tmp_path):
    without = scores(tmp_path / "t.csv", Row("t", "q", "m", note=REASON))
    some = scores(tmp_path / "u.csv", Row("u", "q", "m", 0, "energy_distance", 0.5))
    assert why_left_out(Shown([], [], [], [without, some])) is None
    assert why_left_out(Shown([], [], [], [without])) == "Not drawn: the data of its tasks could not be had."


def test_the_three_files_have_the_sentence(tmp_path):
    files = [tmp_path / f"figure.{suffix}" for suffix in ("pdf", "png", "html")]
    write_left_out(FigureSpec("figure", "Title & $x$"), "Not drawn: <b>.", *files)
    assert files[0].read_bytes().startswith(b"%PDF") and Image.open(files[1]).width > 100
    assert b"CreationDate" not in files[0].read_bytes()
    assert "<p>Not drawn: &lt;b&gt;.</p>" in files[2].read_text()
