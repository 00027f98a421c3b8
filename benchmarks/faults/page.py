"""The measured power in docs/verdict.md, between its markers, and the list of what the gate got wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from paritygate.validate.doctor import versions

from .floor import FACTOR
from .judges import GATE, RIVALS
from .mutations import FAMILIES, FAMILY_OF

Record = dict[str, Any]

PAGE = Path("docs/verdict.md")
BEGIN, END = "<!-- faults:begin -->", "<!-- faults:end -->"
JUDGES = (GATE, *RIVALS)

EXCLUDED = {
    "below the floor": f"the answers move by no more than {FACTOR} times the noise floor: no fault by this measure",
    "unchanged": "bit-identical answers on the judged samples and on 64 or more rows that nobody judges: equivalent",
    "unreached": "bit-identical on the judged samples, but not on those others: nobody could see it",
    "does not run": "ONNX Runtime refuses the file or stops at a sample: everybody sees that",
}

CALLED = """\
How the rivals were called, all on the same arrays as the gate, outputs bound by the converter, the reference's numbers
in the dtype that the correct conversion has (a rule that asks for equal dtypes would else refuse every estimator), text
compared for those that know none. The gate judged as `convert` does, with all ten perturbed runs (no `--budget`).

- *numpy.allclose*: `allclose(candidate, reference, rtol, atol)` per output and sample, in a loop over what both have.
- *Polygraphy simple*: `Comparator.compare_accuracy(runs, compare_func=SimpleCompareFunc())`, polygraphy {polygraphy},
  all defaults (atol and rtol 1e-5, element by element).
- *Optimum*: the rule of `optimum.exporters.onnx.convert.validate_model_outputs`, optimum-onnx 0.1.0: names among the
  reference's, equal shapes, `np.allclose` with atol 1e-5 and numpy's own rtol of 1e-5. It runs models itself, so the
  rule was written down.
- *torch.onnx.verification*: the function that compares for `torch.onnx.verification.verify` (TorchScript exporter),
  torch {torch}, with the defaults of `VerificationOptions`: `torch.testing.assert_close` with rtol 1e-3 and atol 1e-7,
  equal dtypes and equal counts. The newer `verify_onnx_program` reports differences and gives no verdict."""


def section(faults: Sequence[Record], alarms: Sequence[Record], code: str) -> str:
    """What stands between the markers; ``code`` is the commit that was measured, "" if that needn't be said."""
    counted = [record for record in faults if record["class"] == "fault"]
    models = sorted({record["model"] for record in alarms})
    many = len({record["mutation"] for record in faults})
    used = ", ".join(f"{name} {number}" for name, number in versions().items())
    measured = f"; the gate as of commit {code}" if code else ""
    return f"""\
## Measured power

{len(FAMILY_OF)} kinds of faults ({many} of them find something to change) were put into {len(models)} correctly
converted models, ONNX and Core ML, at most two of each kind in each model: {len(faults)} mutants. Every judge saw the
very same answers. A mutant counts as a fault where an output moves by more than {FACTOR} times a noise floor that owes
nothing to the gate: the furthest that the correct conversion goes in ten runs with each weight off by up to one unit of
its last place, or from the original, or one ulp of the output's greatest value, whichever is most. An output that is
gone, of another shape or dtype (unless the source leaves the width open), NaN in other places, or a label that none of
those runs changes, counts always. False alarms are the correct conversions that a judge refuses, on five seeds of
samples each. Large models got fewer kinds: a verdict on them takes seconds.

{_shares(counted, alarms)}

By family of faults, the share caught:

{_by_family(counted)}

What else became of the mutants:

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
    lines = ["| mutants | why they don't count |", "|---|---|"]
    lines += [f"| {counts[name]} {name} | {reason} |" for name, reason in EXCLUDED.items()]
    below = [record for record in faults if record["class"] == "below the floor"]
    caught = ", ".join(f"{judge} {sum(record['caught'][judge] for record in below)}" for judge in JUDGES)
    return "\n".join([*lines, "", f"Of the {len(below)} below the floor, refused: {caught}."])


def _missed(counted: Sequence[Record], alarms: Sequence[Record]) -> str:
    missed = list(_wrong(counted, lambda record: not record["caught"][GATE]))
    wrong = list(_wrong(alarms, lambda record: record["alarms"][GATE]))
    if not missed and not wrong:
        return "The gate missed no fault and refused no correct conversion."
    lines = [f"The gate missed {len(missed)} faults and refused {len(wrong)} correct conversions:", ""]
    lines += [f"- missed in {_named(record)}: {_figures(record)}" for record in missed]
    return "\n".join(lines + [f"- refused {r['model']}, seed {r['seed']}: {_short(r['detail'])}" for r in wrong])


def _wrong(records: Sequence[Record], wrong: Callable[[Record], bool]) -> Iterator[Record]:
    return (record for record in records if wrong(record))


def _named(record: Record) -> str:
    return f"{record['model']}, {record['mutation']} ({_short(record['place'])}, {record['change']})"


def _figures(record: Record) -> str:
    crashed = f"; {_short(record['detail'])}" if record["detail"] else ""
    moved = f"{record['output']} moves by {record['moved']:.2g}"
    return f"{moved}, {record['excess']:.1f} floors of {record['floor']:.2g}{crashed}"


def _short(text: str) -> str:
    return " ".join(text.split())[:160].replace("|", "\\|")


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def write(faults: Sequence[Record], alarms: Sequence[Record], code: str = "") -> None:
    """Put the section into the page, at its end if it isn't there yet."""
    text = PAGE.read_text()
    if BEGIN not in text:
        text = f"{text.rstrip()}\n\n{BEGIN}\n{END}\n"
    before, rest = text.split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{section(faults, alarms, code)}{END}{rest.split(END)[1]}")


def listing(faults: Sequence[Record], alarms: Sequence[Record]) -> str:
    """Every miss and false alarm of the gate with all figures, for whoever calibrates it."""
    counted = [record for record in faults if record["class"] == "fault"]
    missed = [record for record in counted if not record["caught"][GATE]]
    wrong = [record for record in alarms if record["alarms"][GATE]]
    below = [record for record in faults if record["class"] == "below the floor" and record["caught"][GATE]]
    lines = [_shares(counted, alarms), "", _by_family(counted), "", f"MISSED {len(missed)} of {len(counted)}"]
    for record in sorted(missed, key=lambda record: -record["excess"]):
        lines.append(f"{_named(record)}: {_figures(record)}; gate: {record['allowed'] or record['detail']}")
    lines += ["", f"FALSE ALARMS {len(wrong)} of {len(alarms)}"]
    lines += [f"{record['model']} seed {record['seed']}: {record['detail']}" for record in wrong]
    lines += ["", f"REFUSED THOUGH BELOW {FACTOR} FLOORS (no fault by the measure): {len(below)}"]
    lines += [f"{_named(record)}: {_figures(record)}; {_short(record['detail'])}" for record in below]
    lines += ["", f"CLASSES {dict(Counter(record['class'] for record in faults))}"]
    return "\n".join(lines) + "\n"
