"""The tables in docs/security.md, between their markers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .records import UNSAFE, Outcome, Trial, by_format, counts
from .rivals import RESULTS, TOOLS

PAGE = Path("docs/security.md")
_BEGIN, _END = "<!-- hostile: written by make hostile -->", "<!-- end of hostile -->"
_VERDICTS = ("flagged", "nothing found", "not read", "crashed")


def write_page(attacks: Sequence[Trial], alarms: Sequence[Trial], commit: str) -> None:
    """Put both tables in their place in the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    text = section(attacks, alarms, json.loads(RESULTS.read_text(encoding="utf-8")), commit)
    PAGE.write_text(f"{before}{_BEGIN}\n{text}{_END}{rest.partition(_END)[2]}", encoding="utf-8")


def section(attacks: Sequence[Trial], alarms: Sequence[Trial], rivals: Mapping[str, Any], commit: str) -> str:
    """The section between the markers."""
    used = ", ".join(f"{tool} {rivals['versions'][tool]}" for tool in TOOLS)
    commands = sum(len(trial.attempts) for trial in attacks)
    return f"""\
{len(attacks)} hostile files, {commands:,} commands (`inspect`, `run` and `convert` on models; `validate`, `run` and
`convert` on samples), each in a folder of its own with default flags, a time limit of 90 s and a memory limit of 4 GB.
Landlock was taken away from all processes, so that the checks stand alone: with it, a worker can't leave a mark even
if it is taken over. *Executed* means that a file appeared or changed, a file that isn't the model's was read, or a
process or temporary file was left.

{_attacks(attacks)}

{_bugs(attacks)}

The same files scanned by {used}, *flagged / nothing found / not read*. A file that a tool passes over or can't read is
counted as not read. Scanners only look, and none of these three reads all formats: "nothing found" is a
miss where the file runs code.

{_scanners(attacks, rivals["hostile"])}

## False alarms

{len(alarms)} harmless files as people have them: fitted estimators of scikit-learn, XGBoost, LightGBM and CatBoost,
state dicts, modules and programs of PyTorch, SavedModels, Keras, TensorFlow Lite, ONNX and Core ML models. Paritygate:
files that `inspect` refuses with status 5 without `--trust`; the others: files flagged.

{_alarms(alarms, rivals["benign"])}

{_refused(alarms)}

Written by `make hostile` on {datetime.now(UTC):%Y-%m-%d}, commit {commit}.
"""


def _formats(tried: Sequence[Trial]) -> dict[str, list[Trial]]:
    """By format, and all of them."""
    return {**by_format(tried, dict.fromkeys(trial.format for trial in tried)), "**all**": list(tried)}


def _attacks(attacks: Sequence[Trial]) -> str:
    lines = [f"| format | files | {' | '.join(Outcome)} |", "|---" * (len(Outcome) + 2) + "|"]
    for name, group in _formats(attacks).items():
        lines.append(f"| {name} | {len(group)} | {' | '.join(map(str, counts(group)))} |")
    return "\n".join(lines)


def _bugs(attacks: Sequence[Trial]) -> str:
    names = [f"`{trial.name}`" for trial in attacks if trial.called_a_bug]
    if not names:
        return "No command ended with a traceback, a hang or a message that calls the file a bug of paritygate."
    return f"Commands ended with a traceback, a hang or a message that calls it a bug for {', '.join(names)}."


def _scanners(attacks: Sequence[Trial], verdicts: Mapping[str, Mapping[str, str]]) -> str:
    lines = [f"| format | files | {' | '.join(TOOLS)} |", "|---" * (len(TOOLS) + 2) + "|"]
    known = [trial for trial in attacks if trial.name in verdicts[TOOLS[0]]]
    for name, group in _formats(known).items():
        cells = (_cell(Counter(verdicts[tool][trial.name] for trial in group)) for tool in TOOLS)
        lines.append(f"| {name} | {len(group)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(found: Counter[str]) -> str:
    flagged, clean, unread, crashed = (found[verdict] for verdict in _VERDICTS)
    return f"{flagged} / {clean} / {unread}" + (f" ({crashed} crashed)" if crashed else "")


def _alarms(alarms: Sequence[Trial], verdicts: Mapping[str, Mapping[str, str]]) -> str:
    lines = [f"| format | files | paritygate | {' | '.join(TOOLS)} |", "|---" * (len(TOOLS) + 3) + "|"]
    for name, group in _formats(alarms).items():
        ours = sum(trial.attempts[0].status == UNSAFE for trial in group)
        theirs = (sum(verdicts[tool][trial.name] == "flagged" for trial in group) for tool in TOOLS)
        lines.append(f"| {name} | {len(group)} | {ours} | {' | '.join(map(str, theirs))} |")
    return "\n".join(lines)


def _refused(alarms: Sequence[Trial]) -> str:
    """Which harmless files paritygate doesn't read, and with what code."""
    names = [f"`{trial.name}` ({trial.attempts[0].code})" for trial in alarms if trial.attempts[0].status]
    return f"Not read by paritygate: {', '.join(names)}." if names else "Paritygate reads all of them."
