"""Single cells: trVAE's Figure 2 (the matched layer), Figure 5 and Figure 6 (a perturbation of unseen cells)."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from outofsample.errors import UserError, did_you_mean
from outofsample.figures import panels, style
from outofsample.figures.data import FigureData, Panel, note
from outofsample.files.prediction import PredictionFile
from outofsample.files.scores import read_scores
from outofsample.files.task import TrainingRows, TruthRows
from outofsample.metrics.correlations import change_r, r2
from outofsample.metrics.directions import direction_of, distance_to_best
from outofsample.metrics.spread import sd_ratio
from outofsample.metrics.summaries import Summary, summarise
from outofsample.report.tables import summarise_runs
from outofsample.texts import number

#: Paul Tol's muted colours: told apart with any colour vision. Black is kept for what was held out.
MUTED = ("#88CCEE", "#CC6677", "#117733", "#DDCC77", "#332288", "#AA4499", "#44AA99", "#999933", "#882255")
MARKERS = ("o", "^", "s", "D", "v")
#: Conditions besides the query's two, which are blue (before) and red (after).
OTHER_CONDITIONS = ("#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#999999")
GREY = "#777777"
NEIGHBOURS = 15
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


# ---- cells and their embedding


@dataclass(frozen=True)
class Measured:
    """A sample of the measured cells, held-out ones included.

    Attributes
    ----------
    X
        Array (cells, features).
    condition, kind, held_out
        Arrays (cells,): condition, cell type (the domain where ``obs["cell_type"]`` is not known), mask of the truth.
    task
        The task's name, as in the column ``task`` of the scores.
    """

    X: np.ndarray
    condition: np.ndarray
    kind: np.ndarray
    held_out: np.ndarray
    task: str


def read_measured(train: str | Path, truth: str | Path, cells: int = 1500) -> Measured:
    """Read at most ``cells`` cells of both files of a task: the same at each call.

    Raises
    ------
    UserError
        If a file cannot be read.
    """
    parts = [TrainingRows(train), TruthRows(truth)]
    split, total = len(parts[0].obs), sum(len(part.obs) for part in parts)
    drawn = np.sort(np.random.default_rng(0).permutation(total)[:cells])
    rows = [drawn[drawn < split], drawn[drawn >= split] - split]
    kind = "cell_type" if all("cell_type" in part.obs for part in parts) else "domain"
    both = list(zip(parts, rows, strict=True))
    X = np.concatenate([part.values(of_part) for part, of_part in both])
    columns = {
        name: np.concatenate([part.obs[name].astype(str).to_numpy()[of_part] for part, of_part in both])
        for name in ("condition", kind)
    }
    held_out = np.repeat([False, True], [len(of_part) for of_part in rows])
    return Measured(X, columns["condition"], columns[kind], held_out, parts[0].task)


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


def mixing(X: np.ndarray, labels: np.ndarray, strata: np.ndarray | None = None, neighbours: int = NEIGHBOURS) -> float:
    """Return how well labels mix among cells (cells, units): 1 as if shuffled within strata, 0 where they lie apart.

    It is the share of each cell's nearest neighbours (Euclidean) that have another label, summed over cells, divided
    by the share expected if labels (cells,) were shuffled among the cells of the same stratum (cells,). With domains
    as strata, a domain that was measured in one condition alone does not count as badly mixed. NaN where there is
    nothing to mix.
    """
    from sklearn.neighbors import NearestNeighbors

    strata = np.zeros(len(labels), dtype=int) if strata is None else np.unique(strata, return_inverse=True)[1]
    codes = np.unique(labels, return_inverse=True)[1]
    # Without an argument the cell itself is left out, also where others lie in the same place.
    nearest = NearestNeighbors(n_neighbors=min(neighbours, len(X) - 1)).fit(X).kneighbors(return_distance=False)
    counts = np.zeros((strata.max() + 1, codes.max() + 1))
    np.add.at(counts, (strata, codes), 1)
    same_stratum = strata[nearest] == strata[:, None]
    alike = (counts[strata[nearest], codes[:, None]] - same_stratum) / (
        counts.sum(axis=1)[strata[nearest]] - same_stratum
    )
    observed, expected = (codes[nearest] != codes[:, None]).mean(), (1 - alike).mean()
    return float(observed / expected) if expected > 0 else float("nan")


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


def _scatter(ax: Axes, points: np.ndarray, values: np.ndarray, look: Look, size: float = 5.0) -> None:
    """Scatter an embedding (cells, 2), coloured by a category (cells,), in random order so that none hides another."""
    order = np.random.default_rng(0).permutation(len(points))
    for marker in dict.fromkeys(look.markers.values()):
        rows = [row for row in order if look.markers[values[row]] == marker]
        colours = [look.colours[values[row]] for row in rows]
        shared = {"s": size, "marker": marker, "alpha": 0.75, "linewidths": 0, "rasterized": True}
        ax.scatter(*points[rows].T, c=colours, **shared)
    ax.set(xticks=[], yticks=[])
    ax.spines[["left", "bottom"]].set_visible(False)


def _legend_below(ax: Axes, look: Look, columns: int = 3) -> None:
    look_of_text = {"fontsize": 6, "handletextpad": 0.1, "columnspacing": 0.7, "labelspacing": 0.25, "borderpad": 0.1}
    ax.legend(handles=look.handles(), loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=columns, **look_of_text)


def _say(ax: Axes, sentence: str, width: int = 60) -> None:
    """Say in a panel why there is nothing."""
    ax.set_axis_off()
    text = textwrap.fill(sentence, width)
    ax.text(0.5, 0.5, text, ha="center", va="center", transform=ax.transAxes, color="#555555")


# ---- Figure 2: the matched layer


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
    own, seeds = (obs["role"].astype(str) == "self").to_numpy(), obs["seed"].astype(int).to_numpy()
    rows = np.flatnonzero(own & (seeds == seeds[own].min(initial=seeds.max(initial=0))))
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
            _say(pair[0], layer.why, 40)
            pair[1].set_axis_off()
            continue
        points = embed(layer.units, neighbours, components=None)
        _scatter(pair[0], points, layer.condition, conditions)
        _scatter(pair[1], points, layer.domain, domains)
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


# ---- Figures 5 and 6: a perturbation


def load_scores(paths: list[str]) -> pd.DataFrame:
    """Read the scores of all tasks that a figure names; a frame without rows where it names none."""
    return read_scores([Path(path) for path in paths]) if paths else pd.DataFrame({"task": [], "query": []}, dtype=str)


@dataclass(frozen=True)
class Perturbation:
    """All that Figures 5 and 6 show.

    Attributes
    ----------
    data, measured
        Predictions of the query, and cells for the embedding.
    scores
        Scores of the query, as `load_scores` reads them; without rows where none were given.
    by_type
        Scores of the tasks that hold out one cell type each (`_types_block`): all that are not the query's task, and
        that too where it is one of them, as ``haber.Tuft`` is of ``haber.Stem``.
    """

    data: FigureData
    measured: Measured
    scores: pd.DataFrame
    by_type: pd.DataFrame

    @classmethod
    def of(cls, data: FigureData, measured: Measured, scores: pd.DataFrame) -> "Perturbation":
        """Sort the scores into those of the query and those of other tasks."""
        own = scores["task"] == measured.task
        family = scores["task"].str.partition(".")[0] == measured.task.partition(".")[0] if len(scores) else own
        by_type = ~own | (family if "." in measured.task and (family & ~own).any() else False)
        return cls(data, measured, scores[own & (scores["query"] == data.query.name)], scores[by_type])

    @property
    def controls(self) -> set[str]:
        """Names of the control methods."""
        return set(self.data.figure.get("controls", []))

    @property
    def ordered(self) -> list[Panel]:
        """Methods in the study's order, controls last."""
        return sorted(self.data.panels, key=lambda panel: panel.method in self.controls)

    def runs(self, method: str, score: str) -> dict:
        """Return mean, sd, low and high of a score (`summarise_runs`), NaN where the method has none."""
        of_method = self.scores[(self.scores["method"] == method) & (self.scores["score"] == score)]
        return summarise_runs(of_method, method)

    def of_seed(self, panel: Panel, score: str) -> float:
        """Return a score of the seed that is shown, NaN where there is none."""
        if self.scores.empty:
            return float("nan")
        found = self.scores[(self.scores["method"] == panel.method) & (self.scores["score"] == score)]
        found = found[found["seed"].astype(float) == panel.seeds[0]]["value"]
        return float(found.iloc[0]) if len(found) else float("nan")


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
    gene = gene or data.features[int(np.argsort(-_changes(data), kind="stable")[0])]
    data.column(gene)
    if "e" in show:
        _check_scores(parts, score_names)
    blocks = _blocks(parts, show)
    figure = style.page(data.figure["title"], _note(parts, show, gene), sum(blocks.values()))
    places = figure.add_gridspec(len(blocks), 1, height_ratios=list(blocks.values()))
    names_to_place = []
    for place, block in zip(places, blocks, strict=True):
        if block == "abc":
            names_to_place = _cells_and_genes(figure, place, parts, show, chosen, named)
        elif block == "de":
            _methods_block(figure, place, parts, show, gene, score_names, labels)
        else:
            _types_block(figure, place, parts, chosen, type_score, labels, query_labels or {})
    style.settle(figure)
    for ax, points, genes in names_to_place:
        with matplotlib.rc_context({"font.size": 5.8}):
            panels.label_points(ax, points[genes], [data.features[k] for k in genes], points[genes])
    if "de" in blocks:
        panels.legend(figure, _handles(parts, show))
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


