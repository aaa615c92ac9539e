"""Figures on the page: small, whole, and the files untouched."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from outofsample.errors import UserError
from outofsample.report.page_figures import small_picture


def drawn(address):
    """Return kind and pixels of a picture in a page."""
    head, _, data = address.partition(";base64,")
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    return head.removeprefix("data:image/"), np.asarray(picture.convert("RGB")).astype(int)


def test_bad_pictures_are_named(tmp_path):
    (tmp_path / "points.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"points\.png: this is not a PNG picture"):
        small_picture(tmp_path / "points.png")
    with pytest.raises(UserError, match=r"none\.png: this picture cannot be read"):
        small_picture(tmp_path / "none.png")
    Image.new("RGB", (500, 500), "red").save(tmp_path / "half.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "half.png").read_bytes()[:200])
    with pytest.raises(UserError, match=r"half\.png: this picture cannot be read"):
        small_picture(tmp_path / "half.png")


def test_a_drawing_keeps_its_pixels_and_the_file_is_not_touched(tmp_path):
    """Few colours: what is on the page is the figure, pixel by pixel."""
    pixels = np.full((120, 200, 3), 255, np.uint8)
    pixels[20:60, 30:90], pixels[70:90, 10:190] = (0, 114, 178), (213, 94, 0)
    Image.fromarray(pixels).save(tmp_path / "drawing.png")
    before = (tmp_path / "drawing.png").read_bytes()
    address, width, height = small_picture(tmp_path / "drawing.png")
    kind, found = drawn(address)
    assert (kind, width, height) == ("png", 200, 120)
    assert np.array_equal(found, pixels)
    assert (tmp_path / "drawing.png").read_bytes() == before
    assert small_picture(tmp_path / "drawing.png")[0] == address


def test_a_photograph_is_small_and_nearly_itself(tmp_path):
    """Many colours: WebP, without a shift that anyone sees."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8))
    photograph = coarse.resize((640, 480), Image.Resampling.BICUBIC)
    photograph.save(tmp_path / "photograph.png")
    kind, found = drawn(small_picture(tmp_path / "photograph.png")[0])
    assert kind == "webp"
    assert np.abs(found - np.asarray(photograph).astype(int)).mean() < 4
    assert len(small_picture(tmp_path / "photograph.png")[0]) < (tmp_path / "photograph.png").stat().st_size / 4


def test_what_is_transparent_is_white_as_on_paper(tmp_path):
    picture = Image.new("RGBA", (40, 30), (0, 0, 0, 0))
    picture.save(tmp_path / "clear.png")
    assert (drawn(small_picture(tmp_path / "clear.png")[0])[1] == 255).all()
