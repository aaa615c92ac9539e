"""What a notebook gets as its parameters."""

import json

import pytest

from outofsample.errors import UserError
from outofsample.figures import render
from outofsample.jobs.figure import FigureSpec, ShownTask


def test_parameters_are_plain(tmp_path, monkeypatch):
    """Papermill writes a tuple as text, in which a name would be found by accident or not at all."""
    got = {}
    monkeypatch.setattr(render, "execute", lambda notebook, output, parameters: got.update(parameters))
    spec = FigureSpec("f", "F", controls=("no_change",), scores_of={"t": ShownTask("T", stand_in=True)})
    shown = render.Shown([], [tmp_path / "m.h5ad"], [], [tmp_path / "t.csv"])
    outputs = [tmp_path / f"f.{kind}" for kind in ("pdf", "png", "html")]
    with pytest.raises(UserError, match=r"the notebook did not write f\.pdf"):
        render.render(spec, tmp_path / "n.ipynb", shown, *outputs)
    assert got["figure"]["controls"] == ["no_change"] and got["figure"]["scores_of"]["t"]["stand_in"] is True
    assert json.loads(json.dumps(got)) == got
    assert got["predictions"] == [str(tmp_path / "m.h5ad")] and "histories" not in got
