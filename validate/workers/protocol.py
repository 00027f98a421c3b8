"""What parent and worker say to each other, as files of the job folder."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from ..errors import ParityGateError

REQUEST, REPLY = "request.pickle", "reply.pickle"


@dataclass(frozen=True, slots=True)
class Request:
    """A task is ``package.module:function``; it is called with the arguments by keyword."""

    task: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """Either a result, an error that the user should read, or the traceback of a bug."""

    result: Any = None
    error: ParityGateError | None = None
    bug: str = ""


def call_task(request: Request) -> Any:
    """Import the task's module and call its function."""
    module, function = request.task.split(":")
    return getattr(importlib.import_module(module), function)(**request.arguments)
