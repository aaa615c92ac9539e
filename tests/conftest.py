"""What several tests use: small seeded data with a known answer."""

import os
from pathlib import Path

# One thread, as in the pipeline's jobs: the tests' networks are too small for more. Read when torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest

from outofsample.arrays import Query, TrainingData

ROOT = Path(__file__).parents[1]
#: Real data for development and tests; not part of the repository.
SHARED_DATA = ROOT.parent / "shared" / "data"
QUERY = Query("answer", "sample", "before", "after")


def pytest_addoption(parser):
    parser.addoption("--method", action="append", default=[], help="run the contract tests on this method alone")


def planted(cells: int = 120, features: int = 6, shift: float = 2.0, seed: int = 0) -> tuple[TrainingData, np.ndarray]:
    """Return training data with a constant shift S -> T in every second feature, and the true answer for X.

    The query population differs from the source in location and spread, so that mapping it onto T is wrong.
    """
    rng = np.random.default_rng(seed)
    change = np.where(np.arange(features) % 2 == 0, shift, 0.0)
    source = rng.normal(3, 1, size=(cells, features))
    target = rng.normal(3, 1, size=(cells, features)) + change
    query = rng.normal(4, 1.3, size=(cells, features))
    X = np.concatenate([source, target, query]).astype(np.float32)
    data = TrainingData(
        X=X,
        role=np.repeat(["source", "target", "query"], cells),
        condition=np.repeat(["before", "after", "before"], cells),
        domain=np.repeat(["control", "control", "sample"], cells),
        features=tuple(f"feature{number}" for number in range(features)),
        queries=(QUERY,),
    )
    return data, (query + change).astype(np.float32)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data; skips where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real data of development are not here ({SHARED_DATA})")
    return SHARED_DATA
