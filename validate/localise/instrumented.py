"""One candidate and one feed: any tensor of its graph can be read, and any replaced by a value of the reference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import onnx

from ..engines.base import More, Rewrite, nothing
from ..events import ignore
from ..onnx_graphs import inline_functions
from ..tasks.reference import run_all
from .graph import SHOWN, replace_tensors, show_tensors

if TYPE_CHECKING:
    from ..signature import Array, Feed


@dataclass(frozen=True, slots=True)
class InstrumentedRun:
    """``model`` is a :class:`~..engines.base.Graphed` model; it runs without ONNX Runtime's graph optimisation."""

    model: Any
    feed: Feed

    def graph(self) -> onnx.ModelProto:
        """The graph with its local functions inlined; large weights may be absent from it."""
        seen: list[onnx.ModelProto] = []

        def copy(model: onnx.ModelProto) -> onnx.ModelProto:
            seen.append(onnx.ModelProto())
            seen[-1].CopyFrom(model)
            return model

        self.model.variant(copy, optimise=False)
        return inline_functions(seen[-1])

    def read(self, names: Sequence[str], replaced: Mapping[str, Array] | None = None) -> dict[str, Array]:
        """Tensors by name, also weights and inputs of the graph, while ``replaced`` ones have these constant values.

        Raises ParityGateError PG302 and what ``variant`` raises.
        """
        found = self.run(self.model.variant(_rewrite(names, replaced or {}), optimise=False))
        return {name: found.get(name, found.get(SHOWN + name)) for name in names}  # type: ignore[misc]  # one is there

    def run(self, model: Any) -> dict[str, Array]:
        """The outputs of the model, or of a variant of it, for the feed. Raises ParityGateError PG302."""
        return run_all(model, [self.feed], "PG302", ignore)[0]


def _rewrite(names: Iterable[str], replaced: Mapping[str, Array]) -> Rewrite:
    return lambda model: show_tensors(replace_tensors(inline_functions(model), replaced), names)


@dataclass(frozen=True, slots=True)
class ShowingTensors:
    """The same model with some tensors among its outputs, whatever else is done to its graph."""

    model: Any
    names: tuple[str, ...]

    @property
    def finest(self) -> str:
        """See :class:`~..engines.base.Graphed`."""
        return str(self.model.finest)

    def variant(self, rewrite: Rewrite, *, optimise: bool, more: More = nothing) -> Any:
        """See :class:`~..engines.base.Graphed`."""

        def show(graph: onnx.ModelProto) -> onnx.ModelProto:
            return show_tensors(rewrite(inline_functions(graph)), self.names)

        return self.model.variant(show, optimise=optimise, more=more)
