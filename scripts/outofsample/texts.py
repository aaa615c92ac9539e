"""Words and numbers that tables, figures and pages write alike."""

import datetime
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

STAND_IN = "simulated stand-in data"
#: Where there is no number.
DASH = "–"


def marks(stand_in: bool, demo_size: bool, where: str = "") -> str:
    """Return 'simulated stand-in data, demo size', of these what is true; ``where`` follows the word on the data."""
    said = {f"{STAND_IN} {where}".strip(): stand_in, "demo size": demo_size}
    return ", ".join(text for text, is_true in said.items() if is_true)


def number(value: float, digits: int = 3, sd: float = math.nan) -> str:
    """Return a number with so many decimals, with '± sd' where there is one; a dash where there is no value."""
    if math.isnan(value):
        return DASH
    # Adding zero turns a rounded -0.000 into 0.000.
    text = f"{round(value, digits) + 0.0:.{digits}f}"
    return text if math.isnan(sd) else f"{text} ± {sd:.{digits}f}"


def shortened(value: float, digits: int = 3) -> str:
    """Return a number with so many decimals, fewer where it is large; a dash where there is none."""
    size = abs(value)
    return number(value, digits if size < 10 else min(digits, 2 if size < 100 else 1))


def significant(value: float | None, sign: bool = False) -> str:
    """Return a number with three digits, with all before the decimal point; a dash where there is none."""
    if value is None or math.isnan(value):
        return DASH
    return f"{value:{'+' if sign else ''}{',.0f' if abs(value) >= 1000 else '.3g'}}"


def as_label(name: str) -> str:
    """Return how tables, figures and pages call a thing that has no label of its own."""
    return name.replace("_", " ")


def label_text(value: object) -> object:
    """Return a condition or domain of a study file as text; what is neither text, number nor date stays as it is.

    Raises
    ------
    ValueError
        If YAML has made something else of what was written: no, yes, true of them truth values, 1.10 a number.
    """
    if isinstance(value, bool):
        words = "yes, true or on" if value else "no, false or off"
        raise ValueError(f"YAML takes {words} for a truth value; put the label in quotes, as it stands in the data")
    if isinstance(value, float):
        raise ValueError(f"YAML takes {value!r} for a number, of which 1.1 and 1.10 are one; put the label in quotes")
    return str(value) if isinstance(value, (int, datetime.date)) else value


def without_floats(labels: "np.ndarray") -> "np.ndarray":
    """Return labels (cells,) of data as they are, but for whole numbers that are stored as floats: these are integers.

    A column of integers becomes one of floats where a program had no value for a cell. In another file, or another
    table, the same labels can still be integers, and as text 1 and 1.0 would be two.

    Raises
    ------
    ValueError
        If a label is another float: which digits stand for it is not known.
    """
    import numpy as np

    if labels.dtype.kind == "f":
        distinct, places = np.unique(labels, return_inverse=True)
        return np.array([_integer(label) for label in distinct.tolist()], dtype=object)[places]
    if labels.dtype.kind == "O":
        return np.array([_integer(label) for label in labels], dtype=object)
    return labels


def _integer(label: object) -> object:
    """Return a label as it is, a float as the integer that it is."""
    import numpy as np

    if not isinstance(label, float | np.floating):
        return label
    if not float(label).is_integer():
        raise ValueError(f"holds the number {label}, of which 1.1 and 1.10 are one; store these labels as text")
    return int(label)
