"""The first page of a study's report: one HTML file that needs nothing beside it and no network.

`gather` reads the finished files of a study, and `render` makes the page of them. Snakemake's own report is put into it
later (`outofsample.report.snakemake_report`). What it looks like is in the folder ``template`` beside this file.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from outofsample import texts
from outofsample.files.history import read_steps
from outofsample.files.scores import read_scores
from outofsample.files.table import read_tidy
from outofsample.files.writing import replacing
from outofsample.jobs.page import PageSpec
from outofsample.report import (
    completeness,
    page_claims,
    page_figures,
    page_own,
    page_summary,
    page_tables,
    provenance,
    ranks,
    score_card,
)
from outofsample.report.attachments import attachment
from outofsample.report.paper_values import read_paper_values
from outofsample.report.snakemake_report import MARKS

#: The page's parts, its style and its script.
TEMPLATE = Path(__file__).with_name("template")
PAPERS = {"ne2020": "Neuron Editing (2020)", "trvae2020": "trVAE (2020)"}


@dataclass(frozen=True)
class Files:
    """The finished files of a study that the page shows; folder ``benchmarks`` holds a TSV per job.

    The folder ``models`` beside it has the losses of trainings, with their precision; ``histories`` are those of the
    study as it is now. ``own`` are pages, and ``predictions`` prediction files, of data of the user's own.
    """

    scores: list[Path]
    tables: list[Path]
    figures: list[Path]
    own: list[Path]
    benchmarks: Path
    paper_values: Path
    claims: Path
    datasets: list[Path] = field(default_factory=list)
    predictions: list[Path] = field(default_factory=list)
    histories: list[Path] = field(default_factory=list)


def gather(study: PageSpec, files: Files) -> dict:
    """Return all that the template shows.

    Raises
    ------
    UserError
        If a file of a table or a figure cannot be read.
    """
    tidy = {path.stem: read_tidy(path) for path in files.tables}
    scores = read_scores(files.scores)
    steps = read_steps(files.histories)
    papers = read_paper_values(files.paper_values)
    shown = page_figures.figures(study, files.figures)
    cells = []
    if any(spec.paper for spec in study.tables.values()):
        cells = score_card.score_card(papers, study.tables, tidy, study.demo_size)
    return {
        "study": study,
        "stand_ins": [task.label for task in study.tasks.values() if task.stand_in],
        "claims": page_claims.claims(study, files.claims, scores, steps),
        "cells": [(paper, list(of_table)) for paper, of_table in groupby(cells, key=_heading)],
        "counts": score_card.counts(cells),
        "papers": PAPERS,
        "summary": page_summary.summary(study, scores),
        "summary_figures": [figure for figure in shown if figure["notebook"] == "summary"],
        "tables": [page_tables.table(spec, tidy[name], study.command(name)) for name, spec in study.tables.items()],
        "figures": [figure for figure in shown if figure["notebook"] != "summary"],
        "recommended": page_own.recommendations(study, files.predictions, scores),
        "own": [attachment(path) for path in files.own],
        "missing": completeness.missing(study, files.datasets),
        "not_run": completeness.not_run(study, scores),
        "pairs": completeness.pairs(study, completeness.tasks_with_data(study, scores)),
        "few_methods": completeness.few_methods(study),
        "left_out": completeness.left_out(study),
        "no_truth": completeness.no_truth(study, scores),
        "backends": provenance.backends(study, scores),
        "packages": provenance.packages(),
        "machine": provenance.machine(),
        "precisions": provenance.precisions(files.benchmarks.with_name("models")),
        "commit": provenance.commit(Path(__file__).parents[3]),
        "times": provenance.times(files.benchmarks),
        "made": datetime.now(UTC),
    }


def _heading(cell: score_card.Cell) -> tuple[str, str]:
    return cell.paper, cell.table


def duration(seconds: float) -> str:
    """Return seconds as people write them: 4.2 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 100:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def render(content: dict) -> str:
    """Return the page as HTML; all text from files is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": texts.shortened, "duration": duration, "label": texts.as_label}
    return environment.get_template("page.html.j2").render(
        **content,
        style=(TEMPLATE / "page.css").read_text(encoding="utf-8"),
        script=(TEMPLATE / "page.js").read_text(encoding="utf-8"),
        marks=MARKS,
        options=json.dumps(content["study"].options),
        rule={"tolerances": score_card.TOLERANCES, "deviations": score_card.DEVIATIONS},
        comparable={score_card.REPRODUCED, score_card.NOT_REPRODUCED},
        summary_score=texts.as_label(page_summary.SUMMARY_SCORE),
        shown=page_tables.SHOWN,
        mean_rank_rule=ranks.RULE,
    )


def write_page(study: PageSpec, files: Files, path: Path) -> None:
    """Write the page of a study.

    Raises
    ------
    UserError
        If a file of the study cannot be read.
    """
    page = render(gather(study, files))
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
