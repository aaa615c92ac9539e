"""Lock files, direct dependencies and conda environments name the same versions."""

import ast
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from outofsample.study.imports import files_imported

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
    """Return an environment's conda packages and PyPI packages as {name: version}, and what is not pinned.

    What a post-deploy script installs by pip, as Snakemake runs it once an environment is made, counts among PyPI's.
    """
    dependencies = yaml.safe_load(path.read_text())["dependencies"]
    pip = [line for entry in dependencies if isinstance(entry, dict) for line in entry["pip"]]
    script = path.with_suffix(".post-deploy.sh")
    if script.exists():
        pip += re.findall(r"--no-deps (\S+)", script.read_text())
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
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
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


@pytest.mark.parametrize("python", ["3.11.2", "3.12.3", "3.13.0"])
def test_locked_packages_run_on_every_supported_python(python):
    for requirement in requirements("requirements.lock"):
        if requirement.marker is None or requirement.marker.evaluate():
            needed = metadata.metadata(requirement.name).get("Requires-Python") or ""
            assert SpecifierSet(needed).contains(python), f"{requirement} needs Python {needed}"


def test_the_two_lock_files_agree():
    pins, pins_r = locked("requirements.lock"), locked("requirements-r.lock")
    for name in pins.keys() & pins_r.keys():
        assert pins[name] == pins_r[name], name


def marked_alone(name):
    """Return the packages of a file that are installed without what their metadata ask for."""
    return {
        line.partition("=")[0].split()[0] for line in (ROOT / name).read_text().splitlines() if "# --no-deps" in line
    }


def test_a_package_whose_metadata_are_overruled_is_marked_in_the_lock_and_kept_from_the_solver_of_conda():
    """Its metadata forbid what its code runs with (docs/faq.md): a solver would take numpy back for it, or give up."""
    alone = marked_alone("requirements.lock")
    assert alone == marked_alone("requirements.in") == {"fcsparser"}
    for path in ENVIRONMENTS:
        assert not alone & set(re.findall(r"[\w.\-]+", path.read_text())), path.name
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    asked = {name for name, texts in extras.items() if alone & {Requirement(text).name for text in texts}}
    assert asked == alone, "as an extra it stands by itself, or pip takes numpy back for the others"
    pins = locked("requirements.lock")
    needs = [Requirement(text) for name in alone for text in metadata.distribution(name).requires]
    refused = [need for need in needs for pin in pins[need.name] if not need.specifier.contains(pin.removeprefix("=="))]
    assert refused, "the mark is needed no more"


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
    assert environment(path)[0]["python"] in {"3.11", "3.12", "3.13"}


def test_seurat_stands_on_what_it_was_made_for():
    """Its own bounds let newer ones in, whose classes are others."""
    versions = environment(ROOT / "envs" / "r.yaml")[0]
    pins = {name: versions[name] for name in ("r-seurat", "r-seuratobject", "r-matrix")}
    assert pins == {"r-seurat": "4.3.0", "r-seuratobject": "4.1.3", "r-matrix": "1.5_3"}


@pytest.mark.parametrize("place", ["setup/install.sh", "rules/common.smk"])
def test_rpy2_is_built_without_a_compiler(place):
    assert re.search(r'RPY2_CFFI_MODE(=|", ")ABI', (ROOT / place).read_text())


# ---- what jobs import is in their environment

#: Modules whose package has another name.
PACKAGES = {
    "PIL": "pillow",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "scvi": "scvi-tools",
    "umap": "umap-learn",
    "yaml": "pyyaml",
    "ot": "pot",
}
#: Which registry entries a script can be asked to import.
KINDS_OF = {
    "simulate_dataset.py": ["datasets"],
    "preprocess_dataset.py": ["datasets"],
    "train_model.py": ["models"],
    "transform_query.py": ["models", "methods"],
    "correct_batches.py": ["methods"],
}
#: What a script's files import in functions that its job never calls.
NEVER_CALLED = {
    # Saving a fitted method; choosing features at the split; edits of millions of values, or by cluster.
    "correct_batches.py": {"torch", "scanpy", "numba", "scikit-learn"},
    # Scores: figures only read what the evaluation reads.
    "render_figure.py": {"torch", "torchmetrics"},
    "summarise_changes.py": {"torch", "torchmetrics"},
}
#: Batch correctors are computed in the environment with R, everything else in that without.
WITH_R = {"combat", "limma", "mnn", "cca"}


