"""Fitted methods: what is written is read, and other files are refused without being run."""

import pytest
import torch

from outofsample.errors import UserError
from outofsample.files.fitted_methods import read_methods, write_correction, write_methods


def test_methods_are_read_as_they_were_written(tmp_path):
    write_methods(tmp_path / "m.pt", 3, {"one": {"shift": torch.arange(2.0), "word": "x"}, "two": {}})
    seed, states = read_methods(tmp_path / "m.pt")
    assert seed == 3 and list(states) == ["one", "two"] and states["one"]["word"] == "x"
    assert torch.equal(states["one"]["shift"], torch.arange(2.0))


def test_what_r_fitted_is_read_as_it_was_written(tmp_path):
    write_correction(tmp_path / "m.json", "one", {"hops": {"q": [[[1.0, 0.1], [2.0, 1 / 3]]]}})
    assert read_methods(tmp_path / "m.json") == (0, {"one": {"hops": {"q": [[[1.0, 0.1], [2.0, 1 / 3]]]}}})
    write_correction(tmp_path / "m.json", "one", None)
    assert read_methods(tmp_path / "m.json") == (0, {"one": None})
    (tmp_path / "m.json").write_text("text")
    with pytest.raises(UserError, match=r"m\.json: "):
        read_methods(tmp_path / "m.json")


@pytest.mark.parametrize("content", ["text", {"methods": {}}, [1]])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "m.pt"
    path.write_text(content) if content == "text" else torch.save(content, path)
    with pytest.raises(UserError, match=r"m\.pt: this is no file of fitted methods"):
        read_methods(path)
