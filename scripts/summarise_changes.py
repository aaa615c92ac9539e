"""Write a short report of what one method changed in the user's own cells: a page (HTML) and its numbers (CSV)."""

import argparse
import base64
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

from outofsample.errors import run_script
from outofsample.metrics.directions import PERFECT, direction_of
from outofsample.texts import significant

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from outofsample.own.changes import Change

#: Rows of the table of features; the CSV has all.
ROWS = 15
#: Scores that the page shows, where there is a truth.
SCORES = {
    "energy_distance": "energy distance to the truth",
    "wasserstein": "Wasserstein distance to the truth, mean over features",
    "rmse_medians": "RMSE of the medians",
    "change_r": "r of the changes of medians",
    "change_of_means_r": "r of the changes of means",
    "sd_ratio": "ratio of standard deviations",
}


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prediction", type=Path, required=True, help="prediction file of one method")
    parser.add_argument("--train", type=Path, required=True, help="training part of the task")
    parser.add_argument("--truth", type=Path, required=True, help="truth of the task, with no rows where there is none")
    parser.add_argument("--scores", type=Path, required=True, help="scores of the task")
    parser.add_argument(
        "--page", type=json.loads, required=True, help="JSON: study, task, method, label, unit, controls"
    )
    parser.add_argument("--template", type=Path, required=True, help="template of the page")
    parser.add_argument("--html", type=Path, required=True)
    parser.add_argument("--csv", type=Path, required=True)
    return parser.parse_args()


def picture(figure: "Figure") -> str:
    """Return a figure as an address that holds its PNG."""
    from outofsample.figures.style import PNG_DPI

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=PNG_DPI)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def section(change: "Change", table, scores: Path, page: dict) -> dict:
    """Return what the page says of one query."""
    from outofsample.own import changes
    from outofsample.own import figures as own_figures

    shown = [own_figures.populations(change)]
    if change.image_shape is None:
        shown = [own_figures.shifts(change, table), own_figures.densities(change, table), *shown]
    else:
        shown = [own_figures.images(change), *shown]
    methods = [page["method"], *page["controls"], "oracle"]
    found = changes.read_scores(scores, change.query.name, methods) if "truth" in change.cells else {}
    flagged = change.extrapolated.flagged
    return {
        "query": change.query,
        "seed": change.seed,
        "populations": [(change.names[name], name, len(X)) for name, X in change.cells.items()],
        "things": "cells" if change.image_shape is None else "images",
        "of": change.extrapolated.of,
        "flagged": int(flagged.sum()),
        "flagged_share": flagged.mean(),
        "outside_share": change.extrapolated.share.mean(),
        "distances": changes.overview(change),
        "pictures": [picture(figure) for figure in shown],
        "rows": [] if change.image_shape is not None else table.head(ROWS).to_dict("records"),
        "features": len(table),
        "has_truth": "truth" in change.cells,
        "scores": [
            (text, PERFECT[direction_of(name)], [found[name].get(method) for method in methods])
            for name, text in SCORES.items()
            if name in found
        ],
    }


def main() -> None:
    """Run the command line."""
    arguments = parse_arguments()

    import pandas as pd
    from jinja2 import Environment, StrictUndefined

    from outofsample.files.writing import replacing
    from outofsample.own import changes, extrapolation

    page = arguments.page
    found, not_run = changes.read_changes(arguments.prediction, arguments.train, arguments.truth, page["unit"])
    tables = [changes.feature_table(change) for change in found]
    sections = [section(change, table, arguments.scores, page) for change, table in zip(found, tables, strict=True)]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals["number"] = significant
    template = environment.from_string(arguments.template.read_text(encoding="utf-8"))
    text = template.render(
        page=page,
        not_run=not_run,
        sections=sections,
        columns=[page["label"], *page["controls"].values(), "oracle (halves of the truth)"],
        flagged_above=extrapolation.FLAGGED_ABOVE,
        csv=arguments.csv.name,
    )
    table = pd.concat(tables) if tables else pd.DataFrame(columns=["query", "feature"])
    with replacing(arguments.html) as html, replacing(arguments.csv) as csv:
        html.write_text(text, encoding="utf-8")
        table.to_csv(csv, index=False, float_format="%.6g", lineterminator="\n")
    for part in sections:
        print(f"{part['query'].name}: {part['flagged']:,} cells flagged as extrapolated ({part['flagged_share']:.1%})")


if __name__ == "__main__":
    run_script(main)
