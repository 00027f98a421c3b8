"""Walks an ONNX graph and builds its MIL program."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from .....validate.errors import ParityGateError
from .branches import SPLIT, ImpossibleError, Path, UndecidedError, both
from .folding import fits, fold
from .frame import Frame
from .functions import body_of, has_body, result_types, schema_of
from .mil import Var, mb, types
from .node import Node, Subgraph, TargetError, attribute_value, describe, names_in, nodes_in, plain
from .registry import Translation, as_tuple, translates
from .values import NarrowingError, Operand, cast_name, kind_of, mil_dtype


class MissingError(Exception):
    """An operator has neither a translation nor a definition in terms of simpler ones."""


class Scope:
    """The names of one graph or function body; ``outer`` are those of the graphs around it.

    ``path`` is its location in branches (see :mod:`.branches`), ``frame`` what holds for the whole model.
    """

    def __init__(
        self,
        opsets: Mapping[str, int],
        frame: Frame,
        path: Path = (),
        outer: Mapping[str, Operand] | None = None,
    ) -> None:
        self.opsets = opsets
        self.frame = frame
        self.path = path
        self.values: dict[str, Operand] = dict(outer or {})

    def graph(self, graph: onnx.GraphProto) -> list[Operand]:
        """Translate all nodes of ``graph``, whose inputs already have values; returns its outputs."""
        self.values |= {tensor.name: _constant(tensor) for tensor in graph.initializer}
        for tensor in graph.sparse_initializer:
            raise ParityGateError("PG404", tensor.values.name, "sparse initializers have no translation")
        return self._run(graph.node, [output.name for output in graph.output])

    def _run(self, nodes: Sequence[onnx.NodeProto], outputs: Sequence[str]) -> list[Operand]:
        for number, node in enumerate(nodes):
            if self.frame.decisions.made.get(self._at(node)) == SPLIT:
                return self._split(node, nodes[number + 1 :], outputs)
            self.node(node)
        return [self.values[name] for name in outputs]

    def _split(self, proto: onnx.NodeProto, rest: Sequence[onnx.NodeProto], outputs: Sequence[str]) -> list[Operand]:
        """``rest`` in both branches of an If."""
        path = self._at(proto)
        graphs = {a.name.removesuffix("_branch"): a.g for a in proto.attribute}

        def branch(label: str) -> list[Operand]:
            results = self._nested(path, graphs[label], [], label)
            inner = Scope(self.opsets, self.frame, (*path, f"after {label}"), self.values)
            inner.values |= dict(zip(proto.output, results, strict=True))
            return inner._run(rest, outputs)

        def refuse(cause: str) -> ParityGateError:
            return ParityGateError("PG404", describe(proto, self.opsets.get("", 1)), cause)

        return both(path, self.values[proto.input[0]], (lambda: branch("then"), lambda: branch("else")), refuse)

    def _at(self, proto: onnx.NodeProto) -> Path:
        return (*self.path, next(filter(None, proto.output), ""))

    def node(self, proto: onnx.NodeProto) -> None:
        """Translate one node and record its outputs."""
        inputs = tuple(self.values[name] if name else None for name in proto.input)
        inputs = tuple(None if v is None or v.content is None else v for v in inputs)
        for name, value in zip(proto.output, self._results(proto, inputs), strict=False):
            if name and value is not None:
                self.values[name] = value

    def _results(self, proto: onnx.NodeProto, inputs: tuple[Operand | None, ...]) -> Sequence[Operand | None]:
        opset = self.opsets.get(_domain(proto), 1)
        schema = schema_of(proto, opset)
        translation = translates.find(_domain(proto), proto.op_type, opset)
        try:
            outer = self._constants(proto, inputs, translation)
            if outer is not None and schema is not None and self._small(proto, schema, translation, inputs):
                return fold(proto, inputs, self.opsets, outer)
            if translation is None:
                return self._expand(proto, schema, opset, inputs)
            dtypes = result_types(proto, schema, inputs, self.opsets)
            attributes = {plain(a.name): attribute_value(a) for a in proto.attribute}
            path = self._at(proto)
            node = Node(
                proto, schema, opset, self.frame, inputs, dtypes, attributes, self._subgraph(path), path,
                self.frame.decisions.made.get(path),
            )  # fmt: skip
            made = as_tuple(translation(node))
            return [_as_operand(node, value, dtype) for value, dtype in zip(made, dtypes, strict=False)]
        except (ParityGateError, TargetError, MissingError, ImpossibleError, UndecidedError):
            raise
        except NarrowingError as e:
            raise ParityGateError("PG404", describe(proto, opset), str(e)) from e
        except Exception as e:  # coremltools and ONNX' reference raise arbitrary exceptions
            first = next(iter(str(e).strip().splitlines()), "no reason given")
            raise ParityGateError("PG405", describe(proto, opset), f"{type(e).__name__}: {first}") from e

    def _constants(
        self, proto: onnx.NodeProto, inputs: Sequence[Operand | None], translation: Translation | None
    ) -> dict[str, Operand] | None:
        """The values that the node's nested graphs read, if they and its inputs are known and give a known result."""
        if not all(v is None or v.known for v in inputs):
            return None
        graphs = [a.g for a in proto.attribute if a.HasField("g")]
        if not graphs:
            return {} if translation is None or translation.folds else None
        outer = {name: self.values[name] for graph in graphs for name in names_in(graph) if name in self.values}
        repeats = proto.op_type in REPEATING and all(self._folds(node) for graph in graphs for node in nodes_in(graph))
        return outer if repeats and all(v.known for v in outer.values()) else None

    def _folds(self, proto: onnx.NodeProto) -> bool:
        translation = translates.find(_domain(proto), proto.op_type, self.opsets.get(_domain(proto), 1))
        return proto.op_type in (*REPEATING, "If") or translation is None or translation.folds

    def _small(
        self, proto: onnx.NodeProto, schema: Any, translation: Translation | None, inputs: Sequence[Operand | None]
    ) -> bool:
        """Whether the results may be constants; what nothing translates is computed in any case."""
        return translation is None or fits(proto, schema, inputs, self.opsets)

    def _expand(
        self, proto: onnx.NodeProto, schema: Any, opset: int, inputs: tuple[Operand | None, ...]
    ) -> list[Operand | None]:
        body = body_of(proto, schema, opset, inputs) if has_body(schema) else None
        if body is None:
            raise MissingError(describe(proto, opset))
        newest = {"": onnx.defs.onnx_opset_version()}
        own = {_domain(entry): entry.version for entry in body.opset_import}
        inner = Scope({**newest, **self.opsets, **own}, self.frame, self._at(proto))
        empty = Operand(None, np.dtype("float32"))
        padded = [*inputs, *[None] * (len(body.input) - len(inputs))]
        inner.values |= {name: value or empty for name, value in zip(body.input, padded, strict=True)}
        for node in body.node:
            inner.node(node)
        return [inner.values.get(name) for name in body.output]

    def _subgraph(self, path: Path) -> Subgraph:
        iterations = itertools.count()

        def translate(graph: onnx.GraphProto, inputs: Sequence[Operand], label: str = "") -> list[Operand]:
            return self._nested(path, graph, inputs, label or f"iteration {next(iterations)}")

        return translate

    def _nested(self, path: Path, graph: onnx.GraphProto, inputs: Sequence[Operand], label: str) -> list[Operand]:
        inner = Scope(self.opsets, self.frame, (*path, label), self.values)
        inner.values |= {spec.name: value for spec, value in zip(graph.input, inputs, strict=False)}
        return inner.graph(graph)


