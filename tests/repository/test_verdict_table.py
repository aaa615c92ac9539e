"""The table of verdicts in docs/claims.md follows from what studies have judged."""

from benchmarks import verdicts

from outofsample.report.claims import read_claims
from tests.conftest import ROOT


def write_claims(folder, *rows):
    folder.mkdir()
    (folder / "claims.csv").write_text("claim,data,verdict,why\n" + "".join(f"{','.join(row)}\n" for row in rows))
    return folder


def test_what_decides_stands_before_what_does_not(tmp_path):
    first = write_claims(tmp_path / "demo", ("a", "stand-in", "holds", ""), ("a", "real", "not run", "x"))
    second = write_claims(
        tmp_path / "real", ("a", "real", "undecided", "against b"), ("b", "real", "does not hold", "c")
    )
    third = write_claims(tmp_path / "last", ("a", "real", "not run", "x"), ("b", "real", "holds", ""))
    found = verdicts.read_verdicts([first, second, third])
    assert found["a", "stand-in"] == ("holds", "", "demo") and found["a", "real"] == ("undecided", "against b", "real")
    assert found["b", "real"] == ("holds", "", "last")
    assert verdicts.said(found["a", "real"]) == "**undecided**: against b (`real`)"
    assert verdicts.said(found["b", "real"]) == "**holds** (`last`)" and verdicts.said(("not run", "x", "y")) == "-"


def test_the_page_has_a_row_for_each_claim_and_is_stable():
    text = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    claims = read_claims(ROOT / "docs" / "claims.yaml")
    new = verdicts.with_verdicts(text, claims, {("spike_in", "real"): ("holds", "", "a study")})
    table = new.partition(verdicts.MARKER)[2].partition("\n\n")[0].splitlines()
    assert len(table) == 2 + len(claims) and table[2].endswith("| - | **holds** (`a study`) |")
    assert new.partition("\n\n<!-- generated")[2] == text.partition("\n\n<!-- generated")[2]
    # What stands there is of today's claims.
    stands = text.partition(verdicts.MARKER)[2].partition("\n\n")[0].splitlines()
    assert [line.split(" | ")[0] for line in stands] == [line.split(" | ")[0] for line in table]
