"""The plots of docs/comparison.md and docs/real_data.md, from the tables in docs.

From the root of the repository:

    python benchmarks/draw_findings.py
"""

import statistics
import sys
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from draw_charts import rows, write  # noqa: E402

from outofsample.figures.style import WIDTH  # noqa: E402

#: The papers' methods, what was made of them, and methods without a network (ColorBrewer RdBu and grey).
PAPERS, DERIVED, PLAIN = "#B2182B", "#2166AC", "#777777"
WITHOUT_NETWORK = {
    "Cross-validated map", "Stacked map", "OT map", "MNN", "limma", "ComBat", "CCA", "CytoNorm", "PCA editing",
    "Quantile mapping", "Quantile mapping, bounded", "Mean shift", "Median shift", "No change",
}  # fmt: skip
OF_THE_PAPERS = {"Neuron editing", "trVAE"}
#: Real questions whose distances are in the same unit for all methods; images are in pixels.
CELLS = ("CytoNorm controls, 026", "CytoNorm controls, 028", "HeLa, GSK", "HeLa, GDC", "PBMC, NK", "PBMC (sample), NK")


def number(cell: str) -> float | None:
    """Return the value of a cell as ``0.39 ± 0.02`` or ``5.0 (3)``; None where it is empty."""
    return float(cell.split()[0]) if cell.strip() else None


def colour(method: str) -> str:
    """Return the colour of a method's kind."""
    return PLAIN if method in WITHOUT_NETWORK else PAPERS if method in OF_THE_PAPERS else DERIVED


def panel(height: float) -> tuple[Figure, Axes]:
    """Return a figure of the page's width with one panel."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots()


def legend(ax: Axes, entries: dict[str, str], **options) -> None:
    """Name the colours of points."""
    for label, shade in entries.items():
        ax.plot([], [], "o", color=shade, label=label)
    ax.legend(**options)


def ranks() -> Figure:
    """Mean rank over the real tasks of each method that ran on at least five of the six."""
    few = ("(1)", "(2)", "(3)", "(4)")
    table = [row for row in rows("measured/all_real.csv") if row["mean rank"] and not row["mean rank"].endswith(few)]
    table.sort(key=lambda row: number(row["mean rank"]))
    figure, ax = panel(0.5 + 0.15 * len(table))
    for place, row in enumerate(table):
        ax.plot(number(row["mean rank"]), place, "o", color=colour(row["method"]), ms=5)
    ax.set(yticks=range(len(table)), yticklabels=[row["method"] for row in table], xlabel="mean rank, 1 is best")
    ax.grid(axis="y", color="#DDDDDD", linewidth=0.5)
    ax.invert_yaxis()
    kinds = {"as in the papers": PAPERS, "other networks": DERIVED, "without a network": PLAIN}
    legend(ax, kinds, loc="upper right")
    return figure


def residual() -> Figure:
    """Distance to the truth as a share of no change's: decoded, residual, by cluster."""
    table = {row["method"]: row for row in rows("measured/all_real.csv")}
    forms = {
        "Neuron editing": PAPERS,
        "Neuron editing, residual": "#F4A582",
        "Neuron editing, by cluster": DERIVED,
        "Mean shift": PLAIN,
    }
    figure, ax = panel(2.6)
    for number_of_form, (method, shade) in enumerate(forms.items()):
        shares = [number(table[method][task]) / number(table["No change"][task]) for task in CELLS]
        # A little below each other, so that none hides another.
        places = [place + 0.16 * (number_of_form - 1.5) for place in range(len(CELLS))]
        ax.plot(shares, places, "o", color=shade, ms=4.5, label=method)
    ax.axvline(1, color="black", linewidth=0.8, linestyle=":")
    ax.set(
        xscale="log",
        yticks=range(len(CELLS)),
        yticklabels=CELLS,
        xlabel="energy distance to the truth / that of no change (dotted: doing nothing)",
    )
    ax.set_xticks([0.2, 0.5, 1, 2, 5, 10, 20, 50], ["0.2", "0.5", "1", "2", "5", "10", "20", "50"])
    ax.minorticks_off()
    for place in range(1, len(CELLS)):
        ax.axhline(place - 0.5, color="#DDDDDD", linewidth=0.5)
    ax.invert_yaxis()
    ax.legend(loc="upper right")
    return figure


