"""The fitted methods that stand on one model: ``methods/T/GROUP.pt``, for cohorts.

With it a method predicts cells that were not part of its fit, file by file. As torch writes it, read without running
any code in it (``weights_only``); a mapping:

- ``seed``: the seed that they were fitted with, the first of the study.
- ``methods``: by name, what a method's ``whole_state`` gives and ``take_whole_state`` takes: a mapping of tensors,
  numbers and words. A method that did not run has none.
"""

from collections.abc import Mapping
from pathlib import Path

from outofsample.errors import UserError
from outofsample.files.writing import replacing


def write_methods(path: str | Path, seed: int, states: Mapping[str, dict]) -> None:
    """Write the states of fitted methods, as tensors, by name."""
    import torch

    with replacing(path) as temporary:
        torch.save({"seed": seed, "methods": dict(states)}, temporary)


def read_methods(path: str | Path) -> tuple[int, dict[str, dict]]:
    """Return the seed, and the states of the fitted methods by name.

    Raises
    ------
    UserError
        If it is another file.
    """
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        return int(content["seed"]), dict(content["methods"])
    # What torch raises depends on what the file is; its text would advise to switch the check off.
    except Exception as error:
        raise UserError(f"{path}: this is no file of fitted methods of a task ({type(error).__name__}).") from error
