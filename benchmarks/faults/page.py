"""The results in docs/verdict-theory.md, between its markers, and the list of paritygate's wrong verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from paritygate.validate.doctor import versions

from .floor import FACTOR
from .judges import GATE, OTHER_TOOLS
from .mutations import FAMILIES, FAMILY_OF

Record = dict[str, Any]

PAGE = Path("docs/verdict-theory.md")
BEGIN, END = "<!-- faults:begin -->", "<!-- faults:end -->"
JUDGES = (GATE, *OTHER_TOOLS)

EXCLUDED = {
    "below the floor": f"the outputs change by at most {FACTOR} times the noise floor: not a fault by this measure",
    "unchanged": "bit-identical outputs on the judged samples and on 64 or more further rows: equivalent",
    "unreached": "bit-identical outputs on the judged samples, but not on the further rows: undetectable with these",
    "does not run": "ONNX Runtime rejects the file or stops at a sample: always noticed",
}

CALLED = """\
All judges compared the same arrays, with outputs bound by the converter, the reference's numbers in the dtype of the
correct conversion (otherwise a rule that requires equal dtypes would reject every estimator), and text compared for the
tools that don't support it. Paritygate judged as `convert` does, with all ten perturbed runs (no `--budget`).

- *numpy.allclose*: `allclose(candidate, reference, rtol, atol)` per output and sample, for the outputs that both have.
- *Polygraphy simple*: `Comparator.compare_accuracy(runs, compare_func=SimpleCompareFunc())`, polygraphy {polygraphy},
  all defaults (atol and rtol 1e-5, element by element).
- *Optimum*: the rule of `optimum.exporters.onnx.convert.validate_model_outputs`, optimum-onnx 0.1.0: names among the
  reference's, equal shapes, `np.allclose` with atol 1e-5 and numpy's default rtol of 1e-5. That function runs models
  itself, so its rule was reproduced.
- *torch.onnx.verification*: the comparison of `torch.onnx.verification.verify` (TorchScript exporter), torch {torch},
  with the defaults of `VerificationOptions`: `torch.testing.assert_close` with rtol 1e-3 and atol 1e-7, equal dtypes
  and equal counts. The newer `verify_onnx_program` reports differences without a verdict."""


def section(faults: Sequence[Record], alarms: Sequence[Record], code: str) -> str:
    """The section between the markers; ``code`` is the commit that was measured, "" to leave it out."""
    counted = [record for record in faults if record["class"] == "fault"]
    models = sorted({record["model"] for record in alarms})
    many = len({record["mutation"] for record in faults})
    used = ", ".join(f"{name} {number}" for name, number in versions().items())
    measured = f"; paritygate as of commit {code}" if code else ""
    return f"""\
## Faults caught

{len(FAMILY_OF)} kinds of faults ({many} of them find something to change) were injected into {len(models)} correctly
converted models, ONNX and Core ML, at most two of each kind in each model: {len(faults)} mutants. All judges compared
the same outputs. A mutant counts as a fault if an output changes by more than {FACTOR} times a noise floor that is
independent of paritygate: the maximum of the differences between the correct conversion and ten runs of it with each
weight off by up to one unit in its last place, its difference from the reference, and one ulp of the output's largest
value. A missing output, a different shape or dtype (unless the source leaves the width open), NaN at different places,
and a label that none of those runs changes always count. So do changed rows of tables and of rows far down a batch,
whether a sample reaches them or not: an input that does exists by construction. False alarms are correct conversions
that a judge rejects, with five seeds of samples each. Large models got fewer kinds, since a verdict on them takes
seconds.

{_shares(counted, alarms)}

Share of faults caught, by family:

{_by_family(counted)}

The other mutants:

{_excluded(faults)}

{_missed(counted, alarms)}

{CALLED.format(polygraphy=version("polygraphy"), torch=version("torch"))}

The models: {", ".join(models)}.