def _cells_and_genes(
    figure: Figure, place, parts: Perturbation, show: Sequence[str], chosen: list[Panel], named: int
) -> list:
    """Draw a, b and c; return (axes, points (genes, 2), genes to name) of each scatter, to be named when laid out."""
    genes = [letter for letter in "bc" if letter in show]
    rows, left = (2 if "a" in show else len(genes)), int("a" in show)
    columns = left + (len(chosen) if genes else 0)
    grid = place.subgridspec(rows, columns)
    if "a" in show:
        _embedding(figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[1, 0]), parts)
    scatters = []
    for column, panel in enumerate(chosen if genes else []):
        for row, letter in enumerate(genes):
            ax = figure.add_subplot(grid[row, left + column])
            ax.set_title(f"{letter}   {panel.label}", loc="left", weight="bold", pad=13)
            if panel.X is None or "truth" not in parts.data.cells:
                _say(ax, f"not run: {panel.not_run}" if panel.X is None else "no truth was measured", 30)
            else:
                scatters.append(_genes_panel(ax, parts, panel, letter, named))
    return scatters


def _embedding(above: Axes, below: Axes, parts: Perturbation) -> None:
    """Draw a: measured cells by condition and by type."""
    measured = parts.measured
    above.set_title("a   conditions", loc="left", weight="bold")
    below.set_title("a   cell types", loc="left", weight="bold")
    if len(measured.X) <= NEIGHBOURS:
        _say(above, "too few cells")
        below.set_axis_off()
        return
    points = embed(measured.X)
    by_condition = look_of_conditions(parts.data, measured.condition)
    by_kind = look_of_kinds(parts.data, measured.kind)
    _scatter(above, points, measured.condition, by_condition, size=4)
    _scatter(below, points, measured.kind, by_kind, size=4)
    _legend_below(above, by_condition)
    _legend_below(below, by_kind)


