"""Prepare a TorchScript graph for export: state as values, no exceptions.

Works in place on the forward of a frozen module, which is a copy of its own.
"""

from __future__ import annotations

from typing import Any

import torch

from ....validate.engines.torch.state import attribute_path

Path = tuple[str, ...]


def prepare(graph: Any) -> bool:
    """Remove the graph's side effects in place; returns whether it could raise an exception."""
    raised = _assume_no_exceptions(graph, graph)
    _answer_on_cpu(graph)
    torch._C._jit_pass_constant_propagation(graph)
    _thread_state(graph, {})
    torch._C._jit_pass_dce(graph)
    torch._C._jit_pass_lint(graph)
    return raised


_NOT_ON_CPU = ("cuda", "mps", "xpu", "xla", "ipu", "hpu", "vulkan", "meta")


def _answer_on_cpu(graph: Any) -> None:
    """``x.is_cuda`` and its like are False where the graph runs; the exporter doesn't know them."""
    for kind in _NOT_ON_CPU:
        for node in graph.findAllNodes(f"prim::is_{kind}"):
            with graph.insert_point_guard(node):
                node.output().replaceAllUsesWith(graph.insertConstant(False))
            node.destroy()


def _assume_no_exceptions(graph: Any, block: Any) -> bool:
    """Fix every condition with one branch that raises to its other branch: ONNX has no exceptions."""
    found = False
    for node in list(block.nodes()):
        branches = list(node.blocks())
        found |= any([_assume_no_exceptions(graph, branch) for branch in branches])  # noqa: C419  # visit all
        if node.kind() == "prim::If":
            raises = [_raises(branch) for branch in branches]
            if raises[0] != raises[1]:
                with graph.insert_point_guard(node):
                    node.replaceInput(0, graph.insertConstant(raises[1]))
                found = True
    return found


def _raises(block: Any) -> bool:
    return any(node.kind() == "prim::RaiseException" for node in block.nodes())


def _written(block: Any) -> set[Path]:
    """Attributes that the block, or a block inside it, assigns."""
    found = {_attribute(node) for node in block.nodes() if node.kind() == "prim::SetAttr"}
    return found.union(*(_written(inner) for node in block.nodes() for inner in node.blocks()))


def _attribute(node: Any) -> Path:
    return (*attribute_path(node.inputsAt(0)), node.s("name"))


def _thread_state(block: Any, now: dict[Path, Any]) -> None:
    """Replace reads of assigned attributes by the values assigned; what a condition assigns becomes its output."""
    for node in list(block.nodes()):
        if node.kind() == "prim::SetAttr":
            now[_attribute(node)] = node.inputsAt(1)
            node.destroy()
        elif node.kind() == "prim::GetAttr" and attribute_path(node.output()) in now:
            node.output().replaceAllUsesWith(now[attribute_path(node.output())])
            node.destroy()
        elif node.kind() == "prim::If":
            _thread_branches(node, now)
        elif node.kind() == "prim::Loop" and _written_inside(node):
            raise NotImplementedError("forward assigns attributes inside a loop")


def _written_inside(node: Any) -> set[Path]:
    return set[Path]().union(*(_written(block) for block in node.blocks()))


def _thread_branches(node: Any, now: dict[Path, Any]) -> None:
    """The value of an attribute at the end of every branch becomes an output of the condition."""
    changed = sorted(_written_inside(node))
    branches = list(node.blocks())
    ends = [dict(now) for _ in branches]
    for branch, end in zip(branches, ends, strict=True):
        _thread_state(branch, end)
    for path in changed:
        values = [end[path] for end in ends if path in end]
        if len(values) < len(branches):
            continue  # it isn't read after this condition, or else it would be an input of the graph
        for branch, value in zip(branches, values, strict=True):
            branch.registerOutput(value)
        kind = values[0].type()
        now[path] = node.addOutput()
        now[path].setType(torch._C.TensorType.get() if kind.kind() == "TensorType" else kind)
