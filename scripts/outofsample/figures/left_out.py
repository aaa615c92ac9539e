"""What stands in the place of a figure whose data could not be had."""

import html
from pathlib import Path
from typing import TYPE_CHECKING

from outofsample.files.missing import REASON, find_note
from outofsample.files.scores import read_scores
from outofsample.files.writing import replacing

if TYPE_CHECKING:
    from outofsample.figures.render import Shown
    from outofsample.jobs.figure import FigureSpec


def why_left_out(shown: "Shown") -> str | None:
    """Return the sentence on what is missing; None where the figure can be drawn.

    A figure of scores alone is drawn while one task has numbers.
    """
    note = find_note([*shown.cells, *shown.predictions, *shown.histories])
    if note:
        names = ", ".join(missing.name for missing in note.files)
        return f"Not drawn: the data of '{note.dataset}' could not be had ({names})."
    if not shown.cells and shown.scores:
        scores = read_scores(shown.scores)
        if scores["value"].isna().all() and (scores["note"] == REASON).any():
            return "Not drawn: the data of its tasks could not be had."
    return None


def write_left_out(spec: "FigureSpec", sentence: str, pdf: Path, png: Path, page: Path) -> None:
    """Write the sentence as ``pdf``, ``png`` and HTML page."""
    from matplotlib.figure import Figure

    from outofsample.figures.style import save

    figure = Figure(figsize=(6, 1.5))
    for height, text, weight in ((0.7, spec.title, "bold"), (0.3, sentence, "normal")):
        figure.text(0.5, height, text, ha="center", va="center", weight=weight, wrap=True, parse_math=False)
    save(figure, pdf, png)
    title, text = html.escape(spec.title), html.escape(sentence)
    with replacing(page) as temporary:
        temporary.write_text(
            f'<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title>'
            f"<h1>{title}</h1><p>{text}</p></html>\n",
            encoding="utf-8",
        )
