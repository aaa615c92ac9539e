"""The package as pip installs it, in an environment with nothing but what it says that it needs.

The wheel is built from the tree and installed by pip, which finds each dependency there already, in the version of
``requirements.lock``, and nothing else: every other package of this environment is out of reach. That shows that the
declared dependencies are enough and that the wheel holds all files. Downloading the dependencies, which takes minutes
and more than a gigabyte, is left to pip.
"""

import importlib.metadata
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.conftest import ROOT

#: What a reader of the README has: cells before and after a change, and others before it.
CELLS = """
import numpy as np

rng = np.random.default_rng(0)
S, X = rng.normal(3, 1, (300, 5)).astype("float32"), rng.normal(4, 2, (200, 5)).astype("float32")
T = rng.normal(3, 1, (300, 5)).astype("float32") + np.array([2, 0, 0, 0, 0], dtype="float32")
"""
RIGHT = """
change = (predicted - X).mean(axis=0)
assert predicted.shape == X.shape and abs(change[0] - 2) < 0.5 and abs(change[1:]).max() < 0.5, change
"""


def closure(names: list[str]) -> dict[str, importlib.metadata.Distribution]:
    """Return the distributions of this environment that these requirements need, and what these need in turn.

    A requirement can ask for extras, as a torch with CUDA does of `cuda-toolkit`.
    """
    found: dict[str, importlib.metadata.Distribution] = {}
    left = [Requirement(name) for name in names]
    seen: set[tuple[str, str]] = set()
    while left:
        requirement = left.pop()
        name = requirement.name.lower().replace("_", "-")
        found[name] = importlib.metadata.distribution(name)
        assert requirement.specifier.contains(found[name].version, prereleases=True), (requirement, found[name].version)
        for extra in {"", *requirement.extras} - {known for of, known in seen if of == name}:
            seen.add((name, extra))
            needs = [Requirement(text) for text in found[name].requires or ()]
            left += [need for need in needs if need.marker is None or need.marker.evaluate({"extra": extra})]
    return found


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> Path:
    """Return the interpreter of an environment with the package and what it says that it needs."""
    folder = tmp_path_factory.mktemp("bare")
    tree = folder / "tree"
    tree.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    # A copy: building leaves folders in the tree.
    shutil.copytree(ROOT / "scripts", tree / "scripts", ignore=shutil.ignore_patterns("__pycache__", "*.nbi", "*.nbc"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    run([*pip, "wheel", *options, "--wheel-dir", folder, tree])
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "venv"), "platbase": str(folder / "venv")}))
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    for distribution in closure(needed).values():
        for top in {file.parts[0] for file in distribution.files if file.parts[0] not in ("..", "__pycache__")}:
            if not (site / top).exists():
                (site / top).symlink_to(distribution.locate_file(top))
    (wheel,) = folder.glob("outofsample-*.whl")
    run([*pip, "--python", python, "install", "--quiet", "--no-index", wheel])
    return python


def run(command: list, **options) -> subprocess.CompletedProcess:
    """Run a command, and show what it says where it fails."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def execute(python: Path, code: str) -> str:
    """Run code where nothing of the tree can be imported, and return what it prints."""
    return run([python, "-I", "-c", code], cwd=python.parent).stdout


def snippets() -> list[str]:
    """Return the Python blocks of the README."""
    return re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.slow  # builds a wheel, and starts Python in an environment whose packages nobody has compiled yet
def test_the_readmes_snippet_runs_as_it_is_written(bare):
    (snippet,) = snippets()
    where = "import outofsample; print(outofsample.__file__)"
    printed = execute(bare, f"{CELLS}\n{snippet}\n{RIGHT}\n{where}")
    assert Path(printed.strip()).is_relative_to(bare.parents[1]) and str(ROOT) not in printed


@pytest.mark.slow
def test_networks_train_there_and_what_needs_more_says_so(bare):
    code = f"""{CELLS}
from outofsample import Extrapolator, NeuronEditor, read_fcs
from outofsample.errors import NotAvailable

print(NeuronEditor(hidden=(8,), latent=2, epochs=1).fit_transform(S, T, X).shape)
many = np.tile(X, (5000, 1))
print(Extrapolator("quantile_mapping", chunk_size=len(many)).fit(S, T, X).transform(many).shape)
for call in (lambda: Extrapolator("cytonorm").fit(S, T, X), lambda: Extrapolator("combat").fit(S, T, X),
             lambda: read_fcs("a.fcs")):
    try:
        call()
    except NotAvailable as error:
        print(error)
"""
    assert execute(bare, code).splitlines() == [
        "(200, 5)",
        "(1000000, 5)",
        "cytonorm needs the package 'cytonormpy': pip install cytonormpy.",
        "R missing: the Python package rpy2 is not installed; pip install rpy2.",
        "read_fcs needs the package 'pandas': pip install 'outofsample[data]'.",
    ]


@pytest.mark.slow
def test_importing_the_package_loads_nothing_heavy(bare):
    code = "import sys, outofsample; print(sorted({'torch', 'numpy', 'scipy', 'sklearn', 'ot'} & set(sys.modules)))"
    assert execute(bare, code).strip() == "[]"
