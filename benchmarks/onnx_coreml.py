"""Writes docs/onnx-to-coreml.md: ONNX' own operator tests, converted to Core ML and run in paritygate's engine.

``python -m benchmarks.onnx_coreml package`` (or ``mlmodel``) converts with paritygate, ``... peer --python PYTHON``
with the package onnx2coreml of another environment, ``... page`` writes the page from what they left in
docs/coverage/. Cases that are measured already are kept; ``--again`` repeats those that didn't pass.

Node tests feed everything as an input, also what every exported model has as a constant (axes, pads, shapes, weights).
Where a case fails as it is, it is tried with all but its first input fixed to the case's values; the page tells both
apart.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import pickle
import subprocess
import tempfile
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from paritygate.convert.routes.base import ConvertOptions
from paritygate.convert.routes.onnx.to_coreml import route as onnx_to_coreml
from paritygate.validate.coreml.files.package import open_package
from paritygate.validate.doctor import versions
from paritygate.validate.engines.base import Facts, LoadOptions
from paritygate.validate.engines.coreml import lowered as coreml
from paritygate.validate.errors import ParityGateError
from paritygate.validate.signature import STRING, Hint, Signature, TensorSpec

FOLDER = Path("docs/coverage")
PAGE = Path("docs/onnx-to-coreml.md")
TIGHT_RTOL, TIGHT_ATOL = 2e-5, 2e-6
"""A few float32 roundings, for the count beside ONNX' own tolerance of 1e-3."""


@dataclass(frozen=True, slots=True)
class Case:
    """One of ONNX' node tests: a model of one operator (or of its definition by others), inputs, expected outputs."""

    name: str
    model: onnx.ModelProto
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    rtol: float
    atol: float
    file: str = ""

    @property
    def operator(self) -> str:
        """The operator that the case is about: its node's, or of an expanded case the name's first part."""
        node = self.model.graph.node[0]
        return node.op_type if "_expanded" not in self.name else "(definitions)"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a case. ``outcome``: passes, fixed (passes with parameters fixed), differs, refused, fails."""

    name: str
    operator: str
    outcome: str
    detail: str = ""
    tight: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """What the route asks of a model: the signature and the file."""

    native: Path
    signature: Signature
    notes: tuple[str, ...] = ()

    def run(self, feed: Any) -> dict[str, Any]:
        """Nobody runs it: the expected outputs are ONNX' own."""
        raise NotImplementedError

    def hints(self) -> tuple[Hint, ...]:
        """None."""
        return ()

    def facts(self) -> Facts:
        """None."""
        return Facts("ONNX")


def cases() -> list[Case]:
    """ONNX' node tests, collected in code (20 seconds) or as kept by an earlier call."""
    kept = Path(tempfile.gettempdir()) / f"onnx-node-tests-{onnx.__version__}.pickle"
    if not kept.exists():
        kept.write_bytes(pickle.dumps([_packed(case) for case in _collected()]))
    return [_case(row) for row in pickle.loads(kept.read_bytes())]


def cases_of(*modules: str) -> list[Case]:
    """The node tests in some modules of ``onnx.backend.test.case.node``, which collect themselves when imported."""
    from onnx.backend.test.case import node

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in modules:
            importlib.import_module(f"{node.__name__}.{module}")
    return [_case(_packed(case)) for case in node._NodeTestCases]


def _collected() -> list[Any]:
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(collect_testcases(None))


def _case(row: tuple[Any, ...]) -> Case:
    name, model, *rest = row
    return Case(name, onnx.ModelProto.FromString(model), *rest)


def _packed(case: Any) -> tuple[Any, ...]:
    (inputs, outputs), *_ = case.data_sets
    plain = [tuple(_array(v) for v in values) for values in (inputs, outputs)]
    return case.name, case.model.SerializeToString(), *plain, case.rtol, case.atol


def _array(value: Any) -> Any:
    return onnx.numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


def fixed(case: Case) -> Case | None:
    """The case with all inputs but the first as constants; None where there are no others."""
    if len(case.inputs) < 2 or any(isinstance(v, (list, type(None))) for v in case.inputs):
        return None
    model = onnx.ModelProto.FromString(case.model.SerializeToString())
    names = [value.name for value in model.graph.input]
    del model.graph.input[1:]
    for name, array in zip(names[1:], case.inputs[1:], strict=True):
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(array), name))
    return replace(case, model=model, inputs=case.inputs[:1], file=f"{case.name}.fixed")


