"""What tables say beside a method that has no bound: whether it could explode, and how far it did."""

import pandas as pd

from outofsample.jobs.table import ORACLE, TableSpec

#: Beside the label of a method with a value beyond twice the range of the training cells.
MARK = "‡"
#: The scores that say how far, as columns of a tidy table, and what their numbers are shares of.
SHARES = {"beyond_values": "values", "beyond_features": "features", "beyond_cells": "cells"}


def shares_beyond(of_method: pd.DataFrame) -> dict[str, float]:
    """Return the means over runs of the scores `SHARES` of one method and query (rows of scores); NaN without any."""
    return {score: of_method.loc[of_method["score"] == score, "value"].astype(float).mean() for score in SHARES}


def mark(entry: pd.Series) -> str:
    """Return what stands behind the label of a method, of which this is a row of a tidy table."""
    return MARK if entry["method"] != ORACLE.name and entry["beyond_values"] > 0 else ""


def feet(part: pd.DataFrame, spec: TableSpec) -> list[str]:
    """Return the sentences below a block (rows of a tidy table of one task and query)."""
    rows = part.drop_duplicates("method")
    exploded = [f"{row['label']} {_in_words(row)}" for _, row in rows.iterrows() if mark(row)]
    said = []
    if exploded:
        said.append(f"{MARK} Beyond twice the range of the training cells: {'; '.join(exploded)}.")
    shown = set(rows.loc[rows["status"] != "not run", "method"])
    unbounded = [row.label for row in spec.ordered_methods() if row.unbounded and row.name in shown]
    if unbounded:
        said.append(f"Tails as published, which go on without bound: {', '.join(unbounded)}.")
    return said


def _in_words(row: pd.Series) -> str:
    return ", ".join(f"{_percent(row[score])} of {of}" for score, of in SHARES.items())


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"
