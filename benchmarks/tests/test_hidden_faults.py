"""Faults that few inputs reach, and faults with a decoy: each changes just what it says."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from benchmarks.faults.graphs import Array, Mutant
from benchmarks.faults.mutations import decoys, hidden

ROWS = 300


def model_of(text: str, **weights: Array) -> onnx.ModelProto:
    model = onnx.parser.parse_model(f'<ir_version: 9, opset_import: ["" : 18]> g {text}')
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in weights.items())
    return model


TABLE = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
WORDS = model_of("(int64[N] x) => (float[N,4] y) { y = Gather<axis = 0>(w, x) }", w=TABLE)
CHOICE = model_of(
    "(float[N,2] x) => (float[N,2] y) { c = Greater(x, w)\n a = Abs(x)\n n = Neg(x)\n y = Where(c, a, n) }",
    w=np.zeros(1, np.float32),
)
DENSE = model_of("(float[N,4] x) => (float[N,50] y) { y = MatMul(x, w) }", w=TABLE.T.copy())


def first(table, name: str, model: onnx.ModelProto) -> Mutant:
    return next(iter(table[name](model, np.random.default_rng(0))))


def run(model: onnx.ModelProto, x: Array) -> Array:
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    return session.run(["y"], {"x": x})[0]


@pytest.mark.parametrize(("name", "rows"), [("row of a table off", 1), ("rows of a table swapped", 2)])
def test_rows_of_a_table(name: str, rows: int):
    mutant, every = first(hidden.TABLE, name, WORDS), np.arange(50)
    changed = (run(mutant.model, every) != run(WORDS, every)).any(1)
    assert mutant.hidden
    assert changed.sum() == rows
    assert not changed[0]  # it may be padding


def test_an_arm():
    mutant = first(hidden.TABLE, "arm of a choice scaled", CHOICE)
    x = np.array([[1, -1], [2, -2]], np.float32)
    assert sorted((run(mutant.model, x) / run(CHOICE, x))[0].tolist()) == pytest.approx([1, 1.01])


def test_rows_far_down_a_batch():
    mutant = first(hidden.TABLE, "rows beyond 200 scaled", DENSE)
    x = np.ones((ROWS, 4), np.float32)
    ratio = run(mutant.model, x) / run(DENSE, x)
    assert mutant.hidden
    np.testing.assert_allclose(ratio[:200], 1)
    np.testing.assert_allclose(ratio[200:], 1.01, rtol=1e-5)


@pytest.mark.parametrize("name", decoys.TABLE)
def test_a_decoy_changes_no_more_than_the_fault(name: str):
    mutant = first(decoys.TABLE, name, DENSE)
    x = np.ones((2, 4), np.float32)
    onnx.checker.check_model(mutant.model, full_check=True)
    np.testing.assert_allclose(run(mutant.model, x) / run(DENSE, x), 1.001, rtol=1e-5)


def test_every_mutation_is_tested():
    assert set(hidden.TABLE) == {
        "row of a table off", "rows of a table swapped", "arm of a choice scaled", "rows beyond 200 scaled",
    }  # fmt: skip
