"""Which routes lead from a source format to a target, in the order in which they are tried: strings only."""

from __future__ import annotations

from dataclasses import dataclass

_ROUTES = "paritygate.convert.routes"


@dataclass(frozen=True, slots=True)
class Way:
    """One way from a source to a target.

    ``name`` is what ``--route`` calls it. ``steps`` are modules that each have one function ``convert``, a
    :class:`.base.Route`; all but the last write ONNX for the next.
    """

    name: str
    steps: tuple[str, ...]


_TO_ONNX = {
    "onnx": "onnx.to_onnx",
    "saved_model": "tensorflow.to_onnx",
    "graphdef": "tensorflow.to_onnx",
    "keras": "tensorflow.to_onnx",
    "tflite": "tensorflow.tflite_to_onnx",
    "torch_export": "torch.to_onnx",
    "torchscript": "torch.torchscript_to_onnx",
    "torch_module": "torch.to_onnx",
    "torch_factory": "torch.to_onnx",
    "coreml": "onnx.from_coreml",
    "sklearn": "sklearn.onnx.route",
    "xgboost": "sklearn.onnx.route",
    "lightgbm": "sklearn.onnx.route",
    "catboost": "sklearn.onnx.route",
}

_TO_COREML = {
    **dict.fromkeys(("saved_model", "graphdef", "keras"), ("coremltools", "tensorflow.to_coreml")),
    **dict.fromkeys(
        ("torch_export", "torchscript", "torch_module", "torch_factory"), ("coremltools", "torch.to_coreml")
    ),
    **dict.fromkeys(("sklearn", "xgboost", "lightgbm", "catboost"), ("native", "sklearn.coreml.route")),
}
"""Routes without ONNX in between: coremltools' own frontends, and models that Core ML has itself."""


def _ways_to_coreml(source: str) -> tuple[Way, ...]:
    own = (Way(_TO_COREML[source][0], (f"{_ROUTES}.{_TO_COREML[source][1]}",)),) if source in _TO_COREML else ()
    first = () if source == "onnx" else (f"{_ROUTES}.{_TO_ONNX[source]}",)
    return (*own, Way("onnx", (*first, f"{_ROUTES}.onnx.to_coreml.route")))


ROUTES: dict[tuple[str, str], tuple[Way, ...]] = {
    **{(source, "onnx"): (Way("direct", (f"{_ROUTES}.{module}",)),) for source, module in _TO_ONNX.items()},
    **{(source, "coreml"): _ways_to_coreml(source) for source in _TO_ONNX},
}
"""(source format, target format) -> the ways, in the order in which they are tried."""
