"""A part of a plan, for several machines that share the work. Importing this costs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..validate.errors import ParityGateError

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Shard:
    """Every ``count``-th entry, from number ``index`` on, counted from 1."""

    index: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """``2/4``. Raises ParityGateError PG201."""
        index, slash, count = text.partition("/")
        if not (slash and index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
            raise ParityGateError("PG201", f"shard {text}", "it isn't NUMBER/COUNT", "For example: 1/4")
        return cls(int(index), int(count))

    def part_of(self, entries: Sequence[Item]) -> tuple[Item, ...]:
        """This shard's entries. All shards together have each entry once."""
        return tuple(entries[self.index - 1 :: self.count])
