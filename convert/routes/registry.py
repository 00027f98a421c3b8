"""Which routes lead from a source format to a target's format, in the order in which they are tried: strings only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ...validate.engines import registry as formats
from ...validate.engines.registry import Format
from ...validate.errors import ParityGateError
from ..targets import Target

_ROUTES = "paritygate.convert.routes"


@dataclass(frozen=True, slots=True)
class Route:
    """One way from a source to a target.

    ``name`` is what ``--route`` calls it. ``steps`` are modules that each have one function ``convert``, a
    :class:`.base.Step`; all but the last write ONNX for the next.
    """

    name: str
    steps: tuple[str, ...]
    opset: int | None = None
    """The opset that this route writes where the user chose none."""
    only_after: frozenset[str] = frozenset()
    """Codes: it is worth trying only if the route before it failed with one of these. Empty: always."""

    def may_follow(self, code: str | None) -> bool:
        """Whether to try it after a failure with ``code``; None stands for a candidate that ran, without parity."""
        return not self.only_after or code in self.only_after


_NEEDS_ANOTHER = frozenset({"PG408"})
_ENGINE_REFUSES = frozenset({"PG301", "PG302"})

OTHER_OPSETS = ((23, _NEEDS_ANOTHER | _ENGINE_REFUSES), (25, _NEEDS_ANOTHER), (17, _ENGINE_REFUSES))
"""Opsets of ONNX files where the default won't do, and after which failures: a newer one for what the model needs, an
older one, too, for what the engine can't run."""

_TENSORFLOW = (formats.SAVED_MODEL, formats.GRAPHDEF, formats.KERAS_MODEL)
_TORCH = (formats.TORCH_EXPORT, formats.TORCH_MODULE, formats.TORCH_FACTORY)
_ESTIMATORS = (
    formats.SKLEARN_ESTIMATOR,
    formats.XGBOOST_MODEL,
    formats.LIGHTGBM_MODEL,
    formats.CATBOOST_MODEL,
)

_TO_ONNX = {
    formats.ONNX: "onnx.to_onnx",
    formats.COREML: "onnx.from_coreml",
    formats.TFLITE: "tensorflow.tflite_to_onnx",
    formats.TORCHSCRIPT: "torch.torchscript_to_onnx",
    **dict.fromkeys(_TENSORFLOW, "tensorflow.to_onnx"),
    **dict.fromkeys(_TORCH, "torch.to_onnx"),
    **dict.fromkeys(_ESTIMATORS, "sklearn.onnx.route"),
}
"""Source format -> the step to ONNX."""

_FROM_ONNX = {formats.COREML: "onnx.to_coreml.route"}
"""Target's format -> the step from ONNX."""

_WITHOUT_ONNX: Mapping[Format, Mapping[Format, tuple[str, str]]] = {
    formats.COREML: {
        **dict.fromkeys(_TENSORFLOW, ("coremltools", "tensorflow.to_coreml")),
        **dict.fromkeys((*_TORCH, formats.TORCHSCRIPT), ("coremltools", "torch.to_coreml")),
        **dict.fromkeys(_ESTIMATORS, ("native", "sklearn.coreml.route")),
    },
}
"""Target's format -> source format -> the name and the step of a route without ONNX in between, which is tried first.

To Core ML: coremltools' own frontends, and Core ML's own model types.
"""


def _route(name: str, *steps: str) -> Route:
    return Route(name, tuple(f"{_ROUTES}.{step}" for step in steps))


def _by_onnx(source: Format, step: str) -> Route:
    first = () if source is formats.ONNX else (_TO_ONNX[source],)
    return _route("onnx", *first, step)


def _own(source: Format, target: Format) -> tuple[Route, ...]:
    own = _WITHOUT_ONNX.get(target, {}).get(source)
    return () if own is None else (_route(*own),)


ROUTES: dict[tuple[str, str], tuple[Route, ...]] = {
    **{(source.name, formats.ONNX.name): (_route("direct", step),) for source, step in _TO_ONNX.items()},
    **{
        (source.name, target.name): (*_own(source, target), _by_onnx(source, step))
        for target, step in _FROM_ONNX.items()
        for source in _TO_ONNX
    },
}
"""(source format, target's format), by name -> the routes, in the order in which they are tried."""

NAMES = tuple(dict.fromkeys(route.name for routes in ROUTES.values() for route in routes))
"""What ``--route`` may name."""


def routes_for(source: Format, target: Target, name: str | None, opset: int | None = None) -> tuple[Route, ...]:
    """The routes from a source to a target, or the one that is named. Raises PG407 without any, PG201 for the name.

    Where the user chose no ``opset`` for an ONNX file, others than the default follow.
    """
    routes = ROUTES.get((source.name, target.format.name))
    if not routes:
        raise ParityGateError("PG407", source.title, f"no route leads to {target.format.title}")
    picked = tuple(route for route in routes if name in (None, route.name))
    if not picked:
        known = ", ".join(route.name for route in routes)
        raise ParityGateError(
            "PG201", str(name), f"there is no route named {name} from {source.title}", f"Routes: {known}."
        )
    if opset is not None or target.format is not formats.ONNX or source is formats.ONNX:
        return picked
    others = (
        replace(route, name=f"{route.name}, opset {n}", opset=n, only_after=codes)
        for route in picked
        for n, codes in OTHER_OPSETS
    )
    return (*picked, *others)
