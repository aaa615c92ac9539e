"""The device of a training."""

import pytest
import torch

from outofsample.errors import UserError
from outofsample.training.run import Run
from tests.unit.training.conftest import fit


def test_gpu_that_is_not_there():
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(UserError, match="torch sees no GPU"):
        fit(run=Run(device="cuda"))
