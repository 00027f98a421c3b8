"""Whatever a library raises while it reads a model file is the file's damage, not a bug of paritygate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..engines.handle import ModelHandle
from ..errors import ParityGateError

_LONGEST = 400


@contextmanager
def reading(handle: ModelHandle) -> Iterator[None]:
    """Turn unexpected exceptions of opening and describing a model file into ParityGateError PG402.

    Engines turn the errors that they know into sentences of their own. A damaged file can make a library raise
    anything. A live object isn't a file, so that its errors stay what they are.
    """
    try:
        yield
    except (ParityGateError, MemoryError):
        raise
    except Exception as error:
        if handle.file is None:
            raise
        reason = " ".join(str(error).split())[:_LONGEST]
        raise ParityGateError(
            "PG402",
            handle.name,
            f"it can't be read; it may be damaged: {type(error).__name__}: {reason}",
            "Save the model again. With --debug the whole traceback is shown.",
        ) from error
