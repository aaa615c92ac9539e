"""The verdicts on the papers' claims as a table (CSV), one row per comparison.

Columns claim, statement, paper, place, data (stand-in or real), verdict and why (of the claim on such data); then task,
query, score, method, mean, sd, against (a method, or the bound), against_mean, against_sd, advantage, margin and result
of each comparison, and beside them no_change, mean_shift and oracle. A claim that nothing was compared for has one row.
"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from outofsample.files.writing import sealed
from outofsample.report.claims import Claim
from outofsample.report.verdicts import Comparison, Line, Verdict

COLUMNS = (
    *("claim", "statement", "paper", "place", "data", "verdict", "why"),
    *("task", "query", "score", "method", "mean", "sd", "against", "against_mean", "against_sd"),
    *("advantage", "margin", "result", "no_change", "mean_shift", "oracle"),
)


def verdict_rows(claims: dict[str, Claim], verdicts: dict[str, dict[str, Verdict]]) -> Iterator[dict]:
    """Yield the rows of the table, those of a claim together."""
    for name, claim in claims.items():
        told = {"claim": name, "statement": claim.statement, "paper": claim.paper, "place": claim.place}
        for data, verdict in verdicts[name].items():
            shared = told | {"data": data, "verdict": verdict.verdict, "why": verdict.why}
            rows = [_row(claim, line, each) for line in verdict.lines for each in line.comparisons]
            yield from (shared | row for row in rows or [{}])


def _row(claim: Claim, line: Line, each: Comparison) -> dict:
    bound = {"against": f"{claim.test} {getattr(claim, claim.test)}"}
    other = each.other and {
        "against": each.other.method,
        "against_mean": each.other.mean,
        "against_sd": each.other.sd,
    }
    return {
        **{"task": line.task, "query": line.query, "score": line.score},
        **{"method": each.ours.method, "mean": each.ours.mean, "sd": each.ours.sd},
        **(other or bound),
        **{"advantage": each.advantage, "margin": each.margin, "result": each.verdict},
        **{result.method: result.mean for result in line.beside},
    }


def write_verdicts(claims: dict[str, Claim], verdicts: dict[str, dict[str, Verdict]], path: Path) -> None:
    """Write the table; numbers that are not there are empty fields."""
    table = pd.DataFrame(list(verdict_rows(claims, verdicts)), columns=list(COLUMNS))
    with sealed(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.9g", lineterminator="\n")
