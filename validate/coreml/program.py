"""Lowers an ML Program: the operators of a function are lowered one after the other, in order."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, MutableMapping, Sequence

from . import ops as _ops  # fills the registry
from .bind import MIL, Block, Bound, Op, State
from .errors import damaged, unsupported
from .files.proto import Message
from .files.weights import Blobs
from .graph import Graph, Slot, Tensor
from .literals import decode, tensor_type

del _ops

OPSETS = {"CoreML5": 15, "CoreML6": 16, "CoreML7": 17, "CoreML8": 18, "CoreML9": 26}
"""The opset names of MIL.proto by iOS version."""

Scope = MutableMapping[str, Bound]


def function(program: Message, name: str) -> Message:
    """The function ``name`` of a program. Raises PG402 when there is none."""
    if name not in program.functions:
        raise damaged(f"function '{name}'", f"the program has only {', '.join(sorted(program.functions)) or 'none'}")
    return program.functions[name]


def lower_function(
    g: Graph, function: Message, inputs: Mapping[str, Tensor], states: Mapping[str, State], blobs: Blobs
) -> dict[str, Slot]:
    """Lower ``function`` into ``g``; returns its outputs by name. ``states`` then hold their last values."""
    if function.opset not in OPSETS:
        raise unsupported(f"opset {function.opset}", "this version of paritygate doesn't know the opset")
    if function.opset not in function.block_specializations:
        raise damaged(f"opset {function.opset}", "the function has no block for its own opset")
    block = function.block_specializations[function.opset]
    lowering = _Blocks(OPSETS[function.opset], blobs)
    outputs = lowering.lower(g, block, ChainMap({}, {**inputs, **states}))
    return dict(zip(block.outputs, outputs, strict=True))


class _Blocks:
    """Lowers the blocks of one function, which share the opset and the weight files."""

    def __init__(self, opset: int, blobs: Blobs) -> None:
        self._opset = opset
        self._blobs = blobs

    def lower(self, g: Graph, block: Message, scope: ChainMap[str, Bound]) -> tuple[Slot, ...]:
        for operation in block.operations:
            scope.update(self._operation(g, operation, scope))
        results = [_lookup(scope, name, "a block's output") for name in block.outputs]
        return tuple(r.value if isinstance(r, State) else r for r in results)

    def _operation(self, g: Graph, operation: Message, scope: ChainMap[str, Bound]) -> dict[str, Bound]:
        names = [o.name for o in operation.outputs]
        where = f"{operation.type}:{names[0] if names else 'state'}"
        if operation.type == "const":
            return {names[0]: g.const(decode(operation.attributes["val"], self._blobs, where))}
        arguments = {k: self._bound(g, a, scope, where) for k, a in operation.inputs.items()}
        # The iOS16 compression operators keep their data in attributes.
        for key, value in operation.attributes.items():
            if key != "name":
                arguments[key] = [g.const(decode(value, self._blobs, where))]
        op = Op(
            type=operation.type,
            name=names[0] if names else "",
            opset=self._opset,
            outputs=tuple(tensor_type(o.type, where) for o in operation.outputs),
            blocks=tuple(self._block(b, scope, where) for b in operation.blocks),
        )
        with g.scope(where):
            return dict(zip(names, MIL.find(op)(g, op, arguments), strict=True))

    def _bound(self, g: Graph, argument: Message, scope: ChainMap[str, Bound], where: str) -> list[Bound]:
        return [
            _lookup(scope, b.name, where)
            if b.WhichOneof("binding") == "name"
            else g.const(decode(b.value, self._blobs, where))
            for b in argument.arguments
        ]

    def _block(self, block: Message, scope: ChainMap[str, Bound], where: str) -> Block:
        def lower(g: Graph, inputs: Sequence[Tensor]) -> tuple[Slot, ...]:
            names = [i.name for i in block.inputs]
            return self.lower(g, block, scope.new_child(dict(zip(names, inputs, strict=True))))

        return Block(tuple(tensor_type(i.type, where) for i in block.inputs), lower)


def _lookup(scope: Mapping[str, Bound], name: str, where: str) -> Bound:
    if name not in scope:
        raise damaged(where, f"it uses '{name}', which nothing earlier defines")
    return scope[name]
