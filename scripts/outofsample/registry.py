"""Finding models, methods and datasets by file name: one file is one entry, and nothing is listed twice.

A name ``trvae`` of kind ``methods`` is the class ``Method`` of ``outofsample/methods/trvae.py``. A study may also
name an importable module (``my_package.mine``) or a path (``my_folder/mine.py``), which then defines that class.
Only the file that is asked for is imported, so that Snakemake can list the files that a job really uses.
"""

import importlib
import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType

from outofsample.errors import UserError, did_you_mean

KINDS = {"datasets": "Dataset", "models": "Model", "methods": "Method"}
PACKAGE = Path(__file__).parent
#: Files of these folders that are shared parts, not entries.
SHARED = {"__init__", "base", "neural", "conditional", "translator"}


@cache
def available(kind: str) -> list[str]:
    """Return the names of all entries of ``kind`` ("datasets", "models" or "methods") that come with the package."""
    return sorted(path.stem for path in (PACKAGE / kind).glob("*.py") if path.stem not in SHARED)


def path_of(kind: str, name: str) -> Path:
    """Return the file that defines the entry ``name``.

    Raises
    ------
    UserError
        If there is no such file; the message names the nearest known entry.
    """
    if name.endswith(".py"):
        path = Path(name)
        if path.is_file():
            return path
        raise UserError(f"{kind}: the file '{name}' does not exist; give a path to a Python file.")
    if name in available(kind):
        return PACKAGE / kind / f"{name}.py"
    if "." in name:
        try:
            spec = importlib.util.find_spec(name)
        except ModuleNotFoundError:
            spec = None
        if spec is not None and spec.origin:
            return Path(spec.origin)
    known = available(kind)
    raise UserError(f"{kind}: there is no '{name}'{did_you_mean(name, known)}; known: {', '.join(known)}.")


def _import(kind: str, name: str) -> ModuleType:
    path = path_of(kind, name)
    if name in available(kind):
        return importlib.import_module(f"outofsample.{kind}.{name}")
    if not name.endswith(".py"):
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location(f"outofsample_user_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def find(kind: str, name: str) -> type:
    """Return the class that the entry ``name`` of ``kind`` defines.

    Raises
    ------
    UserError
        If there is no such entry, or its file does not define the class that `KINDS` names.
    """
    module = _import(kind, name)
    wanted = KINDS[kind]
    if not hasattr(module, wanted):
        raise UserError(f"{path_of(kind, name)}: this file must define a class '{wanted}'.")
    return getattr(module, wanted)


def create(kind: str, name: str, settings: dict):
    """Build the entry ``name`` with its ``settings`` (a dictionary of the fields of its ``Settings``)."""
    entry = find(kind, name)
    return entry(entry.Settings(**settings))