def _domain(entry: Any) -> str:
    return "" if entry.domain == "ai.onnx" else str(entry.domain)


def _constant(tensor: onnx.TensorProto) -> Operand:
    array = onnx.numpy_helper.to_array(tensor)
    return Operand(array, array.dtype)


def _as_operand(node: Node, result: Any, dtype: np.dtype[Any] | None) -> Operand | None:
    """A result as an operand; a variable is cast to the type that represents the source's dtype."""
    if result is None or isinstance(result, Operand):
        return result
    if isinstance(result, np.ndarray):
        return Operand(result, dtype or result.dtype)
    assert isinstance(result, Var), f"{node}: a translation returns a {type(result).__name__}"
    own = np.dtype(types.nptype_from_builtin(result.dtype))
    wanted = dtype or own
    if kind_of(wanted) is None:
        raise node.unsupported(f"Core ML has no tensors of {wanted}")
    if result.dtype != mil_dtype(wanted):
        result = mb.cast(x=result, dtype=cast_name(wanted))
    if result.val is not None and np.size(result.val) <= SMALL and own.kind in "bi":
        return Operand(np.asarray(result.val).astype(wanted), wanted)
    return Operand(result, wanted)


REPEATING = ("Loop", "Scan")
"""Operators that are computed as a whole if all that they read is known; an If on a known condition is its branch."""

SMALL = 1024
"""Shapes and indices up to this size that coremltools infers are passed as constants to operators that need them."""


def unsupported_operators(model: onnx.ModelProto) -> list[str]:
    """Operators with neither a translation nor a definition in terms of simpler ones, with opset and first node."""
    opsets = {_domain(entry): entry.version for entry in model.opset_import}
    found: dict[tuple[str, str], str] = {}
    for node in nodes_in(model.graph):
        opset = opsets.get(_domain(node), 1)
        key = (_domain(node), node.op_type)
        if translates.find(*key, opset) or has_body(schema_of(node, opset)) or not any(node.input):
            continue
        found.setdefault(key, describe(node, opset))
    return list(found.values())
