"""What the tests of the PyTorch engines share."""

import pytest

from fixtures.torch_modules import Trained, trained_digits


@pytest.fixture(scope="session")
def digits() -> Trained:
    return trained_digits()
