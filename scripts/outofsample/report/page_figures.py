"""Figures on the page: pictures within it, with what a reader must know of each."""

import base64
import struct
from pathlib import Path

from outofsample import texts
from outofsample.errors import UserError
from outofsample.jobs.page import PageSpec

_PNG = b"\x89PNG\r\n\x1a\n"


def figures(study: PageSpec, paths: list[Path]) -> list[dict]:
    """Return the figures, each with its picture, caption, alternative text and the command that makes it again."""
    shown = []
    for path in paths:
        figure = study.figures[path.stem]
        marks = [f"task {figure.task}" if figure.task else "", texts.marks(figure.stand_in, study.demo_size)]
        width, height = png_size(path)
        shown.append(
            {
                "name": path.stem,
                "title": figure.title,
                "notebook": figure.notebook,
                "marks": ", ".join(filter(None, marks)),
                "picture": "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode(),
                "width": width,
                "height": height,
                "files": [str(path.with_suffix(suffix)) for suffix in (".pdf", ".html")],
                "command": study.command(path.stem),
            }
        )
    return shown


def png_size(path: Path) -> tuple[int, int]:
    """Return width and height of a PNG in pixels, from its head."""
    try:
        with open(path, "rb") as file:
            head = file.read(24)
    except OSError as error:
        raise UserError(f"{path}: this picture cannot be read ({error}).") from error
    if not head.startswith(_PNG) or len(head) < 24:
        raise UserError(f"{path}: this is not a PNG picture.")
    return struct.unpack(">II", head[16:24])
