"""A model's own functions in place of their calls: their nodes have to change their opset like all others."""

from __future__ import annotations

import onnx

from .....validate.errors import ParityGateError
from .....validate.onnx_graphs import subgraphs
from .bodies import instantiated
from .names import Names
from .schemas import DOMAINS, is_onnx, opset_of, since

_Key = tuple[str, str, str]


def inline_local_functions(model: onnx.ModelProto, names: Names) -> None:
    """Replace the calls of the model's functions, in place, calls in functions and in nested graphs included.

    Raises PG408 for a function that is written in another opset than the model.
    """
    if not model.functions:
        return
    functions = {(f.domain, f.name, f.overload): f for f in model.functions}
    _check_versions(model, functions)
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


def _check_versions(model: onnx.ModelProto, functions: dict[_Key, onnx.FunctionProto]) -> None:
    """Raises PG408 for a function whose operators conform to another opset than the model's."""
    for function in functions.values():
        for entry in function.opset_import:
            if entry.domain in DOMAINS and _differ(function, entry.version, opset_of(model)):
                cause = f"it is written in opset {entry.version}, and the model in {opset_of(model)}"
                raise ParityGateError("PG408", f"function {function.name}", cause, "Export it in the model's opset.")


def _differ(function: onnx.FunctionProto, one: int, other: int) -> bool:
    kinds = {node.op_type for node in function.node if is_onnx(node)}
    return any(since(kind, one) != since(kind, other) for kind in kinds)