def _changes(data: FigureData) -> np.ndarray:
    """Return how much the mean of each gene (genes,) changes: truly, or without a truth in the source."""
    means = {name: summarise(X).means for name, X in data.cells.items()}
    if "truth" in means:
        return np.abs(means["truth"] - means["query"])
    return np.abs(means["target"] - means["source"])


def _genes_panel(
    ax: Axes, parts: Perturbation, panel: Panel, letter: str, named: int
) -> tuple[Axes, np.ndarray, np.ndarray]:
    """Draw the mean (b) or variance (c) of each gene, predicted across and real upwards."""
    data = parts.data
    before, real, predicted = (summarise(X) for X in (data.cells["query"], data.cells["truth"], panel.X))
    what = "means" if letter == "b" else "variances"
    points = np.stack([getattr(predicted, what), getattr(real, what)], axis=1)
    changed = np.argsort(-_changes(data), kind="stable")[:named]
    end = 1.08 * max(points[:, 1].max(), min(np.percentile(points[:, 0], 99.9), 1.5 * points[:, 1].max()))
    start = min(0.0, 1.08 * points[:, 1].min()) - 0.02 * end
    ax.set(xlim=(start, end), ylim=(start, end), xlabel=f"predicted, {what}", ylabel=f"held out, {what}")
    ax.set_box_aspect(1)
    ax.plot((start, end), (start, end), color="#999999", linewidth=0.7, zorder=0)
    ax.scatter(*points.T, s=4, color="#555555", alpha=0.5, linewidths=0, rasterized=True, zorder=1)
    ax.scatter(*points[changed].T, s=9, color=style.COLOURS["prediction"], linewidths=0, zorder=3)
    text = _words_on_genes(parts, panel, what, before, real, predicted)
    ax.text(0, 1.02, text, ha="left", va="bottom", transform=ax.transAxes, size=5.8)
    outside = int((points[:, 0] > end).sum())
    if outside:
        text = f"{outside} gene{'s' * (outside > 1)} outside"
        halo = [withStroke(linewidth=2, foreground="white")]
        ax.text(0.98, 0.02, text, ha="right", transform=ax.transAxes, path_effects=halo, size=6)
    return ax, points, changed[points[changed, 0] <= end]


