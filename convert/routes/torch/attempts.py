"""Several ways to convert one model, tried in order until one works."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from ....validate.errors import ParityGateError

T = TypeVar("T")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Attempt(Generic[T]):
    """One way to convert: ``route`` is its name in reports, ``run`` does it and raises ParityGateError if it fails."""

    route: str
    run: Callable[[], T]

    def then(self, use: Callable[[T], S]) -> Attempt[S]:
        """The same attempt, its result passed on to ``use``."""
        return Attempt(self.route, lambda: use(self.run()))


@dataclass(frozen=True, slots=True)
class Success(Generic[T]):
    """The result of the first attempt that worked; ``notes`` say why the earlier ones failed."""

    route: str
    result: T
    notes: tuple[str, ...]


def first_success(
    attempts: Iterable[Attempt[T]], choose: Callable[[list[ParityGateError]], ParityGateError]
) -> Success[T]:
    """Run the attempts until one works. If none does, raises the error that ``choose`` picks from theirs, in order."""
    failures: list[tuple[str, ParityGateError]] = []
    for attempt in attempts:
        try:
            result = attempt.run()
        except ParityGateError as error:
            failures.append((attempt.route, error))
            continue
        notes = tuple(f"{route} failed ({error.subject}: {error.cause})" for route, error in failures)
        return Success(attempt.route, result, notes)
    raise choose([error for _, error in failures])
