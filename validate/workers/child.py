"""Child side of the isolation: runs one task in a process of its own, and replies through files.

``python -P -m paritygate.validate.workers.child --mask torch,keras --preload numpy`` imports what it is told to, waits
for a line on standard input that names a job folder, runs the task in ``request.pickle`` there and writes
``reply.pickle`` to the same folder. Standard output and error are a log; nobody parses them. When standard input ends,
so does the child: a line that isn't there names no folder. It begins in its own folder of the job, and goes to the
user's current folder, which relative paths start from, when all libraries have been imported.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import pickle
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from ..errors import ParityGateError
from ..files.output import explained
from .kernel import confine, limit_resources
from .protocol import REPLY, REQUEST, Reply, Request
from .supervisor import fork_worker


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
    request: Request = pickle.loads((folder / REQUEST).read_bytes())
    os.chdir(request.folder)
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
    except OSError as error:
        return Reply(error=explained(error), bug=traceback.format_exc())
    except Exception:  # noqa: BLE001  # the outermost frame: a bug must reach the parent as data
        return Reply(bug=traceback.format_exc())


def _end_with_input() -> None:
    """The supervisor's end of the pipe has closed: it was killed, on a system that doesn't end us then."""
    sys.stdin.read()
    os._exit(1)


def _preload(names: list[str]) -> None:
    for name in names:
        with suppress(ImportError):  # a missing framework is reported by the task, with a remedy
            importlib.import_module(name)


def _compile_first(names: list[str]) -> None:
    """Let a process that may write import everything once, where Python hasn't stored the compiled modules yet.

    A confined worker can't store them: some installers leave that to the first import, and every worker would compile
    a whole framework.
    """
    if sys.dont_write_bytecode or all(map(_is_compiled, names)):
        return
    child = os.fork()
    if not child:
        _preload(names)
        os._exit(0)
    os.waitpid(child, 0)


def _is_compiled(name: str) -> bool:
    """Whether the compiled module is stored, or never will be."""
    with suppress(ImportError, ValueError, AttributeError):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.cached and spec.origin and spec.origin.endswith(".py"):
            return Path(spec.cached).exists() or not os.access(Path(spec.origin).parent, os.W_OK)
    return True


def parse_arguments() -> argparse.Namespace:
    """What to mask, to preload, and where to write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mask", default="")
    parser.add_argument("--preload", default="")
    parser.add_argument("--writable", action="append", type=Path)
    return parser.parse_args()


def import_all(options: argparse.Namespace) -> None:
    """Block what is masked, and import what is to be preloaded; a process that is confined is so before it imports."""
    sys.meta_path[:] = [Masked(finder, frozenset(options.mask.split(","))) for finder in sys.meta_path]
    names = list(filter(None, options.preload.split(",")))
    if options.writable:
        _compile_first(names)
        confine(options.writable)
    _preload(names)


def await_order() -> NoReturn:
    """Wait for a job folder's name on standard input, do its task, and end."""
    line = sys.stdin.readline()
    if not line.endswith("\n"):
        os._exit(1)  # the input has ended before there was an order
    threading.Thread(target=_end_with_input, daemon=True).start()
    serve(Path(line.removesuffix("\n")))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # frameworks take seconds to tear down, and nothing is left to do


def main() -> None:
    """Entry point of the child."""
    options = parse_arguments()
    limit_resources()
    fork_worker()
    import_all(options)
    await_order()


if __name__ == "__main__":
    main()
