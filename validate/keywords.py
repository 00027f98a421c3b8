"""The groups of options as keywords, for notebooks: loose forms are brought into the one form that a group holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, TypeVar

from .errors import ParityGateError
from .events import Listener
from .options import DynamicAxis, GivenSamples, OptionGroup, axes_of, share_of
from .signature import Constant, TensorSpec

if TYPE_CHECKING:
    from .options import GivenMetric
    from .signature import Array
    from .verdict.policy import Policy

Options = TypeVar("Options")

PathLike: TypeAlias = str | Path


class LoadKeywords(TypedDict, total=False):
    """:class:`LoadOptions` as keywords."""

    signature: str | None
    weights: PathLike | None
    trust: bool
    inputs: Sequence[TensorSpec | Constant | str]
    constants: Mapping[str, Any] | None
    example: Mapping[str, Array] | None
    dynamic: Sequence[DynamicAxis | tuple[str, int] | tuple[str, int, int, int]]
    dtype: str


class SampleKeywords(TypedDict, total=False):
    """:class:`SampleOptions` as keywords."""

    samples: Any
    seed: int
    ranges: Mapping[str, tuple[float, float]] | None
    batch_sizes: Sequence[int] | None


class JudgeKeywords(TypedDict, total=False):
    """:class:`JudgeOptions` as keywords."""

    policy: str | Policy
    rtol: float | None
    atol: float | None
    tolerances: Mapping[str, tuple[float, float]] | None
    budget: float | None
    second_opinion: bool
    search: float
    thresholds: Mapping[str, float | Sequence[float]] | None
    metrics: Sequence[GivenMetric]
    config: PathLike | None
    localise: bool
    repro: PathLike | None
    min_coverage: float | None
    max_flips: float | str | None
    max_drop: Mapping[str, float] | None
    min_snr: float | None
    prove_in: Sequence[str]
    redact: bool


class RunKeywords(TypedDict, total=False):
    """:class:`RunOptions` as keywords."""

    timeout: float | str | None
    memory_limit: float | str | None
    keep: PathLike | None
    engine: str | None
    pass_env: Sequence[str]
    on_event: Listener


class BindKeywords(TypedDict, total=False):
    """:class:`BindOptions` as keywords."""

    bind: Mapping[str, str] | None
    bind_inputs: Mapping[str, str] | None


class CandidateKeywords(TypedDict, total=False):
    """:class:`CandidateOptions` as keywords."""

    precision: str


class SharedKeywords(LoadKeywords, SampleKeywords, JudgeKeywords, RunKeywords, total=False):
    """What ``validate`` and ``convert`` have in common."""


class RunModelKeywords(LoadKeywords, SampleKeywords, RunKeywords, total=False):
    """:class:`RunModelOptions` as keywords."""


class InspectKeywords(LoadKeywords, RunKeywords, total=False):
    """:class:`InspectOptions` as keywords."""


class ValidateKeywords(SharedKeywords, BindKeywords, CandidateKeywords, total=False):
    """:class:`ValidateOptions` as keywords."""


def with_keywords(options: Options, keywords: Mapping[str, Any]) -> Options:
    """``options`` (a frozen group, or a group of groups) with the fields that the keywords name.

    Raises ParityGateError PG201 for an unknown keyword or value.
    """
    from difflib import get_close_matches

    known = set(_names(options))
    for name in keywords:
        if name not in known:
            near = get_close_matches(name, known, 1)
            raise ParityGateError("PG201", name, "unknown option", f"Did you mean {near[0]}?" if near else "")
    replaced: Options = _replaced(options, _declared(keywords))
    return replaced


def _declared(keywords: Mapping[str, Any]) -> Mapping[str, Any]:
    """The keywords with the declared inputs, and the arguments with fixed values among them, apart."""
    if "inputs" not in keywords:
        return keywords
    from .samples.options import parse_input

    given = [parse_input(entry) if isinstance(entry, str) else entry for entry in keywords["inputs"]]
    constants = {entry.name: entry.value for entry in given if isinstance(entry, Constant)}
    specs = tuple(entry for entry in given if not isinstance(entry, Constant))
    return {**keywords, "inputs": specs, "constants": {**(keywords.get("constants") or {}), **constants}}


def option_names(options: Any) -> tuple[str, ...]:
    """The names of all options in a group, or in a group of groups."""
    return tuple(_names(options))


def option_values(options: Any) -> dict[str, Any]:
    """Every option of a group, or of a group of groups, with its value; listeners and arrays aren't chosen in words."""
    found: dict[str, Any] = {}
    for entry in fields(options):
        value = getattr(options, entry.name)
        if isinstance(value, OptionGroup):
            found |= option_values(value)
        elif entry.name not in ("on_event", "example"):
            found[entry.name] = value
    return found


def _names(options: Any) -> list[str]:
    found: list[str] = []
    for entry in fields(options):
        value = getattr(options, entry.name)
        found += _names(value) if isinstance(value, OptionGroup) else [entry.name]
    return found


def _replaced(options: Any, keywords: Mapping[str, Any]) -> Any:
    changes = {}
    for entry in fields(options):
        value = getattr(options, entry.name)
        if isinstance(value, OptionGroup):
            changes[entry.name] = _replaced(value, keywords)
        elif entry.name in keywords:
            changes[entry.name] = _normal(entry.name, keywords[entry.name])
    return replace(options, **changes)


def _normal(name: str, value: Any) -> Any:
    """A keyword's value in the one form that its group holds."""
    return _NORMAL[name](value) if name in _NORMAL else value


def _path(value: PathLike | None) -> Path | None:
    return None if value is None else Path(value)


def _samples(value: Any) -> Path | GivenSamples | None:
    if value is None or isinstance(value, GivenSamples):
        return value
    return Path(value) if isinstance(value, str | Path) else GivenSamples(value)


def _mapping(value: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return value or {}


def _thresholds(given: Mapping[str, float | Sequence[float]] | None) -> dict[str, tuple[float, ...]]:
    several = (given or {}).items()
    return {name: tuple(each) if isinstance(each, Sequence) else (each,) for name, each in several}


_NORMAL: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("weights", "config", "keep", "repro"), _path),
    **dict.fromkeys(("ranges", "tolerances", "bind", "bind_inputs", "images", "constants"), _mapping),
    "samples": _samples,
    "dynamic": axes_of,
    "batch_sizes": lambda sizes: None if sizes is None else tuple(sizes),
    "thresholds": _thresholds,
    "max_flips": share_of,
    "max_drop": _mapping,
    "metrics": tuple,
    "pass_env": tuple,
    "prove_in": tuple,
    "class_labels": tuple,
    "shapes": lambda shapes: {name: tuple(map(tuple, each)) for name, each in (shapes or {}).items()},
}
"""Option -> how the forms that a notebook may use become the one that the group holds."""
