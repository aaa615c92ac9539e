"""Lock files, direct dependencies and conda environments name the same versions."""

import re
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
# What conda-forge calls otherwise than PyPI.
ON_PYPI = {"pytorch": "torch", "matplotlib-base": "matplotlib"}
# What no lock file has: the interpreter, pip, and R with its packages.
NOT_ON_PYPI = re.compile(r"(python|pip|r-[a-z0-9.\-]+|bioconductor-[a-z0-9.\-]+)")


def requirements(name):
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [Requirement(line) for line in lines if line]


def locked(*names):
    """Return {package: {version}}; more than one version where they differ between Pythons or files."""
    versions = {}
    for requirement in (requirement for name in names for requirement in requirements(name)):
        versions.setdefault(canonicalize_name(requirement.name), set()).add(str(requirement.specifier))
    return versions


def environment(path):
    """Return an environment's conda packages and PyPI packages as {name: version}, and what is not pinned."""
    dependencies = yaml.safe_load(path.read_text())["dependencies"]
    pip = [line for entry in dependencies if isinstance(entry, dict) for line in entry["pip"]]
    conda = [entry for entry in dependencies if isinstance(entry, str)]
    found = [re.fullmatch(r"([a-z0-9._\-]+)=(\d[\w.]*)", entry) for entry in conda]
    found_pip = [re.fullmatch(r"([A-Za-z0-9._\-]+)==(\d[\w.]*)", entry) for entry in pip]
    loose = [entry for entry, match in zip(conda + pip, found + found_pip, strict=True) if match is None]
    return dict(m.groups() for m in found if m), dict(m.groups() for m in found_pip if m), loose


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-r.lock"])
def test_lock_files_pin_exact_versions_without_local_suffix(name):
    for requirement in requirements(name):
        assert re.fullmatch(r"==\d[\w.]*", str(requirement.specifier)), requirement


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-r.lock"])
@pytest.mark.parametrize("python", ["3.11", "3.12"])
def test_lock_files_pin_a_package_once_per_python(name, python):
    active = [r for r in requirements(name) if r.marker is None or r.marker.evaluate({"python_version": python})]
    names = [canonicalize_name(requirement.name) for requirement in active]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("stem", ["requirements", "requirements-r"])
def test_direct_dependencies_are_locked(stem):
    pins = locked(f"{stem}.lock")
    for requirement in requirements(f"{stem}.in"):
        name = canonicalize_name(requirement.name)
        assert name in pins, f"{name}: run 'make lock'"
        for pin in pins[name]:
            assert requirement.specifier.contains(pin.removeprefix("==")), f"{name}: run 'make lock'"


@pytest.mark.parametrize("python", ["3.11.2", "3.12.3"])
def test_locked_packages_run_on_the_pythons_of_debian_12_and_ubuntu_24_04(python):
    for requirement in requirements("requirements.lock"):
        if requirement.marker is None or requirement.marker.evaluate():
            needed = metadata.metadata(requirement.name).get("Requires-Python") or ""
            assert SpecifierSet(needed).contains(python), f"{requirement} needs Python {needed}"


def test_the_two_lock_files_agree():
    pins, pins_r = locked("requirements.lock"), locked("requirements-r.lock")
    for name in pins.keys() & pins_r.keys():
        assert pins[name] == pins_r[name], name


def test_there_are_environments():
    assert {path.stem for path in ENVIRONMENTS} == {"python", "r", "notebooks"}


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_channels_leave_out_the_defaults(path):
    channels = yaml.safe_load(path.read_text())["channels"]
    assert channels[0] == "conda-forge"
    assert channels[-1] == "nodefaults"
    assert set(channels) <= {"conda-forge", "bioconda", "nodefaults"}


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_everything_is_pinned(path):
    assert environment(path)[2] == []


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environments_have_the_locked_versions(path):
    pins = locked("requirements.lock", "requirements-r.lock")
    conda, pip, _ = environment(path)
    python = {ON_PYPI.get(name, name): version for name, version in conda.items() if not NOT_ON_PYPI.fullmatch(name)}
    assert python or pip
    for name, version in (python | pip).items():
        assert pins.get(canonicalize_name(name)) == {f"=={version}"}, f"{path.name}: {name}"


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environments_have_a_supported_python(path):
    assert environment(path)[0]["python"] in {"3.11", "3.12"}
