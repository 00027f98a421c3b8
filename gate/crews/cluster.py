"""A Dask cluster as a gate's executor: files are sent along, or lie on storage that all machines share.

Only the gate's own process exports, so that a worker that is lost takes nothing with it: Dask gives its work to another
one, and nothing is exported twice.
"""

from __future__ import annotations

import atexit
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from ...validate.errors import ParityGateError
from ...validate.expectations.tasks.text import is_task_metric, with_truth_in
from ...validate.files.marks import marked
from ...validate.workers.job_folder import temporary_folder
from ...validate.workers.launch import launching
from ...validate.workers.warm import Warm
from ..cache.keys import surroundings
from ..plan import Planned
from ..run import Crew
from ..work import Produced, perform
from .parcel import Delivery, Parcel, do, pack, unpack

_CONNECT_SECONDS = 20
_PER_THREAD = 2
"""Entries that are sent ahead, for each of the cluster's threads."""


@dataclass(frozen=True, slots=True)
class Address:
    """``dask://host:port``, or ``dask+shared://host:port`` where the workers see the same files; ``+tls`` encrypts."""

    scheduler: str
    shared: bool = False

    @classmethod
    def parse(cls, text: str) -> Address:
        """Raises ParityGateError PG201."""
        scheme, _, place = text.partition("://")
        kind, *more = scheme.split("+")
        if kind != "dask" or not place or not set(more) <= {"shared", "tls"}:
            remedy = "For example: dask://scheduler:8786, or dask+shared://scheduler:8786"
            raise ParityGateError("PG201", f"executor {text}", "it isn't the address of a Dask scheduler", remedy)
        return cls(f"{'tls' if 'tls' in more else 'tcp'}://{place}", "shared" in more)


@contextmanager
def cluster_crew(address: Address, output: Path) -> Iterator[Crew]:
    """The cluster at an address. ``output`` is the folder that is exported to; shared files wait in it.

    Raises ParityGateError PG226 without the extra, PG342 where nothing answers.
    """
    client = _connected(address)
    try:
        executor = client.get_executor(pure=False)
        threads = sum(worker["nthreads"] for worker in client.scheduler_info(n_workers=-1)["workers"].values())
        staging = output / f".{marked()}" if address.shared else None
        sender: Executor = _Sharing(executor) if address.shared else _Shipping(executor)
        yield Crew(
            sender,
            perform,
            listens=False,
            stop=lambda: executor.shutdown(wait=False),
            window=max(1, threads) * _PER_THREAD,
            staging=staging,
        )
    finally:
        client.close()


def _connected(address: Address) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        cause, remedy = "the package distributed is missing", "pip install 'paritygate[cluster]'"
        raise ParityGateError("PG226", "executor", cause, remedy) from error
    try:
        return Client(address.scheduler, timeout=_CONNECT_SECONDS)
    except OSError as error:
        cause = f"no Dask scheduler answers at {address.scheduler}: {error}"
        raise ParityGateError("PG342", "executor", cause, "Start one, or correct the address.") from error


class _Shipping(Executor):
    """Sends an entry with its files, and writes what comes back."""

    def __init__(self, inner: Executor) -> None:
        self._inner = inner

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """``args`` are those of :data:`.work.Work`."""
        entry, folder, _ = args
        sent = self._inner.submit(work_on_parcel, pickle.dumps(pack(entry)))
        return _then(sent, lambda answer: unpack(pickle.loads(answer), folder))


class _Sharing(Executor):
    """Sends an entry's paths; what was proved is left in a folder that this process sees, too."""

    def __init__(self, inner: Executor) -> None:
        self._inner = inner

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """``args`` are those of :data:`.work.Work`."""
        entry, folder, _ = args
        sent = self._inner.submit(work_on_shared, pickle.dumps((_absolute(entry), folder.absolute())))
        return _then(sent, pickle.loads)


def _then(sent: Future[Any], finish: Callable[[Any], Produced]) -> Future[Any]:
    """A future for what becomes of the answer."""
    outer: Future[Any] = Future()
    outer.set_running_or_notify_cancel()

    def finished(inner: Future[Any]) -> None:
        try:
            outer.set_result(finish(inner.result()))
        except BaseException as error:  # noqa: BLE001  # cancelled, lost, or not to be written: who waits is told
            outer.set_exception(error)

    sent.add_done_callback(finished)
    return outer


def work_on_parcel(content: bytes) -> bytes:
    """On the cluster: the work of a :class:`.parcel.Parcel`, and the :class:`.parcel.Delivery` that answers it."""
    parcel: Parcel = pickle.loads(content)
    with temporary_folder() as folder, launching(_warm()):
        delivery: Delivery = do(parcel, folder)
    return pickle.dumps(delivery)


def work_on_shared(content: bytes) -> bytes:
    """On the cluster: the work of an entry whose files are there; a second try of a lost one starts from nothing."""
    entry, folder = pickle.loads(content)
    own = folder.with_name(f"{folder.name}-{marked()}")
    with launching(_warm()):
        produced = perform(entry, own)
    return pickle.dumps(replace(produced, surroundings=surroundings()))


@cache
def _warm() -> Warm:
    """This worker process' templates, which end with it."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(Warm(stack.enter_context(temporary_folder())))


def _absolute(entry: Planned) -> Planned:
    options, metrics = entry.options, entry.options.judge.metrics

    def there(path: Any) -> Any:
        return path.absolute() if isinstance(path, Path) else path

    return replace(
        entry,
        source=there(entry.source),
        output=there(entry.output),
        options=replace(
            options,
            load=replace(options.load, weights=there(options.load.weights)),
            sample=replace(options.sample, samples=there(options.sample.samples)),
            judge=replace(options.judge, config=there(options.judge.config), metrics=tuple(map(_there, metrics))),
        ),
    )


def _there(metric: Any) -> Any:
    """A metric whose file of true answers is found from any folder."""
    return with_truth_in(metric, Path.cwd()) if isinstance(metric, str) and is_task_metric(metric) else metric
