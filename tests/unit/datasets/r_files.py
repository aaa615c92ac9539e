"""R data files as R's save() writes them, without R."""

import numpy as np

from outofsample.datasets import hela

#: The columns of the authors' matrix of HeLa cells; ``treatment`` comes twice.
HELA_COLUMNS = [
    *("Time", "Cell_length", "BC1", *hela.MARKERS[:9], "Normbeads1", *hela.MARKERS[9:], "DNA1", "File Number"),
    *("barcode", "treatment", "tSNE1", "treatment", "groups"),
]


class Matrix:
    """A matrix of R with column names."""

    def __init__(self, values, columns):
        self.values, self.columns = np.asarray(values, dtype=np.float64), list(columns)


def matrix_to_r(matrix, converter):
    """Write a `Matrix` as R does a matrix with column names; rdata itself writes data frames alone."""
    from rdata.conversion.to_r import RObjectType, build_r_object

    attributes = {"dim": np.array(matrix.values.shape), "dimnames": [None, np.array(matrix.columns)]}
    value = np.ravel(matrix.values, order="F")
    return build_r_object(RObjectType.REAL, value=value, attributes=converter.convert_to_r_attributes(attributes))


def write_rdata(path, **objects):
    """Write an R data file as R's save() does."""
    import rdata
    from rdata.conversion.to_r import DEFAULT_CLASS_MAP

    rdata.write_rda(path, objects, constructor_dict={**DEFAULT_CLASS_MAP, Matrix: matrix_to_r})
    return path


def hela_matrix(cells=20):
    """Return values (cells, `HELA_COLUMNS`) as the authors' matrix has them: transformed codes, then codes."""
    rng, codes = np.random.default_rng(0), np.arange(cells) % 5 + 1
    intensities = rng.gamma(1.0, 60.0, (cells, len(HELA_COLUMNS) - 4)) * (1 + 0.1 * codes[:, None])
    return np.column_stack([intensities, np.sinh(codes), rng.normal(size=cells), codes, np.arange(cells) % 2 + 1])
