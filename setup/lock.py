"""Write requirements.lock and requirements-r.lock from the direct dependencies in the .in files.

`make lock` keeps the pinned versions and adds what is new; `make lock UPGRADE=--upgrade` takes the newest versions that
fit together. pip resolves for every supported Python; a package that only one of them needs gets a marker. A line of an
.in file that ends in `# --no-deps: why` is a package whose metadata forbid what its code runs with: it is resolved by
itself, and the lock marks it, so that `setup/install.sh` does not complain of it.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parent.parent
# The Pythons to resolve for, and the oldest release of each that must do: Debian 12 has 3.11.2, Ubuntu 24.04 3.12.3.
PYTHONS = {"3.11": "3.11.2", "3.12": "3.12.3", "3.13": "3.13.0"}
# What torch's CUDA build from PyPI brings, and pins itself; a CPU build does without.
OF_TORCH = re.compile(r"(nvidia|cuda|triton)(-|$)")
HEADER = "# Written by `make lock` from {source}; do not edit. For Python {pythons}.\n"
ALONE = "# --no-deps"


def normalized(name: str) -> str:
    """Return the name of a package as indexes write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_requirements(name: str, alone: bool | None = None) -> list[Requirement]:
    """Return the requirements in a file of the root: all, those marked as alone, or the others; none without a file."""
    path = ROOT / name
    lines = path.read_text().splitlines() if path.exists() else []
    texts = (line.partition("#")[0].strip() for line in lines if alone is None or alone == (ALONE in line))
    return [Requirement(text) for text in texts if text]


def kept_pins(source: str, locks: list[str]) -> str:
    """Return the pins of lock files as constraints, but for those that the direct dependencies rule out."""
    direct = {normalized(requirement.name): requirement.specifier for requirement in read_requirements(source)}
    pins = [requirement for lock in locks for requirement in read_requirements(lock)]
    kept = {str(pin) for pin in pins if all(s.version in direct.get(normalized(pin.name), s) for s in pin.specifier)}
    return "\n".join(sorted(kept))


def resolve(version: str, source: str, pins: str) -> dict[str, str]:
    """Return the versions that pip would install for one Python, by package."""
    packages = []
    with tempfile.TemporaryDirectory() as folder:
        report, wanted, constraints = (Path(folder) / name for name in ("report.json", "wanted.txt", "constraints.txt"))
        constraints.write_text(pins)
        subprocess.run([f"python{version}", "-m", "venv", f"{folder}/venv"], check=True)
        command = [f"{folder}/venv/bin/python", "-m", "pip", "install", "-qq", "--dry-run", "--ignore-installed"]
        command += ["--report", str(report), "--requirement", str(wanted), "--constraint", str(constraints)]
        for alone in (False, True):
            requirements = read_requirements(source, alone)
            if requirements:
                wanted.write_text("\n".join(map(str, requirements)))
                subprocess.run([*command, *(["--no-deps"] if alone else [])], check=True)
                packages += [entry["metadata"] for entry in json.loads(report.read_text())["install"]]
    for package in packages:
        if not SpecifierSet(package.get("requires_python") or "").contains(PYTHONS[version]):
            need = f"{package['name']} {package['version']} needs Python {package['requires_python']}"
            sys.exit(f"{need}, but {PYTHONS[version]} must do: bound it in {source}")
    versions = {normalized(package["name"]): package["version"].partition("+")[0] for package in packages}
    return {name: pin for name, pin in versions.items() if not OF_TORCH.match(name)}


def lines(pins: dict[str, dict[str, str]], source: str) -> list[str]:
    """Return the lines of a lock file from {Python: {package: version}}."""
    alone = {normalized(requirement.name) for requirement in read_requirements(source, alone=True)}
    result = []
    for name in sorted(set().union(*pins.values())):
        by_version: dict[str, list[str]] = {}
        for python, packages in pins.items():
            if name in packages:
                by_version.setdefault(packages[name], []).append(python)
        for version, pythons in by_version.items():
            marker = " or ".join(f'python_version == "{python}"' for python in pythons)
            line = f"{name}=={version}" + ("" if len(pythons) == len(pins) else f" ; {marker}")
            result.append(f"{line}  {ALONE}" if name in alone else line)
    return result


def write_lock(source: str, target: str, locks: list[str]) -> None:
    """Write a lock file; the pins of ``locks`` are kept."""
    kept = kept_pins(source, locks)
    pins = {version: resolve(version, source, kept) for version in PYTHONS}
    header = HEADER.format(source=source, pythons=", ".join(PYTHONS))
    (ROOT / target).write_text(header + "\n".join(lines(pins, source)) + "\n")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upgrade", action="store_true", help="newest versions instead of the pinned ones")
    upgrade = parser.parse_args().upgrade
    write_lock("requirements.in", "requirements.lock", [] if upgrade else ["requirements.lock"])
    # Packages that both files need have one version.
    locks = ["requirements.lock"] if upgrade else ["requirements.lock", "requirements-r.lock"]
    write_lock("requirements-r.in", "requirements-r.lock", locks)


if __name__ == "__main__":
    main()
