"""What parent and worker exchange, as files of the job folder."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from ..errors import ParityGateError
from ..events import Listener

REQUEST, REPLY = "request.pickle", "reply.pickle"

Result = TypeVar("Result")


class Task(Generic[Result]):
    """One call of a worker: a frozen dataclass whose fields are the arguments. Both it and its result are pickled.

    ``function`` is ``package.module:function``; it is called with the task and a listener, and gives the result. It is
    named rather than imported, so that the parent can make a task without importing what the work needs.
    ``crash_while_loading`` is the code for a crash of native code while the task opens its model.
    """

    __slots__ = ()

    function: ClassVar[str]
    crash_while_loading: ClassVar[str] = "PG402"

    def run(self, on_event: Listener) -> Result:
        """Do the work in this process and return the result."""
        module, name = self.function.split(":")
        result: Result = getattr(importlib.import_module(module), name)(self, on_event)
        return result


@dataclass(frozen=True, slots=True)
class Request:
    """A task, and where its progress goes."""

    task: Task[Any]
    on_event: Listener


@dataclass(frozen=True, slots=True)
class Reply:
    """Either a result, an error that the user should read, or the traceback of a bug."""

    result: Any = None
    error: ParityGateError | None = None
    bug: str = ""
