"""What parent and worker exchange, as files of the job folder."""

from __future__ import annotations

import importlib
import pickle
from dataclasses import dataclass, is_dataclass
from enum import Enum
from pathlib import Path
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
    """A task, where its progress goes, and the user's current folder."""

    task: Task[Any]
    on_event: Listener
    folder: str


@dataclass(frozen=True, slots=True)
class Reply:
    """Either a result, an error that the user should read, or the traceback of a bug."""

    result: Any = None
    error: ParityGateError | None = None
    bug: str = ""


_PLAIN = frozenset(
    (
        *(("builtins", name) for name in ("set", "frozenset", "complex", "bytearray", "slice", "range")),
        *(("pathlib", name) for name in ("PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath")),
        *(("collections", name) for name in ("Counter", "OrderedDict", "defaultdict")),
        *(("numpy", name) for name in ("ndarray", "dtype")),
        *(("numpy._core.multiarray", name) for name in ("_reconstruct", "scalar")),
        ("numpy._core.numeric", "_frombuffer"),
        ("datetime", "date"),
    )
)
"""What a reply may hold beside values of paritygate's own types."""

_OWN = "paritygate."


class _ReplyReader(pickle.Unpickler):
    """Makes plain values only: a worker has loaded a file of a stranger's, and its parent isn't confined as it is."""

    def find_class(self, module: str, name: str) -> Any:
        """The class, if it is one of those that hold values. Raises pickle.UnpicklingError."""
        if (module, name) in _PLAIN:
            return super().find_class(module, name)
        found = super().find_class(module, name) if module.startswith(_OWN) and name.isidentifier() else None
        if isinstance(found, type) and (is_dataclass(found) or issubclass(found, Enum | ParityGateError)):
            return found
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a worker's answer")


def read_reply(path: Path) -> Reply:
    """What a worker has answered. Raises ParityGateError PG303 for anything but values."""
    try:
        with path.open("rb") as file:
            reply = _ReplyReader(file).load()
    except (pickle.UnpicklingError, EOFError, LookupError, AttributeError, ImportError, TypeError, ValueError) as error:
        raise ParityGateError("PG303", path.parent.name, f"the worker's answer can't be read: {error}") from error
    if isinstance(reply, Reply) and isinstance(reply.error, ParityGateError | None) and isinstance(reply.bug, str):
        return reply
    raise ParityGateError("PG303", path.parent.name, "the worker's answer is none")
