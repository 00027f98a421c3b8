"""One candidate and one feed: any tensor of its graph can be read, and any replaced by a value of the reference's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import onnx

from ..engines.base import More, Rewrite, nothing
from ..onnx_graphs import inline_functions
from ..tasks.reference import run_all
from ..workers.events import ignore
from .graph import SHOWN, exposing, holding

if TYPE_CHECKING:
    from ..signature import Array, Feed


@dataclass(frozen=True, slots=True)
class Probe:
    """``model`` is a :class:`~..engines.base.Graphed` model; it runs without ONNX Runtime's own rewriting."""

    model: Any
    feed: Feed

    def graph(self) -> onnx.ModelProto:
        """The graph, its local functions inlined; large weights may be absent from it."""
        seen: list[onnx.ModelProto] = []

        def look(model: onnx.ModelProto) -> onnx.ModelProto:
            seen.append(onnx.ModelProto())
            seen[-1].CopyFrom(model)
            return model

        self.model.variant(look, optimise=False)
        return inline_functions(seen[-1])

    def read(self, names: Sequence[str], given: Mapping[str, Array] | None = None) -> dict[str, Array]:
        """Tensors by name, weights and inputs of the graph too, with constants in the places of ``given`` ones.

        Raises ParityGateError PG302 and what ``variant`` raises.
        """
        found = self.answer(self.model.variant(_rewrite(names, given or {}), optimise=False))
        return {name: found.get(name, found.get(SHOWN + name)) for name in names}  # type: ignore[misc]  # one is there

    def answer(self, model: Any) -> dict[str, Array]:
        """What the model, or a variant of it, makes of the feed."""
        return run_all(model, [self.feed], "PG302", ignore)[0]


def _rewrite(names: Iterable[str], given: Mapping[str, Array]) -> Rewrite:
    return lambda model: exposing(holding(inline_functions(model), given), names)


@dataclass(frozen=True, slots=True)
class Showing:
    """The same model with some tensors as outputs whatever else is done to its graph."""

    model: Any
    names: tuple[str, ...]

    @property
    def finest(self) -> str:
        """The model's own."""
        return str(self.model.finest)

    def variant(self, rewrite: Rewrite, *, optimise: bool, more: More = nothing) -> Any:
        """See :class:`~..engines.base.Graphed`."""
        show = lambda graph: exposing(rewrite(inline_functions(graph)), self.names)  # noqa: E731  # a rewrite, as its caller's is
        return self.model.variant(show, optimise=optimise, more=more)