Written by `make faults` on {datetime.now(UTC):%Y-%m-%d} with {used}, polygraphy {version("polygraphy")}{measured}.
"""


def _shares(counted: Sequence[Record], alarms: Sequence[Record]) -> str:
    lines = ["| judge | faults caught | share | false alarms | models alarmed |", "|---|---|---|---|---|"]
    for judge in JUDGES:
        caught = sum(record["caught"][judge] for record in counted)
        wrong = [record for record in alarms if record["alarms"][judge]]
        models = len({record["model"] for record in wrong})
        share = _percent(caught, len(counted))
        lines.append(f"| {judge} | {caught} of {len(counted)} | {share} | {len(wrong)} of {len(alarms)} | {models} |")
    return "\n".join(lines)


def _by_family(counted: Sequence[Record]) -> str:
    lines = ["| family | faults | " + " | ".join(JUDGES) + " |", "|---" * (len(JUDGES) + 2) + "|"]
    for family in FAMILIES:
        those = [record for record in counted if record["kind"] == family]
        cells = [_percent(sum(record["caught"][judge] for record in those), len(those)) for judge in JUDGES]
        lines.append(f"| {family} | {len(those)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _excluded(faults: Sequence[Record]) -> str:
    counts = Counter(record["class"] for record in faults)
    lines = ["| mutants | why they don't count as faults |", "|---|---|"]
    lines += [f"| {counts[name]} {name} | {reason} |" for name, reason in EXCLUDED.items()]
    below = [record for record in faults if record["class"] == "below the floor"]
    caught = ", ".join(f"{judge} {sum(record['caught'][judge] for record in below)}" for judge in JUDGES)
    return "\n".join([*lines, "", f"Of the {len(below)} below the floor, rejected: {caught}."])


def _missed(counted: Sequence[Record], alarms: Sequence[Record]) -> str:
    missed = list(_wrong(counted, lambda record: not record["caught"][GATE]))
    wrong = list(_wrong(alarms, lambda record: record["alarms"][GATE]))
    if not missed and not wrong:
        return "Paritygate missed no fault and rejected no correct conversion."
    lines = [f"Paritygate missed {len(missed)} faults and rejected {len(wrong)} correct conversions:", ""]
    lines += [f"- missed in {_named(record)}: {_figures(record)}" for record in missed]
    return "\n".join(lines + [f"- rejected {r['model']}, seed {r['seed']}: {_short(r['detail'])}" for r in wrong])


def _wrong(records: Sequence[Record], wrong: Callable[[Record], bool]) -> Iterator[Record]:
    return (record for record in records if wrong(record))


def _named(record: Record) -> str:
    return f"{record['model']}, {record['mutation']} ({_short(record['place'])}, {record['change']})"


def _figures(record: Record) -> str:
    crashed = f"; {_short(record['detail'])}" if record["detail"] else ""
    change = f"{record['output']} changes by {record['moved']:.2g}"
    return f"{change}, {record['excess']:.1f} times the floor of {record['floor']:.2g}{crashed}"


def _short(text: str) -> str:
    return " ".join(text.split())[:160].replace("|", "\\|")


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def write(faults: Sequence[Record], alarms: Sequence[Record], code: str = "") -> None:
    """Write the section into the page, at its end if there are no markers yet."""
    text = PAGE.read_text()
    if BEGIN not in text:
        text = f"{text.rstrip()}\n\n{BEGIN}\n{END}\n"
    before, rest = text.split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{section(faults, alarms, code)}{END}{rest.split(END)[1]}")


def listing(faults: Sequence[Record], alarms: Sequence[Record]) -> str:
    """Every miss and false alarm of paritygate with all figures, for its calibration."""
    counted = [record for record in faults if record["class"] == "fault"]
    missed = [record for record in counted if not record["caught"][GATE]]
    wrong = [record for record in alarms if record["alarms"][GATE]]
    below = [record for record in faults if record["class"] == "below the floor" and record["caught"][GATE]]
    lines = [_shares(counted, alarms), "", _by_family(counted), "", f"MISSED {len(missed)} of {len(counted)}"]
    for record in sorted(missed, key=lambda record: -record["excess"]):
        lines.append(f"{_named(record)}: {_figures(record)}; allowed: {record['allowed'] or record['detail']}")
    lines += ["", f"FALSE ALARMS {len(wrong)} of {len(alarms)}"]
    lines += [f"{record['model']} seed {record['seed']}: {record['detail']}" for record in wrong]
    lines += ["", f"REJECTED ALTHOUGH BELOW {FACTOR} TIMES THE FLOOR (not a fault by this measure): {len(below)}"]
    lines += [f"{_named(record)}: {_figures(record)}; {_short(record['detail'])}" for record in below]
    lines += ["", f"CLASSES {dict(Counter(record['class'] for record in faults))}"]
    return "\n".join(lines) + "\n"
