"""Limits: the forms in which they are given, the defaults, and that 0 and none switch one off."""

from __future__ import annotations

import pytest

from paritygate.validate.errors import ParityGateError
from paritygate.validate.limits import bytes_of, machine_memory, seconds_of
from paritygate.validate.options import InspectOptions, RunModelOptions, RunOptions, ValidateOptions


@pytest.mark.parametrize("options", [InspectOptions(), RunModelOptions(), ValidateOptions()])
def test_every_command_has_limits_unless_told_otherwise(options: InspectOptions) -> None:
    limits = options.run.limits
    assert limits.seconds == 480
    assert limits.bytes == int(machine_memory() * 0.75)


@pytest.mark.parametrize("off", [0, None, "0", "none", "NONE"])
def test_a_limit_can_be_switched_off(off: int | str | None) -> None:
    limits = RunOptions(timeout=off, memory_limit=off).limits
    assert (limits.seconds, limits.bytes) == (None, None)


@pytest.mark.parametrize(
    ("given", "size"),
    [("4G", 4 * 2**30), ("800m", 800 * 2**20), ("1.5K", 1536), ("2GiB", 2 * 2**31 // 2), (1048576, 2**20), ("7", 7)],
)
def test_sizes(given: str | int, size: int) -> None:
    assert bytes_of(given) == size


def test_a_share_of_the_machine() -> None:
    assert bytes_of("50%") == int(machine_memory() / 2)


@pytest.mark.parametrize("given", ["lots", "-1", "4X", "", "G", "nan", "1e9"])
def test_what_is_no_size_is_refused(given: str) -> None:
    with pytest.raises(ParityGateError, match="PG201"):
        RunOptions(memory_limit=given)


@pytest.mark.parametrize("given", ["soon", -1, "nan", "inf", float("inf")])
def test_what_is_no_time_is_refused(given: str | float) -> None:
    with pytest.raises(ParityGateError, match="PG201"):
        seconds_of(given)
