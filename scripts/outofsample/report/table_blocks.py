"""What stands in the cells of a table, as text: the same for Markdown, LaTeX and the page."""

import math
from dataclasses import dataclass

import pandas as pd

from outofsample.jobs.table import ORACLE, ColumnSpec, TableSpec
from outofsample.metrics.directions import DISTANCE_TO_BEST
from outofsample.metrics.expected import LEVEL
from outofsample.report import extrapolation_marks
from outofsample.report.tables import NO_TRUTH
from outofsample.texts import DASH, STAND_IN, number, significant

#: The score whose expected range stands beside it.
FORESEEN = "energy_distance"


@dataclass(frozen=True)
class Block:
    """A block as text: ``cells[i][j]`` belongs to the head ``head[j]`` and is bold where ``bold[i][j]``.

    ``values[i][j]`` is the number in a cell, NaN where there is none; ``controls[i]`` tells whether a row is a control
    or the oracle, and ``first_control`` is the first of these.
    """

    title: str
    head: list[str]
    cells: list[list[str]]
    bold: list[list[bool]]
    values: list[list[float]]
    controls: list[bool]
    feet: list[str]

    @property
    def first_control(self) -> int:
        """The row before which a table draws a rule; the number of rows where none is a control."""
        return [*self.controls, True].index(True)


def blocks(tidy: pd.DataFrame, spec: TableSpec) -> list[Block]:
    """Return the blocks of a tidy table, one per task and query."""
    return [_block(part, spec) for _, part in tidy.groupby(["task", "query"], sort=False)]


def _block(part: pd.DataFrame, spec: TableSpec) -> Block:
    paper_head = "paper (other data)" if part["paper_other_data"].iloc[0] else "paper"
    head = ["method"]
    for column in spec.columns:
        head += [column.label, *(["expected"] if has_expected(part, column) else [])]
        head += [paper_head] if column.paper_column else []
    head += ["runs", "rank"] if spec.rank_by else ["runs"]
    best = {column.score: _best(part, column) for column in spec.columns}
    rows = [_row(of_method, spec, best, part) for _, of_method in part.groupby("method", sort=False)]
    cells, bold, values = ([[cell[which] for cell in row] for row in rows] for which in range(3))
    controls = part.groupby("method", sort=False)["control"].first().astype(bool).tolist()
    return Block(_block_title(part, spec), head, cells, bold, values, controls, _feet(part, spec))


def has_expected(part: pd.DataFrame, column: ColumnSpec) -> bool:
    """Whether a column of a block (rows of a tidy table) has another one beside it, with what was expected of it."""
    return column.score == FORESEEN and bool(part["expected_high"].notna().any())


def _block_title(part: pd.DataFrame, spec: TableSpec) -> str:
    first = part.iloc[0]
    return f"{spec.task_labels.get(first['task'], first['task'])}, query {first['query']}" + (
        f" ({STAND_IN})" if first["stand_in"] else ""
    )


def _best(part: pd.DataFrame, column: ColumnSpec) -> str | None:
    """Return the best mean of a column as it is printed, among methods that are no controls."""
    means = part.loc[(part["score"] == column.score) & ~part["control"], "mean"].dropna()
    if column.better is None or means.empty:
        return None
    return f"{min(means, key=DISTANCE_TO_BEST[column.better]):.{column.digits}f}"


def _row(of_method: pd.DataFrame, spec: TableSpec, best: dict, part: pd.DataFrame) -> list[tuple[str, bool, float]]:
    """Return (text, bold, number) of each cell of one method of a block (rows of a tidy table)."""
    first = of_method.iloc[0]
    is_control = first["control"] and first["method"] != ORACLE.name
    label = first["label"] + (" (control)" if is_control else "") + extrapolation_marks.mark(first)
    row = [(label, False, math.nan)]
    for column, (_, entry) in zip(spec.columns, of_method.iterrows(), strict=True):
        mean = f"{entry['mean']:.{column.digits}f}"
        is_best = not entry["control"] and mean == best[column.score]
        row.append((_cell(entry, column.digits), is_best, entry["mean"]))
        if has_expected(part, column):
            row.append((_expected(entry), False, entry["expected_high"]))
        if column.paper_column:
            published = number(entry["paper_value"], column.digits, entry["paper_sd"])
            row.append((published, False, entry["paper_value"]))
    row.append((_runs(of_method), False, float(of_method["n"].max())))
    if spec.rank_by:
        row.append((number(first["rank"], 0), False, first["rank"]))
    return row


