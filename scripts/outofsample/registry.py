"""Finding models, methods, datasets and edits by file name: one file is one entry, and nothing is listed twice.

A name ``trvae`` of kind ``methods`` is the class ``Method`` of ``outofsample/methods/trvae.py``. Every file in the
folder of a kind is an entry; the interface, and whatever else entries share, lies in a folder inside it
(``methods/families``), where nothing is taken for an entry.

A study may also name a path (``my_folder/mine.py``) or an importable module (``my_package.mine``), which then defines
that class. Both are looked for in the working directory, which is also where such a file may import its own modules
from. Only the file that is asked for is imported, so that Snakemake can list the files that a job really uses.
"""

import dataclasses
import importlib
import importlib.util
import json
import re
import sys
import sysconfig
import traceback
from functools import cache
from pathlib import Path
from types import ModuleType

from outofsample.errors import UserError, did_you_mean

#: The kinds of which a study has entries, and the class that each of their files defines.
KINDS = {"datasets": "Dataset", "models": "Model", "methods": "Method"}
#: The same for all kinds: edits are named in the settings of methods.
CLASSES = KINDS | {"edits": "Edit"}
#: The module with a kind's interface: what every entry's class derives from.
INTERFACES = {
    "datasets": "outofsample.datasets.support.base",
    "models": "outofsample.models.families.base",
    "methods": "outofsample.methods.families.base",
    "edits": "outofsample.edits.support.base",
}
#: What an entry's class must bring itself.
TO_DEFINE = {
    "datasets": (),
    "models": ("fit", "state", "load_state"),
    "methods": ("predict",),
    "edits": ("learn", "apply"),
}
#: The kinds whose classes have ``Settings`` that are complete by themselves: those of datasets may need what only a
#: study knows, and an edit's options are its own fields.
WITH_DEFAULTS = ("models", "methods")
PACKAGE = Path(__file__).parent


@cache
def available(kind: str) -> list[str]:
    """Return the names of all entries of ``kind`` (a key of `CLASSES`) that come with the package."""
    return sorted(path.stem for path in (PACKAGE / kind).glob("*.py") if path.stem != "__init__")


def is_own(kind: str, name: str) -> bool:
    """Whether ``name`` is a path or a module, not an entry that comes with the package."""
    return name not in available(kind) and ("/" in name or "." in name)


def path_of(kind: str, name: str) -> Path:
    """Return the file that defines the entry ``name``.

    Raises
    ------
    UserError
        If there is no such file; the message names the nearest known entry or file.
    """
    if name in available(kind):
        return PACKAGE / kind / f"{name}.py"
    if name.endswith(".py") or "/" in name:
        return _path_of_file(kind, name)
    if "." in name:
        return _path_of_module(kind, name)
    known = available(kind)
    raise UserError(
        f"{kind}: there is no '{name}'{did_you_mean(name, known)}; known: {', '.join(known)}; a file of your own is "
        "named with 'uses: my_folder/mine.py'."
    )


def _path_of_file(kind: str, name: str) -> Path:
    path = Path(name).expanduser()
    if path.is_file() and path.suffix == ".py":
        return path
    if path.is_dir():
        raise UserError(f"{kind}: '{name}' is a folder; name the Python file in it.")
    if not path.parent.is_dir():
        raise UserError(
            f"{kind}: the file '{name}' does not exist, nor does its folder in {Path.cwd()}; give a path from there to "
            "a Python file."
        )
    beside = [str(file) for file in sorted(path.parent.glob("*.py"))]
    raise UserError(
        f"{kind}: the file '{name}' does not exist{did_you_mean(name, beside)}; give a path to a Python file (.py)."
    )


def _path_of_module(kind: str, name: str) -> Path:
    _look_in_working_directory()
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        if error.name and not f"{name}.".startswith(f"{error.name}."):
            raise _import_failed(name, error) from error
        spec = None
    except Exception as error:
        raise _import_failed(name, error) from error
    if spec is not None and spec.has_location:
        return Path(spec.origin)
    raise UserError(
        f"{kind}: there is no module '{name}'; modules are looked for in the environment of {sys.executable} and in "
        f"{Path.cwd()}."
    )


