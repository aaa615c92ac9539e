"""Pydantic's errors as sentences that name the key of the study."""

from typing import Any

from pydantic import BaseModel

from outofsample.errors import did_you_mean
from outofsample.study.config import Column, Evaluation, Figure, QueryConfig, Selection, Table, Task, Tuning


def sentence(problem: dict[str, Any], model: type[BaseModel]) -> str:
    """Turn one of pydantic's errors into a sentence that names the key."""
    place = ".".join(str(step) for step in problem["loc"])
    if problem["type"] == "value_error" and isinstance(problem["input"], dict):
        return f"{place}: {problem['msg'].removeprefix('Value error, ')}"
    if problem["type"] == "extra_forbidden":
        known = _fields_at(model, problem["loc"][:-1])
        listed = ", ".join(known)
        return f"{place}: unknown key{did_you_mean(problem['loc'][-1], known)}; known here: {listed}"
    if problem["type"] == "missing":
        return f"{place}: this key is missing"
    if problem["type"] == "string_pattern_mismatch":
        rule = "it must begin with a letter or a digit, and hold at most 120 letters, digits, '_', '.' and '-'"
        return f"{place}: the name {problem['input']!r} makes files and keys: {rule}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{place}: {message} (found {problem['input']!r})"


def _fields_at(model: type[BaseModel], steps) -> list[str]:
    """Return the keys that the part of the configuration at this place knows."""
    parts = {"tasks": Task, "tables": Table, "figures": Figure}
    inner = {"run": Selection, "evaluation": Evaluation, "tuning": Tuning, "queries": QueryConfig, "columns": Column}
    for step in steps:
        model = parts.get(step, inner.get(step, model))
    return list(model.model_fields)
