"""``paritygate selftest``: are known faults noticed? They go through the same function that users call.

A small classifier is written as ONNX, and with one fault at a time once more; each pair is run by real workers and
ONNX Runtime, and the report must name the fault.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .api import validate
from .events import Event, Listener, ignore
from .workers.job_folder import temporary_folder

if TYPE_CHECKING:
    import onnx

    from .report.report import Report

_ROWS, _FEATURES, _CLASSES = 4, 6, 3
_OPSET, _IR = 17, 10  # old enough for every ONNX Runtime that we work with

Fault = Callable[[Any], None]
"""Changes a model in place."""


@dataclass(frozen=True, slots=True)
class Case:
    """A fault, and what the report must say: output -> code. Nothing at all for a model without one."""

    name: str
    fault: Fault
    expected: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of one case: ``found`` are the codes of the outputs that don't pass, by name."""

    name: str
    expected: Mapping[str, str]
    found: Mapping[str, str]
    verdict: str

    @property
    def noticed(self) -> bool:
        """Whether the report says exactly what it must."""
        return self.found == self.expected and self.verdict == ("fail" if self.expected else "pass")


def run_selftest(on_event: Listener = ignore) -> tuple[Trial, ...]:
    """Try every case of :data:`CASES`; some ten seconds. Raises ParityGateError for everything but a verdict."""
    trials = []
    with temporary_folder() as folder:
        reference = _written(folder / "reference.onnx", _nothing)
        for number, case in enumerate(CASES, start=1):
            candidate = _written(folder / "candidate.onnx", case.fault)
            trials.append(_tried(case, validate(reference, candidate)))
            on_event(Event("try faults", number, len(CASES)))
    return tuple(trials)


def _tried(case: Case, report: Report) -> Trial:
    found = {row.name or row.candidate_name: row.code for row in report.outputs if not row.passed}
    return Trial(case.name, case.expected, found, report.verdict.value)


def _written(path: Path, fault: Fault) -> Path:
    import onnx

    model = _classifier()
    fault(model)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def _classifier() -> onnx.ModelProto:
    """Logits, probabilities and labels of a linear classifier, and a factor of one for each logit."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(0)
    constants = {
        "weights": random.standard_normal((_FEATURES, _CLASSES)).astype(np.float32),
        "bias": random.standard_normal(_CLASSES).astype(np.float32),
        "factors": np.ones((_ROWS, _CLASSES), np.float32),
    }
    nodes = [
        helper.make_node("Gemm", ["x", "weights", "bias"], ["sums"]),
        helper.make_node("Mul", ["sums", "factors"], ["logits"]),
        helper.make_node("Softmax", ["sums"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["sums"], ["label"], axis=1, keepdims=0),
    ]
    declared = {
        "logits": (TensorProto.FLOAT, [_ROWS, _CLASSES]),
        "probabilities": (TensorProto.FLOAT, [_ROWS, _CLASSES]),
        "label": (TensorProto.INT64, [_ROWS]),
    }
    graph = helper.make_graph(
        nodes,
        "selftest",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [_ROWS, _FEATURES])],
        [helper.make_tensor_value_info(name, *what) for name, what in declared.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)


# -- faults -----------------------------------------------------------------------------------------------------------


def _nothing(model: Any) -> None:
    """The same model."""


def _factor(value: float) -> Fault:
    """One logit of one row times ``value``."""

    def fault(model: Any) -> None:
        from onnx import numpy_helper

        factors = numpy_helper.to_array(model.graph.initializer[2]).copy()
        factors[2, 1] = value
        model.graph.initializer[2].CopyFrom(numpy_helper.from_array(factors, "factors"))

    return fault


def _drop(model: Any) -> None:
    """Without its probabilities."""
    del model.graph.output[1], model.graph.node[2]


def _add(model: Any) -> None:
    """One output more."""
    from onnx import TensorProto, helper

    model.graph.output.append(helper.make_tensor_value_info("sums", TensorProto.FLOAT, [_ROWS, _CLASSES]))


def _swap(model: Any) -> None:
    """Logits under the name of probabilities, and the other way round."""
    logits, probabilities = model.graph.node[1], model.graph.node[2]
    logits.output[0], probabilities.output[0] = probabilities.output[0], logits.output[0]


def _widen(model: Any) -> None:
    """Logits as float64."""
    from onnx import TensorProto, helper

    model.graph.node[1].output[0] = "narrow"
    model.graph.node.append(helper.make_node("Cast", ["narrow"], ["logits"], to=TensorProto.DOUBLE))
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.DOUBLE


def _flatten(model: Any) -> None:
    """Labels of another shape."""
    from onnx import TensorProto, helper

    model.graph.node[3].attribute[1].i = 1
    model.graph.output[2].CopyFrom(helper.make_tensor_value_info("label", TensorProto.INT64, [_ROWS, 1]))


def _worst_class(model: Any) -> None:
    """The least class for the greatest."""
    model.graph.node[3].op_type = "ArgMin"


CASES = (
    Case("no fault", _nothing, {}),
    Case("one element off by 1 %", _factor(1.01), {"logits": "PG101"}),
    Case("one element NaN", _factor(math.nan), {"logits": "PG106"}),
    Case("an output dropped", _drop, {"probabilities": "PG104"}),
    Case("an output more", _add, {"sums": "PG105"}),
    Case("two outputs swapped", _swap, {"logits": "PG101", "probabilities": "PG101"}),
    Case("another dtype", _widen, {"logits": "PG103"}),
    Case("another shape", _flatten, {"label": "PG102"}),
    Case("wrong labels", _worst_class, {"label": "PG107"}),
)
"""Every fault changes what it names and nothing else."""
