"""A task that calls any function, in a module that the worker finds by PYTHONPATH."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

import pytest

CALLED = """
import importlib
import importlib.util
import os
import pickle
import time
from dataclasses import dataclass
from typing import Any, ClassVar

from paritygate.validate.workers.protocol import Task


@dataclass(frozen=True)
class Called(Task[Any]):
    function: ClassVar[str] = "called:call"
    name: str
    arguments: dict


def call(task, on_event):
    module, name = task.name.split(":")
    return getattr(importlib.import_module(module), name)(**task.arguments)


def is_found(name):
    return importlib.util.find_spec(name) is not None


def written(path):
    try:
        open(path, "w").close()
    except OSError as error:
        return type(error).__name__
    return "written"


def spoil():
    import json

    json.dumps = lambda obj: "spoilt"
    return json.dumps(1)


def confined():
    import tempfile
    from pathlib import Path

    try:
        tempfile.TemporaryFile(dir=Path.home()).close()
    except OSError:
        return True
    return False


def connected(port):
    import socket

    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError as error:
        return type(error).__name__
    return "connected"


def families(seconds):
    # children that live on: one in the worker's group, one in a session of its own, and that one's
    import subprocess

    sleep = f"sleep {seconds}"
    for command in (sleep, f"setsid {sleep}", f"setsid sh -c '{sleep} & {sleep}'"):
        subprocess.Popen(["sh", "-c", command])
    time.sleep(0.5)


def answer(folder):
    # a reply that runs code where it is read
    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {folder}/MARK",)

    with open(os.path.join(folder, "worker", "reply.pickle"), "wb") as file:
        pickle.dump(Evil(), file)
    os._exit(0)
"""


@pytest.fixture(autouse=True)
def task(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    folder = tmp_path_factory.mktemp("tasks")
    (folder / "called.py").write_text(CALLED)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "called", raising=False)
    called: Callable[..., Any] = importlib.import_module("called").Called
    return called
