"""The papers' own values."""

from outofsample.report.paper_values import read_paper_values
from tests.browser.study import PAPER_VALUES


def test_paper_values_are_those_of_the_papers():
    values = read_paper_values(PAPER_VALUES)
    assert not values.duplicated(["paper", "table", "row", "column"]).any()
    assert values["value"].notna().all() and (values["source"].str.len() > 20).all()
    table2 = values[(values["paper"] == "ne2020") & (values["table"] == "2")].set_index("row")["value"]
    assert len(table2) == 10 and table2["neuron_editing"] == 0.96275 and table2["regularized_ae"] == -0.0508
    assert values[values["table"].str.startswith("notebook")]["source"].str.contains("notebooks").all()
