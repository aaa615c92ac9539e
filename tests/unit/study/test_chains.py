"""Chains of shared controls: the shortest, the one of most controls, and what would connect conditions without one."""

import pytest

from outofsample.arrays import Hop, Query
from outofsample.jobs.split import SplitSpec
from outofsample.study.chains import connected, find_chain, measured_controls, why_no_chain


def measured(**controls: str) -> dict[str, frozenset[str]]:
    """Return the controls of each batch, a letter each."""
    return {batch: frozenset(letters) for batch, letters in controls.items()}


#: Batch 5 and 6 share B, 6 and 2 share A.
ISSUE = measured(b2="A", b5="B", b6="AB")


def test_a_shared_control_is_one_hop_with_all_that_are_shared():
    assert find_chain(measured(b1="ABC", b2="ACD"), "b1", "b2") == (Hop("b1", "b2", ("A", "C")),)


def test_the_chain_of_the_batches_in_between():
    assert find_chain(ISSUE, "b5", "b2") == (Hop("b5", "b6", ("B",)), Hop("b6", "b2", ("A",)))
    assert find_chain(ISSUE, "b2", "b5") == (Hop("b2", "b6", ("A",)), Hop("b6", "b5", ("B",)))


def test_the_shortest_chain_is_taken():
    long_way = measured(s="A", m1="AB", m2="BC", m3="CD", t="DE", short="AE")
    assert [hop.target for hop in find_chain(long_way, "s", "t")] == ["short", "t"]
    assert find_chain(measured(s="AX", m="AX", t="A"), "s", "t") == (Hop("s", "t", ("A",)),)


def test_of_chains_of_one_length_the_one_with_most_controls_in_its_weakest_hop_is_taken():
    ways = measured(s="ABC", a="AXY", b="BCXY", t="XY")
    assert [hop.target for hop in find_chain(ways, "s", "t")] == ["b", "t"]


def test_of_equal_chains_the_first_by_name_is_taken_whatever_the_order():
    ways = measured(s="A", m2="AB", m1="AB", t="B")
    for known in (ways, dict(reversed(ways.items()))):
        assert [hop.target for hop in find_chain(known, "s", "t")] == ["m1", "t"]


@pytest.mark.parametrize("known", [measured(s="A", t="B"), measured(s="A"), measured(t="B"), {}])
def test_no_chain_is_no_hop(known):
    assert find_chain(known, "s", "t") == ()


def test_what_is_connected():
    assert connected(measured(a="X", c="XY", b="Y", d="Z"), "c") == ["c", "a", "b"]
    assert connected({}, "c") == ["c"]


def test_a_missing_chain_says_which_control_would_connect():
    told = why_no_chain(measured(b1="A", b2="A", b5="BC", b6="B"), "b5", "b2")
    assert "from b5 to b2 (b5 has B, C, which lead to b6; b2 has A, which lead to b1)" in told
    assert told.endswith("a measurement of A in b5 or b6, or B or C in b2 or b1.")
    for condition in ("b5", "b6"):
        added = measured(b1="A", b2="A", b5="BC", b6="B")
        added[condition] |= {"A"}
        assert find_chain(added, "b5", "b2")


def test_a_condition_without_any_control():
    assert "(b5 has no control; b2 has A, which no other condition has)" in why_no_chain(measured(b2="A"), "b5", "b2")
    assert why_no_chain(measured(b2="A"), "b5", "b2").endswith("a measurement of A in b5.")
    assert why_no_chain({}, "b5", "b2").endswith("a measurement of one control in b5 and in b2.")


def test_what_nobody_may_look_at_is_no_control():
    queries = (Query("q", "A", "b1", "b2"),)
    split = SplitSpec("t", queries, (("B", "b1"),), (("B", "b3"),), controls=("A", "B"), conditions=("b1", "b2", "b3"))
    everywhere = {(domain, f"b{number}") for domain in "ABC" for number in range(1, 5)}
    # A is asked for in b1 and true in b2, B is held out in b1 and for correctors in b3; b4 takes no part.
    assert measured_controls(split, everywhere) == {"b2": frozenset("B"), "b3": frozenset("A")}