def _look_in_working_directory() -> None:
    """Let entries of the user's own be imported from the working directory; what is installed comes first."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)


def _import(kind: str, name: str) -> ModuleType:
    path = path_of(kind, name)
    if name in available(kind):
        return importlib.import_module(f"outofsample.{kind}.{name}")
    _look_in_working_directory()
    try:
        if not (name.endswith(".py") or "/" in name):
            return importlib.import_module(name)
        return _import_file(path.resolve())
    except Exception as error:
        raise _import_failed(str(path), error) from error


def _import_file(path: Path) -> ModuleType:
    """Import a file by its path, once, under a name of its own."""
    name = "outofsample_user_" + re.sub(r"\W", "_", str(path.with_suffix("")))
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up there.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _import_failed(where: str, error: Exception) -> UserError:
    """Return the sentence for a file that raises while it is imported: its place, and what it raised."""
    libraries = ("<", __file__, *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")))
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(libraries)]
    reason = str(error)
    if isinstance(error, SyntaxError) and error.filename:
        where, reason = f"{error.filename}, line {error.lineno}", error.msg
    elif frames:
        where = f"{frames[-1].filename}, line {frames[-1].lineno}"
    hint = ""
    if isinstance(error, ModuleNotFoundError):
        hint = f" Modules are looked for in the environment of {sys.executable} and in {Path.cwd()}."
    return UserError(f"{where}: this file cannot be imported: {type(error).__name__}: {reason}.{hint}")


def find(kind: str, name: str) -> type:
    """Return the class that the entry ``name`` of ``kind`` defines.

    Raises
    ------
    UserError
        If there is no such entry, its file cannot be imported, or it does not define the class that `CLASSES` names,
        with ``Settings`` that have defaults.
    """
    module, path, wanted = _import(kind, name), path_of(kind, name), CLASSES[kind]
    base = getattr(importlib.import_module(INTERFACES[kind]), wanted)
    entry = getattr(module, wanted, base)
    if entry is base:
        own = [key for key, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
        defined = f"; it defines {', '.join(own)}" if own else ""
        raise UserError(f"{path}: this file must define a class '{wanted}'{defined}.")
    problem = _problem_of_class(kind, entry, base)
    if problem:
        raise UserError(f"{path}: {problem}.")
    return entry


def _problem_of_class(kind: str, entry: type, base: type) -> str | None:
    """Return what a class lacks that the pipeline needs of it; None where it has all."""
    if not (isinstance(entry, type) and issubclass(entry, base)):
        return f"the class '{base.__name__}' must derive from {base.__module__}.{base.__name__}"
    missing = [name for name in TO_DEFINE[kind] if getattr(entry, name) is getattr(base, name)]
    if missing:
        return f"the class '{base.__name__}' must define {' and '.join(missing)}"
    return _problem_of_settings(entry.Settings) if kind in WITH_DEFAULTS else None


def _problem_of_settings(settings) -> str | None:
    """Return what is wrong with a class ``Settings``; None where it is as it should be."""
    if not (isinstance(settings, type) and dataclasses.is_dataclass(settings)):
        return "'Settings' must be a class with the decorator @dataclass(frozen=True)"
    if not settings.__dataclass_params__.frozen:
        return "'Settings' must be frozen: @dataclass(frozen=True)"
    for field in dataclasses.fields(settings):
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            return f"Settings: '{field.name}' has no default value"
    try:
        defaults = settings()
    except Exception as error:
        return f"Settings: the defaults are refused by its own check ({type(error).__name__}: {error})"
    for name, value in dataclasses.asdict(defaults).items():
        try:
            json.dumps(value)
        except TypeError:
            return (
                f"Settings: the default of '{name}' is a {type(value).__name__}; settings are numbers, text, true or "
                "false, None, lists or dictionaries of these"
            )
    return None


def create(kind: str, name: str, settings: dict):
    """Build the entry ``name`` with its ``settings`` (a dictionary of the fields of its ``Settings``)."""
    entry = find(kind, name)
    return entry(entry.Settings(**settings))
