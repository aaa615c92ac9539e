"""The gallery has every figure of the demo, with its command and a small picture."""

import runpy

from PIL import Image

from outofsample.study.load import read_study
from tests.conftest import ROOT

GALLERY = runpy.run_path(str(ROOT / "setup" / "make_gallery.py"), run_name="gallery")


def test_the_page_is_that_of_the_demo():
    study = read_study(ROOT / "config.yaml")
    titles = {name: study.figures[name].title or name for name in study.selected("figures")}
    assert GALLERY["PAGE"].read_text() == GALLERY["page"](titles), "run `make gallery` after `make demo`"


def test_every_picture_is_there_and_small():
    names = set(read_study(ROOT / "config.yaml").selected("figures"))
    pictures = {path.stem: path for path in GALLERY["PICTURES"].glob("*.png")}
    assert set(pictures) == names
    for path in pictures.values():
        assert path.stat().st_size < 400_000, path
        with Image.open(path) as image:
            assert image.width <= GALLERY["WIDTH"]


def test_a_picture_keeps_its_proportions(tmp_path):
    Image.new("RGB", (2400, 1000), "white").save(tmp_path / "wide.png")
    GALLERY["write_picture"](tmp_path / "wide.png", tmp_path / "small.png")
    with Image.open(tmp_path / "small.png") as image:
        assert image.size == (1000, 417)
