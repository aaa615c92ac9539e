"""Tables on the page."""

import pandas as pd

from outofsample.jobs.table import TableSpec
from outofsample.report.table_blocks import blocks, full_title


def table(spec: TableSpec, tidy: pd.DataFrame, command: str) -> dict:
    """Return a table as heads and rows of cells; equal cells beside each other ('not run: ...') are one.

    ``command`` makes the table again.
    """
    return {
        "name": spec.name,
        "title": full_title(spec),
        "command": command,
        "blocks": [
            {
                "title": block.title,
                "head": block.head,
                "rows": [_merged(cells, bold) for cells, bold in zip(block.cells, block.bold, strict=True)],
                "first_control": block.first_control,
                "feet": block.feet,
            }
            for block in blocks(tidy, spec)
        ],
    }


def _merged(cells: list[str], bold: list[bool]) -> list[dict]:
    """Return the cells of a row as text, whether bold, and columns that they cover."""
    merged: list[dict] = []
    for text, is_bold in zip(cells, bold, strict=True):
        if merged and text.startswith("not run") and merged[-1]["text"] == text:
            merged[-1]["columns"] += 1
        else:
            merged.append({"text": text, "bold": is_bold, "columns": 1})
    return merged
