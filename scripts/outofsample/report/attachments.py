"""Whole HTML files that the page carries within it, packed."""

import base64
import gzip
from pathlib import Path

from outofsample.errors import UserError


def attachment(path: Path) -> dict:
    """Return a whole HTML file to be carried within the page, packed."""
    return {
        "id": f"own-{'-'.join(path.parts[-2:]).removesuffix('.html')}",
        "name": path.name,
        "title": f"{path.parent.name}: {path.stem.removesuffix('_changes')}",
        "packed": packed(read_text(path)),
    }


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises
    ------
    UserError
        If it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: this file cannot be read ({error}).") from error


def packed(text: str) -> str:
    """Return text as gzip in base64."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
