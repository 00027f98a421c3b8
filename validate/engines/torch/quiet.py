"""Silence PyTorch's compilers: what matters to the user goes into errors and notes instead."""

from __future__ import annotations

import contextlib
import ctypes
import io
import logging
import os
import sys
import warnings
from collections.abc import Iterator

_LOGGERS = ("torch", "onnxscript", "onnx_ir")


@contextlib.contextmanager
def quiet() -> Iterator[list[warnings.WarningMessage]]:
    """No printing, no logging below CRITICAL, no warnings on the terminal; yields the list of warnings instead."""
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in _LOGGERS]
    loggers = [logging.getLogger(name) for name in {*_LOGGERS, *names}]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        with warnings.catch_warnings(record=True) as seen, _silenced():
            warnings.simplefilter("always")
            yield seen
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """Nothing reaches the terminal, neither from Python nor from C++, which writes to file descriptor 1 directly."""
    _flush()
    terminal = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        _flush()
        os.dup2(terminal, 1)
        os.close(terminal)
        os.close(nowhere)


def _flush() -> None:
    """Flush the buffers of Python and C, so that their content goes where it was meant to."""
    sys.stdout.flush()
    ctypes.CDLL(None).fflush(None)
