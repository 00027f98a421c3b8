"""A stranger's bundle, opened: nothing of it is believed that another part of it contradicts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...validate.engines.registry import FORMATS, Format
from ...validate.errors import ParityGateError
from ...validate.paths import inside
from ...validate.report.environment import sha256_of
from ...validate.report.render.json import plain
from ...validate.samples import Sample, SampleKind, Samples
from .layout import ALLOWED, DATA, FACTS, MODEL, REPORT, Facts, decode
from .manifest import check_sums
from .tensors import read_tensors, set_folder

if TYPE_CHECKING:
    from ...validate.signature import Array


@dataclass(frozen=True, slots=True)
class Opened:
    """A bundle whose hashes hold and whose parts agree."""

    folder: Path
    facts: Facts
    format: Format
    model: Path


def open_bundle(folder: Path) -> Opened:
    """Check the unpacked bundle in ``folder``. Raises ParityGateError PG440 for one that is damaged."""
    listed = check_sums(folder)
    facts = decode(folder / FACTS)
    format = next((each for each in FORMATS if each.name == facts.format and each.name in _FORMATS), None)
    if format is None:
        raise ParityGateError("PG440", FACTS, f"its model's format is {facts.format!r}, which no bundle holds")
    model = _place(folder, facts.artifact)
    for subject, cause in _contradictions(facts, listed, model, _report(folder)):
        raise ParityGateError("PG440", subject, cause, "Don't use it; ask its sender for a new bundle.")
    return Opened(folder, facts, format, model)


_FORMATS = ("onnx", "mlmodel", "mlpackage", "coreml")


def _place(folder: Path, artifact: str) -> Path:
    if "/" in artifact or not (model := inside(folder / MODEL, artifact)).exists():
        raise ParityGateError("PG440", FACTS, f"the bundle has no model {artifact!r}")
    return model


def _report(folder: Path) -> Mapping[str, Any]:
    """The document of the report, if it is a pass. Raises PG440."""
    try:
        document = json.loads((folder / REPORT).read_bytes())
        passed = document["status"] == "pass" and document["exit_code"] == 0 and document["result"]["verdict"] == "pass"
        result: Mapping[str, Any] = document["result"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ParityGateError("PG440", REPORT, f"it can't be read: {error}") from error
    if not passed:
        raise ParityGateError("PG440", REPORT, "its verdict is not a pass, so the model should not have been bundled")
    return result


def _contradictions(
    facts: Facts, listed: Mapping[str, str], model: Path, report: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    files = {name.removeprefix(f"{MODEL}/"): digest for name, digest in listed.items() if name.startswith(f"{MODEL}/")}
    if files != facts.files:
        yield f"{MODEL}/", f"{FACTS} is about other files than are here: the model was exchanged"
    try:
        digest, outputs = report["candidate"]["sha256"], report["outputs"]
        tolerances = {output["name"]: output["tolerance"] for output in outputs if output["tolerance"] is not None}
        names = {output["name"] for output in outputs}
    except (KeyError, TypeError) as error:
        yield REPORT, f"it lacks a part: {error}"
        return
    if digest != sha256_of(model):
        yield REPORT, f"it is about another model, whose SHA-256 is {digest}"
    if tolerances != plain(facts.tolerances):
        yield FACTS, f"its tolerances are not those of {REPORT}"
    if names != {spec.name for spec in facts.reference.outputs}:
        yield REPORT, f"its outputs are not those of {FACTS}"
    if bool(facts.samples) == facts.redacted:
        yield FACTS, "it lists samples although values were left out, or none although they were not"


@dataclass(frozen=True, slots=True)
class Data:
    """The samples, the reference's outputs, and how far each element may be off, one mapping per sample."""

    samples: Samples
    expected: tuple[Mapping[str, Array], ...]
    allowed: Mapping[str, tuple[Array, ...]]


def read_data(opened: Opened) -> Data:
    """Read the test data of a bundle. Raises ParityGateError PG440."""
    items, expected, allowed = [], [], []
    facts = opened.facts
    for number, sample in enumerate(facts.samples):
        folder = opened.folder / DATA / set_folder(number)
        feed = read_tensors(folder, "input", sample.inputs)
        if sample.kind not in set(SampleKind):
            raise ParityGateError("PG440", FACTS, f"there is no kind of sample {sample.kind!r}")
        items.append(Sample(sample.label, feed, SampleKind(sample.kind), sample.batch))
        expected.append(read_tensors(folder, "output", sample.outputs))
        names = [name for name in sample.outputs if expected[-1][name].dtype.kind != "U"]
        allowed.append(read_tensors(opened.folder / ALLOWED / set_folder(number), "output", names))
        _check_allowed(set_folder(number), expected[-1], allowed[-1])
    names = sorted({name for each in allowed for name in each})
    if any(each.keys() != set(names) for each in allowed):
        raise ParityGateError("PG440", FACTS, "its samples have different outputs")
    samples = Samples(tuple(items), facts.origin, facts.seed)
    return Data(samples, tuple(expected), {name: tuple(each[name] for each in allowed) for name in names})


def _check_allowed(where: str, expected: Mapping[str, Array], allowed: Mapping[str, Array]) -> None:
    for name, array in allowed.items():
        fits = array.shape == expected[name].shape and array.dtype == np.float64
        if not fits or not bool((np.isfinite(array) & (array >= 0)).all()):
            raise ParityGateError("PG440", f"{ALLOWED}/{where}", f"{name!r} has no allowance for each element")
