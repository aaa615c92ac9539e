"""Each published cell of the papers' tables beside what this study measured, with a verdict by one stated rule."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from outofsample.jobs.table import ColumnSpec, TableSpec
from outofsample.report import tables
from outofsample.texts import as_label

REPRODUCED = "reproduced"
NOT_REPRODUCED = "not reproduced"
NOT_COMPARABLE = "not comparable"
NOT_IN_STUDY = tables.NOT_IN_STUDY
VERDICTS = (REPRODUCED, NOT_REPRODUCED, NOT_COMPARABLE, NOT_IN_STUDY)
#: Standard deviations that two results may lie apart.
DEVIATIONS = 2.0
#: Difference that is allowed whatever the spread, by the paper's column (docs/choices.md, 'Score card').
TOLERANCES = {
    "spike_in_r": 0.02,
    "means_r": 0.02,
    "variances_r": 0.02,
    "means_r2": 0.02,
    "variances_r2": 0.02,
    "fid": 5.0,
}


@dataclass(frozen=True)
class Cell:
    """A published cell and one result of this study beside it, or the reason why there is none.

    Attributes
    ----------
    paper, table, row, column, theirs, theirs_sd, source, note
        As in docs/paper_values.csv; NaN where no spread was published.
    label
        What this study calls the method.
    asked
        Name of the query that the published value belongs to; empty where it belongs to all.
    task, query, score
        Where our number comes from; empty where there is none.
    ours, ours_sd, spread
        Our mean, its standard deviation, and what that is over (seeds, cells).
    stand_in
        Whether our data are simulated; None where there is no result.
    verdict
        One of `VERDICTS`.
    why
        The reason of a verdict that no numbers decide.
    allowed
        How far apart the two numbers may lie; NaN where they are not compared.
    """

    paper: str
    table: str
    row: str
    column: str
    theirs: float
    theirs_sd: float
    source: str
    note: str
    label: str
    asked: str = ""
    task: str = ""
    query: str = ""
    score: str = ""
    ours: float = np.nan
    ours_sd: float = np.nan
    spread: str = ""
    stand_in: bool | None = None
    verdict: str = NOT_IN_STUDY
    why: str = ""
    allowed: float = np.nan

    @property
    def published(self) -> tuple[str, str, str, str]:
        """What names the published cell; several results may stand beside one."""
        return self.paper, self.table, self.row, self.column


def allowed_difference(column: str, theirs_sd: float, ours_sd: float) -> float:
    """Return how far apart two results may lie: twice their joint deviation, or the score's tolerance if that is more.

    An unknown spread counts as zero. NaN where neither a spread nor a tolerance is known.
    """
    spreads = [sd for sd in (theirs_sd, ours_sd) if not np.isnan(sd)]
    if not spreads and column not in TOLERANCES:
        return np.nan
    return max(DEVIATIONS * float(np.hypot.reduce([0.0, *spreads])), TOLERANCES.get(column, 0.0))


def obstacles(status: str, note: str, stand_in: bool, demo_size: bool, other_data: bool) -> list[str]:
    """Return why a result cannot be compared with a published one; nothing where it can."""
    if status != "ok":
        return [{"not run": f"did not run: {note}", "no truth": "no truth was measured"}.get(status, note or status)]
    return [
        *(["stand-in data"] if stand_in else ["other data than the paper's"] if other_data else []),
        *(["demo size"] if demo_size else []),
    ]


def judged(cell: Cell, reasons: list[str]) -> Cell:
    """Return a cell that has a result with its verdict; ``reasons`` speak against a comparison (`obstacles`)."""
    if reasons:
        return replace(cell, verdict=NOT_COMPARABLE, why="; ".join(reasons))
    allowed = allowed_difference(cell.column, cell.theirs_sd, cell.ours_sd)
    if np.isnan(allowed):
        return replace(cell, verdict=NOT_COMPARABLE, why="neither a spread nor a tolerance is known")
    near = abs(cell.ours - cell.theirs) <= allowed
    return replace(cell, verdict=REPRODUCED if near else NOT_REPRODUCED, allowed=allowed)


def score_card(
    papers: pd.DataFrame, specs: dict[str, TableSpec], tidy: dict[str, pd.DataFrame], demo_size: bool
) -> list[Cell]:
    """Return the cells of all papers in the order of ``papers``; one with several results stands there once for each.

    Parameters
    ----------
    papers
        The published values (`outofsample.report.paper_values.read_paper_values`).
    specs, tidy
        Specification and tidy values of each table of the study, by the table's name.
    demo_size
        Whether the study has demo size.
    """
    labels = {method.name: method.label for spec in specs.values() for method in spec.methods}
    cells = []
    for entry in papers.to_dict("records"):
        cell = Cell(
            **{key: entry[key] for key in ("paper", "table", "row", "column")},
            theirs=float(entry["value"]),
            theirs_sd=float(entry["sd"]),
            **{key: "" if pd.isna(entry[key]) else entry[key] for key in ("source", "note")},
            label=labels.get(entry["row"], as_label(entry["row"])),
            asked=entry["query"],
        )
        results = {
            (row["task"], row["query"], row["score"]): _with_result(cell, row, demo_size)
            for name, spec in specs.items()
            for row in _results(cell, spec, tidy[name])
        }
        cells += results.values() or [_without_result(cell, specs)]
    return cells


def _results(cell: Cell, spec: TableSpec, tidy: pd.DataFrame) -> Iterator[dict]:
    """Yield the rows of a tidy table beside which a table shows this published cell."""
    asked = (tidy["query"] == cell.asked) | (cell.asked == "")
    for column in _columns(cell, spec):
        found = tidy[asked & (tidy["method"] == cell.row) & (tidy["score"] == column.score)]
        yield from (row for row in found.to_dict("records") if spec.paper_table(row["task"]) == cell.table)


def _columns(cell: Cell, spec: TableSpec) -> list[ColumnSpec]:
    """Return the columns of a table that stand for the paper's column; none where it is about another paper."""
    if spec.paper != cell.paper:
        return []
    return [column for column in spec.columns if column.paper_column and column.in_paper == cell.column]


