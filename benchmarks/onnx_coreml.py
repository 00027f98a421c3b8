"""Writes docs/onnx-to-coreml.md: ONNX' own operator tests, converted to Core ML and run in paritygate's engine.

``python -m benchmarks.onnx_coreml ours`` converts with paritygate, ``... peer PYTHON`` with the package onnx2coreml of
another environment, ``... page`` writes the page from what both left in docs/coverage/. Cases that are measured already
are kept unless ``--again`` is given; a name part after the options measures only the cases that have it.

Node tests feed everything as an input, also what every exported model has as a constant (axes, pads, shapes, weights).
Where a case fails as it is, it is tried with all but its first input fixed to the case's values; the page tells both apart.
"""

from __future__ import annotations

import pickle
import tempfile
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from paritygate.convert.routes import onnx_to_coreml
from paritygate.convert.routes.base import ConvertOptions
from paritygate.validate.engines import coreml
from paritygate.validate.engines.base import Facts, LoadOptions
from paritygate.validate.errors import ParityGateError
from paritygate.validate.signature import STRING, Hint, Signature, TensorSpec

FOLDER = Path("docs/coverage")
PAGE = Path("docs/onnx-to-coreml.md")
TIGHT_RTOL, TIGHT_ATOL = 2e-5, 2e-6
"""A few float32 roundings, for the count beside ONNX' own tolerance of 1e-3."""


@dataclass(frozen=True, slots=True)
class Case:
    """One of ONNX' node tests: a model of one operator (or of its definition by others), inputs, expected outputs."""

    name: str
    model: onnx.ModelProto
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    rtol: float
    atol: float

    @property
    def operator(self) -> str:
        """The operator that the case is about: its node's, or of an expanded case the name's first part."""
        node = self.model.graph.node[0]
        return node.op_type if "_expanded" not in self.name else "(definitions)"

    @property
    def files(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a case. ``outcome``: passes, fixed (passes with parameters fixed), differs, refused, fails."""

    name: str
    operator: str
    outcome: str
    detail: str = ""
    tight: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """What the route asks of a model: the signature and the file."""

    native: Path
    signature: Signature
    notes: tuple[str, ...] = ()

    def run(self, feed: Any) -> dict[str, Any]:
        """Nobody runs it: the expected outputs are ONNX' own."""
        raise NotImplementedError

    def hints(self) -> tuple[Hint, ...]:
        """None."""
        return ()

    def facts(self) -> Facts:
        """None."""
        return Facts("ONNX")


def cases() -> list[Case]:
    """ONNX' node tests, collected in code (20 seconds) or as kept by an earlier call."""
    kept = Path(tempfile.gettempdir()) / f"onnx-node-tests-{onnx.__version__}.pickle"
    if not kept.exists():
        kept.write_bytes(pickle.dumps([_packed(case) for case in _collected()]))
    return [
        Case(name, onnx.ModelProto.FromString(model), *rest) for name, model, *rest in pickle.loads(kept.read_bytes())
    ]


def _collected() -> list[Any]:
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(collect_testcases(None))


def _packed(case: Any) -> tuple[Any, ...]:
    (inputs, outputs), *_ = case.data_sets
    plain = [tuple(_array(v) for v in values) for values in (inputs, outputs)]
    return case.name, case.model.SerializeToString(), *plain, case.rtol, case.atol


def _array(value: Any) -> Any:
    return onnx.numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


def fixed(case: Case) -> Case | None:
    """The case with all inputs but the first as constants; None where there are no others."""
    if len(case.inputs) < 2 or any(isinstance(v, (list, type(None))) for v in case.inputs):
        return None
    model = onnx.ModelProto.FromString(case.model.SerializeToString())
    names = [value.name for value in model.graph.input]
    del model.graph.input[1:]
    for name, array in zip(names[1:], case.inputs[1:], strict=True):
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(array), name))
    return replace(case, model=model, inputs=case.inputs[:1])


