"""The recorded conformance cases: how to read one, run it and judge it. Their README.md describes the format."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @cached_property
    def facts(self) -> dict[str, Any]:
        return json.loads((self.folder / "case.json").read_text())

    @property
    def kind(self) -> str:
        return self.facts["spec_type"]


def cases(corpus: Path) -> Iterator[Case]:
    return (Case(folder) for folder in sorted((corpus / "cases").iterdir()))


def failure(case: Case, nominal: bool = False) -> str | None:
    """None if every step agrees with the recorded outputs, else the difference."""
    from paritygate.validate.errors import ParityGateError

    try:
        with TemporaryDirectory() as folder:
            return _run(case, _model(case, Path(folder)), nominal)
    except ParityGateError as e:
        return str(e)


def _model(case: Case, folder: Path) -> Path:
    file = case.folder / case.facts["model"]
    if file.suffix != ".zip":
        return file
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder)
    return folder / "model.mlpackage"


def _run(case: Case, model: Path, nominal: bool) -> str | None:
    from paritygate.validate.engines.base import LoadOptions
    from paritygate.validate.engines.coreml.lowered import load

    session = load(model, LoadOptions(signature=case.facts.get("function"))).session
    inputs, expected = (np.load(case.folder / f"{part}.npz") for part in ("inputs", "expected"))
    states: dict[int, dict[str, np.ndarray]] = {}
    for step in case.facts["steps"]:
        state = states.setdefault(step["state"], session.fresh_state()) if "state" in step else None
        if step["do"] == "write_state":
            state[step["name"]][...] = _value(step["value"], inputs).reshape(state[step["name"]].shape)
            continue
        if step["do"] == "predict":
            got = session.predict({k: _value(v, inputs) for k, v in step["inputs"].items()}, state)
            wanted = step.get("expected", {})
        else:
            got, wanted = {step["name"]: state[step["name"]]}, {step["name"]: step["expected"]}
        for name, value in wanted.items():
            wrong = _disagreement(got.get(name), _value(value, expected), case.facts["tolerance"], nominal)
            if wrong:
                return f"{name}: {wrong}"
    return None


def _value(value: dict[str, Any], arrays: Any) -> Any:
    if value["kind"] == "array":
        return arrays[value["npz"]]
    if value["kind"] == "image":
        from PIL import Image

        return Image.fromarray(arrays[value["npz"]], value["mode"])
    return dict(value["items"]) if value["kind"] == "dict" else value["value"]


def _disagreement(got: Any, want: Any, tolerance: dict[str, Any], nominal: bool) -> str | None:
    if got is None:
        return "the output is missing"
    if isinstance(want, str):
        return None if got == want else f"{got!r} is not {want!r}"
    if isinstance(want, dict):
        if {str(k) for k in got} != {str(k) for k in want}:
            return "the keys differ"
        pairs = sorted((str(k), v) for k, v in want.items()), sorted((str(k), v) for k, v in got.items())
        want, got = ([v for _, v in side] for side in pairs)
        tolerance = {"atol": 1e-4, "rtol": 1e-4}
    got, want = (np.asarray(v, np.float64) for v in (got, want))
    if tolerance.get("squeeze"):
        got, want = got.squeeze(), want.squeeze()
    got, want = (v.reshape(1) if v.ndim == 0 else v for v in (got, want))
    if got.shape != want.shape:
        return f"shape {got.shape} is not {want.shape}"
    if tolerance.get("shapes_only") or not want.size:
        return None
    return _too_far(got, want, tolerance, nominal)


def _too_far(got: np.ndarray, want: np.ndarray, tolerance: dict[str, Any], nominal: bool) -> str | None:
    if tolerance.get("metric") == "rel_error":
        error = np.max(np.abs(got - want) / np.maximum(np.abs(want), 1.0))
        return None if error <= tolerance["delta"] else f"relative error {error:.3g}"
    if tolerance.get("metric") == "snr":
        return _noise(got, want, tolerance)
    bounds = {k: _bound(k, tolerance, nominal) for k in ("atol", "rtol")}
    close = np.isclose(got, want, **bounds, equal_nan=True)
    if np.mean(~close) <= tolerance.get("allow_mismatch_ratio", 0.0):
        return None
    with np.errstate(invalid="ignore"):
        return f"{np.sum(~close)} of {close.size} differ, by up to {np.nanmax(np.abs(got - want)):.3g}"


HALF = 0.01
"""The limit for a loosened bound: Apple's 0.5 and 0.05 for float16 let wrong results pass. It leaves room for
some ten operators of 11 bits each."""


def _bound(name: str, tolerance: dict[str, Any], nominal: bool) -> float:
    """The bound that the test applied, but no looser than float16 justifies; with ``nominal`` float32's."""
    plain = tolerance.get(f"nominal_{name}", tolerance.get(name, 1e-4))
    return plain if nominal else min(tolerance.get(name, 1e-4), max(plain, HALF))


def _noise(got: np.ndarray, want: np.ndarray, tolerance: dict[str, Any]) -> str | None:
    noise = np.mean((got - want) ** 2)
    if noise <= 1e-6:
        return None
    snr, psnr = (10 * np.log10(power / noise) for power in (np.mean(want**2), np.max(want**2)))
    return None if snr >= tolerance["snr"] and psnr >= tolerance["psnr"] else f"signal to noise {snr:.1f} dB"


CORPUS = Path(__file__).parents[4] / "shared" / "coreml_conformance"
"""Where the recorded cases lie if available; they are not part of the project."""


def listed(name: str) -> dict[str, str]:
    """One of the lists of known gaps: name -> reason."""
    lines = (Path(__file__).parent / "gaps" / f"{name}.tsv").read_text().splitlines()
    return dict(line.split("\t", 1) for line in lines)
