"""The reference of what can be imported from the package."""

import inspect

import outofsample
from outofsample import NeuronEditor
from outofsample.study import python_reference


def test_all_that_is_public_is_there():
    page = python_reference.python_page("<!-- note -->")
    assert page.startswith("# Python\n\n<!-- note -->\n") and page.endswith("\n") and "  \n" not in page
    for name in outofsample.PUBLIC:
        assert f"\n## `{name}`\n" in page
    for name in ("fit", "transform", "fit_transform", "extrapolated", "get_params", "set_params", "save", "load"):
        assert f"\n### `Extrapolator.{name}`\n" in page
    # What scikit-learn adds to every estimator is described by scikit-learn.
    assert "_request" not in page and "get_metadata_routing" not in page


def test_every_parameter_is_described():
    page = python_reference.python_page("")
    for name in inspect.signature(NeuronEditor).parameters:
        assert f"`{name}`" in page, name
    assert "- `hidden`, `latent`: Widths of the encoder's hidden layers" in page


def test_a_docstring_becomes_markdown():
    def thing(self, one, two: int = 3) -> str:
        """Do ``this``
        and that.

        More.

        Parameters
        ----------
        one, two
            First
            line.

        Notes
        -----
        A ``note``.
        """

    assert python_reference._signature("thing", thing) == "thing(one, two=3)"
    assert list(python_reference._parts(thing)) == [
        "Do `this` and that.", "More.", "**Parameters**", "- `one`, `two`: First line.", "**Notes**", "A `note`.",
    ]  # fmt: skip
