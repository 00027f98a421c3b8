"""What the tests of the TensorFlow engines share."""

from pathlib import Path
from typing import Any

import pytest

from fixtures.keras_models import digit_images, save_two_signatures, trained_network


@pytest.fixture(scope="session")
def network() -> Any:
    return trained_network(*digit_images())


@pytest.fixture(scope="session")
def two_signatures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_two_signatures(tmp_path_factory.mktemp("saved") / "model")