def scripts_by_environment():
    """Return (script, environment) of every rule that calls one of our scripts."""
    pairs = set()
    for path in (ROOT / "rules").glob("*.smk"):
        for rule in re.split(r"\n *rule\b", path.read_text()):
            script = re.search(r"python scripts/(\w+\.py)", rule)
            if script:
                pairs.add((script[1], re.search(r'"\.\./envs/(\w+)\.yaml"', rule)[1]))
    return sorted(pairs)


def entries_of(script):
    """Return the files of the registry entries that a script can import in its environment."""
    paths = []
    for kind in KINDS_OF.get(script, []):
        for path in sorted((ROOT / "scripts" / "outofsample" / kind).glob("*.py")):
            with_r = kind == "methods" and path.stem in WITH_R
            if with_r == (script == "correct_batches.py"):
                paths.append(path)
    return paths


def imported_packages(paths):
    """Return the packages, by their names on PyPI, that some files and what they import of ours need."""
    found = set()
    for path in files_imported(paths):
        for node in ast.walk(ast.parse(Path(path).read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                modules = [node.module]
            found |= {module.partition(".")[0] for module in modules}
    found -= set(sys.stdlib_module_names) | {"outofsample"}
    return {canonicalize_name(PACKAGES.get(name, name)) for name in found}


def test_every_script_of_a_rule_is_looked_at():
    assert {"train_model.py", "render_figure.py", "correct_batches.py"} <= {
        script for script, _ in scripts_by_environment()
    }


@pytest.mark.parametrize(("script", "name"), scripts_by_environment())
def test_what_a_job_imports_is_in_its_environment(script, name):
    conda, pip, _ = environment(ROOT / "envs" / f"{name}.yaml")
    there = {canonicalize_name(ON_PYPI.get(package, package)) for package in conda | pip}
    paths = [ROOT / "scripts" / script, *entries_of(script)]
    if script == "render_figure.py":
        paths += sorted((ROOT / "scripts" / "outofsample" / "figures").glob("*.py"))
    assert imported_packages(paths) - NEVER_CALLED.get(script, set()) <= there


def test_containers_install_by_the_lock_files():
    """What is copied into the images before the installation is what the installer reads."""
    installer = (ROOT / "setup" / "install.sh").read_text()
    read = {name for name in ("requirements.lock", "requirements-r.lock") if name in installer}
    assert read == {"requirements.lock", "requirements-r.lock"}
    for container in ("Dockerfile", "outofsample.def"):
        text = (ROOT / container).read_text()
        assert "setup/install.sh" in text and all(name in text for name in read), container
        assert not re.search(r"pip install", text), f"{container}: versions come from the lock files"


def patterns(name):
    """Return what an ignore file leaves out, without the slashes that Git and Docker read otherwise."""
    lines = (line.strip() for line in (ROOT / name).read_text().splitlines())
    kept = (line for line in lines if line and not line.startswith(("#", "!")))
    return {line.removeprefix("**/").removeprefix("/").removesuffix("/*").removesuffix("/") for line in kept}


def test_images_carry_no_data_and_nothing_else_that_git_ignores():
    """CelebA, which may not be passed on, lies in `data`; an image takes all that .dockerignore does not name."""
    assert {"data", "results"} <= patterns(".gitignore") <= patterns(".dockerignore")
    assert ".git" in patterns(".dockerignore")
    # Docker reads names from the root of the project on, Git anywhere.
    anywhere = {"__pycache__", "*.egg-info", ".ipynb_checkpoints"}
    assert {f"**/{name}" for name in anywhere} <= set((ROOT / ".dockerignore").read_text().split())
