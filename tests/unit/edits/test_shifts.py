"""The shifts by mean and median."""

import numpy as np

from outofsample.edits import mean_shift, median_shift


def test_shifts_add_the_difference_of_location():
    rng = np.random.default_rng(3)
    source, target, query = rng.normal(size=(50, 4)), rng.gamma(2, size=(60, 4)), rng.normal(size=(9, 4))
    for edit, location in ((mean_shift.Edit(), np.mean), (median_shift.Edit(), np.median)):
        expected = query + location(target, axis=0) - location(source, axis=0)
        np.testing.assert_allclose(edit.fit(source, target).transform(query), expected, rtol=1e-5, atol=1e-6)
