"""ONNX models that are classifiers: one output is the label, another has the scores that determine it.

Core ML's classifiers return the class of the greatest score and a dictionary of all scores. A model becomes one if its
graph shows that its label is the class of the greatest score; other labels stay numbers, if they are numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx.numpy_helper import to_array

from .....validate.signature import ClassLabel, Signature
from .node import attribute_value, names_read

_MOVES = {"Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten"}
"""Operators that pass a label or an index through."""

_MONOTONE = _MOVES | {"Softmax", "LogSoftmax", "Sigmoid", "Exp", "Log", "Sub", "Div", "Clip", "Normalizer"}
"""Operators that preserve the greatest score: they divide by or subtract one value per row."""

_COMPARISONS = {"Greater", "GreaterOrEqual"}
_ONES_OWN = {"LinearClassifier", "SVMClassifier", "TreeEnsembleClassifier"}
"""Operators with a class as first and its scores as second output."""


@dataclass(frozen=True, slots=True)
class Classifier:
    """The outputs with the label and with the scores, and the class of each score."""

    label: str
    scores: str
    classes: tuple[ClassLabel, ...]

    def signature(self, whole: Signature) -> Signature:
        """``whole`` as the program's signature: the scores first, and no label."""
        rest = [spec for spec in whole.outputs if spec.name not in (self.label, self.scores)]
        scores = [spec for spec in whole.outputs if spec.name == self.scores]
        return Signature(whole.inputs, (*scores, *rest), layouts=whole.layouts)

    def graph(self, model: onnx.ModelProto) -> onnx.ModelProto:
        """``model`` with these outputs, and without the nodes that compute the label."""
        made = onnx.ModelProto()
        made.CopyFrom(model)
        outputs = {value.name: value for value in model.graph.output}
        rest = [value for name, value in outputs.items() if name not in (self.label, self.scores)]
        del made.graph.output[:], made.graph.node[:]
        made.graph.output.extend([outputs[self.scores], *rest])
        made.graph.node.extend(_needed(model.graph, {value.name for value in made.graph.output}))
        return made


def classifier_in(model: onnx.ModelProto, signature: Signature) -> Classifier | None:
    """``model`` as a classifier, if its graph shows that it is one."""
    graph = _Graph.of(model.graph)
    shapes = {spec.name: spec.shape for spec in signature.outputs if spec.dtype in ("float32", "float64", "float16")}
    for label in (spec.name for spec in signature.outputs if spec.name not in shapes):
        classes, chosen_by = graph.labels(label)
        whole = all(isinstance(c, (str, int)) and not isinstance(c, bool) for c in classes)
        for scores, shape in shapes.items():
            if whole and shape and len(shape) == 2 and shape[1] == len(classes) and graph.leads(chosen_by, scores):
                return Classifier(label, scores, classes)
    return None


