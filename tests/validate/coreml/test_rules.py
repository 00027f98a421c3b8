"""Models that break their own format's rules are refused with the layer's name and the rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from networks import builder, loaded
from single_operators import run
from whole import coremltools

from paritygate.validate.coreml.bind import MIL
from paritygate.validate.coreml.layer import LAYERS
from paritygate.validate.coreml.rules import RULES
from paritygate.validate.errors import ParityGateError


def branch(made: Any, condition: str) -> None:
    neural_network = coremltools().models.neural_network
    layer = made.add_branch("chosen", condition).branch
    for number, network in enumerate((layer.ifBranch, layer.elseBranch)):
        inner = neural_network.NeuralNetworkBuilder(nn_spec=network)
        inner.add_activation(f"a{number}", "LINEAR", "x", "y", params=[2, number])


def computed_condition(made: Any) -> None:
    made.add_less_than("c", ["x"], "c", alpha=0.5)
    branch(made, "c")


def constant_condition(made: Any) -> None:
    made.add_load_constant_nd("c", "c", np.ones(2, np.float32), (2,))
    branch(made, "c")


def constants_of_two_ranks(made: Any) -> None:
    made.add_load_constant_nd("p", "p", np.zeros((1, 1), np.float32), (1, 1))
    made.add_load_constant_nd("q", "q", np.zeros((2, 3, 1), np.float32), (2, 3, 1))
    made.add_concat_nd("joined", ["p", "q"], "c", axis=0)
    made.add_add_broadcastable("sum", ["c", "x"], "y")


def shapes_that_do_not_broadcast(made: Any) -> None:
    made.add_load_constant_nd("p", "p", np.zeros(3, np.float32), (3,))
    made.add_add_broadcastable("sum", ["p", "x"], "y")


def reflection(made: Any) -> None:
    made.add_expand_dims("three", "x", "t", axes=[0, 1])
    made.add_padding("mirror", left=2, input_name="t", output_name="y", padding_type="reflection")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (computed_condition, r"branch 'chosen': .*shape \(2\); the condition must be a single element"),
        (constant_condition, r"branch 'chosen': .*shape \(2\); the condition must be a single element"),
        (constants_of_two_ranks, r"concatND 'joined': .*shapes \(1, 1\), \(2, 3, 1\); .*same rank"),
        (shapes_that_do_not_broadcast, r"addBroadcastable 'sum': .*shapes \(3\), \(2\); .*broadcast"),
        (reflection, r"padding 'mirror': .*length of the axis minus 1"),
    ],
)
def test_a_network_against_the_rules_is_refused_when_it_is_loaded(build: Callable[[Any], None], message: str):
    made = builder({"x": (2,)})
    build(made)
    with pytest.raises(ParityGateError, match=message) as caught:
        loaded(made.spec)
    assert caught.value.code == "PG404"
    assert "bug" not in caught.value.remedy


X = np.arange(4, dtype=np.float32).reshape(2, 2)


@pytest.mark.parametrize(
    ("op", "given", "message"),
    [
        ("pad", {"x": X, "pad": np.array([0, 0, 1, 2]), "mode": "reflect"}, "pad 'tested'.*minus 1"),
        ("concat", {"values": (X, X[None]), "axis": 0}, "concat 'tested'.*same rank"),
        ("matmul", {"x": X, "y": np.ones((3, 2), np.float32)}, "matmul 'tested'.*last but one"),
        ("gather", {"x": X, "indices": np.array([5], np.int32), "axis": 0}, "gather 'tested'.*every index"),
    ],
)
@pytest.mark.parametrize("open_axes", [False, True])
def test_an_operator_against_the_rules_is_refused_by_name(
    op: str, given: dict[str, Any], message: str, open_axes: bool
):
    """As it is loaded if the shapes are fixed, otherwise as it runs."""
    computed = [name for name in ("x", "y", "values", "indices") if name in given]
    with pytest.raises(ParityGateError, match=f"(?s){message}"):
        run(op, given, computed, open_axes=open_axes)


def test_a_reflection_that_fits_is_padded():
    given = {"x": X, "pad": np.array([0, 0, 1, 1]), "mode": "reflect"}
    (got,) = run("pad", given, ["x"])
    np.testing.assert_array_equal(got, np.pad(X, ((0, 0), (1, 1)), mode="reflect"))


def test_rules_are_for_layers_and_operators_that_exist():
    assert set(RULES) <= MIL.names() | LAYERS.names()