def _words_on_genes(
    parts: Perturbation, panel: Panel, what: str, before: Summary, real: Summary, predicted: Summary
) -> str:
    """Return the numbers above b or c; that of the top 100 genes stands in the scores alone."""
    words = [f"R² {number(float(r2(getattr(predicted, what), getattr(real, what))))}"]
    top = parts.of_seed(panel, f"{what}_r2_top100")
    if not np.isnan(top):
        words.append(f"top 100: {number(top)}")
    if what == "means":
        words.append(f"r of changes {number(float(change_r(before.means, predicted.means, real.means)))}")
    else:
        words.append(f"SD ratio {number(float(sd_ratio(predicted.variances, real.variances)), 2)}")
    return ", ".join(words)


# ---- d and e: a row per method


def _methods_block(
    figure: Figure, place, parts: Perturbation, show: Sequence[str], gene: str, score_names, labels: dict[str, str]
) -> None:
    """Draw d and e side by side: the same row is the same method."""
    scored = list(score_names) if "e" in show and len(parts.scores) else []
    widths = ([1.7] if "d" in show else []) + [1.0] * max(len(scored), int("e" in show))
    axes = [figure.add_subplot(spot) for spot in place.subgridspec(1, len(widths), width_ratios=widths, wspace=0.02)]
    _rows(axes[0], parts)
    for ax in axes:
        ax.sharey(axes[0])
        ax.tick_params(labelleft=ax is axes[0], left=False)
        _bands(ax, parts)
    if "d" in show:
        axes[0].set_title("d", loc="left", weight="bold")
        _violins(axes[0], parts, gene)
    for position, (ax, score) in enumerate(zip(axes[int("d" in show) :], scored, strict=False)):
        ax.set_title("e" if position == 0 else "", loc="left", weight="bold")
        _score_column(ax, parts, score, labels.get(score, score.replace("_", " ")))
    if "e" in show and not scored:
        axes[-1].set_title("e", loc="left", weight="bold")
        axes[-1].set(xticks=[])
        text = "No scores of this task\nwere given to the figure."
        axes[-1].text(0.5, 0.5, text, ha="center", va="center", transform=axes[-1].transAxes, color="#555555")


