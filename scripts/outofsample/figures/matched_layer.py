"""The layer after the bottleneck, in which conditions should mix and cell types should not: trVAE, Figure 2."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from outofsample.errors import UserError
from outofsample.figures import embedding, panels, style
from outofsample.figures.data import FigureData, Panel, note
from outofsample.figures.embedding import look_of_conditions, look_of_kinds, scatter
from outofsample.files.prediction import PredictionFile
from outofsample.files.task import TrainingRows
from outofsample.metrics.mixing import NEIGHBOURS, mixing
from outofsample.texts import number


@dataclass(frozen=True)
class Layer:
    """A hidden layer of one method, or why there is none.

    ``units`` is an array (cells, units), ``condition`` and ``domain`` are arrays (cells,).
    """

    label: str
    units: np.ndarray | None = None
    condition: np.ndarray | None = None
    domain: np.ndarray | None = None
    why: str = ""


def read_layers(data: FigureData, train: str | Path, predictions: list[str], cells: int = 1500) -> list[Layer]:
    """Read the layer after the bottleneck of each method: training cells, decoded under their own condition.

    These are the rows with the role ``self`` of the first seed; at most ``cells`` of them, the same for each method.

    Raises
    ------
    UserError
        If a file cannot be read, or names cells that the training part has not.
    """
    known = TrainingRows(train).obs
    layers = zip(data.panels, predictions, strict=True)
    return [_read_layer(panel, Path(path), known, cells) for panel, path in layers]


def _read_layer(panel: Panel, path: Path, known: pd.DataFrame, cells: int) -> Layer:
    if panel.X is None:
        return Layer(panel.label, why=f"not run: {panel.not_run}")
    file = PredictionFile(path)
    obs, matched = file.obs, file.activations("matched")
    if matched is None:
        return Layer(panel.label, why="it has no layer after its bottleneck that could be matched")
    rows = file.own_condition_rows()
    if len(rows) <= NEIGHBOURS:
        return Layer(panel.label, why="its predictions hold too few training cells decoded under their own condition")
    rows = rows[np.sort(np.random.default_rng(0).permutation(len(rows))[:cells])]
    names = obs["cell"].astype(str).to_numpy()[rows]
    unknown = [name for name in names if name not in known.index]
    if unknown:
        raise UserError(f"{path}: the training part has no cell '{unknown[0]}', which is in obs[\"cell\"].")
    of_cells = known.loc[names, ["condition", "domain"]].astype(str)
    return Layer(panel.label, matched[rows], of_cells["condition"].to_numpy(), of_cells["domain"].to_numpy())


def matched_layers(data: FigureData, layers: list[Layer], neighbours: int = NEIGHBOURS) -> Figure:
    """Draw the layer after the bottleneck of each method, coloured by condition and by domain (Figure 2).

    ``neighbours`` is the number of nearest cells, of UMAP and of the two numbers in the titles.
    """
    sentences = (
        "UMAP of the layer after the bottleneck: training cells, decoded under their own condition",
        f"Numbers: share of the {neighbours} nearest cells in the layer itself that have another condition (domain), "
        "divided by that of shuffled conditions within domains (shuffled domains): 1 is mixed, 0 is apart",
        "A match is good where conditions mix and domains do not",
    )
    figure = style.page(data.figure["title"], note(data, *sentences), 2.45 * len(layers))
    axes = figure.subplots(len(layers), 2, squeeze=False)
    there = [layer for layer in layers if layer.units is not None]
    if there:
        conditions = look_of_conditions(data, np.concatenate([layer.condition for layer in there]))
        domains = look_of_kinds(data, np.concatenate([layer.domain for layer in there]))
    for layer, pair, letter in zip(layers, axes, panels.letters(), strict=False):
        pair[0].set_title(f"{letter}   {layer.label}", loc="left", weight="bold")
        if layer.units is None:
            panels.say(pair[0], layer.why, 40)
            pair[1].set_axis_off()
            continue
        points = embedding.embed(layer.units, neighbours, components=None)
        scatter(pair[0], points, layer.condition, conditions)
        scatter(pair[1], points, layer.domain, domains)
        mixed = mixing(layer.units, layer.condition, layer.domain, neighbours)
        pair[0].set_title(f"conditions mixed: {number(mixed, 2)}", loc="right")
        pair[1].set_title(
            f"domains mixed: {number(mixing(layer.units, layer.domain, None, neighbours), 2)}", loc="right"
        )
    if there:
        for look, side, title in ((conditions, "left", "Condition"), (domains, "right", "Domain")):
            ncols = 2 if len(look.colours) < 3 else 3 if len(look.colours) <= 9 else 5
            keys = {"loc": f"lower {side}", "ncols": ncols, "title": title, "title_fontsize": 7, "fontsize": 6.5}
            figure.legend(handles=look.handles(), **keys, handletextpad=0.2, columnspacing=1.0, labelspacing=0.3)
    return figure
