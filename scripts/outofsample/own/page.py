"""The report of what one method changed in the user's own cells: a page (HTML) and its numbers (CSV)."""

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.arrays import HeldOut
from outofsample.figures.style import PNG_DPI
from outofsample.files.cohort import ONLY_ITS_FIT, read_cohort
from outofsample.files.handed_back import read_handed_back
from outofsample.files.prediction import PredictionFile
from outofsample.files.rows import Rows
from outofsample.files.task import TrainingRows
from outofsample.files.writing import replacing
from outofsample.jobs.own import ChangesSpec
from outofsample.metrics.directions import PERFECT, direction_of
from outofsample.metrics.expected import LEVEL
from outofsample.own import changes, extrapolation, per_file
from outofsample.own import figures as own_figures
from outofsample.report.recommendation import (
    UNMOVED,
    Expected,
    Recommendation,
    as_text,
    held_out_of,
    recommend,
    unmoved_of,
)
from outofsample.texts import significant

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from outofsample.own.changes import Change

#: Rows of the table of features; the CSV has all.
ROWS = 15
#: Files of a cohort that the page lists; the table of files has all.
FILES = 20
#: Scores that the page shows, where there is a truth.
SCORES = {
    "energy_distance": "energy distance to the truth",
    "wasserstein": "Wasserstein distance to the truth, mean over features",
    "rmse_medians": "RMSE of the medians",
    "change_r": "r of the changes of medians",
    "change_of_means_r": "r of the changes of means",
    "sd_ratio": "ratio of standard deviations",
}


@dataclass(frozen=True)
class FileRow:
    """What the page says of one file of a cohort: its query, name, cells, share that was extrapolated, what moved."""

    query: str
    file: str
    cells: int
    extrapolated: float
    feature: str
    shift: float


def file_rows(parts: Sequence[str], method: str) -> list[FileRow]:
    """Return the files of a cohort, those with the largest share of extrapolated cells first.

    Parameters
    ----------
    parts
        The files with what was predicted (`outofsample.files.handed_back`).
    method
        The method whose predictions are told.
    """
    rows = []
    for part in map(read_handed_back, parts):
        for one in part.methods[method]:
            # Medians stand in the middle of the quantiles.
            before, after = (np.array(quantiles[2], dtype=float) for quantiles in (one.before, one.after))
            moved = np.nan_to_num(np.abs(after - before))
            place = int(moved.argmax())
            shift = float(after[place] - before[place])
            share = one.extrapolated / one.cells
            rows.append(FileRow(one.query, one.file, one.cells, share, part.features[place], shift))
    return sorted(rows, key=lambda row: -row.extrapolated)


def cohort_of(spec: ChangesSpec, rows: TrainingRows) -> dict:
    """Return what the page says of a cohort, by the template's names; of other data that there is none."""
    return {
        "cohort": read_cohort(rows.path),
        "files": file_rows(spec.files, spec.method),
        "shown_files": FILES,
        "only_its_fit": ONLY_ITS_FIT,
        "fitted_cells": len(rows.obs),
        "scored_cells": len(rows.scored),
    }


