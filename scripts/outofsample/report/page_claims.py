"""The papers' claims on the page: verdicts, numbers, and where to look."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from outofsample.jobs.claims import ClaimsSpec
from outofsample.jobs.page import PageSpec
from outofsample.report.claims import Claim, read_claims
from outofsample.report.verdicts import DOES_NOT_HOLD, HOLDS, UNDECIDED, VERDICTS, judge

PAPERS = {
    "ne2018": "Neuron Editing (2018)",
    "ne2019": "Neuron Editing (2019)",
    "ne2020": "Neuron Editing (2020)",
    "trvae2020": "trVAE (2020)",
}

#: The verdicts for which something was compared.
DECIDED = (HOLDS, DOES_NOT_HOLD, UNDECIDED)


def claims(study: PageSpec, path: Path, scores: pd.DataFrame, steps: Mapping[tuple[str, str], int]) -> dict | None:
    """Return each claim with its verdicts and links, and how many have each verdict; None where nothing is claimed.

    ``judged`` are the kinds of data on which the study decides any claim, both where it decides none.

    That is so in studies without a table that is about a paper.

    Raises
    ------
    UserError
        If the claims at ``path`` cannot be read.
    """
    if not any(spec.paper for spec in study.tables.values()):
        return None
    known = read_claims(path)
    verdicts = judge(known, ClaimsSpec(study.tasks, study.methods), scores, steps)
    rows = [
        {
            "claim": claim,
            "place": f"{PAPERS[claim.paper]}, {claim.place}",
            "links": _links(study, claim),
            "verdicts": verdicts[name],
            # What no test decides has one reason on all data.
            "reason": claim.not_judged,
        }
        for name, claim in known.items()
    ]
    counts = {data: _counts(rows, data) for data in ("stand-in", "real")}
    judged = [data for data, counted in counts.items() if any(counted[verdict] for verdict in DECIDED)]
    return {"rows": rows, "counts": counts, "judged": judged or list(counts)}


def _counts(rows: list[dict], data: str) -> dict[str, int]:
    found = [row["verdicts"][data].verdict for row in rows]
    return {verdict: found.count(verdict) for verdict in VERDICTS}


def _links(study: PageSpec, claim: Claim) -> list[tuple[str, str]]:
    """Return place on the page and name of the figures and tables that show a claim."""
    kinds = {"figure": study.figures, "table": study.tables}
    return [(f"#{kind}-{name}", name) for name in claim.shown_in for kind, shown in kinds.items() if name in shown]
