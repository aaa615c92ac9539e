"""One look for all figures: the labels of logarithmic axes."""

import pytest

from outofsample.figures import style


@pytest.mark.parametrize(
    ("value", "text"), [(1e-3, "10⁻³"), (1.0, "10⁰"), (100.0, "10²"), (2e-4, "2×10⁻⁴"), (3e5, "3×10⁵")]
)
def test_logarithmic_axes_are_labelled_without_formulas(value, text):
    ticks = style.LogTicks(labelOnlyBase=False)
    ticks.create_dummy_axis()
    ticks.axis.set_view_interval(value / 2, value * 2)
    ticks.set_locs([value])
    assert ticks(value) == text
