"""Models that are lowered for the shapes that they are fed. Expected values come from NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from networks import builder, loaded, outputs
from whole import coremltools

from paritygate.validate.errors import ParityGateError

RANDOM = np.random.default_rng(5)


def enumerated(made: Any, **choices: list[tuple[int, ...]]) -> Any:
    shapes = coremltools().models.neural_network.flexible_shape_utils
    for name, allowed in choices.items():
        shapes.add_multiarray_ndshape_enumeration(made.spec, feature_name=name, enumerated_shapes=allowed)
    return made.spec


@pytest.mark.parametrize("shape", [(2, 1), (3, 1), (1, 1), (1, 4)])
def test_squeeze_all_of_a_flexible_shape_drops_every_axis_of_length_1(shape: tuple[int, ...]):
    """At least one axis remains: NeuralNetwork.proto knows no blob without axes."""
    made = builder({"x": (2, 1)})
    made.add_squeeze("squeeze", "x", "s", squeeze_all=True)
    made.add_concat_nd("twice", ["s", "s"], "y", axis=0)  # needs the rank of the blob
    session = loaded(enumerated(made, x=[(2, 1), (3, 1), (1, 1), (1, 4)])).session
    x = RANDOM.normal(size=shape).astype(np.float32)
    squeezed = x.squeeze().reshape(-1)
    np.testing.assert_array_equal(session.predict({"x": x})["y"], np.concatenate([squeezed, squeezed]))
    with pytest.raises(ParityGateError, match=r"shape \(5, 1\) is not the declared shape"):
        session.predict({"x": np.zeros((5, 1))})


def fixed_length(declared: tuple[int, ...]) -> tuple[Any, np.ndarray]:
    """Rows of a table for 15 indices, flattened, and a product that fits that length only."""
    weights = RANDOM.normal(size=(60, 2))
    made = builder({"x": declared}, exact=False)
    made.add_embedding("e", W=np.arange(40).reshape(10, 4), b=None, input_dim=10, output_channels=4, has_bias=False,
                       input_name="x", output_name="e")  # fmt: skip
    made.add_permute("p", dim=[3, 1, 2, 0], input_name="e", output_name="p")
    made.add_flatten("f", mode=0, input_name="p", output_name="f")
    made.add_inner_product("product", W=weights, b=None, input_channels=60, output_channels=2, has_bias=False,
                           input_name="f", output_name="y")  # fmt: skip
    return made, weights


def test_a_network_that_fits_one_undeclared_length_is_lowered_for_it():
    made, weights = fixed_length((1,))
    model = loaded(made.spec)
    indices = RANDOM.integers(0, 10, 15)
    rows = np.arange(40).reshape(4, 10).T[indices]  # (15, 4); the network puts the channels first
    want = weights.reshape(2, 60) @ rows.T.reshape(-1)
    got = model.run({"x": indices.reshape(15, 1, 1, 1, 1).astype(np.float32)})["y"]
    np.testing.assert_allclose(got.reshape(-1), want, rtol=1e-5)  # float32 sums of 60 products
    assert any(w.size == 120 for w in model.weights().values())
    with pytest.raises(ParityGateError, match=r"innerProduct 'product': .*number of channels") as caught:
        model.run({"x": np.zeros((1, 1, 1, 1, 1), np.float32)})
    assert caught.value.code == "PG404"


def test_a_network_that_fits_no_length_is_rejected_when_it_is_loaded():
    made, _ = fixed_length((1,))
    made.add_custom("unknown", ["y"], ["z"])
    with pytest.raises(ParityGateError, match="innerProduct 'product'"):
        loaded(made.spec)


def test_every_layout_that_samples_are_generated_for_runs():
    made = builder({"x": (2, 1)})
    made.add_squeeze("squeeze", "x", "y", squeeze_all=True)
    model = loaded(enumerated(made, x=[(2, 1), (3, 1)]))
    shapes = [layout["x"] for layout in model.signature.layouts]
    assert [model.run({"x": np.zeros(shape, np.float32)})["y"].shape for shape in shapes] == [(2,), (3,)]


@pytest.mark.parametrize(("rank", "axes"), [(1, [0]), (1, [0, 1]), (2, [0])])
def test_what_a_slice_leaves_without_axes_has_none_for_expand_dims(rank: int, axes: list[int]):
    """As in Apple's tests of rank0_expand_dims_swap: x[0] of a vector is a number without axes."""
    x = RANDOM.normal(size=(3,) * rank).astype(np.float32)

    def build(made: Any) -> None:
        once, no, yes = [1] * rank, [False] * rank, [True] * rank
        made.add_slice_static("s", "x", "s", once, [2] * rank, once, no, no, yes)
        made.add_expand_dims("e", "s", "y", axes=axes)

    (got,) = outputs(build, {"x": x})
    np.testing.assert_array_equal(got, np.expand_dims(x[(1,) * rank], tuple(axes)))
    assert got.shape == (1,) * len(axes)
