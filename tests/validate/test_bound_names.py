"""--bind and --bind-input name outputs and inputs of the reference: any other name ends the command at once."""

from __future__ import annotations

import pytest

from paritygate.validate.errors import ParityGateError
from paritygate.validate.options import BindOptions
from paritygate.validate.session import check_bound
from paritygate.validate.signature import Signature, TensorSpec

REFERENCE = Signature((TensorSpec("x", "float32", ("N", 8)),), (TensorSpec("y", "float32", ("N", 3)),))


@pytest.mark.parametrize(
    ("bind", "said"),
    [
        (BindOptions(bind={"z": "Identity"}), ("--bind z=Identity", "no such output", "Its outputs: y.")),
        (BindOptions(bind_inputs={"a": "X"}), ("--bind-input a=X", "no such input", "Its inputs: x.")),
        (BindOptions(bind={"z": "x"}), ("--bind z=x", "no such output", "Its outputs: y.")),
    ],
)
def test_a_name_that_the_reference_does_not_have_is_refused(bind, said):
    with pytest.raises(ParityGateError) as caught:
        check_bound(bind, REFERENCE)
    assert caught.value.code == "PG201"
    for part, got in zip(said, (caught.value.subject, caught.value.cause, caught.value.remedy), strict=True):
        assert part in got


def test_a_name_that_it_has_is_taken():
    check_bound(BindOptions(bind={"z": "y"}, bind_inputs={"a": "x"}), REFERENCE)
