"""A perturbation of cells that training has not seen in it: trVAE, Figures 5 and 6.

Panels: a to c in `perturbation_genes`, d and e in `perturbation_methods`, f in `perturbation_types`.
"""

from collections.abc import Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from outofsample.errors import UserError, did_you_mean
from outofsample.figures import panels, style
from outofsample.figures.data import FigureData, Panel, note
from outofsample.figures.perturbation_data import Measured, Perturbation, changes_of_genes
from outofsample.figures.perturbation_genes import cells_and_genes
from outofsample.figures.perturbation_methods import handles_of_methods, methods_block
from outofsample.figures.perturbation_types import types_block
from outofsample.figures.point_labels import label_points

#: What scores are called where a study gives no other name.
SCORE_LABELS = {
    "means_r2": "R² of means",
    "means_r2_subsamples": "R² of means",
    "means_r2_top100": "R² of means, top 100",
    "variances_r2": "R² of variances",
    "variances_r2_subsamples": "R² of variances",
    "variances_r2_top100": "R² of variances, top 100",
    "change_of_means_r": "r of changes",
    "sd_ratio": "SD ratio",
    "variance_ratio": "variance ratio",
    "energy_distance": "energy distance",
}
SCORES = ("means_r2_subsamples", "change_of_means_r", "variances_r2_subsamples", "sd_ratio")
#: Heights in inches: a panel of a to c, a row of d to f, their axes, a sentence.
PANEL, ROW, AXIS, SENTENCE = 1.8, 0.15, 0.5, 0.3


def perturbation(
    data: FigureData,
    measured: Measured,
    scores: pd.DataFrame,
    show: Sequence[str] = "abcde",
    focus: Sequence[str] = (),
    gene: str | None = None,
    named: int = 10,
    score_names: Sequence[str] = SCORES,
    type_score: str = "means_r2_subsamples",
    score_labels: dict[str, str] | None = None,
    query_labels: dict[str, str] | None = None,
) -> Figure:
    """Draw Figures 5 and 6: the cells, genes of one method, one gene of all methods, scores, and all cell types.

    Parameters
    ----------
    show
        Letters of the panels: a (UMAP), b and c (means and variances), d (one gene), e (scores), f (cell types).
    focus
        Methods of b, c and f, at most three; by default the first that ran.
    gene
        The gene of d; by default the one whose mean changes most.
    named
        How many genes are named in b and c.
    score_names, type_score
        Scores that are drawn in e, and the one of f.
    score_labels, query_labels
        What scores (over `SCORE_LABELS`) and the queries of f are called.

    Raises
    ------
    UserError
        If a method, gene or score is unknown.
    """
    parts = Perturbation.of(data, measured, scores)
    chosen = _focus(data, focus)
    labels = SCORE_LABELS | (score_labels or {})
    gene = gene or data.features[int(np.argsort(-changes_of_genes(data), kind="stable")[0])]
    data.column(gene)
    if "e" in show:
        _check_scores(parts, score_names)
    blocks = _blocks(parts, show)
    figure = style.page(data.figure["title"], _note(parts, show, gene), sum(blocks.values()))
    places = figure.add_gridspec(len(blocks), 1, height_ratios=list(blocks.values()))
    names_to_place = []
    for place, block in zip(places, blocks, strict=True):
        if block == "abc":
            names_to_place = cells_and_genes(figure, place, parts, show, chosen, named)
        elif block == "de":
            methods_block(figure, place, parts, show, gene, score_names, labels)
        else:
            types_block(figure, place, parts, chosen, type_score, labels, query_labels or {})
    style.settle(figure)
    for ax, points, genes in names_to_place:
        with matplotlib.rc_context({"font.size": 5.8}):
            label_points(ax, points[genes], [data.features[k] for k in genes], points[genes])
    if "de" in blocks:
        panels.legend(figure, handles_of_methods(parts, show))
    return figure


def _focus(data: FigureData, focus: Sequence[str]) -> list[Panel]:
    known = {panel.method: panel for panel in data.panels}
    for method in focus:
        if method not in known:
            raise UserError(
                f"{data.figure['name']}: focus: no method '{method}'{did_you_mean(method, known)} among those shown: "
                f"{', '.join(known)}."
            )
    if len(focus) > 3:
        raise UserError(f"{data.figure['name']}: focus: at most three methods fit, not {len(focus)}.")
    return [known[method] for method in focus] or data.ran[:1]


def _check_scores(parts: Perturbation, score_names: Sequence[str]) -> None:
    """Complain about scores that nobody computed; without a truth most are not there, which is no mistake."""
    known = set(parts.scores["score"]) - {""} if len(parts.scores) else set()
    if "truth" in parts.data.cells and known:
        for name in score_names:
            if name not in known:
                raise UserError(
                    f"{parts.data.figure['name']}: score_names: no score '{name}'{did_you_mean(name, known)}; the "
                    f"scores of the task have {', '.join(sorted(known))}."
                )


def _blocks(parts: Perturbation, show: Sequence[str]) -> dict[str, float]:
    """Return the blocks of the page from top to bottom with their heights in inches."""
    unknown = set(show) - set("abcdef")
    if unknown or not show:
        raise UserError(f"{parts.data.figure['name']}: show: letters are a to f, not {sorted(unknown)}.")
    blocks = {}
    if set(show) & set("abc"):
        blocks["abc"] = 2 * PANEL + 0.4 if "a" in show else PANEL * len(set(show) & set("bc"))
    if set(show) & set("de"):
        blocks["de"] = ROW * (len(parts.data.panels) + 2) + AXIS
    if "f" in show:
        blocks["f"] = SENTENCE if parts.by_type.empty else ROW * parts.by_type["task"].nunique() + AXIS
    return blocks


def _note(parts: Perturbation, show: Sequence[str], gene: str) -> str:
    few = len(parts.measured.X)
    sentences = {
        "a": f"(a) UMAP of {few:,} measured cells, held-out ones included",
        "b": "(b, c) Each point is a gene; red: those whose mean changes most; R²: squared correlation over genes",
        "d": f"(d) {gene} in single cells; dot: mean; line: mean of the held-out cells; cut at the axis",
        "e": "(e) Mean over seeds; bars: sd over seeds, or over resampled cells where there is one run; dashed: oracle "
        "(halves of the truth against each other), band: its 95 % range; dotted: no change; bold: best of those that "
        "are no controls; SD ratio: predicted / real",
        "f": "(f) One fit for each cell type that is held out",
    }
    return note(parts.data, *(text for letter, text in sentences.items() if letter in show))
