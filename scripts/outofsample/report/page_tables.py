"""Tables on the page: the scores that decide first, the others to unfold, a dot plot beside."""

import math
from collections.abc import Iterable

import pandas as pd

from outofsample.jobs.table import ORACLE, ColumnSpec, TableSpec
from outofsample.metrics.directions import DISTANCE_TO_BEST
from outofsample.report.dot_plot import Dot, DotPlot, svg
from outofsample.report.table_blocks import Block, blocks, full_title, has_expected

#: Scores that a table starts with.
SHOWN = 3
#: Correlations of raw means are near 1 for whatever returns the query; these are not.
OF_CHANGES = ("change_r", "change_of_means_r")
#: The controls that a plot has as lines.
LINES = ("no_change", "mean_shift")
#: How a click sorts first: the best on top. Where 1 is best, by the distance to it.
FIRST = {"high": "descending", "low": "ascending", "one": "other", None: "descending"}


def table(spec: TableSpec, tidy: pd.DataFrame, command: str) -> dict:
    """Return a table as blocks of heads and rows, each with its plot; ``command`` makes the table again."""
    parts = [part for _, part in tidy.groupby(["task", "query"], sort=False)]
    return {
        "name": spec.name,
        "title": full_title(spec),
        "command": command,
        "scores": len(spec.columns),
        "blocks": [_block(block, part, spec) for block, part in zip(blocks(tidy, spec), parts, strict=True)],
    }


def deciding(spec: TableSpec) -> list[ColumnSpec]:
    """Return the three scores that a table starts with.

    First the one that ranks, the first that the paper has, and the correlation of changes; then as in the table.
    """
    columns = spec.columns
    first = [
        *(column for column in columns if column.score == spec.rank_by),
        *[column for column in columns if column.paper_column][:1],
        *[column for column in columns if column.score in OF_CHANGES][:1],
    ]
    return list({column.score: column for column in [*first, *columns]}.values())[:SHOWN]


def _block(block: Block, part: pd.DataFrame, spec: TableSpec) -> dict:
    heads = _heads(spec, part)
    order = sorted(range(len(heads)), key=lambda j: heads[j]["place"])
    shown, more = ([j for j in order if heads[j]["more"] is hidden] for hidden in (False, True))
    rows = [
        {
            "control": control,
            "cells": _merged(_cells(block, i, shown, heads), False) + _merged(_cells(block, i, more, heads), True),
        }
        for i, control in enumerate(block.controls)
    ]
    ranks = [_rank(values[-1]) if spec.rank_by else 0.0 for values in block.values]
    return {
        "title": block.title,
        "head": [heads[j] | {"label": block.head[j] + heads[j].get("of", "")} for j in shown + more],
        "rows": [rows[i] for i in sorted(range(len(rows)), key=lambda i: ranks[i])],
        "feet": block.feet,
        "plot": plot(part, spec),
    }


def _rank(value: float) -> float:
    return math.inf if math.isnan(value) else value


def _heads(spec: TableSpec, part: pd.DataFrame) -> list[dict]:
    """Return of each column of a block: its place, whether it unfolds, what sorts it, and whether it does already.

    ``part`` are the rows of the block in the tidy table.

    ``of`` names the score of published values that do not stand beside it.
    """
    other_data = bool(part["paper_other_data"].iloc[0])
    first = [column.score for column in deciding(spec)]
    heads = [{"place": -1.0, "more": False, "first": "ascending", "better": None, "sorted": not spec.rank_by}]
    for number, column in enumerate(spec.columns):
        more = column.score not in first
        place = SHOWN + number if more else first.index(column.score)
        about = {"first": FIRST[column.better], "better": column.better, "sorted": False}
        heads.append({"place": place, "more": more} | about)
        if has_expected(part, column):
            heads.append({"place": place + 0.25, "more": more} | about | {"better": "low"})
        if column.paper_column:
            # Published values for other data are nothing to compare with.
            apart = {"of": f": {column.label}"} if other_data and not more else {}
            heads.append({"place": place + 0.5, "more": more or other_data} | about | apart)
    runs = SHOWN + len(spec.columns)
    heads.append({"place": runs, "more": True, "first": "descending", "better": None, "sorted": False})
    if spec.rank_by:
        heads.append({"place": -0.5, "more": False, "first": "ascending", "better": "low", "sorted": True})
    return heads


def _cells(block: Block, row: int, columns: Iterable[int], heads: list[dict]) -> list[dict]:
    """Return the cells of some columns of a row: text, whether bold, and the key that sorts them (None: none)."""
    return [
        {
            "text": block.cells[row][j],
            "bold": block.bold[row][j],
            "key": _key(block.values[row][j], heads[j]["better"]),
        }
        for j in columns
    ]


def _key(value: float, better: str | None) -> str | None:
    if math.isnan(value):
        return None
    return f"{DISTANCE_TO_BEST['one'](value) if better == 'one' else value:.6g}"


def _merged(cells: list[dict], more: bool) -> list[dict]:
    """Return cells with the columns that they cover; equal ones beside each other ('not run: ...') are one."""
    merged: list[dict] = []
    for cell in cells:
        if merged and cell["text"].startswith("not run") and merged[-1]["text"] == cell["text"]:
            merged[-1]["columns"] += 1
        else:
            merged.append(cell | {"columns": 1, "more": more})
    return merged


def plot(part: pd.DataFrame, spec: TableSpec) -> str | None:
    """Return the dot plot of a block as SVG, by the first score that decides and of which two methods have a number.

    None where there is no such score. The rows are the methods, the best first; bars are the standard deviations that
    the table has too.
    """
    numbers = part[part["mean"].notna()]
    for column in deciding(spec):
        found = numbers[numbers["score"] == column.score]
        rows = found[~found["method"].isin([*LINES, ORACLE.name])]
        if len(rows) > 1:
            return _plot(column, found.set_index("method"), rows)
    return None


def _plot(column: ColumnSpec, marks: pd.DataFrame, rows: pd.DataFrame) -> str:
    """Return the plot of one score: ``marks`` are all its numbers by method, ``rows`` those that have a row."""
    if column.better:
        rows = rows.sort_values("mean", key=DISTANCE_TO_BEST[column.better], kind="stable")
    dots = [
        Dot(row.label, row.mean, row.mean - row.sd, row.mean + row.sd, bool(row.control))
        for row in rows.itertuples(index=False)
    ]
    lines = [(marks.loc[name, "label"], float(marks.loc[name, "mean"])) for name in LINES if name in marks.index]
    band = None
    if ORACLE.name in marks.index and marks.loc[ORACLE.name, ["low", "high"]].notna().all():
        oracle = marks.loc[ORACLE.name]
        band = (oracle["label"], float(oracle["low"]), float(oracle["high"]))
    return svg(DotPlot(column.label, column.better, tuple(dots), tuple(lines), band))
