"""Names that predictions have in the results: reading refuses files that could not be written back under them."""

from pathlib import PurePosixPath

#: Which cells were extrapolated, beside the files that are written back.
EXTRAPOLATED = "extrapolated.csv"


def written_as(file: str, kind: str) -> str:
    """Return the name that a prediction has within the folder of its query, for the file (or image) that it is of."""
    path = PurePosixPath(file)
    return path.with_suffix(".png").as_posix() if kind == "images" and path.name else file
