"""A dot plot as SVG within a page: a score of each method, controls as lines, the oracle as a band.

Colours and fonts are the page's (``page.css``), so that the plot follows its light and dark scheme. Shapes and dashes
say the same as colours.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from outofsample.texts import shortened

WIDTH, LABELS, RIGHT = 408, 172, 12
ROW, KEYS, AXIS = 17, 24, 36
#: Characters of a label that fit beside the plot.
LONGEST = 26
#: Characters of the keys above the plot, times this, is their width; and what a swatch takes.
LETTER, SWATCH = 5.9, 26
HINTS = {"high": "more is better →", "low": "← less is better", "one": "1 is best"}


@dataclass(frozen=True)
class Dot:
    """A method's score; ``low`` and ``high`` end its interval, NaN where there is none."""

    label: str
    value: float
    low: float = math.nan
    high: float = math.nan
    control: bool = False


@dataclass(frozen=True)
class DotPlot:
    """What a plot shows.

    Attributes
    ----------
    title
        Name of the score, at the axis.
    better
        ``high``, ``low`` or ``one``, None where nobody knows.
    dots
        The rows, from top to bottom; values must be finite.
    lines
        Label and value of the controls that are drawn as lines, two at most.
    band
        Label, low and high end of the oracle's range, or None.
    """

    title: str
    better: str | None
    dots: tuple[Dot, ...]
    lines: tuple[tuple[str, float], ...] = ()
    band: tuple[str, float, float] | None = None


def domain(plot: DotPlot) -> tuple[float, float]:
    """Return the ends of the axis.

    It covers controls, oracle, all that is better and a quarter of the methods at least. It goes beyond the worst of
    the controls by as much as these and the oracle lie apart: methods that are far off must not squeeze all others into
    a corner. What lies outside is drawn at the edge, with its number.
    """
    marks = [value for _, value in plot.lines] + list(plot.band[1:] if plot.band else ())
    ends = [end for dot in plot.dots for end in (dot.value, dot.low, dot.high) if not math.isnan(end)]
    lowest, highest = -math.inf, math.inf
    if marks:
        reach, ordered = max(marks) - min(marks), sorted(dot.value for dot in plot.dots)
        quarter = (len(ordered) + 3) // 4
        if plot.better != "low":
            lowest = min(min(marks) - reach, ordered[-quarter])
        if plot.better != "high":
            highest = max(max(marks) + reach, ordered[quarter - 1])
    shown = [end for end in ends if lowest <= end <= highest] + marks
    low, high = min(shown), max(shown)
    pad = 0.04 * (high - low) or max(abs(high), 1.0) * 0.1
    return low - pad, high + pad


def ticks(low: float, high: float) -> list[float]:
    """Return three to seven round numbers within a range of an axis."""
    raw = (high - low) / 6
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def svg(plot: DotPlot) -> str:
    """Return the plot as SVG; labels are escaped."""
    low, high = domain(plot)
    about = f"Dot plot of {plot.title}: {len(plot.dots)} methods; the numbers stand in the table."
    parts = [
        f'<svg class="dots" viewBox="0 0 {WIDTH} {_bottom(plot) + AXIS}" role="img" aria-label="{escape(about)}">',
        *_band(plot, low, high),
        *_axis(plot, low, high),
        *_lines(plot, low, high),
        *(part for place, dot in enumerate(plot.dots) for part in _row(dot, _top(plot) + ROW * place, low, high)),
        "</svg>",
    ]
    return "".join(parts)


def _x(value: float, low: float, high: float) -> float:
    """Return where a value stands, at the plot's edge if it lies outside."""
    share = (min(max(value, low), high) - low) / (high - low)
    return round(LABELS + share * (WIDTH - LABELS - RIGHT), 1)


def _top(plot: DotPlot) -> int:
    """Return where the rows begin: below the keys, where there are any."""
    return KEYS if plot.lines or plot.band else 2


def _bottom(plot: DotPlot) -> int:
    return _top(plot) + ROW * len(plot.dots)


def _axis(plot: DotPlot, low: float, high: float) -> Iterator[str]:
    bottom = _bottom(plot)
    places = ticks(low, high)
    step = places[1] - places[0] if len(places) > 1 else 1.0
    digits = len(f"{step:.9f}".rstrip("0").partition(".")[2])
    for place in places:
        x = _x(place, low, high)
        yield f'<path class="grid" d="M{x} {_top(plot)}V{bottom}"/>'
        text = f"{round(place, digits) + 0.0:.{digits}f}"
        yield f'<text class="tick" x="{x}" y="{bottom + 13}">{text}</text>'
    hint = HINTS.get(plot.better, "")
    title = f"{plot.title} ({hint})" if hint else plot.title
    yield f'<text class="tick" x="{(WIDTH + LABELS) / 2 - 20}" y="{bottom + 29}">{escape(title)}</text>'


def _band(plot: DotPlot, low: float, high: float) -> Iterator[str]:
    if plot.band is None:
        return
    start, end = (_x(value, low, high) for value in plot.band[1:])
    # A narrow band is still seen.
    width, height = max(end - start, 2.0), _bottom(plot) - _top(plot)
    yield f'<rect class="oracle" x="{start}" y="{_top(plot)}" width="{width:.1f}" height="{height}"/>'


def _lines(plot: DotPlot, low: float, high: float) -> Iterator[str]:
    """Draw the controls' lines, and the keys to lines and band above the plot."""
    bottom, place = _bottom(plot), 2.0
    for number, (label, value) in enumerate(plot.lines):
        x = _x(value, low, high)
        yield f'<path class="line{number}" d="M{x} {_top(plot)}V{bottom}"/>'
        yield f'<path class="line{number}" d="M{place} 9h18"/>'
        yield f'<text x="{place + 22}" y="13">{escape(label)}</text>'
        place += SWATCH + LETTER * len(label) + 10
    if plot.band:
        yield f'<rect class="oracle" x="{place:.1f}" y="3" width="16" height="12"/>'
        yield f'<text x="{place + 20:.1f}" y="13">{escape(plot.band[0])}</text>'


def _row(dot: Dot, top: float, low: float, high: float) -> Iterator[str]:
    y = top + ROW / 2
    name = dot.label if len(dot.label) <= LONGEST else dot.label[: LONGEST - 1] + "…"
    kind = ' class="control"' if dot.control else ""
    yield f'<text{kind} x="{LABELS - 8}" y="{y + 4}" text-anchor="end">{escape(name)}</text>'
    yield f"<g{kind}><title>{escape(dot.label)}: {shortened(dot.value)}</title>"
    x = _x(dot.value, low, high)
    if not low <= dot.value <= high:
        number, left = shortened(dot.value), dot.value < low
        text, anchor = (f"◂ {number}", "start") if left else (f"{number} ▸", "end")
        yield f'<text class="beyond" x="{x}" y="{y + 4}" text-anchor="{anchor}">{text}</text></g>'
        return
    if not math.isnan(dot.low + dot.high):
        start, end = _x(dot.low, low, high), _x(dot.high, low, high)
        yield f'<path class="interval" d="M{start} {y}H{end}"/>'
    shape = f'<path class="dot" d="M{x} {y - 5}l5 5l-5 5l-5 -5z"/>' if dot.control else ""
    yield (shape or f'<circle class="dot" cx="{x}" cy="{y}" r="4"/>') + "</g>"