def _rows(ax: Axes, parts: Perturbation) -> None:
    """Name the rows: query and truth, methods, controls."""
    first = [f"{parts.data.query.source} (query)", f"{parts.data.query.target} (held out)"]
    ordered = parts.ordered
    ax.set_ylim(len(ordered) + 1.5, -0.5)
    ax.set_yticks(range(len(ordered) + 2), first + [panel.label for panel in ordered])
    for tick, panel in zip(ax.get_yticklabels()[2:], ordered, strict=True):
        if panel.method in parts.controls:
            tick.set(color=GREY, style="italic")


def _bands(ax: Axes, parts: Perturbation) -> None:
    """Shade every other row, and part the measured rows and the controls from the rest."""
    ordered = parts.ordered
    for row in range(0, len(ordered) + 2, 2):
        ax.axhspan(row - 0.5, row + 0.5, color="#F3F3F3", linewidth=0, zorder=-2)
    edges = [1.5]
    if 0 < sum(panel.method in parts.controls for panel in ordered) < len(ordered):
        edges.append(1.5 + sum(panel.method not in parts.controls for panel in ordered))
    for edge in edges:
        ax.axhline(edge, color="#BBBBBB", linewidth=0.5, zorder=-1)


def _colour(parts: Perturbation, panel: Panel) -> str:
    return GREY if panel.method in parts.controls else style.COLOURS["prediction"]


def _violins(ax: Axes, parts: Perturbation, gene: str) -> None:
    """Draw the distribution of a gene: before, held out, and as each method predicts it."""
    data = parts.data
    column = data.column(gene)
    ax.set_xlabel(data.axis_label(gene))
    shown = [(0, data.cells["query"], style.COLOURS["query"])]
    if "truth" in data.cells:
        shown.append((1, data.cells["truth"], "#444444"))
        ax.axvline(data.cells["truth"][:, column].mean(), color="black", linewidth=0.7, zorder=0)
    real = np.concatenate([X[:, column] for _, X, _ in shown])
    low, high = panels.limits([X[:, column] for _, X, _ in shown], [panel.X[:, column] for panel in data.ran])
    ax.set_xlim(max(low, min(real.min(), 0) - 0.04 * (high - low)), high)
    rows = [(row, panel.X, _colour(parts, panel)) for row, panel in enumerate(parts.ordered, 2) if panel.X is not None]
    for row, X, colour in [*shown, *rows]:
        values = X[:, column].astype(np.float64)
        if np.ptp(values) > 0:
            body = ax.violinplot(values, [row], orientation="horizontal", widths=0.9, showextrema=False)["bodies"][0]
            body.set(facecolor=colour, edgecolor=colour, alpha=0.45, linewidth=0.4)
        ax.plot(values.mean(), row, "o", ms=2.6, color=colour, mec="white", mew=0.3, zorder=4)
    for row, panel in enumerate(parts.ordered, 2):
        if panel.X is None:
            reason = textwrap.shorten(f"not run: {panel.not_run}", 40, placeholder=" ...")
            ax.text(0.03, row, reason, va="center", transform=ax.get_yaxis_transform(), color=GREY, size=6)


