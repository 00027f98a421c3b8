"""A check as text and as plain values, and a target explained."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ..validate.engines.elsewhere.catalog import RELEASES
from ..validate.report.report import Report
from .explain import Explanation
from .fixing import command
from .values import Answer, Check, Effect, Footprint, Reason, Verdict

_FEW_NODES = 4


def as_values(check: Check) -> dict[str, Any]:
    """All of a check, the derived verdicts included."""
    values = asdict(check) | {"fix": command(check)}
    for answer, plain in zip(check.answers, values["answers"], strict=True):
        plain["verdict"] = answer.verdict.value
    return values


def text(check: Check, *, details: bool = False) -> str:
    """A matrix, then the reasons of what doesn't simply run, then the command that mends what can be mended."""
    width = max(len(answer.name) for answer in check.answers)
    lines = [f"{check.model} ({check.format}, sha256 {check.sha256[:12]})", _footprint(check.footprint), ""]
    lines += [
        f"{answer.name:<{width}}  {answer.verdict.value:<11}  {_summary(answer)}".rstrip() for answer in check.answers
    ]
    for answer in check.answers:
        shown = [reason for reason in answer.reasons if details or reason.effect is not Effect.INFORMS]
        if shown:
            lines += ["", f"{answer.name}: {answer.verdict.value} ({answer.evidence})"]
            lines += [line for reason in shown for line in _reason(reason, details=details)]
    if fix := command(check):
        lines += ["", "What a conversion can mend, with parity proved again:", f"  {fix}"]
    return "\n".join(lines)


def ran_text(report: Report) -> str:
    """What the runtimes gave, a line for each finding about one."""
    lines = [f"{report.candidate.path}: {report.verdict.value} on {report.samples.count} samples"]
    for finding in report.findings:
        if finding.where in {release.full_name for release in RELEASES}:
            lines += _wrapped(f"  {finding.where:<18} ", finding.message)
    return "\n".join(lines)


def _footprint(footprint: Footprint) -> str:
    weights = ", ".join(f"{size:,} of {dtype}" for dtype, size in footprint.weights.items())
    parts = [f"{footprint.operators:,} operators", f"{footprint.flash:,} bytes of weights ({weights})"]
    if footprint.activations is not None:
        parts.append(f"peak of {footprint.activations:,} bytes of activations for one row")
    if footprint.macs is not None:
        parts.append(f"{footprint.macs:,} multiplications")
    return "; ".join(parts)


def _summary(answer: Answer) -> str:
    """The first reason that decided, in one line."""
    order = {Verdict.REFUSED: Effect.REFUSES, Verdict.UNKNOWN: Effect.OPEN, Verdict.SLOWER: Effect.SLOWS}
    deciding = [reason for reason in answer.reasons if reason.effect is order.get(answer.verdict)]
    more = f" (and {len(deciding) - 1} more)" if len(deciding) > 1 else ""
    found = f"{deciding[0].text}{more}" if deciding else ""
    if answer.fallback and answer.fallback.accelerated < answer.fallback.total:
        fallback = answer.fallback
        part = f"{fallback.accelerated} of {fallback.total} nodes accelerated in {fallback.partitions} partitions"
        return f"{found}; {part}"
    return found


def _reason(reason: Reason, *, details: bool) -> Iterator[str]:
    yield from _wrapped(f"  {reason.effect.value:<8} ", reason.text)
    if reason.nodes:
        few = reason.nodes if details else reason.nodes[:_FEW_NODES]
        more = f", and {len(reason.nodes) - len(few)} more" if len(few) < len(reason.nodes) else ""
        yield from _wrapped("           at: ", f"{', '.join(map(_short, few))}{more}")
    if reason.remedy:
        yield from _wrapped("           do: ", reason.remedy)
    if reason.source:
        yield from _wrapped("           source: ", str(reason.source))


def _short(name: str) -> str:
    """The end of a long name: converters write the whole path of scopes before it."""
    return name if len(name) <= _LONGEST else f"...{name[-_LONGEST:]}"


_LONGEST = 60


def _wrapped(head: str, body: str) -> list[str]:
    return textwrap.wrap(
        body,
        120,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )


def explanation_text(explanation: Explanation) -> str:
    """A target in words."""
    lines = [f"{explanation.name}: {explanation.title}", f"takes     {', '.join(explanation.takes)}"]
    if explanation.versions:
        lines.append(f"versions  {', '.join(explanation.versions)} ({explanation.default} by default)")
    lines += [f"evidence  {explanation.evidence}; facts of {explanation.retrieved}"]
    for title, sentences in (("Rules", explanation.rules), ("Not known", explanation.unknown)):
        if sentences:
            lines += ["", title, *(line for each in sentences for line in _wrapped("- ", each))]
    lines += [
        "",
        "Sources",
        *(line for name, each in explanation.sources.items() for line in _wrapped(f"- {name}: ", str(each))),
    ]
    return "\n".join(lines)
