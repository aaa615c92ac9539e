"""Fitted states: what is written is read, and other files are refused without being run."""

import numpy as np
import pytest
import torch

from outofsample.errors import UserError
from outofsample.files.fitted import read_states, write_states


def test_states_are_read_as_they_were_written(tmp_path):
    states = {3: {"weights": torch.arange(3.0), "kind": "ae"}, 0: {"weights": torch.zeros(2), "kind": "ae"}}
    write_states(tmp_path / "seeds_3-0.pt", states)
    found = read_states(tmp_path / "seeds_3-0.pt")
    assert list(found) == [3, 0] and found[3]["kind"] == "ae"
    np.testing.assert_array_equal(found[3]["weights"], states[3]["weights"])


@pytest.mark.parametrize("content", ["text", {"format": "outofsample-method"}, [1], {0: "no state"}])
def test_a_file_with_fitted_states_that_is_not_ours(tmp_path, content):
    path = tmp_path / "seeds_0.pt"
    path.write_text(content) if content == "text" else torch.save(content, path)
    with pytest.raises(UserError, match=r"seeds_0\.pt: this file was not written by train_model\.py") as caught:
        read_states(path)
    assert "\n" not in str(caught.value)
