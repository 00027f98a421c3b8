"""coremltools' conversion, with its failures classified, and the finished file."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ....validate.errors import ParityGateError
from ....validate.signature import ClassLabel, Signature
from ..base import FP16, Candidate, RouteOptions
from .ports import NARROWED, Port, feature_names
from .rename import rename_features
from .target import DeploymentTarget, coremltools
from .text_outputs import with_text_outputs

LABEL = "classLabel"
"""The name of a classifier's predicted class, for which the source has no output."""

METADATA = {"author": "author", "license": "license", "version": "versionString", "description": "shortDescription"}
"""Metadata of a source -> the field of Model.proto's Metadata."""

_UNSUPPORTED = re.compile(
    r"PyTorch convert function for op '(?P<torch>[^']+)' not implemented|"
    r"Conversion for TF op '(?P<tf>[^']+)' not implemented|"
    r"Unsupported fx node \S+ kind (?P<fx>\S+)"
)

_NEWER = re.compile(
    r"(?:No available version for (?P<operator>\S+).*)?"
    r"(?:minimum_deployment_target to (?:at least )?coremltools\.target\.(?P<ios>iOS\d+)"
    r"|converted model (?:has|uses following features which are available from) version (?P<version>\d+))",
    re.DOTALL,
)
"""coremltools' messages that a newer deployment target is needed."""


def convert_with(frontend: str, source: Any, types: Sequence[Any] | None, target: DeploymentTarget, **more: Any) -> Any:
    """``coremltools.convert`` for ``target``, quiet. ``frontend`` is coremltools' name for the source.

    ``more`` is passed to coremltools unchanged (outputs, classifier_config, compute_precision, ...). Raises PG404
    naming operators that coremltools doesn't support, PG408 when they need a newer target than requested, PG405 with
    the reason otherwise.
    """
    ct = coremltools()
    kind = "mlprogram" if target.program else "neuralnetwork"
    arguments = {"inputs": list(types)} if types is not None else {}
    if target.program or target.fixed:
        arguments["minimum_deployment_target"] = getattr(ct.target, target.ios)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            return ct.convert(source, source=frontend, convert_to=kind, skip_model_load=True, **arguments, **more)
    except ParityGateError:
        raise
    except Exception as e:  # coremltools raises ValueError, NotImplementedError, AssertionError, IndexError, ...
        newer = _NEWER.search(str(e))
        if newer is None:
            raise _classified(e) from e
        raised = target.raised(newer["ios"] or f"iOS{int(newer['version']) + 9}", newer["operator"] or "the model")
    return convert_with(frontend, source, types, raised, **more)


def precision_of(options: RouteOptions, target: DeploymentTarget, selector: Any = None) -> dict[str, Any]:
    """``compute_precision`` for :func:`convert_with`; ``selector(op)`` selects the operators for float16 (mixed)."""
    ct = coremltools()
    if not target.program:
        return {}
    if selector is not None:
        return {"compute_precision": ct.transform.FP16ComputePrecision(op_selector=selector)}
    half = options.precision == FP16
    return {"compute_precision": ct.precision.FLOAT16 if half else ct.precision.FLOAT32}


def output_features(signature: Signature, ports: Sequence[Port]) -> list[str]:
    """Feature names for the source's outputs, in order, different from those of the inputs."""
    return feature_names([spec.name for spec in signature.outputs], [port.feature for port in ports])


def classifier_of(signature: Signature, options: RouteOptions) -> dict[str, Any]:
    """``classifier_config`` for :func:`convert_with` if the user names the classes.

    Raises PG201 when the model has several outputs, or the number of scores differs from that of the names.
    """
    labels = options.class_labels
    if not labels:
        return {}
    shape = signature.outputs[0].shape
    if len(signature.outputs) > 1 or not shape or shape[-1] != len(labels):
        outputs = ", ".join(map(str, signature.outputs))
        cause = f"{len(labels)} class labels need one output with a score for each; the model gives {outputs}"
        raise ParityGateError("PG201", "class labels", cause)
    return {"classifier_config": coremltools().ClassifierConfig(list(labels), predicted_feature_name=LABEL)}


