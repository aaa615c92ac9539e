"""A device without space."""

from pathlib import Path

import pytest

from outofsample.files.writing import temporary_of


def on_full_device(path):
    """Let what is written to the temporary file of a path go to a device without space."""
    temporary_of(path).symlink_to("/dev/full")


needs_full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