def _score_column(ax: Axes, parts: Perturbation, score: str, label: str) -> None:
    """Draw one score of all methods: a point with its sd and its number, the oracle and no change as lines."""
    ax.set_xlabel(label)
    found = {panel.method: parts.runs(panel.method, score) for panel in parts.ordered}
    means = np.array([run["mean"] for run in found.values()])
    oracle, unchanged = parts.runs("oracle", score), found.get("no_change", {"mean": np.nan})["mean"]
    low, high = _score_limits(score, np.append(means, [oracle["mean"], unchanged]))
    # To the right of the points there is room for the numbers.
    ax.set_xlim(low, high + 0.7 * (high - low))
    ax.set_xticks(_ticks(low, high))
    if not np.isnan(oracle["mean"]):
        ax.axvspan(*np.clip([oracle["low"], oracle["high"]], low, high), color="#DDDDDD", linewidth=0, zorder=-1)
        ax.axvline(oracle["mean"], color="black", linewidth=0.8, linestyle="--", zorder=0)
    if low <= unchanged <= high:
        ax.axvline(unchanged, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
    best = _best(score, {name: run["mean"] for name, run in found.items() if name not in parts.controls})
    for row, panel in enumerate(parts.ordered, 2):
        run = found[panel.method]
        if panel.X is None:
            continue
        _score_point(ax, row, run, (low, high), _colour(parts, panel))
        bold = {"weight": "bold"} if panel.method == best else {}
        place = {"ha": "right", "va": "center", "transform": ax.get_yaxis_transform(), "size": 6}
        ax.text(0.985, row, number(run["mean"]), color=_colour(parts, panel), **place, **bold)


def _score_limits(score: str, values: np.ndarray) -> tuple[float, float]:
    """Return the ends of a score's axis: 0 to 1 where more is better, further where values need it."""
    values, direction = values[np.isfinite(values)], direction_of(score)
    if direction == "high":
        return min(0.0, max(-1.0, values.min(initial=0.0))), 1.0
    if direction == "one":
        return 0.0, float(np.clip(values.max(initial=1.2), 1.2, 3.0))
    return min(0.0, values.min(initial=0.0)), 1.05 * (np.percentile(values, 90) if len(values) else 1.0) or 1.0


def _ticks(low: float, high: float) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    return [tick for tick in MaxNLocator(3, steps=[1, 2, 5, 10]).tick_values(low, high) if low <= tick <= high]


def _best(score: str, means: dict[str, float]) -> str | None:
    """Return the method whose score is best, or None."""
    distances = {name: distance_to_best(score, mean) for name, mean in means.items() if np.isfinite(mean)}
    return min(distances, key=distances.get, default=None)


def _score_point(ax: Axes, row: int, run: dict, ends: tuple[float, float], colour: str) -> None:
    """Draw a point and its sd; beyond the axis an arrow head at its end."""
    mean = run["mean"]
    if np.isnan(mean):
        return
    marker = "<" if mean < ends[0] else ">" if mean > ends[1] else "o"
    place = float(np.clip(mean, *ends))
    ax.plot(place, row, marker, ms=3.2, color=colour, mew=0, zorder=3)
    if marker == "o" and np.isfinite(run["sd"]):
        ax.plot(np.clip([mean - run["sd"], mean + run["sd"]], *ends), [row, row], color=colour, linewidth=0.8, zorder=2)


def _handles(parts: Perturbation, show: Sequence[str]) -> list:
    """Return the legend of d and e."""
    handles = []
    if "d" in show:
        handles.append(Patch(color=style.COLOURS["query"], alpha=0.6, linewidth=0, label=parts.data.names["query"]))
        handles.append(Patch(color="#444444", alpha=0.6, linewidth=0, label=parts.data.names["truth"]))
    handles.append(Patch(color=style.COLOURS["prediction"], alpha=0.6, linewidth=0, label="predicted"))
    if parts.controls & {panel.method for panel in parts.data.panels}:
        handles.append(Patch(color=GREY, alpha=0.6, linewidth=0, label="predicted by a control method"))
    if "e" in show and len(parts.scores):
        handles.append(Line2D([], [], color="black", linestyle="--", linewidth=0.8, label="oracle"))
        handles.append(Line2D([], [], color=GREY, linestyle=":", linewidth=0.8, label="no change"))
    return handles


# ---- f: every cell type


def _types_block(
    figure: Figure,
    place,
    parts: Perturbation,
    chosen: list[Panel],
    score: str,
    labels: dict[str, str],
    query_labels: dict[str, str],
) -> None:
    """Draw f: a panel per query, the cell types across, a point per method."""
    table = parts.by_type
    if table.empty:
        ax = figure.add_subplot(place)
        _say(ax, "f   Not shown: no scores of tasks that hold out other cell types were given to the figure.", 120)
        return
    queries = list(table["query"].unique())
    tasks = list(table["task"].unique())
    grid = place.subgridspec(1, len(queries), wspace=0.02)
    axes = [figure.add_subplot(grid[0, column]) for column in range(len(queries))]
    methods = [(panel.method, panel.label, look) for panel, look in zip(chosen, _TYPE_LOOKS, strict=False)]
    if "no_change" in set(table["method"]) and "no_change" not in [method for method, *_ in methods]:
        methods.append(("no_change", parts.data.figure["labels"].get("no_change", "no change"), _UNCHANGED))
    values = table[(table["score"] == score) & table["method"].isin([method for method, *_ in methods])]["value"]
    if values.dropna().empty:
        known = sorted(set(table["score"]) - {""})
        raise UserError(
            f"{parts.data.figure['name']}: type_score: no score '{score}'{did_you_mean(score, known)} of "
            f"{', '.join(method for method, *_ in methods)}; the scores have {', '.join(known)}."
        )
    low = np.floor(10 * (values.min() - 0.02)) / 10
    for position, (ax, query) in enumerate(zip(axes, queries, strict=True)):
        _types_panel(ax, table[table["query"] == query], tasks, methods, score)
        name = query_labels.get(query, query.replace("_", " "))
        ax.set_title(f"f   {name}" if position == 0 else name, loc="left", weight="bold")
        ax.set(xlim=(low, 1.0 + 0.02 * (1.0 - low)), xlabel=labels.get(score, score.replace("_", " ")))
        ax.set_yticks(range(len(tasks)), _type_names(parts, tasks))
        ax.tick_params(labelleft=position == 0, left=False)
    looks = {"fontsize": 6, "handletextpad": 0.3, "labelspacing": 0.3, "borderpad": 0.1}
    axes[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), **looks)


