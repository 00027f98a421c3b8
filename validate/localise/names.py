"""Which operators of a converted graph bear the name of a layer."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

Words = tuple[tuple[str, ...], ...]
"""The names of one operator, each as its words."""

_BORDERS = re.compile(r"[./:]+")
_SCOPES = "pkg.torch.onnx.name_scopes"
"""Where PyTorch's exporter notes the modules around each operator."""


def words_of(node: onnx.NodeProto) -> Words:
    """The names that an operator bears, its own and its results', each as the words between dots, slashes and colons.

    TensorFlow's converters keep ``model/conv/BiasAdd:0``, PyTorch's ``/layer1/conv/Conv`` or a list of modules as
    metadata, Core ML's lowering ``conv:name/Conv12``.
    """
    scopes = next((p.value for p in node.metadata_props if p.key == _SCOPES), "[]")
    names = (node.name, *node.output, *_listed(scopes))
    return tuple(dict.fromkeys(tuple(filter(None, _BORDERS.split(name))) for name in names if name))


def _listed(text: str) -> Iterable[str]:
    try:
        return [str(name) for name in ast.literal_eval(text)]
    except (SyntaxError, ValueError):
        return []


def bears(words: Words, scopes: Iterable[str]) -> bool:
    """Whether one of an operator's names holds a scope's words; a traced Keras layer ``conv`` is called ``conv_1``."""
    wanted = [tuple(filter(None, _BORDERS.split(scope))) for scope in scopes]
    return any(_within(given, each) for each in wanted if each for given in words)


def _within(given: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    last = re.compile(rf"{re.escape(wanted[-1])}(_\d+)?")
    count = len(wanted)
    return any(
        given[start : start + count - 1] == wanted[:-1] and last.fullmatch(given[start + count - 1])
        for start in range(len(given) - count + 1)
    )


def leaving(graph: onnx.GraphProto, words: Mapping[str, Words], scopes: Sequence[str]) -> list[str]:
    """The tensors of a layer that an operator outside of it takes, or nobody does: its results."""
    inside = {name for name, given in words.items() if bears(given, scopes)}
    kept = {name for node in graph.node if inside.intersection(node.output) for name in node.input}
    taken = {name for node in graph.node if not inside.intersection(node.output) for name in node.input}
    return [name for name in words if name in inside and (name in taken or name not in kept)]
