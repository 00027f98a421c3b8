"""One operator test, moved to another opset, run in ONNX Runtime, and held against the outputs that ONNX expects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import onnx
import onnxruntime

from fixtures.onnx_node_tests import Case, difference, fixed
from paritygate.convert.routes.onnx.opset import at_opset, opset_of
from paritygate.convert.routes.onnx.opsets import move as _move  # noqa: F401  (once, not in every child)
from paritygate.convert.routes.onnx.opsets.schemas import DOMAINS
from paritygate.validate.engines.onnxruntime import newest_opset
from paritygate.validate.errors import ParityGateError


class Outcome(StrEnum):
    """What became of a test."""

    PASSES = "passes"
    FIXED = "passes with constant parameters"
    REFUSED = "refused"
    NO_ENGINE = "the engine refuses the file"
    DIFFERS = "differs"
    CRASHES = "crashes"


@dataclass(frozen=True, slots=True)
class Record:
    """A test's outcome. ``source`` is the opset that it comes from, ``target`` the one that it was moved to."""

    name: str
    operator: str
    converter: str
    source: int
    target: int
    outcome: Outcome
    detail: str = ""


Converter = Callable[[onnx.ModelProto, int], onnx.ModelProto]


def by_paritygate(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """Our own rules."""
    moved = onnx.ModelProto()
    moved.CopyFrom(model)
    return at_opset(moved, opset)


def by_onnx(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """ONNX's version converter; whatever it raises is a refusal."""
    try:
        return onnx.version_converter.convert_version(model, opset)
    except Exception as error:  # it raises bare RuntimeErrors and C++ exceptions
        raise ParityGateError("PG408", "version_converter", str(error)) from error


CONVERTERS: Mapping[str, Converter] = {"paritygate": by_paritygate, "onnx.version_converter": by_onnx}


def measured(case: Case, converter: str, target: int) -> Record:
    """The test as it is; if that isn't converted, with all inputs but the first as constants, as models have them."""
    first = _attempt(case, converter, target)
    other = fixed(case)
    if first.outcome in (Outcome.PASSES, Outcome.DIFFERS) or other is None or not runs_anywhere(other):
        return first
    second = _attempt(other, converter, target)
    if second.outcome is Outcome.PASSES:
        return Record(case.name, case.operator, converter, first.source, target, Outcome.FIXED)
    return second if second.outcome is Outcome.DIFFERS else first


def _attempt(case: Case, converter: str, target: int) -> Record:
    def record(outcome: Outcome, detail: str = "") -> Record:
        return Record(case.name, case.operator, converter, opset_of(case.model), target, outcome, detail[:300])

    try:
        moved = CONVERTERS[converter](case.model, target)
    except ParityGateError as error:
        return record(Outcome.REFUSED, f"{error.cause}")
    wrong = run(case, moved)
    if wrong is None:
        return record(Outcome.NO_ENGINE, rejection(moved))
    return record(Outcome.DIFFERS, wrong) if wrong else record(Outcome.PASSES)


def runs_anywhere(case: Case) -> bool:
    """Whether ONNX Runtime gives ONNX's outputs for the test itself, at an opset that it loads."""
    newest = onnx.ModelProto()
    newest.CopyFrom(case.model)
    for entry in newest.opset_import:
        if entry.domain in DOMAINS:
            entry.version = min(entry.version, newest_opset())
    return run(case, newest) == ""


def run(case: Case, model: onnx.ModelProto | None = None) -> str | None:
    """Why the outputs aren't ONNX's; empty where they are, None where the engine can't run the model."""
    model = case.model if model is None else model
    try:
        session = _session(model)
        pairs = zip(case.model.graph.input, case.inputs, strict=True)
        feed = {value.name: _fed(given) for value, given in pairs if given is not None}
        found = session.run(None, feed)
    except Exception:  # noqa: BLE001  ONNX Runtime's exceptions share no base class of their own
        return None
    outputs = zip(case.outputs, found, strict=True)
    try:
        return next((text for want, got in outputs if (text := _difference(want, got, case))), "")
    except (TypeError, ValueError) as error:
        return str(error)


def _fed(value: object) -> object:
    return value if isinstance(value, list) else np.asarray(value)


def _difference(want: object, got: object, case: Case) -> str:
    if isinstance(want, list):
        assert isinstance(got, list)
        return next((t for w, g in zip(want, got, strict=True) if (t := _difference(w, g, case))), "")
    return difference(want, got, case.rtol, case.atol)


def rejection(model: onnx.ModelProto) -> str:
    """What ONNX Runtime says of a model that it doesn't load; empty where it fails later."""
    try:
        _session(model)
    except Exception as error:  # noqa: BLE001  ONNX Runtime's exceptions share no base class of their own
        return str(error)
    return "it loads, and fails when it runs"


def _session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    stamped = onnx.ModelProto()
    stamped.CopyFrom(model)
    stamped.ir_version = min(stamped.ir_version, 10)
    return onnxruntime.InferenceSession(stamped.SerializeToString(), options, providers=["CPUExecutionProvider"])