def signature_of(model: onnx.ModelProto) -> Signature:
    """A model's inputs and outputs. Raises ParityGateError PG404 for what isn't a tensor."""
    return Signature(tuple(map(_spec, model.graph.input)), tuple(map(_spec, model.graph.output)))


def _spec(value: Any) -> TensorSpec:
    if not value.type.HasField("tensor_type"):
        raise ParityGateError("PG404", value.name, f"Core ML has no features of {value.type.WhichOneof('value')}")
    tensor = value.type.tensor_type
    element = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    shape = tuple(d.dim_value if d.HasField("dim_value") else d.dim_param or "n" for d in tensor.shape.dim)
    return TensorSpec(value.name, STRING if element.kind == "O" else element.name, shape)


def measure(case: Case, convert: Any, suffix: str) -> Result:
    """Convert, run and compare a case as it is, and where that fails with its parameters fixed."""
    first = _attempt(case, convert, suffix)
    if first.outcome == "passes" or (other := fixed(case)) is None:
        return first
    second = _attempt(other, convert, suffix)
    if second.outcome == "passes":
        return replace(second, outcome="fixed")
    return second if first.outcome == "refused" and "constant" in first.detail else first


def _attempt(case: Case, convert: Any, suffix: str) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        try:
            path, inputs, outputs = convert(case, Path(folder), suffix)
            model = coreml.load(path, LoadOptions())
            given = dict(zip([value.name for value in case.model.graph.input], case.inputs, strict=True))
            feed = {spec.name: _fed(given[inputs.get(spec.name, spec.name)], spec) for spec in model.signature.inputs}
            found = model.run(feed)
        except ParityGateError as e:
            outcome = "refused" if e.code in ("PG404", "PG408") else "fails"
            return Result(case.name, case.operator, outcome, f"{e.code} {e.subject}: {e.cause}"[:300])
    names = {source: name for name, source in outputs.items()}
    pairs = [
        (want, found[names.get(v.name, v.name)]) for v, want in zip(case.model.graph.output, case.outputs, strict=True)
    ]
    wrong = next((text for want, got in pairs if (text := difference(want, got, case.rtol, case.atol))), "")
    tight = not any(difference(want, got, TIGHT_RTOL, TIGHT_ATOL) for want, got in pairs)
    return Result(case.name, case.operator, "differs" if wrong else "passes", wrong, tight)


def _fed(array: Any, spec: TensorSpec) -> Any:
    """The array in the feature's dtype; a scalar is a vector of one."""
    cast = np.asarray(array).astype(spec.dtype)
    return cast.reshape(1) if cast.ndim == 0 and len(spec.shape or ()) == 1 else cast


def difference(want: Any, got: Any, rtol: float, atol: float) -> str:
    """Why ``got`` isn't the expected output, empty where it is."""
    want, got = np.asarray(want), np.asarray(got)
    if want.dtype.kind in "OU":
        return "" if np.array_equal(want.astype(str), got.astype(str)) else "other text"
    if want.shape != got.shape and not (want.ndim == 0 and got.shape == (1,)):
        return f"shape {got.shape} instead of {want.shape}"
    got = got.reshape(want.shape)
    if want.dtype.kind in "iub":
        wrong = got.astype(np.float64) != want.astype(np.float64)
    else:
        wrong = ~np.isclose(got.astype(np.float64), want.astype(np.float64), rtol=rtol, atol=atol, equal_nan=True)
    if not wrong.any():
        return ""
    where = tuple(int(i) for i in np.argwhere(wrong)[0]) if want.ndim else ()
    return f"{int(wrong.sum())} of {want.size} differ, first at {where}: {got[where]} instead of {want[where]}"


def ours(case: Case, folder: Path, suffix: str) -> tuple[Path, dict[str, str], dict[str, str]]:
    """Convert with paritygate."""
    source = folder / "model.onnx"
    onnx.save(case.model, source)
    destination = folder / f"model{suffix}"
    made = onnx_to_coreml.convert(Source(source, signature_of(case.model)), destination, ConvertOptions())
    return made.path, dict(made.inputs), dict(made.outputs)


