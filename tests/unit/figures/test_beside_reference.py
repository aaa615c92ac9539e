"""Two markers beside a reference: letters of the panels, and what stands there where there is no reference."""

from dataclasses import replace

import pytest

from outofsample.errors import UserError
from outofsample.figures import beside_reference, style
from tests.unit.figures.drawn import texts


def test_panels_start_at_another_letter(load_drugs):
    data = load_drugs(("mean_shift",))
    drawn = beside_reference.corrected_beside_reference(
        data, "p4EBP1", "pSTAT5", before="measured", after="predicted", first_letter="c"
    )
    assert "| c   measured |" in texts(drawn) and "| d   predicted: Mean shift |" in texts(drawn)
    assert "| a   raw |" in texts(beside_reference.corrected_beside_reference(data, "p4EBP1", "pSTAT5"))


@pytest.mark.parametrize("letter", ["", "cd", "3", "C", 3])
def test_what_is_no_letter_is_an_error_of_the_user(letter, load_drugs):
    with pytest.raises(UserError, match="ne2019_fig6: the option 'first_letter' is one letter from a to z"):
        beside_reference.corrected_beside_reference(load_drugs(), "p4EBP1", "pSTAT5", first_letter=letter)


def test_without_a_reference_the_truth_stands_beside_the_query(load_drugs):
    data = load_drugs(("mean_shift",))
    with_reference = replace(data, cells=data.cells | {"reference": data.cells["target"]})

    def density_colours(shown):
        above = beside_reference.corrected_beside_reference(shown, "p4EBP1", "pSTAT5").axes[1]
        return [line.get_color() for line in above.lines]

    assert style.COLOURS["truth"] in density_colours(data)
    assert style.COLOURS["truth"] not in density_colours(with_reference)
