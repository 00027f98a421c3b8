"""Inputs that move an output and that choose classes which ordinary samples never choose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from paritygate.validate.coverage.seeking import add_moving, unbounded_inputs
from paritygate.validate.samples import SampleKind, generate_samples
from paritygate.validate.signature import Hint, Signature, TensorSpec

SCORES = Signature((TensorSpec("x", "float32", ("N", 4)),), (TensorSpec("logits", "float32", ("N", 3)),))
AXIS = np.eye(4, 3)


def far(x: Any) -> Any:
    """The third class is chosen where the third feature alone is great."""
    return x @ AXIS + np.array([0.0, 0.0, -700.0])


def flat(x: Any) -> Any:
    """Only great values move it."""
    return np.ones((len(x), 3)) * 5 + np.maximum(np.abs(x).sum(axis=1, keepdims=True) - 2000, 0)


def run(model: Callable[[Any], Any]) -> Callable[[Sequence[Any]], list[dict[str, Any]]]:
    return lambda feeds: [{"logits": model(feed["x"].astype(np.float64)).astype(np.float32)} for feed in feeds]


@pytest.mark.parametrize(("model", "reached"), [(far, 3), (flat, 1)])
def test_what_ordinary_samples_leave_out_is_reached(model: Callable[[Any], Any], reached: int) -> None:
    samples = generate_samples(SCORES)
    outputs = run(model)(samples.feeds)
    assert len({int(row) for output in outputs for row in output["logits"].argmax(axis=1)}) < 3
    more, done = add_moving(samples, outputs, SCORES, run(model))
    assert SampleKind.MOVING in more.kinds
    rows = np.concatenate([output["logits"] for output in done])
    assert len(np.unique(rows.argmax(axis=1))) == reached
    assert np.ptp(rows) > 1
    assert len(done) == len(more.items)


def test_inputs_with_bounds_stay_within_them() -> None:
    samples = generate_samples(SCORES, [Hint("x", low=np.array(0.0), high=np.array(1.0))])
    assert unbounded_inputs(samples) == frozenset()
    more, _ = add_moving(samples, run(flat)(samples.feeds), SCORES, run(flat))
    assert all(feed["x"].min() >= 0 and feed["x"].max() <= 1 for feed in more.feeds)
    assert unbounded_inputs(generate_samples(SCORES)) == {"x"}


def test_a_model_that_is_reached_gets_no_more_samples() -> None:
    samples = generate_samples(SCORES)
    outputs = run(lambda x: x[:, :3])(samples.feeds)
    assert add_moving(samples, outputs, SCORES, run(lambda x: x[:, :3])) == (samples, outputs)
