"""Child side of the isolation: runs one task in a process of its own, and replies through files.

``python -m paritygate.validate.workers.child --mask torch,keras --preload numpy`` imports what it is told to, waits for
a line on standard input that names a job folder, runs the task in ``request.pickle`` there and writes ``reply.pickle``
beside it. Standard output and error are a log; nobody parses them. When the parent dies, standard input
ends and so does the child.
"""

from __future__ import annotations

import argparse
import importlib
import os
import pickle
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import ParityGateError
from .protocol import REPLY, REQUEST, Reply, Request


class Masked:
    """A finder of Python's import system that doesn't find some modules.

    ``sys.modules[name] = None`` would block plain imports too, but libraries look there for frameworks that they
    don't want to import themselves, and ask ``importlib.util.find_spec``; both must see a module that isn't installed.
    """

    def __init__(self, finder: Any, names: frozenset[str]) -> None:
        self._finder = finder
        self._names = names

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The finder's result; None for a masked module."""
        return None if name in self._names else self._finder.find_spec(name, path, target)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._finder, name)  # importlib.metadata asks finders for distributions


def serve(folder: Path) -> None:
    """Run the request of one job folder and leave the reply there, complete or not at all."""
    request = pickle.loads((folder / REQUEST).read_bytes())
    partial = folder / (REPLY + ".partial")
    partial.write_bytes(pickle.dumps(_reply(request)))
    partial.rename(folder / REPLY)


def _reply(request: Request) -> Reply:
    try:
        return Reply(result=request.task.run(request.on_event))
    except ParityGateError as error:
        return Reply(error=error, bug=traceback.format_exc())
    except MemoryError as error:
        return Reply(error=ParityGateError("PG305", "worker", f"not enough memory: {error}"))
    except Exception:  # noqa: BLE001  # the outermost frame: a bug must reach the parent as data
        return Reply(bug=traceback.format_exc())


def _die_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


def main() -> None:
    """Entry point of the child."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mask", default="")
    parser.add_argument("--preload", default="")
    options = parser.parse_args()
    sys.meta_path[:] = [Masked(finder, frozenset(options.mask.split(","))) for finder in sys.meta_path]
    for name in filter(None, options.preload.split(",")):
        with suppress(ImportError):  # a missing framework is reported by the task, with a remedy
            importlib.import_module(name)
    folder = Path(sys.stdin.readline().rstrip("\n"))
    threading.Thread(target=_die_with_parent, daemon=True).start()
    serve(folder)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # frameworks take seconds to tear down, and nothing is left to do


if __name__ == "__main__":
    main()
