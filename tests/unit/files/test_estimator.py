"""The file of an estimator that was saved from Python."""

import numpy as np
import pytest
import torch

from outofsample.errors import UserError
from outofsample.files.estimator import read_estimator, write_estimator

CONTENT = {"parameters": {"method": "mean_shift"}, "names": ["a"], "history": [], "model": None, "method": {}}
MORE = {"features": 1, "domains": ["query"], "column": None, "layer": None, "expected_error": None}


def test_what_is_written_is_read(tmp_path):
    write_estimator(tmp_path / "a.pt", "Extrapolator", {**CONTENT, **MORE})
    assert read_estimator(tmp_path / "a.pt", "Extrapolator") == {
        "format": "outofsample-extrapolator",
        **CONTENT,
        **MORE,
    }
    write_estimator(tmp_path / "b.pt", "NeuronEditor", CONTENT)
    assert read_estimator(tmp_path / "b.pt", "NeuronEditor")["format"] == "outofsample-neuron-editor"


def test_parameters_become_plain(tmp_path):
    given = {"latent": np.int64(3), "candidates": {"ot_map": {"cells": np.float32(2)}}, "hidden": (np.int32(1), 2)}
    given["method"] = tmp_path / "mine.py"
    write_estimator(tmp_path / "a.pt", "Extrapolator", {**CONTENT, **MORE, "parameters": given})
    read = read_estimator(tmp_path / "a.pt", "Extrapolator", [str(tmp_path / "mine.py")])["parameters"]
    assert read == {**given, "method": str(tmp_path / "mine.py")}
    assert type(read["latent"]) is int and type(read["candidates"]["ot_map"]["cells"]) is float


@pytest.mark.parametrize("missing", ["parameters", "method", "domains", "layer"])
def test_a_file_that_lacks_something_is_told(tmp_path, missing):
    content = {name: value for name, value in {**CONTENT, **MORE}.items() if name != missing}
    torch.save({"format": "outofsample-extrapolator", **content}, tmp_path / "a.pt")
    with pytest.raises(UserError, match=r"a\.pt: this file was not written by Extrapolator\.save of this version"):
        read_estimator(tmp_path / "a.pt", "Extrapolator")


@pytest.mark.parametrize("word", ["/tmp/mine.py", "mine.py", "package.mine", "../mine"])
def test_code_that_nobody_named_is_told(tmp_path, word):
    for parameters in ({"method": word}, {"method": "stacked_map", "candidates": {word: {}}}, {"x": [{"model": word}]}):
        write_estimator(tmp_path / "a.pt", "Extrapolator", {**CONTENT, **MORE, "parameters": parameters})
        with pytest.raises(UserError, match=r"asks for code of your own, '.*'; where you trust it, say so") as caught:
            read_estimator(tmp_path / "a.pt", "Extrapolator", ["other.py"])
        assert f"Extrapolator.load(..., own_code=['{word}'])" in str(caught.value)
        assert read_estimator(tmp_path / "a.pt", "Extrapolator", [word])["parameters"] == parameters
