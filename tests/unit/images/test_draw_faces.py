"""Faces drawn from numbers."""

import numpy as np
import pytest

from outofsample.images import draw_faces
from outofsample.images.canvas import Canvas
from outofsample.images.people import GLASSES, SEXES, Attributes, draw_people


def people(n=40, sex="female", seed=0):
    return draw_people(np.random.default_rng(seed), np.repeat(sex, n))


def plain(n=40, **changed):
    """Return attributes: black hair and nothing else, but for ``changed``."""
    values = {"hair": "black", "smile": False, "moustache": False, "glasses": "none", **changed}
    return Attributes(**{name: np.repeat(value, n) for name, value in values.items()})


class TestDrawFaces:
    def test_a_face_does_not_depend_on_the_others(self):
        group = people(150)
        together = draw_faces.render(group, plain(150, glasses="clear", smile=True))
        alone = draw_faces.render(group[97:98], plain(1, glasses="clear", smile=True))
        assert np.array_equal(together[97], alone[0])

    @pytest.mark.parametrize("sex", SEXES)
    @pytest.mark.parametrize(
        ("changed", "rows"),
        [
            ({"hair": "blond"}, (0, 32)),
            ({"smile": True}, (14, 31)),
            ({"moustache": True}, (14, 28)),
            ({"glasses": "clear"}, (7, 25)),
            ({"glasses": "dark"}, (7, 25)),
        ],
    )
    def test_an_attribute_changes_its_own_part_of_the_face(self, sex, changed, rows):
        before, after = (draw_faces.render(people(sex=sex), plain(**c)).astype(int) for c in ({}, changed))
        change = np.abs(after - before).max(-1)
        assert (change.max((1, 2)) > 60).all(), "every face changes visibly"
        assert not change[:, : rows[0]].any() and not change[:, rows[1] :].any()
        assert ((change > 0).mean((1, 2)) < 0.55).all(), "most of the image stays"

    def test_hair_is_black_or_blond_and_longer_for_women(self):
        changed = {}
        for sex in SEXES:
            black, blond = (draw_faces.render(people(sex=sex), plain(hair=h)).astype(int) for h in ("black", "blond"))
            hair = np.abs(blond - black).max(-1) > 60
            assert black[hair].mean() < 60 and blond[hair][:, 0].mean() > 180
            assert (blond[hair][:, 0] > blond[hair][:, 2]).mean() > 0.95, "yellow"
            changed[sex] = hair[:, 20:].mean()
        assert changed["female"] > 5 * changed["male"]

    def test_glasses_are_dark_or_clear(self):
        none, clear, dark = (draw_faces.render(people(), plain(glasses=g)).astype(int) for g in GLASSES)
        lens = (none - dark).max(-1) > 60
        assert dark[lens].mean() < 70
        assert clear[lens].mean() > dark[lens].mean() + 60

    @pytest.mark.parametrize("size", [32, 64])
    def test_nothing_is_cut_off_at_the_edge_of_a_part(self, monkeypatch, size):
        attributes = plain(smile=True, moustache=True, glasses="clear")
        parts = draw_faces.render(people(seed=3), attributes, size)
        whole = Canvas.face
        monkeypatch.setattr(Canvas, "face", lambda canvas, t, *_: whole(canvas, t, -1, 1, -1, 1))
        assert np.array_equal(parts, draw_faces.render(people(seed=3), attributes, size))

    def test_sizes_show_the_same_face(self):
        small, large = (draw_faces.render(people(), plain(), size) for size in (32, 64))
        halved = large.reshape(40, 32, 2, 32, 2, 3).mean((2, 4))
        assert large.shape == (40, 64, 64, 3) and np.abs(halved - small).mean() < 4
