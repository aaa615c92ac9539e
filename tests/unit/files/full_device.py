"""A device without space."""

import os
from pathlib import Path

import pytest


def on_full_device(path):
    """Let what is written to the temporary file of a path go to a device without space."""
    path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}").symlink_to("/dev/full")


needs_full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
