"""What the tests of the routes from PyTorch share, and the way to import their helpers.

pytest runs with --import-mode=importlib, which doesn't put this folder on the path.
"""

import sys
from pathlib import Path

import pytest

from fixtures.torch_modules import Trained, trained_digits

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def digits() -> Trained:
    return trained_digits()
