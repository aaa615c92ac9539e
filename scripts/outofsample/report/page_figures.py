"""Figures on the page: pictures within it, small, with what a reader must know of each."""

import base64
import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from outofsample import texts
from outofsample.errors import UserError
from outofsample.jobs.page import PageSpec

if TYPE_CHECKING:
    from PIL import Image

#: Quality of WebP at which letters of a figure show no rings, seen at twice their size.
QUALITY = 85
#: What WebP must save.
MUCH_SMALLER = 2 / 3


def figures(study: PageSpec, paths: list[Path]) -> list[dict]:
    """Return the figures, each with its picture, caption, alternative text and the command that makes it again."""
    shown = []
    for path in paths:
        figure = study.figures[path.stem]
        marks = [f"task {figure.task}" if figure.task else "", texts.marks(figure.stand_in, study.demo_size)]
        picture, width, height = small_picture(path)
        shown.append(
            {
                "name": path.stem,
                "title": figure.title,
                "notebook": figure.notebook,
                "marks": ", ".join(filter(None, marks)),
                "picture": picture,
                "width": width,
                "height": height,
                "files": [str(path.with_suffix(suffix)) for suffix in (".pdf", ".html")],
                "command": study.command(path.stem),
            }
        )
    return shown


def small_picture(path: Path) -> tuple[str, int, int]:
    """Return a PNG as the address of a picture within the page, with its width and height in pixels.

    It has all its pixels: as PNG of 256 colours, which is nearer to a drawing, or as WebP where that is much smaller,
    as it is for many photographs. Ours then have about a third of their size. The file itself stays as it is.

    Raises
    ------
    UserError
        If it cannot be read, or is no PNG.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings(), Image.open(path, formats=["PNG"]) as opened:
            # A figure of many panels is large and no attack.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = opened.convert("RGBA")
    except UnidentifiedImageError as error:
        raise UserError(f"{path}: this is not a PNG picture.") from error
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"{path}: this picture cannot be read ({error}).") from error
    # On white, as figures are drawn.
    plain = Image.new("RGB", picture.size, "white")
    plain.paste(picture, mask=picture.getchannel("A"))
    drawing = _written(plain.quantize(256, method=Image.Quantize.MEDIANCUT), "PNG")
    photograph = _written(plain, "WEBP", quality=QUALITY, method=4)
    kind, data = ("webp", photograph) if len(photograph) < MUCH_SMALLER * len(drawing) else ("png", drawing)
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}", *plain.size


def _written(picture: "Image.Image", kind: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()
