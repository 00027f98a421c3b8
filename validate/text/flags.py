"""Options have two spellings: flags on the command line, keywords in Python. Messages are written with flags.

``str(error)`` and ``str(report)`` give a notebook its keywords; the command line prints messages as they are written.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Form = Callable[[str], str]

_CHOICES = "both|dynamic|fp16|fp32|mixed|none|static|table|weights|weights-int4"
_WORD = r"[A-Z]?[a-z-]+\b(?:'\w+)?[.,;]?(?:\s|$)"  # goes on with the sentence: it isn't the flag's value
_FLAG = re.compile(rf"(?<![\w-])--([a-z][a-z0-9-]*)(?: ((?:{_CHOICES})\b|(?!{_WORD})[^\s;()<>]+))?")
_COMMAND = re.compile(r"\bparitygate (convert|validate|run|inspect)\b")
_NUMBER = re.compile(r"-?\d+(\.\d*)?(e-?\d+)?")
_PLACEHOLDER = re.compile(r"[A-Z_]+")


def _value(text: str) -> str:
    """A number or a placeholder as it is, text in quotes."""
    return text if _NUMBER.fullmatch(text) or _PLACEHOLDER.fullmatch(text) else repr(text)


def _list(text: str) -> str:
    return f"[{_value(text)}]"


def _bounds(text: str) -> str:
    name, *bounds = text.rsplit(":", 2)
    return f"{{{_value(name)}: ({', '.join(bounds)})}}" if len(bounds) == 2 else _value(text)


def _named(text: str) -> str:
    name, colon, value = text.rpartition(":")
    return f"{{{_value(name)}: {_value(value)}}}" if colon else _value(text)


def _pair(text: str) -> str:
    own, equals, partner = text.partition("=")
    return f"{{{_value(own)}: {_value(partner)}}}" if equals else _value(text)


def _axis(text: str) -> str:
    name, *numbers = text.split(":")
    return f"[({', '.join([_value(name), *numbers])})]"


_FORMS: dict[str, tuple[str, Form]] = {
    "atol": ("atol", _value),
    "batch": ("batch_sizes", _list),
    "bind": ("bind", _pair),
    "bind-input": ("bind_inputs", _pair),
    "budget": ("budget", _value),
    "class-labels": ("class_labels", _value),
    "config": ("config", _value),
    "deployment-target": ("deployment_target", _value),
    "dtype": ("dtype", _value),
    "dynamic": ("dynamic", _axis),
    "engine": ("engine", _value),
    "image-input": ("images", _value),
    "input": ("inputs", _list),
    "keep": ("keep", _value),
    "max-drop": ("max_drop", _named),
    "max-flips": ("max_flips", _value),
    "memory-limit": ("memory_limit", _value),
    "metric": ("metrics", _list),
    "min-coverage": ("min_coverage", _value),
    "min-snr": ("min_snr", _value),
    "opset": ("opset", _value),
    "pass-env": ("pass_env", _list),
    "policy": ("policy", _value),
    "precision": ("precision", _value),
    "prove-in": ("prove_in", _list),
    "quantize": ("quantize", _value),
    "range": ("ranges", _bounds),
    "repro": ("repro", _value),
    "route": ("route", _value),
    "rtol": ("rtol", _value),
    "samples": ("samples", _value),
    "search": ("search", _value),
    "seed": ("seed", _value),
    "shapes": ("shapes", _value),
    "signature": ("signature", _value),
    "threshold": ("thresholds", _named),
    "timeout": ("timeout", _value),
    "to": ("to", _value),
    "tolerance": ("tolerances", _bounds),
    "weights": ("weights", _value),
}
"""Flag -> the keyword, and how its value is written in Python."""

_SWITCHES = {
    "trust": "trust=True",
    "second-opinion": "second_opinion=True",
    "no-localise": "localise=False",
    "redact": "redact=True",
}
"""Flags without a value."""


def keyword_of(flag: str) -> str | None:
    """The keyword that a flag (with its dashes) is in Python; None for one of the command line alone."""
    name = flag.removeprefix("--")
    if name in _SWITCHES:
        return _SWITCHES[name].partition("=")[0]
    return _FORMS[name][0] if name in _FORMS else None


def in_keywords(text: str) -> str:
    """A message as Python's users need it; lines with a whole command line stay as they are."""
    lines = text.split("\n")
    return "\n".join(line if _COMMAND.search(line) else _FLAG.sub(_translated, line) for line in lines)


def _translated(found: re.Match[str]) -> str:
    flag, given = found[1], found[2]
    if flag in _SWITCHES:
        return found[0].replace(f"--{flag}", _SWITCHES[flag], 1)
    if flag not in _FORMS:
        return found[0]
    keyword, form = _FORMS[flag]
    if not given:
        return keyword
    value = given.rstrip(".,:'\"")
    return f"{keyword}={form(value)}{given[len(value) :]}"
