"""What can be read in a drawn figure."""

import matplotlib.text
import numpy as np
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba

from outofsample.figures import style


def texts(figure):
    """Return all that can be read in a figure, with line breaks as spaces."""
    return " | ".join(text.get_text().replace("\n", " ") for text in figure.findobj(matplotlib.text.Text))


def clouds(ax, name):
    """Return the points (n, 2) of each cloud in the colour of a population."""
    colour = to_rgba(style.COLOURS[name])[:3]
    found = [part for part in ax.collections if isinstance(part, PathCollection)]
    return [np.asarray(part.get_offsets()) for part in found if np.allclose(part.get_facecolor()[:, :3], colour)]
