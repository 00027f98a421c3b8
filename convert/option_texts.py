"""How the texts of options become the values that the library takes: the command line and a config file share them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..validate.errors import ParityGateError
from ..validate.options import DynamicAxis

if TYPE_CHECKING:
    from ..validate.signature import ClassLabel, Constant, ImageInput, TensorSpec

_DYNAMIC = re.compile(r"(?P<name>.+?):(?P<axis>\d+)(:(?P<low>\d+):(?P<high>\d+))?")


def parse_inputs(texts: Iterable[str]) -> tuple[TensorSpec | Constant, ...]:
    """``NAME:DTYPE:SHAPE`` and ``NAME=VALUE`` texts. Raises ParityGateError PG201."""
    from ..validate.samples import parse_input

    return tuple(map(parse_input, texts))


def parse_ranges(texts: Iterable[str]) -> dict[str, tuple[float, float]]:
    """``NAME:LO:HI`` texts. Raises ParityGateError PG201."""
    from ..validate.samples import parse_range

    return dict(map(parse_range, texts))


def parse_tolerances(texts: Iterable[str]) -> dict[str, tuple[float, float]]:
    """``NAME:RTOL:ATOL`` texts. Raises ParityGateError PG201."""
    from ..validate.verdict.policies import parse_tolerance

    return dict(map(parse_tolerance, texts))


def parse_thresholds(texts: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """``NAME:VALUE`` texts. Raises ParityGateError PG201."""
    from ..validate.verdict import thresholds

    return thresholds.parse_thresholds(texts)


def parse_names(texts: Iterable[str]) -> tuple[str, ...]:
    """Names, several of them in one text with commas between."""
    return tuple(name.strip() for text in texts for name in text.split(",") if name.strip())


def parse_share(text: str) -> float | None:
    """``0.5%``: the sign is required, since 0.5 alone could mean a half. Raises ParityGateError PG201."""
    from ..validate.options import share_of

    return share_of(text)


def parse_drops(texts: Iterable[str]) -> dict[str, float]:
    """``METRIC:VALUE`` texts; the metric's name may hold colons."""
    drops = {}
    for text in texts:
        name, _, value = text.rpartition(":")
        if not name or not re.fullmatch(r"\d+(\.\d*)?|\.\d+", value):
            raise ParityGateError("PG201", text, "it isn't METRIC:VALUE", "For example: accuracy:0.01")
        drops[name] = float(value)
    return drops


def parse_dynamic(texts: Iterable[str]) -> tuple[DynamicAxis, ...]:
    """``NAME:AXIS`` or ``NAME:AXIS:LOW:HIGH`` texts; the name may hold colons."""
    return tuple(map(_dynamic, texts))


def _dynamic(text: str) -> DynamicAxis:
    found = _DYNAMIC.fullmatch(text)
    low, high = (int(found["low"]), int(found["high"])) if found and found["low"] else (None, None)
    if not found or (low is not None and high is not None and not 0 < low <= high):
        raise ParityGateError("PG201", text, "it isn't NAME:AXIS or NAME:AXIS:LOW:HIGH", "For example: x:2")
    return DynamicAxis(found["name"], int(found["axis"]), low, high)


def parse_pairs(texts: Iterable[str]) -> dict[str, str]:
    """``CANDIDATE=REFERENCE`` texts."""
    pairs = {}
    for text in texts:
        left, equals, right = text.partition("=")
        if not (left and equals and right):
            raise ParityGateError("PG201", text, "it isn't CANDIDATE=REFERENCE", "For example: probabilities=scores")
        pairs[left] = right
    return pairs


def parse_images(texts: Iterable[str]) -> dict[str, ImageInput]:
    """``NAME:scale=S,bias=B,layout=RGB`` texts."""
    return dict(map(_image, texts))


def _image(text: str) -> tuple[str, ImageInput]:
    from ..validate.signature import ImageInput

    name, _, settings = text.partition(":")
    try:
        given = dict(entry.split("=", 1) for entry in settings.split(",") if entry)
        scale = float(given.pop("scale", 1))
        bias = tuple(map(float, given.pop("bias", "0").split("/")))
        layout = given.pop("layout", "RGB").upper()
    except ValueError as error:
        raise _not_an_image(text) from error
    if given or not name or layout not in ("RGB", "BGR", "GRAY") or scale == 0:
        raise _not_an_image(text)
    return name, ImageInput(scale, bias, layout)


def _not_an_image(text: str) -> ParityGateError:
    cause = "it isn't NAME:scale=..,bias=..,layout=RGB|BGR|GRAY"
    return ParityGateError("PG201", text, cause, "For example: image:scale=0.00392,bias=0")


def read_labels(file: Path) -> tuple[ClassLabel, ...]:
    """Class labels from a JSON list or the lines of a text file."""
    try:
        text = file.read_text()
        labels = json.loads(text) if file.suffix == ".json" else text.splitlines()
    except (OSError, ValueError) as error:
        raise ParityGateError("PG201", str(file), f"the class labels can't be read: {error}") from error
    alike = isinstance(labels, list) and len({type(label) for label in labels} & {str, int}) == 1
    if not alike or len(set(labels)) < len(labels) or "" in labels:
        cause = "class labels have to be different names, or different whole numbers"
        raise ParityGateError("PG201", str(file), cause, "List them one per line, or as JSON.")
    return tuple(labels)


def parse_shapes(texts: Iterable[str]) -> dict[str, tuple[tuple[int, ...], ...]]:
    """``NAME:1,3,64,64`` texts, collected by input."""
    shapes: dict[str, tuple[tuple[int, ...], ...]] = {}
    for text in texts:
        name, _, lengths = text.rpartition(":")
        sizes = lengths.split(",")
        if not name or not all(size.strip().isdigit() and int(size) > 0 for size in sizes):
            raise ParityGateError("PG201", text, "it isn't NAME:LENGTH,LENGTH,...", "For example: image:1,3,64,64")
        shapes[name] = (*shapes.get(name, ()), tuple(map(int, sizes)))
    return shapes
