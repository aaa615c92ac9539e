"""The registry: which files are entries, and which code they stand for."""

from pathlib import Path

import pytest

from outofsample import registry
from outofsample.study.imports import files_imported


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with one method and the folder of its family."""
    families = tmp_path / "methods" / "families"
    families.mkdir(parents=True)
    for path in (tmp_path / "methods" / "__init__.py", tmp_path / "methods" / "mine.py", families / "base.py"):
        path.write_text("")
    registry.available.cache_clear()
    monkeypatch.setattr(registry, "PACKAGE", tmp_path)
    yield tmp_path
    registry.available.cache_clear()


def test_a_helper_among_the_families_is_no_method(package):
    (package / "methods" / "families" / "helper.py").write_text("")
    assert registry.available("methods") == ["mine"]


def test_a_file_beside_the_methods_is_one(package):
    (package / "methods" / "another.py").write_text("")
    assert registry.available("methods") == ["another", "mine"]


@pytest.mark.parametrize("kind", registry.CLASSES)
def test_every_file_beside_the_folder_of_a_kind_is_an_entry(kind):
    files = {path.stem for path in (registry.PACKAGE / kind).glob("*.py")} - {"__init__"}
    assert files == set(registry.available(kind))
    for name in files:
        assert registry.find(kind, name).__name__ == registry.CLASSES[kind]


def code_of(method: str, **settings) -> set[str]:
    """Return the files, relative to the package, whose change runs a method again."""
    entry = registry.find("methods", method)
    entries = [("methods", method), *entry.parts(entry.Settings(**settings))]
    paths = files_imported([registry.path_of(*part) for part in entries])
    return {path.relative_to(registry.PACKAGE).as_posix() for path in paths if registry.PACKAGE in Path(path).parents}


def test_a_change_of_an_edit_concerns_the_methods_that_use_it_alone():
    assert "edits/percentile.py" in code_of("neuron_editing") and "edits/mean_shift.py" not in code_of("neuron_editing")
    assert "edits/mean_shift.py" in code_of("scgen") and "edits/percentile.py" not in code_of("scgen")
    assert "edits/knn_shift.py" in code_of("neuron_editing", edit="knn_shift")
    # It maps each cluster by percentiles.
    assert {"edits/cluster_percentile.py", "edits/percentile.py"} <= code_of("cluster_quantiles")
    assert not any(name.startswith("edits/") for name in code_of("trvae"))


def test_candidates_bring_the_code_of_their_edits():
    assert "edits/median_shift.py" in code_of("cross_validated", candidates={"median_shift": {}})
    assert "edits/median_shift.py" not in code_of("cross_validated", candidates={"mean_shift": {}})