PEER = """
import pathlib, sys, onnx2coreml, onnx
for source in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
    made, failed = source.with_suffix(".mlpackage"), source.with_suffix(".error")
    if made.exists() or failed.exists():
        continue
    try:
        onnx2coreml.convert(str(source), format="mlpackage", compute_precision="fp32").save(str(made))
    except BaseException as e:
        failed.write_text(f"{type(e).__name__}: {e}")
"""
"""What runs in the peer's environment: its own defaults, but for float32."""


def peer(folder: Path) -> Any:
    """A converter that takes what the peer has left in ``folder``."""

    def convert(case: Case, _: Path, suffix: str) -> tuple[Path, dict[str, str], dict[str, str]]:
        name = case.file or case.name
        failed = folder / f"{name}.error"
        if failed.exists():
            text = next(iter(failed.read_text().splitlines()), "")
            raise ParityGateError("PG404", "onnx2coreml", text)
        path = folder / f"{name}.mlpackage"
        described = open_package(path).spec.description
        pairs = (described.input, case.model.graph.input), (described.output, case.model.graph.output)
        inputs, outputs = ({f.name: v.name for f, v in zip(ours, theirs, strict=False)} for ours, theirs in pairs)
        return path, inputs, outputs

    return convert


def run_peer(python: str, folder: Path) -> None:
    """Write every case, as it is and fixed, to ``folder`` and convert there what isn't converted yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for case in cases():
        for form in filter(None, (case, fixed(case))):
            path = folder / f"{form.file or form.name}.onnx"
            if not path.exists():
                onnx.save(form.model, path)
    subprocess.run([python, "-c", PEER, str(folder)], check=True)


Converter = Callable[[Case, Path, str], tuple[Path, dict[str, str], dict[str, str]]]


def sweep(who: str, convert: Converter, suffix: str, part: str, again: bool) -> None:
    """Measure the cases whose name has ``part`` and that aren't measured, and with ``again`` those that don't pass."""
    file = _file(who)
    rows = {row["name"]: row for row in json.loads(file.read_text())["rows"]} if file.exists() else {}
    waiting = cases()
    gc.freeze()  # coremltools collects after each conversion, and would walk through all cases each time
    for count, case in enumerate(waiting):
        known = rows.get(case.name)
        if part not in case.name or (known and (not again or known["outcome"] in PASSING)):
            continue
        result = measure(case, convert, suffix)
        rows[case.name] = asdict(result)
        print(result.outcome, result.name, result.detail[:160], flush=True)
        if count % 50 == 0:
            _write(file, rows)
    _write(file, rows)


def _write(file: Path, rows: dict[str, Any]) -> None:
    """One row per line, so that a change of one case is a change of one line."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    head = json.dumps({"date": f"{datetime.now(UTC):%Y-%m-%d}", "versions": versions()})
    lines = ",\n".join(json.dumps(row) for row in rows.values())
    file.write_text(f'{head[:-1]}, "rows": [\n{lines}\n]}}\n')


def page() -> str:
    """The Markdown page, of what has been measured."""
    measured = {who: json.loads((FOLDER / f"onnx_{who}.json").read_text()) for who in SUBJECTS if _file(who).exists()}
    tables = {who: {row["name"]: Result(**row) for row in part["rows"]} for who, part in measured.items()}
    ours = tables["package"]
    operators = defaultdict(list)
    for result in ours.values():
        operators[result.operator].append(result.name)
    lines = [*INTRODUCTION, *_totals(tables), "", *_by_operator(tables, operators), "", *_failures(ours)]
    told = measured["package"]
    known = ", ".join(f"{name} {version}" for name, version in told["versions"].items() if name in NAMED)
    return "\n".join([*lines, "", f"Measured {told['date']} with {known}, onnx2coreml 1.1.0.", ""])


def _file(who: str) -> Path:
    return FOLDER / f"onnx_{who}.json"