def signature_of(model: onnx.ModelProto) -> Signature:
    """A model's inputs and outputs. Raises ParityGateError PG404 for what isn't a tensor."""
    return Signature(tuple(map(_spec, model.graph.input)), tuple(map(_spec, model.graph.output)))


def _spec(value: Any) -> TensorSpec:
    if not value.type.HasField("tensor_type"):
        raise ParityGateError("PG404", value.name, f"Core ML has no features of {value.type.WhichOneof('value')}")
    tensor = value.type.tensor_type
    element = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    shape = tuple(d.dim_value if d.HasField("dim_value") else d.dim_param or "n" for d in tensor.shape.dim)
    return TensorSpec(value.name, STRING if element == object else element.name, shape)


def measure(case: Case, convert: Any, suffix: str) -> Result:
    """Convert, run and compare a case as it is, and where that fails with its parameters fixed."""
    first = _attempt(case, convert, suffix)
    if first.outcome == "passes" or (other := fixed(case)) is None:
        return first
    second = _attempt(other, convert, suffix)
    if second.outcome == "passes":
        return replace(second, outcome="fixed", detail=first.detail)
    return second if first.outcome == "refused" and "constant" in first.detail else first


def _attempt(case: Case, convert: Any, suffix: str) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        try:
            path, inputs, outputs = convert(case, Path(folder), suffix)
            model = coreml.load(path, LoadOptions())
            given = dict(zip([value.name for value in case.model.graph.input], case.inputs, strict=True))
            feed = {spec.name: _fed(given[inputs.get(spec.name, spec.name)], spec) for spec in model.signature.inputs}
            found = model.run(feed)
        except ParityGateError as e:
            outcome = "refused" if e.code in ("PG404", "PG408") else "fails"
            return Result(case.name, case.operator, outcome, f"{e.code} {e.subject}: {e.cause}"[:300])
    names = {source: name for name, source in outputs.items()}
    pairs = [
        (want, found[names.get(v.name, v.name)]) for v, want in zip(case.model.graph.output, case.outputs, strict=True)
    ]
    wrong = next((text for want, got in pairs if (text := difference(want, got, case.rtol, case.atol))), "")
    tight = not any(difference(want, got, TIGHT_RTOL, TIGHT_ATOL) for want, got in pairs)
    return Result(case.name, case.operator, "differs" if wrong else "passes", wrong, tight)


def _fed(array: Any, spec: TensorSpec) -> Any:
    """The array in the feature's dtype; a scalar is a vector of one."""
    cast = np.asarray(array).astype(spec.dtype)
    return cast.reshape(1) if cast.ndim == 0 and len(spec.shape or ()) == 1 else cast


def difference(want: Any, got: Any, rtol: float, atol: float) -> str:
    """Why ``got`` isn't the expected output, empty where it is."""
    want, got = np.asarray(want), np.asarray(got)
    if want.dtype.kind in "OU":
        return "" if np.array_equal(want.astype(str), got.astype(str)) else "other text"
    if want.shape != got.shape and not (want.ndim == 0 and got.shape == (1,)):
        return f"shape {got.shape} instead of {want.shape}"
    got = got.reshape(want.shape)
    if want.dtype.kind in "iub":
        wrong = got.astype(np.float64) != want.astype(np.float64)
    else:
        wrong = ~np.isclose(got.astype(np.float64), want.astype(np.float64), rtol=rtol, atol=atol, equal_nan=True)
    if not wrong.any():
        return ""
    where = tuple(int(i) for i in np.argwhere(wrong)[0]) if want.ndim else ()
    return f"{int(wrong.sum())} of {want.size} differ, first at {where}: {got[where]} instead of {want[where]}"


def ours(case: Case, folder: Path, suffix: str) -> tuple[Path, dict[str, str], dict[str, str]]:
    """Convert with paritygate."""
    source = folder / "model.onnx"
    onnx.save(case.model, source)
    destination = folder / f"model{suffix}"
    made = onnx_to_coreml.convert(Source(source, signature_of(case.model)), destination, ConvertOptions())
    return made.path, dict(made.inputs), dict(made.outputs)
