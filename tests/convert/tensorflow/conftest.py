"""What the tests of the routes from TensorFlow share, and the way to import their helpers.

pytest runs with --import-mode=importlib, which doesn't put this folder on the path.
"""

import sys
from pathlib import Path
from typing import Any

import pytest

from fixtures.keras_models import digit_images, save_two_signatures, trained_network

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def digits() -> Any:
    return digit_images()


@pytest.fixture(scope="session")
def network(digits: Any) -> Any:
    return trained_network(*digits)


@pytest.fixture(scope="session")
def two_signatures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_two_signatures(tmp_path_factory.mktemp("saved") / "model")
