"""What is installed: read from the packages' metadata, so that nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata

from .engines.libraries import LIBRARIES, Library


@dataclass(frozen=True, slots=True)
class Installation:
    """A library that unlocks something. ``version`` is None where it isn't installed."""

    name: str
    version: str | None
    unlocks: str
    extra: str


def examine() -> tuple[Installation, ...]:
    """Every library that paritygate works with, installed or not."""
    return tuple(_examine(library) for library in LIBRARIES)


def runtimes() -> tuple[tuple[str, str], ...]:
    """The runtimes of other environments, and where each is installed ("" where it isn't)."""
    from .engines.elsewhere.catalog import RELEASES
    from .engines.elsewhere.environments import is_installed, place_of

    return tuple((each.full_name, str(place_of(each)) if is_installed(each) else "") for each in RELEASES)


def versions() -> dict[str, str]:
    """Name -> version of what is installed, for reports."""
    return {found.name: found.version for found in examine() if found.version is not None}


def version_of(library: Library) -> str | None:
    """The installed version; None where it isn't installed."""
    return _examine(library).version


def _examine(library: Library) -> Installation:
    for name in library.distributions:
        try:
            return Installation(name, metadata.version(name), library.unlocks, library.extra)
        except metadata.PackageNotFoundError:
            continue
    return Installation(library.distributions[0], None, library.unlocks, library.extra)
