"""The harness on trial: it must notice its faults, and the trial must notice a broken harness."""

from __future__ import annotations

import json
from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest

from paritygate.cli.main import main
from paritygate.validate import selftest
from paritygate.validate.report.types import Severity, Tolerance
from paritygate.validate.signature import TensorSpec
from paritygate.validate.verdict import compare
from paritygate.validate.verdict import self_check as selfcheck
from paritygate.validate.verdict.policies import DefaultPolicy, FixedPolicy, OverridingPolicy

# -- the command ------------------------------------------------------------------------------------------------------


def run(*arguments):
    with pytest.raises(SystemExit) as caught:
        main(["selftest", *arguments])
    return caught.value.code


def test_every_fault_is_noticed(capsys):
    assert run("--json") == 0
    document = json.loads(capsys.readouterr().out)
    trials = document["result"]["trials"]
    assert len(trials) == len(selftest.CASES) == 9
    assert all(trial["noticed"] for trial in trials)
    assert {code for trial in trials for code in trial["found"].values()} == {f"PG10{n}" for n in range(1, 8)}


def passes_everything(row, metrics, worst, tolerance, exact):
    return compare.Verdict.PASS, "", ""


def test_a_comparison_that_passes_everything_is_found_out(monkeypatch, capsys):
    """One case is enough to end with status 3; the weights, which are compared apart, have taken its pass away."""
    monkeypatch.setattr(compare, "_verdict", passes_everything)
    monkeypatch.setattr(selftest, "CASES", [selftest.CASES[at] for at in (1, 3)])
    assert run() == 3
    out, err = capsys.readouterr()
    assert [line.split()[-1] for line in out.splitlines()] == ["MISSED", "expected"]
    assert "one element off by 1 %   fail" in out
    assert "[PG311] selftest: 1 of 2 cases went wrong: one element off by 1 %" in err


def test_a_false_alarm_is_found_out(monkeypatch, capsys):
    """A harness that fails everything would notice every fault: the case without one tells."""
    monkeypatch.setattr(compare, "_verdict", lambda *_: (compare.Verdict.FAIL, "PG101", "so it is"))
    monkeypatch.setattr(selftest, "CASES", selftest.CASES[:1])
    assert run("--json") == 3
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "PG311"


def test_another_fault_than_the_one_put_in_is_not_noticed():
    for found in ({"y": "PG101"}, {"z": "PG106"}, {"y": "PG106", "z": "PG101"}, {}):
        assert not selftest.Trial("NaN", {"y": "PG106"}, found, "fail").noticed
    assert not selftest.Trial("NaN", {"y": "PG106"}, {"y": "PG106"}, "inconclusive").noticed


# -- quietly in each run ----------------------------------------------------------------------------------------------

RNG = np.random.default_rng(0)
OUTPUTS = {
    "float32": RNG.standard_normal((3, 4)).astype(np.float32),
    "float64": RNG.standard_normal((5, 2)),
    "float16": np.float16([65504, 1, 0]),
    "bfloat16": RNG.standard_normal(7).astype(ml_dtypes.bfloat16),
    "int64": np.array([1, -(2**63), 2**63 - 1]),
    "uint8": np.uint8([0, 255]),
    "bool": np.array([True]),
    "str": np.array(["a", ""]),
    "scalar": np.array(3.0),
    "zeros": np.zeros(6, np.float32),
    "mask": np.float32([-3.4e38, 1, np.inf, np.nan]),
    "fortran": np.asfortranarray(RNG.standard_normal((3, 4))),
    "nothing finite": np.float32([np.nan, np.inf]),
    "empty": np.zeros((0, 3)),
    "complex": np.complex64([1j]),
}
POLICIES = {
    "default": DefaultPolicy(),
    "exact": FixedPolicy(0, 0),
    "wide": FixedPolicy(0.5, 1e3),
    "integers": OverridingPolicy(DefaultPolicy(), {"int64": (0, 5.0), "uint8": (0, 300.0)}),
}


def check(policy, names=tuple(OUTPUTS)):
    specs = tuple(
        TensorSpec(name, "str" if array.dtype.kind == "U" else array.dtype.name, None, ("float32",))
        for name, array in OUTPUTS.items()
    )
    expected = {name: OUTPUTS[name] for name in names}
    actual = {f"{name}'": array for name, array in expected.items()}
    if "float64" in names:
        actual["float64'"] = actual["float64'"].astype(np.float32)
    return selfcheck.selfcheck(specs, expected, actual, {name: name[:-1] for name in actual}, policy)


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
@pytest.mark.filterwarnings("error")
def test_a_sound_comparison_has_nothing_to_report(policy):
    before = {name: array.copy() for name, array in OUTPUTS.items()}
    assert check(policy) == ()
    for name, array in before.items():
        np.testing.assert_array_equal(array, OUTPUTS[name])


def without(code):
    """The comparison, without its rows of one code."""

    def compared(*arguments, **more):
        rows = compare.compare_outputs(*arguments, **more)
        return tuple(replace(row, verdict=compare.Verdict.PASS) if row.code == code else row for row in rows)

    return compared


@pytest.mark.parametrize(
    ("code", "said"),
    [
        pytest.param("PG101", "a perturbed element of output 'float32' went unnoticed", id="values"),
        pytest.param("PG107", "a perturbed element of output 'int64' went unnoticed", id="labels"),
        pytest.param("PG106", "a NaN of output 'float32' went unnoticed", id="NaN"),
        pytest.param("PG104", "the loss of output 'bool' went unnoticed", id="missing"),
    ],
)
def test_a_blind_comparison_is_found_out(code, said, monkeypatch):
    monkeypatch.setattr(selfcheck, "compare_outputs", without(code))
    findings = check(DefaultPolicy())
    assert said in [finding.message for finding in findings]
    assert {(finding.code, finding.severity) for finding in findings} == {("PG311", Severity.ERROR)}


class Careless(DefaultPolicy):
    """Allows each element what a bug in a measured floor might."""

    def __init__(self, value):
        object.__setattr__(self, "value", value)

    def tolerance(self, spec, reference, candidate_dtype):
        row = super().tolerance(spec, reference, candidate_dtype)
        return row if row.exact else Tolerance(0, self.value, 0, row.dtype)


def test_an_allowance_without_end_is_found_out():
    assert "a perturbed element of output 'float32' went unnoticed" in [f.message for f in check(Careless(np.inf))]


def test_an_allowance_of_nan_lets_nothing_pass():
    """No error is greater than NaN, so it isn't asked whether one is."""
    spec, same = TensorSpec("y", "float32", (3,)), [{"y": np.ones(3, np.float32)}]
    (row,) = compare.compare_outputs((spec,), same, same, {"y": "y"}, Careless(np.nan))
    assert row.code == "PG101"


def test_great_outputs_cost_nothing(monkeypatch):
    """Only the smallest outputs are tried, and one at least: copies are never larger than they must be."""
    monkeypatch.setattr(selfcheck, "MOST_ELEMENTS", 4)
    monkeypatch.setattr(selfcheck, "compare_outputs", without("PG101"))
    names = [finding.message.split("'")[1] for finding in check(FixedPolicy(0, 0), ("scalar", "float16", "float32"))]
    assert names == ["scalar", "float16"]
    monkeypatch.setattr(selfcheck, "MOST_ELEMENTS", 0)
    assert len(check(FixedPolicy(0, 0), ("float32", "float64"))) == 1
