"""Live objects are known by their classes, the most special one first."""

from __future__ import annotations

import pytest

from paritygate.validate.detect import detect
from paritygate.validate.errors import ParityGateError

MODULE = "torch.nn.modules.module.Module"
TRACKABLE = "tensorflow.python.trackable.autotrackable.AutoTrackable"
ESTIMATOR = "sklearn.base.BaseEstimator"


def instance(*paths: str) -> object:
    """An object whose class inherits from one class per path, the last one first."""
    kind: type = object
    for path in paths:
        module, _, name = path.rpartition(".")
        kind = type(name, (kind,), {"__module__": module})
    return type("Own", (kind,), {"__module__": "users_code"})()


@pytest.mark.parametrize(
    ("paths", "format"),
    [
        ((MODULE,), "torch_module"),
        ((MODULE, "torch.jit._script.ScriptModule"), "torchscript"),
        ((TRACKABLE,), "saved_model"),
        ((TRACKABLE, "keras.src.models.model.Model"), "keras"),
        ((MODULE, "keras.src.models.model.Model"), "torch_module"),
        ((ESTIMATOR,), "sklearn"),
        (("xgboost.core.Booster",), "xgboost"),
        (("catboost.core.CatBoost",), "sklearn"),
    ],
)
def test_a_live_object_is_known_by_its_classes(paths: tuple[str, ...], format: str) -> None:
    assert detect(instance(*paths)).name == format


def test_an_unknown_object_is_refused() -> None:
    with pytest.raises(ParityGateError, match=r"PG401.*users_code\.Own"):
        detect(instance())
