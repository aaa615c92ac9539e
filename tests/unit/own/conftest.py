"""What several tests of data of one's own use."""

import pytest


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data" / "mine").mkdir(parents=True)
    return tmp_path / "data" / "mine"
