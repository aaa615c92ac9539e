"""An estimator saved from Python: the file that ``Extrapolator.save`` and ``NeuronEditor.save`` are given.

As torch writes it, a mapping of tensors, numbers and words. It is read without running any code in it
(``weights_only``).

- ``format``: ``outofsample-extrapolator`` or ``outofsample-neuron-editor``.
- ``parameters``: what ``get_params`` of the estimator gives.
- ``names``: of the features, None where the cells of the fit had none.
- ``history``: the losses of the training, a mapping per epoch.
- ``model``: the state of the model that the method stands on, None where there is none; ``method``: the method's own.
- ``features``: their number; ``domains``: the populations of X; ``column``, ``layer``: where labels and counts were
  taken from, or None; ``expected_error``: a mapping of numbers by population, or None. The file of a NeuronEditor,
  which has one population, has none of these five.

A file can name code, since a method may be a file of the user's own. It is read where the caller names that code too.
"""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from outofsample import registry
from outofsample.errors import UserError
from outofsample.files.tensors import read_tensors
from outofsample.files.writing import replacing

#: What marks the file of each class.
FORMATS = {"Extrapolator": "outofsample-extrapolator", "NeuronEditor": "outofsample-neuron-editor"}
_KEYS = {"parameters", "names", "history", "model", "method"}
_MORE = {"features", "domains", "column", "layer", "expected_error"}


def write_estimator(path: str | Path, kind: str, content: dict) -> None:
    """Write an estimator of the class ``kind``, a key of `FORMATS`."""
    import torch

    # Into memory first: torch's writer does not say why it fails.
    buffer = io.BytesIO()
    torch.save({"format": FORMATS[kind], **content, "parameters": _plain(content["parameters"])}, buffer)
    with replacing(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def read_estimator(path: str | Path, kind: str, own_code: Sequence[str] = ()) -> dict:
    """Return the content of a saved estimator of the class ``kind``.

    Raises
    ------
    UserError
        If there is no such file, it is not one that ``save`` of this class wrote, or it asks for a file or module that
        ``own_code`` does not name.
    """
    path = Path(path)
    if not path.is_file():
        what = "a folder" if path.is_dir() else "not there"
        raise UserError(f"{path}: this is {what}; give a file that {kind}.save wrote.")
    try:
        content = read_tensors(path)
        found = content["format"]
    except UserError:
        raise
    except Exception as error:
        # What torch raises depends on what the file is; its text would advise to switch the check off.
        raise UserError(
            f"{path}: this file was not written by {kind}.save, or is damaged ({type(error).__name__})."
        ) from error
    writer = next((name for name, mark in FORMATS.items() if mark == found), None)
    if writer not in (None, kind):
        raise UserError(
            f"{path}: this file was written by {writer}.save, not by {kind}.save: read it with {writer}.load."
        )
    needed = _KEYS | (_MORE if kind == "Extrapolator" else set())
    if writer is None or not needed <= content.keys() or not isinstance(content["parameters"], dict):
        raise UserError(f"{path}: this file was not written by {kind}.save of this version.")
    for word in _words_in(content["parameters"]):
        if word not in own_code and all(registry.is_own(entries, word) for entries in registry.CLASSES):
            raise UserError(
                f"{path}: this file asks for code of your own, '{word}'; where you trust it, say so: "
                f"{kind}.load(..., own_code=['{word}'])."
            )
    return content


def _plain(value):
    """Return parameters as what torch reads without pickled code: numpy's numbers become Python's, paths words."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(item) for item in value)
    if isinstance(value, Path):
        return str(value)
    return value.item() if isinstance(value, np.generic) else value


def _words_in(value) -> Iterator[str]:
    """Yield all strings within nested dictionaries and lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _words_in([*value, *value.values()])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _words_in(item)
