"""The layers of the package: no import climbs, no circle closes, files and functions stay short; each room is named."""

import ast
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.repository import layers

SCRIPTS = ROOT / "scripts"
PACKAGE = SCRIPTS / layers.PACKAGE
PAGE = (ROOT / "docs" / "architecture.md").read_text()
#: Rooms that run where numpy, scipy, scikit-learn and torch alone are installed.
LIGHT = {"edits", "training", "networks", "models", "metrics"}
ORDER = layers.read_layers(PAGE)


@pytest.fixture(scope="module")
def arrows() -> list[layers.Arrow]:
    return layers.read_arrows(SCRIPTS)


def assert_none(found: list[str]) -> None:
    """Fail with all that was found, a line each."""
    assert not found, "\n" + "\n".join(found)


def section(heading: str) -> str:
    """Return a section of the page."""
    return re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]


def test_every_module_stands_in_a_room_and_every_room_is_there():
    modules = layers.modules_below(SCRIPTS)
    assert_none([name for name in modules if name != layers.PACKAGE and layers.room_of(name, ORDER) is None])
    used = {layers.room_of(name, ORDER) for name in modules}
    assert_none([room for room in ORDER if room not in used])


def test_the_table_goes_from_bottom_to_top():
    assert list(ORDER.values()) == sorted(ORDER.values())
    assert len(re.findall(r"^\| \d+ \|", section("Where things are"), re.MULTILINE)) == len(ORDER)


def test_no_import_climbs(arrows):
    assert_none(layers.climbing(arrows, ORDER))


def test_no_circle_closes_between_modules(arrows):
    assert_none(layers.circle((arrow.importer, arrow.imported) for arrow in arrows))


def test_no_circle_closes_between_rooms(arrows):
    inside = [arrow for arrow in arrows if arrow.imported not in layers.HEAVY]
    rooms = [(layers.room_of(a.importer, ORDER), layers.room_of(a.imported, ORDER)) for a in inside]
    assert_none(layers.circle(rooms))


def test_what_computes_needs_neither_anndata_nor_pandas_nor_scanpy_to_be_imported(arrows):
    assert_none(layers.heavy_at_top(arrows, LIGHT, ORDER))


def test_what_computes_takes_anndata_only_where_a_package_of_others_asks_for_it(arrows):
    """Within functions too: scvi-tools and scanpy's ranking of genes take AnnData."""
    users = {a.importer for a in arrows if a.imported == "anndata" and layers.room_of(a.importer, ORDER) in LIGHT}
    assert users == {"outofsample.models.scvi", "outofsample.metrics.response"}


def test_the_root_of_the_package_holds_few_modules():
    modules = sorted(path.name for path in PACKAGE.glob("*.py"))
    assert len(modules) <= 6, modules


def test_files_are_short():
    assert_none(layers.long_files(sorted(PACKAGE.rglob("*.py")), 400))
    assert_none(layers.long_files(sorted(SCRIPTS.glob("*.py")), 60))
    assert_none(layers.long_files([ROOT / "rules" / "common.smk"], 120))


def test_functions_fit_a_screen():
    assert_none(layers.long_functions(SCRIPTS, 60))


def test_tests_stand_in_the_same_rooms():
    folders = [path.name for path in (ROOT / "tests" / "unit").iterdir() if path.is_dir() and path.name[0] not in "._"]
    assert_none([name for name in folders if not (PACKAGE / name).is_dir()])


def test_the_paths_that_answer_a_newcomer_exist():
    questions = section("Ten questions of a newcomer")
    assert len(re.findall(r"^\| .*\?", questions, re.MULTILINE)) == 10
    paths = [text for text in re.findall(r"`([\w./]+)`", questions) if "/" in text or text.endswith((".py", ".yaml"))]
    # NAME and ROOM stand for any.
    paths = [path for path in paths if not re.search("NAME|ROOM", path)]
    assert len(paths) >= 10
    assert_none([path for path in paths if not (ROOT / path).exists()])


# ---- the checks find what they are for

SMALL_ORDER = layers.read_layers(
    "| 1 | `errors.py` | a |\n| 2 | `edits/` | b |\n| 3 | `study/` | c |\n| 4 | `scripts/` | d |"
)
RIGHT = {
    "outofsample/__init__.py": "",
    "outofsample/errors.py": "",
    "outofsample/edits/__init__.py": "",
    "outofsample/edits/base.py": "import numpy\nfrom outofsample.errors import UserError\n",
    "outofsample/study/plan.py": "from outofsample import errors\nimport pandas\n",
    "train_model.py": "from outofsample.study import plan\n",
}


