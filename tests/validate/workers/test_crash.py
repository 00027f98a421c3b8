"""What a worker's death says about its model depends on the stage that it was in."""

from __future__ import annotations

import signal

import pytest

from paritygate.validate.events import Event, ignore
from paritygate.validate.tasks.calls import InspectModel, RunCandidate, RunReference
from paritygate.validate.workers.crash import LastStage, crash_of_model

LOAD, FIRST, THIRD, DONE = (
    Event("load m.tflite"),
    Event("run samples", 0, 5),
    Event("run samples", 2, 5),
    Event("run samples", 5, 5),
)


@pytest.mark.parametrize(
    ("status", "last", "code", "subject"),
    [
        (-signal.SIGSEGV, LOAD, "PG402", "m.tflite"),
        (-signal.SIGABRT, LOAD, "PG402", "m.tflite"),
        (-signal.SIGBUS, FIRST, "PG303", "sample 0"),
        (-signal.SIGSEGV, THIRD, "PG303", "sample 2"),
    ],
)
def test_a_crash_of_native_code_names_the_file_or_the_sample(status: int, last: Event, code: str, subject: str):
    error = crash_of_model(status, last, "PG402")
    assert error is not None
    assert (error.code, error.subject) == (code, subject)


@pytest.mark.parametrize(
    ("status", "last"),
    [
        (-signal.SIGKILL, LOAD),
        (-signal.SIGTERM, FIRST),
        (1, LOAD),
        (-signal.SIGSEGV, DONE),
        (-signal.SIGSEGV, Event("convert")),
        (-signal.SIGSEGV, Event("")),
    ],
)
def test_any_other_death_is_not_blamed_on_the_model(status: int, last: Event):
    assert crash_of_model(status, last, "PG402") is None


def test_a_candidate_that_crashes_while_it_is_loaded_is_inconclusive():
    assert {call.crash_while_loading for call in (InspectModel, RunReference)} == {"PG402"}
    assert RunCandidate.crash_while_loading == "PG301"


def test_the_last_stage_is_remembered_and_passed_on():
    seen: list[Event] = []
    stage = LastStage(seen.append)
    stage(LOAD)
    stage(FIRST)
    assert (stage.event, seen) == (FIRST, [LOAD, FIRST])
    assert LastStage(ignore).event.stage == ""
