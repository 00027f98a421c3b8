"""Feature engineering against scikit-learn and numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from model_specs import (
    TRANSFORMERS,
    model,
    session,
    transformer,
)

from paritygate.validate.errors import ParityGateError


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_feature_engineering(name: str):
    spec, given, wanted = TRANSFORMERS[name]
    got = session(spec).predict({"x": given})["out"]
    if isinstance(wanted, str | dict):
        assert got == wanted
    else:
        np.testing.assert_array_almost_equal_nulp(np.nan_to_num(got, nan=-99), np.nan_to_num(wanted, nan=-99))


@pytest.mark.parametrize(
    ("kind", "inputs", "fields", "given"),
    [
        ("oneHotEncoder", {"x": "int64"}, {"int64Categories": [4, 5]}, 6),
        ("categoricalMapping", {"x": "string"}, {"stringToInt64Map": {"a": 3}}, "b"),
    ],
)
def test_unknown_categories_fail(kind: str, inputs: Any, fields: dict[str, Any], given: Any):
    with pytest.raises(ParityGateError) as caught:
        session(transformer(kind, inputs, "int64" if kind == "categoricalMapping" else 2, **fields)).predict(
            {"x": given}
        )
    assert caught.value.code == "PG406"


def test_feature_vectorizer_joins_numbers_arrays_and_dictionaries():
    spec = model({"a": "double", "b": 2, "c": "int->"}, {"out": 6})
    for name, size in (("b", 2), ("c", 3), ("a", 1)):
        spec.featureVectorizer.inputList.add(inputColumn=name, inputDimensions=size)
    got = session(spec).predict({"a": 7.0, "b": np.array([1.0, 2.0]), "c": {2: 5.0}})["out"]
    np.testing.assert_array_equal(got, [1, 2, 0, 0, 5, 7])
