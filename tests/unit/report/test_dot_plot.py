"""Dot plots: what they show of methods, controls and oracle, and where."""

import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from outofsample.report.dot_plot import LABELS, LONGEST, RIGHT, WIDTH, Dot, DotPlot, domain, svg, ticks

PLOT = DotPlot(
    title="energy distance",
    better="low",
    dots=(Dot("OT map", 0.1, 0.05, 0.15), Dot("Median shift", 0.3, control=True), Dot("GAN", 6.0, 5.0, 7.0)),
    lines=(("No change", 0.5), ("Mean shift", 0.2)),
    band=("Oracle", -0.01, 0.01),
)


def places(drawn, tag, kind, attribute):
    """Return where the parts of a kind stand, in the picture's units."""
    return [float(part.get(attribute)) for part in ElementTree.fromstring(drawn).iter(tag) if part.get("class") == kind]


def test_values_stand_where_the_axis_says():
    low, high = domain(PLOT)
    width = WIDTH - LABELS - RIGHT
    assert places(svg(PLOT), "circle", "dot", "cx") == [
        pytest.approx(LABELS + width * (0.1 - low) / (high - low), abs=0.06)
    ]
    (start,) = re.findall(r'class="interval" d="M([\d.]+) ', svg(PLOT))
    assert float(start) == pytest.approx(LABELS + width * (0.05 - low) / (high - low), abs=0.06)
    (band,) = places(svg(PLOT), "rect", "oracle", "x")[:1]
    assert band == pytest.approx(LABELS + width * (-0.01 - low) / (high - low), abs=0.06)


def test_one_method_that_is_far_off_does_not_squeeze_the_others():
    low, high = domain(PLOT)
    # Controls and oracle lie 0.51 apart; the axis ends as far beyond the worst of them at most.
    assert -0.1 < low < -0.01 and 0.5 < high < 1.1
    assert re.findall(r'class="beyond"[^>]*>([^<]*)<', svg(PLOT)) == ["6.000 ▸"]


def test_what_is_better_is_never_cut_off():
    best = replace(PLOT, dots=(Dot("a", -40.0), *PLOT.dots))
    assert domain(best)[0] < -40 and domain(best)[1] < 7
    most = DotPlot("r", "high", (Dot("a", 0.99), Dot("b", -8.0)), (("No change", 0.1),), ("Oracle", 0.2, 0.3))
    assert domain(most)[1] > 0.99 and domain(most)[0] > -1
    assert re.findall(r'class="beyond"[^>]*>([^<]*)<', svg(most)) == ["◂ -8.000"]


@pytest.mark.parametrize(("better", "sign"), [("low", 1), ("high", -1)])
def test_a_quarter_of_the_methods_is_shown_where_controls_and_oracle_agree(better, sign):
    dots = tuple(Dot(str(value), sign * value) for value in (0.1, 0.2, 0.6, 0.7, 0.8, 0.9))
    band = ("Oracle", *sorted([0.0, sign * 0.01]))
    low, high = (sign * end for end in domain(DotPlot("x", better, dots, (), band))[::sign])
    assert low < 0 and 0.2 < high < 0.6


def test_without_controls_everything_is_shown():
    alone = DotPlot("mean rank", "low", (Dot("a", 1.0), Dot("b", 28.0)))
    assert "beyond" not in svg(alone) and "oracle" not in svg(alone)
    assert domain(DotPlot("r", None, (Dot("a", 2.0), Dot("b", 2.0)))) == pytest.approx((1.8, 2.2))


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-0.03, 0.68), (0.06, 0.27), (1.0, 28.0), (1e-4, 3e-4)])
def test_ticks_are_few_and_round(low, high):
    found = ticks(low, high)
    assert 3 <= len(found) <= 7 and low <= found[0] and found[-1] <= high
    assert len({f"{after - before:.3g}" for before, after in pairwise(found)}) == 1
    # A step has one digit, or is a quarter of a power of ten.
    assert f"{found[1] - found[0]:.1e}"[:3] in {"1.0", "2.0", "2.5", "5.0"}
    labels = re.findall(r'class="tick"[^>]*>([-\d.]+)<', svg(DotPlot("x", None, (Dot("a", low), Dot("b", high)))))
    assert len(set(labels)) == len(labels)


def test_labels_are_text_and_long_ones_are_whole_in_the_title():
    name = "<b>" + "a long name " * 4
    drawn = svg(replace(PLOT, title="<i>", dots=(Dot(name, 0.1), Dot("x", 0.2))))
    root = ElementTree.fromstring(drawn)
    texts = [part.text for part in root.iter("text")]
    assert name[: LONGEST - 1] + "…" in texts
    assert next(part.text for part in root.iter("title")) == f"{name}: 0.100"
    assert "<i>" not in drawn and "<b>" not in drawn


def test_controls_and_methods_differ_in_shape_and_lines_in_dashes():
    root = ElementTree.fromstring(svg(PLOT))
    assert [part.tag for part in root.iter() if part.get("class") == "dot"] == ["circle", "path"]
    kinds = [part.get("class") for part in root.iter("path")]
    assert kinds.count("line0") == kinds.count("line1") == 2
