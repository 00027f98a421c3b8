"""Loops and branches of a ``GraphDef`` in the form that coremltools' TensorFlow frontend converts correctly.

The frontend assumes that a loop's first two inputs are the counter and the limit of ``tf.while_loop`` and drops them,
although the conditions of Keras' recurrent layers read them; it pairs outputs by the prefixes and suffixes of their
names; and it renames the nodes of a function in place, even if two loops share it. So every loop gets two additional
inputs, which nothing reads, every output a node and a name of its own, and every loop and branch its own copies of its
functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

_LOOPS, _BRANCHES = ("While", "StatelessWhile"), ("If", "StatelessIf")
_CALLS = {**dict.fromkeys(_LOOPS, ("cond", "body")), **dict.fromkeys(_BRANCHES, ("then_branch", "else_branch"))}
"""Operators that call functions -> the attributes that name these functions."""

_PADDING = 2
_OWN = "paritygate_"
_RESULT = f"{_OWN}identity"
"""Prefix of the names of results: the frontend looks for names that end in ``identity_0``, ``identity_1``, ..."""


_rewrites = count()
"""Numbers the graphs of this process: TensorFlow may remember a function by its name, even after it was removed."""


@dataclass(frozen=True, slots=True, eq=False)
class _Rewrite:
    """The functions of the graph, the copies made of them, and numbers for new names."""

    library: Mapping[str, Any]
    copies: list[Any] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)
    graph: int = field(default_factory=lambda: next(_rewrites))

    def name(self, kind: str) -> str:
        return f"{_OWN}{kind}_{next(self.numbers)}"


@dataclass(frozen=True, slots=True, eq=False)
class _Scope:
    """The nodes of a graph or, with ``returned``, of a function, which refers to outputs differently."""

    nodes: Any
    returned: Any = None

    def output(self, name: str) -> str:
        """A reference to the only output of an Identity or constant."""
        return name if self.returned is None else f"{name}:output:0"

    def index(self, reference: str, name: str) -> int | None:
        """The index of the output of node ``name`` that the reference is to, None if it is to another node."""
        given, _, rest = reference.partition(":")
        return int(rest.rpartition(":")[2] or 0) if given == name else None

    def value(self, name: str, index: int) -> str:
        """A reference to output ``index`` of a loop or branch."""
        return f"{name}:{index}" if self.returned is None else f"{name}:output:{index}"


def normalise_control_flow(graph_def: Any) -> None:
    """Rewrite ``graph_def`` in place, functions called by functions included."""
    rewrite = _Rewrite({function.signature.name: function for function in graph_def.library.function})
    _rewrite_calls(_Scope(graph_def.node), rewrite)
    del graph_def.library.function[:]
    graph_def.library.function.extend(rewrite.copies)


@contextmanager
def known_functions(graph_def: Any) -> Iterator[None]:
    """Add a graph's functions to TensorFlow's eager context, where the frontend looks them up, during the block."""
    from tensorflow.python.eager import context

    eager = context.context()
    added = []
    try:
        for function in graph_def.library.function:
            eager.add_function_def(function)
            added.append(function.signature.name)
        yield
    finally:
        for name in added:
            eager.remove_function(name)


def _rewrite_calls(scope: _Scope, rewrite: _Rewrite) -> None:
    for node in [node for node in scope.nodes if node.op in _CALLS]:
        loop = node.op in _LOOPS
        for attribute in _CALLS[node.op]:
            function = _copied(rewrite.library[node.attr[attribute].func.name], rewrite)
            node.attr[attribute].func.name = function.signature.name
            if loop:
                _pad_function(function, rewrite, returns=attribute == "body")
            _separate_returned(function, rewrite)
        for attribute in [key for key in node.attr if key.startswith("_")]:
            del node.attr[attribute]
        _separate_results(scope, node, rewrite, _PADDING if loop else 0)
        if loop:
            _separate_inputs(scope, node, rewrite)
            _pad_loop(scope, node, rewrite)


def _copied(function: Any, rewrite: _Rewrite) -> Any:
    """A copy under a name that is unique in this process; the functions that it calls are rewritten, too."""
    copy = type(function)()
    copy.CopyFrom(function)
    copy.signature.name = rewrite.name(f"graph_{rewrite.graph}")
    copy.control_ret.clear()
    copy.arg_attr.clear()
    del copy.signature.control_output[:]
    _rewrite_calls(_Scope(copy.node_def, copy.ret), rewrite)
    rewrite.copies.append(copy)
    return copy


def _pad_function(function: Any, rewrite: _Rewrite, *, returns: bool) -> None:
    """Prepend two integers to the inputs; a body also returns them."""
    names = [rewrite.name("unread") for _ in range(_PADDING)]
    _prepend_arguments(function.signature.input_arg, names)
    if not returns:
        return
    keys = [rewrite.name("passed") for _ in names]
    _prepend_arguments(function.signature.output_arg, keys)
    for key, name in zip(keys, names, strict=True):
        function.ret[key] = name


def _prepend_arguments(arguments: Any, names: list[str]) -> None:
    from tensorflow.core.framework import op_def_pb2, types_pb2

    old = list(arguments)
    del arguments[:]
    arguments.extend(op_def_pb2.OpDef.ArgDef(name=name, type=types_pb2.DT_INT32) for name in names)
    arguments.extend(old)


def _separate_returned(function: Any, rewrite: _Rewrite) -> None:
    """Give every result an Identity of its own, and a name with its index."""
    scope = _Scope(function.node_def, function.ret)
    old = dict(function.ret)
    function.ret.clear()
    for index, argument in enumerate(function.signature.output_arg):
        node = _identity(scope, rewrite, old[argument.name], argument.type)
        argument.name = f"{_RESULT}_{index}"
        function.ret[argument.name] = scope.output(node.name)


def _identity(scope: _Scope, rewrite: _Rewrite, value: str, dtype: int) -> Any:
    node = scope.nodes.add(name=rewrite.name("result"), op="Identity", input=[value])
    node.attr["T"].type = dtype
    return node


def _separate_results(scope: _Scope, call: Any, rewrite: _Rewrite, shift: int) -> None:
    """Give every output of a loop or branch an Identity, and let its consumers read that.

    ``shift`` is the number of outputs that will be prepended.
    """
    dtypes = (call.attr["T"] if call.op in _LOOPS else call.attr["Tout"]).list.type
    made: dict[int, str] = {}

    def redirected(reference: str) -> str:
        index = scope.index(reference, call.name)
        if index is None:
            return reference
        if index not in made:
            made[index] = rewrite.name("result")
        return scope.output(made[index])

    for node in scope.nodes:
        node.input[:] = [redirected(reference) for reference in node.input]
    for key, reference in (scope.returned or {}).items():
        scope.returned[key] = redirected(reference)
    for index, name in made.items():
        node = scope.nodes.add(name=name, op="Identity", input=[scope.value(call.name, index + shift)])
        node.attr["T"].type = dtypes[index]


def _separate_inputs(scope: _Scope, loop: Any, rewrite: _Rewrite) -> None:
    """Give a value that enters a loop twice a second node: coremltools' loop_invariant_elimination loses one of two.

    The node is an IdentityN: unlike Identity, it becomes an operator of Core ML.
    """
    seen = set()
    for index, (reference, dtype) in enumerate(zip(loop.input, loop.attr["T"].list.type, strict=False)):
        if reference in seen:
            node = scope.nodes.add(name=rewrite.name("again"), op="IdentityN", input=[reference])
            node.attr["T"].list.type.append(dtype)
            loop.input[index] = scope.output(node.name)
        seen.add(reference)


def _pad_loop(scope: _Scope, loop: Any, rewrite: _Rewrite) -> None:
    """Prepend two zeros to a loop's inputs."""
    from tensorflow.core.framework import types_pb2

    names = [rewrite.name("zero") for _ in range(_PADDING)]
    for name in names:
        zero = scope.nodes.add(name=name, op="Const")
        zero.attr["dtype"].type = zero.attr["value"].tensor.dtype = types_pb2.DT_INT32
        zero.attr["value"].tensor.int_val.append(0)
        zero.attr["value"].tensor.tensor_shape.SetInParent()
    loop.input[:] = [*(scope.output(name) for name in names), *loop.input]
    loop.attr["T"].list.type[:] = [types_pb2.DT_INT32] * _PADDING + list(loop.attr["T"].list.type)
    shapes = list(loop.attr["output_shapes"].list.shape)
    del loop.attr["output_shapes"].list.shape[:]
    if shapes:
        scalars = [type(shapes[0])() for _ in names]
        loop.attr["output_shapes"].list.shape.extend([*scalars, *shapes])
