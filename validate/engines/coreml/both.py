"""Core ML models run by both engines, Apple's and ours: where the two differ, nothing is proved of a conversion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...errors import ParityGateError
from ..base import LoadOptions
from . import native as coreml_native

if TYPE_CHECKING:
    from ...signature import Array, Feed
    from ...verdict.policies import Policy


class BothModels(coreml_native.NativeModel):
    """Gives what our engine gives, once Apple's framework has agreed with it."""

    def run(self, feed: Feed) -> dict[str, Array]:
        """Our engine's outputs. Raises PG310 when the framework's differ by more than the default tolerance."""
        from ...report.types import Verdict
        from ...verdict.compare import compare_outputs

        ours = _as_text(self.ours.run(feed))
        apples = _in_order(_as_text(super().run(feed)), ours)
        outputs = self.signature.outputs
        rows = compare_outputs(outputs, [apples], [ours], {spec.name: spec.name for spec in outputs}, self._policy())
        for row in rows:
            if row.verdict is Verdict.FAIL:
                raise ParityGateError(
                    "PG310", f"output '{row.name}'", f"Apple's framework and our engine disagree: {row.reason}",
                    "Run each with --engine coreml-native and --engine coreml, and report the model.",
                )  # fmt: skip
        return ours

    def _policy(self) -> Policy:
        from ...verdict.policies import DefaultPolicy, NarrowPolicy

        narrow = self.facts().precision
        return NarrowPolicy(DefaultPolicy(), narrow) if narrow else DefaultPolicy()


def _as_text(outputs: Mapping[str, Array]) -> dict[str, Array]:
    """``outputs`` with strings in the dtype that comparisons know; ONNX Runtime gives them as objects."""
    return {name: array.astype(str) if array.dtype.kind == "O" else array for name, array in outputs.items()}


def _in_order(outputs: dict[str, Array], wanted: Mapping[str, Array]) -> dict[str, Array]:
    """``outputs`` with the entries of dictionaries in the order that they have in ``wanted``."""
    import numpy as np

    from ...coreml.features import KEYS, VALUES

    for keys in [name for name in wanted if name.endswith(KEYS)]:
        values = keys.removesuffix(KEYS) + VALUES
        found = dict(zip(outputs[keys].tolist(), outputs[values].tolist(), strict=True))
        if found.keys() == set(wanted[keys].tolist()):
            ordered = np.array([found[key] for key in wanted[keys].tolist()], outputs[values].dtype)
            outputs = outputs | {keys: wanted[keys], values: ordered}
    return outputs


def load(source: Any, options: LoadOptions) -> BothModels:
    """As :func:`.native.load`."""
    native = coreml_native.load(source, options)
    return BothModels(native.ours, native.framework)
