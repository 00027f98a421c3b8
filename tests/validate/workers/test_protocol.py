"""Every task names a function that takes it and gives what it promises."""

from __future__ import annotations

import importlib
import inspect
import pickle
from pathlib import Path
from typing import Any, get_args

import pytest

from paritygate.convert import calls as convert_calls
from paritygate.validate.engines.handle import ModelHandle
from paritygate.validate.engines.registry import ONNX
from paritygate.validate.localise import calls as localise_calls
from paritygate.validate.options import SampleOptions
from paritygate.validate.search import calls as search_calls
from paritygate.validate.tasks import calls
from paritygate.validate.tasks.calls import RunReference
from paritygate.validate.workers.job_folder import JobFolder
from paritygate.validate.workers.protocol import Task

TASKS = [
    value
    for module in (calls, search_calls, localise_calls, convert_calls)
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, Task) and value is not Task
]


def test_every_room_has_tasks() -> None:
    assert len(TASKS) == 10


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.__name__)
def test_the_named_function_takes_the_task_and_gives_its_result(task: Any) -> None:
    module, name = task.function.split(":")
    signature = inspect.signature(getattr(importlib.import_module(module), name))
    (result,) = get_args(task.__orig_bases__[0])
    expected = result.__name__ if isinstance(result, type) and not get_args(result) else str(result)
    assert [parameter.annotation for parameter in signature.parameters.values()] == [task.__name__, "Listener"]
    assert signature.return_annotation.split(".")[-1] == expected.split(".")[-1]


def test_a_task_survives_the_journey(tmp_path: Path) -> None:
    handle = ModelHandle.of(tmp_path / "m.onnx", ONNX)
    task = RunReference(JobFolder(tmp_path), handle, SampleOptions(seed=3))
    assert pickle.loads(pickle.dumps(task)) == task
