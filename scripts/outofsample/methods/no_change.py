"""Control: the query as it is."""

import numpy as np

from outofsample.arrays import Prediction, Query
from outofsample.methods.families.base import Method as Base


class Method(Base):
    """Returns X: the score of a method that does nothing."""

    directed = False
    stochastic = False
    quick_to_hold_out = True

    def predict(self, X: np.ndarray, query: Query, counts: np.ndarray | None = None) -> Prediction:
        return Prediction(X.astype(np.float32))
