"""Which operators of a converted graph carry the name of a layer."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

NameParts = tuple[tuple[str, ...], ...]
"""The names of one operator, each split into its parts."""

_SEPARATORS = re.compile(r"[./:]+")
_SCOPES = "pkg.torch.onnx.name_scopes"
"""Where PyTorch's exporter notes the modules around each operator."""


def name_parts(node: onnx.NodeProto) -> NameParts:
    """The names of an operator and of its results, each split at dots, slashes and colons.

    TensorFlow's converters keep ``model/conv/BiasAdd:0``, PyTorch's ``/layer1/conv/Conv`` or a list of modules as
    metadata, Core ML's lowering ``conv:name/Conv12``.
    """
    scopes = next((p.value for p in node.metadata_props if p.key == _SCOPES), "[]")
    names = (node.name, *node.output, *_parse_list(scopes))
    return tuple(dict.fromkeys(_split(name) for name in names if name))


def in_scope(parts: NameParts, scopes: Iterable[str]) -> bool:
    """Whether one of an operator's names contains a scope; a traced Keras layer ``conv`` may be named ``conv_1``."""
    wanted = [_split(scope) for scope in scopes]
    return any(_contains(given, scope) for scope in wanted if scope for given in parts)


def scope_results(graph: onnx.GraphProto, parts: Mapping[str, NameParts], scopes: Sequence[str]) -> list[str]:
    """The results of a layer: its tensors that an operator outside of it takes, or that nothing takes."""
    inside = {name for name, given in parts.items() if in_scope(given, scopes)}
    kept = {name for node in graph.node if inside.intersection(node.output) for name in node.input}
    taken = {name for node in graph.node if not inside.intersection(node.output) for name in node.input}
    return [name for name in parts if name in inside and (name in taken or name not in kept)]


def _split(name: str) -> tuple[str, ...]:
    return tuple(filter(None, _SEPARATORS.split(name)))


def _parse_list(text: str) -> Iterable[str]:
    try:
        return [str(name) for name in ast.literal_eval(text)]
    except (SyntaxError, ValueError):
        return []


def _contains(given: tuple[str, ...], scope: tuple[str, ...]) -> bool:
    last = re.compile(rf"{re.escape(scope[-1])}(_\d+)?")
    count = len(scope)
    return any(
        given[start : start + count - 1] == scope[:-1] and last.fullmatch(given[start + count - 1])
        for start in range(len(given) - count + 1)
    )