def finish(
    made: Any, signature: Signature, ports: Sequence[Port], names: Mapping[str, str], destination: Path, *, route: str,
    notes: Sequence[str] = (), metadata: Mapping[str, str] | None = None, labels: Sequence[ClassLabel] = (),
    words: Mapping[str, Sequence[str]] | None = None,
) -> Candidate:  # fmt: skip
    """Give an MLModel's features the source's names, add metadata, and write it.

    ``names`` maps the source's inputs to the feature names that ``made`` has for them. Its outputs have the
    source's order; with ``labels`` (see :func:`classifier_of`) the scores are a dictionary, and the class is one more
    output. ``words`` has the source's outputs that are text there and numbers in ``made``: indices into these lists.
    """
    spec = made.get_spec()
    label = spec.description.predictedFeatureName
    given = [feature.name for feature in spec.description.output if feature.name != label]
    wanted = output_features(signature, ports)
    renamed = {names[port.source]: port.feature for port in ports} | dict(zip(given, wanted, strict=True))
    if label:
        renamed[label] = feature_names([LABEL], renamed.values())[0]
    rename_features(spec, renamed)
    describe(spec, metadata or {})
    outputs = {name: spec.name for name, spec in zip(wanted, signature.outputs, strict=True)}
    words = words or {}
    texts = {feature: words[name] for feature, name in outputs.items() if name in words}
    numbers = replace(signature, outputs=tuple(output for output in signature.outputs if output.name not in words))
    write(with_text_outputs(spec, texts), made.weights_dir, destination)
    return Candidate(
        path=destination,
        route=route,
        inputs={port.feature: port.source for port in ports},
        outputs=outputs,
        notes=(*notes, *narrowings(numbers, ports, spec.WhichOneof("Type"))),
        classes={wanted[0]: tuple(labels)} if labels else {},
        images={port.feature: port.image for port in ports if port.image},
    )


def describe(spec: Any, metadata: Mapping[str, str]) -> None:
    """Add the source's metadata to a specification."""
    for key, text in metadata.items():
        setattr(spec.description.metadata, METADATA[key], text)


def write(spec: Any, weights: str | None, destination: Path) -> None:
    """Write a specification as .mlmodel or .mlpackage, depending on the suffix. Raises PG405."""
    ct = coremltools()
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            model = ct.models.MLModel(spec, skip_model_load=True, weights_dir=weights)
            model.save(str(destination))
    except Exception as e:  # coremltools raises plain Exception
        raise ParityGateError("PG405", "coremltools", f"can't write the model: {e}") from e


def narrowings(signature: Signature, ports: Sequence[Port], kind: str) -> list[str]:
    """Notes on dtypes that become narrower in Core ML, and on limited shapes.

    ``kind`` is the model's field in Model.proto: neural networks compute even integers in float32.
    """
    notes = []
    for spec in (*signature.inputs, *signature.outputs):
        narrow = NARROWED.get(spec.dtype, spec.dtype)
        if narrow != spec.dtype and spec.dtype not in ("float16", "bool"):
            notes.append(f"{spec.name}: {spec.dtype} in the source is {narrow} in Core ML")
        if kind.startswith("neuralNetwork") and re.fullmatch("u?int(32|64)", spec.dtype):
            notes.append(f"{spec.name}: a neural network rounds integers above 2**24; an .mlpackage doesn't")
    return notes + [sentence for port in ports for sentence in _limits(port)]


def _limits(port: Port) -> list[str]:
    if port.shapes:
        return [f"{port.source}: accepts only the shapes {', '.join(map(str, port.shapes))}"]
    ranges = [(axis, length) for axis, length in enumerate(port.shape) if not isinstance(length, int)]
    return [f"{port.source}: axis {axis} takes {low} to {high}" for axis, (low, high) in ranges]


def _classified(error: Exception) -> ParityGateError:
    text = str(error).strip()
    found = _UNSUPPORTED.search(text)
    if found:
        operator = next(filter(None, found.groups()))
        return ParityGateError("PG404", operator, f"coremltools has no translation for {operator}")
    first = text.splitlines()[0] if text else "no reason given"
    if first.startswith("Core ML only supports"):
        return ParityGateError("PG404", "coremltools", first)
    return ParityGateError("PG405", "coremltools", f"{type(error).__name__}: {first}")
