"""One look for all figures: colours with fixed meanings, sizes for print, and files that are the same each time.

Figures are `matplotlib.figure.Figure` objects without pyplot: no global state, no window, no double display.
"""

import re
import textwrap
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterSciNotation

from outofsample.files.writing import replacing

#: Pairs of light and dark blue and red, told apart by readers with any colour vision (ColorBrewer RdBu), as in the
#: papers: light for population 1, dark for population 2; blue before the change, red after it.
COLOURS = {
    "source": "#92C5DE",
    "target": "#F4A582",
    "query": "#2166AC",
    "prediction": "#B2182B",
    "truth": "#000000",
    "reference": "#1B9E77",
}
#: Width of a page of a journal, in inches (180 mm).
WIDTH = 7.09
LINE = 0.135
#: Height of a legend of three lines.
LEGEND = 0.62
PNG_DPI = 200
STYLE = {
    # Joined into one image, many small ones are resampled: half of the time of a page of faces.
    "image.composite_image": False,
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.frameon": False,
    # TrueType: editors and publishers can read the text.
    "pdf.fonttype": 42,
    # Of the rasterised points in the PDF.
    "savefig.dpi": 300,
    # No text of ours is a formula, and names of channels, conditions and files are their user's: they may hold '$'.
    "text.parse_math": False,
}
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def page(title: str, note: str, height: float) -> Figure:
    """Return a figure of page width with a title, a note below it, and room for panels and a legend below them.

    ``height`` is that of the panels in inches; the page is as much higher as the title, note and legend need.
    """
    matplotlib.rcParams.update(STYLE)
    lines = textwrap.wrap(note, 134)
    top, bottom = 0.28 + LINE * len(lines) + 0.06, LEGEND
    total = top + height + bottom
    figure = Figure(figsize=(WIDTH, total), layout="constrained")
    figure.get_layout_engine().set(rect=(0, bottom / total, 1, height / total), w_pad=0.03, h_pad=0.03)
    figure.text(0.008, 1 - 0.06 / total, title, va="top", size=9, weight="bold")
    figure.text(0.008, 1 - 0.26 / total, "\n".join(lines), va="top", linespacing=1.3, color="#333333")
    return figure


class LogTicks(LogFormatterSciNotation):
    """Labels of a logarithmic axis in plain text, as ``2×10⁻³``: matplotlib's own are formulas."""

    def __call__(self, x, pos=None):
        """Return the label of a tick."""
        text = super().__call__(x, pos).removeprefix(r"$\mathdefault{").removesuffix("}$").replace(r"\times", "×")
        return re.sub(r"\^\{(.*)\}", lambda power: power[1].translate(_SUPERSCRIPTS), text)


def settle(figure: Figure) -> None:
    """Lay the panels out for good: what is measured in points (arrows, labels) is drawn after this."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def save(figure: Figure, pdf: str | Path, png: str | Path) -> None:
    """Write the figure as PDF and PNG: both whole or not at all, and without dates, so that bytes can be compared."""
    with replacing(pdf) as vector, replacing(png) as pixels:
        figure.savefig(vector, metadata={"CreationDate": None})
        figure.savefig(pixels, dpi=PNG_DPI)
