"""What the tests of comparisons share: one output or several, compared by the default policy or another."""

from __future__ import annotations

import numpy as np

from paritygate.validate.signature import TensorSpec
from paritygate.validate.verdict.compare import compare_outputs
from paritygate.validate.verdict.policies import DefaultPolicy

RNG = np.random.default_rng(0)
NORMAL = RNG.standard_normal((64, 16), dtype=np.float32)


def spec_of(name, array, accepts=()):
    dtype = "str" if array.dtype.kind == "U" else array.dtype.name
    return TensorSpec(name, dtype, None, accepts)


def compare(want, got, policy=None, accepts=()):
    """One output, one sample."""
    want, got = np.asarray(want), np.asarray(got)
    spec = spec_of("y", want, accepts)
    (row,) = compare_outputs((spec,), [{"y": want}], [{"y": got}], {"y": "y"}, policy or DefaultPolicy())
    return row


def compare_all(reference, candidate, bindings=None, **kwargs):
    """Several outputs and samples; every reference output is declared, equal names are bound."""
    first = reference[0] if reference else {}
    specs = tuple(spec_of(name, array) for name, array in first.items())
    bindings = {name: name for name in first} if bindings is None else bindings
    return {
        row.name or row.candidate_name: row
        for row in compare_outputs(specs, reference, candidate, bindings, DefaultPolicy(), **kwargs)
    }
