"""Claims in words of Markdown."""

import pytest

from outofsample.report.claims import Claim, ClaimTasks
from outofsample.study.claims_reference import claims_table, words_of


def claim(**changes) -> Claim:
    return Claim("It is so.", "trvae2020", "Figure 2", methods=("trvae",), scores=("means_r2",), **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"better_than": ("cvae", "scvi")}, "`trvae` better than `cvae`, `scvi` by `means_r2`"),
        ({"better_than": ("cvae",), "by_share": 0.65}, "`trvae` better than `cvae`, by 65 % at least, by `means_r2`"),
        ({"same_as": ("no_change",), "within_share": 0.1}, "`trvae` as `no_change`, within 0.1 of their score by"),
        ({"no_better_than": ("cvae",), "within": 0.02}, "`trvae` no better than `cvae`, within 0.02 by"),
        ({"at_least": 0.0}, "`trvae` at least 0 by `means_r2`"),
        ({"at_most": 0.5, "stand_in_scores": ("mmd",)}, "`trvae` at most 0.5 by `means_r2` (stand-ins: `mmd`)"),
        ({"at_most": 0.5, "note": "So it is."}, "at most 0.5 by `means_r2`. So it is."),
        ({"not_judged": "nobody knows"}, "not judged: nobody knows"),
    ],
)
def test_the_words_of_each_test(changes, words):
    assert words in words_of(claim(**changes))


def test_a_row_per_claim():
    claims = {"a": claim(at_least=0.9, tasks=ClaimTasks(real=("kang.NK",))), "b": claim(not_judged="why")}
    rows = claims_table(claims).splitlines()
    assert rows[2] == "| It is so. | trVAE 2020, Figure 2 | `trvae` at least 0.9 by `means_r2` | `kang.NK` | - |"
    assert len(rows) == 4 and rows[3].endswith("| not judged: why | - | - |")
