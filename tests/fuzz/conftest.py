"""What the tests of this folder share with those of data of one's own."""

from tests.unit.own.conftest import folder

__all__ = ["folder"]
