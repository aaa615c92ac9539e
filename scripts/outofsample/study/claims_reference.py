"""The papers' claims as a table of Markdown, for ``docs/claims.md``."""

from outofsample.report.claims import Claim

PAPERS = {"ne2018": "NE 2018", "ne2019": "NE 2019", "ne2020": "NE 2020", "trvae2020": "trVAE 2020"}
TESTS = {
    "better_than": "better than {others}{by}",
    "no_better_than": "no better than {others}, within {allowed}",
    "same_as": "as {others}, within {allowed}",
    "at_least": "at least {bound}",
    "at_most": "at most {bound}",
}


def claims_table(claims: dict[str, Claim]) -> str:
    """Return a row per claim: what, where, by which test, on which tasks."""
    rows = ["| claim | place | test | real data | stand-ins |", "| --- | --- | --- | --- | --- |"]
    for claim in claims.values():
        cells = (claim.statement, f"{PAPERS[claim.paper]}, {claim.place}", words_of(claim))
        tasks = (_listed(claim.tasks.real), _listed(claim.tasks.stand_in))
        rows.append("| " + " | ".join(cell or "-" for cell in (*cells, *tasks)) + " |")
    return "\n".join(rows)


def words_of(claim: Claim) -> str:
    """Return in words what decides a claim, or why nothing does."""
    if claim.not_judged:
        return f"not judged: {claim.not_judged}"
    share = f"{claim.within_share:g} of their score" if claim.within_share else ""
    allowed = " and ".join(filter(None, [f"{claim.within:g}" if claim.within else "", share]))
    bound = claim.at_least if claim.at_most is None else claim.at_most
    words = TESTS[claim.test].format(
        others=_listed(claim.others),
        allowed=allowed,
        bound="" if bound is None else f"{bound:g}",
        by=f", by {100 * claim.by_share:g} % at least," if claim.by_share else "",
    )
    on_stand_ins = f" (stand-ins: {_listed(claim.stand_in_scores)})" if claim.stand_in_scores else ""
    note = f". {claim.note}" if claim.note else ""
    return f"{_listed(claim.methods)} {words} by {_listed(claim.scores)}{on_stand_ins}{note}"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
