"""A second opinion on an ONNX graph: onnx.reference, the specification of the operators as Python code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ParityGateError

if TYPE_CHECKING:
    from ..engines.onnxruntime import OnnxModel
    from ..signature import Array, Feed


class OnnxReferenceModel:
    """An ONNX file in onnx.reference, with the signature of its ONNX Runtime session. Slow: for small models."""

    def __init__(self, model: OnnxModel) -> None:
        from onnx.reference import ReferenceEvaluator

        self.signature = model.signature
        self.native = model.native
        self.notes: tuple[str, ...] = ()
        self._evaluator = ReferenceEvaluator(str(model.native))

    def run(self, feed: Feed) -> dict[str, Array]:
        """Every output of the signature, by name."""
        names = [spec.name for spec in self.signature.outputs]
        return dict(zip(names, self._evaluator.run(names, dict(feed)), strict=True))


def open_in_onnx_reference(model: Any) -> OnnxReferenceModel:
    """The same file in onnx.reference. Raises ParityGateError PG302 where that can't open it."""
    from ..engines.onnxruntime import OnnxModel

    if not isinstance(model, OnnxModel):
        raise ParityGateError("PG302", "the second opinion", "onnx.reference runs ONNX files only")
    try:
        return OnnxReferenceModel(model)
    except Exception as error:  # onnx.reference has no exception class of its own
        raise ParityGateError("PG302", "onnx.reference", f"{type(error).__name__}: {error}") from error