def _cell(entry: pd.Series, digits: int) -> str:
    if entry["status"] == "ok":
        return number(entry["mean"], digits, entry["sd"])
    return {"not run": f"not run: {entry['note']}", "undefined": "undefined"}.get(entry["status"], DASH)


def _expected(entry: pd.Series) -> str:
    if math.isnan(entry["expected_high"]):
        return DASH
    return f"{significant(entry['expected_low'])} to {significant(entry['expected_high'])}"


def _runs(of_method: pd.DataFrame) -> str:
    runs, spreads = of_method["n"].max(), set(of_method["spread"])
    if runs == 0:
        return DASH
    if "halves" in spreads:
        return f"{runs} halves"
    if runs > 1:
        return f"{runs} seeds"
    return "1†" if "cells" in spreads else "1"


def _feet(part: pd.DataFrame, spec: TableSpec) -> list[str]:
    """Return the sentences that explain what stands in the cells of this block."""
    spreads = set(part["spread"])
    feet = [
        ("seeds" in spreads, "±: standard deviation over seeds."),
        ("cells" in spreads, "† One run: ± is the standard deviation over resampled cells."),
        (
            "halves" in spreads,
            "Oracle: random halves of the truth against the other halves, the best that the data allow.",
        ),
        (any(column.better for column in spec.columns), "Bold: best of the methods that are no controls."),
        (
            any(has_expected(part, column) for column in spec.columns),
            f"Expected: where the {LEVEL:.0%} interval puts {_label_of(spec, FORESEEN)}, by populations that were left "
            f"out of the fit in turn; the truth took no part. {DASH} there: none was left out of the method's fit; "
            "of methods that train a network none ever is.",
        ),
        (part["rank"].notna().any(), f"Rank: by {_label_of(spec, spec.rank_by)}, controls included."),
        (any(column.paper_column for column in spec.columns), _paper_foot(part, spec)),
        ((part["status"] == "no truth").any(), f"{DASH}: {NO_TRUTH}."),
    ]
    labels = {column.score: column.label for column in spec.columns}
    for note, of_note in part[part["status"] == "not measured"].groupby("note", sort=False):
        feet.append((True, f"{DASH} below {', '.join(labels[score] for score in of_note['score'].unique())}: {note}."))
    notes = part[part["status"].isin(["ok", "undefined"]) & (part["note"] != "")]
    for note, of_note in notes.groupby("note", sort=False):
        feet.append((True, f"{', '.join(of_note['label'].unique())}: {note}."))
    computed = part.loc[part["backend"] != "", ["label", "backend"]].drop_duplicates()
    for backend, of_backend in computed.groupby("backend", sort=False):
        feet.append((True, f"{', '.join(of_backend['label'])}: computed by {backend}."))
    return [text for shown, text in feet if shown] + extrapolation_marks.feet(part, spec) + list(spec.notes)


def _label_of(spec: TableSpec, score: str | None) -> str:
    return next((column.label for column in spec.columns if column.score == score), "")


def _paper_foot(part: pd.DataFrame, spec: TableSpec) -> str:
    where = f"{spec.paper}, table {spec.paper_table(part['task'].iloc[0])}"
    if part["paper_other_data"].iloc[0]:
        return f"Paper: published values ({where}) for the paper's own data, which are not these."
    return f"Paper: published values ({where})."


def full_title(spec: TableSpec) -> str:
    """Return the title, with the tasks whose data are simulated."""
    simulated = [spec.task_labels.get(task, task) for task in spec.tasks if spec.stand_in.get(task, False)]
    return spec.title + (f" ({STAND_IN}: {', '.join(simulated)})" if simulated else "")
