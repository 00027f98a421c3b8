"""A model's own functions in place of their calls: their nodes have to change their opset like all others."""

from __future__ import annotations

from pathlib import Path

import onnx

from .....validate.onnx_graphs import subgraphs
from .bodies import instantiated
from .names import Names
from .schemas import DOMAINS

_Key = tuple[str, str, str]


def inline_local_functions(model: onnx.ModelProto, names: Names, folder: Path | None = None) -> None:
    """Replace the calls of the model's functions, in place, calls in functions and in nested graphs included."""
    if not model.functions:
        return
    functions = {(f.domain, f.name, f.overload): f for f in model.functions}
    _inline(model.graph, functions, names)
    del model.functions[:]
    _import_what_functions_import(model, functions)


def _inline(graph: onnx.GraphProto, functions: dict[_Key, onnx.FunctionProto], names: Names) -> None:
    nodes = []
    for node in graph.node:
        nodes += _inlined(node, functions, names)
    del graph.node[:]
    graph.node.extend(nodes)


def _inlined(node: onnx.NodeProto, functions: dict[_Key, onnx.FunctionProto], names: Names) -> list[onnx.NodeProto]:
    for inner in subgraphs(node):
        _inline(inner, functions, names)
    function = functions.get((node.domain, node.op_type, node.overload))
    if function is None:
        return [node]
    return [each for inner in instantiated(function, node, names, {}) for each in _inlined(inner, functions, names)]


def _import_what_functions_import(model: onnx.ModelProto, functions: dict[_Key, onnx.FunctionProto]) -> None:
    known = {"" if entry.domain in DOMAINS else entry.domain for entry in model.opset_import}
    own = {domain for domain, _, _ in functions}
    for function in functions.values():
        for entry in function.opset_import:
            domain = "" if entry.domain in DOMAINS else entry.domain
            if domain not in known | own:
                known.add(domain)
                model.opset_import.add(domain=domain, version=entry.version)
