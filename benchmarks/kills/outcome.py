"""What became of one kill."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill: of what kind of OUTPUT, ``how`` (when and by what), ``where`` exactly, and what was found afterwards.

    ``output`` is "old", "new", "missing" or "other"; ``left`` are files and folders that the next run has not removed,
    ``orphans`` counts processes that outlived their parent, ``status`` a wrong exit status, "" for a right one.
    """

    kind: str
    how: str
    where: str
    output: str
    left: tuple[str, ...] = ()
    orphans: int = 0
    status: str = ""

    @property
    def right(self) -> bool:
        """Whether OUTPUT is the old or the new model and nothing else is left."""
        return self.output in ("old", "new") and not (self.left or self.orphans or self.status)
