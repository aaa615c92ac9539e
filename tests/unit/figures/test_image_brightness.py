"""How bright a region is: what counts as dark, and whether there are two peaks."""

import numpy as np
import pytest

from outofsample.figures import image_brightness
from tests.unit.figures.glasses import CLEAR, DARK, EYES, load


def test_brightness_and_what_counts_as_dark(glasses_files):
    found = load(glasses_files, **EYES).brightness
    assert found.values["truth"].mean() == pytest.approx((DARK + 3 * CLEAR) / 4)
    assert DARK < found.cut < CLEAR + 20
    assert found.share_dark("truth") == 0.25 and found.share_dark("no_change") == 0
    assert len(found.values["neuron_editing"]) == 20
    assert np.allclose(found.values["neuron_editing"], found.values["query"] + 3)


def test_bimodality_tells_one_peak_from_two():
    rng = np.random.default_rng(0)
    values = {
        "one": rng.normal(size=5000),
        "flat": rng.uniform(size=5000),
        "two": np.repeat([0.0, 1.0], 50),
        "alike": np.ones(9),
    }
    found = image_brightness.Brightness(values, 0.5, "")
    assert found.bimodality("one") == pytest.approx(1 / 3, abs=0.02)
    assert found.bimodality("flat") == pytest.approx(5 / 9, abs=0.02)
    assert found.bimodality("two") == pytest.approx(1, abs=0.05)
    assert np.isnan(found.bimodality("alike"))
    # A constant shift leaves the shape as it is.
    shifted = image_brightness.Brightness({"two": values["two"] + 7}, 0.5, "")
    assert shifted.bimodality("two") == pytest.approx(found.bimodality("two"))