@dataclass(frozen=True, slots=True)
class _Graph:
    """A graph with the node that produces each value."""

    makers: Mapping[str, onnx.NodeProto]
    constants: Mapping[str, Any]

    @classmethod
    def of(cls, graph: onnx.GraphProto) -> _Graph:
        constants = {tensor.name: tensor for tensor in graph.initializer}
        for node in graph.node:
            if node.op_type == "Constant" and node.attribute[0].HasField("t"):
                constants[node.output[0]] = node.attribute[0].t
        return cls({name: node for node in graph.node for name in node.output}, constants)

    def labels(self, name: str) -> tuple[tuple[ClassLabel, ...], str]:
        """The classes of a label, and the scores that determine it; empty if the graph doesn't show them."""
        node = self._behind(name, _MOVES)
        if node is None:
            return (), ""
        if node.op_type in _ONES_OWN:
            return _own_classes(node), node.output[1] if _gives_greatest(node) else ""
        if node.op_type not in ("Gather", "ArrayFeatureExtractor") or node.input[0] not in self.constants:
            return (), ""
        table = to_array(self.constants[node.input[0]]).ravel()
        texts = [value.decode() if isinstance(value, bytes) else value for value in table.tolist()]
        return tuple(texts), self._chosen_by(node.input[1], len(texts))

    def _chosen_by(self, index: str, classes: int) -> str:
        node = self._behind(index, _MOVES)
        if node is None or not (node.op_type == "ArgMax" or (classes == 2 and self._is_even(node))):
            return ""
        return str(node.input[0])

    def _is_even(self, node: onnx.NodeProto) -> bool:
        """Whether a node selects the greater of two scores: a decision above 0, or a probability above 1/2."""
        if node.op_type not in _COMPARISONS or node.input[1] not in self.constants:
            return False
        return bool(np.isin(to_array(self.constants[node.input[1]]), (0.0, 0.5)).all())

    def leads(self, source: str, scores: str) -> bool:
        """Whether the greatest of ``scores`` is that of ``source``, or ``source`` one of two complementary scores."""
        origins = set(self._origins(source))
        return bool(source) and (not origins.isdisjoint(self._origins(scores)) or self._complements(origins, scores))

    def _origins(self, name: str) -> Iterator[str]:
        """``name`` and the values that it is computed from without a change of order."""
        yield name
        node = self.makers.get(name)
        while node is not None and node.op_type in _MONOTONE:
            yield node.input[0]
            node = self.makers.get(node.input[0])

    def _complements(self, origins: set[str], scores: str) -> bool:
        """Whether ``scores`` are two, the second of them computed from one of ``origins``."""
        node = self._behind(scores, _MONOTONE)
        if node is None or node.op_type != "Concat" or len(node.input) != 2:
            return False
        return not origins.isdisjoint(self._ancestors(node.input[1]))

    def _ancestors(self, name: str) -> set[str]:
        """``name`` and everything that it is computed from."""
        found, todo = {name}, [name]
        while todo:
            node = self.makers.get(todo.pop())
            new = {source for source in (node.input if node is not None else ()) if source not in found}
            found |= new
            todo.extend(new)
        return found

    def _behind(self, name: str, through: set[str]) -> onnx.NodeProto | None:
        node = self.makers.get(name)
        while node is not None and node.op_type in through:
            node = self.makers.get(node.input[0])
        return node


def _gives_greatest(node: onnx.NodeProto) -> bool:
    """Whether a classifier's label is the class of its greatest score, in ONNX Runtime.

    A single score of two classes is compared with 0 or 1/2, independently of the transformation of the scores.
    """
    given = {a.name: attribute_value(a) for a in node.attribute}
    logistic = given.get("post_transform") == "LOGISTIC"
    if node.op_type == "LinearClassifier":
        return logistic or len(given.get("intercepts", ())) > 1
    if node.op_type != "TreeEnsembleClassifier":
        return False
    positive = min(given.get("class_weights", (-1.0,))) >= 0
    return len(_own_classes(node)) > 2 or (set(given["class_ids"]) == {0} and positive != logistic)


def _own_classes(node: onnx.NodeProto) -> tuple[ClassLabel, ...]:
    attributes = {a.name: attribute_value(a) for a in node.attribute}
    names = ("classlabels_strings", "classlabels_int64s", "classlabels_ints")
    return next((tuple(attributes[name]) for name in names if attributes.get(name)), ())


def _needed(graph: onnx.GraphProto, wanted: set[str]) -> list[onnx.NodeProto]:
    """The nodes that compute ``wanted``, in order; unused labels lose their names."""
    kept: list[onnx.NodeProto] = []
    wanted = set(wanted)
    for node in reversed(graph.node):
        if wanted.isdisjoint(node.output):
            continue
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        if node.op_type in _ONES_OWN and node.output[0] not in wanted:
            copy.output[0] = ""
        kept.append(copy)
        wanted.update(names_read(node))
    return kept[::-1]
