"""Two markers against each other: names, units and titles."""

from dataclasses import replace

import numpy as np
import pytest

from outofsample.figures import biaxial, marker_plane
from tests.unit.figures.drawn import texts
from tests.unit.figures.drugs import CHANGE, NAMES


def test_two_markers_with_the_names_of_the_drugs(load_drugs):
    data = load_drugs()
    figure = biaxial.every_method(data, "p4EBP1", "pSTAT5", before="measured")
    shown = texts(figure)
    assert "| measured |" in shown and "| raw |" not in shown
    assert all(name in shown for name in NAMES.values()) and "Bez from basal to Das" in shown
    assert "not run: there are no counts" in shown and "true change" in shown
    start, end = marker_plane.Plane(data, "p4EBP1", "pSTAT5", "mean").true_change()
    assert np.allclose(end - start, CHANGE[:2], atol=0.3)


def test_the_first_panel_is_raw_unless_the_study_says_otherwise(load_drugs):
    assert "| raw |" in texts(biaxial.every_method(load_drugs(), "p4EBP1", "pSTAT5"))


@pytest.mark.parametrize(("copies", "unit_on_axes"), [(1, True), (6, False)])
def test_the_unit_stands_once_where_panels_are_small(copies, unit_on_axes, load_drugs):
    data = load_drugs(("mean_shift", "gan", "no_change"))
    figure = biaxial.every_method(replace(data, panels=data.panels * copies), "p4EBP1", "pSTAT5")
    labels = {ax.get_xlabel() for ax in figure.axes} - {""}
    assert labels == ({"p4EBP1, arcsinh(x/5)"} if unit_on_axes else {"p4EBP1"})
    assert ("Axes: arcsinh(x/5)." in texts(figure)) != unit_on_axes
