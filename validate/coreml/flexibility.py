"""The shapes that an input accepts: one of a list, or any within bounds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .files.proto import Message
from .values import Shape

Bounds = tuple[int, int | None]
"""The minimum and maximum length of an axis; None for no limit."""


@dataclass(frozen=True, slots=True)
class Flexibility:
    """``choices`` are whole shapes, ``bounds`` apply per axis. With neither, nothing is declared."""

    choices: tuple[tuple[int, ...], ...] = ()
    bounds: tuple[Bounds, ...] = ()

    @property
    def shape(self) -> Shape | None:
        """What all allowed shapes have in common: None for an axis that varies, None as a whole if the rank varies."""
        if self.bounds:
            return tuple(low if low == high else None for low, high in self.bounds)
        if len({len(s) for s in self.choices}) != 1:
            return None
        return tuple(d[0] if len(set(d)) == 1 else None for d in zip(*self.choices, strict=True))

    def admits(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of ``shape`` is accepted."""
        if self.bounds:
            return len(shape) == len(self.bounds) and all(
                low <= d and (high is None or d <= high) for d, (low, high) in zip(shape, self.bounds, strict=True)
            )
        return not self.choices or shape in self.choices

    @property
    def examples(self) -> tuple[tuple[int, ...], ...]:
        """Some allowed shapes: all choices, or the minimum lengths and lengths about twice as long."""
        least = tuple(max(low, 1) for low, _ in self.bounds)
        more = tuple(min(2 * low + 1, high or 2 * low + 1) for low, high in self.bounds)
        return tuple(dict.fromkeys([least, more])) if self.bounds else self.choices

    def __str__(self) -> str:
        if self.bounds:
            return f"({', '.join(map(_show, self.bounds))})"
        return " or ".join(str(s) for s in self.choices)


def _show(bounds: Bounds) -> str:
    low, high = bounds
    return str(low) if low == high else f"{low} or more" if high is None else f"{low} to {high}"


def of_array(array: Message) -> Flexibility:
    """What an ArrayFeatureType declares. Its default shape is used if it declares nothing else."""
    if array.shapeRange.sizeRanges:
        return Flexibility(bounds=_bounds(array.shapeRange.sizeRanges))
    choices = [tuple(s.shape) for s in array.enumeratedShapes.shapes] or [tuple(array.shape)]
    return Flexibility(tuple(c for c in choices if c))


def of_image(image: Message, channels: int) -> Flexibility:
    """What an ImageFeatureType declares, as shapes (1, channels, height, width)."""
    if image.HasField("imageSizeRange"):
        sides = (image.imageSizeRange.heightRange, image.imageSizeRange.widthRange)
        return Flexibility(bounds=((1, 1), (channels, channels), *_bounds(sides)))
    sizes = image.enumeratedSizes.sizes or [image]
    return Flexibility(tuple((1, channels, s.height, s.width) for s in sizes))


def _bounds(ranges: Iterable[Message]) -> tuple[Bounds, ...]:
    """FeatureTypes.proto writes -1 for no upper bound."""
    return tuple((int(r.lowerBound), None if r.upperBound < 0 else int(r.upperBound)) for r in ranges)
