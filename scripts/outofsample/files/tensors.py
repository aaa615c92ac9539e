"""Files of tensors, numbers and words, as torch writes them: a zip archive whose parts have check sums.

They are read without running any code in them (``weights_only``), and after their check sums, which torch itself does
not look at.
"""

import zipfile
from pathlib import Path
from typing import Any

from outofsample.errors import UserError
from outofsample.files.writing import check_seal, replacing, sealed


def write_tensors(path: str | Path, content: Any, seal: bool = True) -> None:
    """Write tensors, numbers, words, and mappings and lists of them; with a seal where another job reads them."""
    import torch

    # Given a path, torch would write its name into the file, and so the number of this process.
    with (sealed if seal else replacing)(path) as temporary, temporary.open("wb") as file:
        torch.save(content, file)


def read_tensors(path: str | Path, device: str = "cpu") -> Any:
    """Return what `write_tensors` wrote.

    Raises
    ------
    UserError
        If the file was damaged after it was written.
    Exception
        What torch raises if it is another file.
    """
    import torch

    check_seal(path)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:
                raise UserError(f"{path}: this file is damaged (a check sum is wrong); make or copy it again.")
    return torch.load(path, map_location=device, weights_only=True)
