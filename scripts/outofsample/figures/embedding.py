"""Cells on two axes (UMAP), and the colours and markers of conditions and cell types."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from outofsample.figures import style
from outofsample.figures.data import FigureData
from outofsample.metrics.mixing import NEIGHBOURS

#: Paul Tol's muted colours: told apart with any colour vision. Black is kept for what was held out.
MUTED = ("#88CCEE", "#CC6677", "#117733", "#DDCC77", "#332288", "#AA4499", "#44AA99", "#999933", "#882255")
MARKERS = ("o", "^", "s", "D", "v")
#: Conditions besides the query's two, which are blue (before) and red (after).
OTHER_CONDITIONS = ("#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#999999")


def embed(X: np.ndarray, neighbours: int = NEIGHBOURS, components: int | None = 50, seed: int = 0) -> np.ndarray:
    """Return the UMAP (cells, 2) of cells (cells, features), on principal components unless ``components`` is None."""
    import anndata
    import scanpy
    from threadpoolctl import threadpool_limits

    adata = anndata.AnnData(np.asarray(X, dtype=np.float32))
    kept = components is not None and min(components, min(X.shape) - 1)
    # Sums in another order, as of several threads, are enough for UMAP to turn the picture around.
    with threadpool_limits(limits=1):
        if kept:
            scanpy.pp.pca(adata, n_comps=kept, random_state=seed)
        scanpy.pp.neighbors(adata, n_neighbors=neighbours, use_rep="X_pca" if kept else "X", random_state=seed)
        scanpy.tl.umap(adata, random_state=seed)
    return adata.obsm["X_umap"]


@dataclass(frozen=True)
class Look:
    """Colour and marker of each value of a category, in the order of the legend."""

    colours: dict[str, str]
    markers: dict[str, str]
    labels: dict[str, str]

    def handles(self) -> list[Line2D]:
        """Return the legend."""
        shared = {"linestyle": "", "ms": 3.5, "mew": 0}
        return [
            Line2D([], [], color=colour, marker=self.markers[name], label=self.labels[name], **shared)
            for name, colour in self.colours.items()
        ]


def look_of_conditions(data: FigureData, conditions: np.ndarray) -> Look:
    """Return blue for the condition that the query starts from, red for the one it goes to, others after these."""
    first = [name for name in (data.query.source, data.query.target) if name in set(conditions)]
    others = sorted(set(conditions) - set(first))
    colours = {data.query.source: style.COLOURS["query"], data.query.target: style.COLOURS["prediction"]}
    repeated = OTHER_CONDITIONS * (1 + len(others) // len(OTHER_CONDITIONS))
    colours = {name: colours[name] for name in first} | dict(zip(others, repeated, strict=False))
    return Look(colours, dict.fromkeys(colours, "o"), {name: name for name in colours})


def look_of_kinds(data: FigureData, kinds: np.ndarray) -> Look:
    """Return a colour, and from the tenth on another marker, per cell type or domain; black is the query's."""
    others = sorted(set(kinds) - {data.query.domain})
    colours = {name: MUTED[k % len(MUTED)] for k, name in enumerate(others)}
    markers = {name: MARKERS[k // len(MUTED) % len(MARKERS)] for k, name in enumerate(others)}
    labels = {name: name for name in others}
    if data.query.domain in set(kinds):
        colours, markers = {data.query.domain: "#000000"} | colours, {data.query.domain: "o"} | markers
        labels = {data.query.domain: f"{data.query.domain} (query)"} | labels
    return Look(colours, markers, labels)


def scatter(ax: Axes, points: np.ndarray, values: np.ndarray, look: Look, size: float = 5.0) -> None:
    """Scatter an embedding (cells, 2), coloured by a category (cells,), in random order so that none hides another."""
    order = np.random.default_rng(0).permutation(len(points))
    for marker in dict.fromkeys(look.markers.values()):
        rows = [row for row in order if look.markers[values[row]] == marker]
        colours = [look.colours[values[row]] for row in rows]
        shared = {"s": size, "marker": marker, "alpha": 0.75, "linewidths": 0, "rasterized": True}
        ax.scatter(*points[rows].T, c=colours, **shared)
    ax.set(xticks=[], yticks=[])
    ax.spines[["left", "bottom"]].set_visible(False)


def legend_below(ax: Axes, look: Look, columns: int = 3) -> None:
    """Draw the legend of an embedding below its axes."""
    look_of_text = {"fontsize": 6, "handletextpad": 0.1, "columnspacing": 0.7, "labelspacing": 0.25, "borderpad": 0.1}
    ax.legend(handles=look.handles(), loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=columns, **look_of_text)