def _with_result(cell: Cell, row: dict, demo_size: bool) -> Cell:
    stand_in = bool(row["stand_in"])
    filled = replace(
        cell,
        **{key: row[key] for key in ("task", "query", "score", "spread")},
        ours=float(row["mean"]),
        ours_sd=float(row["sd"]),
        stand_in=stand_in,
    )
    if row["note"] == tables.NOT_ON_TASK:
        return replace(filled, stand_in=None, why="this study does not run the method on this task")
    return judged(filled, obstacles(row["status"], row["note"], stand_in, demo_size, bool(row["paper_other_data"])))


def _without_result(cell: Cell, specs: dict[str, TableSpec]) -> Cell:
    """Return a cell that no table shows: for want of the table, of the score, of the method or of the query."""
    beside = [
        spec
        for spec in specs.values()
        if spec.paper == cell.paper and cell.table in {spec.paper_table(task) for task in spec.tasks}
    ]
    if not beside:
        return replace(cell, why="no table of this study shows it")
    if not any(_columns(cell, spec) for spec in beside):
        return replace(cell, verdict=NOT_COMPARABLE, why="another score: this study's table shows it in other scores")
    if any(cell.row == method.name for spec in beside for method in spec.methods):
        return replace(cell, why=f"this study does not ask for {cell.asked}")
    return replace(cell, why="this study does not run the method")


def counts(cells: list[Cell]) -> dict[str, int]:
    """Return how many published cells have each verdict.

    A published cell with several results is reproduced if all that can be compared are, and not comparable if none can.
    """
    verdicts: dict[tuple, set[str]] = {}
    for cell in cells:
        verdicts.setdefault(cell.published, set()).add(cell.verdict)
    order = (NOT_REPRODUCED, REPRODUCED, NOT_COMPARABLE, NOT_IN_STUDY)
    one = [next(verdict for verdict in order if verdict in found) for found in verdicts.values()]
    return {verdict: one.count(verdict) for verdict in VERDICTS}
