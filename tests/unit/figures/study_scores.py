"""Scores of small studies for the tests of their summary."""

import numpy as np
import pandas as pd

COLUMNS = ["task", "query", "method", "seed", "score", "value", "low", "high", "sd", "n_cells", "note", "backend"]
ORACLE = (0.9, 1.0, 1.1)


def rows(task, values, query="q", score="energy_distance", oracle=ORACLE, oracle_note="", not_run=None):
    """Return the scores of a query: ``values`` by method (a number per seed), ``not_run`` reasons by method."""
    shared = {"task": task, "query": query, "score": score}
    found = [
        shared | {"method": method, "seed": seed, "value": value}
        for method, seeds in values.items()
        for seed, value in enumerate(np.atleast_1d(seeds))
    ]
    found += [
        shared | {"method": "oracle", "seed": k, "value": value, "note": oracle_note} for k, value in enumerate(oracle)
    ]
    found += [shared | {"method": m, "score": "", "note": reason} for m, reason in (not_run or {}).items()]
    return pd.DataFrame(found, columns=COLUMNS)


TWO = (
    rows("a", {"no_change": 5, "trvae": [2, 4], "gan": 7}, not_run={"mnn": "not run: R is missing"}),
    rows("sim", {"no_change": 3, "trvae": 1, "gan": 1.5, "mnn": 1.0}),
)
