"""The page's summary: all methods on all tasks that compare them, by one score."""

from functools import partial

import numpy as np
import pandas as pd

from outofsample.jobs.page import PageSpec
from outofsample.metrics.directions import distance_to_best
from outofsample.report.dot_plot import Dot, DotPlot, svg
from outofsample.report.ranks import rank_methods

#: What the summary ranks by: every kind of data has it.
SUMMARY_SCORE = "energy_distance"
#: Methods that the page names at its top.
BEST = 3


def summary(study: PageSpec, scores: pd.DataFrame) -> dict | None:
    """Return rank and mean score of each method (rows, best mean rank first) for each query; None without any truth.

    Tasks that few methods run (`PageSpec.compared`) are left out: ranks among few are no ranks among all.
    """
    found = rank_methods(scores, dict.fromkeys(study.compared, SUMMARY_SCORE))
    values = found.values
    if values.empty:
        return None
    key = partial(distance_to_best, SUMMARY_SCORE)
    unchanged = values.loc["no_change"] if "no_change" in values.index else pd.Series(np.nan, values.columns)
    controls = {method for method, row in study.methods.items() if row.control}
    rows = [
        {
            "name": method,
            "label": study.method_label(method),
            "control": method in controls,
            "mean_rank": mean_rank,
            "tasks": found.of_tasks.loc[method].count(),
            "span": (found.of_tasks.loc[method].min(), found.of_tasks.loc[method].max()),
            "cells": [
                {
                    "value": values.loc[method, c],
                    "rank": found.of_queries.loc[method, c],
                    "worse": key(values.loc[method, c]) > key(unchanged[c]),
                }
                for c in values.columns
            ],
        }
        for method, mean_rank in found.mean.items()
    ]
    several = values.columns.get_level_values(0).value_counts()
    heads = [
        {"label": study.task_label(task) + (f": {query}" if several[task] > 1 else "")}
        for task, query in values.columns
    ]
    everywhere = [row for row in rows if row["tasks"] == len(several)]
    return {
        "heads": heads,
        "rows": rows,
        "oracle": list(found.oracle),
        "tasks": len(several),
        "ranked": len(everywhere),
        "best": everywhere[:BEST],
        "behind": _behind(everywhere),
        "plot": _plot(rows),
    }


def _behind(rows: list[dict]) -> int | None:
    """Return how many of these methods, controls included, rank behind no change; None where it has no rank."""
    limit = next((row["mean_rank"] for row in rows if row["name"] == "no_change"), None)
    if limit is None:
        return None
    return sum(row["mean_rank"] > limit for row in rows)


def _plot(rows: list[dict]) -> str | None:
    """Return the mean ranks as SVG, with bars from the best to the worst rank; None for fewer than two methods."""
    dots = [
        Dot(row["label"], row["mean_rank"], *row["span"], row["control"])
        for row in rows
        if not np.isnan(row["mean_rank"])
    ]
    return svg(DotPlot("mean rank", "low", tuple(dots))) if len(dots) > 1 else None
