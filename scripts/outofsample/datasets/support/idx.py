"""IDX files, as MNIST and Morpho-MNIST come in: arrays of unsigned bytes, compressed."""

import gzip
import struct
from pathlib import Path

import numpy as np

from outofsample.errors import UserError
from outofsample.files import writing
from outofsample.files.limits import ARRAY_RATIO, DAMAGED, unpack


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """Read a gzipped IDX file of unsigned bytes: an array with so many dimensions.

    Raises
    ------
    UserError
        If the file is missing, damaged, unpacks to too much, or has another number of dimensions.
    """
    try:
        content = unpack(path, ARRAY_RATIO, "fetch it again")
        zeros, kind, found = struct.unpack_from(">HBB", content)
        shape = struct.unpack_from(f">{found}I", content, 4)
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such file.") from error
    except (*DAMAGED, ValueError, struct.error) as error:
        raise UserError(f"{path} is not a whole gzipped IDX file ({error}); fetch it again.") from error
    if (zeros, kind, found) != (0, 8, dimensions):
        raise UserError(f"{path}: it must be an IDX file of unsigned bytes with {dimensions} dimension(s).")
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * found)
    if values.size != np.prod(shape):
        raise UserError(f"{path}: it ends after {values.size} of {np.prod(shape)} values; fetch it again.")
    return values.reshape(shape)


def write_idx(path: Path, values: np.ndarray) -> None:
    """Write an array of unsigned bytes as a gzipped IDX file, without a time stamp."""
    header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    with writing.replacing(path) as temporary:
        temporary.write_bytes(gzip.compress(header + values.astype(np.uint8).tobytes(), mtime=0))
