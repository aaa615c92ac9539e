"""Thinner and thicker strokes."""

import numpy as np
import pytest

from outofsample.datasets import morpho_mnist
from outofsample.datasets.support.idx import read_idx
from outofsample.images import morphology


def ring(width):
    """Return a ring with strokes of this width: no ends, where a medial axis branches."""
    distance = np.hypot(*(np.indices((28, 28)) - 13.5))
    return (255 * (np.abs(distance - 8) <= width / 2)).astype(np.uint8)


class TestMorphology:
    @pytest.mark.parametrize("width", [3, 5, 7])
    def test_thickness_of_a_ring(self, width):
        assert morphology.stroke_thickness(ring(width)[None])[0] == pytest.approx(width, abs=0.5)

    def test_thinning_takes_the_share_of_a_stroke_and_thickening_doubles_it(self):
        ink = {name: digits.sum(dtype=float) for name, digits in morphology.stroke_versions(ring(4)[None]).items()}
        # Radii are whole quarters of a pixel, rounded down.
        assert 1 - 0.7 <= ink["thin"] / ink["normal"] <= 1 - 0.7 + 2 / 16
        assert 2 - 2 / 16 <= ink["thick"] / ink["normal"] <= 2

    def test_the_same_as_erosion_and_dilation_by_disks(self):
        from skimage.morphology import dilation, disk, erosion
        from skimage.transform import pyramid_reduce

        digits = morpho_mnist._enlarge(morpho_mnist._small_digits()[0][:4])
        versions = morphology.stroke_versions(digits)
        for row, (strokes, _, half) in enumerate(morphology._measured(digits)):
            for name, shape in (
                ("thin", erosion(strokes, disk(int(0.7 * half)))),
                ("thick", dilation(strokes, disk(int(half)))),
            ):
                expected = (255 * pyramid_reduce(shape, downscale=4, order=3)).astype(np.uint8)
                assert np.array_equal(versions[name][row], expected)

    def test_a_digit_does_not_depend_on_its_neighbours(self):
        digits = morpho_mnist._enlarge(morpho_mnist._small_digits()[0][:120])
        together, alone = morphology.stroke_versions(digits), morphology.stroke_versions(digits[110:111])
        for name, versions in together.items():
            assert np.array_equal(versions[110], alone[name][0])

    def test_an_empty_image_has_no_thickness_and_stays_empty(self):
        empty = np.zeros((2, 28, 28), np.uint8)
        assert np.isnan(morphology.stroke_thickness(empty)).all()
        assert not any(version.any() for version in morphology.stroke_versions(empty).values())

    def test_predictions_out_of_range_are_measured_as_they_are_shown(self):
        image = ring(4)[None].astype(np.float32)
        assert morphology.stroke_thickness(np.where(image > 0, 300.0, -20.0)) == morphology.stroke_thickness(image)

    def test_agrees_with_the_morpho_mnist_library(self, shared_data):
        folder = shared_data / "morpho_mnist_t10k"
        if not folder.is_dir():
            pytest.skip(f"the digits made by the Morpho-MNIST library are not at {folder}")
        rows = np.arange(0, 10_000, 50)
        read = {
            name: read_idx(folder / name / "t10k-images-idx3-ubyte.gz", 3)[rows]
            for name in ("original", "plain", "thin", "thic")
        }
        versions = morphology.stroke_versions(read["original"])
        for condition, name in morpho_mnist.FOLDERS.items():
            theirs, ours = read[name].astype(float), versions[condition].astype(float)
            assert np.abs(theirs - ours).mean() < 0.3, "mean absolute error in grey levels of 255"
            assert np.corrcoef(theirs.ravel(), ours.ravel())[0, 1] > 0.998
            assert (np.abs(theirs - ours).max((1, 2)) == 0).mean() > 0.95, (
                "the others differ by ties in the medial axis"
            )
            measured = np.loadtxt(folder / name / "t10k-morpho.csv", delimiter=",", skiprows=1)[rows[:60], 3]
            assert np.corrcoef(morphology.stroke_thickness(read[name][:60]), measured)[0, 1] > 0.99
