"""State that a TorchScript module keeps in its attributes between calls, as inputs and outputs.

A module whose forward assigns ``self.hidden = ...`` gives different outputs each time. With its attributes before the
call as inputs and after it as outputs, it is a function, which can be compared and converted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from typing import Any

from ...errors import ParityGateError
from .call import inference

NEXT = "_next"
"""Appended to a state's name for its value after the call."""

_TYPES = {"Tensor": None, "int": int, "float": float, "bool": bool}


@dataclass(frozen=True, slots=True)
class Slot:
    """One attribute: ``path`` leads to it from the module; ``kind`` is its TorchScript type."""

    path: tuple[str, ...]
    kind: str

    @property
    def name(self) -> str:
        """The name of the input; the output's has :data:`NEXT` appended."""
        return ".".join(self.path)

    def read(self, module: Any) -> Any:
        """The attribute's value."""
        return reduce(getattr, self.path, module)

    def write(self, module: Any, value: Any) -> None:
        """Set the attribute; a tensor is converted to a number if the attribute is a number."""
        number = _TYPES[self.kind]
        owner = reduce(getattr, self.path[:-1], module)
        setattr(owner, self.path[-1], value if number is None else number(value))


def find_slots(subject: str, module: Any) -> tuple[Slot, ...]:
    """Attributes that forward assigns, and may read before it has assigned them, in order.

    Raises ParityGateError PG404 for one that is neither a tensor nor a number.
    """
    graph = forward_graph(module)
    written = {(*attribute_path(node.inputsAt(0)), node.s("name")) for node in graph.findAllNodes("prim::SetAttr")}
    kinds = _read_first(graph, written)
    for path, kind in kinds.items():
        if kind not in _TYPES:
            raise ParityGateError(
                "PG404", f"{subject}, attribute {'.'.join(path)}", f"forward keeps state of type {kind} in it",
                "Only tensors and numbers can become inputs and outputs.",
            )  # fmt: skip
    return tuple(Slot(path, kind) for path, kind in kinds.items())


def _read_first(graph: Any, written: set[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    certain: set[tuple[str, ...]] = set()
    found: dict[tuple[str, ...], str] = {}
    for node in graph.nodes():
        for inner in (node, *_inside(node)):
            if inner.kind() == "prim::GetAttr":
                path = attribute_path(inner.output())
                if path in written and path not in certain:
                    found.setdefault(path, str(inner.output().type()))
        if node.kind() == "prim::SetAttr":
            certain.add((*attribute_path(node.inputsAt(0)), node.s("name")))
    return found


def _inside(node: Any) -> Iterator[Any]:
    for block in node.blocks():
        for inner in block.nodes():
            yield inner
            yield from _inside(inner)


def attribute_path(value: Any) -> tuple[str, ...]:
    """The attribute names that lead from the module to a value of its graph."""
    node = value.node()
    return (*attribute_path(node.input()), node.s("name")) if node.kind() == "prim::GetAttr" else ()


def forward_graph(module: Any) -> Any:
    """The inlined graph of a TorchScript module's forward, without the branches for training."""
    import torch

    with inference(module):
        frozen = torch._C._freeze_module(module._c, preserveParameters=True)
    return torch.jit._recursive.wrap_cpp_module(frozen).forward.graph


@contextmanager
def with_state(module: Any, slots: tuple[Slot, ...], values: Mapping[str, Any]) -> Iterator[None]:
    """Set the module's state for the length of the block; its own is restored afterwards."""
    own = [(slot, slot.read(module)) for slot in slots]
    try:
        for slot in slots:
            if slot.name in values:
                slot.write(module, values[slot.name])
        yield
    finally:
        for slot, value in own:
            slot.write(module, value)
