"""The fitted methods that stand on one model: ``methods/T/GROUP.pt``, or ``.json`` of one that R fitted, for cohorts.

With it a method predicts cells that were not part of its fit, file by file. As torch writes it, read without running
any code in it (``weights_only``); a mapping:

- ``seed``: the seed that they were fitted with, the first of the study.
- ``methods``: by name, what a method's ``whole_state`` gives and `chain.restored` takes: a mapping of tensors,
  numbers and words. A method that did not run has none.

Where R runs there need be no torch: the same mapping is JSON then, with lists in place of tensors and, of a method that
did not run, null.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from outofsample.errors import UserError
from outofsample.files.tensors import read_tensors, write_tensors
from outofsample.files.writing import check_seal, sealed


def write_methods(path: str | Path, seed: int, states: Mapping[str, dict]) -> None:
    """Write the states of fitted methods, as tensors, by name."""
    write_tensors(path, {"seed": seed, "methods": dict(states)})


def write_correction(path: str | Path, method: str, state: dict | None) -> None:
    """Write the state of a method that R fitted, of numbers, words and lists of them; None: it did not run."""
    with sealed(path) as temporary:
        temporary.write_bytes(msgspec.json.encode({"seed": 0, "methods": {method: state}}) + b"\n")


def read_methods(path: str | Path) -> tuple[int, dict[str, dict | None]]:
    """Return the seed, and the states of the fitted methods by name; None of one that did not run.

    Raises
    ------
    UserError
        If it is another file, or damaged.
    """
    try:
        if Path(path).suffix == ".json":
            check_seal(path)
            content = msgspec.json.decode(Path(path).read_bytes())
        else:
            content = read_tensors(path)
        return int(content["seed"]), dict(content["methods"])
    except UserError:
        raise
    # What torch raises depends on what the file is; its text would advise to switch the check off.
    except Exception as error:
        raise UserError(f"{path}: this is no file of fitted methods of a task ({type(error).__name__}).") from error
