"""Reading a study: its file, what it extends, and all problems in one message before any job starts."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from outofsample.errors import UserError
from outofsample.study.checks import check_entries, check_study, check_tuning, check_tuning_tasks
from outofsample.study.config import Study
from outofsample.study.expand import expand_leave_one_out, expand_tuning
from outofsample.study.problems import sentence
from outofsample.study.written import problems_of


def read_study(path: str | Path) -> Study:
    """Read and check a study file."""
    path = Path(path)
    return load_study(read_yaml(path), _root_of(path), str(path))


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises
    ------
    UserError
        If the file is missing, is no YAML mapping, or holds what YAML would silently change (`study.written`).
    """
    try:
        text = path.read_text(encoding="utf-8")
        values = yaml.safe_load(text)
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such file.") from error
    except IsADirectoryError as error:
        raise UserError(f"{path}: this is a folder; give the path of a study file.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: this is no text in UTF-8; save it as such.") from error
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(values, dict):
        raise UserError(f"{path} must be a mapping of keys to values.")
    if problems := problems_of(text):
        raise _with_problems(str(path), problems)
    return values


def _with_problems(where: str, problems: list[str]) -> UserError:
    listed = "\n".join(f"  - {line}" for line in problems)
    return UserError(f"{where} has {len(problems)} problem(s):\n{listed}")


def _root_of(path: Path) -> Path:
    """Return the nearest folder above a study file that holds a Snakefile; ``extends`` is relative to it."""
    for folder in path.resolve().parents:
        if (folder / "Snakefile").is_file():
            return folder
    return path.resolve().parent


def load_study(values: dict[str, Any], root: Path = Path(), where: str = "configuration") -> Study:
    """Check a configuration and return it.

    Parameters
    ----------
    values
        The configuration as Snakemake merged it from ``--configfile`` and ``--config``.
    root
        The folder that ``extends`` is relative to.
    where
        The file name for messages.

    Raises
    ------
    UserError
        With all problems, one a line.
    """
    values = _extend(values, Path(root), [])
    try:
        study = Study.model_validate(values)
    except ValidationError as error:
        problems = [sentence(problem, Study) for problem in error.errors()]
    else:
        problems = check_entries(study)
        study = expand_leave_one_out(study)
        problems += check_tuning_tasks(study) or check_study(study)
        if study.tuning is not None and not problems:
            problems = check_tuning(study, study.tuning)
            study = study if problems else expand_tuning(study, study.tuning)
    if problems:
        raise _with_problems(where, problems)
    return study


def _extend(values: dict[str, Any], root: Path, seen: list[str]) -> dict[str, Any]:
    """Put ``values`` on top of the study that they extend.

    Definitions (datasets, tasks, models, methods, tables, figures) are joined by name, everything else is
    replaced. What is *run* or tuned is never inherited: a study that extends another says it itself.
    """
    base_name = values.get("extends")
    if base_name is None:
        return values
    if base_name in seen:
        raise UserError(f"extends: '{base_name}' extends itself ({' -> '.join([*seen, base_name])}).")
    base = _extend(read_yaml(root / base_name), root, [*seen, base_name])
    merged = {key: value for key, value in base.items() if key not in ("run", "description", "tuning")}
    for key, value in values.items():
        joins = key in ("datasets", "tasks", "models", "methods", "tables", "figures")
        merged[key] = {**base.get(key, {}), **value} if joins and isinstance(value, dict) else value
    return merged
