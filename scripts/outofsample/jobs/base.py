"""What all job specifications have in common: JSON text that a rule keeps as a parameter and a script reads back.

A specification reaches its script on the standard input, since Linux takes at most 128 KiB of one argument.
"""

import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import msgspec

from outofsample.errors import UserError, did_you_mean


@dataclass(frozen=True)
class Spec:
    """The settings of one job; subclasses are frozen dataclasses of plain values, tuples, dictionaries and the like."""

    def to_json(self) -> str:
        """Return the specification as one line of JSON; the same specification is the same text."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes, where: str = "the specification") -> Self:
        """Return the specification that `to_json` wrote.

        Parameters
        ----------
        text
            JSON.
        where
            What messages call it.

        Raises
        ------
        UserError
            If it is no JSON, lacks a key, has one too many, or a value is of another type.
        """
        try:
            spec = msgspec.json.decode(text, type=cls)
            given = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        except msgspec.MsgspecError as error:
            raise UserError(f"{where}: this is not the JSON of a {cls.__name__} ({error}).") from error
        known = [field.name for field in fields(cls)]
        for name in given:
            if name not in known:
                raise UserError(f"{where}: a {cls.__name__} has no key '{name}'{did_you_mean(name, known)}.")
        return spec

    @classmethod
    def read(cls, path: str) -> Self:
        """Return the specification in a file of JSON; ``-`` is the standard input.

        Raises
        ------
        UserError
            If the file cannot be read, or `from_json` refuses its text.
        """
        if path == "-":
            return cls.from_json(sys.stdin.buffer.read(), "standard input")
        try:
            return cls.from_json(Path(path).read_bytes(), path)
        except OSError as error:
            raise UserError(f"{path}: this specification cannot be read ({error.strerror}).") from error


def as_plain(value: Spec | dict[str, Any]) -> dict[str, Any]:
    """Return a specification or settings as they come back from JSON: dictionaries, and lists for tuples."""
    return msgspec.json.decode(msgspec.json.encode(value))
