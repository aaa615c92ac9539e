"""The papers' claims: those that are shipped name what exists, and wrong ones say where."""

from itertools import chain

import pytest
import yaml

from outofsample.errors import UserError
from outofsample.report.claims import read_claims
from outofsample.study.load import load_study
from tests.browser.study import CLAIMS
from tests.conftest import ROOT

RIGHT = {
    "statement": "It is so.",
    "paper": "ne2020",
    "place": "Table 2",
    "tasks": {"real": ["dengue"]},
    "scores": ["means_r"],
    "methods": ["neuron_editing"],
    "better_than": ["gan"],
}


def read(folder, entries=(), **changes):
    """Return the claim 'mine' from a file in which it is `RIGHT` but for some keys; None takes a key away."""
    values = {key: value for key, value in (RIGHT | changes).items() if value is not None}
    (folder / "claims.yaml").write_text(yaml.safe_dump({"entries": list(entries), "claims": {"mine": values}}))
    return read_claims(folder / "claims.yaml")["mine"]


def shipped_studies():
    """Return all studies that are shipped, checked and with their defaults."""
    for path in [ROOT / "config.yaml", *sorted(ROOT.glob("studies/*.yaml"))]:
        yield load_study(yaml.safe_load(path.read_text()), ROOT, str(path))


def test_the_shipped_claims_name_what_the_shipped_studies_have():
    studies, claims = list(shipped_studies()), read_claims(CLAIMS)
    assert len(claims) >= 15 and {claim.paper for claim in claims.values()} == {"ne2019", "ne2020", "trvae2020"}
    tasks, methods, tables, figures = (
        set(chain.from_iterable(getattr(study, kind) for study in studies))
        for kind in ("tasks", "methods", "tables", "figures")
    )
    for name, claim in claims.items():
        assert {*claim.tasks.real, *claim.tasks.stand_in} <= tasks, name
        assert {*claim.methods, *claim.others} <= methods, name
        assert claim.shown_in and set(claim.shown_in) <= tables | figures, name


def test_the_demo_shows_each_claim_somewhere():
    demo = next(shipped_studies())
    for name, claim in read_claims(CLAIMS).items():
        assert set(claim.shown_in) & {*demo.selected("tables"), *demo.selected("figures")}, name


def test_a_claim_is_read_with_its_test(tmp_path):
    claim = read(tmp_path)
    assert (claim.test, claim.others, claim.scores_on(stand_in=True)) == ("better_than", ("gan",), ("means_r",))
    assert (claim.tasks_on(stand_in=False), claim.tasks_on(stand_in=True)) == (("dengue",), ())
    bound = read(tmp_path, better_than=None, at_least=0, stand_in_scores=["sd_ratio"])
    assert (bound.test, bound.others, bound.scores_on(stand_in=True)) == ("at_least", (), ("sd_ratio",))
    assert read(tmp_path, entries=["mine"], methods=["mine"]).methods == ("mine",)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": ["mean_r"]}, r"scores: unknown score 'mean_r' \(did you mean 'means_r'\?\)\.$"),
        ({"published_steps": {"trvea": 9}}, r"published_steps: unknown model 'trvea' \(did you mean 'trvae'\?\)\.$"),
        ({"stand_in_scores": ["x"]}, r"stand_in_scores: unknown score 'x'\.$"),
        ({"methods": ["neuron_edit"]}, r"methods: unknown method 'neuron_edit' \(did you mean 'neuron_editing'"),
        ({"better_than": ["gans"]}, r"better_than: unknown method 'gans' \(did you mean 'gan'"),
        ({"statment": "x"}, r"unknown key 'statment' \(did you mean 'statement'"),
        ({"tasks": {"reel": []}}, r"tasks: unknown key 'reel' \(did you mean 'real'"),
        ({"tasks": {"real": "dengue"}}, r"tasks\.real: expected `array`, got `str`\.$"),
        ({"place": 3}, r"place: expected `str`, got `int`\.$"),
        ({"place": None}, r"object missing required field `place`\.$"),
        ({"paper": "ne2021"}, r"paper: invalid enum value 'ne2021'\.$"),
        ({"better_than": None}, r"it needs one test \(better_than, .*\), or not_judged"),
        ({"at_least": 0.5}, "it needs one test"),
        ({"not_judged": "why"}, "it needs one test"),
        ({"scores": None}, r"scores: its test 'better_than' needs this key\.$"),
        ({"methods": None}, r"methods: its test 'better_than' needs this key\.$"),
        ({"tasks": None}, r"tasks: its test 'better_than' needs tasks, real or stand_in\.$"),
        ({"by_share": -0.5}, r"by_share: it belongs to the test 'better_than', and is above 0\.$"),
        ({"better_than": None, "at_least": 0, "by_share": 0.5}, "by_share: it belongs to the test 'better_than'"),
        ({"better_than": None, "same_as": ["no_change"]}, "within: its test 'same_as' needs within or within_share"),
    ],
)
def test_a_wrong_claim_says_where(tmp_path, changes, message):
    with pytest.raises(UserError, match=r"claims\.yaml: claim 'mine': " + message):
        read(tmp_path, **changes)


@pytest.mark.parametrize("text", ["claims: [a]", "a: b", "{", "claims: {mine: 3}"])
def test_a_file_without_claims_is_refused(tmp_path, text):
    (tmp_path / "claims.yaml").write_text(text)
    with pytest.raises(UserError, match=r"claims\.yaml: (these claims cannot|there are no|claim 'mine': this is no)"):
        read_claims(tmp_path / "claims.yaml")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.yaml: these claims cannot be read"):
        read_claims(tmp_path / "none.yaml")
