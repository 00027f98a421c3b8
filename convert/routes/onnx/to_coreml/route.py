"""ONNX to Core ML: every operator through coremltools' MIL builder (see :mod:`.to_coreml`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .....validate.engines.base import Model
from .....validate.errors import ParityGateError
from .....validate.signature import STRING, ClassLabel, Signature
from ...base import Candidate, RouteOptions
from ...coreml.build import LABEL, convert_with, finish
from ...coreml.mixed import convert_precisely
from ...coreml.ports import Port, feature_names, inner_names, ports_of, tensor_types
from ...coreml.target import coremltools, target_of
from ..opset import at_opset, opset_of

if TYPE_CHECKING:
    import onnx

OLDEST_OPSET = 7
"""Older models are first converted to this opset: their broadcasting differs from numpy's."""

ROUTE = "onnx to MIL"


def convert(model: Model, destination: Path, options: RouteOptions) -> Candidate:
    """Translate the ONNX file ``model.native``. Raises PG404, PG405, PG408, and PG201 for invalid options."""
    target = target_of(destination, options)
    coremltools()
    from .classifier import classifier_in
    from .program import program_of
    from .texts import numbered

    graph, signature = read(model.native), model.signature
    metadata = _metadata(graph)
    ports = tuple(_at_least_rank_1(port) for port in ports_of(signature, options))
    single = not options.class_labels and all(_may_be_one(port, options) for port in ports)
    classifier = classifier_in(graph, signature) if single else None
    if classifier is not None:
        graph, signature = classifier.graph(graph), classifier.signature(signature)
    numbers = numbered(graph, signature) if single else None
    if numbers is not None:
        graph, signature = numbers.model, numbers.signature
    if classifier is not None or numbers is not None:
        ports = tuple(map(_one_sample, ports))
    _refuse_text(signature)
    names = inputs, outputs = inner_names(ports, signature)
    inner = [replace(port, feature=inputs[port.source]) for port in ports]

    decisions: dict[str, None] = {}

    def convert_graph(**more: Any) -> Any:
        tensors = tensor_types(ports, inputs, target)
        program, raised, decided = program_of(graph, inner, tensors, signature, outputs, target)
        decisions.update(dict.fromkeys(decided))
        return convert_with("milinternal", program, tensors, raised, **more)

    labels = classifier.classes if classifier is not None else options.class_labels
    classes = None if classifier is None else _config(outputs[classifier.scores], labels)
    made, notes = convert_precisely(convert_graph, signature, ports, names, options, target, classes)
    words = {} if numbers is None else dict.fromkeys(numbers.outputs, numbers.words)
    candidate = finish(
        made, signature, ports, inputs, destination,
        route=ROUTE, notes=(*decisions, *notes), metadata=metadata, labels=labels, words=words,
    )  # fmt: skip
    return candidate if classifier is None else _with_label(candidate, classifier.label)


def _config(scores: str, labels: Sequence[ClassLabel]) -> dict[str, Any]:
    """``classifier_config`` for a program with the output ``scores``."""
    config = coremltools().ClassifierConfig(list(labels), LABEL, scores)
    return {"classifier_config": config}


def _with_label(candidate: Candidate, label: str) -> Candidate:
    """The candidate with its predicted class bound to the source's label."""
    (feature,) = feature_names([LABEL], (*candidate.inputs, *candidate.outputs))
    return replace(candidate, outputs={**candidate.outputs, feature: label})


def _may_be_one(port: Port, options: RouteOptions) -> bool:
    """Whether an input can accept one sample at a time, as a classifier must, which has one label."""
    return port.shape[0] == 1 or not (isinstance(port.shape[0], int) or (port.source, 0) in options.ranges)


def _one_sample(port: Port) -> Port:
    return replace(port, shape=(1, *port.shape[1:]))


def read(path: Path) -> onnx.ModelProto:
    """The model with its local functions inlined, at an opset that has translations."""
    import onnx
    from onnx import inliner

    model = onnx.load(str(path))
    if model.functions:
        model = inliner.inline_local_functions(model)
    imported = {entry.domain for entry in model.opset_import}
    old = imported & {"", "ai.onnx"} and opset_of(model) < OLDEST_OPSET
    return at_opset(model, OLDEST_OPSET) if old else model


def _at_least_rank_1(port: Port) -> Port:
    return port if port.shape else replace(port, shape=(1,), symbols=(1,))


def _refuse_text(signature: Signature) -> None:
    texts: Sequence[str] = [s.name for s in signature.inputs if s.dtype == STRING]
    if texts:
        raise ParityGateError("PG404", ", ".join(texts), "Core ML has no tensors of text")
    labels: Sequence[str] = [s.name for s in signature.outputs if s.dtype == STRING]
    if labels:
        cause = "a text output must be one text per sample that is a class or looked up by its number; this one isn't"
        raise ParityGateError("PG404", ", ".join(labels), cause)


def _metadata(model: onnx.ModelProto) -> dict[str, str]:
    """The model's metadata, by the keys of :data:`...coreml.build.METADATA`."""
    entries = {entry.key.lower(): entry.value for entry in model.metadata_props}
    found = {
        "author": entries.get("author") or model.producer_name,
        "license": entries.get("license", ""),
        "version": entries.get("version") or (str(model.model_version) if model.model_version else ""),
        "description": model.doc_string or entries.get("description", ""),
    }
    return {key: text for key, text in found.items() if text}
