"""What several tests use: small seeded data with a known answer."""

import os
import re
import subprocess
import sys
from pathlib import Path

# One thread, as in the pipeline's jobs: the tests' networks are too small for more. Read when torch is imported; a
# parallel function of numba (scanpy has some) sets OpenMP's threads again, and so torch's, to numba's own number. Two
# processes of two threads on two cores then wait for each other: a training of 9 s takes over 10 minutes.
os.environ["OMP_NUM_THREADS"] = os.environ["NUMBA_NUM_THREADS"] = "1"

import numpy as np
import pytest

from outofsample.arrays import Query, TrainingData
from outofsample.jobs.base import Spec

ROOT = Path(__file__).parents[1]
#: Real data for development and tests; not part of the repository.
SHARED_DATA = ROOT.parent / "shared" / "data"
QUERY = Query("answer", "sample", "before", "after")


def pytest_ignore_collect(collection_path, config):
    """With ``--method`` the contract test alone is read."""
    wanted = collection_path.name == "test_method_contract.py" or collection_path.is_dir()
    return True if config.getoption("--method") and not wanted else None


def pytest_collection_modifyitems(config, items):
    """With ``--method`` only the tests that take a method stay."""
    if config.getoption("--method"):
        others = [item for item in items if "name" not in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


def pytest_terminal_summary(terminalreporter):
    """Print how many examples each fuzz test had, and how many of them ended in right values and in a sentence."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    lines = [text for report in reports for name, text in getattr(report, "user_properties", ()) if name == "fuzz"]
    if lines:
        terminalreporter.section("fuzz")
        terminalreporter.write_line("\n".join(sorted(set(lines))))


@pytest.fixture(autouse=True)
def one_thread():
    """No test leaves the process with more threads of torch than it found, which would slow down all that follow."""
    yield
    torch = sys.modules.get("torch")
    assert torch is None or torch.get_num_threads() == 1


def group_of(test: str) -> str:
    """Return the group of a test, by its id: tests that share fixtures go to one process.

    One run of the pipeline, one SLURM, the fits of one method in the contract test, what a file prepares.
    """
    path, _, rest = test.partition("::")
    folder = Path(path).parent.name
    if folder in ("workflow", "cluster"):
        return folder
    method = re.search(r"\[([^\]-]+)", rest) if path.endswith("test_method_contract.py") else None
    return method[1] if method else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Hand out tests by `group_of`: pytest-xdist 3.8's own ``loadgroup`` does not see marks with pytest 9."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return ByGroup(config, log)


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


def run_script(name: str, spec: Spec | str, *arguments, **options) -> subprocess.CompletedProcess:
    """Run a script as its rule does, with the job's specification on the standard input."""
    command = [sys.executable, ROOT / "scripts" / name, "--spec", "-", *arguments]
    text = spec if isinstance(spec, str) else spec.to_json()
    return subprocess.run([*map(str, command)], input=text, capture_output=True, text=True, check=False, **options)


def assert_same_figure(one: Path, two: Path) -> None:
    """Check that two folders hold the same figure, as ``f.pdf`` and ``f.png``.

    The PDF byte by byte; of the PNG some letters' anti-aliasing varies by a few grey levels within one process.
    """
    from PIL import Image

    assert (one / "f.pdf").read_bytes() == (two / "f.pdf").read_bytes()
    first, second = (np.asarray(Image.open(folder / "f.png").convert("RGB"), int) for folder in (one, two))
    assert first.shape == second.shape
    difference = np.abs(first - second).max(axis=2)
    assert difference.max() <= 16 and (difference > 0).mean() < 1e-3


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data; skips where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real data of development are not here ({SHARED_DATA})")
    return SHARED_DATA
