"""From parsed options to the library's values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import click

from .options import parse_dynamic, parse_size

if TYPE_CHECKING:
    from paritygate.validate.engines.base import LoadOptions
    from paritygate.validate.expectations.expected import Expectations
    from paritygate.validate.session import Settings
    from paritygate.validate.signature import TensorSpec
    from paritygate.validate.verdict.policies import Policy
    from paritygate.validate.workers.events import Listener


class SharedOptions(TypedDict, total=False):
    """What :mod:`.options` adds to a command, as click passes it on."""

    signature: str | None
    weights: Path | None
    inputs: tuple[str, ...]
    dynamic: tuple[str, ...]
    trust: bool
    samples: Path | None
    seed: int
    ranges: tuple[str, ...]
    batches: tuple[int, ...]
    search: float | None
    rtol: float | None
    atol: float | None
    policy: str | None
    budget: float | None
    second_opinion: bool
    tolerances: tuple[str, ...]
    thresholds: tuple[str, ...]
    metrics: tuple[str, ...]
    config: Path | None
    timeout: float | None
    memory_limit: str | None
    keep: Path | None
    engine: str
    localise: bool


def load_options(given: SharedOptions, **more: Any) -> LoadOptions:
    """What was said about the source model."""
    from paritygate.validate.engines.base import LoadOptions

    return LoadOptions(
        signature=given["signature"],
        weights=given["weights"],
        trust=given["trust"],
        inputs=_inputs(given["inputs"]),
        dynamic=parse_dynamic(given["dynamic"]),
        **more,
    )


def settings(given: SharedOptions, on_event: Listener) -> Settings:
    """How the run is to be done."""
    from paritygate.validate.engines.registry import OURS
    from paritygate.validate.session import Settings
    from paritygate.validate.workers.job import SamplePlan, Scrutiny
    from paritygate.validate.workers.parent import Limits

    plan = SamplePlan(
        path=given["samples"],
        seed=given["seed"],
        ranges=_ranges(given["ranges"]),
        batch_sizes=given["batches"] or None,
        search=given.get("search") or 0.0,
    )
    limits = Limits(given.get("timeout"), parse_size(given.get("memory_limit")))
    return Settings(
        plan,
        _policy(given),
        limits,
        on_event,
        given.get("keep"),
        given.get("engine", OURS),
        scrutiny=Scrutiny(given.get("budget"), given.get("second_opinion", False)),
        expectations=_expectations(given),
        localise=given.get("localise", False),
    )


def _inputs(texts: tuple[str, ...]) -> tuple[TensorSpec, ...]:
    if not texts:
        return ()  # numpy isn't imported for nothing before the workers start
    from paritygate.validate.samples import parse_input

    return tuple(parse_input(text) for text in texts)


def _ranges(texts: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    if not texts:
        return {}
    from paritygate.validate.samples import parse_range

    return dict(parse_range(text) for text in texts)


def _policy(given: SharedOptions) -> Policy | None:
    from paritygate.validate.engines.registry import COMPUTED
    from paritygate.validate.verdict.policies import make_policy

    if "rtol" not in given:
        return None
    if (given["rtol"] is None) != (given["atol"] is None):
        raise click.UsageError("--rtol and --atol are given together or not at all")
    if given["policy"] is not None and given["rtol"] is not None:
        raise click.UsageError("--policy and --rtol/--atol exclude each other")
    return make_policy(given["rtol"], given["atol"], given["tolerances"], given["policy"] or COMPUTED)


def _expectations(given: SharedOptions) -> Expectations:
    """What a command that judges was asked beside its tolerances."""
    from paritygate.validate.expectations.config import find_config
    from paritygate.validate.expectations.expected import Expectations, expect

    if "thresholds" not in given:
        return Expectations()
    return expect(_thresholds(given["thresholds"]), given["metrics"], find_config(given["config"]))


def _thresholds(texts: tuple[str, ...]) -> Mapping[str, Sequence[float]]:
    if not texts:
        return {}
    from paritygate.validate.verdict.thresholds import parse_thresholds

    return parse_thresholds(texts)
