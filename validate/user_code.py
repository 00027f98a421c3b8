"""Functions that a user names as ``package.module:name`` or ``file.py:name``, relative to the current folder."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import ParityGateError


def find_callable(source: str, code: str) -> Callable[..., Any]:
    """The callable that ``source`` names; importing it runs the user's code. Raises ParityGateError ``code``."""
    where, _, name = source.rpartition(":")
    try:
        space = _import_file(Path(where)) if where.endswith(".py") else _import_module(where)
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        raise ParityGateError(code, source, cause, f"{where} must be importable from the current folder.") from error
    found = getattr(space, name, None)
    if not callable(found):
        has = [each for each, value in vars(space).items() if callable(value) and not each.startswith("_")]
        raise ParityGateError(code, source, f"{where} has no callable '{name}'", f"It has: {', '.join(has)}.")
    return found  # type: ignore[no-any-return]  # the type checker doesn't know the user's module


def _import_module(name: str) -> Any:
    with _found_first(Path.cwd()):
        return importlib.import_module(name)


def _import_file(path: Path) -> Any:
    """Import a file by path as Python runs a script: it can import modules from its own folder."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"no Python file {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    with _found_first(path.parent.resolve()):
        spec.loader.exec_module(module)
    return module


@contextmanager
def _found_first(folder: Path) -> Iterator[None]:
    """Imports search ``folder`` first; afterwards last, where it can't shadow an installed package."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
