"""The file that an interrupted training goes on from."""

import sys
from pathlib import Path

import torch

from outofsample.files.tensors import read_tensors, write_tensors


def write(path: str | Path, content: dict) -> None:
    """Write the state of a training, and that of torch's random numbers; a kill leaves the last checkpoint whole."""
    random = {
        "random": torch.get_rng_state(),
        "cuda_random": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    write_tensors(path, {**content, **random}, seal=False)


def read(path: Path, fingerprint: str) -> dict | None:
    """Return the content of a checkpoint, or None, with a line in the log, where it is damaged or stale.

    It is stale where its ``fingerprint`` is another one: data, settings or code have changed.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        content = read_tensors(path, device)
        stale = content["fingerprint"] != fingerprint
    except Exception as error:
        print(f"Ignored the checkpoint {path}, which cannot be read: {error}", file=sys.stderr)
        return None
    if stale:
        print(f"Ignored the checkpoint {path}: data, settings or code have changed since.", file=sys.stderr)
        return None
    for name in ("epoch_start", "random"):
        content[name] = content[name].cpu()
    content["cuda_random"] = [state.cpu() for state in content["cuda_random"]]
    return content


def restore_random(content: dict) -> None:
    """Take over the state of torch's random numbers from what `read` returned."""
    torch.set_rng_state(content["random"])
    if content["cuda_random"]:
        torch.cuda.set_rng_state_all(content["cuda_random"])
