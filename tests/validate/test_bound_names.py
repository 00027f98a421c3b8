"""What ``--bind`` and ``--bind-input`` name must exist; one input or output of a kind is bound; values only suggest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, save_model

from paritygate.validate import validate
from paritygate.validate.errors import ParityGateError
from paritygate.validate.report.types import OutputComparison, Verdict
from paritygate.validate.signature import Signature, TensorSpec
from paritygate.validate.tasks.binding import completed
from paritygate.validate.tasks.types import Bindings
from paritygate.validate.verdict.suggest import suggested_bindings


def signature(inputs: str, outputs: str, dtype: str = "float32", rank: int = 2) -> Signature:
    shape = ("N", *[3] * (rank - 1))
    specs = [tuple(TensorSpec(name, dtype, shape) for name in names.split()) for names in (inputs, outputs)]
    return Signature(*specs)


@pytest.mark.parametrize(
    ("bindings", "option", "cause"),
    [
        (Bindings(outputs={"z": "Identity"}), "--bind z=Identity", "the reference has no output 'Identity'"),
        (Bindings(outputs={"q": "y"}), "--bind q=y", "the candidate has no output 'q'"),
        (Bindings(inputs={"a": "X"}), "--bind-input a=X", "the reference has no input 'X'"),
        (Bindings(inputs={"x": "x"}), "--bind-input x=x", "the candidate has no input 'x'"),
    ],
)
def test_a_name_that_does_not_exist(bindings: Bindings, option: str, cause: str) -> None:
    with pytest.raises(ParityGateError) as caught:
        completed(bindings, signature("x", "y"), signature("a", "z"))
    assert (caught.value.code, caught.value.subject, caught.value.cause) == ("PG201", option, cause)
    names = ("inputs: a", "inputs: x") if "input" in option else ("outputs: z", "outputs: y")
    assert caught.value.remedy == f"The candidate's {names[0]}. The reference's {names[1]}."


ONE = signature("x", "y")
WIDE = Signature(ONE.inputs, (TensorSpec("y", "float64", ("N", 3), ("float32",)),))


@pytest.mark.parametrize(
    ("reference", "candidate", "inputs", "outputs"),
    [
        (ONE, signature("a", "z"), {"a": "x"}, {"z": "y"}),
        (ONE, signature("x", "y"), {}, {}),
        (WIDE, signature("x", "z"), {}, {"z": "y"}),
        (ONE, signature("a", "z", "float64"), {}, {}),
        (ONE, signature("a", "z", rank=3), {}, {}),
        (ONE, signature("a b", "y z"), {}, {}),
        (signature("x w", "y v"), signature("a", "z"), {}, {}),
        (ONE, Signature((TensorSpec("a", "float32", None),), ONE.outputs), {}, {}),
    ],
    ids=["one of each", "equal names", "a narrower output", "dtype", "rank", "two", "two in the reference", "no shape"],
)
def test_the_only_ones_of_a_kind_are_bound(
    reference: Signature, candidate: Signature, inputs: dict[str, str], outputs: dict[str, str]
) -> None:
    found, notes = completed(Bindings(), reference, candidate)
    assert (found.inputs, found.outputs) == (inputs, outputs)
    assert [note.partition(" is bound")[0] for note in notes] == [
        f"{kind} '{name}'" for kind, pairs in (("input", inputs), ("output", outputs)) for name in pairs
    ]


def test_given_bindings_stay() -> None:
    given = Bindings(inputs={"a": "x"}, outputs={"z": "y"})
    assert completed(given, ONE, signature("a", "z")) == (given, ())


def unbound(*missing: str) -> list[OutputComparison]:
    return [OutputComparison(name, "", Verdict.FAIL, "PG104") for name in missing]


def extra(*names: str) -> list[OutputComparison]:
    return [OutputComparison("", name, Verdict.FAIL, "PG105") for name in names]


A, B = np.arange(6.0), np.arange(6.0)[::-1] * 3


@pytest.mark.parametrize(
    ("expected", "actual", "suggested"),
    [
        ({"a": A, "b": B}, {"p": B + 1e-4, "q": A}, "--bind q=a --bind p=b"),
        ({"a": A, "b": B}, {"p": A, "q": A * 2}, "--bind p=a"),
        ({"a": A, "b": B}, {"p": A, "q": A}, ""),
        ({"a": A, "b": A}, {"p": A, "q": B}, ""),
        ({"a": A}, {"p": A.reshape(2, 3)}, ""),
        ({"a": A}, {"p": np.where(A > 2, np.nan, A)}, ""),
        ({"a": np.array([1, 2])}, {"p": np.array([1, 2])}, "--bind p=a"),
        ({"a": np.array([1, 2])}, {"p": np.array([1, 3])}, ""),
    ],
    ids=["crossed", "one of two", "two fit one", "one fits two", "shape", "NaN", "labels", "other labels"],
)
def test_values_suggest_what_fits_alone(expected: dict[str, Any], actual: dict[str, Any], suggested: str) -> None:
    notes = suggested_bindings([*unbound(*expected), *extra(*actual)], [expected], [actual])
    assert [note.partition("suggest ")[2].partition(";")[0] for note in notes] == ([suggested] if suggested else [])


def model(path: Path, names: str, operators: str) -> Path:
    x, *outputs = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 4]) for name in names.split())
    pairs = zip(operators.split(), names.split()[1:], strict=True)
    nodes = [helper.make_node(operator, [x.name], [name]) for operator, name in pairs]
    graph = helper.make_graph(nodes, "g", [x], outputs)
    save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    return path


def test_all_of_it(tmp_path: Path) -> None:
    """Bound by itself and said; several only suggested, with no untrue finding about the engine (PG312) beside it."""
    bound = validate(model(tmp_path / "r.onnx", "x y", "Exp"), model(tmp_path / "c.onnx", "in out", "Exp"), budget=0)
    assert bound.passed
    said = [finding.message for finding in bound.findings]
    assert "output 'out' is bound to 'y': each model has one output" in said
    assert "input 'in' is bound to 'x': each model has one input" in said
    several = validate(
        model(tmp_path / "r2.onnx", "x y z", "Exp Abs"), model(tmp_path / "c2.onnx", "in a b", "Abs Exp"), budget=0
    )
    assert not several.passed
    assert {finding.code for finding in several.findings} == {""}
    assert any("the values suggest --bind b=y --bind a=z" in finding.message for finding in several.findings)
