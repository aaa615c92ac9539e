"""R data files as R's save() writes them, without R."""

import numpy as np


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
