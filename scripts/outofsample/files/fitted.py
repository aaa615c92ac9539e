"""The fitted states of a model: ``models/T/MODEL/seeds_B.pt``.

A batch B of seeds, as torch writes it: a mapping from each seed (int) to the state that the model's ``as_tensors``
gives and ``from_tensors`` takes, a mapping of tensors, numbers and words. It is read without running any code in it
(``weights_only``).
"""

from collections.abc import Mapping
from pathlib import Path

from outofsample.errors import UserError
from outofsample.files.tensors import read_tensors, write_tensors


def write_states(path: str | Path, states: Mapping[int, dict]) -> None:
    """Write the fitted states by seed."""
    write_tensors(path, dict(states))


def read_states(path: str | Path) -> dict[int, dict]:
    """Return the fitted states by seed.

    Raises
    ------
    UserError
        If it is another file, or damaged.
    """
    try:
        states = read_tensors(path)
        ours = all(isinstance(seed, int) and isinstance(state, dict) for seed, state in states.items())
    except UserError:
        raise
    # What torch raises depends on what the file is; its text would advise to switch the check off.
    except Exception as error:
        raise UserError(f"{path}: this file was not written by train_model.py ({type(error).__name__}).") from error
    if not ours:
        raise UserError(f"{path}: this file was not written by train_model.py; it must hold a state for each seed.")
    return states
