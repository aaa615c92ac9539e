"""Values of a configuration, checked against the ``Settings`` of the file that defines a dataset, model or method."""

from functools import cache
from typing import Any

from pydantic import TypeAdapter
from pydantic.errors import PydanticUserError

from outofsample.errors import UserError, did_you_mean


def read_settings(settings: type, values: dict[str, Any]):
    """Build a settings dataclass from configuration values, with types checked.

    Raises
    ------
    ValidationError
        If a value has the wrong type or range, or there is no such key.
    """
    for name in values:
        if name not in settings.__dataclass_fields__:
            known = list(settings.__dataclass_fields__)
            listed = ", ".join(known) if known else "none"
            raise UserError(f"unknown key '{name}'{did_you_mean(name, known)}; known here: {listed}")
    return _adapter(settings).validate_python(values)


@cache
def _adapter(settings: type) -> TypeAdapter:
    """Return what checks values against a settings dataclass; making one takes 10 ms."""
    try:
        return TypeAdapter(settings)
    except (PydanticUserError, NameError) as error:
        first = str(error).splitlines()[0]
        raise UserError(
            f"{settings.__module__}: Settings: each field needs a type that a configuration can hold, as int, float, "
            f"str, bool, list[int] or str | None ({first})"
        ) from error