def tree(folder: Path, **changes: str) -> list[layers.Arrow]:
    """Write a small package that is right but for ``changes``, and return its imports."""
    for name, text in {**RIGHT, **changes}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return layers.read_arrows(folder)


def test_a_right_tree_has_nothing_wrong(tmp_path):
    found = tree(tmp_path)
    assert SMALL_ORDER == {"errors": 1, "edits": 2, "study": 3, "scripts": 4}
    assert layers.climbing(found, SMALL_ORDER) == layers.heavy_at_top(found, {"edits"}, SMALL_ORDER) == []
    assert layers.circle((a.importer, a.imported) for a in found) == []


@pytest.mark.parametrize(
    "text",
    [
        "from outofsample.study.plan import Plan",
        "from outofsample.study import plan",
        "import outofsample.study.plan as plan",
        "from ..study import plan",
        "def late():\n    from outofsample.study.plan import Plan",
        "try:\n    import outofsample.study.plan\nexcept ImportError:\n    pass",
    ],
)
def test_an_import_that_climbs_is_found(tmp_path, text):
    found = tree(tmp_path, **{"outofsample/edits/base.py": text})
    expected = "outofsample.edits.base (layer 2, edits) imports outofsample.study.plan (layer 3, study)"
    assert layers.climbing(found, SMALL_ORDER) == [expected]


def test_rooms_of_one_layer_do_not_know_each_other(tmp_path):
    found = tree(tmp_path, **{"outofsample/edits/base.py": "from outofsample.study import plan"})
    assert layers.climbing(found, {**SMALL_ORDER, "edits": 3})


def test_imports_for_type_checkers_do_not_run(tmp_path):
    text = (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas\n    from outofsample.study import plan"
    )
    assert not [arrow for arrow in tree(tmp_path, **{"outofsample/edits/base.py": text}) if "edits" in arrow.importer]


def test_a_circle_is_found_within_a_room_and_through_functions(tmp_path):
    changes = {
        "outofsample/edits/base.py": "def late():\n    from outofsample.edits import kernels",
        "outofsample/edits/kernels.py": "from outofsample.edits.base import Edit",
    }
    found = tree(tmp_path, **changes)
    assert layers.climbing(found, SMALL_ORDER) == []
    names = layers.circle((a.importer, a.imported) for a in found)
    assert set(names) == {"outofsample.edits.base", "outofsample.edits.kernels"}


@pytest.mark.parametrize(
    "text", ["import pandas as pd", "class A:\n    from pandas import DataFrame", "import anndata"]
)
def test_a_heavy_import_at_the_top_is_found_also_behind_another_module(tmp_path, text):
    found = tree(tmp_path, **{"outofsample/errors.py": text})
    assert [line.split(" > ")[:2] for line in layers.heavy_at_top(found, {"edits"}, SMALL_ORDER)] == [
        ["outofsample.edits.base", "outofsample.errors"]
    ]
    later = tree(tmp_path, **{"outofsample/errors.py": f"def late():\n    {text.splitlines()[-1].strip()}"})
    assert layers.heavy_at_top(later, {"edits"}, SMALL_ORDER) == []


def test_a_module_without_a_room_has_none():
    assert layers.room_of("outofsample.metricss.base", ["metrics"]) is None
    assert layers.room_of("outofsample.own.formats.csv", ["own", "own.formats"]) == "own.formats"


def test_long_files_and_functions_are_found(tmp_path):
    (tmp_path / "long.py").write_text("def much():\n" + "    pass\n" * 60)
    assert layers.long_functions(tmp_path, 60) == ["long.much: 61"]
    assert layers.long_functions(tmp_path, 61) == []
    assert layers.long_files([tmp_path / "long.py"], 60) == [f"{tmp_path / 'long.py'}: 61"]


def test_init_files_pass_nothing_on():
    """Imports decide what runs again: names that ``__init__`` passes on would tie their readers to all of them."""
    package = ROOT / "scripts" / "outofsample"
    inits = [path for path in package.rglob("__init__.py") if path.parent != package]
    assert len(inits) > 15
    assert [path for path in inits if len(ast.parse(path.read_text()).body) > 1] == []
