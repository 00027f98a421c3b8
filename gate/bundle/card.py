"""The model card: Markdown with YAML front matter, as the Hugging Face Hub reads it (huggingface_hub.ModelCard)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from ...validate.report.types import ReportData
from ...validate.text import printable

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#|!])")


def card_of(report: ReportData, artifact: str, licence: str, files: tuple[str, ...]) -> str:
    """The card of a proved artifact. ``licence`` is an SPDX identifier, "" where nobody gave one."""
    return "\n".join((*_front(artifact, licence), "", *_body(report, artifact), *_how(artifact), *_files(files), ""))


def _front(artifact: str, licence: str) -> Iterator[str]:
    yield "---"
    if licence:
        yield f"license: {json.dumps(licence.lower())}"
    yield f"library_name: {'onnx' if artifact.endswith('.onnx') else 'coreml'}"
    yield "tags:"
    yield "- paritygate"
    yield "---"


def _body(report: ReportData, artifact: str) -> Iterator[str]:
    yield f"# {_escaped(artifact)}"
    yield ""
    yield f"Converted from {_escaped(report.reference.path)} ({_escaped(report.reference.format)}) by paritygate."
    yield f"Both gave the same outputs on {report.samples.count} samples ({_escaped(report.samples.origin)})."
    for title, specs in (
        ("Inputs", report.candidate.signature.inputs),
        ("Outputs", report.candidate.signature.outputs),
    ):
        yield from ("", f"## {title}", "", *(f"- {_escaped(str(spec))}" for spec in specs))
    yield from ("", "## Parity", "", "| output | greatest difference | of elements |", "|---|---|---|")
    for output in report.outputs:
        errors = output.metrics.errors if output.metrics else None
        greatest = f"{errors.max_absolute:.3g}" if errors else "none"
        yield f"| {_escaped(output.name)} | {greatest} | {output.metrics.elements if output.metrics else 0} |"


def _how(artifact: str) -> Iterator[str]:
    yield from ("", "## Check it on your machine", "", "```", "sha256sum -c SHA256SUMS")
    yield from ("paritygate verify BUNDLE.zip", "```")


def _files(files: tuple[str, ...]) -> Iterator[str]:
    yield from ("", "## Files", "", *(f"- {_escaped(name)}" for name in files))


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", printable(text))
