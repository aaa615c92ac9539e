"""Arrays of any kind, for the tests of edits."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

# A busy machine takes its time; how long an example takes is no matter of these tests.
settings.register_profile("edits", deadline=None)
settings.load_profile("edits")

TAILS = ("paper", "shift", "robust")
FLOATS = st.floats(-1e6, 1e6, width=32)


def tables(elements=FLOATS, rows=st.integers(1, 40)):
    """Arrays (cells, 3) float32, ties and constants included."""
    return rows.flatmap(lambda cells: arrays(np.float32, (cells, 3), elements=elements))
