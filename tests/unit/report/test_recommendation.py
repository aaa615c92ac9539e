"""Which method to take: a clear winner, none that beats doing nothing, one shared population; and what is told."""

from dataclasses import replace

import numpy as np
import pytest

from outofsample.arrays import HeldOut
from outofsample.errors import UserError
from outofsample.files.prediction import PredictionFile, PredictionWriter
from outofsample.report.recommendation import Expected, as_text, held_out_of, recommend
from tests.conftest import planted

LABELS = {"stack": "Stacked map", "shift": "Mean shift", "net": "trVAE", "same": "No change"}
UNCHANGED = np.array([4.0, 5.0, 6.0, 5.0])
TRAINS = HeldOut.none(2, "it trains a network")
ONE_CONTROL = HeldOut.none(2, "source and target share 1 (control): 2 further controls would give a number")


def held_out(errors, unchanged=UNCHANGED) -> HeldOut:
    """Return what a method makes of so many domains."""
    errors, zeros = np.array(errors, float), np.zeros((len(errors), 2))
    names = np.arange(len(errors)).astype(str)
    return HeldOut(names, errors, unchanged, np.zeros(len(errors)), zeros, zeros, np.ones(len(errors)))


NOTHING = held_out(UNCHANGED)


def test_a_clear_winner_is_taken():
    found = {"stack": held_out([0.9, 1.0, 1.1, 1.0]), "shift": held_out([2.0, 2.1, 2.2, 2.1]), "same": NOTHING}
    made = recommend(found, LABELS, cautious="stack", unchanged="same")
    assert made.method == "stack" and not made.warns
    assert made.why.startswith(
        "Take Stacked map. In 4 populations measured in both conditions, each left out of the fit"
    )
    assert "energy distance 1 on average, doing nothing 5, nearer in 4 of 4" in made.why
    expected = Expected.of("stack", found["stack"])
    assert f"Expected for this query: {as_text(expected.interval)}; doing nothing " in made.why
    assert made.why.endswith("Next is Mean shift (2.1).") and "either" not in made.why


def test_what_does_not_help_is_not_next():
    """One is nearest on average by a single domain, and farther than doing nothing in the others."""
    found = {"stack": held_out([3.9, 4.9, 5.9, 4.9]), "shift": held_out([4.1, 5.1, 6.1, 0.1]), "same": NOTHING}
    made = recommend(found, LABELS, cautious="stack", unchanged="same")
    assert made.method == "stack" and "of those that help in most of them" in made.why and "Next is" not in made.why


def test_a_query_unlike_the_populations_that_were_held_out_is_told():
    far = {"stack": replace(held_out([1, 1, 1, 1]), query_distance=1.5), "same": NOTHING}
    made = recommend(far, LABELS, unchanged="same")
    assert made.method == "stack" and made.warns
    assert (
        "it is 1.5 from the source, and none of them is farther than 1 from the others. It can be far worse" in made.why
    )
    near = {"stack": replace(held_out([1, 1, 1, 1]), query_distance=0.9), "same": NOTHING}
    assert "unlike" not in recommend(near, LABELS, unchanged="same").why
    assert not HeldOut.none(2, "one control").is_beyond


def test_the_winner_need_not_be_the_cautious_one():
    found = {"stack": held_out([2, 2, 2, 2]), "shift": held_out([1, 1, 1, 1]), "same": NOTHING}
    assert recommend(found, LABELS, cautious="stack", unchanged="same").method == "shift"


def test_methods_that_are_alike_are_told():
    found = {"stack": held_out([1.0, 1.2, 1.0, 1.2]), "shift": held_out([1.3, 1.0, 1.2, 1.0])}
    made = recommend(found, LABELS)
    assert made.method == "stack" and "either will do" in made.why


def test_nothing_beats_doing_nothing():
    found = {"stack": held_out([5.0, 6.0, 6.5, 5.5]), "shift": held_out([9, 9, 9, 9]), "same": NOTHING}
    made = recommend(found, LABELS, cautious="stack", unchanged="same")
    assert made.method == "same" and made.warns
    assert made.why.startswith("Take none of them: no method beats doing nothing.")
    assert "The best is Stacked map: energy distance 5.75 on average, doing nothing 5, nearer in 0 of 4" in made.why
    assert made.why.endswith("No change leaves the cells as they are.")


def test_better_on_average_but_not_in_most_domains_is_not_enough():
    """One domain alone makes the mean: the query may be like the others."""
    found = {"stack": held_out([4.1, 5.1, 6.1, 0.1]), "same": NOTHING}
    assert Expected.of("stack", found["stack"]).error < 5
    assert recommend(found, LABELS, unchanged="same").warns
    assert recommend(found, LABELS).method == ""


def test_one_shared_population_gives_no_number_but_a_cautious_method():
    found = {"stack": ONE_CONTROL, "net": TRAINS, "shift": ONE_CONTROL, "same": ONE_CONTROL}
    made = recommend(found, LABELS, cautious="stack", unchanged="same")
    assert made.method == "stack" and made.warns
    assert made.why == (
        "Take Stacked map, which does nothing where it sees no gain in held-out parts of source and target. No number "
        "can be given for its error, nor for that of any other method: source and target share 1 (control): 2 further "
        "controls would give a number."
    )


def test_folds_that_are_random_parts_are_told_with_the_harm_that_they_did_not_foresee():
    found = {"stack": replace(ONE_CONTROL, random_parts=True), "same": ONE_CONTROL}
    made = recommend(found, LABELS, cautious="stack", unchanged="same")
    assert "these parts are random and cannot say how far the change carries" in made.why
    assert "harm in two, and in a third by chance." in made.why
    # Two controls are folds of their own.
    two = {"stack": HeldOut.none(2, "source and target share 2 (a, b)")}
    assert "random" not in recommend(two, LABELS, cautious="stack").why


def test_a_cautious_method_that_moved_no_cell_is_told():
    found = {"stack": ONE_CONTROL, "same": ONE_CONTROL}
    told = "no gain in held-out parts of source and target. Here it saw none: it did nothing to these cells"
    assert told in recommend(found, LABELS, cautious="stack", unmoved=["same", "stack"]).why
    assert "did nothing" not in recommend(found, LABELS, cautious="stack", unmoved=["same"]).why


def test_without_a_cautious_method_none_is_named():
    made = recommend({"net": TRAINS}, LABELS)
    assert made.method == "" and made.warns
    assert made.why == "No number can be given for the error of any method: it trains a network."


def test_methods_that_could_not_be_judged_are_named_with_the_reason():
    found = {"stack": held_out([1, 1, 1, 1]), "net": TRAINS, "same": NOTHING}
    made = recommend(found, LABELS, unchanged="same")
    assert made.why.endswith("Not judged in this way: trVAE (it trains a network).")


def test_what_files_say_is_read_by_method(tmp_path):
    data, _ = planted()
    for name in ("stack", "shift"):
        writer = PredictionWriter(data, name)
        writer.held_out = {"answer": ONE_CONTROL}
        writer.write(tmp_path / f"{name}.h5ad", not_run="not here")
    found = held_out_of([PredictionFile(tmp_path / f"{name}.h5ad") for name in ("stack", "shift")], "answer")
    assert list(found) == ["stack", "shift"] and found["stack"].why_not == ONE_CONTROL.why_not
    (tmp_path / "none.h5ad").write_text("no file")
    with pytest.raises(UserError, match=r"none\.h5ad"):
        PredictionFile(tmp_path / "none.h5ad")
