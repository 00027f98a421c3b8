"""Options that are for many models hold for those that they apply to; a model's own, or a target's, must apply."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...convert.scopes import CORE_ML, TARGET
from ...validate.detect import detect, normalise
from ...validate.engines.registry import Format
from ...validate.engines.scopes import JUDGING, LOADING, Scope
from ...validate.errors import ParityGateError

_OF_CANDIDATES = {**TARGET, **CORE_ML, **JUDGING}


def for_source(options: Mapping[str, Any], source: Path | str) -> dict[str, Any]:
    """The options without those that such a source has no use for."""
    try:
        return _applying(options, LOADING, detect(normalise(source)))
    except (ParityGateError, OSError):
        return dict(options)  # whoever opens it says what is wrong with it


def for_candidate(options: Mapping[str, Any], format: Format) -> dict[str, Any]:
    """The options without those that such a target has no use for."""
    return _applying(options, _OF_CANDIDATES, format)


def _applying(options: Mapping[str, Any], scopes: Mapping[str, Scope], format: Format) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in scopes or format in scopes[name].formats}
