"""The library's door: ``from paritygate.gate import gate``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..validate.errors import ExitCode
from ..validate.events import Event
from ..validate.report.document import Document, Entry
from .baseline import compared, read_baseline
from .config.file import Config, load_config
from .config.permissions import Allow, check_allowed
from .levels import FailOn, exit_code_of
from .shard import Shard

if TYPE_CHECKING:
    from .cache.memory import Remembered
    from .plan import Planned
    from .run import Watcher


@dataclass(frozen=True, slots=True)
class GateOptions:
    """What the command line says of a gate: all else is in the config file.

    ``select`` are patterns of models or ``model/target``, ``shard`` the part of the plan that is done, ``jobs`` how
    many entries run at once (None: as the config says, else one per CPU, at most 4), ``allow`` what the config may ask
    for, ``cache`` whether work that was done before is taken from the cache. ``baseline`` is the JSON report of an
    earlier gate to compare with, ``fail_on`` what makes the gate fail (None: as the config says). ``executor`` is the
    address of a Dask cluster, "" for this machine.
    """

    select: tuple[str, ...] = ()
    shard: Shard = field(default_factory=Shard)
    jobs: int | None = None
    allow: frozenset[Allow] = frozenset()
    cache: bool = True
    baseline: Path | None = None
    fail_on: FailOn | None = None
    executor: str = ""


_MOST_JOBS = 4
"""Entries at once where nobody says how many: frameworks use several CPUs for one model already."""


class Silent:
    """A watcher that tells nobody."""

    def start(self, plan: Sequence[Planned], expected: Mapping[tuple[str, str], float]) -> None:
        """Nothing."""

    def stage(self, entry: Planned, event: Event) -> None:
        """Nothing."""

    def done(self, entry: Entry) -> None:
        """Nothing."""


def planned_entries(config: Config, options: GateOptions) -> tuple[Planned, ...]:
    """The entries that a gate will do. Raises ParityGateError PG201, PG222 and PG223."""
    from .plan import make_plan

    plan = options.shard.part_of(make_plan(config, options.select))
    check_allowed(plan, config.folder, options.allow)
    return plan


def show_plan(config: Config, options: GateOptions) -> str:
    """What the gate would do, as text. Raises what :func:`planned_entries` does."""
    from .preview import preview, preview_text

    memory = remembered(config) if options.cache else None
    return preview_text(preview(planned_entries(config, options), memory), jobs_of(config, options))


def gate(
    config: str | Path | Config | None = None, options: GateOptions = GateOptions(), watcher: Watcher | None = None
) -> Document:
    """Convert and prove all models of a config file; export those that pass.

    Raises ParityGateError PG2xx for what is wrong with the config; a model's own failure is an entry of the document.
    """
    from .cache.memory import Forgetful
    from .crews.local import crew_for
    from .run import run_gate

    settings = config if isinstance(config, Config) else load_config(None if config is None else Path(config))
    plan = planned_entries(settings, options)
    baseline = None if options.baseline is None else read_baseline(options.baseline)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    memory = remembered(settings) if options.cache else Forgetful()
    output = settings.folder / settings.settings.gate.output
    with crew_for(options.executor, jobs_of(settings, options), output) as crew:
        entries = run_gate(plan, crew, memory, watcher or Silent())
    if baseline is not None:
        entries = compared(entries, baseline, whole=not options.select and options.shard.count == 1)
    return Document(
        "gate",
        entries,
        options=plain_options(settings, options),
        version=_version(),
        started=started,
        baseline=str(options.baseline or ""),
    )


def exit_code(document: Document) -> ExitCode:
    """The exit status of a gate: by the level that it was made with."""
    return exit_code_of(document.entries, FailOn(document.options["fail_on"]))


def remembered(config: Config) -> Remembered:
    """The user's cache, for the work of a config."""
    from .cache.memory import Remembered
    from .cache.store import Store, cache_folder

    return Remembered(Store(cache_folder()), config.waivers, date.today())


def jobs_of(config: Config, options: GateOptions) -> int:
    """How many entries run at once: each has two workers, one of which mostly waits for the other; memory for each."""
    from msgspec import UNSET

    said = config.settings.gate.jobs
    return options.jobs or (min(os.cpu_count() or 1, _MOST_JOBS) if said is UNSET else said)


def plain_options(config: Config, options: GateOptions) -> dict[str, Any]:
    """The whole config as plain values, and what the command line said, for the report."""
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(config.settings)
    said = {
        "config": str(config.path),
        "select": list(options.select),
        "shard": f"{options.shard.index}/{options.shard.count}",
        "allow": sorted(options.allow),
        "fail_on": (options.fail_on or config.settings.gate.fail_on).value,
    }
    return {**found, **said}


def _version() -> str:
    from importlib.metadata import version

    return version("paritygate")