_TYPE_LOOKS = (
    {"marker": "o", "color": style.COLOURS["prediction"]},
    {"marker": "D", "color": GREY, "ms": 2.6},
    {"marker": "s", "color": "#0072B2", "ms": 2.6},
)
_UNCHANGED = {"marker": "|", "color": "#333333", "ms": 5, "mew": 1.0}


def _types_panel(ax: Axes, table: pd.DataFrame, tasks: list[str], methods: list, score: str) -> None:
    """Draw the scores of one query: a row per task, a point per method, one a little below the other."""
    ax.set_ylim(len(tasks) - 0.5, -0.5)
    for row in range(0, len(tasks), 2):
        ax.axhspan(row - 0.5, row + 0.5, color="#F3F3F3", linewidth=0, zorder=-2)
    for position, (method, label, look) in enumerate(methods):
        rows = table[(table["method"] == method) & (table["score"] == score)]
        runs = [summarise_runs(rows[rows["task"] == task], method) for task in tasks]
        means, sds = (np.array([run[key] for run in runs], dtype=float) for key in ("mean", "sd"))
        places = np.arange(len(tasks)) + 0.22 * (position - (len(methods) - 1) / 2)
        shared = {"ms": 3.2, "mew": 0, "linestyle": "", "label": label} | look
        ax.errorbar(means, places, xerr=np.nan_to_num(sds), elinewidth=0.7, **shared)


def _type_names(parts: Perturbation, tasks: list[str]) -> list[str]:
    """Return what tasks are called below f: what follows the dot of ``haber.Tuft``, else their labels."""
    if all("." in task for task in tasks):
        return [task.partition(".")[2].replace("_", " ") for task in tasks]
    return [parts.data.figure.get("scores_of", {}).get(task, {}).get("label", task) for task in tasks]
