"""Loading TensorFlow and Keras models: what is refused, and which hints are read from them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fixtures.keras_models import L, Written, exported, layers, saved, written
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.tensorflow import graphdef, saved_model, tflite
from paritygate.validate.engines.tensorflow import keras as keras_engine
from paritygate.validate.errors import ParityGateError

pytestmark = pytest.mark.xdist_group("tensorflow")


def test_model_that_was_never_called_is_refused() -> None:
    with pytest.raises(ParityGateError) as error:
        keras_engine.load(Written(), LoadOptions())
    assert error.value.code == "PG206"
    assert "never called" in error.value.cause


def test_ambiguous_signature_must_be_named(two_signatures: Path) -> None:
    with pytest.raises(ParityGateError) as error:
        saved_model.load(two_signatures, LoadOptions())
    assert error.value.code == "PG206"
    assert "code, score" in error.value.remedy
    with pytest.raises(ParityGateError) as error:
        saved_model.load(two_signatures, LoadOptions(signature="train"))
    assert error.value.code == "PG201"


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_lambda_layers_need_trust(suffix: str, tmp_path: Path) -> None:
    native = layers((3,), "float32", L.Lambda(lambda x: x * 3.0))
    path = saved(native, tmp_path / f"m{suffix}")
    with pytest.raises(ParityGateError) as error:
        keras_engine.load(path, LoadOptions())
    assert error.value.code == "PG501"
    trusted = keras_engine.load(path, LoadOptions(trust=True))
    np.testing.assert_allclose(*trusted.run({"x": np.ones((1, 3), np.float32)}).values(), np.full((1, 3), 3.0))


def damaged(folder: Path, network: Any) -> Iterator[tuple[Any, Path]]:
    """(engine, file) pairs of damaged files with plausible names."""
    yield graphdef, written(b"no graph at all", folder / "text.pb")
    yield graphdef, written(b"", folder / "empty.pb")
    yield tflite, written(b"\x1c\0\0\0TFL3" + bytes(40), folder / "bad.tflite")
    yield keras_engine, written(b"PK\x03\x04", folder / "bad.keras")
    yield keras_engine, written(b"\x89HDF\r\n\x1a\n" + bytes(64), folder / "bad.h5")
    with zipfile.ZipFile(folder / "hollow.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    yield keras_engine, folder / "hollow.keras"
    whole = exported(network, folder / "whole")
    yield graphdef, whole / "saved_model.pb"
    for name in ("variables.index", "variables.data-00000-of-00001"):
        part = exported(network, folder / name.replace(".", "_"))
        (part / "variables" / name).unlink()
        yield saved_model, part
    scrambled = exported(network, folder / "scrambled")
    written(b"\xff" * 99, scrambled / "saved_model.pb")
    yield saved_model, scrambled


def test_damaged_files_are_refused_by_name(network: Any, tmp_path: Path) -> None:
    for engine, path in damaged(tmp_path, network):
        with pytest.raises(ParityGateError) as error:
            engine.load(path, LoadOptions())
        assert error.value.code == "PG402", path
        assert path.name in error.value.subject


# --- hints


HINTS = [
    pytest.param(lambda: layers((5,), "int32", L.Embedding(11, 4)), {"low": 0, "high": 10}, id="embedding"),
    pytest.param(lambda: layers((5,), "int32", L.CategoryEncoding(7)), {"low": 0, "high": 6}, id="category"),
    pytest.param(lambda: layers((5, 4, 3), "float32", L.Rescaling(1 / 255)), {"low": 0, "high": 255}, id="bytes"),
    pytest.param(
        lambda: layers((5, 4, 3), "float32", layers((5, 4, 3), "float32", L.Rescaling(1 / 255))),
        {"low": 0, "high": 255},
        id="bytes, in a nested model",
    ),
    pytest.param(
        lambda: layers((2,), "string", L.StringLookup(vocabulary=["a", "b"])), {"vocabulary": ("a", "b")}, id="strings"
    ),
    pytest.param(
        lambda: layers((2,), "int64", L.IntegerLookup(vocabulary=[7, 9])), {"vocabulary": (7, 9)}, id="integers"
    ),
]


@pytest.mark.parametrize(("build", "expected"), HINTS)
def test_hints_of_layers_and_of_graphs_agree(
    build: Callable[[], Any], expected: dict[str, Any], tmp_path: Path
) -> None:
    """A Keras model's layers imply the same hints as its SavedModel's graph; only encodings don't show there."""
    native = build()
    for model in (
        keras_engine.load(native, LoadOptions()),
        saved_model.load(exported(native, tmp_path), LoadOptions()),
    ):
        hints = model.hints()
        if not hints and isinstance(native.layers[0], L.CategoryEncoding) and model.native is not native:
            continue
        assert [hint.name for hint in hints] == ["x"]
        assert {field: _plain(getattr(hints[0], field)) for field in expected} == expected


def _plain(value: Any) -> Any:
    return tuple(sorted(value)) if isinstance(value, tuple) else value.item()
