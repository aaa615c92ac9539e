"""Where one fit runs, and where it leaves its traces."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """Where and how one fit runs; nothing here changes what is computed, but for the device.

    Attributes
    ----------
    device
        ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.
    checkpoint
        File for interrupted training to resume from, or None for no checkpoints.
    fingerprint
        Hash of data, settings and code: a checkpoint with another one is refused.
    checkpoint_seconds
        Time between two checkpoints.
    progress
        Whether to print a line with loss and time left.
    """

    device: str = "auto"
    checkpoint: Path | None = None
    fingerprint: str = ""
    checkpoint_seconds: float = 20.0
    progress: bool = False
