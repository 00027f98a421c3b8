"""Runs a function in a forked child: onnx.version_converter and ONNX Runtime can end a process."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
A = TypeVar("A")


def in_a_child(function: Callable[[A], T], argument: A) -> T | None:
    """What ``function(argument)`` returns; None where the child died."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        _answer(function, argument, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        text = stream.read()
    os.waitpid(child, 0)
    return pickle.loads(text) if text else None


def _answer(function: Callable[[A], T], argument: A, writer: int) -> None:
    try:
        with os.fdopen(writer, "wb") as stream:
            stream.write(pickle.dumps(function(argument)))
    finally:
        os._exit(0)
