"""The classifier's state: what is written is read, and other files are refused."""

import pytest
import torch

from outofsample.errors import UserError
from outofsample.files.classifier import read_classifier, write_classifier
from outofsample.metrics.extractors import load_classifier


def test_a_classifier_is_read_as_it_was_written(tmp_path):
    state = {"image_shape": [8, 8, 1], "labels": {"digit": ["0", "1"]}, "network": {"weights": torch.ones(2)}}
    write_classifier(tmp_path / "t.pt", state)
    shape, labels, weights = read_classifier(tmp_path / "t.pt")
    assert shape == (8, 8, 1) and labels == {"digit": ["0", "1"]} and torch.equal(weights["weights"], torch.ones(2))
    # The file is whole, but of another network.
    with pytest.raises(UserError, match=r"t\.pt: this is no file that train_classifier\.py wrote \(RuntimeError\)"):
        load_classifier(tmp_path / "t.pt")


@pytest.mark.parametrize("content", ["text", {0: {}}, [1]])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "t.pt"
    path.write_text(content) if content == "text" else torch.save(content, path)
    with pytest.raises(UserError, match=r"t\.pt: this is no file that train_classifier\.py wrote"):
        read_classifier(path)
