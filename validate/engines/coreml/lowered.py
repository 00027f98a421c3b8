"""Core ML models (``.mlmodel``, ``.mlpackage``), run on any system as ONNX graphs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...signature import Hint, Signature, TensorSpec
from ..base import Facts, LoadOptions, More, Rewrite, nothing

if TYPE_CHECKING:
    from ...coreml.features import Feature
    from ...coreml.files.package import Package
    from ...coreml.runtime import Session
    from ...signature import Array, Feed

MADE_BY = ("com.github.apple.coremltools.source", "com.github.apple.coremltools.version")
"""The metadata in which coremltools records the source framework and its own version."""


class CoreMLModel:
    """A loaded Core ML model. ``native`` is the opened :class:`~paritygate.validate.coreml.files.package.Package`."""

    notes: tuple[str, ...] = ()
    finest = "float32"  # no document guarantees more, though classic models store doubles

    def __init__(self, package: Package, session: Session) -> None:
        from ...coreml.fitting import layouts

        self.native = package
        self.session = session
        self.signature = Signature(
            tuple(_spec(f) for f in session.inputs),
            tuple(spec for f in session.outputs for spec in _specs(f)),
            layouts=layouts(session.inputs),
        )

    def run(self, feed: Feed) -> dict[str, Array]:
        """Every output as an array; states start as zeros, dictionaries become ``name/keys`` and ``name/values``."""
        return self.session.run(feed)

    def weights(self) -> dict[str, Array]:
        """The constants of the lowered graph, which hold those of the file."""
        return self.session.weights()

    def variant(self, rewrite: Rewrite, *, optimise: bool, more: More = nothing) -> CoreMLModel:
        """The same model with its lowered graph rewritten; see :class:`.base.Graphed`."""
        return CoreMLModel(self.native, self.session.variant(rewrite, optimise=optimise, more=more))

    def hints(self) -> tuple[Hint, ...]:
        """Pixels of an image input lie between 0 and 255."""
        import numpy as np

        images = [f for f in self.session.inputs if f.kind == "imageType"]
        return tuple(Hint(f.name, low=np.array(0.0), high=np.array(255.0)) for f in images)

    def facts(self) -> Facts:
        """Type, converter, opset and operators, from the specification."""
        from ...coreml.files.contents import operators, opset, precision, weight_count

        spec = self.native.spec
        made_by = dict(spec.description.metadata.userDefined)
        return Facts(
            format=f"Core ML {spec.WhichOneof('Type')}, specification {spec.specificationVersion}",
            producer=" ".join(made_by[k] for k in MADE_BY if k in made_by),
            opset=opset(spec),
            operators=Counter(operators(spec)),
            parameters=weight_count(spec),
            size=_size(self.native.path),
            precision=precision(spec),
        )


def load(source: Any, options: LoadOptions) -> CoreMLModel:
    """Open and lower the model at the path ``source``; ``options.signature`` names a function of a program.

    Raises PG402 for a damaged model, PG403 without coremltools, PG404 when something in the model has no lowering.
    """
    from ...coreml.files.package import open_package
    from ...coreml.fitting import fitted
    from ...coreml.runtime import Session

    package = open_package(Path(source))
    return CoreMLModel(package, Session(*fitted(package, options.signature)))


def predict(
    model: str | Path,
    inputs: Mapping[str, Any],
    state: MutableMapping[str, Array] | None = None,
    function_name: str | None = None,
) -> dict[str, Any]:
    """What ``MLModel.predict`` gives on a Mac, for the model at a path. Sessions of the last few models are cached.

    Raises what :func:`load` raises, PG204 for inputs of the wrong shape or type, PG406 when ONNX Runtime fails.
    """
    path = Path(model)
    stamp = path.stat().st_mtime_ns if path.exists() else 0
    return _cached(path.resolve(), stamp, function_name).session.predict(inputs, state)


@lru_cache(maxsize=8)
def _cached(path: Path, stamp: int, function_name: str | None) -> CoreMLModel:
    return load(path, LoadOptions(signature=function_name))


def _spec(feature: Feature) -> TensorSpec:
    shape = None
    if feature.shape is not None:
        shape = tuple(f"{feature.name}_{i}" if d is None else d for i, d in enumerate(feature.shape))
    return TensorSpec(feature.name, "str" if feature.dtype.kind == "U" else feature.dtype.name, shape)


def _specs(feature: Feature) -> list[TensorSpec]:
    """A feature as tensors: two for a dictionary."""
    spec = _spec(feature)
    if feature.keys is None:
        return [spec]
    keys = "str" if feature.keys.kind == "U" else feature.keys.name
    return [
        TensorSpec(f"{feature.name}/keys", keys, spec.shape),
        TensorSpec(f"{feature.name}/values", spec.dtype, spec.shape),
    ]


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(f.stat().st_size for f in files if f.is_file())
