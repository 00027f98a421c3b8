"""What a config file says as the keywords that the library takes: the same as the command line's texts become."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import UNSET, Struct

from ...convert import option_texts as texts
from ...convert.options import ConvertKeywords, ConvertOptions
from ...validate.errors import ParityGateError
from ...validate.expectations.tasks.text import is_task_metric, with_truth_in
from ...validate.keywords import ValidateKeywords, with_keywords
from ...validate.signature import ImageInput
from .settings import Image

OPTIONS = (ConvertKeywords.__annotations__ | ValidateKeywords.__annotations__).keys()
"""The keys of the settings that are options; others say what they are for."""

_PATHS = ("samples", "weights")

_PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "dynamic": texts.parse_dynamic,
    "ranges": texts.parse_ranges,
    "tolerances": texts.parse_tolerances,
    "thresholds": texts.parse_thresholds,
    "max_drop": texts.parse_drops,
    "images": texts.parse_images,
    "shapes": texts.parse_shapes,
    "bind": texts.parse_pairs,
    "bind_inputs": texts.parse_pairs,
}
"""Option -> what reads the texts that the command line takes; a table of TOML holds the values themselves."""


def given(*layers: Struct) -> dict[str, Any]:
    """The options that are set, by name: those of later layers win."""
    return {name: value for layer in layers for name, value in _set(layer)}


def _set(layer: Struct) -> Iterator[tuple[str, Any]]:
    for name in layer.__struct_fields__:
        value = getattr(layer, name)
        if name in OPTIONS and name != "to" and value is not UNSET:
            yield name, value


def keywords_of(options: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The keywords of ``convert`` or ``validate`` for options of a config file in ``folder``.

    Raises ParityGateError PG201 for a text that can't be read.
    """
    return {name: _value(name, value, folder) for name, value in options.items()}


def options_of(options: Mapping[str, Any], folder: Path, subject: str, **more: Any) -> ConvertOptions:
    """The options of a conversion, checked. Raises ParityGateError PG201 that names the ``subject``."""
    try:
        return with_keywords(ConvertOptions(), keywords_of(options, folder) | more)
    except ParityGateError as error:
        raise ParityGateError(error.code, f"{subject}: {error.subject}", error.cause, error.remedy) from error


def _value(name: str, value: Any, folder: Path) -> Any:
    if name in _PATHS:
        return folder / value
    if name == "metrics":
        return tuple(with_truth_in(text, folder) if is_task_metric(text) else text for text in value)
    if name == "class_labels" and isinstance(value, str):
        return texts.read_labels(folder / value)
    if name in _PARSERS and isinstance(value, tuple):
        return _PARSERS[name](value)
    if name == "ranges":  # held to what a text is held to
        return texts.parse_ranges(f"{key}:{low}:{high}" for key, (low, high) in value.items())
    if name == "images":
        return {key: _image(image) for key, image in value.items()}
    return value


def _image(image: Image) -> ImageInput:
    bias = image.bias if isinstance(image.bias, tuple) else (image.bias,)
    return ImageInput(image.scale, bias, image.layout)
