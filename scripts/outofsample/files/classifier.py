"""The classifier of a task of images: ``classifiers/T.pt``.

What describes images for Frechet distances of its features, learned from the training part alone, as torch writes it:

- ``image_shape``: height, width and channels of the images that it takes.
- ``labels``: a mapping from each label to its classes, in the order of the network's outputs.
- ``network``: the state of `outofsample.networks.classifier.Classifier`.
"""

from pathlib import Path

from outofsample.errors import UserError
from outofsample.files.tensors import read_tensors, write_tensors


def write_classifier(path: str | Path, state: dict) -> None:
    """Write the state of a classifier, with the keys ``image_shape``, ``labels`` and ``network``."""
    write_tensors(path, state)


def read_classifier(path: str | Path) -> tuple[tuple[int, int, int], dict[str, list[str]], dict]:
    """Return image shape, labels and the network's state.

    Raises
    ------
    UserError
        If it is another file, or damaged.
    """
    try:
        state = read_tensors(path)
        return tuple(state["image_shape"]), dict(state["labels"]), dict(state["network"])
    except UserError:
        raise
    # What torch raises for a file that it did not write depends on its first bytes.
    except Exception as error:
        raise no_classifier(path, error) from error


def no_classifier(path: str | Path, error: Exception) -> UserError:
    """Return what to raise where a file cannot be read as a classifier."""
    return UserError(f"{path}: this is no file that train_classifier.py wrote ({type(error).__name__}).")
