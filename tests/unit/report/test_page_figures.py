"""Figures on the page."""

import pytest

from outofsample.errors import UserError
from outofsample.report.page_figures import png_size


def test_bad_pictures_are_named(tmp_path):
    (tmp_path / "points.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"points\.png: this is not a PNG picture"):
        png_size(tmp_path / "points.png")
    with pytest.raises(UserError, match=r"none\.png: this picture cannot be read"):
        png_size(tmp_path / "none.png")
