"""Whether `paritygate check` is right: what it says of a model, beside what the runtime does with it.

``python -m benchmarks.runtimes`` makes the environments, runs every case in each, stores docs/runtimes.json as it
goes, and writes a section of docs/targets.md. What was run with today's scripts is kept: a stopped run goes on.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from paritygate.targets import check
from paritygate.validate.engines.elsewhere.catalog import RELEASES, Release
from paritygate.validate.engines.elsewhere.engine import SCRIPTS
from paritygate.validate.engines.elsewhere.environments import installed
from paritygate.validate.events import ignore

from .cases import Case, cases

RECORDS, PAGE = Path("docs/runtimes.json"), Path("docs/targets.md")
START, END = "<!-- runtimes: begin -->", "<!-- runtimes: end -->"
TARGET = {"onnxruntime": "onnxruntime-cpu", "openvino": "openvino"}
RTOL, ATOL, PATIENCE = 1e-2, 1e-3, 60
"""Bounds of ONNX' own backend tests are 1e-3; float16 cases need ten times that. Here only "computes it" is asked."""


def main() -> None:
    """Measure what isn't measured yet, and write the section."""
    code = _code()
    known: dict[str, Any] = json.loads(RECORDS.read_text()) if RECORDS.exists() else {}
    rows = known.get("rows", {}) if known.get("code") == code else {}
    answers: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(Path(folder)):
            for release in (each for each in RELEASES if each.name in TARGET):
                key = f"{case.name} | {release.full_name}"
                if key not in rows:
                    rows[key] = _run(case, release)
                    RECORDS.write_text(json.dumps({"code": code, "rows": rows}, indent=0) + "\n")
                answers[key] = _said(case, release)
    _write(section({key: (answers[key], *row) for key, row in rows.items() if key in answers}, code))


def _code() -> str:
    command = ["git", "log", "-1", "--format=%h", "--", "validate/engines/elsewhere"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _said(case: Case, release: Release) -> str:
    """What check says: asked anew each time, for it costs little."""
    return check(case.path, [f"{TARGET[release.name]}@{release.version}"]).answers[0].verdict.value


def _run(case: Case, release: Release) -> tuple[str, str]:
    """``runs``, ``differs`` or ``refused`` with the reason, in a process of its own."""
    python = installed(release, ignore)
    model = case.path
    with tempfile.TemporaryDirectory() as folder:
        names, outputs = _names(model)
        files = {}
        for name, array in zip(names, case.inputs, strict=False):
            files[name] = f"{folder}/in-{len(files)}.npy"
            np.save(files[name], array)
        request = json.dumps({"feed": files, "outputs": outputs[: len(case.outputs)], "folder": folder}) + "\n"
        command = [str(python), "-I", str(SCRIPTS / release.script), str(model)]
        try:
            done = subprocess.run(command, input=request, capture_output=True, text=True, timeout=PATIENCE, check=False)
        except subprocess.TimeoutExpired:
            return "refused", "no answer in a minute"
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        if len(answers) < 2 or "error" in answers[-1]:
            said = answers[-1].get("error", "") if answers else ""
            return "refused", " ".join((said or f"the process ended with {done.returncode}").split())[:300]
        got = [np.load(answers[-1]["outputs"][name]) for name in outputs[: len(case.outputs)]]
    return ("runs", "") if all(map(_close, got, case.outputs)) else ("differs", "other values than ONNX expects")


def _names(path: Path) -> tuple[list[str], list[str]]:
    import onnx

    graph = onnx.load(str(path), load_external_data=False).graph
    return [each.name for each in graph.input], [each.name for each in graph.output]


def _close(got: Any, want: Any) -> bool:
    if got.shape != want.shape:
        return False
    return bool(np.allclose(got.astype(np.float64), want.astype(np.float64), rtol=RTOL, atol=ATOL, equal_nan=True))


def section(rows: Mapping[str, Sequence[str]], code: str) -> str:
    """The confusion matrices and every disagreement."""
    lines = [
        START,
        "## Is it right?",
        "",
        "`python -m benchmarks.runtimes`: ONNX' own operator tests, each as it is and, where its operators mean the",
        "same, at opset 17. *Says* is `check`, *does* is the runtime itself, in an environment of its own. Models that",
        "a runtime computes with other values than ONNX expects are counted apart: `check` speaks of running,",
        "`--runtime` and `--prove-in` of values.",
        "",
        "| runtime | models | says runs, runs | says refused, refused | says unknown | says runs, refused "
        "| says refused, runs | other values | agreement |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    wrong: list[str] = []
    for release in (each for each in RELEASES if each.name in TARGET):
        found = {k.split(" | ")[0]: row for k, row in rows.items() if k.endswith(f"| {release.full_name}")}
        counts = Counter((said, "runs" if does == "differs" else does) for said, does, _ in found.values())
        others = sum(does == "differs" for _, does, _ in found.values())
        unknown = sum(count for (said, _), count in counts.items() if said == "unknown")
        decided = sum(counts.values()) - unknown
        right = counts["runs", "runs"] + counts["refused", "refused"]
        share = f"{100 * right / decided:.2f} %" if decided else "-"
        cells = (sum(counts.values()), counts["runs", "runs"], counts["refused", "refused"], unknown)
        wrongly = (counts["runs", "refused"], counts["refused", "runs"], others)
        lines.append(f"| {release.full_name} | {' | '.join(map(str, (*cells, *wrongly)))} | **{share}** |")
        for name, (said, does, detail) in found.items():
            if said != "unknown" and (said == "runs") != (does in ("runs", "differs")):
                wrong.append(f"- {release.full_name}, {name}: says {said}; {detail}")
    lines += ["", "Every disagreement:", "", *(wrong or ["- none"]), ""]
    lines += [f"{datetime.now(UTC):%Y-%m-%d}, code of {code}.", END]
    return "\n".join(lines)


def _write(text: str) -> None:
    page = PAGE.read_text()
    before, after = page.split(START)[0], page.split(END)[-1] if END in page else "\n"
    PAGE.write_text(f"{before.rstrip()}\n\n{text}{after if after.strip() else chr(10)}")


if __name__ == "__main__":
    main()
