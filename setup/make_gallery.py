"""Write docs/gallery.md and its pictures: all figures of the demo, each with the command that makes it.

After `make demo`, from the root of the repository: ``make gallery``.
"""

import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from outofsample.errors import UserError, run_script  # noqa: E402
from outofsample.files.writing import replacing  # noqa: E402
from outofsample.study.load import read_study  # noqa: E402
from outofsample.study.paths import Paths  # noqa: E402

PAGE = ROOT / "docs" / "gallery.md"
PICTURES = ROOT / "docs" / "images" / "gallery"
#: Pixels and colours of a picture on the page: legible, and some 100 kB each.
WIDTH, COLOURS = 1000, 64
INTRODUCTION = """# Gallery

All figures of the demo, in its order. Data are simulated stand-ins at demo size, as each figure says under its title.
The command below a figure makes it alone, as PDF, PNG and HTML (the notebook), in `results/demo/figures/`.
Written by `make gallery` after `make demo`.
"""


def main() -> None:
    """Write the page and its pictures."""
    study = read_study(ROOT / "config.yaml")
    paths = Paths(f"results/{study.study}")
    names = study.selected("figures")
    absent = [name for name in names if not (ROOT / paths.figure(name, "png")).is_file()]
    if absent:
        raise UserError(f"{paths.figure(absent[0], 'png')} is not there: run `make demo` first.")
    PICTURES.mkdir(parents=True, exist_ok=True)
    for old in PICTURES.glob("*.png"):
        if old.stem not in names:
            old.unlink()
    for name in names:
        write_picture(ROOT / paths.figure(name, "png"), PICTURES / f"{name}.png")
    with replacing(PAGE) as temporary:
        temporary.write_text(page({name: study.figures[name].title or name for name in names}), encoding="utf-8")


def page(titles: dict[str, str]) -> str:
    """Return the text of the page: figures by name, with their titles."""
    parts = [
        f"## {title}\n\n![{title}](images/gallery/{name}.png)\n\n```\nsnakemake --cores 2 {name}\n```\n"
        for name, title in titles.items()
    ]
    return "\n".join([INTRODUCTION, *parts])


def write_picture(source: Path, target: Path) -> None:
    """Write a figure at the width of a page, in few colours."""
    with Image.open(source) as image:
        size = min(WIDTH, image.width), round(image.height * min(1, WIDTH / image.width))
        small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    with replacing(target) as temporary:
        small.quantize(COLOURS, dither=Image.Dither.NONE).save(temporary, format="PNG", optimize=True)


if __name__ == "__main__":
    run_script(main)