SUBJECTS = {
    "package": "paritygate, .mlpackage",
    "mlmodel": "paritygate, .mlmodel",
    "peer": "onnx2coreml, .mlpackage",
}
PASSING = ("passes", "fixed")
NAMED = ("onnx", "onnxruntime", "coremltools", "numpy")
INTRODUCTION = [
    "# ONNX to Core ML",
    "",
    "Written by `python -m benchmarks.onnx_coreml page`. ONNX' own operator tests (`onnx.backend.test`, with expected",
    "outputs) are converted to Core ML and run in paritygate's engine, for both converters. *as it is*: the case",
    "passes with all its inputs computed; *fixed*: it passes once all but its first input are constants, as exported",
    "models have axes, pads, shapes and weights. Judged at ONNX' own tolerance (relative 1e-3, absolute 1e-7),",
    f"integers exactly; *tight*: floats also within {TIGHT_RTOL} relative plus {TIGHT_ATOL}.",
    "",
]


def _totals(tables: dict[str, dict[str, Result]]) -> list[str]:
    lines = ["| | cases | pass as it is | pass fixed | pass in all | tight | differ | refused | fail |"]
    lines.append("|---|" + "---:|" * 8)
    for who, table in tables.items():
        counts = Counter(result.outcome for result in table.values())
        tight = sum(result.tight for result in table.values() if result.outcome in PASSING)
        cells = [counts["passes"], counts["fixed"], counts["passes"] + counts["fixed"], tight]
        cells += [counts["differs"], counts["refused"], counts["fails"]]
        lines.append(f"| {SUBJECTS[who]} | {len(table)} | " + " | ".join(map(str, cells)) + " |")
    return lines


def _by_operator(tables: dict[str, dict[str, Result]], operators: dict[str, list[str]]) -> list[str]:
    lines = [
        "## By operator",
        "",
        "Cases that pass, as they are or fixed. *definitions*: cases in which ONNX spells an",
    ]
    lines += ["operator out by others.", ""]
    lines += ["| operator | cases | " + " | ".join(SUBJECTS[who] for who in tables) + " |"]
    lines.append("|---|---:|" + "---:|" * len(tables))
    for operator, names in sorted(operators.items()):
        counts = [sum(n in t and t[n].outcome in PASSING for n in names) for t in tables.values()]
        lines.append(f"| {operator} | {len(names)} | " + " | ".join(map(str, counts)) + " |")
    return lines


def _failures(table: dict[str, Result]) -> list[str]:
    lines = ["## What doesn't pass, and why", "", "| outcome | reason | cases |", "|---|---|---|"]
    groups = defaultdict(list)
    for result in table.values():
        if result.outcome not in PASSING:
            groups[result.outcome, _reason(result)].append(result.name.removeprefix("test_"))
    for (outcome, reason), names in sorted(groups.items(), key=lambda group: (group[0][0], -len(group[1]))):
        shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
        lines.append(f"| {outcome} | {reason} | {shown} |")
    return lines


DIFFERENCES = {
    "bernoulli": "random numbers, which no two generators share",
    "dft_inverse": "rounding around zero, beyond ONNX' absolute tolerance of 1e-7",
    "attention_4d_causal_fp16": "the expected values round every step to float16; Core ML's are rounded at the end",
}
"""Why a case differs, by the beginning of its name."""


def _reason(result: Result) -> str:
    """The cause without the node's name and code."""
    if result.outcome == "differs":
        known = (why for start, why in DIFFERENCES.items() if result.name.startswith(f"test_{start}"))
        return next(known, f"{result.operator}: {result.detail}".replace("|", "\\|"))
    head, _, cause = result.detail.partition(": ")
    subject = head.partition("operator ")[2].partition(" (")[0] if "operator " in head else ""
    cause = cause.removeprefix("ValueError: ").partition(' Layer "')[0]
    return " ".join(f"{subject} {cause}".split()).replace("|", "\\|")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure one subject, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=[*SUBJECTS, "page"])
    parser.add_argument("part", nargs="?", default="", help="only cases whose name has this")
    parser.add_argument("--again", action="store_true", help="measure once more what didn't pass")
    parser.add_argument("--python", help="for the peer: the interpreter of its environment")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "onnx2coreml-cases")
    given = parser.parse_args(arguments)
    if given.what == "page":
        PAGE.write_text(page())
    elif given.what == "peer":
        run_peer(given.python, given.folder)
        sweep("peer", peer(given.folder), ".mlpackage", given.part, given.again)
    else:
        sweep(given.what, ours, f".ml{given.what.removeprefix('ml')}", given.part, given.again)


if __name__ == "__main__":
    main()
