"""Where the values of a TensorFlow graph come from, followed through functions, and which parts of it run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

UNKNOWN = "unknown"
"""The origin of a value that the model computes or stores, or that can't be followed."""

_PASSES = {"Identity", "PlaceholderWithDefault", "StopGradient"}
_FIRST_ARGUMENT = {  # operator -> the number of its inputs before the arguments of its functions
    "PartitionedCall": 0, "StatefulPartitionedCall": 0, "While": 0, "StatelessWhile": 0,
    "If": 1, "StatelessIf": 1, "Case": 1, "StatelessCase": 1,
}  # fmt: skip

MAIN = ""
"""The name under which the nodes of the graph itself are filed."""


@dataclass(frozen=True, slots=True)
class _CallSite:
    caller: str
    node: Any


@dataclass(slots=True)
class Graph:
    """A ``GraphDef`` with its function library, indexed.

    ``sources`` are tensors of the graph whose origin is known (tensor name -> origin). ``captured`` says for a
    function which origin its last arguments have when the loader calls it.
    """

    graph_def: Any
    sources: Mapping[str, str] = field(default_factory=dict)
    captured: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    _nodes: dict[str, dict[str, Any]] = field(init=False)
    _arguments: dict[str, list[str]] = field(init=False)
    _calls: dict[str, list[_CallSite]] = field(init=False)

    def __post_init__(self) -> None:
        functions = self.graph_def.library.function
        self._nodes = {MAIN: {node.name: node for node in self.graph_def.node}}
        self._nodes |= {f.signature.name: {node.name: node for node in f.node_def} for f in functions}
        self._arguments = {f.signature.name: [a.name for a in f.signature.input_arg] for f in functions}
        self._calls = {}
        for owner, node in self.all_nodes():
            for name in self._called(node):
                self._calls.setdefault(name, []).append(_CallSite(owner, node))

    def all_nodes(self) -> Iterator[tuple[str, Any]]:
        """Every node with the name of the function that it stands in, :data:`MAIN` for the graph itself.

        Read from the lists, not from the index: a name that occurs twice must not hide a node.
        """
        yield from ((MAIN, node) for node in self.graph_def.node)
        for function in self.graph_def.library.function:
            yield from ((function.signature.name, node) for node in function.node_def)

    def running(self, roots: Iterable[str], *, captured: bool = True) -> set[tuple[str, str]]:
        """The nodes (function, name) that run for the tensors or nodes ``roots`` of the graph.

        With ``captured``, the functions that the loader or a gradient may call count as running, too.
        """
        gradients = [entry.gradient_func for entry in self.graph_def.library.gradient]
        found: set[tuple[str, str]] = set()
        todo = [(MAIN, _node_name(root)) for root in roots]
        for function in (*self.captured, *gradients) if captured else ():
            todo += self._body(function)
        while todo:
            place = todo.pop()
            node = self._nodes.get(place[0], {}).get(place[1])
            if place in found or node is None:
                continue
            found.add(place)
            todo += [(place[0], _node_name(name)) for name in node.input]
            todo += [inner for name in self._called(node) for inner in self._body(name)]
        return found

    def origins(self, owner: str, tensor: str) -> set[str]:
        """Where a node's input comes from: origins of ``sources`` and ``captured``, or :data:`UNKNOWN`."""
        return self._origins(owner, tensor, set())

    def _origins(self, owner: str, tensor: str, seen: set[tuple[str, str]]) -> set[str]:
        name = _node_name(tensor)
        if (owner, name) in seen:
            return set()
        seen.add((owner, name))
        if owner == MAIN and name in self.sources:
            return {self.sources[name]}
        node = self._nodes[owner].get(name)
        if node is None and name in self._arguments.get(owner, ()):
            return self._argument_origins(owner, self._arguments[owner].index(name), seen)
        if node is not None and node.op in _PASSES and node.input:
            return self._origins(owner, node.input[0], seen)
        if node is not None and node.op == "ReadVariableOp":
            return self._stored_text(seen)
        return {UNKNOWN}

    def _argument_origins(self, function: str, index: int, seen: set[tuple[str, str]]) -> set[str]:
        found: set[str] = set()
        if function in self.captured:
            known = self.captured[function]
            first = len(self._arguments[function]) - len(known)
            found.add(known[index - first] if index >= first else UNKNOWN)
        if any(entry.gradient_func == function for entry in self.graph_def.library.gradient):
            found.add(UNKNOWN)
        for site in self._calls.get(function, ()):
            offset = 0 if site.node.op == function else _FIRST_ARGUMENT.get(site.node.op)
            inputs = [name for name in site.node.input if not name.startswith("^")]
            if offset is None or index + offset >= len(inputs):
                found.add(UNKNOWN)
            else:
                found |= self._origins(site.caller, inputs[index + offset], seen)
        return found

    def _stored_text(self, seen: set[tuple[str, str]]) -> set[str]:
        """Origins of everything that is stored in any variable of strings: which variable it is can't be told."""
        stored = [
            (owner, node)
            for owner, node in self.all_nodes()
            if node.op == "AssignVariableOp" and node.attr["dtype"].type in {0, _STRING}
        ]
        found = [self._origins(owner, node.input[1], seen) for owner, node in stored if len(node.input) > 1]
        return set().union(*found) if found else {UNKNOWN}

    def _body(self, function: str) -> list[tuple[str, str]]:
        return [(function, name) for name in self._nodes.get(function, ())]

    def _called(self, node: Any) -> list[str]:
        """The functions that a node refers to: by its attributes, or by its own operator's name."""
        named = [attr.func.name for attr in node.attr.values() if attr.HasField("func")]
        named += [each.name for attr in node.attr.values() for each in attr.list.func]
        return [name for name in (*named, node.op) if name in self._arguments]


_STRING = 7  # DT_STRING


def _node_name(tensor: str) -> str:
    return tensor.removeprefix("^").partition(":")[0]
