"""A method by its name and one list of settings: those of its own, and those of the model that it stands on."""

from dataclasses import asdict, fields
from typing import Any

from outofsample import registry
from outofsample.errors import InputError, UserError, did_you_mean
from outofsample.methods.families.base import Method


def build(name: str, settings: dict[str, Any]) -> Method:
    """Return the method ``name`` with these settings, not fitted.

    A setting that both have is the method's.

    Raises
    ------
    InputError
        If there is no such method, or it does not take a setting or its value.
    """
    entry, chosen, model, of_model = _checked(name, settings)
    return entry(chosen) if model is None else entry(chosen, model(of_model))


def find(name: str, settings: dict[str, Any]) -> tuple[type[Method], Any]:
    """Return the class of the method ``name``, and its own settings among these.

    Raises
    ------
    InputError
        As `build` does.
    """
    entry, chosen, _, _ = _checked(name, settings)
    return entry, chosen


def _checked(name: str, settings: dict[str, Any]) -> tuple[type[Method], Any, type | None, Any]:
    """Return the class of a method, its own settings, and the class and the settings of its model, if it has one."""
    entry, chosen, model = _chosen(name, settings)
    _check_names(name, settings, entry, model)
    of_model = None if model is None else _made(name, model.Settings, _of_model(entry, model, settings))
    return entry, chosen, model, of_model


def check_names(name: str, settings: dict[str, Any]) -> None:
    """Raise `InputError` where a method or its model lack a setting; nothing is said where there is no such method."""
    try:
        entry, _, model = _chosen(name, settings)
    except InputError:
        return
    _check_names(name, settings, entry, model)


def _check_names(name: str, settings: dict[str, Any], entry: type[Method], model: type | None) -> None:
    known = _names(entry.Settings) | (_names(model.Settings) if model else {})
    for setting in settings:
        if setting not in known:
            listed = ", ".join(known) or "none"
            raise InputError(f"{name}: there is no setting '{setting}'{did_you_mean(setting, known)}; known: {listed}.")


def all_settings(name: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Return every setting of a method and of its model: as given, or the default.

    Raises
    ------
    InputError
        As `build` does, but for names that it does not know, which stay.
    """
    entry, chosen, model = _chosen(name, settings)
    of_model = asdict(_made(name, model.Settings, _of_model(entry, model, settings))) if model else {}
    return {**of_model, **asdict(chosen), **settings}


def _chosen(name: str, settings: dict[str, Any]) -> tuple[type[Method], Any, type | None]:
    """Return the class of a method, its own settings, and the class of the model that it stands on with them."""
    entry = _found("methods", name)
    own = {setting: value for setting, value in settings.items() if setting in _names(entry.Settings)}
    chosen = _made(name, entry.Settings, own)
    model = entry.model_name(chosen)
    if not isinstance(model, str | None):
        raise InputError(f"{name}: model must be the name of a model, not {model!r}.")
    return entry, chosen, None if model is None else _found("models", model)


def _found(kind: str, name: str) -> type:
    try:
        return registry.find(kind, name)
    except UserError as error:
        raise InputError(str(error)) from error


def _of_model(entry: type[Method], model: type, settings: dict[str, Any]) -> dict[str, Any]:
    names = _names(model.Settings).keys() - _names(entry.Settings).keys()
    return {setting: value for setting, value in settings.items() if setting in names}


def _names(settings: type) -> dict[str, None]:
    """Return the names of settings, in order."""
    return {field.name: None for field in fields(settings)}


def _made(name: str, settings: type, values: dict[str, Any]):
    try:
        return settings(**values)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: {error}.") from error
