"""What the simulated stand-ins of mass cytometry share."""

import numpy as np


def count_ions(rng: np.random.Generator, signal: np.ndarray, ceiling: np.ndarray) -> np.ndarray:
    """Return the intensities (cells, proteins) float32 that an instrument writes for signals (cells, proteins) in ions.

    It saturates towards ``ceiling`` (proteins,) and counts ions; its software spreads whole counts over the unit
    interval below, and 0 stays 0.
    """
    ions = rng.poisson(signal / (1 + signal / ceiling))
    return np.maximum(ions - rng.random(ions.shape, dtype=np.float32), 0).astype(np.float32)