def picture(figure: "Figure") -> str:
    """Return a figure as an address that holds its PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=PNG_DPI)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def expectations(held_out: dict[str, HeldOut], spec: ChangesSpec) -> list[dict]:
    """Return a row per method of the task: what is expected of it for a query, or why nobody can tell."""
    return [
        {
            "label": spec.labels[name],
            "own": name == spec.method,
            "why_not": found.why_not,
            "expected": None if found.why_not else Expected.of(name, found),
        }
        for name, found in held_out.items()
    ]


def section(change: "Change", table, scores: Path, spec: ChangesSpec, files: Sequence[PredictionFile]) -> dict:
    """Return what the page says of one query; ``files`` are the predictions of all methods of the task."""
    held_out, unmoved = (read(files, change.query.name) for read in (held_out_of, unmoved_of))
    shown = [own_figures.populations(change)]
    if change.image_shape is None:
        shown = [own_figures.shifts(change, table), own_figures.densities(change, table), *shown]
    else:
        shown = [own_figures.images(change), *shown]
    methods = [spec.method, *spec.controls, "oracle"]
    found = changes.read_scores(scores, change.query.name, methods) if "truth" in change.cells else {}
    flagged, beyond = change.extrapolated.flagged, change.beyond
    return {
        "query": change.query,
        "seed": change.seed,
        "populations": [(change.names[name], name, len(X)) for name, X in change.cells.items()],
        "things": "cells" if change.image_shape is None else "images",
        "of": change.extrapolated.of,
        "flagged": int(flagged.sum()),
        "flagged_share": flagged.mean(),
        "outside_share": change.extrapolated.share.mean(),
        "bounded": change.limits is not None,
        "beyond_features": int(beyond.any(axis=0).sum()),
        "beyond_cells": int(beyond.any(axis=1).sum()),
        "distances": changes.overview(change),
        "pictures": [picture(figure) for figure in shown],
        "rows": [] if change.image_shape is not None else table.head(ROWS).to_dict("records"),
        "changed": int(table["changed"].sum()) if "changed" in table else None,
        "expectations": expectations(held_out, spec),
        "recommended": recommend(held_out, spec.labels, spec.cautious, spec.unchanged, unmoved),
        "unmoved": spec.method in unmoved,
        "features": len(table),
        "has_truth": "truth" in change.cells,
        "score_expectations": [
            None if name not in held_out or held_out[name].why_not else Expected.of(name, held_out[name])
            for name in methods
        ],
        "scores": [
            (text, PERFECT[direction_of(name)], [found[name].get(method) for method in methods])
            for name, text in SCORES.items()
            if name in found
        ],
    }


def by_recommendation(sections: list[dict]) -> list[tuple[Recommendation, list[str]]]:
    """Return each recommendation with the names of the queries that it is for."""
    found: dict[Recommendation, list[str]] = {}
    for part in sections:
        found.setdefault(part["recommended"], []).append(part["query"].name)
    return list(found.items())


def used_of(train: Path) -> list[tuple[str, str]]:
    """Return each feature of a training part and what it is called in the user's first file; none for images."""
    cells = Rows(train)
    return list(zip(cells.features, cells.var["column"].astype(str), strict=True)) if "column" in cells.var else []


def left_out_of(train: Path) -> dict[str, str]:
    """Return which columns of the user's files are no features, and why, as a training part has it."""
    return json.loads(str(Rows(train).uns.get("left_out", "{}")))


def write_page(
    spec: ChangesSpec,
    prediction: Path,
    train: Path,
    truth: Path,
    scores: Path,
    predictions: Sequence[Path],
    template: Path,
    html: Path,
    csv: Path,
) -> list[str]:
    """Write the page (HTML) and the numbers of all features (CSV); return a line per query for the log.

    Parameters
    ----------
    prediction, train, truth, scores
        The prediction file of the method; training part, truth (without rows where there is none) and scores of its
        task.
    predictions
        The prediction files of all methods of the task.
    template
        Template of the page.
    """
    import pandas as pd
    from jinja2 import Environment, StrictUndefined

    found, not_run = changes.read_changes(prediction, train, truth, spec.unit)
    tables = [changes.feature_table(change) for change in found]
    of_methods, rows = [PredictionFile(path) for path in predictions], TrainingRows(train)
    sections = [section(change, table, scores, spec, of_methods) for change, table in zip(found, tables, strict=True)]
    for part, change, table in zip(sections, found, tables, strict=True):
        files = per_file.files_of(rows, change.query)
        if change.image_shape is None and per_file.has_several(files):
            part["pictures"].append(picture(per_file.per_file(change, table, files)))
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals |= {"number": significant, "interval": as_text}
    text = environment.from_string(template.read_text(encoding="utf-8")).render(
        page=spec,
        not_run=not_run,
        sections=sections,
        columns=[spec.label, *spec.controls.values(), "oracle (halves of the truth)"],
        flagged_above=extrapolation.FLAGGED_ABOVE,
        csv=csv.name,
        used=used_of(train),
        left_out=left_out_of(train),
        **cohort_of(spec, rows),
        recommended=by_recommendation(sections),
        level=LEVEL,
        did_nothing=UNMOVED,
    )
    table = pd.concat(tables) if tables else pd.DataFrame(columns=["query", "feature"])
    with replacing(html) as new_html, replacing(csv) as new_csv:
        new_html.write_text(text, encoding="utf-8")
        table.to_csv(new_csv, index=False, float_format="%.6g", lineterminator="\n")
    return [
        f"{part['query'].name}: {part['flagged']:,} cells flagged as extrapolated ({part['flagged_share']:.1%})"
        for part in sections
    ]
