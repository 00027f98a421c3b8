"""Every recorded case: someone else's model with someone else's outputs. Known failures are in gaps/."""

from __future__ import annotations

import re

import pytest
from recorded import CORPUS, Case, cases, failure, listed

pytestmark = pytest.mark.skipif(not CORPUS.exists(), reason="the recorded cases are not here")

UNLOWERED = {"op": listed("mil"), "layer": listed("layers"), "model type": listed("models")}
KNOWN = listed("cases")
ALL = list(cases(CORPUS)) if CORPUS.exists() else []


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_recorded_case(case: Case):
    wrong = failure(case)
    reason = KNOWN.get(case.name)
    if wrong is None:
        assert reason is None, f"it passes; take it off gaps/cases.tsv ({reason})"
        return
    gap = re.search(r"(op|layer|model type) '(\w+)'.*has no lowering", wrong)
    reason = reason or (UNLOWERED[gap[1]].get(gap[2]) if gap else None)
    if reason is None:
        pytest.fail(wrong)
    pytest.xfail(reason)