def harm() -> Figure:
    """Share of 18 real queries, kept apart, in which each method is worse than doing nothing."""
    names = {
        "trvae_residual": ("trVAE, residual", DERIVED),
        "stacked_map": ("Stacked map", PLAIN),
        "neuron_editing_clusters": ("Neuron editing, by cluster", DERIVED),
        "flow_matching": ("Flow matching", DERIVED),
        "cluster_quantiles": ("Quantile mapping, by cluster", PLAIN),
        "ot_map": ("OT map", PLAIN),
        "cross_validated": ("Cross-validated map", PLAIN),
        "mean_shift": ("Mean shift", PLAIN),
    }
    table = {row["method"]: row for row in rows("leave_one_out.csv") if row["half"] != "chosen on"}
    figure, ax = panel(2.2)
    names = dict(sorted(names.items(), key=lambda item: float(table[item[0]]["worse_than_no_change"])))
    shares = [100 * float(table[name]["worse_than_no_change"]) for name in names]
    bars = ax.barh(range(len(names)), shares, color=[colour for _, colour in names.values()], height=0.7)
    ax.bar_label(bars, [f"{share:.0f} %" for share in shares], padding=3)
    ax.set(
        yticks=range(len(names)),
        yticklabels=[label for label, _ in names.values()],
        xlabel="share of 18 real questions in which it does harm, % (blue: networks)",
        xlim=(0, 1.15 * max(shares)),
    )
    ax.invert_yaxis()
    return figure


def steps() -> Figure:
    """Correlation of changes against steps: trVAE and its rivals, decoded and residual, mean shift and oracle."""
    table = rows("trvae_steps.csv")
    looks = {
        "trvae": ("trVAE", PAPERS, "-"),
        "cvae": ("CVAE", DERIVED, "-"),
        "mmd_cvae": ("MMD-CVAE", "#E08214", "-"),
        "scgen": ("scGen", "#7F7F7F", "-"),
        "trvae_residual": ("trVAE, residual", PAPERS, "--"),
        "cvae_residual": ("CVAE, residual", DERIVED, "--"),
    }
    figure, ax = panel(2.6)
    for method, (label, shade, style) in looks.items():
        found: dict[int, list[float]] = {}
        for row in table:
            if row["method"] == method:
                found.setdefault(int(row["steps"]), []).append(float(row["change_of_means_r"]))
        places = sorted(found)
        means = [statistics.mean(found[place]) for place in places]
        spread = [statistics.stdev(found[place]) if len(found[place]) > 1 else 0 for place in places]
        ax.errorbar(places, means, spread, color=shade, linestyle=style, marker="o", ms=4, capsize=2, label=label)
    for method, label, style in (("mean_shift", "mean shift", ":"), ("oracle", "oracle", "-.")):
        value = next(float(row["change_of_means_r"]) for row in table if row["method"] == method)
        ax.axhline(value, color="black", linewidth=0.8, linestyle=style, label=label)
    ax.set(xscale="log", xlabel="steps of 128 cells", ylabel="r of changes (bars: sd over seeds)")
    ax.set_xticks(sorted({int(row["steps"]) for row in table if row["method"] in looks}))
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.minorticks_off()
    ax.legend(loc="lower right", ncols=2)
    return figure


def batches() -> Figure:
    """Energy distance on CytoNorm's controls of methods that see the query while they fit, and of those that do not."""
    table = {row["method"]: row for row in rows("measured/all_real.csv")}
    shown = ["CCA", "ComBat", "limma", "MNN", "OT map", "Neuron editing, by cluster", "CytoNorm", "Cross-validated map",
             "Neuron editing", "Mean shift"]  # fmt: skip
    seen = {"CCA", "ComBat", "limma", "MNN"}
    figure, ax = panel(2.2)
    for place, method in enumerate(shown):
        shade = PAPERS if method in seen else DERIVED
        ax.plot([number(table[method][task]) for task in CELLS[:2]], [place, place], "o", color=shade, ms=5)
    ax.set(
        yticks=range(len(shown)),
        yticklabels=shown,
        xlabel="energy distance to the truth, two batches (no change: 0.50 and 0.47)",
        xlim=(0, None),
    )
    ax.grid(axis="y", color="#DDDDDD", linewidth=0.5)
    ax.invert_yaxis()
    legend(
        ax, {"fitted with the query in sight": PAPERS, "learned from the controls alone": DERIVED}, loc="upper right"
    )
    return figure


PLOTS = {"ranks": ranks, "residual": residual, "harm": harm, "steps": steps, "batches": batches}


if __name__ == "__main__":
    write("findings", PLOTS)
